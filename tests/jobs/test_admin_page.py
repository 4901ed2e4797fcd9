"""The page of one job: what a support person reads at a glance, all of it escaped, none of it editable."""

import html
import re

import pytest
from django.contrib.auth.models import Permission

from dust import ledger
from jobs import lifecycle
from jobs.models import Job, JobEvent
from jobs.providers.base import FailureCode
from tests.jobs.making import finish, move_clock
from videos import library, links
from videos.models import Video

pytestmark = pytest.mark.django_db

HOSTILE = """<script>alert(1)</script> "><img src=x onerror=alert(2)> ' javascript:alert(3)"""


def page_of(job):
    return f"/admin/jobs/job/{job.id}/change/"


@pytest.fixture
def read(desk):
    """The page of a job as a reader sees it: no tags, no entities, single spaces."""

    def get(job):
        response = desk.get(page_of(job))
        assert response.status_code == 200
        plain = re.sub(r"<(style|script).*?</\1>|<[^>]+>", " ", response.content.decode(), flags=re.S)
        return re.sub(r"\s+", " ", html.unescape(plain))

    return get


def fail(job, **changes):
    words = {"code": FailureCode.INTERNAL_ERROR, "detail": "Traceback:\n  it broke\n  here", **changes}
    lifecycle.fail(job, **words)


def test_a_waiting_job_says_how_long_and_what_is_held(read, queued):
    move_clock(queued, minutes=3)
    assert "Waiting in the queue for 3 minutes; 10 DUST are held for it from alice@example.com." in read(
        queued
    )


def test_a_running_job_says_how_far_it_is(read, processing):
    lifecycle.progress(processing, share=0.43, step="Drawing")
    page = read(processing)
    assert re.search(
        r"Processing for \d+ seconds?, 43% done; 10 DUST were charged to alice@example.com.", page
    )
    assert "fell silent" not in page


def test_a_stalled_job_says_so(read, processing):
    move_clock(processing, minutes=5)
    assert "Its worker fell silent, and its time ran out 4 minutes ago." in read(processing)


def test_an_overdue_job_says_so(read, queued):
    move_clock(queued, hours=7)
    assert "It has waited past its deadline." in read(queued)


def test_a_job_between_two_tries_says_so(read, processing):
    lifecycle.hand_back(processing, code=FailureCode.PROVIDER_TIMEOUT, detail="504 from upstream")
    page = read(processing)
    assert "Waiting for another try, after 1 try; 10 DUST were charged to alice@example.com." in page
    assert "504 from upstream" in page


def test_a_failed_job_says_what_was_refunded_what_the_user_was_told_and_what_broke(desk, read, processing):
    fail(processing)
    move_clock(processing, minutes=5)
    page = read(processing)
    assert "Failed 5 minutes ago; 10 DUST were refunded to alice@example.com." in page
    assert "The user was told: “Something went wrong on our side. Please try again.”" in page
    assert "<pre>Traceback:\n  it broke\n  here</pre>" in desk.get(page_of(processing)).content.decode()


def test_a_job_that_failed_before_it_began_was_never_charged(read, queued):
    fail(queued)
    assert "10 DUST were held and went back to alice@example.com." in read(queued)


def test_a_cancelled_job_says_what_went_back(read, queued):
    lifecycle.cancel(queued)
    move_clock(queued, minutes=5)
    page = read(queued)
    assert "Cancelled 5 minutes ago; 10 DUST were held and went back to alice@example.com." in page
    assert re.search(r"Cancelled cancelled the user", page)


def test_a_free_job_says_so(read, submit):
    assert "; it is free." in read(submit(cost=0))


def test_a_single_dust_is_counted_in_the_singular(read, submit):
    assert "1 DUST is held for it" in read(submit(cost=1))


def test_a_user_without_an_address_is_named(read, queued, alice):
    alice.email = ""
    alice.save(update_fields=["email"])
    assert "held for it from alice." in read(queued)


def test_the_timeline_tells_what_happened_by_whom(read, processing):
    fail(processing, actor="charlie", reason="The user called.")
    page = read(processing)
    order = ["Submitted", "the user", "Taken by a worker", "the system", "Worker w1", "Taken by the model"]
    order += ["charlie", "The user called."]
    timeline = page[page.index("Timeline") :]
    assert [timeline.index(words) for words in order] == sorted(timeline.index(words) for words in order)


def test_the_money_lines_are_the_ledgers(read, processing, alice):
    fail(processing)
    page = read(processing)
    for words in ("(hold) 10 -10 90", "(post) 10 0 90", "(reverse) 10 +10 100"):
        assert words in page, words
    assert "100 to spend" in page


def test_the_page_links_to_the_user_the_account_and_their_jobs(desk, queued, alice):
    page = desk.get(page_of(queued)).content.decode()
    account = ledger.open_account(alice.pk)
    for address in (
        f"/admin/accounts/user/{alice.pk}/change/",
        f"/admin/dust/account/{account.pk}/change/",
        "/admin/jobs/job/?q=alice",
    ):
        assert f'href="{address}"' in page
        assert desk.get(address).status_code == 200


