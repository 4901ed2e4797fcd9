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

from jobs import asking, engagement, fetching, formats, lifecycle, remote_tasks, submitting, upstreams
from jobs.bell import Bell
from jobs.engagement import Engaged, Lost, Waits
from jobs.errors import JobLost
from jobs.models import Job
from jobs.office import Office
from jobs.providers.base import ESTIMATED, ESTIMATED_MOST, FailureCode, ProviderError
from jobs.providers.remote import IN_QUEUE, Made, NotMade, Working
from jobs.states import Status
from jobs.withdrawal import Withdrawal

logger = logging.getLogger(__name__)

FETCHES = 6  # tries to deliver a finished video, each with a fresh address
GONE = 6  # polls in a row that are told the work is not known
GONE_WITH_A_CANCEL = 2  # the same once the provider has agreed to cancel it: some forget such work
FORGOTTEN = "It has agreed to cancel it, and does not know it any more."
LONGEST_SILENCE = 60.0  # seconds between two polls of a provider that does not answer
LONGEST_WITH_A_WISH = 5.0  # the same while it is to be cancelled, unless the provider turns us away
NEWS = 0.05  # of the work; smaller steps are not written
MAKING = "Making the video"


async def run(errand: "Errand") -> None:
    """Bring a claimed job to an end, or back to waiting. Nothing is raised but a cancellation."""
    job, office = errand.job, errand.office
    with contextlib.suppress(JobLost):
        try:
            await errand.run()
        except ProviderError as error:
            if error.retryable and not errand.is_submitted:
                await _try_again(job, error, office)
            else:
                await office.write(lifecycle.fail, job, code=error.code, detail=error.detail)
        except remote_tasks.Unwanted:
            await office.write(remote_tasks.stop_unsent, job)
        except Waits as why:
            if not await office.write(remote_tasks.stop_unsent, job):
                await _put_off(job, why, office)
        except JobLost:
            raise
        except Exception as error:  # the outer edge: whatever an adapter does, the user gets the DUST back
            logger.exception("job %s", job.id)
            detail = f"{type(error).__name__}: {error}"
            await _fail_for_review(job, Lost(FailureCode.INTERNAL_ERROR, detail), office)


async def _try_again(job: Job, error: ProviderError, office: Office) -> None:
    if not await office.write(remote_tasks.stop_unsent, job):
        await office.write(lifecycle.hand_back, job, code=error.code, detail=error.detail)


async def _put_off(job: Job, why: Waits, office: Office) -> None:
    if await office.write(remote_tasks.is_overdue, job):
        code = FailureCode.PROVIDER_UNAVAILABLE
        await _fail_for_review(job, Lost(code, f"It waited as long as any may. {why.why}"), office)
        return
    delay = datetime.timedelta(seconds=why.seconds * random.uniform(1.0, 1.3))  # noqa: S311 - no secret
    await office.write(lifecycle.release, job, step=why.step, why=why.why, delay=delay)


async def _fail_for_review(job: Job, why: Lost, office: Office) -> None:
    task = why.task or await office.write(remote_tasks.current, job)
    if task is None:
        await office.write(lifecycle.fail, job, code=why.code, detail=why.detail)
    elif not await office.write(remote_tasks.lose, job, task, code=why.code, detail=why.detail):
        await _put_off(
            job, Waits(0, "There was news when it was to be given up.", step=upstreams.TURN), office
        )


