"""Support's list of jobs: it finds what people send, says what became of it, and never counts the table."""

import dataclasses
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from base.long_lists import PAGE_SIZE
from jobs import lifecycle, workers
from jobs.admin import search
from jobs.models import Job, JobEvent
from jobs.providers.base import FailureCode
from tests.jobs.making import finish, move_clock, order_for

pytestmark = pytest.mark.django_db

JOBS = "/admin/jobs/job/"


@pytest.fixture
def listed(desk):
    """The ids of the jobs that the list shows for a query."""

    def ask(**query):
        response = desk.get(JOBS, query)
        assert response.status_code == 200, response
        return [job.id for job in response.context["cl"].result_list]

    return ask


@pytest.fixture
def bobs(bob):
    return lifecycle.submit(order_for(bob, request_id="req-4711-abcdef"))


def text(response):
    """Return the page as a reader sees it: no tags, single spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_it_finds_a_job_by_its_id_however_it_was_pasted(listed, queued, bobs):
    whole = str(queued.id)
    pasted = [whole, whole.upper(), f"  {whole}\n", whole.replace("-", ""), whole.replace("-", " ")]
    pasted += [f"https://video.example.com/videos/jobs/{whole}/status", f"job_id={whole}, thanks"]
    for words in pasted:
        assert listed(q=words) == [queued.id], words


def test_it_finds_jobs_by_the_beginning_of_an_id(listed, queued, bobs):
    assert listed(q=str(queued.id)[:18]) == [queued.id]
    assert queued.id in listed(q=str(queued.id)[:13])
    assert listed(q=str(queued.id)[:7]) == []


def test_it_finds_jobs_by_their_user(listed, queued, bobs, bob):
    for words in ("bob@example.com", "BOB@Example.com ", "bob", str(bob.pk)):
        assert listed(q=words) == [bobs.id], words


def test_it_finds_the_jobs_of_all_who_share_an_address(listed, queued, bobs, alice, bob):
    User.objects.filter(pk=bob.pk).update(email=alice.email)
    assert listed(q=alice.email) == [bobs.id, queued.id]


def test_it_finds_a_job_by_its_request_or_its_video(listed, bobs, processing, tmp_path):
    assert listed(q="req-4711-abcdef") == [bobs.id]
    video_id = finish(processing, tmp_path)
    assert listed(q=str(video_id)) == [processing.id]


def test_it_finds_a_request_id_that_looks_like_a_job_id(listed, submit):
    job = submit(request_id="0" * 31 + "f")  # what the middleware makes where a client sends none
    assert listed(q="0" * 31 + "f") == [job.id]


def test_what_nobody_knows_finds_nothing_and_breaks_nothing(desk, listed, queued):
    for words in ("zzz", "%", "'; --", "f" * 32, "f" * 500, "nobody@example.com", "🙂", "[a](b)"):
        assert listed(q=words) == [], words
    assert "Nothing was found" in text(desk.get(JOBS, {"q": "zzz"}))
    assert desk.get(JOBS, {"q": "a\x00b"}).status_code == 200


@pytest.mark.parametrize(
    "words", ["0197a5c2-8f1e-7000-8000-000000000000", "req-4711-abcdef", "bob@example.com"]
)
def test_each_look_up_of_a_search_uses_an_index(indexes, bobs, words):
    for guess in search.guesses(words):
        plan = Job.objects.filter(guess).explain()
        if plan:  # "" for `user_id IN ()`, which no database is asked
            assert re.search(r"Index (Only )?Scan|USING (COVERING )?INDEX", plan), (guess, plan)


def test_it_says_what_became_of_each_job(desk, submit, tmp_path):
    submit()
    running = lifecycle.claim(submit().id, worker="w1")
    lifecycle.accept(running)
    done = lifecycle.claim(submit().id, worker="w1")
    lifecycle.accept(done)
    finish(done, tmp_path)
    failed = lifecycle.claim(submit().id, worker="w1")
    lifecycle.fail(failed, code=FailureCode.CONTENT_REJECTED, detail="internal words")
    never_begun = submit()
    lifecycle.fail(never_begun, code=FailureCode.PROVIDER_UNAVAILABLE, detail="too late")
    lifecycle.cancel(submit())
    page = text(desk.get(JOBS))
    for words in ("◔ queued", "▶ processing", "✓ completed", "✗ failed", "⊘ cancelled", "rehearsal"):
        assert words in page, words
    assert page.count("10 released") == 2
    for words in ("10 held", "10 charged", "10 refunded", "alice@example.com", "so far, 0%"):
        assert words in page, words
    assert "This request was declined by the content rules" in page
    assert "internal words" not in page


def test_a_stalled_and_an_overdue_job_are_marked_and_can_be_filtered_for(desk, listed, processing, submit):
    overdue = submit()
    submit()
    assert listed(trouble="stalled") == listed(trouble="overdue") == []
    move_clock(processing, minutes=5)
    move_clock(overdue, hours=7)
    assert listed(trouble="stalled") == [processing.id]
    assert listed(trouble="overdue") == [overdue.id]
    assert desk.get(JOBS).content.decode().count('class="job-trouble"') == 2


def test_filters_narrow_by_status_model_and_kind(listed, queued, submit):
    picture = submit(generation_type="image_to_video", model="preview", image_url="https://example.com/a.png")
    lifecycle.cancel(picture)
    assert listed(status__exact="cancelled") == [picture.id]
    assert listed(status__exact="queued") == [queued.id]
    assert listed(model="preview") == [picture.id]
    assert listed(model="gone") == []
    assert listed(generation_type__exact="image_to_video") == [picture.id]


def test_a_job_made_today_is_among_todays_and_not_among_yesterdays(listed, queued):
    day = queued.created_at or Job.objects.get(id=queued.id).created_at
    today = f"{day:%Y-%m-%d}"
    assert listed(**{"from": today}) == listed(**{"from": today, "to": today}) == [queued.id]
    assert listed(**{"from": "", "to": ""}) == [queued.id]
    assert listed(to="2024-12-31") == listed(to="0001-01-01") == listed(**{"from": "9998-01-01"}) == []


@pytest.mark.parametrize("query", [{"from": "yesterday"}, {"to": "9999-12-31"}, {"colour": "red"}])
def test_a_filter_that_makes_no_sense_is_sent_back(desk, query):
    assert desk.get(JOBS, query).headers["Location"] == f"{JOBS}?e=1"


@pytest.fixture
def many(alice):
    """Make so many queued jobs, rows alone; return their ids, newest first."""

    def make(number):
        order = dataclasses.asdict(order_for(alice))
        rows = [Job(**order, deadline_at=timezone.now()) for _ in range(number)]
        return [job.id for job in Job.objects.bulk_create(rows)][::-1]

    return make


def test_pages_are_turned_without_counting(desk, listed, many):
    ids = many(2 * PAGE_SIZE + 1)
    pages = [listed(p=number) for number in (1, 2, 3)]
    assert pages == [ids[:PAGE_SIZE], ids[PAGE_SIZE : 2 * PAGE_SIZE], ids[2 * PAGE_SIZE :]]
    with CaptureQueriesContext(connection) as queries:
        middle = desk.get(JOBS, {"p": 2, "status__exact": "queued"}).content.decode()
    assert not [query for query in queries if "COUNT(" in query["sql"].upper()]
    assert '<a href="?p=1&amp;status__exact=queued" rel="prev">' in middle
    assert '<a href="?p=3&amp;status__exact=queued" rel="next">' in middle
    assert 'rel="next"' not in desk.get(JOBS, {"p": 3}).content.decode()


@pytest.mark.parametrize("number", ["3", "1000", "99999999999999999999"])
def test_a_page_beyond_the_end_is_sent_back(desk, queued, number):
    assert desk.get(JOBS, {"p": number}).headers["Location"] == f"{JOBS}?e=1"


@pytest.mark.parametrize(
    "query", [{"p": "x"}, {"p": "-3"}, {"p": "9" * 5000}, {"all": ""}, {"_facets": "True"}]
)
def test_what_is_no_page_is_the_first(listed, queued, query):
    assert listed(**query) == [queued.id]


def test_the_list_takes_as_many_queries_for_many_jobs_as_for_one(desk, many, django_assert_max_num_queries):
    many(12)
    with django_assert_max_num_queries(7):
        desk.get(JOBS)
    with django_assert_max_num_queries(12):
        desk.get(JOBS, {"q": "alice@example.com"})


def test_the_list_offers_nothing_that_changes_jobs(desk, queued):
    page = desk.get(JOBS).content.decode()
    assert "delete_selected" not in page
    assert 'name="action"' not in page
    desk.post(JOBS, {"action": "delete_selected", "_selected_action": [str(queued.id)], "post": "yes"})
    assert Job.objects.count() == JobEvent.objects.count() == 1


def test_the_front_page_leads_to_a_job(desk, queued):
    page = desk.get("/admin/").content.decode()
    assert f'action="{JOBS}"' in page
    assert text(desk.get("/admin/")).index("Jobs") < text(desk.get("/admin/")).index("Videos")
    assert "Queue" not in page
    assert "token" not in page.lower().replace("csrfmiddlewaretoken", "")


def test_workers_are_listed_alive_or_not_and_left_alone(desk):
    workers.register("w1", queue="render", processes=2)
    page = desk.get("/admin/jobs/worker/").content.decode()
    assert "w1" in page
    assert 'alt="True"' in page
    assert desk.get("/admin/jobs/worker/w1/change/").status_code == 200
    assert desk.post("/admin/jobs/worker/w1/change/", {"queue": "x"}).status_code == 403
    assert desk.get("/admin/jobs/worker/add/").status_code == 403
    assert desk.post("/admin/jobs/worker/w1/delete/", {"post": "yes"}).status_code == 403
