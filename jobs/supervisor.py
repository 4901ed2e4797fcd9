"""Runs a `qcluster` for each queue and ends all of them at once when any part of one is lost.

It never repairs: it returns a fault, its command exits non-zero, and whatever runs the command starts fresh
ones. Jobs that were cut short are handed on before it goes; by their leases, if it can't.
"""

import logging
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from base import guard, processes
from jobs import cluster as clusters
from jobs import crew, handover, workplace
from jobs.cluster import Cluster
from jobs.crew import Hand
from jobs.handover import End
from jobs.heartbeat import Heartbeat
from jobs.sweeper import Sweeper, rounds

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.2
SETTLE_SECONDS = 5.0


@dataclass
class Requests:
    """How often we were asked to stop."""

    stops: int = 0

    def note(self, number: int, frame: FrameType | None) -> None:
        self.stops += 1


@dataclass
class Lane:
    """One queue's cluster, and who asks it for signs of life."""

    cluster: Cluster
    heartbeat: Heartbeat

    def fault(self) -> str:
        """Return what is wrong with the cluster, as a sentence; "" while nothing is."""
        if fault := self.cluster.fault():
            return fault
        if self.cluster.complete:
            self.heartbeat.count()
        if self.heartbeat.silent.is_set():
            return "The cluster gave no sign of life while work waited."
        return ""

    def end(self, fault: "Fault") -> End:
        """Return what is known of its end, while its processes can still be asked."""
        worker_id = self.cluster.worker_id
        if worker_id not in fault.died:
            return End(worker_id=worker_id)
        suspects = workplace.jobs_of(worker_id, self.cluster.dead())
        return End(worker_id=worker_id, died=True, suspects=suspects)


@dataclass(frozen=True)
class Fault:
    """Why everything must end, as a sentence ("": we were asked to), and the clusters that `died`.

    Those are the ones whose own jobs may have caused it. No job can end our threads, the guard, or another
    queue's cluster.
    """

    sentence: str = ""
    died: Set[str] = frozenset()


def supervise(*, queues: Mapping[str, int], grace: float, pulse_timeout: float) -> str:
    """Serve `queues` (name: processes) until SIGTERM or SIGINT; return "" then, or the fault that ended it.

    `grace` is how many seconds running jobs get to finish after the first signal; a second signal cuts
    it short. `pulse_timeout` is how many seconds a cluster may give no sign of life while work waits.
    Nothing that was started is left behind, also when this process itself is killed.
    """
    own_id = processes.new_id()
    hands: list[Hand] = [Sweeper(rounds()), *crew.muster()]
    with _stop_requests() as requests, guard.over(clusters.mark(own_id)) as guardian:
        lanes = [
            _start(own_id, queue, workers=workers, pulse_timeout=pulse_timeout)
            for queue, workers in queues.items()
        ]
        for hand in hands:
            hand.start()
        fault = _watch(lanes, hands, guardian, requests)
        ends = [lane.end(fault) for lane in lanes]
        if fault.sentence:
            logger.error("worker %s: %s Ending the whole cluster.", own_id, fault.sentence)
        else:
            _wind_down(lanes, requests, grace=grace)
    handover.settle_in_time(ends, seconds=SETTLE_SECONDS)
    for lane in lanes:
        workplace.clear(lane.cluster.worker_id)
    for hand in hands:
        hand.stop()
    for lane in lanes:
        lane.heartbeat.stop()
    logger.info("worker %s: nothing of it is left", own_id)
    return fault.sentence


def _start(own_id: str, queue: str, *, workers: int, pulse_timeout: float) -> Lane:
    cluster = clusters.start(own_id, queue=queue, workers=workers)
    logger.info("worker %s: started, main process %s", cluster.worker_id, cluster.main.pid)
    heartbeat = Heartbeat(cluster.worker_id, queue_name=queue, processes=workers, timeout=pulse_timeout)
    heartbeat.start()
    return Lane(cluster, heartbeat)


def _watch(
    lanes: Sequence[Lane], hands: Sequence[Hand], guardian: subprocess.Popen[bytes], requests: Requests
) -> Fault:
    while not requests.stops:
        if faults := {lane.cluster.worker_id: fault for lane in lanes if (fault := lane.fault())}:
            return Fault(next(iter(faults.values())), died=faults.keys())
        if not all(lane.heartbeat.is_alive() for lane in lanes):
            return Fault("The heartbeat thread died.")
        if guardian.poll() is not None:
            return Fault("The guard process died.")
        if dead := [hand.name for hand in hands if not hand.is_alive()]:
            return Fault(f"The {dead[0]} thread died.")
        time.sleep(LOOK_SECONDS)
    return Fault()


def _wind_down(lanes: Sequence[Lane], requests: Requests, *, grace: float) -> None:
    logger.info("stopping: running tasks get %g seconds to finish", grace)
    leaving = handover.Leaving([lane.cluster.worker_id for lane in lanes], grace=grace)
    leaving.start()
    for lane in lanes:
        lane.cluster.ask_to_stop()
    deadline = time.monotonic() + grace
    while not all(lane.cluster.has_ended() for lane in lanes):
        if time.monotonic() > deadline or requests.stops > 1:
            logger.warning("tasks were still running; they are cut short and will be taken up again")
            break
        time.sleep(LOOK_SECONDS)
    leaving.stop()


@contextmanager
def _stop_requests() -> Iterator[Requests]:
    requests = Requests()
    before = {number: signal.signal(number, requests.note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield requests
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
