"""Drives the remote jobs of one worker process: one asyncio loop in a thread, a coroutine for each job.

The engine's tasks only wake it: a message says that something waits, and the driver takes what waits, as far
as the providers' limits let it. It holds its jobs by their leases, renews all of them in one statement, and
lets go of those that somebody else has. When the process is to end, it takes nothing more and stays until
what it has at hand is done or given back.
"""

import asyncio
import collections
import contextlib
import functools
import logging
import multiprocessing.util
import threading
import uuid
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor

from django.conf import settings
from django.db import connections

from jobs import catalogue, errand, intake, late_news, queue, remote_tasks, upkeep, upstreams, workers
from jobs.errand import Errand
from jobs.examiner import Examiner
from jobs.models import Job, RemoteTask
from jobs.office import Office, insist
from jobs.wire import Wire

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
LONGEST_RENEWAL = 10.0  # seconds between two
WITH_DATABASE = {"watch": 1, "desk": 4, "store": 2}  # threads, with a connection each
OTHERS = {"pictures": 4, "porters": 16}
EXAMINERS = 2
BATCH = 50  # jobs claimed at one look
CLOSING_SECONDS = 5.0
BEFORE_THREADS_END = 100  # priority of what a process does at its end, before it refuses new work to threads


class Driver:
    """The remote jobs of one process. `wake` may be called from any thread."""

    def __init__(self, *, worker: str, queue_name: str) -> None:
        self._worker, self._queue = worker, queue_name
        self._held: dict[uuid.UUID, tuple[Errand, asyncio.Task[None]]] = {}
        self._leaving: set[asyncio.Task[None]] = set()  # of jobs that were lost, until they have noticed
        self._news: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="driver")

    def start(self) -> None:
        self._thread.start()

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def abandon(self) -> None:
        """Drop every job as it stands, as a crash would."""
        for _, task in list(self._held.values()):
            self._call(task.cancel)

    def _call(self, verb: Callable[[], object]) -> None:
        with contextlib.suppress(RuntimeError):  # it has ended: nothing is to be done any more
            if self._loop:
                self._loop.call_soon_threadsafe(verb)

    def stop(self, *, seconds: float | None = None) -> bool:
        """Take nothing more, and wait for what is at hand; return whether it was done within `seconds`."""
        self._stopping = True
        self.wake()
        self._thread.join(seconds)
        return not self.is_alive()

    def wake(self) -> None:
        """Have it look for waiting jobs now."""
        if self._news:
            self._call(self._news.set)

    def _run(self) -> None:
        try:
            asyncio.run(self._drive())
        finally:
            connections.close_all()

    async def _drive(self) -> None:
        self._loop, self._news = asyncio.get_running_loop(), asyncio.Event()
        examiners = [Examiner() for _ in range(EXAMINERS)]
        with contextlib.ExitStack() as at_the_end:
            for examiner in examiners:
                at_the_end.callback(examiner.close)
            rooms = {name: at_the_end.enter_context(_threads(n)) for name, n in WITH_DATABASE.items()}
            rooms |= {name: at_the_end.enter_context(ThreadPoolExecutor(n)) for name, n in OTHERS.items()}
            async with Wire(connections=settings.REMOTE_IN_FLIGHT) as wire:
                await self._serve(Office(wire=wire, examiners=examiners, **rooms))

    async def _serve(self, office: Office) -> None:
        lease = min(settings.JOB_LEASE.total_seconds() / 3, LONGEST_RENEWAL)
        chores = [(self._renew, lease), (self._heed, LOOK_SECONDS), (late_news.look, LOOK_SECONDS)]
        if settings.PUBLIC_URL:  # else no provider can call
            chores.append((self._hear, LOOK_SECONDS))
        doing = [asyncio.create_task(self._keep_doing(chore, office, every)) for chore, every in chores]
        try:
            while not self._stopping or self._held or self._leaving or office.sending:
                if not self._stopping:
                    await self._take(office)
                await self._wait()
        finally:
            for task in doing:
                task.cancel()
            await asyncio.gather(*doing, return_exceptions=True)  # their requests end before the wire does

    async def _wait(self) -> None:
        assert self._news is not None  # noqa: S101 - made above
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await self._news.wait()
        self._news.clear()

    async def _take(self, office: Office) -> None:
        """Claim what waits and may be started now."""
        room = min(BATCH, settings.REMOTE_IN_FLIGHT - len(self._held))
        if room <= 0:
            return
        try:
            claim = functools.partial(intake.claim, self._queue, self._worker, room, self._preparing())
            jobs = await insist(office.desk, claim)
        except Exception:  # an outer edge: the jobs at hand go on, and the next look may go better
            logger.exception("could not look for waiting jobs")
            return
        for job in jobs:
            self._drop(job.id)  # it was lost and has come back before that was noticed
            self._hold(Errand(job, office))

    def _hold(self, at_work: Errand) -> None:
        task = asyncio.create_task(errand.run(at_work))
        self._held[at_work.job.id] = (at_work, task)
        task.add_done_callback(functools.partial(self._let_go, at_work.job.id))

    def _let_go(self, job_id: uuid.UUID, task: asyncio.Task[None]) -> None:
        self._leaving.discard(task)
        if job_id in self._held and self._held[job_id][1] is task:  # else another one has the job again
            del self._held[job_id]
        if self._news:
            self._news.set()

    def _drop(self, job_id: uuid.UUID) -> None:
        if entry := self._held.pop(job_id, None):
            logger.warning("job %s: somebody else has it by now", job_id)
            self._leaving.add(entry[1])
            entry[1].cancel()

    def _preparing(self) -> collections.Counter[str]:
        """Count the jobs at hand of which no submission is on record, by the breakers before them."""
        models = (catalogue.get(each.job.model) for each, _ in self._held.values() if not each.is_submitted)
        meant = (upstreams.names_of(model) for model in models if model and model.remote)
        return collections.Counter(name for names in meant for name in names)

    async def _keep_doing(
        self, chore: Callable[[Office], Awaitable[None]], office: Office, every: float
    ) -> None:
        while True:
            await asyncio.sleep(every)
            try:
                await chore(office)
            except Exception:  # an outer edge: if none were renewed, all jobs would be lost one after another
                name = getattr(chore, "__name__", chore)
                logger.exception("the chore %s has failed, and is done again in %s seconds", name, every)

    async def _renew(self, office: Office) -> None:
        """Renew all leases; drop the jobs that were lost."""
        held = dict(self._held)
        jobs = [each.job for each, _ in held.values()]
        lost, stopping = await insist(office.watch, functools.partial(_renew, jobs, self._worker))
        self._stopping = self._stopping or stopping
        for job_id in lost:
            if self._held.get(job_id) is held[job_id]:  # else it was taken again meanwhile
                self._drop(job_id)

    async def _heed(self, office: Office) -> None:
        """Tell the jobs at hand whether their users still want them."""
        unwanted = await office.write(upkeep.unwanted, self._worker)
        for at_work, _ in self._held.values():
            at_work.withdrawal.note(is_unwanted=at_work.job.id in unwanted)

    async def _hear(self, office: Office) -> None:
        """Have jobs of which their providers say that there is news asked about at once."""
        if self._held:
            hinted = await office.write(remote_tasks.take_hints, self._worker, frozenset(self._held))
            for job_id in hinted & self._held.keys():
                self._held[job_id][0].bell.ring()