def test_links_follow_the_rights_of_who_looks(desk, sam, queued, alice):
    sam.groups.clear()
    sam.user_permissions.set(Permission.objects.filter(codename="view_job"))
    page = desk.get(page_of(queued)).content.decode()
    assert "alice@example.com" in page
    for path in (
        "/admin/accounts/user/",
        "/admin/dust/account/",
        f"{queued.id}/cancel/",
        f"{queued.id}/fail/",
    ):
        assert path not in page
    assert "There is nothing you can do to this job." in page


def test_a_completed_job_plays_from_signed_links(desk, processing, tmp_path):
    video = Video.objects.get(id=finish(processing, tmp_path))

    def playing():
        poster, source = links.poster_url(video), links.video_url(video)
        return f'<video controls preload="none" poster="{poster}" src="{source}">'

    before, page, after = playing(), desk.get(page_of(processing)).content.decode(), playing()
    assert before in page or after in page  # links are made anew from time to time
    desk.logout()
    assert b"".join(desk.get(links.video_url(video)).streaming_content) == b"a video"


def test_a_deleted_video_is_not_a_riddle(read, processing, tmp_path):
    library.delete(Video.objects.get(id=finish(processing, tmp_path)))
    assert "The user has deleted it." in read(processing)


def test_nothing_a_user_sends_is_markup(desk, submit):
    job = submit(
        prompt=HOSTILE,
        metadata={HOSTILE: ["</pre>" + HOSTILE, "\ud800"]},
        reference_person={"name": HOSTILE},
        upload_name=HOSTILE,
        image_url="https://example.com/" + HOSTILE,
        request_id="<b>x</b>",
    )
    fail(job, detail=f"the provider said {HOSTILE}")
    for address in (page_of(job), f"/admin/jobs/job/{job.id}/rerun/", "/admin/jobs/job/"):
        page = desk.get(address).content.decode()
        for markup in ("<script>alert", "<img src=x", "<b>x</b>", 'href="javascript', "example.com/<"):
            assert markup not in page, (address, markup)
    page = desk.get(page_of(job)).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &quot;&gt;&lt;img src=x onerror=alert(2)&gt;" in page


def test_a_picture_elsewhere_is_named_but_not_fetched(desk, submit):
    job = submit(generation_type="image_to_video", image_url="https://example.com/cat.png")
    page = desk.get(page_of(job)).content.decode()
    assert "<code>https://example.com/cat.png</code>" in page
    assert 'src="https://example.com' not in page
    assert 'href="https://example.com' not in page


def test_technicalities_are_there_but_folded_away(desk, submit):
    job = lifecycle.claim(submit(request_id="req-4711-abcdef").id, worker="box-1-4242")
    page = desk.get(page_of(job)).content.decode()
    folded = re.search(r"<details class=\"module\">.*?</details>", page, re.S).group()
    for words in ("req-4711-abcdef", "box-1-4242", "Attempt</dt><dd>1<", "Lease ends"):
        assert words in folded, words


def test_the_page_takes_a_fixed_number_of_queries(
    desk, submit, processing, tmp_path, django_assert_max_num_queries
):
    finish(processing, tmp_path)
    for _ in range(6):
        lifecycle.cancel(submit(rerun_of_id=processing.id))
    with django_assert_max_num_queries(10):
        desk.get(page_of(processing))


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_there_is_nothing_to_send_to_the_page(desk, queued, fresh, method):
    assert getattr(desk, method)(page_of(queued), {"status": "completed"}).status_code == 405
    assert fresh(queued).status == "queued"


def test_jobs_are_neither_added_nor_deleted_nor_listed_to_strangers(desk, client, charlie, queued, alice):
    for client_name, path in (("sam", "add/"), ("sam", f"{queued.id}/delete/")):
        assert desk.get(f"/admin/jobs/job/{path}").status_code == 403, client_name
        assert desk.post(f"/admin/jobs/job/{path}", {"post": "yes"}).status_code == 403
    desk.force_login(charlie)  # even a superuser
    assert desk.post(f"/admin/jobs/job/{queued.id}/delete/", {"post": "yes"}).status_code == 403
    assert desk.get("/admin/jobs/job/add/").status_code == 403
    desk.force_login(alice)
    assert desk.get(page_of(queued)).headers["Location"].startswith("/admin/login/")
    assert JobEvent.objects.filter(job=queued).count() == 1


def test_staff_without_the_right_see_no_job(desk, sam, queued):
    sam.groups.clear()
    for path in (page_of(queued), "/admin/jobs/job/", f"/admin/jobs/job/{queued.id}/cancel/"):
        assert desk.get(path).status_code == 403


def test_secrets_and_tables_of_the_works_have_no_page(desk, charlie):
    desk.force_login(charlie)
    for name in ("idempotencykey", "jobevent", "purgedjob", "chore"):
        assert desk.get(f"/admin/jobs/{name}/").status_code == 404


@pytest.mark.parametrize("name", ["0192f000-0000-7000-8000-000000000000", "nonsense", "1", "_00"])
def test_a_job_that_is_not_there_is_not_found(desk, queued, name):
    assert desk.get(f"/admin/jobs/job/{name}/change/").status_code == 404
    assert Job.objects.count() == 1
