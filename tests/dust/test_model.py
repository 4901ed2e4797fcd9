"""The ledger against a model of it that a child could check, over many histories."""

import collections
import itertools
import uuid

import pytest
from django.db import connection
from hypothesis import note
from hypothesis.stateful import invariant, rule

from accounts.models import User
from dust import ledger
from dust.errors import (
    AccountFrozen,
    AccountNotFound,
    HoldAlreadyResolved,
    HoldNotFound,
    InsufficientDust,
    InvalidMovement,
    KeyConflict,
    NotPosted,
)
from tests.dust.people import standing
from tests.walking import NUMBERS, Walk, happens, refuses, walk

WHO = {"actor": "model", "reason": "Because"}
JOBS = itertools.count(1)  # not random: the same run again must be the same
NOBODY = 0  # no account has this id

# the one or two ways a hold, and then a charge, can go; the wanted more often
ENDINGS = {"hold": ("post", "post", "post", "void", "expire"), "post": ("reverse",)}
# what each stage refuses of the other endings, and why
REFUSALS = {
    "nothing": {"post": HoldNotFound, "void": HoldNotFound, "expire": HoldNotFound, "reverse": NotPosted},
    "hold": {"reverse": NotPosted},
    "post": {"void": HoldAlreadyResolved, "expire": HoldAlreadyResolved},
    "void": {"post": HoldAlreadyResolved, "expire": HoldAlreadyResolved, "reverse": NotPosted},
    "expire": {"post": HoldAlreadyResolved, "void": HoldAlreadyResolved, "reverse": NotPosted},
    "reverse": {"void": HoldAlreadyResolved, "expire": HoldAlreadyResolved},
}
STAGES = set(REFUSALS) - {"nothing"}
reached = collections.Counter()


