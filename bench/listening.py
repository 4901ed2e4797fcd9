"""The measurements of `bench.streams`, in a process whose settings name the database."""

import asyncio
import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import django

django.setup()  # what follows needs the apps

from django.core.management import call_command  # noqa: E402
from django.db import connection, connections  # noqa: E402

from accounts import tokens  # noqa: E402
from accounts.models import User  # noqa: E402
from bench import noise  # noqa: E402
from bench.calls import HOST  # noqa: E402
from jobs import lifecycle  # noqa: E402
from jobs.order import Order  # noqa: E402
from videoapi import local  # noqa: E402

RATE = int(os.environ.get("RATE", "100"))
CHANGES = int(os.environ.get("CHANGES", "3000"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
UPDATES = 25  # in a round, in one direction, of each writer
WRITERS = 8
OPENED_AT_ONCE = 20
START_SECONDS = 60.0
APPLICATION = "bench_web"  # what the web process is called in pg_stat_activity


class Listeners:
    """All streams, in an event loop of their own; `heard` is when each change came, by job and share."""

    def __init__(self, port: int) -> None:
        self.heard: dict[tuple[str, float], float] = {}
        self.ended: list[float] = []
        self.is_open = threading.Semaphore(0)
        self._port = port
        self._room = asyncio.Semaphore(OPENED_AT_ONCE)
        self._thread: threading.Thread | None = None

    def open(self, asked: list[tuple[str, str]]) -> None:
        """Open a stream for each (token, job); return when each has had its first event."""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._all(asked)))
        self._thread.start()
        for _ in asked:
            self.is_open.acquire()

    def join(self) -> None:
        """Wait until the server has ended them all."""
        assert self._thread is not None
        self._thread.join()

    async def _all(self, asked: list[tuple[str, str]]) -> None:
        await asyncio.gather(*(self._one(token, job_id) for token, job_id in asked))

    async def _one(self, token: str, job_id: str) -> None:
        async with self._room:
            reader, writer = await asyncio.open_connection(HOST, self._port)
            head = f"GET /videos/jobs/{job_id}/events HTTP/1.1\r\nHost: {HOST}\r\n"
            writer.write(f"{head}Authorization: Bearer {token}\r\n\r\n".encode())
            status = await reader.readline()
            if b" 200 " not in status:
                raise RuntimeError(f"the stream was refused: {status!r}")
            while not (await reader.readline()).startswith(b"data: "):
                pass
        self.is_open.release()
        while line := await reader.readline():
            if line.startswith(b"data: "):
                now = time.time()
                self.heard[job_id, json.loads(line[6:])["progress"]] = now
            elif line == b"0\r\n":  # the last chunk
                break
        self.ended.append(time.monotonic())
        writer.close()


def main(streams: int) -> None:
    """Print the measurements as JSON on standard output; say on standard error what is being done."""
    call_command("migrate", verbosity=0)
    say(f"{streams} users with a job each")
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")  # what is measured begins when they are there
        asked, jobs = made(streams)
        cursor.execute("SET synchronous_commit TO on")
    found = {"streams": streams, **_open_streams(asked, jobs)}
    say(json.dumps(found))  # should what follows be cut short
    say("progress updates with and without the trigger")
    found["progress update"] = cost(jobs)
    print(json.dumps(found, indent=1))


def made(number: int) -> tuple[list[tuple[str, str]], list[Any]]:
    """Return (token, job id) for each of so many users, and their jobs, all at work."""

    asked, jobs = [], []
    for each in range(number):
        user = User.objects.create(username=f"user{each}")
        order = Order(
            user_id=user.pk,
            generation_type="text_to_video",
            model="rehearsal",
            prompt="a quiet sea",
            duration="short",
            resolution="sd_480p",
            aspect_ratio="16:9",
            camera_fixed=False,
            seed=7,
            cost=0,
            expected_seconds=4.0,
        )
        job = lifecycle.claim(lifecycle.submit(order).id, worker="bench")
        lifecycle.accept(job)
        asked.append((tokens.issue(user, name="bench")[1], str(job.id)))
        jobs.append(job)
    return asked, jobs


