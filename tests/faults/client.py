"""A patient HTTP client of an installation with several web servers, any of which may die at any moment."""

import dataclasses
import random
import threading
import time
from collections import Counter
from typing import Any

import httpx2

PATIENCE_SECONDS = 90.0  # of one call, over all its tries; every part of a storm is restarted within seconds
TIMEOUT = httpx2.Timeout(20.0, connect=3.0)
LONGEST_PAUSE = 1.5  # between two tries; an answer's Retry-After is kept up to here, so that storms are short
AGAIN = {429: ("rate_limited",), 409: ("idempotency_in_progress",)}


class GaveUp(Exception):
    """No answer came within the client's patience."""


@dataclasses.dataclass
class Answer:
    """The answer that came in the end, and how many earlier tries may have had an effect unseen."""

    status: int
    headers: httpx2.Headers
    content: bytes
    body: dict[str, Any]
    unknown: int

    @property
    def code(self) -> str:
        return str(self.body.get("error_code", ""))


class PatientClient:
    """One user's client; may be used by several threads. Repeats a call until it has an answer that lasts."""

    def __init__(self, addresses: list[str], token: str) -> None:
        self.answers: Counter[str] = Counter()
        self.retries = 0
        self.faults: list[str] = []
        self._addresses = addresses
        self._lock = threading.Lock()
        self._http = httpx2.Client(
            headers={"Authorization": f"Bearer {token}"}, timeout=TIMEOUT, trust_env=False
        )

    def close(self) -> None:
        self._http.close()

    def call(self, chance: random.Random, method: str, path: str, **content: Any) -> Answer:
        """Return an answer that is neither lost nor "try again". Raise GaveUp."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        unknown = 0
        while True:
            address = chance.choice(self._addresses)
            try:
                response = self._http.request(method, f"{address}{path}", **content)
            except httpx2.TransportError as error:
                self._count(f"lost: {type(error).__name__}")
                # not connected: nothing was sent
                unknown += not isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
                asked = None
            else:
                self._count(str(response.status_code))
                if not self._is_passing(method, path, response):
                    return _answer(response, unknown)
                unknown += response.status_code >= 500  # the commit's own answer may have been lost
                asked = response.headers.get("Retry-After")
            if time.monotonic() > deadline:
                raise GaveUp(f"{method} {path} got no lasting answer in {PATIENCE_SECONDS:.0f} seconds")
            self._count("", retry=True)
            time.sleep(min(float(asked or 0.1), LONGEST_PAUSE) * chance.uniform(0.3, 1.0))

    def _is_passing(self, method: str, path: str, response: httpx2.Response) -> bool:
        status = response.status_code
        if status >= 500 and status != 503:
            self._fault(f"{method} {path} answered {status}: {response.text[:300]}")
            return True
        if status not in (409, 429, 503):
            return False
        body = _answer(response, 0).body
        passing = status == 503 or body.get("error_code") in AGAIN.get(status, ())
        if passing and "Retry-After" not in response.headers:
            self._fault(f"{method} {path} answered {status} {body.get('error_code')} without Retry-After")
        return passing

    def _count(self, what: str, *, retry: bool = False) -> None:
        with self._lock:
            self.retries += retry
            if what:
                self.answers[what] += 1

    def _fault(self, sentence: str) -> None:
        with self._lock:
            self.faults.append(sentence)


def _answer(response: httpx2.Response, unknown: int) -> Answer:
    body = response.json() if "json" in response.headers.get("Content-Type", "") else {}
    return Answer(
        status=response.status_code,
        headers=response.headers,
        content=response.content,
        body=body if isinstance(body, dict) else {"list": body},
        unknown=unknown,
    )
