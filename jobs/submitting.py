"""Getting a job taken by a provider, at most once: the intent is committed before the request leaves, and a
submission of which nothing is known is looked for, never repeated.
"""

import asyncio
import dataclasses
import functools
import logging
import uuid

from jobs import catalogue, lifecycle, remote_orders, remote_tasks, upstreams
from jobs.catalogue import Model, Remote
from jobs.models import Job, RemoteState, RemoteTask
from jobs.office import Office, carry
from jobs.providers.base import FailureCode, ProviderError
from jobs.providers.remote import Order, Refused, RemoteProvider, Reply, Request, Taken, Unreadable
from jobs.wire import NoReply, NotSent

logger = logging.getLogger(__name__)

SUBMIT_SECONDS = 90.0  # pictures are sent along, and some think before they answer
ASK_SECONDS = 30.0
FIRST_LOOK = 2.0  # seconds after a reply was lost
LONGEST_LOOK = 30.0
UNREAD = (NotSent, NoReply, Unreadable)


class Waits(Exception):
    """No provider takes the job now: it has to wait for so many seconds."""

    def __init__(self, seconds: float, why: str) -> None:
        super().__init__(why)
        self.seconds = seconds
        self.why = why


class Lost(Exception):
    """Nothing can be found out about a submission any more."""

    def __init__(self, code: FailureCode, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclasses.dataclass(frozen=True, slots=True)
class Engaged:
    """A submission that was taken: by which model, and how to ask about it."""

    task: RemoteTask
    model: Model
    adapter: RemoteProvider

    @property
    def remote(self) -> Remote:
        assert self.model.remote is not None  # noqa: S101 - only remote ones are engaged
        return self.model.remote


async def engage(job: Job, office: Office) -> Engaged:
    """Return the job's one submission, made now if there is none yet.

    Raise ProviderError if nobody will take it, Waits, Lost or JobLost.
    """
    task = await office.write(remote_tasks.current, job)
    if task is not None:
        engaged = _engaged(task, task.model)
        return engaged if _is_known(task) else await _find(job, engaged, office)
    return await _submit(job, office)


def _is_known(task: RemoteTask) -> bool:
    return task.state not in {RemoteState.INTENDED, RemoteState.UNKNOWN}


def _engaged(task: RemoteTask, alias: str) -> Engaged:
    model = catalogue.get(alias)
    if model is None or model.remote is None:
        raise Lost(FailureCode.PROVIDER_UNAVAILABLE, f"The model {alias!r} was withdrawn.")
    return Engaged(task, model, model.adapter())


async def _submit(job: Job, office: Office) -> Engaged:
    shown = await _pictures(job, office)
    refused: Refused | None = None
    for model in await office.write(_chain, job):
        try:
            return await _try(job, model, shown, office)
        except Refused as why:
            refused = why
            if why.code in {FailureCode.CONTENT_REJECTED, FailureCode.INVALID_IMAGE}:
                break  # it would be as wrong elsewhere
    if refused is None:
        raise Waits(upstreams.FIRST_PAUSE, "No provider is available now.")
    if refused.again:
        patience = upstreams.pause(await office.write(remote_tasks.refusals, job))
        raise Waits(max(refused.pause or 0.0, patience), refused.detail)
    raise ProviderError(refused.code, refused.detail)


async def _pictures(job: Job, office: Office) -> remote_orders.Pictures:
    look = functools.partial(remote_orders.pictures, job, office.examiner())
    return await carry(office.pictures, look) if remote_orders.has_pictures(job) else look()


def _chain(job: Job) -> list[Model]:
    """Return the models to try in turn: the job's own, then those it falls back to, that may take it now."""
    own = catalogue.get(job.model)
    if own is None or own.remote is None:
        raise ProviderError(FailureCode.PROVIDER_UNAVAILABLE, f"The model {job.model!r} was withdrawn.")
    others = [model for alias in own.remote.fallback if (model := catalogue.get(alias)) and model.remote]
    never = remote_tasks.refused_models(job)
    chain = [model for model in (own, *others) if model.alias not in never]
    if not chain:
        raise ProviderError(FailureCode.PROVIDER_REJECTED, "No provider has taken it.")
    rooms = upstreams.rooms(chain)
    return [model for model in chain if rooms[upstreams.account_of(model)] > 0]


async def _try(job: Job, model: Model, shown: remote_orders.Pictures, office: Office) -> Engaged:
    """Submit to one model. Raise Refused, Lost or JobLost."""
    adapter, remote = model.adapter(), model.remote
    assert remote is not None  # noqa: S101 - of the chain
    await asyncio.sleep(office.pace(adapter.route.account, remote.per_second).delay())
    try:
        task = await office.write(
            remote_tasks.intend, job, adapter.route, key=uuid.uuid4(), in_flight=remote.in_flight
        )
    except remote_tasks.AccountFull:
        raise Refused(FailureCode.PROVIDER_UNAVAILABLE, "The account is full.", again=True) from None
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
        reply = await office.wire.ask(adapter.submit(order), timeout=SUBMIT_SECONDS, once=True)
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
    if 200 <= reply.status < 300:
        return adapter.taken(reply)
    if 400 <= reply.status < 500 and reply.status != 408:
        return adapter.refused(reply)
    raise Unreadable(f"HTTP {reply.status}: {reply.text[:200]}")


def _note_refusal(task: RemoteTask, why: Refused) -> None:
    remote_tasks.refused(task, why)
    if why.is_outage or why.pause is not None:
        upstreams.failed(task.account, why)


def _note_unknown(task: RemoteTask, detail: str) -> None:
    remote_tasks.unknown(task, detail)
    # whatever it is, the next one is not to run into it too
    upstreams.failed(task.account, Refused(FailureCode.PROVIDER_UNAVAILABLE, detail, is_outage=True))


def _note_taken(task: RemoteTask, said: Taken) -> None:
    remote_tasks.taken(task, said)
    upstreams.worked(task.account)


async def _find(job: Job, engaged: Engaged, office: Office) -> Engaged:
    """Look for a submission whose reply was lost. Raise Lost when there is no more hope, or JobLost."""
    task, adapter = engaged.task, engaged.adapter
    wait, step = FIRST_LOOK, "Checking whether the provider has taken the job"
    while True:
        await office.write(lifecycle.progress, job, share=0.0, step=step)
        await office.write(task.refresh_from_db)  # whoever sent it may have had the answer meanwhile
        if task.state == RemoteState.REFUSED:
            raise Waits(0, task.detail)
        if _is_known(task):
            return engaged
        request = adapter.find(remote_tasks.handle(task))
        if request and (said := await _look(engaged, request, office)):
            await office.write(remote_tasks.taken, task, said)
            continue
        if (await office.write(remote_tasks.age, task)).total_seconds() > engaged.remote.unknown_seconds:
            raise Lost(
                FailureCode.PROVIDER_TIMEOUT,
                "The reply to the submit was lost, and the job could not be found at the provider. It may "
                f"have been taken and be billed. Our key for it: {task.key}.",
            )
        await asyncio.sleep(min(wait, engaged.remote.unknown_seconds / 4))
        wait = min(wait * 2, LONGEST_LOOK)


async def _look(engaged: Engaged, request: Request, office: Office) -> Taken | None:
    try:
        reply = await office.wire.ask(request, timeout=ASK_SECONDS)
        if 200 <= reply.status < 300:
            return engaged.adapter.found(remote_tasks.handle(engaged.task), reply)
    except UNREAD as error:
        logger.info("job %s: looked for at %s: %s", engaged.task.job_id, engaged.task.model, error)
    return None
