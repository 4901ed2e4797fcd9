"""Staff's page about cost and margin: what was sold, what it cost and what is open, by day and model."""

import dataclasses
import datetime
import html
import re
import uuid

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from jobs import checking, margins, remote_tasks
from jobs.admin import wording
from jobs.models import Job, RemoteState, RemoteTask
from tests.jobs.making import order_for

pytestmark = pytest.mark.django_db

PAGE = "/admin/jobs/remotetask/margin/"
LIST = "/admin/jobs/remotetask/"
UTC = datetime.UTC


@pytest.fixture
def desk(client, fiona):
    """A browser in which Fiona has signed in to the admin."""
    client.force_login(fiona)
    return client


@pytest.fixture(autouse=True)
def _one_day(monkeypatch):
    """No midnight comes between two sales, nor between them and the page."""
    moment = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: moment)


@pytest.fixture(autouse=True)
def _models(settings):
    far = {
        "title": "Far",
        "provider": "jobs.providers.fal.Fal",
        "seconds_of_work": 1,
        "remote": {"base_url": "https://queue.fal.run", "price": {"per_video": 0.1, "per_second": 0.05}},
    }
    free = {**far, "remote": {"base_url": "https://queue.fal.run"}}
    euro = {**far, "remote": {**free["remote"], "price": {"per_video": 2, "currency": "EUR"}}}
    settings.VIDEO_MODELS = {"far": far, "euro": euro, "free": free}


@pytest.fixture
def sold(alice):
    """Make jobs that ended `ago` before now, each with a submission of this kind; return them."""

    def make(number=1, *, ago=datetime.timedelta(), at=None, status="completed", model="far", **task):
        fields = {
            **dataclasses.asdict(order_for(alice, model=model)),
            "status": status,
            "attempt": int(status != "cancelled"),
        }
        fields["failure_code"] = "internal_error" if status == "failed" else ""
        fields["finished_at"] = at or timezone.now() - ago
        jobs = Job.objects.bulk_create(Job(**fields, deadline_at=timezone.now()) for _ in range(number))
        if task:
            shared = {"model": model, "account": "a", "state": RemoteState.MADE, **task}
            tasks = [RemoteTask(job=job, key=uuid.uuid4(), **shared) for job in jobs]
            RemoteTask.objects.bulk_create(tasks)
        return jobs

    return make


def usd(micros, *, told=True, currency="USD"):
    return {"cost_micros": micros, "currency": currency, "is_cost_reported": told}


