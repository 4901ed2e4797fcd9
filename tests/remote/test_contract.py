"""Every adapter, and everything a provider may do: what clients see, what is paid, what staff learn."""

import pytest
from django.core.files.storage import default_storage

from dust import ledger
from jobs.models import RemoteState, RemoteTask
from jobs.providers.base import FailureCode
from tests.jobs.making import OPENING, PRICE
from tests.remote.stand_ins import works
from videos.models import Video

pytestmark = pytest.mark.slow


def spent(user):
    return OPENING - ledger.balance(user.pk).available


def story(job):
    return list(job.events.order_by("id").values_list("verb", flat=True))


@pytest.fixture(autouse=True)
def _known(case, request):
    word = request.node.callspec.params.get("word", "") if hasattr(request.node, "callspec") else ""
    if word in case.without:
        pytest.skip(f"this protocol has no such thing as {word}")


def test_a_job_becomes_a_video_that_was_paid_for_once(finish, submit, stand_in, alice, task_of):
    job = finish(submit())
    assert job.status == "completed"
    assert (spent(alice), stand_in.submits_of("A quiet sea")) == (PRICE, 1)
    video = Video.objects.get(id=job.video_id)
    assert (video.duration_seconds, video.width, video.height) == (5.0, 160, 90)
    assert story(job) == ["submit", "claim", "accept", "complete"]
    assert task_of(job).state == RemoteState.MADE


def test_the_file_is_kept_byte_for_byte(finish, submit):
    job = finish(submit())
    with default_storage.open(job.video.file) as stored:
        assert stored.read() == works.video(5.0)


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("refuse", FailureCode.PROVIDER_REJECTED),
        ("moderate", FailureCode.CONTENT_REJECTED),
        ("fail", FailureCode.PROVIDER_UNAVAILABLE),
        ("flag", FailureCode.CONTENT_REJECTED),
    ],
)
def test_a_refusal_or_a_failure_is_refunded(word, code, finish, submit, alice):
    job = finish(submit(f"A quiet sea [{word}]"))
    assert (job.status, job.failure_code) == ("failed", code)
    assert spent(alice) == 0
    assert not RemoteTask.objects.to_review().exists()


@pytest.mark.parametrize("word", ["strange", "stutter", "drip", "expired"])
def test_what_is_odd_but_no_failure_is_sat_out(word, finish, submit, stand_in):
    job = finish(submit(prompt := f"A quiet sea [{word}]"))
    assert job.status == "completed", job.failure_detail
    assert stand_in.submits_of(prompt) == 1


@pytest.mark.parametrize("word", ["empty", "text", "deleted"])
def test_a_video_that_is_none_is_a_failure_and_what_was_made_is_for_staff_to_look_at(
    word, case, finish, submit, alice
):
    job = finish(submit(f"A quiet sea [{word}]"))
    assert job.status == "failed"
    assert spent(alice) == 0
    is_told = word == "empty" and case.name != "openai"  # that has no address in its answer to leave out
    assert RemoteTask.objects.to_review().filter(job_id=job.id).exists() is not is_told


@pytest.mark.parametrize("word", ["busy"])
def test_a_busy_provider_is_asked_again_when_it_said(word, finish, submit, stand_in, short_pauses):
    job = finish(submit(prompt := f"A quiet sea [{word}]"))
    assert job.status == "completed", job.failure_detail
    assert stand_in.submits_of(prompt) == 1
    states = RemoteTask.objects.filter(job_id=job.id).order_by("id").values_list("state", flat=True)
    assert list(states) == ["refused", "refused", "made"]


@pytest.mark.parametrize("word", ["lost", "broken"])
def test_a_submit_whose_reply_was_lost_is_never_repeated(word, case, finish, far, submit, stand_in, alice):
    far(unknown_seconds=1.0)
    job = finish(submit(prompt := f"A quiet sea [{word}]"))
    assert stand_in.submits_of(prompt) == 1
    assert (job.status == "completed") == case.finds
    if not case.finds:
        assert spent(alice) == 0
        assert RemoteTask.objects.to_review().get().job_id == job.id
    else:
        assert (job.status, spent(alice)) == ("completed", PRICE)
