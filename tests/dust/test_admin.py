"""What support can and cannot do."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from base.long_lists import PAGE_SIZE
from dust import ledger
from dust.models import Account, Transfer
from tests.dust.people import job, standing


@pytest.fixture
def desk(client, charlie):
    client.force_login(charlie)
    return client


def page_of(account, name):
    return reverse(f"admin:dust_account_{name}", args=[account.pk])


def nonce_on(response):
    return re.search(r'name="nonce" value="([^"]+)"', response.content.decode())[1]


@pytest.fixture
def filled_in(desk, account):
    """The form of one opened page, as a person fills it in."""
    nonce = nonce_on(desk.get(page_of(account, "grant")))
    return {"action": "grant", "amount": "50", "reason": "Sorry for the wait", "nonce": nonce}


def test_a_grant_is_shown_before_it_is_done(desk, account, filled_in):
    response = desk.post(page_of(account, "grant"), filled_in)
    page = response.content.decode()
    assert response.status_code == 200
    assert "Please check before it is done" in page
    assert "100 now, 150 after this" in page
    assert nonce_on(response) == filled_in["nonce"]
    assert standing(account) == (100, 0, 1)


def test_a_confirmed_grant_moves_dust_and_says_who_did_it(desk, account, filled_in):
    response = desk.post(page_of(account, "grant"), {**filled_in, "confirmed": "on"}, follow=True)
    assert "Grant of 50 DUST; 150 can be spent." in response.content.decode()
    row = Transfer.objects.get(amount=50)
    assert (row.kind, row.actor, row.reason) == ("grant", "charlie", "Sorry for the wait")
    assert LogEntry.objects.get().get_change_message() == "Grant of 50 DUST; 150 can be spent."


def test_a_double_click_grants_once(desk, account, filled_in):
    for _ in range(2):
        response = desk.post(page_of(account, "grant"), {**filled_in, "confirmed": "on"}, follow=True)
    assert "nothing was done a second time" in response.content.decode()
    assert standing(account) == (150, 0, 2)
    assert LogEntry.objects.count() == 1


def test_a_page_used_for_another_amount_is_refused(desk, account, filled_in):
    desk.post(page_of(account, "grant"), {**filled_in, "confirmed": "on"})
    response = desk.post(page_of(account, "grant"), {**filled_in, "amount": "60", "confirmed": "on"})
    assert "This page was used already" in response.content.decode()
    assert standing(account) == (150, 0, 2)


def test_a_page_opened_anew_grants_again(desk, account, filled_in):
    desk.post(page_of(account, "grant"), {**filled_in, "confirmed": "on"})
    another = nonce_on(desk.get(page_of(account, "grant")))
    desk.post(page_of(account, "grant"), {**filled_in, "nonce": another, "confirmed": "on"})
    assert standing(account) == (200, 0, 3)


def test_a_correction_may_take_dust(desk, account, filled_in):
    sent = {**filled_in, "action": "correct", "amount": "-40", "confirmed": "on"}
    desk.post(page_of(account, "grant"), sent)
    assert standing(account) == (60, 0, 2)
    assert Transfer.objects.get(amount=40).kind == "adjust"


def test_a_correction_that_is_too_large_is_explained(desk, account, filled_in):
    sent = {**filled_in, "action": "correct", "amount": "-101", "confirmed": "on"}
    response = desk.post(page_of(account, "grant"), sent)
    assert "This needs 101 DUST and 100 can be spent." in response.content.decode()
    assert standing(account) == (100, 0, 1)


@pytest.mark.parametrize(
    "changed",
    [
        {"reason": ""},
        {"reason": "   "},
        {"reason": "x" * 301},
        {"amount": ""},
        {"amount": "0"},
        {"amount": "-5"},
        {"amount": "1.5"},
        {"amount": "9999999999999"},
        {"nonce": ""},
        {"nonce": "made-up"},
        {"action": "burn"},
    ],
)
def test_a_form_filled_in_wrongly_moves_nothing(desk, account, filled_in, changed):
    response = desk.post(page_of(account, "grant"), {**filled_in, "confirmed": "on", **changed})
    assert response.status_code == 200
    assert "Nothing was done" in response.content.decode()
    assert standing(account) == (100, 0, 1)


def test_opening_the_page_moves_nothing(desk, account, filled_in):
    desk.get(page_of(account, "grant"), {**filled_in, "confirmed": "on"})
    assert standing(account) == (100, 0, 1)


def test_granting_where_there_is_no_account_is_a_404(desk, account):
    assert desk.get(reverse("admin:dust_account_grant", args=[account.pk + 1])).status_code == 404


@pytest.fixture
def viewer(client, db):
    """Staff who may look, and nothing else."""
    user = User.objects.create_user("victor", "victor@example.com", "victor-password", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(codename__in=["view_account", "change_account", "view_transfer"])
    )
    client.force_login(user)
    return client


def test_staff_without_the_permission_cannot_grant(viewer, account):
    sent = {"action": "grant", "amount": "50", "reason": "Mine", "confirmed": "on"}
    assert viewer.get(page_of(account, "grant")).status_code == 403
    assert viewer.post(page_of(account, "grant"), sent).status_code == 403
    assert "Grant DUST" not in viewer.get(page_of(account, "change")).content.decode()
    assert standing(account) == (100, 0, 1)


def test_users_who_are_not_staff_get_nowhere(client, alice, account):
    client.force_login(alice)
    assert client.get(page_of(account, "grant")).status_code == 302


def test_the_account_page_leads_to_the_form_and_the_history(desk, account):
    page = desk.get(page_of(account, "change")).content.decode()
    assert page_of(account, "grant") in page
    history = f"{reverse('admin:dust_transfer_changelist')}?account__id__exact={account.pk}"
    assert history in page
    assert desk.get(history).status_code == 200


def test_freezing_from_an_old_page_leaves_the_balance_alone(desk, account):
    desk.get(page_of(account, "change"))
    ledger.hold(account.pk, job(), 30)
    sent = {"frozen": "on", "posted": "10000", "held": "0", "seq": "1"}
    assert desk.post(page_of(account, "change"), sent).status_code == 302
    assert Account.objects.get(pk=account.pk).frozen
    assert standing(account) == (100, 30, 2)
    desk.post(page_of(account, "change"), {})
    assert not Account.objects.get(pk=account.pk).frozen


@pytest.mark.parametrize("model", ["account", "transfer"])
def test_rows_are_not_made_or_deleted_by_hand(desk, account, model):
    row = account if model == "account" else Transfer.objects.get()
    assert desk.get(reverse(f"admin:dust_{model}_add")).status_code == 403
    assert desk.post(reverse(f"admin:dust_{model}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403


def test_a_transfer_can_be_looked_at_and_not_changed(desk, account):
    row = Transfer.objects.get()
    address = reverse("admin:dust_transfer_change", args=[row.pk])
    page = desk.get(address).content.decode()
    assert row.key in page
    assert 'name="_save"' not in page
    assert desk.post(address, {"amount": "1000"}).status_code == 403


def listed(desk, model, **query):
    """The rows that a list shows for a query."""
    response = desk.get(reverse(f"admin:dust_{model}_changelist"), query)
    assert response.status_code == 200, response
    return list(response.context["cl"].result_list)


@pytest.mark.parametrize("words", ["alice@example.com", "alice"])
def test_a_user_is_found_by_name_or_address(desk, account, bobs_account, words):
    assert listed(desk, "account", q=words) == [account]
    assert [row.account for row in listed(desk, "transfer", q=words)] == [account]


def test_a_job_is_found_by_its_id(desk, account):
    a_job = job()
    ledger.hold(account.pk, a_job, 10)
    ledger.post(a_job)
    assert [row.kind for row in listed(desk, "transfer", q=str(a_job))] == ["post", "hold"]


@pytest.fixture
def long_history(account):
    """One row more than two pages hold, with the opening grant."""
    for number in range(2 * PAGE_SIZE):
        ledger.grant(account.pk, 1, key=f"gift {number}", actor="charlie", reason="A gift")
    return account


def test_the_history_is_turned_page_by_page_without_counting(desk, long_history):
    newest_first = list(Transfer.objects.newest_first())
    with CaptureQueriesContext(connection) as queries:
        pages = [listed(desk, "transfer", p=number) for number in (1, 2, 3)]
    assert pages == [newest_first[:PAGE_SIZE], newest_first[PAGE_SIZE:-1], newest_first[-1:]]
    assert not [query for query in queries if "COUNT(" in query["sql"].upper()]
    middle = desk.get(reverse("admin:dust_transfer_changelist"), {"p": 2}).content.decode()
    assert 'href="?p=1" rel="prev"' in middle
    assert 'href="?p=3" rel="next"' in middle


def test_the_history_is_read_from_an_index(desk, long_history):
    rows = desk.get(reverse("admin:dust_transfer_changelist")).context["cl"].queryset[:PAGE_SIZE]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for way in ("seqscan", "bitmapscan", "sort"):  # a planner would read so small a table whole
                cursor.execute(f"SET LOCAL enable_{way} = off")
    assert not re.search(r"\bSort\b|TEMP B-TREE", rows.explain())


def test_lists_ask_the_database_as_often_for_many_rows_as_for_few(
    desk, account, django_assert_max_num_queries
):
    for number in range(5):
        name = f"user{number}"
        ledger.open_account(User.objects.create_user(name, f"{name}@example.com").pk)
    for model in ("account", "transfer"):
        with django_assert_max_num_queries(8):
            assert desk.get(reverse(f"admin:dust_{model}_changelist")).status_code == 200
