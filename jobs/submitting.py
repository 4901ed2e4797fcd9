"""Getting a job taken by a provider, at most once: the intent is committed before the request leaves, and a
submission of which nothing is known is looked for, never repeated.
"""

import asyncio
import datetime
import functools
import logging
import uuid
from collections.abc import Callable

from jobs import catalogue, engagement, lifecycle, remote_orders, remote_tasks, upstreams
from jobs.catalogue import Model
from jobs.engagement import Engaged, Lost, Waits
from jobs.models import Job, RemoteState, RemoteTask
from jobs.office import Office, carry
from jobs.providers.base import FailureCode, ProviderError
from jobs.providers.remote import Further, Order, Refused, RemoteProvider, Reply, Request, Taken, Unreadable
from jobs.wire import NoReply, NotSent

logger = logging.getLogger(__name__)

ASK_SECONDS = 30.0
FIRST_LOOK = 2.0  # seconds after a reply was lost
LONGEST_LOOK = 30.0
PAGES = 10  # of a list that are looked through, at most
CLOCKS = datetime.timedelta(minutes=5)  # by which a provider's may differ from ours
SILENCE = 10  # times `unknown_seconds`: the patience with a provider that answers no look
UNREAD = (NotSent, NoReply, Unreadable, *engagement.ODD)
EVERYWHERE = frozenset({FailureCode.CONTENT_REJECTED, FailureCode.INVALID_IMAGE})  # as wrong elsewhere


async def engage(job: Job, office: Office, note: Callable[[bool], None]) -> Engaged:
    """Return the job's one submission, made now if there is none yet. Have `note` know whether there is one,
    of which its provider has not said no: it has its place among those of the account.

    Raise ProviderError if nobody will take it, Waits, Lost, Unwanted or JobLost.
    """
    task = await office.write(remote_tasks.current, job)
    note(task is not None)
    if task is not None:
        engaged = engagement.take_up(task)
        return engaged if _is_known(task) else await _find(job, engaged, office)
    return await _submit(job, office, note)


def _is_known(task: RemoteTask) -> bool:
    return task.state not in {RemoteState.INTENDED, RemoteState.UNKNOWN}


async def _submit(job: Job, office: Office, note: Callable[[bool], None]) -> Engaged:
    shown = await _pictures(job, office)
    later: list[Refused] = []
    for model in await office.write(_chain, job):
        try:
            return await _try(job, model, shown, office, note)
        except Refused as why:
            note(False)
            if why.code in EVERYWHERE:
                raise ProviderError(why.code, why.detail) from None
            later += [why] if why.again else []
    if not later:
        await office.write(_chain, job)  # raises, unless one that took nothing before does so by now
        raise Waits(upstreams.FIRST_PAUSE, "Another provider has room for it by now.", step=upstreams.TURN)
    soonest = min(later, key=lambda why: why.pause or 0.0)
    patience = upstreams.pause(await office.write(remote_tasks.refusals, job))
    step = upstreams.DOWN if soonest.is_outage else upstreams.TURN
    raise Waits(max(soonest.pause or 0.0, patience), soonest.detail, step=step)


async def _pictures(job: Job, office: Office) -> remote_orders.Pictures:
    look = functools.partial(remote_orders.pictures, job, office.examiner())
    with engagement.storing(job):
        return await carry(office.pictures, look) if remote_orders.has_pictures(job) else look()


def _chain(job: Job) -> list[Model]:
    """Return the models to try in turn: the job's own, then those it falls back to that can do what it asks
    for; of these, which may take it now.

    Raise ProviderError if none ever will, or Waits.
    """
    own = catalogue.get(job.model)
    if own is None or own.remote is None:
        raise ProviderError(FailureCode.PROVIDER_UNAVAILABLE, f"The model {job.model!r} was withdrawn.")
    others = [model for model in catalogue.fallbacks(own) if remote_orders.is_for(job, model)]
    refusals = remote_tasks.final_refusals(job)
    never = {task.model for task in refusals}
    chain = [model for model in (own, *others) if model.alias not in never]
    # also where somebody has noted it, and died before the job was failed for it
    if last := [task for task in refusals if task.failure_code in EVERYWHERE or not chain]:
        code = FailureCode.known(last[-1].failure_code or FailureCode.PROVIDER_REJECTED)
        raise ProviderError(code, last[-1].detail)
    rooms = upstreams.rooms(chain)
    free = [model for model in chain if upstreams.room(rooms, model) > 0]
    if not free:
        pause = upstreams.opens_in(chain)
        raise Waits(pause, "No provider has room for it now.", step=upstreams.wait(chain))
    return free


async def _try(
    job: Job, model: Model, shown: remote_orders.Pictures, office: Office, note: Callable[[bool], None]
) -> Engaged:
    """Submit to one model. Raise Refused, Lost, Unwanted or JobLost."""
    remote = model.remote
    assert remote is not None  # noqa: S101 - of the chain
    try:
        adapter = model.adapter()
    except OSError as error:
        why = engagement.keyless(model, error)
        await office.write(upstreams.failed, upstreams.account_of(model), model.alias, why)
        raise why from error
    await asyncio.sleep(office.pace(adapter.route.account, remote.per_second).delay())
    try:
        task = await office.write(
            remote_tasks.intend, job, adapter.route, key=uuid.uuid4(), in_flight=remote.in_flight
        )
    except remote_tasks.AccountFull:
        raise Refused(FailureCode.PROVIDER_UNAVAILABLE, "The account is full.", again=True) from None
    note(True)
    engaged = Engaged(task, model, adapter)
    order = remote_orders.order(job, shown, key=task.key)
    # Not to be broken off half-way: what the provider answers is noted even if the job is lost meanwhile.
    sending = asyncio.create_task(_send(engaged, order, office))
    office.sending.add(sending)
    sending.add_done_callback(functools.partial(_has_sent, office))
    is_taken = await asyncio.shield(sending)
    return engaged if is_taken else await _find(job, engaged, office)


