"""Which waiting jobs a driver takes: those at a provider already, then as many as providers have room for."""

import collections
import math
import random
import uuid

from jobs import catalogue, lifecycle, upstreams
from jobs.catalogue import Model
from jobs.models import Job


def claim(queue: str, worker: str, room: int, preparing: collections.Counter[str]) -> list[Job]:
    """Claim up to `room` waiting jobs of a queue for a worker.

    `preparing` counts what this worker has claimed and not submitted yet, by account. Jobs whose submission
    may be at a provider come first and need no room there: it is theirs already.
    """
    claimed = _claim([*Job.objects.at_a_provider(queue)[:room]], worker)
    models = catalogue.remote(queue)
    if not models:
        return claimed
    rooms = upstreams.rooms(catalogue.all_remote())
    free = {account: max(0, number - preparing[account]) for account, number in rooms.items()}
    share = math.ceil(room / len(models))  # no model's backlog keeps the others out
    for model in random.sample(models, len(models)):
        most = min(share, room - len(claimed), sum(free[account] for account in upstreams.accounts(model)))
        if most > 0:
            claimed += _claim_for(model, queue, worker, most, free)
    return claimed


def _claim_for(model: Model, queue: str, worker: str, most: int, free: dict[str, int]) -> list[Job]:
    """Claim jobs of one model, those first that had their turn before, then the oldest."""
    waiting = [*Job.objects.put_off(queue, model.alias)[:most], *Job.objects.fresh(queue, model.alias)[:most]]
    claimed = _claim(waiting[:most], worker)
    for _ in claimed:
        account = next(account for account in upstreams.accounts(model) if free[account])
        free[account] -= 1
    return claimed


def _claim(ids: list[uuid.UUID], worker: str) -> list[Job]:
    jobs = (lifecycle.claim(job_id, worker=worker) for job_id in ids)
    return [job for job in jobs if job]
