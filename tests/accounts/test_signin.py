"""Sign-in for browsers: the page, where it leads, and how often it may be tried."""

import json
import re

import pytest
from django.core.cache import cache
from django.test import Client

from videoapi import local_account

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_limits():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def few(settings, monkeypatch):
    """Three attempts a minute."""
    monkeypatch.setitem(settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], "login", "3/min")


def attempt(username="alice", password="wrong", path="/login", address="192.0.2.1", **extra):
    form = {"username": username, "password": password, **extra}
    return Client().post(path, form, REMOTE_ADDR=address)


def test_the_page_is_plain_html_with_nothing_inline(client):
    response = client.get("/login")
    page = response.content.decode()
    assert response.status_code == 200
    assert '<html lang="en">' in page
    assert re.findall(r'<label for="(\w+)"', page) == ["username", "password"]
    assert 'autocomplete="current-password"' in page
    assert "<script" not in page
    assert not re.search(r"<style|\sstyle=|\son\w+=", page)
    assert "no-store" in response.headers["Cache-Control"]


def test_the_style_sheet_is_served(static_files_as_deployed, client):
    page = client.get("/login").content.decode()
    for address in re.findall(r'(?:href|src)="(/static/[^"]+)"', page):
        response = client.get(address)
        assert response.status_code == 200, address
        response.close()


def test_the_right_password_signs_in(client, alice):
    response = client.post("/login", {"username": "alice", "password": "alice-password"})
    assert (response.status_code, response.headers["Location"]) == (302, "/")
    assert client.session["_auth_user_id"] == str(alice.pk)


def test_the_session_is_a_new_one_after_sign_in(client, alice):
    client.get("/login")
    session = client.session
    session["planted"] = True
    session.save()
    before = session.session_key
    client.post("/login", {"username": "alice", "password": "alice-password"})
    assert client.session.session_key != before


def test_a_wrong_password_says_so_to_screen_readers_too(alice):
    response = attempt()
    page = response.content.decode()
    assert response.status_code == 200
    assert 'role="alert"' in page
    assert 'aria-describedby="problem"' in page
    assert 'value="alice"' in page
    assert "wrong" not in re.sub(r"<p[^>]*>[^<]*</p>", "", page)


def test_an_unknown_name_reads_like_a_wrong_password(alice):
    known, unknown = attempt("alice").content.decode(), attempt("nobody").content.decode()
    blank = re.compile(r'value="[^"]*"')
    assert blank.sub("", known) == blank.sub("", unknown)


def test_markup_in_the_name_is_text(db):
    page = attempt('"><script>alert(1)</script>').content.decode()
    assert "<script>" not in page


def test_next_leads_to_our_own_page(alice):
    response = attempt(password="alice-password", next="/docs?a=1")
    assert response.headers["Location"] == "/docs?a=1"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "http:///evil.example",
        " ",
    ],
)
def test_next_leads_nowhere_else(alice, client, target):
    assert attempt(password="alice-password", next=target).headers["Location"] == "/"
    assert "evil.example" not in client.get("/login", {"next": target}).content.decode()


def test_a_form_from_another_site_is_refused(alice):
    browser = Client(enforce_csrf_checks=True)
    response = browser.post("/login", {"username": "alice", "password": "alice-password"})
    assert response.status_code == 403
    assert response.json()["error_code"] == "permission_denied"


def test_signing_out_needs_a_post(client, alice):
    client.force_login(alice)
    assert client.get("/logout").status_code == 405
    assert "_auth_user_id" in client.session
    assert client.post("/logout").headers["Location"] == "/login"
    assert "_auth_user_id" not in client.session


def test_a_signed_in_person_can_sign_out_from_every_page(client, alice):
    client.force_login(alice)
    page = client.get("/login").content.decode()
    assert 'method="post" action="/logout"' in page
    assert "csrfmiddlewaretoken" in page


# --- the limit --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/login", "/admin/login/"])
def test_attempts_on_one_name_are_limited_from_all_addresses_together(few, charlie, path):
    for number in range(3):
        assert attempt("charlie", path=path, address=f"192.0.2.{number}").status_code == 200
    response = attempt("charlie", path=path, address="192.0.2.9")
    assert response.status_code == 429
    assert 1 <= int(response.headers["Retry-After"]) <= 60
    assert response.headers["Content-Type"].startswith("text/html")
    assert "Too many attempts" in response.content.decode()


@pytest.mark.parametrize("path", ["/login", "/admin/login/"])
def test_attempts_from_one_address_are_limited_over_all_names(few, db, path):
    codes = [attempt(f"user-{number}", path=path).status_code for number in range(4)]
    assert codes == [200, 200, 200, 429]


def test_both_doors_share_one_limit(few, charlie):
    for path in ("/login", "/admin/login/", "/login"):
        attempt("charlie", path=path)
    assert attempt("charlie", path="/admin/login/").status_code == 429


def test_past_the_limit_the_right_password_is_not_tried(few, alice):
    for _ in range(3):
        attempt()
    response = attempt(password="alice-password")
    assert response.status_code == 429
    assert "_auth_user_id" not in response.wsgi_request.session