def _has_sent(office: Office, sending: asyncio.Task[bool]) -> None:
    office.sending.discard(sending)
    if not sending.cancelled():
        sending.exception()  # noted in the database; whoever waited for it may be gone


async def _send(engaged: Engaged, order: Order, office: Office) -> bool:
    """Make the request; return whether it was taken, False if that is not known. Raise Refused."""
    task, adapter = engaged.task, engaged.adapter
    try:
        reply = await office.wire.ask(adapter.submit(order), timeout=upstreams.SUBMIT_SECONDS, once=True)
        said = _read(adapter, reply)
    except NotSent as error:
        said = Refused(FailureCode.PROVIDER_UNAVAILABLE, str(error), again=True, is_outage=True)
    except (NoReply, Unreadable) as error:
        logger.warning("job %s: no word from %s: %s", task.job_id, task.model, error)
        await office.write(_note_unknown, task, str(error))
        return False
    if isinstance(said, Refused):
        await office.write(_note_refusal, task, said)
        raise said
    await office.write(_note_taken, task, said)
    return True


def _read(adapter: RemoteProvider, reply: Reply) -> Taken | Refused:
    """Return what a submit was answered with. Raise Unreadable if it does not say."""
    try:
        if 200 <= reply.status < 300:
            return adapter.taken(reply)
        if 400 <= reply.status < 500 and reply.status != 408:
            return adapter.refused(reply)
    except engagement.ODD as error:
        raise Unreadable(f"{type(error).__name__}: {error}") from error
    raise Unreadable(f"HTTP {reply.status}: {reply.text[:200]}")


def _note_refusal(task: RemoteTask, why: Refused) -> None:
    remote_tasks.refused(task, why)
    if why.is_outage or why.pause is not None:
        upstreams.failed(task.account, task.model, why)


def _note_unknown(task: RemoteTask, detail: str) -> None:
    remote_tasks.unknown(task, detail)
    # whatever it is, the next one is not to run into it too
    why = Refused(FailureCode.PROVIDER_UNAVAILABLE, detail, is_outage=True)
    upstreams.failed(task.account, task.model, why)


def _note_taken(task: RemoteTask, said: Taken) -> None:
    remote_tasks.taken(task, said)
    upstreams.worked(task)


async def _find(job: Job, engaged: Engaged, office: Office) -> Engaged:
    """Look for a submission whose reply was lost. Raise Lost when there is no more hope, or JobLost."""
    task = engaged.task
    wait, step = FIRST_LOOK, "Checking whether the provider has taken the job"
    while True:
        await office.write(lifecycle.progress, job, share=0.0, step=step)
        await office.write(task.refresh_from_db)  # whoever sent it may have had the answer meanwhile
        if task.state == RemoteState.REFUSED:
            raise Waits(0, task.detail, step=upstreams.TURN)
        if _is_known(task):
            return engaged
        is_found = await look_for(engaged, office)
        if is_found:
            continue
        if (await office.write(remote_tasks.age, task)).total_seconds() > _patience(engaged, is_found):
            why = "could not be found at the provider" if is_found is False else "could not be looked for"
            raise Lost(
                FailureCode.PROVIDER_TIMEOUT,
                f"The reply to the submit was lost, and the job {why}. It may "
                f"have been taken and be billed. Our key for it: {task.key}.",
                task=task,
            )
        await asyncio.sleep(min(wait, engaged.remote.unknown_seconds / 4))
        wait = min(wait * 2, LONGEST_LOOK)


def _patience(engaged: Engaged, is_found: bool | None) -> float:
    """Return for how many seconds a submission is looked for. Without an answer nothing is known by then."""
    usual = engaged.remote.unknown_seconds
    if is_found is False:
        return usual
    return max(usual, min(usual * SILENCE, engaged.model.limit_seconds()))


async def look_for(engaged: Engaged, office: Office) -> bool | None:
    """Look once for a submission whose reply was lost. Return whether it was found, and that noted.

    None: the provider did not answer.
    """
    request = engaged.adapter.find(remote_tasks.handle(engaged.task))
    try:
        said = await _look(engaged, request, office) if request else None
    except UNREAD as error:
        logger.info("job %s: looked for at %s: %s", engaged.task.job_id, engaged.task.model, error)
        return None
    return said is not None and await office.write(remote_tasks.taken, engaged.task, said)


async def _look(engaged: Engaged, request: Request, office: Office) -> Taken | None:
    """Look through what the account has had made since the submit, page by page. Raise one of UNREAD."""
    task, adapter = engaged.task, engaged.adapter
    for _ in range(PAGES):
        reply = await office.wire.ask(request, timeout=ASK_SECONDS)
        if not 200 <= reply.status < 300:
            raise Unreadable(f"HTTP {reply.status}: {reply.text[:200]}")
        said = adapter.found(remote_tasks.handle(task), reply)
        if not isinstance(said, Further):
            return said
        if said.oldest and said.oldest < task.intended_at - CLOCKS:
            return None
        if not adapter.route.owns(said.request.url):
            raise Unreadable("The next page of the list is not at the provider.")
        request = said.request
    return None
