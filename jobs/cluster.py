"""One `qcluster` as a child of ours: its main process, the sentinel under it, and the sentinel's children.

Killing any one of these can wedge the rest for good (a lock dies with its holder) or leave them running
as orphans, and the cluster's own sentinel sees nothing wrong. So the rule here is blunt: they are complete
and unchanged, or the cluster is finished.
"""

import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field

from django.conf import settings

from base import processes
from base.processes import Process

logger = logging.getLogger(__name__)

OWNER_VARIABLE = "VIDEOAPI_SUPERVISOR"  # in the environment of all that one supervisor has started
START_SECONDS = 60.0
HELPERS = 2  # beside the workers the sentinel keeps one pusher and one monitor


@dataclass
class Cluster:
    """A running `qcluster`."""

    worker_id: str
    main: subprocess.Popen[bytes]
    workers: int
    started_at: float = field(default_factory=time.monotonic)
    inner: set[Process] = field(default_factory=set)
    complete: bool = False

    def fault(self) -> str:
        """Return what is wrong with it, as a sentence; "" while nothing is."""
        if self.main.poll() is not None:
            return f"The cluster's main process ended (exit status {self.main.returncode})."
        if dead := self.dead():
            return f"An inner process of the cluster died (pid {dead[0]})."
        if not self.complete:
            self._look_again()
            if not self.complete and time.monotonic() - self.started_at > START_SECONDS:
                return f"The cluster was not complete after {START_SECONDS:.0f} seconds."
        return ""

    def dead(self) -> list[int]:
        """Return the pids of its inner processes that have died."""
        return [process.pid for process in self.inner if not processes.is_running(process)]

    def _look_again(self) -> None:
        # The sentinel makes all its children at once; from then on a new one could only replace a dead one.
        everything = processes.running()
        for sentinel in (process for process in everything if process.parent == self.main.pid):
            under = [process for process in everything if process.parent == sentinel.pid]
            self.inner |= {sentinel, *under}
            if len(under) >= self.workers + HELPERS:
                self.complete = True
                logger.info("worker %s: complete, none of its parts may end from now on", self.worker_id)

    def ask_to_stop(self) -> None:
        """Send SIGTERM to the main process alone: sent to all of them, it never ends."""
        self.main.send_signal(signal.SIGTERM)

    def has_ended(self) -> bool:
        """Tell whether the main process is gone."""
        return self.main.poll() is not None


def mark(supervisor_id: str) -> str:
    """Return what every process of the supervisor's clusters carries in its environment."""
    return f"{OWNER_VARIABLE}={supervisor_id}"


def environment(supervisor_id: str, *, queue: str, workers: int) -> dict[str, str]:
    """Return what the processes of a cluster find in their environment."""
    return {
        **os.environ,
        OWNER_VARIABLE: supervisor_id,
        "VIDEOAPI_WORKER": f"{supervisor_id}-{queue}",
        "Q_CLUSTER_NAME": queue,
        "WORKER_QUEUES": f"{queue}={workers}",
        "DATABASE_POOL": "false",  # its threads do not survive the cluster's forks
        # Not the web's, which may stand in the same file: a connection for each look costs a factor of ten.
        "CONN_MAX_AGE": str(settings.WORKER_CONN_MAX_AGE),
    }


def start(supervisor_id: str, *, queue: str, workers: int) -> Cluster:
    """Start a `qcluster` for the named queue, in a session of its own."""
    surroundings = environment(supervisor_id, queue=queue, workers=workers)
    main = subprocess.Popen(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), "qcluster"],
        env=surroundings,
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # a Ctrl-C at the terminal reaches the supervisor only
    )
    return Cluster(worker_id=surroundings["VIDEOAPI_WORKER"], main=main, workers=workers)
