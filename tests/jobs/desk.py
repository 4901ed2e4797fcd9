"""What tests of support's actions share: their addresses, and what came of them."""

from jobs.models import JobEvent

WHY = "The user called: it hangs."


def address(job, name):
    return f"/admin/jobs/job/{job.id}/{name}/"


def said(response):
    return [str(message) for message in response.context["messages"]]


def last_event(job):
    event = JobEvent.objects.filter(job_id=job.id).latest("id")
    return event.verb, event.actor, event.message
