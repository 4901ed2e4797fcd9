"""JWTs of an identity provider: what is believed, what is refused, and what happens when it is away."""

import base64
import hashlib
import hmac
import json
import socket
import threading
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from django.db import connection
from rest_framework.test import APIClient

from accounts import identities, tokens
from accounts.errors import IdentityProviderAway
from accounts.models import ExternalIdentity, User
from tests.accounts import provider as providers
from tests.accounts.provider import AUDIENCE, EC, ISSUER, OTHER_RSA, RSA, public_jwk

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.accounts.views")]


@pytest.fixture
def provider():
    with providers.serve(providers.Provider()) as provider:
        yield provider


@pytest.fixture(autouse=True)
def believed(settings, provider):
    """The installation trusts the provider, whose keys it has not asked for: addresses come again."""
    identities._published_keys.cache_clear()
    settings.JWT_ISSUER, settings.JWT_AUDIENCE, settings.JWT_JWKS_URL = ISSUER, AUDIENCE, provider.url


def ask(token):
    return APIClient().get("/who", headers={"Authorization": f"Bearer {token}"})


def assert_refused(token):
    response = ask(token)
    assert response.status_code == 401, response.content
    assert response.json()["error_code"] == "not_authenticated"
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="api", error="invalid_token"'


def encoded(value):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


# --- who it is ------------------------------------------------------------------------------------------


def test_an_rsa_signed_token_is_believed(provider):
    assert ask(provider.token()).status_code == 200


def test_an_ec_signed_token_is_believed(provider):
    assert ask(provider.token(key=EC, algorithm="ES256", kid="ec-1")).status_code == 200


def test_a_new_person_gets_a_user_without_a_password(provider):
    response = ask(provider.token())
    identity = ExternalIdentity.objects.select_related("user").get()
    assert (identity.issuer, identity.subject) == (ISSUER, "person-1")
    assert identity.user.username == response.json()["username"]
    assert not identity.user.has_usable_password()


def test_the_same_person_is_the_same_user_every_time(provider):
    names = {ask(provider.token()).json()["username"] for _ in range(3)}
    assert len(names) == 1
    assert User.objects.count() == 1


def test_another_subject_is_another_user(provider):
    first, second = (ask(provider.token(sub=sub)).json()["username"] for sub in ("person-1", "PERSON-1"))
    assert first != second


def test_the_same_subject_of_another_issuer_is_another_user(provider, settings):
    first = ask(provider.token()).json()["username"]
    settings.JWT_ISSUER = "https://other.example.com/"
    assert ask(provider.token(iss="https://other.example.com/")).json()["username"] != first


def test_an_email_claim_never_makes_someone_an_existing_user(provider, alice):
    token = provider.token(email="alice@example.com", email_verified=True, preferred_username="alice")
    assert ask(token).json()["username"] != "alice"


def test_an_inactive_user_is_refused(provider):
    ask(provider.token())
    User.objects.update(is_active=False)
    assert_refused(provider.token())


@pytest.mark.django_db(transaction=True)
def test_two_first_requests_at_once_make_one_user(provider):
    token, answers = provider.token(), []
    barrier = threading.Barrier(6)

    def call():
        try:
            barrier.wait()
            answers.append(ask(token).json())
        finally:
            connection.close()

    threads = [threading.Thread(target=call) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer.get("username") for answer in answers}) == 1, answers
    assert (len(answers), User.objects.count(), ExternalIdentity.objects.count()) == (6, 1, 1)


# --- what is refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another-api"},
        {"aud": ["another-api"]},
        {"aud": None},
        {"aud": ""},
        {"aud": []},
        {"iss": "https://evil.example.com/"},
        {"iss": "https://login.example.com"},
        {"iss": None},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 256},
        {"sub": "nul\x00byte"},
        {"sub": "lone\ud800surrogate"},
        {"exp": None},
    ],
    ids=lambda changes: repr(changes)[:40],
)
def test_wrong_claims_are_refused(provider, changes):
    assert_refused(provider.token(**changes))
    assert not User.objects.exists()


