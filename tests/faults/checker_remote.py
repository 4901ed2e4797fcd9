"""Was no job paid for twice, and nothing guessed? Submissions to providers against jobs, and against what the
providers themselves have taken.
"""

from collections import defaultdict
from collections.abc import Iterator

from tests.faults.checker_books import Books, Row
from tests.faults.client_journal import FINISHED
from tests.faults.provider_journal import Taken
from tests.faults.storm_machines import REMOTE_QUEUE

UNHEARD = ("intended", "unknown")
# what a provider can have come to, where we say that it has or has not made a video
MADE = {"made": ("done", "empty"), "not_made": ("failed", "flagged", "empty", "cancelled")}


def check(books: Books, works: list[Taken]) -> Iterator[str]:
    """Yield a line for each violation."""
    submissions = by_job(books)
    for job in books.jobs:
        yield from _submissions(job, submissions[job["id"]])
    yield from _works(books, submissions, works)


def by_job(books: Books) -> dict[str, list[Row]]:
    """Return the submissions of each job, first to last."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in sorted(books.submissions, key=lambda row: row["id"]):
        found[row["job_id"]].append(row)
    return found


def is_unheard_of(submission: Row, job: Row) -> bool:
    """Whether its job ended without a word of the provider's, which may have come later."""
    taken, closed = submission["taken_at"], submission["closed_at"]
    is_taken_late = bool(taken and closed and taken >= closed)
    ended = job["finished_at"]
    is_refused_late = submission["state"] == "refused" and bool(closed and ended and closed > ended)
    return submission["state"] in UNHEARD or is_taken_late or is_refused_late


def _submissions(job: Row, submissions: list[Row]) -> Iterator[str]:
    """Judge a job by its own submissions."""
    about = _about(job)
    paid = [row for row in submissions if row["state"] != "refused"]  # for, perhaps
    states = [row["state"] for row in submissions]
    if len(paid) > 1:
        yield f"{about} may have been taken more than once: {states}"
    if job["status"] in FINISHED and any(row["closed_at"] is None for row in submissions):
        yield f"{about} has ended and is still waited for: {states}"
    if job["status"] == "completed" and job["queue"] == REMOTE_QUEUE and "made" not in states:
        yield f"{about} is completed and no provider has made its video: {states}"
    if job["status"] == "completed" and "not_made" in states:
        yield f"{about} is completed, and its provider has ended it without a video"
    if job["status"] == "cancelled" and any(row["state"] != "not_made" for row in paid):
        yield f"{about} is cancelled and was submitted: {states}"
    for row in paid:
        if job["status"] == "failed" and row["state"] != "not_made" and not row["needs_review"]:
            yield f"{about} may have to be paid for ({row['state']}), and nobody is told to look it up"


def _works(books: Books, submissions: dict[str, list[Row]], works: list[Taken]) -> Iterator[str]:
    """Judge by what the providers have."""
    jobs = {job["prompt"]: job for job in books.jobs if job["queue"] == REMOTE_QUEUE}
    of_job: dict[str, list[Taken]] = defaultdict(list)
    for work in works:
        if work.prompt not in jobs:
            yield f"remote: {work.provider} has {work.work_id} of no job of ours: {work.prompt!r}"
        else:
            of_job[jobs[work.prompt]["id"]].append(work)
    for job in jobs.values():
        theirs = of_job[job["id"]]
        if len(theirs) > 1:
            names = sorted(f"{work.provider} {work.work_id}" for work in theirs)
            yield f"{_about(job)} was taken {len(theirs)} times: {names}"
        yield from _truth(job, submissions[job["id"]], theirs)


def _truth(job: Row, submissions: list[Row], works: list[Taken]) -> Iterator[str]:
    about = _about(job)
    paid = [row for row in submissions if row["state"] != "refused"]
    by_id = {work.work_id: work for work in works}
    for work in works:
        if not paid:
            states = [row["state"] for row in submissions]
            yield f"{about} was taken by {work.provider} as {work.work_id}, and we say {states}"
        if job["status"] == "completed" and work.stage != "done":
            yield f"{about} is completed, and at {work.provider} it is {work.stage}"
        if job["status"] == "cancelled" and work.stage != "cancelled":
            yield f"{about} is cancelled, and at {work.provider} it is {work.stage}"
        if work.is_findable and any(row["state"] in UNHEARD for row in paid):
            yield f"{about} was given up, and {work.provider} could have told that it has it"
    for row in paid:
        mine = by_id.get(row["remote_id"])
        if row["remote_id"] and mine is None:
            yield f"{about} is {row['remote_id']} at {row['model']}, which has no such work of it"
        elif mine and mine.stage not in MADE.get(row["state"], (mine.stage,)):
            yield f"{about} is {row['state']}, and at {mine.provider} it is {mine.stage}"


def _about(job: Row) -> str:
    return f"remote: job {job['id']} ({job['model']}, {job['status']}, attempt {job['attempt']})"
