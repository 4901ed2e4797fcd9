"""Jobs, workers and money against a model of them, over many histories: every verb in and out of turn.

What was reached is counted, and a run that missed a move fails.
"""

import collections
import copy
import datetime
import tempfile
import uuid
from pathlib import Path

import pytest
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from hypothesis import note
from hypothesis.stateful import invariant, rule

from accounts.models import User
from base.ids import uuid7
from dust import ledger
from dust.errors import AccountFrozen, InsufficientDust
from jobs import housekeeping, lifecycle, upkeep, workers
from jobs.errors import JobLost, JobNotCancellable, TooManyActiveJobs
from jobs.models import Job
from jobs.providers.base import FailureCode
from jobs.states import ACTIVE, FINISHED, TRANSITIONS, Status, Transition
from tests.jobs import books
from tests.jobs.books import Purse, Told
from tests.jobs.making import details_of, move_clock, order_for, stored_files
from tests.walking import NUMBERS, Walk, happens, refuses, walk
from videos import library

CEILING = 3  # active jobs of one user
ATTEMPTS = 2
WHY = {"code": FailureCode.INTERNAL_ERROR, "detail": "the model says so"}
UNSTORED = library.StoredFiles(file="videos/none.mp4", poster="videos/none.jpg", size_bytes=1)

# what may happen next to a job, and how often
WAYS = {
    "queued": {"claim": 4, "rewake": 1, "cancel": 1, "fail": 1},
    "waiting": {"claim": 4, "rewake": 1, "fail": 1},
    "starting": {"accept": 4, "progress": 1, "release": 1, "reap": 1, "bury": 1, "hand_back": 1, "fail": 1},
    "processing": {
        "progress": 1,
        "complete": 4,
        "release": 1,
        "reap": 2,
        "bury": 1,
        "hand_back": 2,
        "fail": 1,
    },
}
# and what more, by whether its user wants it: of a job at work, and of one that waits for another worker
WISHES = {
    "": {"ask_to_cancel": 2},
    "standing": {"stop": 2, "go_on": 4},
    "lapsed": {"ask_to_cancel": 1, "stop": 1},
}
OF_A_WISH = ("ask_to_cancel", "stop", "go_on")
OF_A_WORKER = (
    *("accept", "progress", "complete", "fail", "hand_back", "release", "bury"),
    *("stop", "go_on"),
)
VERBS = ("claim", "cancel", "reap", "rewake", "expire", "ask_to_cancel", *OF_A_WORKER)
TIMED = ("reap", "rewake")  # out of turn until the clock has moved
NOT_NOW = {
    stage: [verb for verb in VERBS if verb in TIMED or verb not in WAYS.get(stage, ())]
    for stage in (*WAYS, *map(str, FINISHED))
}


def ways(job):
    """Return what may happen next to an active job, and how often."""
    if job.stage == "queued":
        return WAYS["queued"]
    wishes = WISHES[job.wish].items()
    return WAYS[job.stage] | {verb: n for verb, n in wishes if job.worker or verb == "ask_to_cancel"}


def not_now(job):
    """Return what must be refused of a job."""
    open_ = ways(job) if job.is_active else ()
    its_time = [verb for verb in open_ if verb != "go_on" or job.is_wish_old]
    return [verb for verb in NOT_NOW[job.stage] if verb not in OF_A_WISH or verb not in its_time]


reached = collections.Counter()


