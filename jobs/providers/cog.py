"""A Cog server of your own: https://github.com/replicate/cog/blob/main/docs/http.md.

It can't be asked how a prediction stands, so the connection is held open until the video is made. A server
drops the prediction of a connection that is gone, and nobody is billed for it: this is a local provider whose
process holds the connection, and to end the process is to cancel.

Options: `url` (of the server, as `http://gpu-1:5000`), `names` (of the model's inputs; "" leaves one out:
`prompt`, `image` and `seed`, and, if named, `duration`, `width`, `height`, `camera_fixed` and `portrait`),
`fields` (further input), `output` (which of several named outputs is the video: "video"), `patience` (seconds
that a server which is away or has broken down is waited for: 120).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jobs.providers import inspection
from jobs.providers.base import (
    ESTIMATED,
    ESTIMATED_MOST,
    FailureCode,
    Generation,
    LocalProvider,
    Progress,
    ProviderError,
    Rendered,
)
from jobs.providers.cog_options import PATIENCE, names
from jobs.providers.exchange import data_url
from jobs.providers.named import by_name, chosen
from jobs.providers.remote import LONGEST_DETAIL, Reply, Request, failure, refusal, words
from jobs.wire import NoReply, NotSent, TooLarge, Wire

LARGEST_ANSWER = 256 * 1024 * 1024  # bytes; a video in it takes four thirds of its own size
A_DAY = 86400.0  # seconds; how long the work may take is for those who hold the process
LOOK_SECONDS = 1.0  # between two words about how it goes
WAIT_SECONDS = 2.0  # before a server that is busy or away is asked again
HEALTH_SECONDS = 10.0  # for its word on how it is
HEALTH_EVERY = 20.0  # seconds, of a server that is at work
MISSES = 3  # such words in a row that did not come
WAITING = "Waiting for the model's server"
BROKEN_DOWN = frozenset({"SETUP_FAILED", "DEFUNCT", "UNHEALTHY"})
BUSY_OR_STARTING = frozenset({202, 409, 503})


class Cog(LocalProvider):
    """Has videos made by a Cog server."""

    entry = {"features": ("seed",)}

    def generate(self, generation: Generation, folder: Path, progress: Progress) -> Rendered:
        """Make `video.mp4` and `poster.jpg` in `folder`.

        Raise ProviderError if the server can't be reached, gives up, or answers with no such video.
        """
        video = folder / "video.mp4"
        video.write_bytes(asyncio.run(_Visit(generation, folder, progress).made()))
        return inspection.look(video, folder, seconds=generation.duration_seconds)


class _Away(Exception):
    """The server is not there, or says that it is of no use; it may be back in a moment."""


class _Visit:
    """One prediction asked for, for as long as it takes."""

    def __init__(self, generation: Generation, folder: Path, progress: Progress) -> None:
        self._generation = generation
        self._answer = folder / "answer.json"
        self._progress = progress
        self._url = str(generation.options.get("url", "")).rstrip("/")

    async def made(self) -> bytes:
        """Return the video."""
        async with Wire(connections=2) as wire:
            await self._predicted(wire)
            said = _parsed(self._answer)
            self._answer.unlink()
            try:
                return _video(said, self._generation)
            except ProviderError as error:
                raise await self._blamed(wire, error) from error

    async def _predicted(self, wire: Wire) -> None:
        """Have the answer written; wait while the server is busy or starting, and a little if it is away."""
        there = time.monotonic()
        while True:
            try:
                await self._require_health(wire)
                reply = await self._asked(wire)
                there = time.monotonic()
                if reply.status == 200:
                    return
                if reply.status not in BUSY_OR_STARTING:
                    raise _refused(reply)
            except _Away as why:
                if time.monotonic() - there > self._generation.options.get("patience", PATIENCE):
                    raise _unavailable(str(why), retryable=True) from why
            self._progress(0.0, WAITING)
            await asyncio.sleep(WAIT_SECONDS)

    async def _asked(self, wire: Wire) -> Reply:
        """Send the prediction, and return the answer, whose content is in the file if its status is 200."""
        name = f"{self._generation.job_id.hex}-{self._generation.attempt}"
        url = f"{self._url}/predictions/{name}"
        request = Request(method="PUT", url=url, json={"input": _input(self._generation)})
        sending = wire.save(request, self._answer, max_bytes=LARGEST_ANSWER, timeout=A_DAY)
        asking = asyncio.create_task(sending)
        try:
            await self._watch(wire, asking)
            return await asking
        except NotSent as error:
            raise _Away(f"The server at {self._url} can't be reached: {error}") from error
        except (NoReply, _Away) as error:
            raise _unavailable(f"The server at {self._url} broke off: {error}", retryable=True) from error
        except TooLarge as error:
            raise _unavailable(f"The server's answer has more than {LARGEST_ANSWER} bytes.") from error
        finally:
            asking.cancel()

    async def _watch(self, wire: Wire, asking: asyncio.Task[Reply]) -> None:
        """Tell how it goes until the answer is there. Raise _Away if the server is gone without a word."""
        began = asked = time.monotonic()
        misses = 0
        while not (await asyncio.wait([asking], timeout=LOOK_SECONDS))[0]:
            now = time.monotonic()
            share = min((now - began) / max(self._generation.expected_seconds, 1.0), 1.0)
            self._progress(share * ESTIMATED_MOST, ESTIMATED)
            if now - asked > HEALTH_EVERY:
                asked = now
                misses = 0 if await self._status(wire) is not None else misses + 1
                if misses >= MISSES:
                    raise _Away("it does not say any more how it is")

    async def _require_health(self, wire: Wire) -> None:
        """Raise _Away if there is nobody, or one that could not load its model or has broken down."""
        status = await self._status(wire)
        if status is None or status in BROKEN_DOWN:
            said = f"says that it is {status}" if status else "did not answer"
            raise _Away(f"The server at {self._url} {said}.")

    async def _status(self, wire: Wire) -> str | None:
        """Return what the server says of itself, "" if that is no word; None if it does not answer."""
        with contextlib.suppress(NotSent, NoReply):
            asked = Request(method="GET", url=f"{self._url}/health-check")
            reply = await wire.ask(asked, timeout=HEALTH_SECONDS)
            status = reply.body.get("status") if isinstance(reply.body, Mapping) else None
            return status if isinstance(status, str) else ""
        return None

    async def _blamed(self, wire: Wire, error: ProviderError) -> ProviderError:
        """Return what a failure is where the server itself has broken down: no fault of this order's."""
        if error.code is FailureCode.CONTENT_REJECTED:
            return error  # whatever became of the server: this is never tried again
        status = await self._status(wire)
        if status is not None and status not in BROKEN_DOWN:
            return error
        detail = f"{error.detail} The server then said that it is {status or 'nothing'}."
        return _unavailable(detail, retryable=True)


