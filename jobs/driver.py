"""Drives the remote jobs of one worker process: one asyncio loop in a thread, a coroutine for each job.

The engine's tasks only wake it: a message says that something waits, and the driver takes what waits, oldest
first, as far as the providers' limits let it. It holds its jobs by their leases, renews all of them in one
statement, and lets go of those that somebody else has. When the process is to end, it takes nothing more and
stays until what it has at hand is done or given back.
"""

import asyncio
import contextlib
import logging
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.db import connections

from jobs import catalogue, errand, lifecycle, queue, upstreams, workers
from jobs.examiner import Examiner
from jobs.models import Job
from jobs.office import Office
from jobs.wire import Wire

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
DESKS = 4  # threads with a database connection each
PORTERS = 8
EXAMINERS = 2
CLOSING_SECONDS = 5.0
BATCH = 50  # jobs claimed at one look


class Driver:
    """The remote jobs of one process. `wake` may be called from any thread."""

    def __init__(self, *, worker: str, queue_name: str) -> None:
        self._worker, self._queue = worker, queue_name
        self._held: dict[uuid.UUID, tuple[Job, asyncio.Task[None]]] = {}
        self._news: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self._thread = threading.Thread(
            target=self._run, name="driver"
        )  # no daemon: the process waits for it

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

    def stop(self, *, seconds: float) -> bool:
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
            desk = at_the_end.enter_context(ThreadPoolExecutor(DESKS, "desk"))
            porters = at_the_end.enter_context(ThreadPoolExecutor(PORTERS, "porter"))
            async with Wire(connections=settings.REMOTE_IN_FLIGHT) as wire:
                await self._serve(Office(self._worker, wire, desk, porters, examiners))
            all_at_once = threading.Barrier(DESKS)
            for _ in range(DESKS):
                desk.submit(_close_connection, all_at_once)

    async def _serve(self, office: Office) -> None:
        renewing = asyncio.create_task(self._keep_renewing(office))
        try:
            await self._look_after(office)
        finally:
            renewing.cancel()

    async def _look_after(self, office: Office) -> None:
        assert self._news is not None  # noqa: S101 - made above
        while self._held or not self._stopping:
            self._stopping = self._stopping or not threading.main_thread().is_alive()
            if not self._stopping:
                await self._take(office)
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._news.wait()
            except TimeoutError:
                pass
            self._news.clear()

    async def _take(self, office: Office) -> None:
        """Claim what waits and may be started now."""
        room = min(BATCH, settings.REMOTE_IN_FLIGHT - len(self._held))
        if room <= 0:
            return
        for job in await office.write(claim_waiting, self._queue, self._worker, room):
            task = asyncio.create_task(errand.run(job, office))
            self._held[job.id] = (job, task)
            task.add_done_callback(lambda _, job_id=job.id: self._let_go(job_id))  # type: ignore[misc]

    def _let_go(self, job_id: uuid.UUID) -> None:
        self._held.pop(job_id, None)
        if self._news:
            self._news.set()

    async def _keep_renewing(self, office: Office) -> None:
        """Renew all leases in time; drop the jobs that were lost."""
        while True:
            await asyncio.sleep(min(settings.JOB_LEASE.total_seconds() / 3, 10.0))
            if await office.write(workers.is_stopping, self._worker):
                self._stopping = True
            jobs = [job for job, _ in self._held.values()]
            if not jobs:
                continue
            for job_id in await office.write(lifecycle.renew, jobs, worker=self._worker):
                if entry := self._held.get(job_id):
                    logger.warning("job %s: somebody else has it by now", job_id)
                    entry[1].cancel()


def _close_connection(all_at_once: threading.Barrier) -> None:
    """Close that of this thread: each of the desk's has one, and the barrier lets none do it twice."""
    with contextlib.suppress(threading.BrokenBarrierError):
        all_at_once.wait(CLOSING_SECONDS)
    connections.close_all()


def claim_waiting(queue_name: str, worker: str, room: int) -> list[Job]:
    """Claim up to `room` waiting jobs of a queue, as far as their providers' limits let us.

    Those that had their turn before come first, then the oldest.
    """
    models = catalogue.remote(queue_name)
    claimed: list[Job] = []
    for account, free in upstreams.rooms(models).items():
        aliases = [model.alias for model in models if upstreams.account_of(model) == account]
        most = min(free, room - len(claimed))
        ids = [
            *Job.objects.put_off(queue_name, aliases)[:most],
            *Job.objects.fresh(queue_name, aliases)[:most],
        ]
        jobs = (lifecycle.claim(job_id, worker=worker) for job_id in ids[:most])
        claimed += [job for job in jobs if job]
    return claimed


_mine: list[Driver] = []  # the one of this process


def drives(job_id: uuid.UUID) -> bool:
    """Return whether a job is for a model that somebody else runs."""
    alias = Job.objects.filter(id=job_id).values_list("model", flat=True).first()
    model = catalogue.get(alias or "")
    return model is not None and model.remote is not None


def wake() -> None:
    """Have this process's driver look for waiting jobs; start it if there is none yet."""
    if not _mine or not _mine[0].is_alive():
        _mine[:] = [Driver(worker=workers.own_id(), queue_name=queue.own_name())]
        _mine[0].start()
    _mine[0].wake()


def wake_if_needed() -> None:
    """Do so if this process's queue has remote models: no message is needed to find what waits."""
    if catalogue.remote(queue.own_name()):
        wake()
