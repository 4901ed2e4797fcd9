"""Which waiting jobs a driver takes: those at a provider already, then as many as providers have room for."""

import collections
import functools
import logging
import math
import random
import uuid

from django.db.models import Q

from jobs import catalogue, lifecycle, singly, upstreams
from jobs.catalogue import Model
from jobs.models import Job

logger = logging.getLogger(__name__)


def claim(queue: str, worker: str, room: int, preparing: collections.Counter[str]) -> list[Job]:
    """Claim up to `room` waiting jobs of a queue for a worker.

    `preparing` counts what this worker has claimed and not submitted yet, by breaker. Jobs that need no room
    at a provider come first: it is theirs already, or they are to be cancelled.
    """
    claimed: list[Job] = []
    try:
        _fill(claimed, queue, worker, room, preparing)
    except Exception:  # an outer edge: what was claimed is ours by now, and would be in nobody's hands
        if claimed:
            logger.exception("no more waiting jobs could be claimed after %s", len(claimed))
            return claimed
        raise
    return claimed


def _fill(
    claimed: list[Job], queue: str, worker: str, room: int, preparing: collections.Counter[str]
) -> None:
    _claim(claimed, [*Job.objects.in_need_of_no_room(queue)[:room]], worker)
    models = catalogue.remote(queue)
    if not models:
        return
    rooms = upstreams.rooms(catalogue.all_remote())
    free = {name: max(0, number - preparing[name]) for name, number in rooms.items()}
    share = math.ceil(room / len(models))  # no model's backlog keeps the others out
    for model in random.sample(models, len(models)):
        _claim_for(claimed, model, queue, worker, min(share, room - len(claimed)), free)


def _claim_for(
    claimed: list[Job], model: Model, queue: str, worker: str, most: int, free: dict[str, int]
) -> None:
    """Claim jobs of one model, those first that had their turn before, then the oldest.

    Where its own provider has no room it is those that another can do which it falls back to: the rest wait.
    """
    for other in (model, *catalogue.fallbacks(model)):
        number = min(most, upstreams.room(free, other))
        if number > 0:
            able = Q() if other is model else _is_for(other)
            back = Job.objects.put_off(queue, model.alias).filter(able)[:number]
            waiting = [*back, *Job.objects.fresh(queue, model.alias).filter(able)[:number]]
            found = _claim(claimed, waiting[:number], worker)
            most -= found
            for name in upstreams.names_of(other):
                free[name] -= found


def _is_for(model: Model) -> Q:
    """Select the jobs that a model can do, by what they ask for."""
    able = Q(
        generation_type__in=model.generation_types,
        duration__in=model.durations,
        resolution__in=model.resolutions,
        aspect_ratio__in=(*model.aspect_ratios, ""),
    )
    without = {
        "seed": Q(seed_was_drawn=True),
        "camera_fixed": Q(camera_fixed=False),
        "reference_person": Q(reference_person=None),
    }
    for feature in catalogue.FEATURES:
        if feature not in model.features:
            able &= without[feature]
    return able


def _claim(claimed: list[Job], ids: list[uuid.UUID], worker: str) -> int:
    """Claim these jobs, each alone: one that can't be claimed keeps none from it. Return how many were."""
    before = len(claimed)
    for job_id in ids:
        if job := singly.alone(job_id, functools.partial(lifecycle.claim, job_id, worker=worker)):
            claimed.append(job)  # noqa: PERF401 - at once: what comes next may fail
    return len(claimed) - before