def _open_streams(asked: list[tuple[str, str]], jobs: list[Any]) -> dict[str, Any]:

    port = local.free_port(HOST)
    environment = {**os.environ, "PGAPPNAME": APPLICATION, "DATABASE_POOL": "true"}
    web = subprocess.Popen(local.web(HOST, port).command, env=environment, stderr=subprocess.DEVNULL)
    try:
        warm(port, asked[:50])
        idle, threads = resident(web.pid), thread_count(web.pid)
        say("opening the streams")
        listeners, began = Listeners(port), time.monotonic()
        listeners.open(asked)
        opened = time.monotonic() - began
        time.sleep(3)  # threads of the openings end, pooled connections come to rest
        at_rest = {"resident MB": resident(web.pid), "threads": thread_count(web.pid)}
        at_rest["connections"] = of_the_web_process()
        say("changes")
        told = changes(listeners, jobs, web.pid)
        say("stopping")
        web.send_signal(signal.SIGTERM)
        stopped = time.monotonic()
        web.wait()
        gone = time.monotonic() - stopped
        listeners.join()
    finally:
        web.kill()
    return {
        "opened in s": round(opened, 1),
        "before": {"resident MB": round(idle, 1), "threads": threads},
        "open": {name: round(value, 1) for name, value in at_rest.items()},
        "resident KB for each stream": round((at_rest["resident MB"] - idle) * 1024 / len(asked), 1),
        **told,
        "SIGTERM to last stream ended, s": round(max(listeners.ended) - stopped, 2),
        "SIGTERM to process gone, s": round(gone, 2),
    }


def warm(port: int, asked: list[tuple[str, str]]) -> None:
    """Wait for the server, and have it do all that it will do once: imports, caches, pooled connections."""

    end = time.monotonic() + START_SECONDS
    for token, job_id in asked:
        for path in (f"/videos/jobs/{job_id}/status", f"/videos/jobs/{job_id}/events"):
            while True:
                client = http.client.HTTPConnection(HOST, port, timeout=30)
                try:
                    client.request("GET", path, headers={"Authorization": f"Bearer {token}"})
                    client.getresponse().readline()
                except OSError:
                    if time.monotonic() > end:
                        raise
                    time.sleep(0.2)
                else:
                    break
                finally:
                    client.close()
    time.sleep(3)


def changes(listeners: Listeners, jobs: list[Any], pid: int) -> dict[str, Any]:
    """Change one job after another at the rate that was asked for; return how late each was heard of."""

    committed: dict[tuple[str, float], float] = {}
    spent, most, began = processor_seconds(pid), 0, time.monotonic()
    for number in range(CHANGES):
        time.sleep(max(0.0, began + number / RATE - time.monotonic()))
        job, share = jobs[number % len(jobs)], round(0.0001 * (1 + number // len(jobs)), 4)
        lifecycle.progress(job, share=share, step="Drawing")
        committed[str(job.id), share] = time.time()
        if number % RATE == 0:
            most = max(most, of_the_web_process())
    took = time.monotonic() - began
    time.sleep(5)
    late = sorted(
        1000 * (listeners.heard[each] - at) for each, at in committed.items() if each in listeners.heard
    )
    return {
        "changes": len(committed),
        "changes a second": round(len(committed) / took, 1),
        "heard": len(late),
        "commit to event, ms": {
            "median": round(statistics.median(late), 1),
            "99 of 100": round(late[int(0.99 * (len(late) - 1))], 1),
            "worst": round(late[-1], 1),
        },
        "most connections": most,
        "processor seconds of the web process for a second": round(
            (processor_seconds(pid) - spent) / took, 2
        ),
    }


def cost(jobs: list[Any]) -> dict[str, Any]:
    """Return what a progress update takes with the trigger and without, alone and among others."""

    def switch(word: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE jobs_job {word} TRIGGER USER")

    def with_trigger(number: int) -> None:
        update(jobs, number)

    def together(number: int) -> None:
        writers(jobs)

    found = {}
    for name, call, times in (("alone", with_trigger, UPDATES), (f"{WRITERS} at once", together, 1)):
        spent: noise.Times = {"with": [], "without": []}
        for each in range(ROUNDS + 1):
            for word, how in (("ENABLE", "with"), ("DISABLE", "without")):
                switch(word)
                seconds = noise.side_by_side({"it": call}, times=times, rounds=1)["it"]
                if each:
                    spent[how] += seconds
        scale = 1 if times > 1 else WRITERS * UPDATES
        found[name] = {how: ms(values, scale) for how, values in spent.items()}
    switch("ENABLE")
    return found


def ms(values: list[float], scale: int) -> str:
    """Return the median in ms of one update, and the quartiles."""

    spread = noise.Spread.of([1000 * value / scale for value in values])
    return f"{spread.median:.3f} ms ({spread.low:.3f} to {spread.high:.3f})"


def update(jobs: list[Any], number: int) -> None:

    lifecycle.progress(jobs[number % len(jobs)], share=0.5, step="Drawing")


def writers(jobs: list[Any]) -> None:
    """Make updates by several connections at once, each of jobs of its own."""

    def some(first: int) -> None:
        own = jobs[first::WRITERS]
        for number in range(UPDATES):
            update(own, number)
        connections.close_all()

    threads = [threading.Thread(target=some, args=(first,)) for first in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def of_the_web_process() -> int:
    """Return how many connections the web process has."""

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", [APPLICATION])
        return int(cursor.fetchone()[0])


def resident(pid: int) -> float:
    """Return MB in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def thread_count(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