def plain(response):
    """The page as a reader sees it: no tags, no entities, single spaces."""
    assert response.status_code == 200
    text = re.sub(r"<(style|script).*?</\1>|<[^>]+>", " ", response.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", html.unescape(text))


@pytest.fixture
def read(desk):
    return lambda **query: plain(desk.get(PAGE, query))


@pytest.fixture
def rows(desk):
    """The rows of a table of the page, as texts: `models`, `rows`, or `total`."""

    def ask(name, **query):
        found = desk.get(PAGE, query).context[name]
        return found if name == "total" else list(found)

    return ask


def test_a_row_has_what_was_sold_on_a_day_and_what_it_cost(sold, rows):
    sold(3, **usd(400_000))
    sold(2, **usd(350_000, told=False))
    sold(status="failed", **usd(400_000))  # made, but of no use to anybody
    sold(status="failed", model="euro", state=RemoteState.REFUSED)
    sold(status="cancelled", model="free")
    euro, far, free = rows("rows")
    assert (far.model, far.completed, far.failed, far.cancelled, far.dust) == ("far", 5, 1, 0, "50")
    assert (far.reported, far.by_table, far.unknown) == (["1.60 USD"], ["0.70 USD"], "–")
    assert far.margin == "21.7 DUST per USD"
    assert (euro.model, euro.completed, euro.failed, euro.dust) == ("euro", 0, 1, "0")
    assert (euro.reported, euro.by_table, euro.unknown, euro.margin) == ([], [], "–", "–")
    assert (free.completed, free.failed, free.cancelled, free.dust) == (0, 0, 1, "0")


def test_what_was_billed_for_cancelled_work_counts_and_its_dust_does_not(settings, sold, rows, read):
    sold(2, **usd(400_000))
    sold(status="cancelled", state=RemoteState.NOT_MADE, **usd(200_000))
    sold(status="cancelled", state=RemoteState.NOT_MADE)
    [far] = rows("models")
    assert (far.completed, far.cancelled, far.dust) == (2, 2, "20")
    assert (far.reported, far.unknown) == (["1.00 USD"], "1 (1 made no video)")
    assert far.margin == "at most 20.0 DUST per USD"
    assert "far 2 0 2 20 1.00 USD" in read()
    settings.DUST_VALUE = "0.1 USD"
    assert rows("models")[0].margin == "at most 1.00 USD (50%)"


def test_days_begin_and_end_at_midnight_in_utc(sold):
    first, last = datetime.date(2026, 3, 29), datetime.date(2026, 3, 30)
    midnight = datetime.datetime(2026, 3, 30, tzinfo=UTC)
    moment = datetime.timedelta(microseconds=1)
    for at in (midnight - moment, midnight, midnight + datetime.timedelta(days=1) - moment):
        sold(at=at, **usd(100_000))
    sold(at=midnight - datetime.timedelta(days=1) - moment, **usd(100_000))
    sold(at=midnight + datetime.timedelta(days=1), **usd(100_000))
    lines = margins.by_day(first, last)
    assert [(line.day, line.completed, line.costs) for line in lines] == [
        (last, 2, {"USD": 200_000}),
        (first, 1, {"USD": 100_000}),
    ]


def test_with_a_worth_of_dust_there_is_a_margin_in_money(settings, sold, rows, read):
    settings.DUST_VALUE = "0.08 USD"
    sold(3, **usd(400_000))
    sold(model="free", **usd(1_000_000))
    far, free = rows("models")
    assert (far.dust, far.margin, far.is_loss) == ("30 (2.40 USD)", "1.20 USD (50%)", False)
    assert (free.margin, free.is_loss) == ("-0.20 USD (-25%)", True)
    assert rows("total").margin == "1.00 USD (31%)"
    assert "One DUST is taken to be worth 0.08 USD" in read()


def test_without_one_there_is_none(sold, read):
    sold(3, **usd(400_000))
    page = read()
    assert "as DUST_VALUE is not set" in page
    assert "25.0 DUST per USD" in page
    assert "Margin " not in page


def test_currencies_are_never_added_up(settings, sold, rows):
    sold(**usd(400_000))
    sold(**usd(300_000, currency="EUR"))
    sold(**usd(100_000, currency="eur", told=False))
    [far] = rows("models")
    assert (far.reported, far.by_table) == (["0.30 EUR", "0.40 USD"], ["0.10 EUR"])
    assert far.margin == rows("total").margin == "cost is in several currencies"
    settings.DUST_VALUE = "0.08 USD"
    assert rows("models")[0].margin == rows("total").margin == "some cost is in another currency"
    settings.DUST_VALUE = "0.08 CHF"
    assert rows("models")[0].margin == "some cost is in another currency"


def test_what_is_not_known_is_counted_and_never_taken_for_nothing(settings, sold, rows):
    sold(2, **usd(400_000))
    sold(3, state=RemoteState.MADE)
    sold(2, status="failed", state=RemoteState.NOT_MADE)
    sold(status="failed", state=RemoteState.UNKNOWN)
    sold(model="free", state=RemoteState.MADE)
    far, free = rows("models")
    assert far.unknown == "6 (2 made no video)"
    assert (far.margin, free.margin) == ("at most 62.5 DUST per USD", "cost not known")
    settings.DUST_VALUE = "0.1 USD"
    far, free = rows("models")
    assert (far.margin, free.margin) == ("at most 4.20 USD (84%)", "at most 1.00 USD (100%)")


def test_a_cost_that_was_told_to_be_nothing_is_known(settings, sold, rows):
    sold(**usd(0))
    [far] = rows("models")
    assert (far.reported, far.unknown, far.margin) == (["0.00 USD"], "–", "–")
    settings.DUST_VALUE = "0.1 USD"
    assert rows("models")[0].margin == "1.00 USD (100%)"


def test_what_our_own_workers_made_does_not_flatter_the_providers(settings, sold, rows):
    sold(2, **usd(400_000))
    sold(10, model="preview")
    assert rows("total").dust == "120"
    assert rows("total").margin == "25.0 DUST per USD"
    settings.DUST_VALUE = "0.1 USD"
    assert [row.margin for row in rows("models")] == ["1.20 USD (60%)", "10.00 USD (100%)"]
    assert rows("total").margin == "11.20 USD (93%)"


def test_small_amounts_do_not_look_like_nothing(sold, rows):
    sold(3, **usd(1_250))
    [far] = rows("models")
    assert far.reported == ["0.0038 USD"]


def test_a_small_cost_of_one_submission_is_told_like_that_too(client, fiona, sold):
    [job] = sold(**usd(1_250, told=False))
    fiona.user_permissions.add(Permission.objects.get(codename="view_job"))
    client.force_login(fiona)
    for path in (LIST, f"/admin/jobs/job/{job.id}/change/"):
        assert f"{wording.amount(1_250, 'USD')} (by our table)" in plain(client.get(path))
    assert wording.amount(1_250, "USD") == "0.0012 USD"


def test_the_span_is_seven_thirty_or_ninety_days(desk, settings, sold, read):
    settings.JOB_RETENTION = datetime.timedelta(days=90)
    for days in (0, 6, 8, 29, 31, 88, 91):
        sold(ago=datetime.timedelta(days=days), **usd(100_000))
    for asked, completed in (("7", 2), ("30", 4), ("90", 6), ("", 4), ("31", 4), ("-7", 4), ("x" * 99, 4)):
        page = desk.get(PAGE, {"days": asked})
        assert page.context["total"].completed == completed, asked
        assert "deleted" not in plain(page)
    settings.JOB_RETENTION = datetime.timedelta(days=60)
    assert "deleted 60 days after they ended" in read(days="90")


def test_nothing_sold_is_said(read):
    page = read()
    assert "No job ended in these days." in page
    assert "To be looked up at the provider Nothing." in page


def test_what_is_to_be_looked_up_is_shown_with_what_may_be_owed(desk, sold, read):
    old = timezone.now() - datetime.timedelta(days=200)
    hours = datetime.timedelta(hours=50)
    sold(2, status="failed", state=RemoteState.UNKNOWN, needs_review=True, intended_at=timezone.now() - hours)
    sold(status="failed", model="euro", state=RemoteState.TAKEN, needs_review=True)
    sold(status="failed", model="free", state=RemoteState.TAKEN, needs_review=True)
    sold(status="failed", model="gone", state=RemoteState.TAKEN, needs_review=True)
    sold(status="failed", at=old, **usd(400_000), needs_review=True)
    sold(status="failed", state=RemoteState.UNKNOWN)  # somebody has looked it up
    page = read()
    assert "6 submissions are to be looked up, whatever the day; the oldest was sent 2 days ago" in page
    assert "Noted as their cost, and counted on their day: 0.40 USD." in page
    assert "3 may have been billed, and nobody knows: up to 2.00 EUR and 0.70 USD by our price table" in page
    assert "2 may have been billed, and our table has no price for them." in page
    address = f"{LIST}?needs_review__exact=1"
    assert f'href="{address}"' in desk.get(PAGE).content.decode()
    assert len(desk.get(address).context["cl"].result_list) == 6
    assert remote_tasks.reviewed(RemoteTask.objects.all(), actor="sam") == 6
    assert "To be looked up at the provider Nothing." in read()


def test_one_of_them_is_one(sold, read):
    sent_at = timezone.now() - datetime.timedelta(minutes=5)
    sold(status="failed", state=RemoteState.UNKNOWN, needs_review=True, intended_at=sent_at)
    page = read()
    assert "1 submission is to be looked up, whatever the day; the oldest was sent 5 minutes ago" in page
    assert "Look it up" in page


def test_only_who_may_see_costs_sees_the_page(client, fiona, alice):
    assert client.get(PAGE).status_code == 302
    client.force_login(alice)
    assert client.get(PAGE).status_code == 302  # no staff
    clerk = User.objects.create_user("clerk", "clerk@example.com", "clerk-password", is_staff=True)
    for right in ("view_job", "view_margin"):  # which alone leads nowhere
        clerk.user_permissions.add(Permission.objects.get(codename=right))
        client.force_login(clerk)
        assert client.get(PAGE).status_code == 403
        assert PAGE not in client.get("/admin/").content.decode()
    client.force_login(fiona)
    for path in ("/admin/", LIST):
        assert PAGE in client.get(path).content.decode()
    assert client.post(PAGE, {"days": "7"}).status_code == 405
    assert client.get(PAGE).status_code == 200


def test_support_sees_submissions_and_not_what_they_cost(client, sam, fiona, sold):
    [job] = sold(remote_id="theirs-7", **usd(400_000, told=False))
    fiona.user_permissions.add(Permission.objects.get(codename="view_job"))
    task = job.remote_tasks.get()
    pages = (LIST, f"{LIST}{task.pk}/change/", f"/admin/jobs/job/{job.id}/change/")
    client.force_login(sam)
    assert client.get(PAGE).status_code == 403
    for path in ("/admin/", *pages):
        page = client.get(path)
        assert PAGE not in page.content.decode(), path
        for word in ("USD", "400000", "0.40", "reported", "Cost"):
            assert word not in plain(page), path
    client.force_login(fiona)
    assert client.get(PAGE).status_code == 200
    for path in pages:
        page = plain(client.get(path))
        assert "theirs-7" in page, path
        assert "USD" in page, path


@pytest.mark.parametrize("lookup", ["cost_micros__gte", "currency", "is_cost_reported__exact"])
def test_support_cannot_find_costs_out_by_filters(client, sam, fiona, sold, lookup):
    sold(**usd(400_000))
    asked = {lookup: "1"}
    client.force_login(sam)
    assert client.get(LIST, asked).status_code == 400
    client.force_login(fiona)
    assert client.get(LIST, asked).status_code == 200


def test_names_of_models_are_words(desk, sold):
    sold(model="<img src=x onerror=alert(1)>", **usd(100_000))
    page = desk.get(PAGE).content.decode()
    assert "<img src=x" not in page
    assert page.count("&lt;img src=x") == 2


def test_it_takes_as_many_queries_for_many_as_for_none(desk, sold):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            desk.get(PAGE)
        return len(captured)

    before = queries()
    for days in range(5):
        for model in ("far", "euro", "gone"):
            sold(3, model=model, ago=datetime.timedelta(days=days), **usd(100_000), needs_review=True)
    assert queries() == before


def test_only_the_jobs_of_these_days_are_read(indexes, sold):
    sold(3, **usd(100_000))
    today = timezone.now().date()
    for rows in (margins._earned(today, today), margins._paid(today, today)):
        assert "job_finished" in rows.explain()


@pytest.mark.parametrize(
    "value",
    ["0.01", "USD", "0.01 usd", "0 USD", "0.00 USD", "-1 USD", "0,01 USD", "1e3 USD", "nan USD", "1 USD\n"],
)
def test_a_worth_that_makes_no_sense_is_refused_at_start(settings, value):
    settings.DUST_VALUE, settings.VIDEO_MODELS = value, {}
    assert [problem.id for problem in checking.check(None)] == ["jobs.E014"]


@pytest.mark.parametrize("value", ["", "0.01 USD", "12 JPY", "0.000000001 EUR"])
def test_others_are_not(settings, value):
    settings.DUST_VALUE, settings.VIDEO_MODELS = value, {}
    assert checking.check(None) == []
