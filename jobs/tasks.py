"""What django-q2 runs: fetch, call, nothing else."""

import uuid

from jobs import driver, runner, workers


def run_job(job_id: str) -> None:
    """Make one job's video, if it still waits; a remote model's jobs are taken up by the driver."""
    if driver.drives(uuid.UUID(job_id)):
        driver.wake()
    else:
        runner.run(uuid.UUID(job_id), worker=workers.own_id())


def pulse() -> None:
    """Note that this cluster's tasks get through."""
    workers.beat(workers.own_id())
    driver.wake_if_needed()
