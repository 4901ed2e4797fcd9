"""From the 202 of a submit to the moment a worker has claimed the job, by the database's clock."""

import itertools
import random
import sys
import time
from typing import Any

from django.db.models.functions import Now

from base.ids import uuid7
from bench.calls import Application
from bench.fill import Filled
from bench.submits import BODY
from jobs import estimates
from jobs.models import Job
from videoapi import local
from videoapi.processes import Children

WORKER_SECONDS = 60.0
JOB_SECONDS = 30.0
QUICK = {**BODY, "prompt": "[fail]", "resolution": "sd_480p"}  # started like any other, and over at once


def submit_to_start(ours: Application, filled: Filled, *, times: int) -> list[float]:
    """Return the seconds of jobs that are submitted one by one to an idle `manage.py worker`."""
    lines: list[str] = []
    dice = random.Random(times)
    callers = itertools.cycle(filled.tokens)
    with Children(
        environment={"DJANGO_SETTINGS_MODULE": "videoapi.settings"}, write=lines.append
    ) as children:
        children.start(local.worker())
        _wait_for_worker(children)
        found = []
        for token in itertools.islice(callers, times + 1):
            time.sleep(0.3 * dice.random())  # not in step with anything that looks at times
            try:
                found.append(_start(ours, token, children))
            except TimeoutError:
                print("".join(lines), file=sys.stderr)
                raise
    return found[1:]  # the first one paid for what the worker loads once


def _start(ours: Application, token: str, children: Children) -> float:
    job_id = ours.submit(QUICK, token=token, key=str(uuid7()))["job_id"]
    answered = _now()
    jobs = Job.objects.filter(id=job_id)
    for _ in range(int(JOB_SECONDS / 0.02)):
        children.check()
        job: Any = jobs.get()
        if job.is_finished:
            return float((job.started_at - answered).total_seconds())
        time.sleep(0.02)
    raise TimeoutError(f"Job {job_id} was not over after {JOB_SECONDS:.0f} seconds.")


def _now() -> Any:
    return Job.objects.order_by("id").values_list(Now(), flat=True)[:1].get()


def _wait_for_worker(children: Children) -> None:
    for _ in range(int(WORKER_SECONDS / 0.2)):
        children.check()
        if estimates.workers_alive():
            return
        time.sleep(0.2)
    raise TimeoutError(f"No worker gave a sign of life in {WORKER_SECONDS:.0f} seconds.")