class Errand:
    """What one job's way through a provider needs to remember."""

    def __init__(self, job: Job, office: Office) -> None:
        self.job = self._job = job
        self.office = self._office = office
        self.bell = Bell()
        self.withdrawal = Withdrawal(job, office)
        self._share, self._step = 0.0, ""
        self._estimated = 0.0
        self._begun: float | None = None  # when the work was, as far as is known; by the monotonic clock
        self._strange: set[str] = set()
        self._silent = self._gone = 0
        self.is_submitted = False  # or about to be, on record: not any more by a refusal

    async def run(self) -> None:
        job, office = self._job, self._office
        if self.withdrawal.is_wished and await office.write(remote_tasks.stop_unsent, job):
            return
        try:
            engaged = await submitting.engage(job, office, self._note_submission)
            if job.status == Status.STARTING:
                await office.write(lifecycle.accept, job, by=engaged.model.alias)
            await self._see_through(engaged)
        except Lost as why:
            await _fail_for_review(job, why, office)

    def _note_submission(self, is_there: bool) -> None:
        self.is_submitted = is_there

    async def _see_through(self, engaged: Engaged) -> None:
        self._started = self._begun = time.monotonic() - (await self._age(engaged))
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
        detail = f"The provider has made the video, but it could not be delivered. {reason}"
        raise Lost(FailureCode.PROVIDER_UNAVAILABLE, detail)

    async def _deliver(self, engaged: Engaged, made: Made) -> None:
        await self._tell(0.97, "Fetching the video")
        seconds = engaged.adapter.seconds(formats.seconds(self._job.duration))
        route = engaged.adapter.route
        try:
            with engagement.storing(self._job):  # the video is still there when it goes on
                await fetching.deliver(self._job, made, route, self._office, seconds=seconds)
        except ProviderError as error:
            if error.retryable:  # whoever looked into the file has died
                raise fetching.Unfetched(error.detail) from error
            raise Lost(error.code, error.detail) from error

    async def _wait(self, engaged: Engaged) -> Made | NotMade:
        """Poll until the provider says how it ended. Raise Lost, or JobLost."""
        interval = engaged.remote.poll_seconds
        while True:
            was_wished = self.withdrawal.is_wished
            said = await asking.poll(engaged, self._office)
            if isinstance(said.outcome, Made | NotMade):
                return said.outcome
            if said.outcome:
                self._silent = self._gone = 0
                await self._report(said.outcome, engaged)
            else:
                self._gone = self._gone + 1 if said.is_gone else 0
                await self._bear(said.trouble)
            if self._gone >= GONE_WITH_A_CANCEL and self.withdrawal.is_accepted:
                return NotMade(code=FailureCode.PROVIDER_UNAVAILABLE, detail=FORGOTTEN, is_cancelled=True)
            self._require_hope(engaged)
            if said.outcome is not None and self.withdrawal.is_wished and not was_wished:
                continue  # what it said before the wish does not tell that it is at work now
            await self.withdrawal.press(engaged, is_working=said.outcome is not None)
            silence = min(interval * 2.0 ** min(self._silent, 8), max(LONGEST_SILENCE, interval))
            # never sooner: a pause may be the provider's own rule, whether it says so or the entry
            wait = max(silence, said.poll_after or 0.0) * random.uniform(1.0, 1.2)  # noqa: S311 - no secret
            # what turns us away for a while does not call us back earlier
            least = (said.poll_after or 0.0) if said.outcome is None else 0.0
            if self.withdrawal.is_wished:  # whether it is confirmed in time is not to be seen an hour later
                wait = min(wait, max(least, LONGEST_WITH_A_WISH))
            await self.withdrawal.unless_wished(self.bell.rest(wait, least=least))

    async def _bear(self, what: str) -> None:
        self._silent += 1
        logger.info("job %s: %s", self._job.id, what)
        if self._silent > 1:
            await self._tell(self._share, "The provider does not answer; the job goes on as soon as it does")

    def _require_hope(self, engaged: Engaged) -> None:
        """Raise Lost if the work is past its time, or the provider knows nothing of it any more."""
        limit = engaged.model.limit_seconds()
        if self._gone >= GONE:
            raise Lost(FailureCode.PROVIDER_UNAVAILABLE, "The provider does not know the job any more.")
        if time.monotonic() - self._started > limit:
            raise Lost(FailureCode.PROVIDER_TIMEOUT, f"Not done {limit} seconds after it was submitted.")

    async def _report(self, working: Working, engaged: Engaged) -> None:
        """Tell clients how far it is: as the provider says, else by how long such jobs take here."""
        self._wonder(working.strange, engaged.model.alias)
        if working.is_waiting:
            self._begun = None
            await self._tell(self._share, working.step or IN_QUEUE)
            return
        # It never falls: while the provider says less than was estimated, what is shown is the estimate.
        if working.share is not None and working.share >= self._estimated:
            await self._tell(min(working.share, ESTIMATED_MOST), working.step or MAKING)
            return
        if working.share is None:
            self._estimated = max(self._estimated, self._estimate())
        await self._tell(self._estimated, ESTIMATED)

    def _estimate(self) -> float:
        """Return the share that should be done by now. Time in the provider's queue is no work."""
        if self._begun is None:
            self._begun = time.monotonic()
        expected = max(self._job.expected_seconds, 1.0)
        return min((time.monotonic() - self._begun) / expected, 1.0) * ESTIMATED_MOST

    def _wonder(self, word: str, alias: str) -> None:
        if word and word not in self._strange:
            self._strange.add(word)
            logger.warning("job %s: %s says %.100r, taken for at work", self._job.id, alias, word)

    async def _tell(self, share: float, step: str) -> None:
        if share - self._share >= NEWS or step != self._step:
            self._share, self._step = max(share, self._share), step
            await self._office.write(lifecycle.progress, self._job, share=self._share, step=step)

    async def _age(self, engaged: Engaged) -> float:
        return (await self._office.write(remote_tasks.age, engaged.task)).total_seconds()

    async def _note_cost(self, engaged: Engaged, made: Made) -> None:
        cost, is_reported = engaged.cost(made, self._job), made.cost is not None
        await self._office.write(remote_tasks.made, engaged.task, cost, is_reported=is_reported)
