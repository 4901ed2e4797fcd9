"""A finished video on its way from the provider: fetched with a bound, looked into, stored, delivered."""

import asyncio
import dataclasses
import functools
from pathlib import Path
from urllib.parse import urljoin

from django.conf import settings

from jobs import outbound, runner, workplace
from jobs.holding import Hold
from jobs.models import Job
from jobs.office import Office, carry, insist
from jobs.providers.base import FailureCode, ProviderError
from jobs.providers.remote import Made, Reply, Request, Route
from jobs.wire import NoReply, NotSent, TooLarge

PIECE_SECONDS = 30.0  # longest silence
WHOLE_SECONDS = 600.0  # longest download
ACCEPT = "video/mp4,video/*;q=0.9"
HOPS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Unfetched(Exception):
    """The file did not come, or not all the way. Asking the provider again for its address may help."""


async def deliver(job: Job, made: Made, route: Route, office: Office, *, seconds: float) -> None:
    """Fetch the video, which should last `seconds`, and complete the job with it.

    Raise Unfetched, ProviderError if it is no such video or too large (a retryable one if it could not be
    looked into), OSError if our storage fails, or JobLost.
    """
    with workplace.folder(job.id) as folder:
        video = folder / "video.mp4"
        async with office.door(route.account):
            await _fetch(made.video, video, route, office)
        look = functools.partial(office.examiner().video, video, folder, seconds=seconds)
        rendered = await carry(office.pictures, look)
        # the provider's own bytes: what they carry, such as content credentials, stays in them
        await insist(office.store, functools.partial(runner.deliver, job, Hold(job), rendered))


async def _fetch(request: Request, target: Path, route: Route, office: Office) -> None:
    most = settings.REMOTE_VIDEO_MB * 1024 * 1024
    try:
        for _ in range(HOPS):
            if not route.owns(request.url):  # somebody else's: no key goes there, and it has to be public
                await carry(office.porters, functools.partial(_from_abroad, request.url, target, most))
                return
            place = await _from_home(request, target, office, most)
            if not place:
                return
            request = dataclasses.replace(request, url=urljoin(request.url, place))
    except (NotSent, NoReply, TimeoutError) as error:
        raise Unfetched(f"The download broke off: {error}") from error
    except (TooLarge, outbound.OutboundTooLarge) as error:  # it will be as large when it is asked for again
        limit = f"The video is larger than REMOTE_VIDEO_MB allows: {settings.REMOTE_VIDEO_MB} MB."
        raise ProviderError(FailureCode.INTERNAL_ERROR, limit) from error
    except outbound.OutboundError as error:
        raise Unfetched(f"The download was refused: {error.reason}") from error
    raise Unfetched("The download was redirected too often.")


def _from_abroad(url: str, target: Path, most: int) -> None:
    outbound.fetch(url, target, max_bytes=most, deadline=WHOLE_SECONDS, accept=ACCEPT)


async def _from_home(request: Request, target: Path, office: Office, most: int) -> str:
    """Fetch what is at the provider's own host; return where else it is if it redirects there."""
    async with asyncio.timeout(WHOLE_SECONDS):
        reply = await office.wire.save(request, target, max_bytes=most, timeout=PIECE_SECONDS)
    if reply.status == 200:
        return ""
    if reply.status in REDIRECTS and (place := reply.headers.get("location")):
        return place
    raise Unfetched(f"The download was answered with {_words(reply)}")


def _words(reply: Reply) -> str:
    return f"HTTP {reply.status}: {reply.text[:200]}"
