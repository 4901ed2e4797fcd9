"""What the tests of outages share: calls that are timed, and eyes that don't need our own code."""

import contextlib
import dataclasses
import os
import pathlib
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import psycopg

from base import processes
from tests import ports
from tests.faults.client_journal import FINISHED
from videoapi import local
from videoapi.processes import Program

COST = 10
CALL_SECONDS = 60  # then a call has had no answer, whatever it is that hangs


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a call was answered with, and after how many seconds; status 0 is no answer."""

    status: int
    seconds: float
    headers: Any = None
    body: Any = None

    @property
    def is_outage(self) -> bool:
        """Whether it is the 503 that a client can act on."""
        documented = self.headers is not None and self.headers["content-type"] == "application/problem+json"
        code = documented and self.body["error_code"]
        return self.status == 503 and code == "unavailable" and int(self.headers["retry-after"]) > 0


class Caller:
    """One user at one web address. It does not retry: what is answered is what is tested.

    A call that hangs is given up by the client, which is no answer: so an answer says that it did not hang.
    """

    def __init__(self, address: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx2.Client(base_url=address, headers=headers, timeout=CALL_SECONDS, trust_env=False)

    def close(self) -> None:
        self._http.close()

    def ask(self, path: str, method: str = "GET", **content: Any) -> Answer:
        began = time.monotonic()
        try:
            response = self._http.request(method, path, **content)
        except httpx2.TransportError:
            return Answer(0, time.monotonic() - began)
        is_json = "json" in response.headers.get("content-type", "")
        body = response.json() if is_json else response.content
        return Answer(response.status_code, time.monotonic() - began, response.headers, body)

    def submit(self, prompt: str, key: str | None = None, model: str = "rehearsal") -> Answer:
        headers = {"Idempotency-Key": key or os.urandom(8).hex()}
        order = {"prompt": prompt, "model": model, "resolution": "sd_480p"}
        return self.ask("/videos/generate", "POST", headers=headers, json=order)

    def order(self, prompt: str, model: str = "rehearsal") -> str:
        """Have one job made, and return its id: for tests that only need one."""
        key = os.urandom(8).hex()
        answer = recovered(lambda: self.submit(prompt, key, model))
        assert answer.status == 202, answer
        return str(answer.body["job_id"])

    def status(self, job_id: str) -> Answer:
        return self.ask(f"/videos/jobs/{job_id}/status")

    def balance(self) -> tuple[int, int]:
        body = recovered(lambda: self.ask("/dust/balance")).body
        return body["balance"], body["held"]

    def kinds(self, job_id: str) -> list[str]:
        """The money moves of a job."""
        rows = recovered(lambda: self.ask("/dust/transactions?limit=100")).body["transactions"]
        return sorted(row["kind"] for row in rows if row["job_id"] == job_id)


class Stream(threading.Thread):
    """Calls `function` again and again until `stop`; `answers` is what came back."""

    def __init__(self, function: Any) -> None:
        super().__init__(daemon=True)
        self.answers: list[Answer] = []
        self._function = function
        self._ended = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._ended.is_set():
            self.answers.append(self._function())
            time.sleep(0.05)

    def stop(self) -> list[Answer]:
        self._ended.set()
        self.join(2 * CALL_SECONDS)
        assert not self.is_alive(), "a call hangs"
        return self.answers


def wait_for(condition: Any, seconds: float = 240) -> Any:
    """Return what `condition` returns once it is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.2)
    return found


def recovered(call: Any, seconds: float = 120) -> Answer:
    """Return the first answer of `call` that is none of an outage."""
    return wait_for(lambda: (answer := call()).status not in (0, 503) and answer, seconds)


def finished(caller: Caller, job_id: str, seconds: float = 240) -> dict[str, Any]:
    """Return the final status of a job, polling through whatever is answered meanwhile."""

    def final() -> Any:
        answer = caller.status(job_id)
        return answer.status == 200 and answer.body["status"] in FINISHED and answer.body

    return wait_for(final, seconds)


def started(caller: Caller, job_id: str) -> None:
    """Wait until a worker is at it."""
    wait_for(lambda: (answer := caller.status(job_id)).status == 200 and answer.body["progress"] > 0)


def rows(url: str, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Ask the database itself."""
    with psycopg.connect(url) as connection:
        return connection.execute(query, parameters).fetchall()


@contextlib.contextmanager
def workers_killed(live: Any) -> Iterator[None]:
    """Kill -9 all workers of an installation as if at one moment, with every process of their clusters.

    Until the end of the block none is started again. Then what they had leased is free at once: the leases
    are long, so that no machine is too slow for them, and would be waited for.
    """
    found = [(process, _words(process)) for process in processes.marked(live.children.mark)]
    supervisors = [process for process, words in found if b"worker" in words]
    clusters = [process for process, words in found if b"qcluster" in words]
    assert supervisors
    assert clusters
    for process in supervisors:  # which don't see the others die, however long it takes to kill them
        os.kill(process.pid, signal.SIGSTOP)
    try:
        _kill(clusters)
        workers = _column(live, "SELECT worker FROM jobs_job WHERE worker <> ''")
        claims = _column(live, "SELECT claim FROM webhooks_delivery WHERE claim IS NOT NULL")
        yield
    finally:
        _kill(supervisors)
    # by these names: those started since may have leased something, too
    live.sql(f"UPDATE jobs_job SET lease_expires_at = created_at WHERE worker IN ({workers})")
    live.sql(f"UPDATE webhooks_delivery SET next_at = created_at WHERE claim IN ({claims})")


def _words(process: processes.Process) -> list[bytes]:
    with contextlib.suppress(OSError):  # it has just ended
        return pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")
    return []


def _kill(killed: list[processes.Process]) -> None:
    for process in killed:
        processes.kill(process)
    wait_for(lambda: not any(processes.is_running(process) for process in killed))


def _column(live: Any, query: str) -> str:
    """What a query finds, as SQL has it after IN."""
    return ", ".join(f"'{value}'" for (value,) in live.sql(query)) or "NULL"


def another_worker(live: Any, queue: str, **environment: str) -> None:
    """Start one more worker of an installation, with one process, for a queue of its own."""
    settings = [f"{key}={value}" for key, value in environment.items()]
    command = ("env", *settings, *local.worker().command, f"--queue={queue}=1")
    live.children.start(Program(queue, command, restart=True))


def another_web(live: Any, name: str, **environment: str) -> str:
    """Start one more web process of an installation, and return its address."""
    port = ports.reserve()
    plain = local.web(ports.HOST, port)
    settings = [f"{key}={value}" for key, value in environment.items()]
    live.children.start(Program(name, ("env", *settings, *plain.command)))
    address = local.address(ports.HOST, port)
    caller = Caller(address, "nobody")
    wait_for(lambda: caller.ask("/healthz").status == 200)
    caller.close()
    return address