class House(Walk):
    """Two users, two workers at a time, and whoever worked here before."""

    def __init__(self):
        super().__init__()
        self.users = [User.objects.create(username=uuid.uuid4().hex) for _ in range(2)]
        self.purses = {user.pk: Purse() for user in self.users}
        for user in self.users:
            ledger.open_account(user.pk)
        self.jobs, self.purged = {}, {}
        self.hands = {}  # job -> what its worker holds of it
        self.late = []  # what was held of jobs by those who have lost them
        self.hired, self.crew = 0, []
        self.hire()
        self.hire()

    def hire(self):
        self.hired += 1
        self.crew.append(f"w{self.hired}")
        workers.register(self.crew[-1], queue="render", processes=1)

    def some(self, statuses, dice):
        """Return any of the jobs that stand so, or None."""
        found = [job for job in self.jobs.values() if job.status in statuses]
        return dice.choice(found) if found else None

    @rule(number=NUMBERS)
    def something_happens(self, number):
        dice = self.dice(number)
        if (job := self.some(ACTIVE, dice)) is None:
            return self.submit(dice)
        do = dice.choices((self.submit, self.carry_on, self.say_wrongly, self.clear_up), (4, 14, 3, 2))[0]
        return self.carry_on(dice, job) if do == self.carry_on else do(dice)

    def told(self, job, verb, target, *, money="", **changes):
        """Believe that `verb` has moved the job, and its money with it."""
        move = Transition(job.status, target, verb, money)
        job.status = target
        for name, value in changes.items():
            setattr(job, name, value)
        if money and job.cost:
            job.money.append(money)
            self.purses[job.user_id].move(money, job.cost)
        if verb != "progress":
            job.story.append((verb, target, job.attempt))
        reached[move if job.cost else f"free {verb}"] += 1

    def changes_nothing(self, *wrong):
        """Say what must be refused, or answered with no."""
        before = books.everything()
        for say in wrong:
            answer = happens(say, unless=(JobLost, JobNotCancellable, Job.DoesNotExist))
            assert books.everything() == before, "a refused verb changed something"
            assert not answer, "it was not its turn"

    def refused(self, error, say):
        before = books.everything()
        refuses(error, say)
        assert books.everything() == before, "a refused verb changed something"
        reached[error.__name__] += 1

    def moves(self, say, *, stumbles):
        """Say it (with `stumbles` the commit fails, and it is said again, as workers do)."""
        if stumbles:
            before, point = books.everything(), transaction.savepoint()
            happens(say)
            transaction.savepoint_rollback(point)
            assert books.everything() == before
            reached["commit failed"] += 1
        answer = happens(say)
        assert answer, "this was its turn"
        return answer

    def word(self, verb, hand, files=UNSTORED):
        """Return what says `verb` with this hand on the job; it answers whether that was news."""
        details = {"video_id": uuid7(), "files": files, "details": details_of(hand)}
        return {
            "claim": lambda: lifecycle.claim(hand.id, worker=self.crew[0]),
            "accept": lambda: lifecycle.accept(hand),
            "progress": lambda: lifecycle.progress(hand, share=0.5, step="Half") or True,
            "complete": lambda: lifecycle.complete(hand, **details) or True,
            "fail": lambda: lifecycle.fail(hand, **WHY) or True,
            "hand_back": lambda: lifecycle.hand_back(hand, **WHY) or True,
            "cancel": lambda: lifecycle.cancel(hand),
            "ask_to_cancel": lambda: lifecycle.ask_to_cancel(hand),
            "stop": lambda: lifecycle.stop(hand, detail="the provider says so"),
            "go_on": lambda: lifecycle.go_on(hand, why="the provider says nothing"),
            "reap": lambda: lifecycle.reap(hand),
            "bury": lambda: lifecycle.reap(hand, is_dead=True),
            "release": lambda: lifecycle.release(hand),
            "rewake": lambda: upkeep.rewake(hand),
            "expire": lambda: upkeep.expire(hand),
        }[verb]

    def submit(self, dice):
        user, cost, how = dice.choice(self.users), dice.choice((0, 10, 25, 40, 60)), dice.choice(" s f")
        actor = "staff" if how == "s" else ""
        note(f"submit for {cost} DUST {how}")
        purse, order = self.purses[user.pk], order_for(user, cost=cost)
        active = sum(job.is_active for job in self.jobs.values() if job.user_id == user.pk)
        if how == "f" and cost:
            account = ledger.open_account(user.pk).pk
            ledger.freeze(account)
            self.refused(AccountFrozen, lambda: lifecycle.submit(order))
            ledger.unfreeze(account)
        elif cost > purse.available:
            self.refused(InsufficientDust, lambda: lifecycle.submit(order, actor=actor))
        elif not actor and active >= CEILING:
            self.refused(TooManyActiveJobs, lambda: lifecycle.submit(order))
        else:
            made = happens(lambda: lifecycle.submit(order, actor=actor))
            job = self.jobs[made.id] = Told(made.id, user.pk, cost, wakes=1)
            self.hands[made.id] = made
            self.told(job, "submit", Status.QUEUED, money="hold")

    def carry_on(self, dice, job):
        able = ways(job)
        verb, stumbles = dice.choices([*able], [*able.values()])[0], dice.random() < 0.2
        note(f"{verb} job {str(job.id)[-4:]}, which is {job.stage}{', at the second go' if stumbles else ''}")
        hand = self.hands[job.id]
        old = copy.copy(hand)
        getattr(self, verb)(job, hand, stumbles)
        if verb != "progress":
            self.changes_nothing(self.word(verb, copy.copy(old)))
            reached[f"replay {verb}"] += 1
        if (job.attempt, job.worker) != (old.attempt, old.worker) and (old.worker or not old.attempt):
            self.late.append(old)  # not who saw it waiting for another try: released, it waits just so again

    def claim(self, job, hand, stumbles):
        worker = self.crew[len(job.story) % 2]
        say = lambda: lifecycle.claim(job.id, worker=worker)  # noqa: E731
        self.hands[job.id] = self.moves(say, stumbles=stumbles)
        first = job.status == Status.QUEUED
        ours = {"worker": worker, "attempt": 1 if first else job.attempt}
        self.told(job, "claim", Status.STARTING, money="post" if first else "", **ours)

    def accept(self, job, hand, stumbles):
        self.moves(self.word("accept", hand), stumbles=stumbles)
        self.told(job, "accept", Status.PROCESSING)

    def progress(self, job, hand, stumbles):
        self.moves(self.word("progress", hand), stumbles=stumbles)
        self.told(job, "progress", job.status, share=0.5)

    def complete(self, job, hand, stumbles):
        with tempfile.TemporaryDirectory() as folder:
            files = stored_files(Path(folder), job.id)
        self.moves(self.word("complete", hand, files), stumbles=stumbles)
        self.told(job, "complete", Status.COMPLETED, worker="", share=1.0, has_video=True)

    def fail(self, job, hand, stumbles):
        self.moves(self.word("fail", hand), stumbles=stumbles)
        money = "void" if job.status == Status.QUEUED else "reverse"
        self.told(job, "fail", Status.FAILED, money=money, worker="")

    def cancel(self, job, hand, stumbles):
        self.moves(self.word("cancel", hand), stumbles=stumbles)
        self.told(job, "cancel", Status.CANCELLED, money="void")

    def ask_to_cancel(self, job, hand, stumbles):
        self.moves(self.word("ask_to_cancel", copy.copy(hand)), stumbles=stumbles)
        self.told(job, "ask_to_cancel", job.status, wish="standing", is_wish_old=False)

    def stop(self, job, hand, stumbles):
        self.moves(self.word("stop", hand), stumbles=stumbles)
        self.told(job, "stop", Status.CANCELLED, money="reverse", worker="")

    def go_on(self, job, hand, stumbles):
        if not job.is_wish_old:
            asked = F("cancel_requested_at") - datetime.timedelta(hours=2)
            Job.objects.filter(id=job.id).update(cancel_requested_at=asked)
        self.moves(self.word("go_on", hand), stumbles=stumbles)
        self.told(job, "go_on", job.status, wish="lapsed")

    def release(self, job, hand, stumbles):
        workers.retire([job.worker])  # as whoever stops a worker does first
        if job.worker in self.crew:
            self.crew.remove(job.worker)
            self.hire()
        self.moves(self.word("release", hand), stumbles=stumbles)
        job.wakes += 1
        self.told(job, "release", Status.STARTING, worker="", share=0.0)
        self.hands[job.id] = Job.objects.get(id=job.id)
        self.changes_nothing(lambda: lifecycle.claim(job.id, worker=hand.worker))
        reached["claim by a retired worker"] += 1

    def reap(self, job, hand, stumbles):
        self.age(job)
        self.moves(self.word("reap", Job.objects.get(id=job.id)), stumbles=stumbles)
        self.try_again(job, "reap")

    def bury(self, job, hand, stumbles):
        self.moves(self.word("bury", Job.objects.get(id=job.id)), stumbles=stumbles)
        self.try_again(job, "reap")

    def hand_back(self, job, hand, stumbles):
        self.moves(self.word("hand_back", hand), stumbles=stumbles)
        self.try_again(job, "hand_back")
        if job.status == Status.STARTING:
            self.changes_nothing(self.word("claim", hand))
            reached["claim before its pause is over"] += 1
            Job.objects.filter(id=job.id).update(woken_at=Now())

    def try_again(self, job, verb):
        if job.attempt < ATTEMPTS:
            job.attempt, job.wakes = job.attempt + 1, job.wakes + 1
            self.told(job, verb, Status.STARTING, worker="", share=0.0)
        else:
            self.told(job, verb, Status.FAILED, money="reverse", worker="")
        self.hands[job.id] = Job.objects.get(id=job.id)

    def age(self, job):
        move_clock(job, hours=2)
        job.is_wish_old = True

    def rewake(self, job, hand, stumbles):
        self.age(job)
        self.moves(self.word("rewake", hand), stumbles=stumbles)
        job.wakes += 1
        job.story.append(("requeue", job.status, job.attempt))
        reached["rewake"] += 1

    def say_wrongly(self, dice):
        """By somebody who has lost the job, or out of its turn."""
        busy = [hand for hand in self.late if hand.id in self.jobs and self.jobs[hand.id].worker]
        if self.late and dice.random() < 0.5:
            hand, verbs = dice.choice(busy or self.late), OF_A_WORKER
            when = "by one who lost it to another" if busy else "by one who lost it"
        else:
            unwanted = [job for job in self.jobs.values() if job.worker and job.wish == "standing"]
            often = unwanted and dice.random() < 0.5  # else it is hardly ever come to what a second wish does
            job = dice.choice(unwanted) if often else self.some(set(Status), dice)
            hand, verbs, when = self.hands[job.id], not_now(job), f"while {job.stage}"
        note(f"{', '.join(verbs)} job {str(hand.id)[-4:]} {when}")
        self.changes_nothing(*(self.word(verb, copy.copy(hand)) for verb in verbs))
        reached.update(f"{verb} {when}" for verb in verbs)

    def clear_up(self, dice):
        if (job := self.some(FINISHED, dice)) is None:
            return
        note(f"clear up job {str(job.id)[-4:]}")
        if not job.is_cleared:
            move_clock(job, days=2)
            self.moves(self.word("expire", Job.objects.get(id=job.id)), stumbles=False)
            job.is_cleared = True
            if job.status == Status.COMPLETED:
                job.story.append(("expire", job.status, job.attempt))
            reached[f"expire {job.status}"] += 1
        if dice.random() < 0.4:
            happens(lambda: housekeeping.purge_jobs(age=datetime.timedelta(days=1)))
            for old in [job for job in self.jobs.values() if job.is_cleared]:
                self.purged[old.id] = self.jobs.pop(old.id)
                reached[f"purge {old.status}"] += 1

    @invariant()
    def the_tables_say_what_the_model_says(self):
        there, ever = self.jobs.values(), {**self.jobs, **self.purged}.values()
        assert books.rows() == {job.id: job.row for job in there}
        assert books.purses() == {user: purse.row for user, purse in self.purses.items()}
        assert books.money() == {job.id: job.money for job in ever if job.money}
        assert books.stories() == {job.id: job.story for job in there}
        assert books.wakes() == {job.id: job.wakes for job in ever}
        assert books.purged() == {
            job.id: (job.status, job.cost, job.attempt > 0) for job in self.purged.values()
        }


