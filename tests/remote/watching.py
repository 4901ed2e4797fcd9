"""What tests of the driver wait for and look at."""

import time

from jobs.models import Job, RemoteTask

PATIENCE = 120.0  # a process or two are started meanwhile


def eventually(true, *, patience=PATIENCE):
    """Return what `true` returns once it is true."""
    end = time.monotonic() + patience
    while not (found := true()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def ended(job):
    """The job once it has ended, by the driver that is there."""
    return eventually(lambda: Job.objects.finished().filter(id=job.id).first())


def put_off(job):
    """Wait until the job is in nobody's hands, for a while."""
    eventually(lambda: Job.objects.filter(id=job.id, status="starting", worker="").exists())


def states(job):
    """The states of a job's submissions, the first one first."""
    return list(RemoteTask.objects.filter(job_id=job.id).order_by("id").values_list("state", flat=True))
