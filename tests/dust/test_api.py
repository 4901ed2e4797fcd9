"""GET /dust/balance and GET /dust/transactions."""

import uuid

import pytest
from django.utils.dateparse import parse_datetime
from rest_framework.test import APIClient

from dust import ledger
from tests.dust.people import job


def test_the_balance_says_what_is_held_and_left(api, account):
    ledger.hold(account.pk, job(), 10)
    response = api.get("/dust/balance")
    assert response.status_code == 200
    assert response.json() == {"success": True, "balance": 100, "held": 10, "available": 90}


def test_a_first_look_opens_the_account(api):
    assert api.get("/dust/balance").json()["available"] == 100
    assert api.get("/dust/transactions").json()["pagination"]["total"] == 1


def test_transactions_come_newest_first_and_add_up(api, account):
    a_job = job()
    ledger.hold(account.pk, a_job, 10)
    ledger.post(a_job)
    ledger.reverse(a_job, reason="The model is away.")
    body = api.get("/dust/transactions").json()
    assert body["success"] is True
    assert body["pagination"] == {"total": 4, "limit": 20, "offset": 0, "has_more": False}
    rows = body["transactions"]
    assert [(row["kind"], row["amount"], row["balance_after"], row["note"]) for row in rows] == [
        ("reverse", 10, 100, "The model is away."),
        ("post", 0, 90, "Charged: work on the video began"),
        ("hold", -10, 90, "Set aside for a video"),
        ("grant", 100, 100, "Welcome"),
    ]
    assert [row["job_id"] for row in rows] == [str(a_job)] * 3 + [None]


def test_a_transaction_has_the_fields_of_the_contract(api, account):
    (row,) = api.get("/dust/transactions").json()["transactions"]
    assert set(row) == {"id", "kind", "amount", "balance_after", "job_id", "note", "created_at"}
    assert uuid.UUID(row["id"])
    assert row["created_at"].endswith("Z")
    assert parse_datetime(row["created_at"])


def test_nobody_sees_what_is_anothers(api, bobs_api, account):
    a_job = job()
    ledger.hold(account.pk, a_job, 10)
    assert bobs_api.get("/dust/balance").json()["held"] == 0
    body = bobs_api.get("/dust/transactions").json()
    assert body["pagination"]["total"] == 1
    assert str(a_job) not in str(body)


def test_pages_follow_each_other(api, account):
    for number in range(4):
        ledger.grant(account.pk, 1, key=f"k{number}", actor="charlie", reason=str(number))
    first = api.get("/dust/transactions?limit=3").json()
    rest = api.get("/dust/transactions?limit=3&offset=3").json()
    assert first["pagination"] == {"total": 5, "limit": 3, "offset": 0, "has_more": True}
    assert rest["pagination"]["has_more"] is False
    assert [row["note"] for row in first["transactions"] + rest["transactions"]] == [*"3210", "Welcome"]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "offset=-1", "offset=9999999"])
def test_a_page_out_of_bounds_is_a_400(api, query):
    response = api.get(f"/dust/transactions?{query}")
    assert response.status_code == 400
    assert response.json()["error_code"] == "invalid_request"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/dust/balance", "/dust/transactions"])
def test_strangers_are_told_to_sign_in(path):
    response = APIClient().get(path)
    assert response.status_code == 401
    assert response.json()["error_code"] == "not_authenticated"


@pytest.mark.parametrize("path", ["/dust/balance", "/dust/transactions"])
def test_nothing_is_written_here(api, path):
    assert api.post(path, {}, format="json").status_code == 405
    assert api.delete(path).status_code == 405


def test_no_cache_keeps_a_balance(api):
    assert api.get("/dust/balance")["Cache-Control"] == "no-store"