@pytest.mark.parametrize(("claim", "seconds"), [("exp", -3600), ("exp", -120), ("nbf", 3600), ("iat", 3600)])
def test_a_token_is_refused_outside_its_time(provider, claim, seconds):
    assert_refused(provider.token(**{claim: int(time.time()) + seconds}))


@pytest.mark.parametrize("changes", [{"sub": 7}, {"sub": ["person-1"]}, {"exp": "soon"}, {"exp": 1e400}])
def test_claims_of_the_wrong_type_are_refused(provider, changes):
    payload = json.dumps({**provider.claims(), **changes}).encode()
    token = jwt.PyJWS().encode(payload, RSA, algorithm="RS256", headers={"kid": "rsa-1"})
    assert_refused(token)


def test_clocks_may_differ_by_a_minute(provider):
    now = int(time.time())
    assert ask(provider.token(exp=now - 30)).status_code == 200
    assert ask(provider.token(nbf=now + 30, iat=now + 30)).status_code == 200


def test_one_of_several_audiences_is_enough(provider):
    assert ask(provider.token(aud=["another-api", AUDIENCE])).status_code == 200


def test_alg_none_is_refused(provider):
    unsigned = jwt.encode(provider.claims(), None, algorithm="none", headers={"kid": "rsa-1"})
    assert unsigned.endswith(".")
    assert_refused(unsigned)
    assert_refused(f"{encoded({'alg': 'None', 'kid': 'rsa-1'})}.{encoded(provider.claims())}.")


def test_the_public_key_as_an_hs256_secret_is_refused(provider):
    pem = RSA.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signed = f"{encoded({'alg': 'HS256', 'typ': 'JWT', 'kid': 'rsa-1'})}.{encoded(provider.claims())}"
    signature = hmac.new(pem, signed.encode(), hashlib.sha256).digest()
    assert_refused(f"{signed}.{encoded(signature)}")


def test_a_symmetric_key_among_the_published_ones_opens_nothing(provider):
    secret = b"s" * 32
    provider.keys.append({"kty": "oct", "k": encoded(secret), "kid": "shared", "use": "sig"})
    assert_refused(provider.token(key=secret, algorithm="HS256", kid="shared"))


def test_an_algorithm_off_the_list_is_refused(provider):
    assert_refused(provider.token(algorithm="PS256"))


def test_a_key_of_another_kind_than_the_algorithm_says_is_refused(provider):
    assert_refused(provider.token(kid="ec-1"))


def test_another_key_under_a_known_id_is_refused(provider):
    assert_refused(provider.token(key=OTHER_RSA))


def test_an_encryption_key_signs_nothing(provider):
    provider.keys.append(public_jwk(OTHER_RSA, "rsa-enc", use="enc"))
    assert_refused(provider.token(key=OTHER_RSA, kid="rsa-enc"))


def test_a_changed_payload_is_refused(provider):
    header, _, signature = provider.token().split(".")
    assert_refused(f"{header}.{encoded(provider.claims(sub='admin'))}.{signature}")


def test_keys_and_addresses_in_the_tokens_header_are_ignored(provider):
    inside = {"jwk": public_jwk(OTHER_RSA, "rsa-1"), "jku": "http://127.0.0.1:9/keys"}
    assert_refused(provider.token(key=OTHER_RSA, headers=inside))


def test_no_key_id_is_refused_without_asking_the_provider(provider):
    assert_refused(provider.token(kid=None))
    assert_refused(provider.token(kid=""))
    assert provider.fetches == 0


@pytest.mark.parametrize(
    "token",
    [
        "a.b.c",
        "..",
        "a..",
        f"{encoded(b'[' * 20_000)}.e30.e30",
        f"{encoded(b'{')}.e30.e30",
        f"{encoded([])}.e30.e30",
    ],
    ids=["letters", "dots", "one part", "deep", "half", "array"],
)
def test_rubbish_in_the_shape_of_a_jwt_is_refused(token, provider):
    assert_refused(token)
    assert provider.fetches == 0


