"""Submissions that were given up with their job: the provider is asked to stop, and for some hours what came
of them.

What it says is noted and put on the timeline. The job has ended and its DUST is back: that stays so.
"""

import asyncio
import functools
import logging

from jobs import asking, engagement, remote_tasks, submitting
from jobs.engagement import Engaged, Lost
from jobs.models import Job, RemoteState, RemoteTask
from jobs.office import Office
from jobs.providers.remote import Made, NotMade, Working

logger = logging.getLogger(__name__)

AT_ONCE = 10


async def look(office: Office) -> None:
    """Ask once more about some of those that are due."""
    due = await office.write(remote_tasks.to_look_at, AT_ONCE)
    done = await asyncio.gather(*(_look(task, job, office) for task, job in due), return_exceptions=True)
    for (task, _), error in zip(due, done, strict=True):
        if isinstance(error, Exception):  # of one adapter: the others' news are to be heard
            logger.error("job %s: asking %s once more", task.job_id, task.model, exc_info=error)


async def _look(task: RemoteTask, job: Job, office: Office) -> None:
    if not await office.write(remote_tasks.take_look, task):
        return  # another driver has
    try:
        engaged = engagement.take_up(task)
        if task.state != RemoteState.TAKEN and not await submitting.look_for(engaged, office):
            return
        said = await asking.poll(engaged, office)
        if isinstance(said.outcome, Working):
            await _have_stopped(engaged, job, office)
        elif isinstance(said.outcome, Made):
            cost = engaged.cost(said.outcome, job)
            note = functools.partial(remote_tasks.made, is_reported=said.outcome.cost is not None)
            await office.write(note, task, cost)
        elif isinstance(said.outcome, NotMade):
            await office.write(remote_tasks.ended_late, task, said.outcome)
    except Lost as why:
        logger.info("job %s: %s", task.job_id, why)


async def _have_stopped(engaged: Engaged, job: Job, office: Office) -> None:
    if engaged.task.stop_asked_at is None:
        status, said = await asking.to_stop(engaged, office)
        if said:
            note = functools.partial(remote_tasks.asked_to_stop, said=said, is_answered=bool(status))
            await office.write(note, job, engaged.task)
