"""The process that makes one render after the other: `python -m jobs.kept_child PARENT MEGABYTES`.

Orders come as JSON lines on standard input, and are answered as those of `jobs.render_child` are; their
pictures are prepared. `{"stop": true}` drops the one at work, and is answered `stopped` in any case. While
it is at work, it says every few seconds how far it is: loading a model, or one step, may outlast a lease.
"""

import contextlib
import functools
import json
import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.utils.module_loading import import_string

from jobs import channel, limits, render_child
from jobs.images import Picture
from jobs.providers.base import LocalProvider

REPEAT_SECONDS = 2.0


def main() -> None:
    """Work until standard input ends."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "videoapi.settings")
    logging.basicConfig(level=logging.INFO)  # to standard error, which staff read when something fails
    voice, orders = Voice(), Orders()
    limits.apply_lasting(memory_mb=int(sys.argv[2]), worker=int(sys.argv[1]))
    for order in orders:
        if "stop" in order:
            orders.forget_stop()
            voice.say("stopped", {})
            continue
        limits.end_after(order["seconds"])
        work = functools.partial(_work, order, voice, orders)
        with contextlib.suppress(Dropped):  # the line that asks for it comes next, and has its answer
            render_child.answer(work, voice.say)
        limits.let_rest()


class Dropped(Exception):
    """What is at work is not wanted any more."""


class Orders:
    """The lines of standard input, read at once so that a stop is seen while a render is at work."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._stop = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        while True:
            yield self._waiting.get()

    def require_wanted(self) -> None:
        """Raise Dropped if what is at work is to stop."""
        if self._stop.is_set():
            raise Dropped

    def forget_stop(self) -> None:
        self._stop.clear()

    def _read(self) -> None:
        for line in sys.stdin:
            order = json.loads(line)
            if "stop" in order:
                self._stop.set()
            self._waiting.put(order)
        os._exit(1)  # the worker is gone


class Voice:
    """The channel; what was last said of a render's progress is said again and again."""

    def __init__(self) -> None:
        self._channel = render_child.Channel()
        self._lock = threading.Lock()
        self._latest: dict[str, Any] | None = None
        threading.Thread(target=self._repeat, daemon=True).start()

    def say(self, kind: str, content: dict[str, Any]) -> None:
        with self._lock:
            if kind != "accepted":
                self._latest = content if kind == "progress" else None
            self._channel.say(kind, content)

    def _repeat(self) -> None:
        while True:
            time.sleep(REPEAT_SECONDS)
            with self._lock:
                if self._latest is not None:
                    self._channel.say("progress", self._latest)


def _work(order: dict[str, Any], voice: Voice, orders: Orders) -> dict[str, Any]:
    voice.say("progress", render_child.progress(0.0, "Preparing"))
    generation = render_child.generation_of(
        order["generation"], _picture(order["image"]), _picture(order["portrait"])
    )
    provider = _provider(order["provider"])
    voice.say("accepted", {})

    def report(share: float, step: str) -> None:
        orders.require_wanted()
        voice.say("progress", render_child.progress(share, step))

    return channel.as_json(provider.generate(generation, Path(order["folder"]), report))


@functools.cache
def _provider(path: str) -> LocalProvider:
    provider: LocalProvider = import_string(path)()
    return provider


def _picture(given: dict[str, Any] | None) -> Picture | None:
    return Picture(**{**given, "path": Path(given["path"])}) if given else None


if __name__ == "__main__":
    main()
