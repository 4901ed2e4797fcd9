"""Which requests a session cookie may make: the whole table."""

import pytest
from django.middleware.csrf import _get_new_csrf_string
from rest_framework.test import APIClient

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.accounts.views")]

SITE = "http://testserver"
REFUSED = 403
DONE = 200


@pytest.fixture
def browser(alice):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(alice)
    return client


@pytest.fixture
def token(browser):
    """The site's CSRF cookie, set as a page of ours sets it; its value goes into the header."""
    secret = _get_new_csrf_string()
    browser.cookies["csrftoken"] = secret
    return secret


def post(browser, headers, body='{"a": 1}', content_type="text/plain", method="post"):
    return getattr(browser, method)("/who", body, content_type=content_type, headers=headers)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        # What a browser says of its own request.
        ({"Sec-Fetch-Site": "same-origin"}, DONE),
        ({"Sec-Fetch-Site": "same-origin", "Origin": SITE}, DONE),
        ({"Sec-Fetch-Site": "same-site"}, REFUSED),
        ({"Sec-Fetch-Site": "cross-site"}, REFUSED),
        ({"Sec-Fetch-Site": "none"}, REFUSED),
        ({"Sec-Fetch-Site": "Same-Origin"}, REFUSED),
        ({"Sec-Fetch-Site": "same-origin, cross-site"}, REFUSED),
        ({"Sec-Fetch-Site": "anything"}, REFUSED),
        # It is believed over Origin, whichever way they differ.
        ({"Sec-Fetch-Site": "cross-site", "Origin": SITE}, REFUSED),
        ({"Sec-Fetch-Site": "same-site", "Origin": SITE}, REFUSED),
        # Without it, Origin must be our own scheme, host and port.
        ({"Origin": SITE}, DONE),
        ({"Origin": "https://testserver"}, REFUSED),
        ({"Origin": "http://testserver:8000"}, REFUSED),
        ({"Origin": "http://testserver.evil.example"}, REFUSED),
        ({"Origin": "http://evil.example"}, REFUSED),
        ({"Origin": "http://sub.testserver"}, REFUSED),
        ({"Origin": "null"}, REFUSED),
        ({"Origin": ""}, REFUSED),
        ({"Origin": f"{SITE}, http://evil.example"}, REFUSED),
        # Neither: a cookie alone proves nothing, nor does a Referer.
        ({}, REFUSED),
        ({"Referer": f"{SITE}/"}, REFUSED),
        # A forged token.
        ({"X-CSRFToken": "a" * 32}, REFUSED),
        ({"X-CSRFToken": "a" * 32, "Sec-Fetch-Site": "cross-site"}, REFUSED),
        ({"X-CSRFToken": "a" * 32, "Sec-Fetch-Site": "same-site"}, REFUSED),
        ({"X-CSRFToken": ""}, REFUSED),
    ],
)
def test_a_cookie_needs_proof_of_same_origin(browser, headers, status):
    response = post(browser, headers)
    assert response.status_code == status, response.content
    if status == REFUSED:
        assert response.json()["error_code"] == "permission_denied"


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_every_unsafe_method_needs_it(browser, method):
    assert post(browser, {}, method=method).status_code == REFUSED
    assert post(browser, {"Sec-Fetch-Site": "same-origin"}, method=method).status_code == DONE


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        " ",
        "x/y",
    ],
)
def test_cross_site_is_refused_whatever_the_content_type(browser, content_type):
    response = post(browser, {"Sec-Fetch-Site": "cross-site"}, content_type=content_type)
    assert response.status_code == REFUSED


def test_cross_site_is_refused_before_the_body_is_read(browser):
    response = post(browser, {"Sec-Fetch-Site": "cross-site"}, body="{not json")
    assert response.status_code == REFUSED


@pytest.mark.parametrize("site", [{}, {"Sec-Fetch-Site": "none"}, {"Sec-Fetch-Site": "same-site"}])
def test_djangos_token_is_proof_too(browser, token, site):
    assert post(browser, {**site, "X-CSRFToken": token}).status_code == DONE


def test_the_cookie_of_the_token_is_no_proof_without_the_header(browser, token):
    assert post(browser, {}).status_code == REFUSED


def test_a_token_in_the_body_is_not_looked_for(browser, token):
    body = f"csrfmiddlewaretoken={token}"
    response = post(browser, {}, body=body, content_type="application/x-www-form-urlencoded")
    assert response.status_code == REFUSED


def test_another_sites_token_is_no_proof(browser, token):
    assert post(browser, {"X-CSRFToken": _get_new_csrf_string()}).status_code == REFUSED


def test_a_token_from_a_foreign_origin_is_refused(browser, token):
    headers = {"X-CSRFToken": token, "Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert post(browser, headers).status_code == REFUSED


def test_over_https_origin_is_compared_with_https(browser):
    def answer(origin):
        return browser.post("/who", "{}", content_type="text/plain", headers={"Origin": origin}, secure=True)

    assert answer("https://testserver").status_code == DONE
    assert answer("http://testserver").status_code == REFUSED  # a page someone on the wire could write


@pytest.mark.parametrize("site", ["same-origin", "same-site", "cross-site", "none"])
def test_reading_needs_no_proof(browser, site):
    assert browser.get("/who", headers={"Sec-Fetch-Site": site}).json()["username"] == "alice"
    assert browser.head("/who", headers={"Sec-Fetch-Site": site}).status_code == DONE


def test_the_seeds_snippet_works_unchanged_on_a_page_of_ours(browser):
    headers = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Origin": SITE}
    response = post(browser, headers, body='{"prompt": "a cat"}', content_type="text/plain;charset=UTF-8")
    assert response.json() == {"username": "alice", "body": {"prompt": "a cat"}}


def test_a_signed_out_browser_is_401_even_from_our_own_page(db):
    response = post(APIClient(enforce_csrf_checks=True), {"Sec-Fetch-Site": "same-origin"})
    assert response.status_code == 401


def test_an_inactive_users_session_ends(browser, alice):
    alice.is_active = False
    alice.save(update_fields=["is_active"])
    assert browser.get("/who").status_code == 401
