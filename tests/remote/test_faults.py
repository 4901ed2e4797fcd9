"""What goes wrong on our side while a provider is at work: no second submit, and no DUST is lost."""

import collections
import contextlib
import re
import uuid

import pytest
from django.db import OperationalError, connection
from django.db.models.functions import Now

from dust import ledger
from jobs import catalogue, driver, engagement, intake, lifecycle, remote_tasks
from jobs.driver import OTHERS
from jobs.models import Job, RemoteState, RemoteTask
from jobs.providers.base import FailureCode
from jobs.providers.remote import Cost, Refused, Taken
from tests.jobs.making import OPENING, PRICE
from tests.remote.cases import CASES
from tests.remote.stand_ins import works
from tests.remote.stand_ins.openai_videos import OpenAIStandIn
from tests.remote.stand_ins.server import Answer, Server
from tests.remote.watching import PATIENCE, ended, eventually, states

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("case", CASES[:1], indirect=True, ids=["openai"])]

MEGABYTE = 1024 * 1024
REFUSING = {
    "sqlite": "CREATE TRIGGER refusing BEFORE UPDATE ON jobs_job WHEN {when} "
    "BEGIN SELECT RAISE(ABORT, 'refused by a trigger'); END",
    "postgresql": "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'refused by a trigger'; END $$; "
    "CREATE TRIGGER refusing BEFORE UPDATE ON jobs_job FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION refuse()",
}
NO_MORE = {"sqlite": "DROP TRIGGER refusing", "postgresql": "DROP FUNCTION refuse CASCADE"}


