"""What happened in a storm, in numbers, and what was wrong after it."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from tests.faults.checker_books import Books
from tests.faults.client_journal import Journal


@dataclass(frozen=True)
class Report:
    """The outcome of one storm; its text is the summary."""

    seed: int
    seconds: float
    journals: list[Journal]
    books: Books
    durations: list[float]  # seconds from submit to the end of each job
    strikes: Counter[str]
    violations: list[str]

    @property
    def acknowledged(self) -> int:
        """How many jobs were promised to clients."""
        return sum(bool(order.job_id) for journal in self.journals for order in journal.orders)

    @property
    def outcomes(self) -> Counter[str]:
        """Jobs by status; failures by their code as well."""
        return Counter(
            " ".join(filter(None, (job["status"], job["failure_code"]))) for job in self.books.jobs
        )

    @property
    def kills(self) -> Counter[str]:
        """What was killed -9, and how often."""
        kills = {what: n for what, n in self.strikes.items() if not what.startswith(("stop", "freeze"))}
        return Counter(kills)

    @property
    def other_strikes(self) -> Counter[str]:
        """What was frozen or asked to stop, and how often."""
        return self.strikes - self.kills

    def __str__(self) -> str:
        orders = [order for journal in self.journals for order in journal.orders]
        answers = sum((journal.answers for journal in self.journals), Counter[str]())
        attempts = Counter(job["attempt"] for job in self.books.jobs)
        lines = {
            "seed": f"{self.seed}, {self.seconds / 60:g} minutes, {len(self.journals)} users",
            "jobs acknowledged": f"{self.acknowledged} of {len(orders)} orders",
            "outcomes": _listed(self.outcomes),
            "attempts": _listed(attempts),
            "kills": f"{self.kills.total()}: {_listed(self.kills)}",
            "stops and freezes": f"{self.other_strikes.total()}: {_listed(self.other_strikes)}",
            "HTTP answers": _listed(answers),
            "retries": sum(journal.retries for journal in self.journals),
            "unknown outcomes": sum(order.unknown for order in orders),
            "videos played": sum(order.plays for order in orders),
            "videos deleted": sum(order.was_deleted for order in orders),
            "cancelled": sum(order.was_cancelled for order in orders),
            "longest job": f"{max(self.durations, default=0):.1f} s",
            "violations": len(self.violations),
        }
        summary = [f"{name:<18} {value}" for name, value in lines.items()]
        return "\n".join([*summary, *(f"VIOLATION {each}" for each in self.violations)])


def _listed(counts: Counter[Any]) -> str:
    return ", ".join(f"{what} {n}" for what, n in counts.most_common())
