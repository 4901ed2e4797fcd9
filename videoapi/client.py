"""A client of our own HTTP API, as `run` and `demo` use it: through the front door, and patient."""

import time
from collections.abc import Iterator
from typing import Any

import httpx2

PATIENCE_SECONDS = 60.0  # of one call, over all its tries
POLL_SECONDS = 0.5
LONGEST_JOB_SECONDS = 900.0
FINISHED = ("completed", "failed", "cancelled")


class ApiError(Exception):
    """The API said no, or did not answer in time."""


class Api:
    """The API at one address, as one caller. Every call may safely be repeated, and is, while it is away."""

    def __init__(self, address: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx2.Client(base_url=address, headers=headers, timeout=30, trust_env=False)

    def close(self) -> None:
        self._http.close()

    def is_ready(self) -> bool:
        """Tell whether it answers right now, and a worker is alive."""
        try:
            response = self._http.get("/videos/stats")
        except httpx2.TransportError:
            return False
        return response.status_code == 200 and bool(response.json()["is_running"])

    def get(self, path: str) -> Any:
        """Return what is at `path`. Raise ApiError."""
        return self._answer("GET", path).json()

    def submit(self, path: str, *, key: str, **content: Any) -> Any:
        """Order a video; the same `key` never makes, or costs, a second one. Raise ApiError."""
        return self._answer("POST", path, headers={"Idempotency-Key": key}, **content).json()

    def download(self, address: str) -> bytes:
        """Return the bytes of a file. Raise ApiError."""
        return self._answer("GET", address).content

    def follow(self, job_id: str) -> Iterator[Any]:
        """Yield the job's status again and again; the last one is final. Raise ApiError."""
        deadline = time.monotonic() + LONGEST_JOB_SECONDS
        while time.monotonic() < deadline:
            status = self.get(f"/videos/jobs/{job_id}/status")
            yield status
            if status["status"] in FINISHED:
                return
            time.sleep(POLL_SECONDS)
        raise ApiError(f"Job {job_id} was not finished after {LONGEST_JOB_SECONDS:.0f} seconds.")

    def refusal(self, path: str) -> tuple[int, Any]:
        """Return status and body of an answer that is expected to be a no. Raise ApiError."""
        response = self._patiently("GET", path)
        return response.status_code, response.json()

    def _answer(self, method: str, path: str, **content: Any) -> httpx2.Response:
        response = self._patiently(method, path, **content)
        if response.status_code >= 400:
            raise ApiError(f"{method} {path} answered {response.status_code}: {response.text[:500]}")
        return response

    def _patiently(self, method: str, path: str, **content: Any) -> httpx2.Response:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                response = self._http.request(method, path, **content)
            except httpx2.TransportError as error:
                if time.monotonic() > deadline:
                    raise ApiError(f"{method} {path} got no answer: {error}") from error
            else:
                if response.status_code not in (429, 503) or time.monotonic() > deadline:
                    return response
            time.sleep(POLL_SECONDS)
