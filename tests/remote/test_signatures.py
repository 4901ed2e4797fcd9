"""Each scheme by which providers sign webhooks: what is theirs is known, and nothing else is."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jobs.providers import signatures
from jobs.providers.fal import Fal
from jobs.providers.luma import Luma
from jobs.providers.openai_videos import OpenAIVideos
from jobs.providers.openrouter import OpenRouter
from jobs.providers.remote import Notice
from jobs.providers.replicate import Replicate
from jobs.providers.runway import Runway
from tests.remote.adapters.saying import route
from tests.remote.stand_ins import calls

NOW = 1_790_000_000.0
BODY = {"id": "one", "status": "succeeded"}
SECRET, OTHER = calls.secret(), calls.secret()
KEY, OTHER_KEY = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()


def x(key):
    return calls.jwk(key)["x"]


class Scheme:
    """How a webhook is signed, the names of what it is known by, and which adapters check it so."""

    def __init__(self, sign, ours, other, known, stranger, *providers):
        self.sign, self.ours, self.other = sign, ours, other
        self.known, self.stranger, self.providers = known, stranger, providers


SCHEMES = {
    "standard": Scheme(calls.standard, SECRET, OTHER, SECRET, OTHER, OpenAIVideos, Replicate),
    "openrouter": Scheme(calls.openrouter, SECRET, OTHER, SECRET, OTHER, OpenRouter),
    "fal": Scheme(calls.fal, KEY, OTHER_KEY, x(KEY), x(OTHER_KEY), Fal),
}
EACH = [
    pytest.param(scheme, provider, id=provider.__name__)
    for scheme in SCHEMES.values()
    for provider in scheme.providers
]
each = pytest.mark.parametrize(("scheme", "provider"), EACH)


def is_genuine(provider, sent, *keys, now=NOW):
    headers, body = sent
    adapter = provider(route("https://far.example.org/v1", "a-model"))
    notice = Notice(headers={name.lower(): value for name, value in headers.items()}, body=body, now=now)
    return adapter.is_genuine(notice, keys)


@each
def test_what_the_provider_has_signed_is_genuine(scheme, provider):
    sent = scheme.sign(BODY, scheme.ours, at=NOW)
    assert is_genuine(provider, sent, scheme.known)
    assert is_genuine(provider, sent, scheme.stranger, scheme.known)  # while keys are changed


@each
@pytest.mark.parametrize("body", [b"", b"\xff\x00 no JSON", "é".encode()])
def test_bytes_are_signed_whatever_they_are(scheme, provider, body):
    assert is_genuine(provider, scheme.sign(body, scheme.ours, at=NOW), scheme.known)


@each
@pytest.mark.parametrize("late", [-301, 301, 86400])
def test_an_old_one_is_not_and_neither_is_one_from_the_future(scheme, provider, late):
    sent = scheme.sign(BODY, scheme.ours, at=NOW)
    assert not is_genuine(provider, sent, scheme.known, now=NOW + late)
    assert is_genuine(provider, sent, scheme.known, now=NOW + 299 * (1 if late > 0 else -1))


@each
def test_another_key_a_changed_body_or_none_at_all_is_not_genuine(scheme, provider):
    headers, body = sent = scheme.sign(BODY, scheme.ours, at=NOW)
    assert not is_genuine(provider, sent, scheme.stranger)
    assert not is_genuine(provider, sent)
    assert not is_genuine(provider, sent, "")
    assert not is_genuine(provider, (headers, body + b" "), scheme.known)
    assert not is_genuine(provider, ({}, body), scheme.known)


@each
def test_no_header_may_be_missing_or_changed(scheme, provider):
    headers, body = scheme.sign(BODY, scheme.ours, at=NOW)
    signed = {name: value for name, value in headers.items() if not name.endswith("Idempotency-Key")}
    for name, value in signed.items():
        without = {other: it for other, it in signed.items() if other != name}
        assert not is_genuine(provider, (without, body), scheme.known), name
        last = "1" if value[-1] != "1" else "2"
        for changed in ("", "x", "é", value[:-1], value[:-1] + last, value.replace("v1", "v2") + "!"):
            assert not is_genuine(provider, ({**signed, name: changed}, body), scheme.known), (name, changed)


@pytest.mark.parametrize("at", ["", "-1", "1e9", "٣" * 10, "9" * 4000, "nan", f"{NOW}"])
def test_a_time_that_is_no_number_of_seconds_is_not_recent(at):
    assert not signatures.is_recent(at, NOW)


@each
def test_a_key_that_is_none_is_passed_over(scheme, provider):
    sent = scheme.sign(BODY, scheme.ours, at=NOW)
    for nonsense in ("whsec_", "whsec_é", "whsec_A", "AAAA", "é", "A" * 43):
        assert not is_genuine(provider, sent, nonsense)
        assert is_genuine(provider, sent, nonsense, scheme.known)


@pytest.mark.parametrize(
    ("sign", "provider"),
    [(calls.standard, OpenAIVideos), (calls.standard, Replicate), (calls.openrouter, OpenRouter)],
)
def test_one_of_several_signatures_is_enough_while_secrets_are_changed(sign, provider):
    sent = sign(BODY, OTHER, SECRET, at=NOW)
    assert is_genuine(provider, sent, SECRET)
    assert is_genuine(provider, sent, OTHER)
    assert not is_genuine(provider, sent, calls.secret())


def test_a_secret_without_its_prefix_is_taken_as_it_is():
    secret = "as-it-is"
    as_bytes = f"whsec_{base64.b64encode(secret.encode()).decode()}"
    assert is_genuine(OpenAIVideos, calls.standard(BODY, as_bytes, at=NOW), secret)


@each
@pytest.mark.parametrize("unsigned", [Luma, Runway])
def test_a_provider_without_signatures_has_signed_nothing(scheme, provider, unsigned):
    assert not is_genuine(unsigned, scheme.sign(BODY, scheme.ours, at=NOW), scheme.known)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (json.dumps({"type": "video.completed", "data": {"id": "video_7"}}).encode(), "video_7"),
        (b'{"data": {"id": 7}}', ""),
        (b'{"data": []}', ""),
        (b"[]", ""),
        (b"no JSON \xff", ""),
        (b"[" * 100_000, ""),
    ],
)
def test_a_webhook_of_an_account_names_what_it_is_about(body, told):
    adapter = OpenAIVideos(route("https://far.example.org/v1", "a-model"))
    assert adapter.told_of(Notice(headers={}, body=body, now=NOW)) == told
