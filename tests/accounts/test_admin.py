"""Support's pages: finding people, making and revoking tokens, and what nobody may see or do there."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from rest_framework.test import APIClient

from accounts import identities, tokens
from accounts.models import ApiToken, User

pytestmark = pytest.mark.django_db

SECRET = re.compile(r"vg_live_[\w-]{43}")
TOKENS = "/admin/accounts/apitoken/"
USERS = "/admin/accounts/user/"


@pytest.fixture
def office(client, charlie):
    client.force_login(charlie)
    return client


@pytest.fixture
def clerk(client, bob):
    """Bob, who may look at and change users and tokens, but is no superuser."""
    bob.is_staff = True
    bob.save(update_fields=["is_staff"])
    names = ["view_user", "change_user", "view_apitoken"]
    bob.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(bob)
    return client


def make(office, user, **fields):
    form = {"user": str(user.pk), "name": "laptop", "expires_at_0": "", "expires_at_1": "", **fields}
    return office.post(f"{TOKENS}add/", form)


def revoke(client, *made):
    return client.post(TOKENS, {"action": "revoke", "_selected_action": [str(token.pk) for token in made]})


def test_a_new_token_is_shown_once_on_the_next_page(office, alice):
    response = make(office, alice)
    assert response.status_code == 302, response.content.decode()
    shown = SECRET.findall(office.get(response.headers["Location"]).content.decode())
    assert len(shown) == 1
    assert tokens.authenticate(shown[0])[0] == alice
    token = ApiToken.objects.get()
    for page in (
        TOKENS,
        f"{TOKENS}{token.pk}/change/",
        f"{TOKENS}{token.pk}/history/",
        response.headers["Location"],
    ):
        assert not SECRET.search(office.get(page).content.decode()), page


def test_a_tokens_secret_is_not_stored_on_the_way(office, alice, tmp_path):
    response = make(office, alice)
    call_command("dumpdata", output=str(tmp_path / "before.json"))  # the message is still unread
    secret = SECRET.findall(office.get(response.headers["Location"]).content.decode())[0]
    call_command("dumpdata", output=str(tmp_path / "after.json"))
    for dump in (tmp_path / "before.json", tmp_path / "after.json"):
        assert secret.removeprefix("vg_live_") not in dump.read_text()


def test_the_admins_log_says_who_made_it(office, alice, charlie):
    make(office, alice)
    token = ApiToken.objects.get()
    entry = charlie.logentry_set.get()
    assert (entry.object_id, entry.object_repr) == (str(token.pk), str(token))


def test_a_token_can_be_given_an_end(office, alice):
    make(office, alice, expires_at_0="2099-01-31", expires_at_1="12:00:00")
    assert ApiToken.objects.get().expires_at.isoformat() == "2099-01-31T12:00:00+00:00"


def test_a_digest_is_on_no_page(office, alice):
    token, _ = tokens.issue(alice, name="laptop")
    for page in (TOKENS, f"{TOKENS}{token.pk}/change/", f"{TOKENS}?q={token.prefix}"):
        assert token.digest not in office.get(page).content.decode()


def test_tokens_are_found_by_their_user(office, alice, bob):
    tokens.issue(alice, name="of-alice")
    tokens.issue(bob, name="of-bob")
    for words in ("alice", "alice@example.com", str(alice.pk)):
        page = office.get(TOKENS, {"q": words}).content.decode()
        assert "of-alice" in page
        assert "of-bob" not in page


def test_the_token_list_asks_as_often_for_many_as_for_one(office, alice, bob, django_assert_max_num_queries):
    for number in range(20):
        tokens.issue(alice if number % 2 else bob, name=f"token-{number}")
    with django_assert_max_num_queries(8):
        assert "token-19" in office.get(TOKENS).content.decode()


def test_revoking_works_by_post_and_is_logged(office, alice, charlie):
    token, _ = tokens.issue(alice, name="laptop")
    office.get(TOKENS, {"action": "revoke", "_selected_action": str(token.pk)})
    assert ApiToken.objects.get().revoked_at is None
    page = office.get(revoke(office, token).headers["Location"]).content.decode()
    assert ApiToken.objects.get().revoked_at is not None
    assert "1 revoked" in page
    assert charlie.logentry_set.get().get_change_message() == "Revoked."


def test_revoking_again_changes_and_logs_nothing(office, alice, charlie):
    token, _ = tokens.issue(alice, name="laptop")
    revoke(office, token)
    before = ApiToken.objects.get().revoked_at
    revoke(office, token)
    assert ApiToken.objects.get().revoked_at == before
    assert charlie.logentry_set.count() == 1


def test_tokens_can_be_neither_edited_nor_deleted(office, alice):
    token, secret = tokens.issue(alice, name="laptop")
    assert office.post(f"{TOKENS}{token.pk}/change/", {"name": "other"}).status_code == 403
    assert office.post(f"{TOKENS}{token.pk}/delete/", {"post": "yes"}).status_code == 403
    assert tokens.authenticate(secret)[0] == alice


def test_looking_is_not_revoking(clerk, alice):
    token, _ = tokens.issue(alice, name="laptop")
    assert "laptop" in clerk.get(TOKENS).content.decode()
    revoke(clerk, token)
    assert ApiToken.objects.get().revoked_at is None


def test_looking_is_not_making(clerk, alice):
    assert make(clerk, alice).status_code == 403
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("words", ["alice", "ALICE@example.com", "alice@exam"])
def test_users_are_found_by_name_and_email(office, alice, bob, words):
    page = office.get(USERS, {"q": words}).content.decode()
    assert "alice@example.com" in page
    assert "bob@example.com" not in page


def test_users_are_found_by_id(office, alice, bob):
    for spelling in (str(alice.pk), str(alice.pk).upper()):
        page = office.get(USERS, {"q": spelling}).content.decode()
        assert "alice@example.com" in page
        assert "bob@example.com" not in page


@pytest.mark.parametrize("words", ["o'brien", "%", "nobody", "0" * 32, "\u202e", "a" * 500])
def test_a_search_for_rubbish_finds_nobody(office, alice, words):
    response = office.get(USERS, {"q": words})
    assert response.status_code == 200
    assert "alice@example.com" not in response.content.decode()


def user_form(user, **changes):
    joined = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    return {"username": user.username, "email": user.email, "is_active": "on", **joined, **changes}


def test_staff_cannot_give_themselves_rights(clerk, bob):
    form = user_form(
        bob, is_staff="on", is_superuser="on", user_permissions=[str(Permission.objects.first().pk)]
    )
    assert clerk.post(f"{USERS}{bob.pk}/change/", form).status_code == 302
    bob.refresh_from_db()
    assert not bob.is_superuser
    assert bob.user_permissions.count() == 3


def test_staff_cannot_take_over_a_superuser(clerk, charlie):
    assert (
        clerk.post(f"{USERS}{charlie.pk}/change/", user_form(charlie, email="x@example.com")).status_code
        == 403
    )
    form = {"password1": "a-new-password", "password2": "a-new-password", "usable_password": "true"}
    assert clerk.post(f"{USERS}{charlie.pk}/password/", form).status_code == 403
    assert User.objects.get(pk=charlie.pk).check_password("charlie-password")


def test_a_superuser_may_give_rights(office, bob):
    assert office.post(f"{USERS}{bob.pk}/change/", user_form(bob, is_staff="on")).status_code == 302
    bob.refresh_from_db()
    assert bob.is_staff


def test_a_user_deactivated_here_is_out_everywhere(office, alice):
    _, secret = tokens.issue(alice, name="laptop")
    form = user_form(alice)
    del form["is_active"]
    office.post(f"{USERS}{alice.pk}/change/", form)
    assert APIClient().get("/dust/balance", headers={"Authorization": f"Bearer {secret}"}).status_code == 401


def test_identities_are_shown_and_not_touched(office):
    user = identities.user_of(issuer="https://login.example.com/", subject="person-1")
    identity = user.identities.get()
    path = "/admin/accounts/externalidentity/"
    assert "person-1" in office.get(path).content.decode()
    assert "person-1" in office.get(path, {"q": "person-1"}).content.decode()
    assert office.get(f"{path}add/").status_code == 403
    assert office.post(f"{path}{identity.pk}/change/", {"subject": "other"}).status_code == 403
    assert office.post(f"{path}{identity.pk}/delete/", {"post": "yes"}).status_code == 403


def test_people_who_are_no_staff_are_sent_to_sign_in(client, alice):
    client.force_login(alice)
    assert client.get(TOKENS).headers["Location"] == f"/admin/login/?next={TOKENS}"
