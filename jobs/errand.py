"""One claimed job on a remote provider: submit once, wait, fetch, complete; or fail, or find out.

Each await may be the last: the process may be killed at any of them, and another goes on from what the
database says. Nothing is held meanwhile but the lease, which the driver renews for all its jobs at once.
"""

import asyncio
import contextlib
import datetime
import logging
import random
import time
from collections.abc import Callable

from jobs import fetching, formats, lifecycle, remote_tasks, submitting, upstreams
from jobs.errors import JobLost
from jobs.models import Job, RemoteState
from jobs.office import Office
from jobs.providers.base import FailureCode, ProviderError
from jobs.providers.remote import (
    Ask,
    Cost,
    Made,
    NotMade,
    Outcome,
    Reply,
    Request,
    Unreadable,
    Working,
    pause,
    words,
)
from jobs.states import Status
from jobs.submitting import ASK_SECONDS, Engaged, Lost, Waits
from jobs.wire import NoReply, NotSent

logger = logging.getLogger(__name__)

FETCHES = 6  # tries to get a finished video, each with a fresh address
GONE = 6  # polls in a row that are told the work is not known
LONGEST_SILENCE = 60.0  # seconds between two polls of a provider that does not answer
NEWS = 0.05  # of the work; smaller steps are not written
ESTIMATED_MOST = 0.95
MILLION = 1_000_000


async def run(errand: "Errand") -> None:
    """Bring a claimed job to an end, or back to waiting. Nothing is raised but a cancellation."""
    job, office = errand.job, errand.office
    with contextlib.suppress(JobLost):
        try:
            await errand.run()
        except ProviderError as error:
            await office.write(lifecycle.fail, job, code=error.code, detail=error.detail)
        except Waits as why:
            await _put_off(job, why, office)
        except OSError as error:  # storage or disk: perhaps gone in a moment; the video is still there
            logger.exception("job %s: storage", job.id)
            await _put_off(job, Waits(upstreams.LONGEST_PAUSE, f"Storage failed: {error}"), office)
        except JobLost:
            raise
        except Exception as error:  # the outer edge: whatever an adapter does, the user gets the DUST back
            logger.exception("job %s", job.id)
            detail = f"{type(error).__name__}: {error}"
            await _fail_for_review(job, Lost(FailureCode.INTERNAL_ERROR, detail), office)


async def _put_off(job: Job, why: Waits, office: Office) -> None:
    if await office.write(remote_tasks.is_overdue, job):
        code = FailureCode.PROVIDER_UNAVAILABLE
        await _fail_for_review(job, Lost(code, f"It waited as long as any may. {why.why}"), office)
        return
    delay = datetime.timedelta(seconds=why.seconds * random.uniform(1.0, 1.3))  # noqa: S311 - no secret
    await office.write(lifecycle.release, job, step=upstreams.DOWN, why=why.why, delay=delay)


async def _fail_for_review(job: Job, why: Lost, office: Office) -> None:
    task = await office.write(remote_tasks.current, job)
    if task is None:
        await office.write(lifecycle.fail, job, code=why.code, detail=why.detail)
    else:
        await office.write(remote_tasks.lose, job, task, code=why.code, detail=why.detail)