@pytest.mark.parametrize("kid", [7, ["rsa-1"], {"a": 1}, None])
def test_a_key_id_that_is_no_text_is_refused(kid, provider):
    assert_refused(f"{encoded({'alg': 'RS256', 'kid': kid})}.{encoded(provider.claims())}.e30")


def test_without_the_settings_every_jwt_is_refused(provider, settings):
    for name in ("JWT_ISSUER", "JWT_AUDIENCE", "JWT_JWKS_URL"):
        before = getattr(settings, name)
        setattr(settings, name, "")
        assert_refused(provider.token())
        setattr(settings, name, before)
    assert ask(provider.token()).status_code == 200


# --- the provider, slow, down and lying ------------------------------------------------------------------


def test_keys_are_fetched_once_for_many_requests(provider):
    for _ in range(5):
        assert ask(provider.token()).status_code == 200
    assert provider.fetches == 1


def test_made_up_key_ids_cannot_hammer_the_provider(provider):
    identities._published_keys(provider.url).cooldown_duration = 3600
    for number in range(50):
        assert_refused(provider.token(key=OTHER_RSA, kid=f"made-up-{number}"))
    assert ask(provider.token()).status_code == 200
    assert provider.fetches == 1


def test_a_key_the_provider_changed_to_is_found(provider):
    keys = identities.PublishedKeys(provider.url, unknown_key_pause=0)
    keys.get_signing_key("rsa-1")
    provider.keys = [public_jwk(OTHER_RSA, "rsa-2")]
    assert keys.get_signing_key("rsa-2").key_id == "rsa-2"
    assert provider.fetches == 2


def assert_unavailable(response):
    assert response.status_code == 503, response.content
    assert response.json()["error_code"] == "unavailable"
    assert int(response.headers["Retry-After"]) > 0


def test_no_one_at_the_address_is_503(settings, provider):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # taken, and not listening
        settings.JWT_JWKS_URL = f"http://127.0.0.1:{unused.getsockname()[1]}/keys"
        assert_unavailable(ask(provider.token()))


@pytest.mark.parametrize("status", [301, 404, 500, 503])
def test_an_error_from_the_provider_is_503(provider, status):
    provider.status = status
    assert_unavailable(ask(provider.token()))


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"\xff\xfe", b"[]", b"{}", b'{"keys": []}', b'{"keys": [{"kty": "x"}]}']
)
def test_something_else_than_keys_is_503(provider, body):
    provider.body = body
    assert_unavailable(ask(provider.token()))


def test_an_outage_is_not_asked_about_by_every_request(provider):
    identities._published_keys(provider.url).failed_fetch_pause = 3600
    provider.status = 500
    for _ in range(20):
        assert_unavailable(ask(provider.token()))
    assert provider.fetches == 1


def test_it_recovers_after_an_outage(provider):
    keys = identities.PublishedKeys(provider.url, failed_fetch_pause=0.05)
    provider.status = 500
    with pytest.raises(IdentityProviderAway):
        keys.get_signing_key("rsa-1")
    provider.status = 200
    time.sleep(0.06)
    assert keys.get_signing_key("rsa-1").key_id == "rsa-1"


def test_an_outage_does_not_forget_the_keys_we_have(provider):
    assert ask(provider.token()).status_code == 200
    provider.status = 500
    assert ask(provider.token()).status_code == 200


def test_a_silent_provider_is_waited_for_only_so_long(provider):
    provider.may_answer.clear()
    keys = identities.PublishedKeys(provider.url)
    keys.timeout = 0.1
    with pytest.raises(IdentityProviderAway):  # it answers at the end of this test, or after a minute
        keys.get_signing_key("rsa-1")


def test_api_tokens_still_work_while_the_provider_is_away(provider, alice):
    provider.status = 500
    assert ask(tokens.issue(alice, name="laptop")[1]).json()["username"] == "alice"
