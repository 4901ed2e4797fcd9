"""Runs one `qcluster` and ends all of it at once when any part of it is lost.

It never repairs: it returns a fault, its command exits non-zero, and whatever runs the command starts a
fresh one. Jobs cut short come back by their leases.
"""

import logging
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from base import guard, processes
from jobs import cluster as clusters
from jobs.cluster import Cluster
from jobs.heartbeat import Heartbeat
from jobs.sweeper import Sweeper

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.2


@dataclass
class Requests:
    """How often we were asked to stop."""

    stops: int = 0

    def note(self, number: int, frame: FrameType | None) -> None:
        self.stops += 1


def supervise(*, queue: str, workers: int, grace: float, pulse_timeout: float) -> str:
    """Run a cluster until SIGTERM or SIGINT; return "" then, or what was wrong when it had to be ended.

    `grace` is how many seconds running tasks get to finish after the first signal; a second signal cuts
    it short. `pulse_timeout` is how many seconds the cluster may give no sign of life while work waits.
    Nothing that was started is left behind, also when this process itself is killed.
    """
    worker_id = processes.new_id()
    heartbeat = Heartbeat(worker_id, queue_name=queue, processes=workers, timeout=pulse_timeout)
    sweeper = Sweeper()
    with _stop_requests() as requests, guard.over(clusters.mark(worker_id)) as guardian:
        cluster = clusters.start(worker_id, queue=queue, workers=workers)
        logger.info("worker %s: started, main process %s", worker_id, cluster.main.pid)
        heartbeat.start()
        sweeper.start()
        fault = _watch(cluster, heartbeat, sweeper, guardian, requests)
        if fault:
            logger.error("worker %s: %s Ending the whole cluster.", worker_id, fault)
        else:
            _wind_down(cluster, requests, grace=grace)
    sweeper.stop()
    heartbeat.stop()
    logger.info("worker %s: nothing of it is left", worker_id)
    return fault


def _watch(
    cluster: Cluster,
    heartbeat: Heartbeat,
    sweeper: Sweeper,
    guardian: subprocess.Popen[bytes],
    requests: Requests,
) -> str:
    while not requests.stops:
        if fault := cluster.fault():
            return fault
        if guardian.poll() is not None:
            return "The guard process died."
        if not heartbeat.is_alive():
            return "The heartbeat thread died."
        if not sweeper.is_alive():
            return "The sweeper thread died."
        if heartbeat.silent.is_set():
            return "The cluster gave no sign of life while work waited."
        time.sleep(LOOK_SECONDS)
    return ""


def _wind_down(cluster: Cluster, requests: Requests, *, grace: float) -> None:
    logger.info("stopping: running tasks get %g seconds to finish", grace)
    cluster.ask_to_stop()
    deadline = time.monotonic() + grace
    while not cluster.has_ended():
        if time.monotonic() > deadline or requests.stops > 1:
            logger.warning("tasks were still running; they are cut short and will be taken up again")
            return
        time.sleep(LOOK_SECONDS)


@contextmanager
def _stop_requests() -> Iterator[Requests]:
    requests = Requests()
    before = {number: signal.signal(number, requests.note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield requests
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