class Errand:
    """What one job's way through a provider needs to remember."""

    def __init__(self, job: Job, office: Office) -> None:
        self.job = self._job = job
        self.office = self._office = office
        self._share, self._step = 0.0, ""
        self._silent = self._gone = 0
        self._engaged: Engaged | None = None

    @property
    def is_engaged(self) -> bool:
        """Whether a provider is known to have its job."""
        return self._engaged is not None

    async def run(self) -> None:
        job, office = self._job, self._office
        try:
            self._engaged = engaged = await submitting.engage(job, office)
            if job.status == Status.STARTING:
                await office.write(lifecycle.accept, job)
            await self._see_through(engaged)
        except Lost as why:
            await self._withdraw()
            await _fail_for_review(job, why, office)

    async def _withdraw(self) -> None:
        """Ask the provider to stop work that nobody waits for any more, and note what it says."""
        engaged = self._engaged
        if engaged is None or engaged.task.state != RemoteState.TAKEN:
            return
        request = engaged.adapter.cancel(remote_tasks.handle(engaged.task))
        if request is None:
            return
        try:
            self._require_home(engaged, request)
            reply = await self._office.wire.ask(request, timeout=ASK_SECONDS)
            said = f"HTTP {reply.status}"
        except (NotSent, NoReply, Lost) as error:
            said = str(error)
        message = f"{engaged.model.alias} was asked to cancel it: {said}"
        await self._office.write(lifecycle.remark, self._job, "withdraw", message=message)

    async def _see_through(self, engaged: Engaged) -> None:
        self._started = time.monotonic() - (await self._age(engaged))
        reason = ""
        for number in range(FETCHES):
            if number:
                await asyncio.sleep(min(engaged.remote.poll_seconds * 2.0**number, LONGEST_SILENCE))
            made = await self._wait(engaged)
            if isinstance(made, NotMade):
                await self._office.write(remote_tasks.not_made, self._job, engaged.task, made)
                return
            await self._note_cost(engaged, made)
            try:
                await self._deliver(engaged, made)
            except fetching.Unfetched as error:
                logger.warning("job %s: %s", self._job.id, error)
                reason = str(error)
            else:
                return
        detail = f"The provider has made the video, but it could not be fetched. {reason}"
        raise Lost(FailureCode.PROVIDER_UNAVAILABLE, detail)

    async def _deliver(self, engaged: Engaged, made: Made) -> None:
        await self._tell(0.97, "Fetching the video")
        seconds = formats.seconds(self._job.duration)
        try:
            await fetching.deliver(self._job, made, engaged.adapter.route, self._office, seconds=seconds)
        except ProviderError as error:
            raise Lost(error.code, error.detail) from error

    async def _wait(self, engaged: Engaged) -> Made | NotMade:
        """Poll until the provider says how it ended. Raise Lost, or JobLost."""
        adapter, handle = engaged.adapter, remote_tasks.handle(engaged.task)
        interval = engaged.remote.poll_seconds
        while True:
            outcome, hint = await self._ask(
                engaged, lambda: adapter.poll(handle), lambda reply: adapter.outcome(handle, reply)
            )
            if isinstance(outcome, Made | NotMade):
                return outcome
            if isinstance(outcome, Working):
                await self._report(outcome)
            self._require_hope(engaged)
            silence = min(interval * 2.0 ** min(self._silent, 8), max(LONGEST_SILENCE, interval))
            wait = max(silence, hint or 0.0)
            await asyncio.sleep(wait * random.uniform(0.8, 1.2))  # noqa: S311 - no secret: to spread them

    async def _ask(
        self,
        engaged: Engaged,
        prepare: Callable[[], Request],
        read: Callable[[Reply], Outcome],
        *,
        any_status: bool = False,
    ) -> tuple[Outcome | None, float | None]:
        """Return what the provider says, None if nothing of use, and when it wants to be asked again."""
        try:
            request = prepare()
            self._require_home(engaged, request)
            reply = await self._office.wire.ask(request, timeout=ASK_SECONDS)
            if any_status or 200 <= reply.status < 300:
                outcome = read(reply)
                self._silent = self._gone = 0
                if isinstance(outcome, Ask):
                    further, read = outcome.request, outcome.read
                    any_status = outcome.any_status
                    return await self._ask(engaged, lambda: further, read, any_status=any_status)
                return outcome, outcome.poll_after if isinstance(outcome, Working) else None
        except (NotSent, NoReply, Unreadable) as error:
            await self._bear(f"{engaged.model.alias}: {error}")
            return None, None
        self._gone = self._gone + 1 if reply.status in {404, 410} else 0
        await self._bear(f"{engaged.model.alias}: HTTP {reply.status}: {words(reply)[:200]}")
        return None, pause(reply)

    async def _bear(self, what: str) -> None:
        self._silent += 1
        logger.info("job %s: %s", self._job.id, what)
        if self._silent > 1:
            await self._tell(self._share, "The provider does not answer; the job goes on as soon as it does")

    def _require_home(self, engaged: Engaged, request: Request) -> None:
        """Raise Lost if the provider has named an address for us to ask that is not its own."""
        if not engaged.adapter.route.owns(request.url):
            host = request.url.split("/")[2] if request.url.count("/") > 1 else request.url
            raise Lost(
                FailureCode.INTERNAL_ERROR, f"The provider sends us to {host[:100]}, which is not its own."
            )

    def _require_hope(self, engaged: Engaged) -> None:
        """Raise Lost if the work is past its time, or the provider knows nothing of it any more."""
        limit = engaged.model.limit_seconds()
        if self._gone >= GONE:
            raise Lost(FailureCode.PROVIDER_UNAVAILABLE, "The provider does not know the job any more.")
        if time.monotonic() - self._started > limit:
            raise Lost(FailureCode.PROVIDER_TIMEOUT, f"Not done {limit} seconds after it was submitted.")

    async def _report(self, working: Working) -> None:
        """Tell clients how far it is: as the provider says, else by how long such jobs take here."""
        if working.share is not None:
            await self._tell(min(working.share, ESTIMATED_MOST), working.step or "Making the video")
            return
        expected = max(self._job.expected_seconds, 1.0)
        share = min((time.monotonic() - self._started) / expected, 1.0) * ESTIMATED_MOST
        await self._tell(share, "Making the video (progress is estimated)")

    async def _tell(self, share: float, step: str) -> None:
        if share - self._share >= NEWS or step != self._step:
            self._share, self._step = max(share, self._share), step
            await self._office.write(lifecycle.progress, self._job, share=self._share, step=step)

    async def _age(self, engaged: Engaged) -> float:
        return (await self._office.write(remote_tasks.age, engaged.task)).total_seconds()

    async def _note_cost(self, engaged: Engaged, made: Made) -> None:
        cost = made.cost or _from_table(engaged, formats.seconds(self._job.duration))
        is_reported = made.cost is not None
        await self._office.write(remote_tasks.made, engaged.task, cost, is_reported=is_reported)


def _from_table(engaged: Engaged, seconds: int) -> Cost | None:
    price = engaged.remote.price
    if not price:
        return None
    amount = float(price.get("per_video", 0)) + float(price.get("per_second", 0)) * seconds
    return Cost(micros=round(amount * MILLION), currency=str(price.get("currency", "USD")))