def _input(generation: Generation) -> dict[str, Any]:
    options = generation.options
    given = {
        "prompt": generation.prompt,
        "image": _data_url(generation.image),
        "portrait": _data_url(generation.portrait),
        "duration": generation.duration_seconds,
        "width": generation.width,
        "height": generation.height,
        "seed": generation.seed,
        "camera_fixed": generation.camera_fixed,
    }
    return {**by_name(names(options), given), **options.get("fields", {})}


def _data_url(picture: Path | None) -> str | None:
    return data_url(picture.read_bytes()) if picture else None


def _parsed(answer: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(answer.read_bytes())
    except (ValueError, RecursionError) as error:
        raise _unavailable(f"The server's answer is no JSON: {error}") from error
    if not isinstance(found, Mapping):
        raise _unavailable("The server's answer is no prediction.")
    return found


def _video(said: Mapping[str, Any], generation: Generation) -> bytes:
    """Return the file that a prediction has, which has ended."""
    status, why = said.get("status"), str(said.get("error") or "It gave no reason.")
    if status == "failed":
        raise ProviderError(failure("", why), why[:LONGEST_DETAIL])
    if status != "succeeded":  # it is "canceled", or none that is known
        raise _unavailable(f"The prediction ended as {str(status)!r}.", retryable=status == "canceled")
    output = chosen(said.get("output"), generation.options.get("output", "video"))
    head, comma, content = (output or "").partition(",")
    if not (comma and head.startswith("data:") and head.endswith(";base64")):
        raise _unavailable(f"It succeeded without a video in its answer: {said.get('output')!r:.200}")
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _unavailable(f"Its video is no base64: {error}") from error


def _refused(reply: Reply) -> ProviderError:
    if 400 <= reply.status < 500:
        why = refusal(reply)
        return ProviderError(why.code, why.detail, retryable=why.again)
    return _unavailable(f"HTTP {reply.status}: {words(reply)}", retryable=reply.status >= 500)


def _unavailable(detail: str, *, retryable: bool = False) -> ProviderError:
    return ProviderError(FailureCode.PROVIDER_UNAVAILABLE, detail[:LONGEST_DETAIL], retryable=retryable)
