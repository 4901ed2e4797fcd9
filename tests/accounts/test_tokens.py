"""API tokens: hashed at rest, refused alike, and cheap to check."""

import hashlib
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import tokens
from accounts.errors import CredentialsRefused
from accounts.models import ApiToken, User

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.accounts.views")]


def ask(authorization, **extra):
    return APIClient().get("/who", HTTP_AUTHORIZATION=authorization, **extra)


def assert_refused(response):
    assert response.status_code == 401, response.content
    assert response.json()["error_code"] == "not_authenticated"
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="api", error="invalid_token"'


def test_a_token_says_who_is_calling(alice):
    token, secret = tokens.issue(alice, name="laptop")
    response = ask(f"Bearer {secret}")
    assert response.json() == {"username": "alice", "token": str(token.id)}


def test_the_scheme_is_read_in_any_case(alice):
    _, secret = tokens.issue(alice, name="laptop")
    assert ask(f"bearer {secret}").status_code == 200


def test_a_secret_has_256_random_bits_and_a_prefix_scanners_know(alice):
    _, secret = tokens.issue(alice, name="laptop")
    assert secret.startswith("vg_live_")
    assert len(secret) == len("vg_live_") + 43  # base64url of 32 bytes
    assert secret != tokens.issue(alice, name="laptop")[1]


def test_the_secret_is_nowhere_in_the_database(alice, tmp_path):
    _, secret = tokens.issue(alice, name="laptop")
    ask(f"Bearer {secret}")
    call_command("dumpdata", output=str(tmp_path / "dump.json"))
    dump = (tmp_path / "dump.json").read_text()
    assert hashlib.sha256(secret.encode()).hexdigest() in dump
    assert secret not in dump
    assert secret.removeprefix("vg_live_") not in dump
    assert secret[12:30] not in dump


def test_only_four_characters_of_it_are_shown(alice):
    token, secret = tokens.issue(alice, name="laptop")
    assert token.prefix == secret[:12]
    assert str(token) == f"laptop ({secret[:12]}…)"


def test_two_tokens_cannot_share_a_digest(alice):
    token, _ = tokens.issue(alice, name="laptop")
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiToken.objects.create(user=alice, name="copy", prefix=token.prefix, digest=token.digest)


def test_an_expired_token_is_refused(alice):
    _, secret = tokens.issue(alice, name="laptop", expires_at=timezone.now() - timedelta(seconds=1))
    assert_refused(ask(f"Bearer {secret}"))


def test_a_token_works_until_it_expires(alice):
    _, secret = tokens.issue(alice, name="laptop", expires_at=timezone.now() + timedelta(minutes=1))
    assert ask(f"Bearer {secret}").status_code == 200


def test_the_databases_clock_decides_expiry(alice):
    token, secret = tokens.issue(alice, name="laptop")
    ApiToken.objects.filter(pk=token.pk).update(expires_at=Now() - timedelta(milliseconds=1))
    assert_refused(ask(f"Bearer {secret}"))
    ApiToken.objects.filter(pk=token.pk).update(expires_at=Now() + timedelta(minutes=1))
    assert ask(f"Bearer {secret}").status_code == 200


def test_a_revoked_token_is_refused_at_once(alice):
    token, secret = tokens.issue(alice, name="laptop")
    assert tokens.revoke(token) is True
    assert_refused(ask(f"Bearer {secret}"))


def test_revoking_twice_keeps_the_first_time(alice):
    token, _ = tokens.issue(alice, name="laptop")
    tokens.revoke(token)
    first = ApiToken.objects.get().revoked_at
    assert tokens.revoke(token) is False
    assert ApiToken.objects.get().revoked_at == first


def test_revoking_one_token_leaves_the_others(alice):
    token, _ = tokens.issue(alice, name="laptop")
    _, other = tokens.issue(alice, name="phone")
    tokens.revoke(token)
    assert ask(f"Bearer {other}").status_code == 200


def test_an_inactive_users_token_is_refused(alice):
    _, secret = tokens.issue(alice, name="laptop")
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert_refused(ask(f"Bearer {secret}"))


