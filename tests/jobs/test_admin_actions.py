"""What support does to a job: asked for with a reason, done once, written down, and refused in words."""

import re
import uuid

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from jobs import lifecycle
from jobs.admin.actions import MOVED_ON, CancelForm, FailForm
from jobs.errors import JobLost
from jobs.models import IdempotencyKey, Job, JobEvent
from jobs.providers.base import FailureCode
from jobs.states import Status
from tests.jobs.desk import WHY, address, last_event, said
from tests.jobs.making import OPENING, finish

pytestmark = pytest.mark.django_db

# --- cancel --------------------------------------------------------------------------------------------


def test_cancelling_gives_the_hold_back_and_is_written_down(do, queued, fresh, alice, sam, dust_of):
    response = do(queued, "cancel")
    assert response.redirect_chain == [(address(queued, "change"), 302)]
    assert said(response) == ["Cancelled: 10 DUST were held and went back to alice@example.com."]
    assert fresh(queued).status == Status.CANCELLED
    assert dust_of(alice) == (OPENING, 0)
    assert last_event(queued) == ("cancel", "sam", WHY)
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (sam, str(queued.id))
    assert entry.change_message.startswith(f"Cancel the job: {WHY}")


def test_cancelling_twice_is_harmless_and_says_so(desk, queued, alice, dust_of):
    for _ in range(2):
        response = desk.post(address(queued, "cancel"), {"reason": WHY}, follow=True)
    assert re.fullmatch(
        r"Nothing was done: this job was already cancelled, \d+ seconds? ago\.", said(response)[0]
    )
    assert JobEvent.objects.filter(job=queued, verb="cancel").count() == 1
    assert LogEntry.objects.count() == 1
    assert dust_of(alice) == (OPENING, 0)


def test_a_page_that_went_stale_cancels_nothing(desk, queued, fresh):
    desk.get(address(queued, "cancel"))
    lifecycle.claim(queued.id, worker="w1")
    response = desk.post(address(queued, "cancel"), {"reason": WHY}, follow=True)
    assert said(response) == ["Nothing was done: this job is starting now."]
    assert fresh(queued).status == Status.STARTING
    assert not LogEntry.objects.exists()


def test_whoever_is_quicker_at_the_last_moment_wins(queued, fresh):
    stale = fresh(queued)
    lifecycle.cancel(queued)
    form = CancelForm({"reason": WHY})
    assert form.is_valid()
    outcome = form.carry_out(stale, actor="sam")
    assert (outcome.news, outcome.message) == (False, "It was already cancelled.")


def test_a_job_that_started_at_the_last_moment_is_not_cancelled(queued, fresh):
    stale = fresh(queued)
    lifecycle.claim(queued.id, worker="w1")
    form = CancelForm({"reason": WHY})
    assert form.is_valid()
    assert form.carry_out(stale, actor="sam") is None
    assert form.non_field_errors() == ["Only a job that is still queued can be cancelled."]


# --- fail and refund -----------------------------------------------------------------------------------


def test_failing_a_stuck_job_refunds_it_and_is_written_down(do, processing, fresh, alice, dust_of):
    response = do(processing, "fail")
    assert said(response) == ["Failed: 10 DUST were refunded to alice@example.com."]
    job = fresh(processing)
    assert (job.status, job.failure_code) == (Status.FAILED, "internal_error")
    assert job.failure_detail == f"Ended by sam: {WHY}"
    assert dust_of(alice) == (OPENING, 0)
    assert last_event(processing) == ("fail", "sam", WHY)
    assert LogEntry.objects.get().change_message.startswith(f"Fail and refund: {WHY}")


def test_staff_choose_what_the_user_is_told(do, processing, api):
    do(processing, "fail", code="content_rejected")
    answer = api.get(f"/videos/jobs/{processing.id}/status").json()
    assert answer["error_code"] == "content_rejected"
    assert WHY not in str(answer)


def test_a_queued_job_can_be_failed_and_its_hold_goes_back(do, queued, alice, dust_of):
    assert said(do(queued, "fail")) == ["Failed: 10 DUST were held and went back to alice@example.com."]
    assert dust_of(alice) == (OPENING, 0)


def test_failing_twice_refunds_once(desk, processing, alice, dust_of):
    fields = {"reason": WHY, "code": "internal_error"}
    for _ in range(2):
        response = desk.post(address(processing, "fail"), fields, follow=True)
    assert said(response)[0].startswith("Nothing was done: this job was already failed")
    assert dust_of(alice) == (OPENING, 0)
    assert LogEntry.objects.count() == 1