def test_other_people_elsewhere_are_not_held_up(few, alice, bob):
    for _ in range(4):
        attempt("alice")
    assert attempt("bob", "bob-password", address="192.0.2.2").status_code == 302


def test_attempts_past_the_limit_do_not_lock_others_out(few, alice, bob):
    for _ in range(10):
        attempt("alice")  # its address is used up: what it tries next is not counted against Bob
    for _ in range(10):
        attempt("bob")
    assert attempt("bob", "bob-password", address="192.0.2.2").status_code == 302


@pytest.mark.parametrize("spelling", ["ALICE", " alice ", "ａｌｉｃｅ"])
def test_another_spelling_of_a_name_is_the_same_name(few, alice, spelling):
    for number in range(3):
        attempt("alice", address=f"192.0.2.{number}")
    assert attempt(spelling, address="192.0.2.9").status_code == 429


def test_a_made_up_forwarded_address_does_not_help(few, alice):
    codes = []
    for number in range(4):
        form = {"username": f"user-{number}", "password": "x"}
        codes.append(
            Client().post("/login", form, headers={"X-Forwarded-For": f"198.51.100.{number}"}).status_code
        )
    assert codes == [200, 200, 200, 429]


def test_reading_the_page_is_not_an_attempt(few, client):
    assert [client.get("/login").status_code for _ in range(6)] == [200] * 6


def test_hostile_names_are_only_wrong(db):
    for name in ("\x00", "x" * 10_000, "\u202e", ""):
        assert attempt(name).status_code == 200


@pytest.fixture
def demo(settings, tmp_path, db):
    """The account that `make run` makes."""
    settings.DEBUG, settings.DATA_DIR = True, tmp_path
    return local_account.ensure(tmp_path)


def offered(secret, host="127.0.0.1:8000", address="127.0.0.1", **headers):
    answer = Client().get("/login", {"demo": secret}, headers={"host": host, **headers}, REMOTE_ADDR=address)
    return dict(
        re.findall(r'type="hidden" name="(username|password)" value="([^"]+)"', answer.content.decode())
    )


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "[::1]:8000"])
def test_the_link_of_make_run_offers_the_demo_account_which_lets_in(demo, settings, host):
    settings.ALLOWED_HOSTS = ["*"]
    form = offered(demo.link_secret, host, "::1" if "::" in host else "127.0.0.1")
    assert form == {"username": demo.username, "password": demo.password}
    assert attempt(**form).headers["Location"] == "/"


@pytest.mark.parametrize(
    ("host", "address", "headers"),
    [
        ("127.0.0.1:8000", "192.0.2.7", {}),
        ("192.0.2.1:8000", "192.0.2.7", {}),
        ("demo.example.org", "127.0.0.1", {}),
        ("localhost", "127.0.0.1", {"x-forwarded-for": "192.0.2.7"}),
        ("localhost", "127.0.0.1", {"forwarded": "for=192.0.2.7"}),
        ("localhost", "", {}),
    ],
    ids=["another machine", "a network", "a tunnel", "a proxy", "a standard proxy", "a socket"],
)
def test_the_demo_account_is_offered_on_this_machine_only(demo, settings, host, address, headers):
    settings.ALLOWED_HOSTS = ["*"]
    assert offered(demo.link_secret, host, address, **headers) == {}


@pytest.mark.parametrize("query", ["", "?demo", "?demo=", "?demo=guess", "?demo=%ff%00"])
def test_who_only_looks_local_is_not_told_the_password(demo, query):
    """A proxy that says nothing of whom it asks for, a tunnel, another user of this machine."""
    page = Client().get(
        f"/login{query}",
        headers={"host": "127.0.0.1:8000"},
        REMOTE_ADDR="127.0.0.1",
    )
    text = page.content.decode()
    assert page.status_code == 200
    told = [word for word in (demo.password, demo.token, demo.link_secret, "Try it with") if word in text]
    assert told == []


def test_an_account_of_before_gets_a_link_and_keeps_its_password(demo, tmp_path):
    file = tmp_path / local_account.FILE
    before = json.loads(file.read_text())
    del before["link_secret"]
    file.write_text(json.dumps(before))
    assert local_account.known(tmp_path) is None
    account = local_account.ensure(tmp_path)
    assert (account.password, account.token) == (demo.password, demo.token)
    assert account.link_secret not in ("", demo.link_secret)
    assert local_account.known(tmp_path) == account


def test_in_production_no_account_is_offered(demo, settings):
    settings.DEBUG = False
    assert offered(demo.link_secret, "localhost") == {}


@pytest.mark.parametrize("content", [None, "{", "[]", "{}", '{"username": "demo"}'])
def test_without_a_demo_account_none_is_offered(settings, tmp_path, content):
    settings.DEBUG, settings.DATA_DIR = True, tmp_path
    if content is not None:
        (tmp_path / local_account.FILE).write_text(content)
    assert offered("", "localhost") == {}
