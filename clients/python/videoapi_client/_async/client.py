"""Where everything begins: one client for one caller of one installation."""

import builtins
from types import TracebackType
from typing import Self, Unpack

import httpx2

from videoapi_client._async.job import AsyncJob
from videoapi_client._async.lists import AsyncList
from videoapi_client._async.transport import AsyncTransport
from videoapi_client._async.videos import AsyncVideos
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


class AsyncVideoClient:
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
        http: httpx2.AsyncClient | None = None,
    ) -> None:
        self._transport = AsyncTransport(
            base_url,
            token,
            retries=retries,
            request_timeout=request_timeout,
            outage_seconds=outage_seconds,
            streams=streams,
            http=http,
        )
        self.videos = AsyncVideos(self._transport)
        self.jobs = AsyncJobs(self._transport)
        self.dust = AsyncDust(self._transport)

    async def aclose(self) -> None:
        """Close the connections. A `with` block does it by itself."""
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def models(self) -> list[Model]:
        """Return what can be asked for, with prices."""
        models: list[Model] = await self._transport.json(Call(path="/videos/models"))
        return models

    async def quote(self, **query: Unpack[QuoteQuery]) -> Quote:
        """Return what a submit would cost and take now."""
        quote: Quote = await self._transport.json(Call(path="/videos/quote", query=dict(query)))
        return quote

    async def statistics(self) -> Statistics:
        """Return how the installation is doing."""
        statistics: Statistics = await self._transport.json(Call(path="/videos/stats"))
        return statistics


class AsyncJobs:
    """The caller's jobs."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    def get(self, job_id: str) -> AsyncJob:
        """Return a handle of a job that was submitted before. Nothing is asked yet."""
        return AsyncJob(self._transport, job_id)

    async def active(self) -> builtins.list[ActiveJob]:
        """Return the unfinished jobs, oldest first."""
        jobs: list[ActiveJob] = (await self._transport.json(Call(path="/videos/jobs/active")))["active_jobs"]
        return jobs

    def list(self, *, status: Status | None = None, limit: int = 20) -> AsyncList[ListedJob]:
        """Return all jobs, newest first; `limit` is how many are fetched at once."""
        query = {"status": status, "limit": limit}
        return AsyncList(self._transport, "/videos/jobs", name="jobs", identity="job_id", query=query)


class AsyncDust:
    """The caller's DUST."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def balance(self) -> Balance:
        """Return what the caller owns, and can spend."""
        balance: Balance = await self._transport.json(Call(path="/dust/balance"))
        return balance

    def transactions(self, *, limit: int = 20) -> AsyncList[Transaction]:
        """Return what moved the caller's DUST, newest first."""
        query = {"limit": limit}
        path = "/dust/transactions"
        return AsyncList(self._transport, path, name="transactions", identity="id", query=query)
