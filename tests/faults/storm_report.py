"""What happened in a storm, in numbers, and what was wrong after it."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.checker_books import Books, Row
from tests.faults.client_journal import Journal
from tests.faults.provider_journal import Sold, Taken
from tests.faults.storm_machines import REMOTE_QUEUE


@dataclass(frozen=True)
class Report:
    """The outcome of one storm; its text is the summary."""

    seed: int
    seconds: float
    journals: list[Journal]
    books: Books
    durations: list[float]  # seconds from submit to the end of each job
    sold: Sold
    strikes: Counter[str]
    violations: list[str]

    @property
    def acknowledged(self) -> int:
        """How many jobs were promised to clients."""
        return sum(bool(order.job_id) for journal in self.journals for order in journal.orders)

    @property
    def outcomes(self) -> Counter[str]:
        """Jobs by status; failures by their code as well."""
        return _outcomes(self.books.jobs)

    @property
    def remote_outcomes(self) -> Counter[str]:
        """The same of remote jobs alone."""
        return _outcomes([job for job in self.books.jobs if job["queue"] == REMOTE_QUEUE])

    @property
    def submissions(self) -> Counter[str]:
        """What is known of each submission to a provider in the end."""
        return Counter(row["state"] for row in self.books.submissions)

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
            "remote jobs": f"{self.remote_outcomes.total()}: {_listed(self.remote_outcomes)}",
            "submits": f"{self.submissions.total()}: {_listed(self.submissions)}",
            "providers took": f"{self.sold.taken}, and gave {self.sold.unanswered} no answer to the submit",
            "to be looked up": sum(bool(row["needs_review"]) for row in self.books.submissions),
            "attempts": _listed(attempts),
            "kills": f"{self.kills.total()}: {_listed(self.kills)}",
            "stops and freezes": f"{self.other_strikes.total()}: {_listed(self.other_strikes)}",
            "HTTP answers": _listed(answers),
            "retries": sum(journal.retries for journal in self.journals),
            "unknown outcomes": sum(order.unknown for order in orders),
            "videos played": sum(order.plays for order in orders),
            "videos deleted": sum(order.was_deleted for order in orders),
            "cancelled": sum(order.was_cancelled for order in orders),
            "asked to stop": _listed(
                Counter(order.statuses[-1] for order in orders if order.was_asked_to_stop and order.statuses)
            ),
            "longest job": f"{max(self.durations, default=0):.1f} s",
            "violations": len(self.violations),
        }
        summary = [f"{name:<18} {value}" for name, value in lines.items()]
        return "\n".join([*summary, *(f"VIOLATION {each}" for each in self.violations)])


def write_stories(folder: Path, books: Books, works: list[Taken]) -> None:
    """Leave every job's story beside the logs: who looks into a violation needs it."""
    with (folder / "timelines.log").open("w") as file:
        for event in sorted(books.events, key=lambda row: (row["job_id"], row["id"])):
            line = (event[name] for name in ("job_id", "at", "verb", "status", "attempt"))
            print(*line, event["message"].replace("\n", " ")[:200], file=file)
    with (folder / "submissions.log").open("w") as file:
        for row in sorted(books.submissions, key=lambda row: (row["job_id"], row["id"])):
            print(*row.values(), file=file)
        print(*works, sep="\n", file=file)


def _outcomes(jobs: list[Row]) -> Counter[str]:
    return Counter(" ".join(filter(None, (job["status"], job["failure_code"]))) for job in jobs)


def _listed(counts: Counter[Any]) -> str:
    return ", ".join(f"{what} {n}" for what, n in counts.most_common())
