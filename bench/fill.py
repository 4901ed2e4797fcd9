"""Fills a database as three months would have filled it: with finished jobs and all that is theirs."""

import dataclasses
import datetime
import random
import uuid
from collections import defaultdict
from collections.abc import Iterator

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from accounts import tokens
from accounts.models import ApiToken, User
from base.ids import uuid7
from bench import copies, examples
from bench.copies import Job, Pattern, Purse
from dust.models import Account
from jobs.models import Chore, IdempotencyKey

SPAN = datetime.timedelta(days=89)  # less than JOB_RETENTION: nothing is to be purged
DAY = datetime.timedelta(days=1)
CALLERS = 1000  # users with a token, whose requests take turns
JOBS_OF_ONE = 100  # on the average, once there are more jobs than that for each caller
CHUNK = 10_000
BIG_SHARE = 0.1  # of all jobs are one user's
FAILED, CANCELLED = 0.02, 0.01
KINDS = ("completed", "failed", "cancelled")

Asked = list[tuple[str, uuid.UUID]]  # a job, after the token of its owner
Rows = list[tuple[Pattern, copies.Row]]


@dataclasses.dataclass(frozen=True, slots=True)
class Filled:
    """What the measurements need to know of the database; callers' tokens and purses are in one order."""

    jobs: int
    tokens: list[str]
    purses: list[Purse]
    finished: Asked
    big_token: str
    big_job: uuid.UUID
    staff: User


def fill(jobs: int) -> Filled:
    """Make users, tokens, accounts, and finished jobs with timeline, money, video and recent keys."""
    users = [User(username=f"user{n}", email=f"user{n}@example.com") for n in range(_users(jobs))]
    User.objects.bulk_create(users, batch_size=1000)
    staff = User.objects.create_superuser("staff", "staff@example.com", "not-used-by-any-request")
    patterns = _patterns(staff)
    purses = _accounts(users, jobs, patterns)
    with transaction.atomic():
        secrets = [tokens.issue(user, name="bench")[1] for user in users[: CALLERS + 1]]
        ApiToken.objects.update(last_used_at=Now())
    asked = _finished(jobs, patterns, purses)
    Chore.objects.create(name="daily")  # the clean-up of files has been: there are none to these rows
    tidy()
    known = {purse.user_id: secret for purse, secret in zip(purses, secrets, strict=False)}
    finished = [(known[user_id], job_id) for user_id, job_id in asked.items() if user_id in known]
    return Filled(
        jobs=jobs,
        tokens=secrets[1:],
        purses=purses[1 : CALLERS + 1],
        finished=finished,
        big_token=secrets[0],
        big_job=asked[purses[0].user_id],
        staff=staff,
    )


def add_backlog(filled: Filled, number: int) -> Asked:
    """Add queued jobs with their holds and messages, dealt out to the callers; return them in their order."""
    queued = copies.patterns(examples.queued(filled.staff))
    now = datetime.datetime.now(datetime.UTC)
    added: Asked = []
    for first in range(0, number, CALLERS):
        rows: Rows = []
        accounts = Account.objects.filter(pk__in=[purse.account_id for purse in filled.purses])
        balances = {account.pk: account for account in accounts}  # they have been at work since the fill
        for place, purse in enumerate(filled.purses):
            account = balances[purse.account_id]
            purse.seq, purse.posted, purse.held = account.seq, account.posted, account.held
            job = Job(first + place, now + datetime.timedelta(milliseconds=first + place), purse)
            rows += _rows(queued, job)
            added.append((filled.tokens[place], job.id(copies.JOB)))
        with transaction.atomic():
            _write(rows)
            accounts.update(seq=F("seq") + 1, held=F("held") + examples.COST)
    tidy()
    return added


