"""The ledger against a model of it that a child could check, over many histories."""

import collections
import itertools
import uuid

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import User
from dust import audit, ledger
from dust.errors import AccountFrozen, HoldAlreadyResolved, InsufficientDust, KeyConflict, NotPosted
from tests.dust.people import standing

WHO = {"actor": "model", "reason": "Because"}
AMOUNTS = st.integers(1, 60)
PICK = st.integers(0, 10**6)
JOBS = itertools.count(1)  # not random: the same run again must be the same
reached = collections.Counter()


class Books(RuleBasedStateMachine):
    """One account. Rules are few, broad and follow the state: hypothesis leaves rules out at random, and with
    a rule for each step it hardly ever came to a refund.
    """

    def __init__(self):
        super().__init__()
        self.account = ledger.open_account(User.objects.create(username=uuid.uuid4().hex).pk)
        self.posted, self.held, self.moves = 100, 0, 1
        self.amounts = {}  # (job, attempt) -> amount, and below: -> the kind of its last transfer
        self.last = {}

    @property
    def available(self):
        return self.posted - self.held

    def moves_once(self, say, *, posted=0, held=0):
        """Say it, see it moved; say it again, see it answered alike and nothing moved."""
        first, again = say(), say()
        self.posted, self.held, self.moves = self.posted + posted, self.held + held, self.moves + 1
        assert (first.created, again.created) == (True, False)
        assert (first.posted_after, first.held_after) == (self.posted, self.held)
        assert (again.id, again.posted_after, again.held_after) == (first.id, self.posted, self.held)
        reached[first.kind] += 1
        return first.kind

    def refused(self, error, say):
        with pytest.raises(error):
            say()
        reached[error.__name__] += 1

    def one_at(self, stages, pick):
        jobs = sorted(job for job, kind in self.last.items() if kind in stages)
        return jobs[pick % len(jobs)]

    def any_at(*stages):
        return precondition(lambda self: any(kind in stages for kind in self.last.values()))

    def verb(self, kind, job, amount=None):
        """Return what brings about a transfer of this kind for a job."""
        job_id, attempt = job
        return {
            "hold": lambda: ledger.hold(
                self.account.pk, job_id, amount or self.amounts[job], attempt=attempt
            ),
            "post": lambda: ledger.post(job_id, attempt=attempt),
            "void": lambda: ledger.void(job_id, attempt=attempt),
            "expire": lambda: ledger.void(job_id, attempt=attempt, kind="expire"),
            "reverse": lambda: ledger.reverse(job_id, attempt=attempt),
        }[kind]

    @rule(amount=AMOUNTS, attempt=st.integers(1, 3))
    def hold(self, amount, attempt):
        job = (uuid.UUID(int=next(JOBS)), attempt)
        if amount > self.available:
            self.refused(InsufficientDust, self.verb("hold", job, amount))
        else:
            self.last[job] = self.moves_once(self.verb("hold", job, amount), held=amount)
            self.amounts[job] = amount

    @any_at("hold", "post")
    @rule(pick=PICK, ending=st.sampled_from(["post", "post", "post", "void", "expire"]))
    def take_a_job_one_step_on(self, pick, ending):
        job = self.one_at({"hold", "post"}, pick)
        amount = self.amounts[job]
        kind = "reverse" if self.last[job] == "post" else ending
        effect = {
            "post": {"posted": -amount, "held": -amount},
            "void": {"held": -amount},
            "expire": {"held": -amount},
            "reverse": {"posted": amount},
        }[kind]
        self.last[job] = self.moves_once(self.verb(kind, job), **effect)

    @any_at("hold", "post", "void", "expire", "reverse")
    @rule(pick=PICK)
    def say_again_late_or_wrongly(self, pick):
        job = self.one_at(set(self.last.values()), pick)
        kind = self.last[job]
        assert not self.verb("hold", job)().created
        assert not self.verb(kind, job)().created
        reached["late replay"] += 1
        self.refused(KeyConflict, self.verb("hold", job, self.amounts[job] + 1))
        if kind in ("hold", "void", "expire"):
            self.refused(NotPosted, self.verb("reverse", job))
        if kind != "hold":
            self.refused(
                HoldAlreadyResolved, self.verb("post" if kind in ("void", "expire") else "void", job)
            )

    @rule(amount=AMOUNTS, what=st.sampled_from(["grant", "up", "down", "freeze"]))
    def call_support(self, amount, what):
        account, key, job = self.account.pk, uuid.uuid4().hex, (uuid.UUID(int=next(JOBS)), 1)
        if what == "grant":
            self.moves_once(lambda: ledger.grant(account, amount, key=key, **WHO), posted=amount)
            self.refused(KeyConflict, lambda: ledger.adjust(account, -amount, key=key, **WHO))
        elif what == "up":
            self.moves_once(lambda: ledger.adjust(account, amount, key=key, **WHO), posted=amount)
        elif what == "freeze":
            ledger.freeze(account)
            self.refused(AccountFrozen, self.verb("hold", job, 1))
            ledger.unfreeze(account)
        elif amount > self.available:
            self.refused(InsufficientDust, lambda: ledger.adjust(account, -amount, key=key, **WHO))
        else:
            self.moves_once(lambda: ledger.adjust(account, -amount, key=key, **WHO), posted=-amount)

    @invariant()
    def the_row_is_what_the_model_says(self):
        assert standing(self.account) == (self.posted, self.held, self.moves)
        open_holds = [self.amounts[job] for job, kind in self.last.items() if kind == "hold"]
        assert self.held == sum(open_holds)


EVERY_STEP = {
    *("hold", "post", "void", "expire", "reverse", "grant", "adjust", "late replay"),
    *("AccountFrozen", "HoldAlreadyResolved", "InsufficientDust", "KeyConflict", "NotPosted"),
}


@pytest.mark.django_db
def test_the_ledger_agrees_with_its_model_and_every_step_was_taken():
    reached.clear()
    chosen = settings(
        max_examples=100,
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Books, settings=chosen)
    assert audit.violations() == []  # of all the accounts that the examples left
    assert set(reached) == EVERY_STEP
    assert min(reached.values()) >= 10, reached