def _renew(jobs: list[Job], worker: str) -> tuple[set[uuid.UUID], bool]:
    """Renew leases; return the jobs that are lost, and whether the worker is to stop."""
    return upkeep.renew(jobs, worker=worker), workers.is_stopping(worker)


@contextlib.contextmanager
def _threads(number: int) -> Iterator[Executor]:
    """Give threads that may use the database, and close each one's connection at the end."""
    with ThreadPoolExecutor(number) as pool:
        yield pool
        all_at_once = threading.Barrier(number)
        for _ in range(number):
            pool.submit(_close_connection, all_at_once)


def _close_connection(all_at_once: threading.Barrier) -> None:
    with contextlib.suppress(threading.BrokenBarrierError):
        all_at_once.wait(CLOSING_SECONDS)  # so that no thread does it twice
    connections.close_all()


_mine: list[Driver] = []  # the one of this process


def drives(job_id: uuid.UUID) -> bool:
    """Return whether a job is the driver's: for a remote model, or at a provider already."""
    job = Job.objects.filter(id=job_id).only("model").first()
    if job is None:
        return False
    model = catalogue.get(job.model)
    is_remote = model is not None and model.remote is not None
    return is_remote or RemoteTask.objects.open().filter(job_id=job_id).exists()


def wake() -> None:
    """Have this process's driver look for waiting jobs; start it if there is none yet."""
    if not _mine or not _mine[0].is_alive():
        _mine[:] = [Driver(worker=workers.own_id(), queue_name=queue.own_name())]
        _mine[0].start()
        # Not at the end of the main thread: by then no thread is given work any more, and an answer that was
        # paid for could not be noted.
        multiprocessing.util.Finalize(None, _mine[0].stop, exitpriority=BEFORE_THREADS_END)
    _mine[0].wake()


def wake_if_needed() -> None:
    """Do so if this process's queue has remote models: no message is needed to find what waits."""
    if catalogue.remote(queue.own_name()):
        wake()