def tidy() -> None:
    """Do now what the database would do by itself in a while, so that it isn't done during a measurement."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE")
            cursor.execute("CHECKPOINT")
        else:
            cursor.execute("ANALYZE")


def _users(jobs: int) -> int:
    return 1 + max(CALLERS, jobs // JOBS_OF_ONE)


def _patterns(user: User) -> dict[str, list[Pattern]]:
    grant = examples.grant(user)
    made = (examples.completed(user), examples.failed(user), examples.cancelled(user))
    fresh = dict(zip(KINDS, made, strict=True))
    found = {kind: copies.patterns(example) for kind, example in fresh.items()}
    found |= {f"old {kind}": copies.patterns(examples.cleared(example)) for kind, example in fresh.items()}
    return {**found, "grant": [copies.opening(grant)]}


def _plan(jobs: int, users: int) -> Iterator[tuple[int, str]]:
    """Yield each job's owner, by place, and its kind; the same each time. The first user is the big one."""
    dice = random.Random(jobs)
    for _ in range(jobs):
        owner = 0 if dice.random() < BIG_SHARE else dice.randrange(1, users)
        share = dice.random()
        yield owner, KINDS[1] if share < FAILED else KINDS[2] if share < FAILED + CANCELLED else KINDS[0]


def _accounts(users: list[User], jobs: int, patterns: dict[str, list[Pattern]]) -> list[Purse]:
    """Make the accounts, with the balances that their histories will end with (a guard lets none jump)."""
    ends = [Purse(user_id=user.pk, account_id=0) for user in users]
    sums = {kind: _sum(found) for kind, found in patterns.items()}
    for owner, kind in [*((place, "grant") for place in range(len(users))), *_plan(jobs, len(users))]:
        number, posted, held = sums[kind]
        ends[owner].seq += number
        ends[owner].posted += posted
        ends[owner].held += held
    made = [Account(user_id=end.user_id, seq=end.seq, posted=end.posted, held=end.held) for end in ends]
    made = Account.objects.bulk_create(made, batch_size=1000)
    purses = [Purse(user_id=account.user_id, account_id=account.pk) for account in made]
    began = datetime.datetime.now(datetime.UTC) - SPAN - DAY
    rows = [row for n, purse in enumerate(purses) for row in _rows(patterns["grant"], Job(n, began, purse))]
    with transaction.atomic():
        _write(rows)
    return purses


def _sum(patterns: list[Pattern]) -> tuple[int, int, int]:
    """Return how many transfers a job makes, and what they change together."""
    purse = Purse(user_id=uuid.UUID(int=0), account_id=0)
    job = Job(0, datetime.datetime.now(datetime.UTC), purse)
    for pattern in patterns:
        pattern.copy(job)
    return purse.seq, purse.posted, purse.held


def _finished(
    jobs: int, patterns: dict[str, list[Pattern]], purses: list[Purse]
) -> dict[uuid.UUID, uuid.UUID]:
    """Write the jobs, evenly over the time until an hour ago; return the last one of each user."""
    now = datetime.datetime.now(datetime.UTC)
    last: dict[uuid.UUID, uuid.UUID] = {}
    rows: Rows = []
    keys: list[IdempotencyKey] = []
    for number, (owner, kind) in enumerate(_plan(jobs, len(purses))):
        at = now - SPAN + (SPAN - DAY / 24) * (number / jobs)
        job = Job(number, at, purses[owner])
        rows += _rows(patterns[kind if now - at < examples.KEPT else f"old {kind}"], job)
        last[job.purse.user_id] = job.id(copies.JOB)
        if now - at < DAY:
            keys.append(IdempotencyKey(user_id=job.purse.user_id, key=str(uuid7()), created_at=at))
        if number % CHUNK == CHUNK - 1 or number == jobs - 1:
            with transaction.atomic():
                _write(rows)
            rows = []
    IdempotencyKey.objects.bulk_create(keys, batch_size=1000)
    return last


def _rows(patterns: list[Pattern], job: Job) -> Rows:
    return [(pattern, pattern.copy(job)) for pattern in patterns]


def _write(rows: Rows) -> None:
    """Write rows table by table; foreign keys are checked at the end of the transaction."""
    tables = defaultdict(list)
    for pattern, row in rows:
        tables[pattern.key].append(row)
    for (table, columns), of_table in tables.items():
        copies.write(table, columns, of_table)
