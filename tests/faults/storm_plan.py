"""What kind of storm it is to be, the settings it is fought with, and what a long one must reach."""

import dataclasses
import json
import secrets
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.faults import client_scripts, storm_machines
from tests.faults.client_journal import Journal
from tests.faults.storm_providers import Providers

LEASE_SECONDS = 10
MAX_ATTEMPTS = 3
RENDER_SECONDS = 60
REMOTE_SECONDS = 600  # restarts take their time, and a provider's work goes on meanwhile
PATIENCE_SECONDS = 8  # for providers that were asked to cancel: some are frozen for longer
OPENING_GRANT = 45  # DUST: a few videos
LONG_SECONDS = 180.0  # from here on, numbers per minute mean something
# Jobs and kills per minute. On SQLite, half of what one web and one worker machine did on a busy computer.
LEAST = {"postgresql": (30, 10), "sqlite": (15, 5)}


@dataclasses.dataclass(frozen=True)
class Least:
    """How much has to happen in a storm, or it shows nothing."""

    acknowledged: int = 0
    completed: int = 0
    completed_remotely: int = 0
    taken: int = 0  # by the providers
    kills: int = 0
    kinds: int = 0  # of what is killed
    first: frozenset[str] = frozenset()  # kinds that must be among them

    def is_struck(self, kills: Counter[str]) -> bool:
        """Tell whether enough was killed."""
        return kills.total() >= self.kills and len(kills) >= self.kinds and self.first <= kills.keys()

    def is_under_way(self, journals: Iterable[Journal], *, taken: int) -> bool:
        """Tell whether there was enough to lose, by what clients and providers know."""
        orders = [order for journal in journals for order in list(journal.orders)]
        return sum(bool(order.job_id) for order in orders) >= self.acknowledged and taken >= self.taken

    def is_served(self, journals: Iterable[Journal], *, taken: int) -> bool:
        """Tell whether enough was made as well. The database, which knows better, may be away."""
        journals = list(journals)
        numbered = [each for journal in journals for each in enumerate(list(journal.orders))]
        completed = [number for number, order in numbered if "completed" in order.statuses]
        are_remote = sum(map(client_scripts.is_remote, completed))
        is_made = len(completed) >= self.completed and are_remote >= self.completed_remotely
        return is_made and self.is_under_way(journals, taken=taken)


@dataclasses.dataclass(frozen=True)
class Plan:
    """What kind of storm. `pause` is how many seconds lie between two strikes, at least and at most.

    Where the machine is so busy that `least` is not reached by then, it lasts up to four times as long: twice
    for the videos, which may also come when nothing is killed any more.
    """

    seed: int
    seconds: float
    sqlite: bool = False
    broker: str = "database"
    users: int = 16
    webs: int = 2
    workers: int = 2
    pause: tuple[float, float] = (1.5, 5.0)
    least: Least = Least()
    patience: float = 240.0

    @property
    def machines(self) -> tuple[int, int]:
        """How many web and worker machines: SQLite is for one of each."""
        return (1, 1) if self.sqlite else (self.webs, self.workers)

    def shortfall(self, *, jobs: int, kills: int) -> str:
        """Say that a long storm did too little to prove anything; "" if it did enough, or was short."""
        minutes = self.seconds / 60
        least_jobs, least_kills = (
            each * minutes for each in LEAST["sqlite" if self.sqlite else "postgresql"]
        )
        if self.seconds < LONG_SECONDS or (jobs >= least_jobs and kills >= least_kills):
            return ""
        return (
            f"Too little to prove anything: {jobs} jobs and {kills} kills in {minutes:g} minutes, "
            f"which should be {least_jobs:.0f} and {least_kills:.0f} at least. Was the machine busy?"
        )


def environment(
    plan: Plan, folder: Path, providers: Providers, *, database_url: str, redis_url: str
) -> dict[str, str]:
    """Return the settings that all machines and commands of a storm share."""
    models: dict[str, Any] = {
        "rehearsal": {"options": {"seconds": 0.2}, "timeout_seconds": RENDER_SECONDS},
        **providers.models(),
    }
    return {
        **storm_machines.clean_environment(),
        "DJANGO_SETTINGS_MODULE": "videoapi.settings",
        "PYTHONUNBUFFERED": "1",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "ALLOWED_HOSTS": "127.0.0.1",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "QUEUE_BROKER": plan.broker,
        "DATA_DIR": str(folder / "data"),
        "MEDIA_ROOT": str(folder / "media"),
        "REHEARSAL": "true",
        "VIDEO_MODELS": json.dumps(models),
        **providers.keys(),
        "ENCODER_THREADS": "1",
        "DUST_OPENING_GRANT": str(OPENING_GRANT),
        "MAX_ACTIVE_JOBS": "3",
        "RATE_SUBMIT": "120/min",
        "WORKER_QUEUES": "render=2,remote=1",
        "WORKER_PULSE_SECONDS": "1",
        "JOB_LEASE_SECONDS": str(LEASE_SECONDS),
        "JOB_TIMEOUT_SECONDS": str(REMOTE_SECONDS),
        "JOB_MAX_ATTEMPTS": str(MAX_ATTEMPTS),
        "JOB_RETRY_SECONDS": "1",
        "SWEEP_SECONDS": "2",
        "REQUEUE_AFTER_SECONDS": "5",
        "OUTBOUND_TIMEOUT_SECONDS": "4",
        "CANCEL_RUNNING": "true",
        "CANCEL_PATIENCE_SECONDS": str(PATIENCE_SECONDS),
    }