def sql(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


@contextlib.contextmanager
def refusing(when):
    """The database refuses to change jobs like these."""
    sql(REFUSING[connection.vendor].format(when=when))
    try:
        yield
    finally:
        sql(NO_MORE[connection.vendor])


@contextlib.contextmanager
def without(table):
    """A table is not there."""
    sql(f"ALTER TABLE {table} RENAME TO {table}_away")
    try:
        yield
    finally:
        sql(f"ALTER TABLE {table}_away RENAME TO {table}")


def now(job):
    return Job.objects.get(id=job.id)


def lose(one, job):
    """The worker dies, and its job is taken from it."""
    one.abandon()
    assert one.stop(seconds=PATIENCE)
    assert lifecycle.reap(now(job), is_dead=True)


@pytest.fixture
def large(stand_in, settings):
    """Make every video of the stand-in a good one that is larger than may be fetched."""
    settings.REMOTE_VIDEO_MB = 1
    there = stand_in.file
    free = (2 * MEGABYTE).to_bytes(4, "big") + b"free" + bytes(2 * MEGABYTE - 8)

    def file(work):
        answer = there(work)
        return Answer(answer.status, answer.body + free, answer.headers)

    stand_in.file = file


class Elsewhere(Server):
    """Where a provider puts its files: not a host of its own."""

    def routes(self):
        video = works.video(5.0)
        return [("GET", "/.*", lambda asked: Answer(200, video, {"content-type": "video/mp4"}))]


@pytest.fixture
def elsewhere(settings):
    with Elsewhere() as server:
        settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{server.port}"]
        yield server


def test_a_video_that_cannot_be_stored_is_fetched_again_when_it_can(
    far, drive, submit, stand_in, media, alice
):
    media.write_text("There is no folder here.")
    job = submit()
    drive()
    eventually(lambda: now(job).events.filter(verb="release").exists())
    waiting = now(job)
    assert (waiting.status, waiting.current_step) == ("starting", engagement.STORAGE)
    assert waiting.progress > 0.9  # its work is not begun anew
    assert "Storage failed" in waiting.events.get(verb="release").message
    assert states(job) == [RemoteState.MADE]
    media.unlink()
    Job.objects.update(woken_at=Now())  # the pause, that a person would sit out
    done = ended(job)
    assert (done.status, done.attempt, stand_in.submits_of(job.prompt)) == ("completed", 1, 1)
    assert ledger.balance(alice.pk).available == OPENING - PRICE
    assert not RemoteTask.objects.to_review().exists()


@pytest.mark.parametrize("is_abroad", [False, True], ids=["at home", "abroad"])
def test_a_video_that_is_too_large_is_not_asked_for_again_refunded_and_shown_to_staff(
    is_abroad, large, far, finish, submit, stand_in, elsewhere, alice
):
    if is_abroad:
        elsewhere.answer = lambda asked: stand_in.file(*stand_in.works.values())
        place = {"location": f"{elsewhere.origin}/video.mp4"}
        stand_in.content = lambda asked, work_id: Answer(302, b"", place)
    job = finish(submit())
    [work] = stand_in.works.values()
    assert (job.status, job.failure_code, work.fetches) == ("failed", FailureCode.INTERNAL_ERROR, 1)
    assert "larger than REMOTE_VIDEO_MB allows: 1 MB" in job.failure_detail
    assert ledger.balance(alice.pk).available == OPENING
    task = RemoteTask.objects.to_review().get()
    assert (task.job_id, task.state) == (job.id, RemoteState.MADE)
    assert "REMOTE_VIDEO_MB" in task.detail


def test_a_model_that_is_withdrawn_while_it_has_a_job_costs_its_user_nothing(
    far, settings, drive, finish, submit, stand_in, alice
):
    """Its key and its address have gone with it: nobody can be asked any more."""
    stand_in.takes = 60.0
    job = submit()
    one = drive()
    eventually(lambda: states(job) == [RemoteState.TAKEN])
    lose(one, job)
    settings.VIDEO_MODELS = {}
    failed = finish(job)
    assert (failed.status, failed.failure_code) == ("failed", FailureCode.PROVIDER_UNAVAILABLE)
    assert "'far' was withdrawn" in failed.failure_detail
    assert ledger.balance(alice.pk).available == OPENING
    task = RemoteTask.objects.to_review().get(job_id=job.id)
    assert task.remote_id in stand_in.works
    assert stand_in.submits_of(job.prompt) == 1


def test_what_is_noted_twice_as_the_answer_to_the_commit_was_lost_is_noted_once(far, submit, stand_in):
    job = lifecycle.claim(submit().id, worker="w1")
    route, key = catalogue.get("far").adapter().route, uuid.uuid4()
    first, again = (remote_tasks.intend(job, route, key=key, in_flight=1) for _ in range(2))
    assert first == again == RemoteTask.objects.get()
    said = Taken(remote_id="video_1", urls={"status": "https://far.example/1"})
    assert [remote_tasks.taken(first, said) for _ in range(2)] == [True, True]
    since = first.taken_at
    assert not remote_tasks.unknown(again, "no reply")  # who has not heard of it comes too late
    assert not remote_tasks.refused(again, Refused(FailureCode.PROVIDER_REJECTED, "no"))
    cost = Cost(micros=400_000, currency="USD")
    assert [remote_tasks.made(first, cost, is_reported=True) for _ in range(2)] == [True, True]
    kept = RemoteTask.objects.get()
    assert (kept.state, kept.remote_id, kept.taken_at) == (RemoteState.MADE, "video_1", since)
    assert (kept.cost_micros, kept.currency, kept.is_cost_reported) == (400_000, "USD", True)


def test_a_refusal_that_is_noted_twice_lets_the_job_be_submitted_once_more(far, submit, stand_in):
    job = lifecycle.claim(submit().id, worker="w1")
    route, key = catalogue.get("far").adapter().route, uuid.uuid4()
    task = remote_tasks.intend(job, route, key=key, in_flight=1)
    why = Refused(FailureCode.PROVIDER_UNAVAILABLE, "busy", again=True)
    assert [remote_tasks.refused(task, why) for _ in range(2)] == [True, True]
    assert remote_tasks.intend(job, route, key=uuid.uuid4(), in_flight=1).state == RemoteState.INTENDED


def test_jobs_at_hand_go_on_while_the_driver_cannot_look_for_others(far, drive, submit, stand_in, caplog):
    stand_in.takes = 3600.0
    first = submit()
    drive()
    eventually(lambda: now(first).status == "processing")
    with without("jobs_upstream"):
        second = submit("Another sea")
        eventually(lambda: re.search("could not look for waiting jobs|does not answer", caplog.text))
        stand_in.end_works()
        eventually(lambda: now(first).status == "completed")
        assert now(second).status == "queued"
    assert ended(second).status == "completed"
    assert stand_in.submits_of(first.prompt) == stand_in.submits_of(second.prompt) == 1


def test_jobs_at_hand_go_on_while_their_leases_cannot_be_renewed(
    far, drive, submit, stand_in, caplog, monkeypatch
):
    monkeypatch.setattr(driver, "LONGEST_RENEWAL", 0.5)
    stand_in.takes = 3600.0
    job = submit()
    drive()
    eventually(lambda: now(job).status == "processing")
    with refusing("NEW.updated_at = OLD.updated_at AND NEW.lease_expires_at <> OLD.lease_expires_at"):
        eventually(lambda: "chore _renew has failed" in caplog.text)
        until = now(job).lease_expires_at
    eventually(lambda: now(job).lease_expires_at > until)
    stand_in.end_works()
    done = ended(job)
    assert (done.status, done.attempt, stand_in.submits_of(job.prompt)) == ("completed", 1, 1)


def test_a_job_that_cannot_be_claimed_keeps_no_other_from_it(far, finish, submit, alice):
    first, broken, last = submit("Wave 1"), submit("Wave 2"), submit("Wave 3")
    with refusing("OLD.prompt = 'Wave 2' AND NEW.status = 'starting'"):
        assert [(job.status, job.attempt) for job in finish(first, last)] == [("completed", 1)] * 2
        assert now(broken).status == "queued"
        assert ledger.balance(alice.pk).held == PRICE
    assert ended(broken).status == "completed"


def test_jobs_that_were_claimed_before_the_database_went_away_are_in_somebodys_hands(
    far, settings, submit, stand_in
):
    """The connection breaks with the third claim."""
    settings.VIDEO_MODELS = {**settings.VIDEO_MODELS, "farther": settings.VIDEO_MODELS["far"]}
    for number in range(5):
        submit(f"Wave {number}", model="far" if number % 2 else "farther", cost=1)
    updates = []

    def breaking(execute, sql, parameters, many, context):
        updates.extend([sql] if sql.startswith('UPDATE "jobs_job"') else [])
        if len(updates) > 2:
            if connection.vendor == "postgresql":
                connection.connection.close()
            raise OperationalError("the connection is closed")
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(breaking):
        claimed = intake.claim("remote", "w1", 50, collections.Counter())
        with pytest.raises(OperationalError):  # now there was none: the caller tries again
            intake.claim("remote", "w1", 50, collections.Counter())
    if connection.vendor == "postgresql":
        connection.close()
    assert [(job.worker, job.attempt) for job in claimed] == [("w1", 1)] * 2
    assert {job.id for job in claimed} == set(Job.objects.running().values_list("id", flat=True))
    assert Job.objects.queued().count() == 3


def test_a_driver_that_takes_its_own_lost_job_again_goes_on_without_a_second_submit(
    far, drive, submit, stand_in, alice
):
    stand_in.takes = 3600.0
    job = submit()
    drive()
    eventually(lambda: now(job).status == "processing")
    # until no sign of life comes in between
    eventually(lambda: Job.objects.update(lease_expires_at=Now()) and lifecycle.reap(now(job)))
    eventually(lambda: now(job).status == "processing")
    stand_in.end_works()
    done = ended(job)
    assert (done.status, done.attempt, stand_in.submits_of(job.prompt)) == ("completed", 2, 1)
    verbs = list(done.events.order_by("id").values_list("verb", flat=True))
    assert verbs == ["submit", "claim", "accept", "reap", "claim", "accept", "complete"]
    assert ledger.balance(alice.pk).available == OPENING - PRICE


def test_slow_downloads_of_one_account_do_not_hold_up_anothers(
    case, far, settings, drive, submit, stand_in, elsewhere
):
    """Their files are abroad, where a thread waits for each: there are fewer of those than jobs."""
    first = settings.VIDEO_MODELS["far"]
    slow = elsewhere.hold(lambda asked: asked.path.startswith("/slow"))
    with OpenAIStandIn() as other:
        second = case.entry(other)
        second["remote"] = {**second["remote"], "key": "FAR_KEY", "poll_seconds": 0.05, "account": "other"}
        settings.VIDEO_MODELS = {"far": first, "farther": second}
        for server, where in ((stand_in, "slow"), (other, "quick")):
            place = {"location": f"{elsewhere.origin}/{where}.mp4"}
            server.content = lambda asked, work_id, place=place: Answer(302, b"", place)
        held = [submit(f"Wave {number}", cost=1) for number in range(OTHERS["porters"] + 2)]
        drive()
        eventually(lambda: RemoteTask.objects.filter(state=RemoteState.MADE).count() == len(held))
        eventually(slow.reached.is_set)
        assert ended(submit("A quick sea", model="farther", cost=1)).status == "completed"
        assert Job.objects.running().count() == len(held)
        slow.release()
        assert {ended(job).status for job in held} == {"completed"}
