"""Browser apps of other origins: what they may send and read, where the operator names them."""

import pytest
from django.test import Client

APP = "https://app.example.com"


@pytest.fixture
def ask(settings):
    settings.CORS_ALLOWED_ORIGINS = [APP]

    def run(origin, header, path="/videos/generate"):
        return Client().options(
            path,
            headers={
                "Origin": origin,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": header,
            },
        )

    return run


def test_a_named_origin_may_send_what_makes_a_submit_safe_to_repeat(ask):
    answer = ask(APP, "idempotency-key")
    assert answer["Access-Control-Allow-Origin"] == APP
    allowed = set(answer["Access-Control-Allow-Headers"].split(", "))
    assert {"authorization", "idempotency-key", "if-none-match", "last-event-id", "range"} <= allowed
    assert "Access-Control-Allow-Credentials" not in answer  # a token, never the cookie


def test_the_official_client_of_openais_api_works_from_a_named_origin(ask, client):
    """A browser asks in one go about all that the client sends; one that is not allowed ends it."""
    each = ("arch", "lang", "os", "package-version", "retry-count", "runtime", "runtime-version", "timeout")
    poll = ("custom-poll-interval", "helper-method", "poll-helper")
    sent = {"authorization", "content-type", *(f"x-stainless-{name}" for name in (*each, *poll))}
    answer = ask(APP, ",".join(sorted(sent)), path="/v1/videos")
    assert answer["Access-Control-Allow-Origin"] == APP
    assert sent <= set(answer["Access-Control-Allow-Headers"].split(", "))
    exposed = set(
        client.get("/v1/videos", headers={"Origin": APP})["Access-Control-Expose-Headers"].split(", ")
    )
    assert {"Retry-After", "openai-poll-after-ms", "x-should-retry"} <= exposed


def test_a_named_origin_may_read_what_says_when_to_ask_again(settings, client):
    settings.CORS_ALLOWED_ORIGINS = [APP]
    answer = client.get("/videos/models", headers={"Origin": APP})
    exposed = set(answer["Access-Control-Expose-Headers"].split(", "))
    assert {"ETag", "Idempotent-Replayed", "Location", "Retry-After", "X-Request-ID"} <= exposed


def test_any_other_origin_may_nothing(ask):
    assert "Access-Control-Allow-Origin" not in ask("https://elsewhere.example.com", "idempotency-key")
