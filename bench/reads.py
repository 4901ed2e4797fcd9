"""Everything else that is asked often and could grow with the table: milliseconds, beside the bare view's."""

from collections.abc import Callable

from django.core.cache import cache
from django.db import connection

from bench import noise
from bench.calls import Application, cookie_of
from bench.fill import Asked, Filled
from jobs import housekeeping

USERS_LISTS = {
    "jobs": "/videos/jobs",
    "jobs, failed ones": "/videos/jobs?status=failed",
    "active jobs": "/videos/jobs/active",
    "library": "/videos",
    "library, favourites": "/videos?favorites_only=true",
    "transactions": "/dust/transactions",
    "balance": "/dust/balance",
}
ADMIN = "/admin/jobs/job/"
ADMIN_LISTS = {
    "admin, jobs": ADMIN,
    "admin, failed jobs": f"{ADMIN}?status=failed",
    "admin, jobs at work": f"{ADMIN}?status=processing",
    "admin, stalled jobs": f"{ADMIN}?trouble=stalled",
    "admin, jobs of a rare model": f"{ADMIN}?model=preview",
    "admin, page 10": f"{ADMIN}?p=10",
    "admin, search by name": f"{ADMIN}?q=user7",
    "admin, search for nothing": f"{ADMIN}?q=nobody@example.com",
    "admin, workers": "/admin/jobs/worker/",
    "admin, videos": "/admin/videos/video/",
    "admin, transfers": "/admin/dust/transfer/",
    "admin, accounts": "/admin/dust/account/",
}


def at_rest(ours: Application, bare: Application, filled: Filled, *, times: int, rounds: int) -> noise.Times:
    """Time the reads with nothing in the queue."""
    token, job_id = filled.finished[0]
    contenders = {"bare view": _bare(bare, filled.finished)}
    for name, path in USERS_LISTS.items():
        contenders[name] = _get(ours, path, token=token)
        contenders[f"{name} (big user)"] = _get(ours, path, token=filled.big_token)
    cookie = cookie_of(filled.staff)
    for name, path in {**ADMIN_LISTS, "admin, search by id": f"{ADMIN}?q={str(job_id)[:13]}"}.items():
        contenders[name] = _get(ours, path, cookie=cookie)
    contenders["admin, one job"] = _get(ours, f"{ADMIN}{job_id}/change/", cookie=cookie)
    contenders["installation's numbers"] = _afresh(_get(ours, "/videos/stats", token=token))
    contenders["sweep"] = _sweep
    return noise.side_by_side(contenders, times=times, rounds=rounds)


def with_backlog(
    ours: Application, bare: Application, filled: Filled, waiting: Asked, *, times: int, rounds: int
) -> noise.Times:
    """Time what reads the queue, with a long one waiting."""
    token, job_id = waiting[-1]
    contenders = {
        "bare view": _bare(bare, filled.finished),
        "poll of the last in the queue": _get(ours, f"/videos/jobs/{job_id}/status", token=token),
        "poll of a finished job": _poll(ours, filled.finished),
        "active jobs": _get(ours, "/videos/jobs/active", token=token),
        "quote": _afresh(_get(ours, "/videos/quote", token=token)),
        "installation's numbers": _afresh(_get(ours, "/videos/stats", token=token)),
        "admin, jobs": _get(ours, ADMIN, cookie=cookie_of(filled.staff)),
        "sweep": _sweep,
    }
    return noise.side_by_side(contenders, times=times, rounds=rounds)


def _get(application: Application, path: str, **caller: str) -> Callable[[int], object]:
    return lambda _: application.get(path, **caller)


def _bare(bare: Application, asked: Asked) -> Callable[[int], object]:
    return lambda number: bare.get(f"/bare/{asked[number % len(asked)][1]}")


def _poll(ours: Application, asked: Asked) -> Callable[[int], object]:
    def poll(number: int) -> None:
        token, job_id = asked[number % len(asked)]
        ours.get(f"/videos/jobs/{job_id}/status", token=token)

    return poll


def _afresh(call: Callable[[int], object]) -> Callable[[int], object]:
    """Have nothing remembered from the call before: this is what somebody has to wait for."""

    def forget_and_call(number: int) -> None:
        cache.clear()
        call(number)

    return forget_and_call


def _sweep(_: int) -> None:
    housekeeping.sweep()
    connection.close()