def test_a_job_that_moved_on_at_the_last_moment_is_left_alone(processing, fresh):
    stale = fresh(processing)
    lifecycle.hand_back(processing, code=FailureCode.PROVIDER_TIMEOUT, detail="504")
    form = FailForm({"reason": WHY, "code": "internal_error"})
    assert form.is_valid()
    assert form.carry_out(stale, actor="sam") is None
    assert form.non_field_errors() == [MOVED_ON]
    assert fresh(processing).status == Status.STARTING


def test_the_worker_of_a_failed_job_finds_that_it_lost_it(do, processing, tmp_path, fresh):
    do(processing, "fail")
    with pytest.raises(JobLost):
        finish(processing, tmp_path)
    assert fresh(processing).status == Status.FAILED


# --- every action --------------------------------------------------------------------------------------


@pytest.fixture
def in_state(request, tmp_path):
    """A job in the state named, made on demand."""

    def make(state):
        if state == "completed":
            job = request.getfixturevalue("processing")
            finish(job, tmp_path)
        elif state == "cancelled":
            job = request.getfixturevalue("queued")
            lifecycle.cancel(job)
        else:
            job = request.getfixturevalue(state)
        return job

    return make


@pytest.mark.parametrize(
    ("state", "offered"),
    [
        ("queued", ["cancel", "fail"]),
        ("starting", ["fail"]),
        ("processing", ["fail"]),
        ("completed", ["rerun"]),
        ("failed", ["rerun"]),
        ("cancelled", ["rerun"]),
    ],
)
def test_each_state_offers_what_fits_it_and_refuses_the_rest(desk, in_state, fresh, state, offered):
    job = in_state(state)
    page = desk.get(address(job, "change")).content.decode()
    before = fresh(job)
    for name in ("cancel", "fail", "rerun"):
        assert (address(job, name) in page) == (name in offered), name
        if name not in offered:
            fields = {"reason": WHY, "code": "internal_error", "nonce": str(uuid.uuid4())}
            for response in (
                desk.get(address(job, name), follow=True),
                desk.post(address(job, name), fields, follow=True),
            ):
                assert said(response)[0].startswith("Nothing was done")
    assert fresh(job).status == before.status
    assert Job.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "state", "right"),
    [
        ("cancel", "queued", "cancel_queued_job"),
        ("fail", "processing", "refund_job"),
        ("rerun", "failed", "rerun_job"),
    ],
)
def test_each_action_needs_its_own_right(desk, sam, in_state, fresh, name, state, right):
    job = in_state(state)
    others = {"cancel_queued_job", "refund_job", "rerun_job", "change_job", "delete_job", "view_job"} - {
        right
    }
    sam.groups.clear()
    sam.user_permissions.set(Permission.objects.filter(codename__in=others))
    assert address(job, name) not in desk.get(address(job, "change")).content.decode()
    fields = {"reason": WHY, "code": "internal_error", "nonce": str(uuid.uuid4())}
    assert desk.get(address(job, name)).status_code == 403
    assert desk.post(address(job, name), fields).status_code == 403
    assert fresh(job).status == job.status
    assert Job.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "state"), [("cancel", "queued"), ("fail", "processing"), ("rerun", "failed")]
)
def test_a_reason_is_required_and_looking_changes_nothing(desk, in_state, fresh, name, state):
    job = in_state(state)
    before = Job.objects.values().get(id=job.id)
    events, keys = JobEvent.objects.count(), IdempotencyKey.objects.count()
    desk.get(address(job, name), {"reason": WHY, "code": "internal_error", "nonce": str(uuid.uuid4())})
    for reason in ("", "   ", "x" * 301):
        fields = {"reason": reason, "code": "internal_error", "nonce": str(uuid.uuid4())}
        response = desk.post(address(job, name), fields)
        assert response.status_code == 200
        assert response.context["form"].errors["reason"]
    assert Job.objects.values().get() == before
    assert (JobEvent.objects.count(), IdempotencyKey.objects.count()) == (events, keys)


def test_an_unknown_failure_code_is_refused(desk, processing, fresh):
    response = desk.post(address(processing, "fail"), {"reason": WHY, "code": "because"})
    assert response.context["form"].errors["code"]
    assert fresh(processing).status == Status.PROCESSING


def test_a_form_from_another_site_is_refused(sam, queued, fresh):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(sam)
    assert strict.post(address(queued, "cancel"), {"reason": WHY}).status_code == 403
    assert fresh(queued).status == Status.QUEUED


def test_a_job_that_is_not_there_has_no_actions(desk):
    assert desk.get(f"/admin/jobs/job/{uuid.uuid4()}/cancel/").status_code == 404


def test_what_staff_did_is_in_the_jobs_history(desk, do, queued):
    do(queued, "cancel")
    page = desk.get(address(queued, "history")).content.decode()
    assert "sam" in page
    assert WHY in page
