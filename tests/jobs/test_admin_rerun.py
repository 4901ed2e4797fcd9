"""Running a job again for its user: a new job, linked, at today's price, once for one page, or refused."""

import re
import uuid

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from dust import ledger
from jobs import lifecycle, uploads
from jobs.models import Job
from jobs.states import Status
from tests.jobs.desk import WHY, address, last_event, said
from tests.jobs.making import OPENING, PRICE

pytestmark = pytest.mark.django_db


def test_running_again_makes_a_linked_job_at_todays_price(desk, do, failed, alice, settings, dust_of):
    settings.DUST_PRICES = {"generate": 12, "animate": 8}
    page = desk.get(address(failed, "rerun")).content.decode()
    assert "It costs alice@example.com 12 DUST, today&rsquo;s price" in page
    assert "(this one cost 10)" in page
    assert "100 can be spent now, 88 after that." in re.sub(r"\s+", " ", page)
    response = do(failed, "rerun")
    new = Job.objects.get(rerun_of=failed)
    assert response.redirect_chain == [(address(new, "change"), 302)]
    assert said(response) == ["Submitted again as this new job: 12 DUST held for it from alice@example.com."]
    assert (new.status, new.cost, new.prompt, new.user) == (Status.QUEUED, 12, failed.prompt, alice)
    assert dust_of(alice) == (OPENING, 12)
    assert last_event(new) == ("submit", "sam", WHY)
    assert LogEntry.objects.get().object_id == str(failed.id)


def test_both_jobs_name_each_other(desk, do, failed):
    do(failed, "rerun")
    new = Job.objects.get(rerun_of=failed)
    assert (
        f'This repeats <a href="{address(failed, "change")}">'
        in desk.get(address(new, "change")).content.decode()
    )
    assert (
        f'Repeated by <a href="{address(new, "change")}">'
        in desk.get(address(failed, "change")).content.decode()
    )


def test_a_page_sent_twice_runs_the_job_again_once(desk, failed, alice, dust_of):
    fields = {"reason": WHY, "nonce": str(uuid.uuid4())}
    first, second = (desk.post(address(failed, "rerun"), fields, follow=True) for _ in range(2))
    assert second.redirect_chain == first.redirect_chain
    assert said(second) == ["It was already submitted again, as this job; nothing was done a second time."]
    assert Job.objects.filter(rerun_of=failed).count() == LogEntry.objects.count() == 1
    assert dust_of(alice) == (OPENING, PRICE)


@pytest.mark.parametrize("is_ours", [True, False])
def test_the_seed_is_that_of_the_old_job_and_asked_for_if_it_was(is_ours, do, submit):
    job = submit(seed=77, seed_was_drawn=is_ours)
    lifecycle.cancel(job)
    do(job, "rerun")
    new = Job.objects.get(rerun_of=job)
    assert (new.seed, new.seed_was_drawn) == (77, is_ours)


def test_two_pages_run_it_again_twice(do, failed):
    do(failed, "rerun")
    do(failed, "rerun")
    assert Job.objects.filter(rerun_of=failed).count() == 2


def test_one_pages_nonce_does_not_serve_another_job(desk, failed, submit):
    other = submit()
    lifecycle.cancel(other)
    fields = {"reason": WHY, "nonce": str(uuid.uuid4())}
    desk.post(address(failed, "rerun"), fields)
    assert "already used for another request" in desk.post(address(other, "rerun"), fields).content.decode()
    assert not Job.objects.filter(rerun_of=other).exists()


def test_who_cannot_pay_is_not_charged_and_the_reason_is_kept(desk, do, failed, alice, dust_of, settings):
    ledger.adjust(
        ledger.open_account(alice.pk).pk, PRICE - 1 - OPENING, key="spent", actor="test", reason="spent"
    )
    page = desk.get(address(failed, "rerun")).content.decode()
    assert "alice@example.com has 9 DUST to spend, 1 too few." in page
    assert "/grant/" in page
    response = do(failed, "rerun")
    assert "This needs 10 DUST and 9 can be spent." in response.content.decode()
    assert WHY in response.content.decode()
    assert not Job.objects.filter(rerun_of=failed).exists()
    assert not LogEntry.objects.exists()
    assert dust_of(alice) == (PRICE - 1, 0)


def test_a_refused_page_can_be_sent_again_once_there_is_dust(desk, failed, alice):
    account = ledger.open_account(alice.pk).pk
    ledger.adjust(account, -OPENING, key="spent", actor="test", reason="spent")
    fields = {"reason": WHY, "nonce": str(uuid.uuid4())}
    assert desk.post(address(failed, "rerun"), fields).status_code == 200
    ledger.grant(account, PRICE, key="gift", actor="test", reason="gift")
    assert desk.post(address(failed, "rerun"), fields).status_code == 302


def test_a_frozen_account_is_said_before_and_refused_after(desk, do, failed, alice):
    ledger.freeze(ledger.open_account(alice.pk).pk)
    assert "The account is frozen" in desk.get(address(failed, "rerun")).content.decode()
    assert "This DUST account is frozen" in do(failed, "rerun").content.decode()


def test_a_model_that_is_gone_is_said_in_words(desk, failed):
    Job.objects.filter(id=failed.id).update(model="veo-0")
    page = desk.get(address(failed, "rerun")).content.decode()
    assert "It cannot be run again: model: There is no model &#x27;veo-0&#x27; here." in page
    assert 'type="submit" class="default"' not in page
    response = desk.post(address(failed, "rerun"), {"reason": WHY, "nonce": str(uuid.uuid4())})
    assert "There is no model" in response.content.decode()


def test_an_uploaded_picture_is_copied_and_a_refusal_leaves_no_copy(do, submit, alice):
    name = uploads.keep(ContentFile(b"a picture", name="cat.png"))
    job = submit(generation_type="image_to_video", upload=name, upload_name="cat.png")
    lifecycle.cancel(job)
    do(job, "rerun")
    new = Job.objects.get(rerun_of=job)
    assert new.upload != name
    with default_storage.open(new.upload) as picture:
        assert picture.read() == b"a picture"
    ledger.freeze(ledger.open_account(alice.pk).pk)
    do(job, "rerun")
    assert all_files() == {name, new.upload}


def all_files():
    found = set()
    for folder in default_storage.listdir("uploads")[0]:
        found |= {f"uploads/{folder}/{name}" for name in default_storage.listdir(f"uploads/{folder}")[1]}
    return found


def test_a_picture_that_is_gone_is_said_in_words(do, submit):
    job = submit(generation_type="image_to_video", upload="uploads/aa/gone", upload_name="cat.png")
    lifecycle.cancel(job)
    assert "The uploaded picture of this job is no longer kept." in do(job, "rerun").content.decode()


def test_the_users_ceiling_does_not_stop_support(do, failed, settings):
    settings.MAX_ACTIVE_JOBS = 0
    do(failed, "rerun")
    assert Job.objects.filter(rerun_of=failed).exists()