def everything():
    """Return all that a refused verb must leave as it was. No ORM: it is read after each of many steps."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM dust_account ORDER BY id")
        accounts = cursor.fetchall()
        cursor.execute("SELECT * FROM dust_transfer ORDER BY id")
        return accounts, cursor.fetchall()


class Books(Walk):
    """Two accounts. One rule, which follows the state and a dice (see `Walk`)."""

    def __init__(self):
        super().__init__()
        users = [User.objects.create(username=uuid.uuid4().hex) for _ in range(2)]
        self.accounts = [ledger.open_account(user.pk) for user in users]
        self.posted, self.held, self.moves = [100, 100], [0, 0], [1, 1]
        self.amounts, self.owners = {}, {}  # (job, attempt) -> what was held, and of which account
        self.last = {}  # (job, attempt) -> the kind of its last transfer

    def available(self, whose):
        return self.posted[whose] - self.held[whose]

    def moves_once(self, whose, say, *, posted=0, held=0):
        """Say it, see it moved; say it again, see it answered alike and nothing moved."""
        first, again = happens(say), happens(say)
        self.posted[whose] += posted
        self.held[whose] += held
        self.moves[whose] += 1
        now = self.posted[whose], self.held[whose]
        assert (first.created, again.created) == (True, False)
        assert (first.account_id, first.posted_after, first.held_after) == (self.accounts[whose].pk, *now)
        assert (again.id, again.posted_after, again.held_after) == (first.id, *now)
        return first.kind

    def refused(self, *wrong):
        """Say what must be refused: pairs of the refusal and the words."""
        before = everything()
        for error, say in wrong:
            refuses(error, say)
            assert everything() == before, "a refused verb changed something"
            reached[error.__name__] += 1

    @rule(number=NUMBERS)
    def something_happens(self, number):
        dice = self.dice(number)
        going = [job for job, kind in self.last.items() if kind in ENDINGS]
        do = dice.choices((self.hold, self.go_on, self.say_wrongly, self.call_support), (3, 4, 2, 2))[0]
        if do != self.go_on:
            do(dice)
        elif going:
            self.go_on(dice, dice.choice(going))
        else:
            self.hold(dice)

    def hold_of(self, job, *, amount, whose):
        account, (job_id, attempt) = self.accounts[whose].pk, job
        return lambda: ledger.hold(account, job_id, amount, attempt=attempt)

    def verb(self, kind, job):
        """Return what brings about a transfer of this kind for a job."""
        job_id, attempt = job
        return {
            "hold": lambda: self.hold_of(job, amount=self.amounts[job], whose=self.owners[job])(),
            "post": lambda: ledger.post(job_id, attempt=attempt),
            "void": lambda: ledger.void(job_id, attempt=attempt),
            "expire": lambda: ledger.void(job_id, attempt=attempt, kind="expire"),
            "reverse": lambda: ledger.reverse(job_id, attempt=attempt),
        }[kind]

    def hold(self, dice):
        amount, whose = dice.randint(1, 60), dice.randrange(2)
        job = (uuid.UUID(int=next(JOBS)), dice.randint(1, 3))
        note(f"hold {amount} of account {whose} for job {job}")
        say = self.hold_of(job, amount=amount, whose=whose)
        if amount > self.available(whose):
            self.refused((InsufficientDust, say))
        else:
            self.amounts[job], self.owners[job] = amount, whose
            self.last[job] = self.moves_once(whose, say, held=amount)
            reached["nothing -> hold"] += 1

    def go_on(self, dice, job):
        amount, stage = self.amounts[job], self.last[job]
        kind = dice.choice(ENDINGS[stage])
        note(f"{kind} for job {job}")
        effect = {
            "post": {"posted": -amount, "held": -amount},
            "void": {"held": -amount},
            "expire": {"held": -amount},
            "reverse": {"posted": amount},
        }[kind]
        self.last[job] = self.moves_once(self.owners[job], self.verb(kind, job), **effect)
        reached[f"{stage} -> {kind}"] += 1

    def say_wrongly(self, dice):
        """Say again what was said of a job, and what can't be said of it."""
        stage = dice.choice(sorted({*self.last.values(), "nothing"}))
        if stage == "nothing":
            job = (uuid.UUID(int=next(JOBS)), 1)
            self.refused(*((error, self.verb(kind, job)) for kind, error in REFUSALS[stage].items()))
            return
        job = dice.choice([job for job, kind in self.last.items() if kind == stage])
        note(f"say again and say wrongly what there is to say of job {job}")
        amount, whose = self.amounts[job], self.owners[job]
        before = everything()
        said = ("hold", "post", "reverse") if stage == "reverse" else ("hold", stage)
        assert not any(happens(self.verb(kind, job)).created for kind in said)
        assert everything() == before, "a replay changed something"
        self.refused(
            (KeyConflict, self.hold_of(job, amount=amount + 1, whose=whose)),
            (KeyConflict, self.hold_of(job, amount=amount, whose=1 - whose)),
            *((error, self.verb(kind, job)) for kind, error in REFUSALS[stage].items()),
        )
        reached[f"{stage}, and said again"] += 1

    def call_support(self, dice):
        amount, whose = dice.randint(1, 60), dice.randrange(2)
        what = dice.choice(("grant", "up", "down", "down", "freeze"))
        note(f"{what} {amount} for account {whose}")
        account, key, job = self.accounts[whose].pk, uuid.uuid4().hex, (uuid.UUID(int=next(JOBS)), 1)
        if what == "grant":
            self.moves_once(whose, lambda: ledger.grant(account, amount, key=key, **WHO), posted=amount)
            self.refused(
                (KeyConflict, lambda: ledger.adjust(account, -amount, key=key, **WHO)),
                (AccountNotFound, lambda: ledger.grant(NOBODY, amount, key=f"{key}!", **WHO)),
            )
        elif what == "up":
            self.moves_once(whose, lambda: ledger.adjust(account, amount, key=key, **WHO), posted=amount)
        elif what == "freeze":
            ledger.freeze(account)
            self.refused((AccountFrozen, self.hold_of(job, amount=1, whose=whose)))
            ledger.unfreeze(account)
            self.refused((InvalidMovement, self.hold_of(job, amount=0, whose=whose)))
        elif amount > self.available(whose):
            self.refused((InsufficientDust, lambda: ledger.adjust(account, -amount, key=key, **WHO)))
            what = "too far down"
        else:
            self.moves_once(whose, lambda: ledger.adjust(account, -amount, key=key, **WHO), posted=-amount)
        reached[what] += 1

    @invariant()
    def the_rows_are_what_the_model_says(self):
        for whose, account in enumerate(self.accounts):
            assert standing(account) == (self.posted[whose], self.held[whose], self.moves[whose])
            open_holds = [job for job, kind in self.last.items() if kind == "hold"]
            mine = [self.amounts[job] for job in open_holds if self.owners[job] == whose]
            assert self.held[whose] == sum(mine)


EVERY_STEP = {
    *("nothing -> hold", "hold -> post", "hold -> void", "hold -> expire", "post -> reverse"),
    *(f"{stage}, and said again" for stage in STAGES),
    *("grant", "up", "down", "too far down", "freeze"),
    *("AccountFrozen", "AccountNotFound", "HoldAlreadyResolved", "HoldNotFound"),
    *("InsufficientDust", "InvalidMovement", "KeyConflict", "NotPosted"),
}


@pytest.mark.django_db
def test_the_ledger_agrees_with_its_model_and_every_step_was_taken():
    reached.clear()
    walk(Books, examples=40, steps=30, missing=lambda: EVERY_STEP - set(reached))
    assert set(reached) == EVERY_STEP
