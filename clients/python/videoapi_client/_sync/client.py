"""Where everything begins: one client for one caller of one installation."""

import builtins
from types import TracebackType
from typing import Self, Unpack

import httpx2

from videoapi_client._sync.job import Job
from videoapi_client._sync.lists import List
from videoapi_client._sync.transport import Transport
from videoapi_client._sync.videos import Videos
from videoapi_client.types import (
    ActiveJob,
    Balance,
    ListedJob,
    Model,
    Quote,
    QuoteQuery,
    Statistics,
    Status,
    Transaction,
)
from videoapi_client.wire import Call, Token


class VideoClient:
    """The API at one address, as one caller.

    `token` may be a function that returns the current one. A call is sent again up to `retries` times when no
    answer came or one that passes by itself; a try is given up when nothing moves for `request_timeout`
    seconds. Waiting for a job goes on for `outage_seconds` without any answer. At most `streams` jobs are
    followed over connections that stay open; further ones are asked about from time to time. `http` is used
    in place of a client of our own.
    """

    def __init__(
        self,
        base_url: str,
        token: Token,
        *,
        retries: int = 5,
        request_timeout: float = 60.0,
        outage_seconds: float = 300.0,
        streams: int = 50,
        http: httpx2.Client | None = None,
    ) -> None:
        self._transport = Transport(
            base_url,
            token,
            retries=retries,
            request_timeout=request_timeout,
            outage_seconds=outage_seconds,
            streams=streams,
            http=http,
        )
        self.videos = Videos(self._transport)
        self.jobs = Jobs(self._transport)
        self.dust = Dust(self._transport)

    def close(self) -> None:
        """Close the connections. A `with` block does it by itself."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def models(self) -> list[Model]:
        """Return what can be asked for, with prices."""
        models: list[Model] = self._transport.json(Call(path="/videos/models"))
        return models

    def quote(self, **query: Unpack[QuoteQuery]) -> Quote:
        """Return what a submit would cost and take now."""
        quote: Quote = self._transport.json(Call(path="/videos/quote", query=dict(query)))
        return quote

    def statistics(self) -> Statistics:
        """Return how the installation is doing."""
        statistics: Statistics = self._transport.json(Call(path="/videos/stats"))
        return statistics


class Jobs:
    """The caller's jobs."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self, job_id: str) -> Job:
        """Return a handle of a job that was submitted before. Nothing is asked yet."""
        return Job(self._transport, job_id)

    def active(self) -> builtins.list[ActiveJob]:
        """Return the unfinished jobs, oldest first."""
        jobs: list[ActiveJob] = (self._transport.json(Call(path="/videos/jobs/active")))["active_jobs"]
        return jobs

    def list(self, *, status: Status | None = None, limit: int = 20) -> List[ListedJob]:
        """Return all jobs, newest first; `limit` is how many are fetched at once."""
        query = {"status": status, "limit": limit}
        return List(self._transport, "/videos/jobs", name="jobs", identity="job_id", query=query)


class Dust:
    """The caller's DUST."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def balance(self) -> Balance:
        """Return what the caller owns, and can spend."""
        balance: Balance = self._transport.json(Call(path="/dust/balance"))
        return balance

    def transactions(self, *, limit: int = 20) -> List[Transaction]:
        """Return what moved the caller's DUST, newest first."""
        query = {"limit": limit}
        path = "/dust/transactions"
        return List(self._transport, path, name="transactions", identity="id", query=query)