def test_every_cause_of_refusal_reads_the_same(alice):
    past = timezone.now() - timedelta(days=1)
    revoked, revoked_secret = tokens.issue(alice, name="revoked")
    tokens.revoke(revoked)
    secrets = [tokens.issue(alice, name="expired", expires_at=past)[1], revoked_secret, "vg_live_unknown"]
    bodies = [ask(f"Bearer {secret}", HTTP_X_REQUEST_ID="the-same-id").json() for secret in secrets]
    assert bodies[0] == bodies[1] == bodies[2]


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer ",
        "Bearer  ",
        "Bearer a b",
        "Bearer vg_live_\u00e9",
        "Bearer vg_live_" + "x" * 20_000,
        "Token vg_live_abc",
        "vg_live_abc",
        "Bearer something-else",
        "Bearer\tvg_live_abc",
    ],
)
def test_a_malformed_header_is_401(authorization, db):
    assert_refused(ask(authorization))


def test_no_header_at_all_is_401_with_a_plain_challenge():
    response = APIClient().get("/who")
    assert response.status_code == 401
    assert response.json()["error_code"] == "not_authenticated"
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'


@pytest.mark.parametrize("authorization", ["Bearer vg_live_wrong", "Bearer", "Token x", "Bearer a.b.c"])
def test_a_bad_header_never_falls_back_to_the_session(alice, authorization):
    browser = APIClient(enforce_csrf_checks=True)
    browser.force_login(alice)
    assert browser.get("/who").json()["username"] == "alice"
    assert_refused(browser.get("/who", HTTP_AUTHORIZATION=authorization))


def test_a_password_wall_in_front_does_not_break_sessions(alice):
    browser = APIClient()
    browser.force_login(alice)
    assert browser.get("/who", HTTP_AUTHORIZATION="Basic d2FsbDp3YWxs").json()["username"] == "alice"


def test_a_token_wins_over_another_persons_session(alice, bob):
    _, secret = tokens.issue(bob, name="laptop")
    browser = APIClient()
    browser.force_login(alice)
    assert browser.get("/who", HTTP_AUTHORIZATION=f"Bearer {secret}").json()["username"] == "bob"


def test_a_token_needs_no_csrf_token_from_any_site(alice):
    _, secret = tokens.issue(alice, name="laptop")
    client = APIClient(enforce_csrf_checks=True)
    headers = {"HTTP_AUTHORIZATION": f"Bearer {secret}", "HTTP_SEC_FETCH_SITE": "cross-site"}
    assert client.post("/who", {}, format="json", **headers).status_code == 200


# --- what a request costs, and what it writes --------------------------------------------------------


def test_a_request_is_one_indexed_query_once_use_is_recorded(alice, django_assert_num_queries):
    _, secret = tokens.issue(alice, name="laptop")
    tokens.authenticate(secret)
    with django_assert_num_queries(1):
        user, token = tokens.authenticate(secret)
        assert (user, token.user) == (alice, alice)


def test_the_lookup_uses_the_digests_index(alice):
    tokens.issue(alice, name="laptop")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # a table of one row is always scanned
        plan = ApiToken.objects.usable().filter(digest="0" * 64).select_related("user").explain()
    assert "digest" in plan.lower(), plan
    assert "SCAN accounts_apitoken" not in plan


def last_used(token):
    return ApiToken.objects.get(pk=token.pk).last_used_at


def test_first_use_is_recorded(alice):
    token, secret = tokens.issue(alice, name="laptop")
    assert last_used(token) is None
    tokens.authenticate(secret)
    assert last_used(token) is not None


def test_use_is_recorded_at_most_hourly(alice, django_assert_num_queries):
    token, secret = tokens.issue(alice, name="laptop")
    ApiToken.objects.filter(pk=token.pk).update(last_used_at=Now() - timedelta(minutes=59))
    before = last_used(token)
    with django_assert_num_queries(1):
        tokens.authenticate(secret)
    assert last_used(token) == before


def test_use_is_recorded_again_after_an_hour(alice, django_assert_num_queries):
    token, secret = tokens.issue(alice, name="laptop")
    ApiToken.objects.filter(pk=token.pk).update(last_used_at=Now() - timedelta(minutes=61))
    before = last_used(token)
    with django_assert_num_queries(2):
        tokens.authenticate(secret)
    assert last_used(token) > before + timedelta(hours=1)


def test_a_refused_use_is_not_recorded(alice):
    token, secret = tokens.issue(alice, name="laptop")
    tokens.revoke(token)
    with pytest.raises(CredentialsRefused):
        tokens.authenticate(secret)
    assert last_used(token) is None
