"""`make bench-remote`: many remote jobs in flight on one worker process, against a provider's stand-in.

`JOBS` (1000) is how many, `TAKES` (150) how many seconds the provider works on each, `POLL` (5) the seconds
between two questions. It prints what one process needs and how late it notices that a job is done. It asserts
nothing.
"""

import json
import os
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from bench import databases
from tests.live import Installation
from tests.remote.stand_ins.openai_videos import OpenAIStandIn
from tests.remote.stand_ins.works import Work

LOOK_SECONDS = 1.0
KEY = "a-secret-key"


class Clocked(OpenAIStandIn):
    """Notes the wall clock, to be compared with the database's on the same machine."""

    def done_at(self, work: Work) -> float:
        return time.time() - time.monotonic() + work.since + work.takes


def main() -> None:
    """Submit all jobs, wait until they have ended, and print the figures."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.settings")
    jobs, takes = int(os.environ.get("JOBS", "1000")), float(os.environ.get("TAKES", "150"))
    server = os.environ.get("BENCH_DATABASE_URL") or databases.LOCAL
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        databases.throw_away(server, Path(folder)) as url,
        Clocked(takes=takes) as provider,
        Installation(Path(folder), **_settings(provider, url, jobs)) as live,
    ):
        print(json.dumps(_measure(live, provider, url, jobs), indent=1))


def _settings(provider: Clocked, url: str, jobs: int) -> dict[str, str]:
    remote = {
        "base_url": provider.base_url,
        "key": "FAR_KEY",
        "poll_seconds": float(os.environ.get("POLL", "5")),
        "in_flight": jobs + 1,
        "per_second": 1000,
    }
    entry = {
        "title": "Far",
        "provider": "jobs.providers.openai_videos.OpenAIVideos",
        "seconds_of_work": provider.takes / 5,
        "remote": remote,
    }
    return {
        **({"DATABASE_URL": url} if url else {}),
        "VIDEO_MODELS": json.dumps({"far": entry}),
        "FAR_KEY": KEY,
        "WORKER_QUEUES": "remote=1",
        "DUST_OPENING_GRANT": "1000000",
        "MAX_ACTIVE_JOBS": str(jobs + 1),
        "RATE_SUBMIT": "1000000/min",
        "RATE_READ": "1000000/min",
        "LOG_LEVEL": "WARNING",
    }


def _measure(live: Installation, provider: Clocked, url: str, jobs: int) -> dict[str, Any]:
    api = live.user("ada")
    warm = _submit(api, "Warm")
    while api.get(f"/videos/jobs/{warm}/status")["status"] != "completed":
        time.sleep(LOOK_SECONDS)
    before = {pid: (_resident(pid), _seconds(pid)) for pid in _processes(live)}
    began = time.monotonic()
    for number in range(jobs):
        _submit(api, f"Wave {number}")
    submitted = time.monotonic() - began
    most: dict[str, float] = {"in flight": 0, "connections": 0}
    peaks = {pid: resident for pid, (resident, _) in before.items()}
    with psycopg.connect(url, autocommit=True) as database:
        while left := _one(database, "SELECT count(*) FROM jobs_job WHERE finished_at IS NULL"):
            flying = sum(work.share < 1 for work in list(provider.works.values()))
            seen = {"in flight": flying, "connections": _connections(database)}
            most = {name: max(value, seen[name]) for name, value in most.items()}
            peaks = {pid: max(peak, _resident(pid)) for pid, peak in peaks.items()}
            print(
                f"{time.monotonic() - began:6.0f} s: {left} left, {flying} at the provider", file=sys.stderr
            )
            time.sleep(LOOK_SECONDS)
        ended = database.execute(
            "SELECT t.remote_id, extract(epoch FROM j.finished_at), j.status FROM jobs_job j"
            " JOIN jobs_remotetask t ON t.job_id = j.id WHERE j.id <> %s",
            [warm],
        ).fetchall()
    spent = {pid: _seconds(pid) - seconds for pid, (_, seconds) in before.items()}
    driver = max(spent, key=lambda pid: spent[pid])
    late = sorted(float(at) - provider.done_at(provider.works[name]) for name, at, _ in ended)
    polls = sum(work.polls for work in provider.works.values())
    return {
        "jobs": jobs,
        "completed": sum(status == "completed" for *_, status in ended),
        "submitted in s": round(submitted, 1),
        "all done after s": round(time.monotonic() - began, 1),
        "most in flight": most["in flight"],
        "driver, MB before and at most": [round(before[driver][0]), round(peaks[driver])],
        "KB more for each in flight": round(
            (peaks[driver] - before[driver][0]) * 1024 / max(most["in flight"], 1)
        ),
        "driver, processor seconds": round(spent[driver], 1),
        "polls": polls,
        "most connections of all workers": most["connections"],
        "done to completed, s": {
            "median": round(statistics.median(late), 2),
            "99 of 100": round(late[int(0.99 * (len(late) - 1))], 2),
            "worst": round(late[-1], 2),
        },
    }


def _submit(api: Any, prompt: str) -> str:
    body = {"prompt": prompt, "model": "far", "resolution": "hd_720p"}
    found: str = api.submit("/videos/generate", key=prompt, json=body)["job_id"]
    return found


def _processes(live: Installation) -> list[int]:
    """All processes of the workers: the one that works most drives."""
    mark = live.children.mark.encode()
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (path / "environ").read_bytes() and b"uvicorn" not in (path / "cmdline").read_bytes():
                found.append(int(path.name))
        except OSError:
            continue
    return found


def _resident(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def _seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _connections(database: psycopg.Connection[Any]) -> int:
    return _one(
        database,
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND application_name <> 'web'",
    )


def _one(database: psycopg.Connection[Any], query: str) -> int:
    row = database.execute(query).fetchone()
    return int(row[0]) if row else 0


if __name__ == "__main__":
    main()
