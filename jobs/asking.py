"""One question to a provider about a submission, and what its answer says."""

import dataclasses
from collections.abc import Callable

from jobs import remote_tasks
from jobs.engagement import ODD, Engaged
from jobs.office import Office
from jobs.providers.remote import (
    Ask,
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
from jobs.submitting import ASK_SECONDS
from jobs.wire import NoReply, NotSent

BUSY = frozenset({408, 425, 429})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What is known now. Without an `outcome` nothing of use was said, and `trouble` is why.

    `is_gone`: the provider does not know the work. `poll_after`: when it wants to be asked again, in seconds.
    """

    outcome: Working | Made | NotMade | None = None
    trouble: str = ""
    is_gone: bool = False
    poll_after: float | None = None


async def poll(engaged: Engaged, office: Office) -> Said:
    """Ask how the work stands. Raise Lost if the provider sends us to an address that is not its own."""
    adapter, handle = engaged.adapter, remote_tasks.handle(engaged.task)
    try:
        return await _ask(engaged, adapter.poll(handle), lambda reply: adapter.outcome(handle, reply), office)
    except (NotSent, NoReply, Unreadable) as error:
        return Said(trouble=f"{engaged.model.alias}: {error}")


async def _ask(
    engaged: Engaged,
    request: Request,
    read: Callable[[Reply], Outcome],
    office: Office,
    *,
    any_status: bool = False,
) -> Said:
    engaged.require_home(request)
    reply = await office.wire.ask(request, timeout=ASK_SECONDS)
    if any_status or 200 <= reply.status < 300:
        try:
            outcome = read(reply)
        except ODD as error:
            raise Unreadable(f"{type(error).__name__}: {error}") from error
        if isinstance(outcome, Ask):
            return await _ask(engaged, outcome.request, outcome.read, office, any_status=outcome.any_status)
        return Said(outcome=outcome, poll_after=outcome.poll_after if isinstance(outcome, Working) else None)
    trouble = f"{engaged.model.alias}: HTTP {reply.status}: {words(reply)[:200]}"
    return Said(trouble=trouble, is_gone=reply.status in {404, 410}, poll_after=pause(reply))


async def to_stop(engaged: Engaged, office: Office) -> tuple[int, str]:
    """Ask the provider to cancel the work. Raise Lost as `poll` does.

    Return the status of its answer (0: there was none) and what is to be said of it ("": it has no way).
    """
    try:
        request = engaged.adapter.cancel(remote_tasks.handle(engaged.task))
        if request is None:
            return 0, ""
        engaged.require_home(request)
        reply = await office.wire.ask(request, timeout=ASK_SECONDS)
    except (NotSent, NoReply, Unreadable) as error:
        return 0, str(error)
    is_answer = reply.status < 500 and reply.status not in BUSY
    return reply.status if is_answer else 0, f"HTTP {reply.status}"
