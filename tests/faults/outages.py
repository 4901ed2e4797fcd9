"""What the tests of outages share: calls that are timed, and eyes that don't need our own code."""

import dataclasses
import os
import threading
import time
from typing import Any

import httpx2
import psycopg

from tests import ports
from tests.faults.client_journal import FINISHED
from videoapi import local
from videoapi.processes import Program

COST = 10
PROMPT = {"model": "rehearsal", "resolution": "sd_480p"}


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
    """One user at one web address. It does not retry: what is answered is what is tested."""

    def __init__(self, address: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx2.Client(base_url=address, headers=headers, timeout=60, trust_env=False)

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

    def submit(self, prompt: str, key: str | None = None) -> Answer:
        headers = {"Idempotency-Key": key or os.urandom(8).hex()}
        return self.ask("/videos/generate", "POST", headers=headers, json={**PROMPT, "prompt": prompt})

    def order(self, prompt: str) -> str:
        """Have one job made, and return its id: for tests that only need one."""
        key = os.urandom(8).hex()
        answer = recovered(lambda: self.submit(prompt, key))
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
        self.join(60)
        return self.answers


def wait_for(condition: Any, seconds: float = 120) -> Any:
    """Return what `condition` returns once it is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.2)
    return found


def recovered(call: Any, seconds: float = 20) -> Answer:
    """Return the first answer of `call` that is none of an outage."""
    return wait_for(lambda: (answer := call()).status not in (0, 503) and answer, seconds)


def finished(caller: Caller, job_id: str, seconds: float = 120) -> dict[str, Any]:
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