OUT_OF_TURN = {f"{verb} while {stage}" for stage, verbs in NOT_NOW.items() for verb in verbs}
LATE = {f"{verb} by one who lost it{whom}" for verb in OF_A_WORKER for whom in ("", " to another")}
REPLAYS = {f"replay {verb}" for able in (*WAYS.values(), *WISHES.values()) for verb in able} - {
    "replay progress"
}
FREE = {f"free {move.verb}" for move in TRANSITIONS}
OTHERS = {
    *(f"{verb} {stage}" for verb in ("expire", "purge") for stage in FINISHED),
    *("rewake", "commit failed", "claim by a retired worker", "claim before its pause is over"),
    *("AccountFrozen", "InsufficientDust", "TooManyActiveJobs"),
}
EVERYTHING = {*TRANSITIONS} | OUT_OF_TURN | LATE | REPLAYS | FREE | OTHERS


@pytest.mark.timeout(900)  # 80 s of work on PostgreSQL, in several times as long on a busy machine
@pytest.mark.django_db
def test_jobs_and_their_money_agree_with_a_model_and_every_move_was_made(settings):
    settings.MAX_ACTIVE_JOBS, settings.JOB_MAX_ATTEMPTS = CEILING, ATTEMPTS
    # times that no slow machine gets near: the clock moves where a rule moves it
    settings.JOB_LEASE = settings.REQUEUE_AFTER = settings.CANCEL_PATIENCE = datetime.timedelta(hours=1)
    settings.JOB_RETRY = datetime.timedelta(hours=1)
    reached.clear()
    walk(House, examples=50, steps=50, missing=lambda: EVERYTHING - set(reached))
    assert set(reached) == EVERYTHING
