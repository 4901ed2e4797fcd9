"""The stand-ins' webhooks, checked by the providers' official clients where these can do so."""

import time

import openai
import pytest
from replicate.webhook import InvalidSignatureError, InvalidTimestampError, Webhooks, WebhookSigningSecret

from tests.remote.stand_ins import calls
from tests.remote.stand_ins.openai_videos import OpenAIStandIn
from tests.remote.stand_ins.replicate import ReplicateStandIn
from tests.remote.stand_ins.works import Work

SECRET, OTHER = calls.secret(), calls.secret()
ASKED = {"input": {"prompt": "A quiet sea"}, "deadline": None}
WORK = Work(
    id="one", prompt="A quiet sea", asked=ASKED, headers={}, image=None, seconds_of_video=5.0, takes=0.0
)


@pytest.fixture
def client():
    with openai.OpenAI(api_key="unused", max_retries=0) as one:
        yield one


def test_openais_client_knows_a_webhook_for_one(client):
    with OpenAIStandIn() as server:
        headers, body = server.webhook(WORK)
    event = client.webhooks.unwrap(body, headers, secret=OpenAIStandIn.webhook_secret)
    assert (event.type, event.data.id, event.object) == ("video.completed", "one", "event")


def test_openais_client_refuses_what_is_none(client):
    headers, body = calls.standard({}, SECRET)
    client.webhooks.verify_signature(body, headers, secret=SECRET)
    for changed, secret in ((body, OTHER), (body + b" ", SECRET)):
        with pytest.raises(openai.InvalidWebhookSignatureError):
            client.webhooks.verify_signature(changed, headers, secret=secret)
    headers, body = calls.standard({}, SECRET, at=time.time() - 400)
    with pytest.raises(openai.InvalidWebhookSignatureError, match="too old"):
        client.webhooks.verify_signature(body, headers, secret=SECRET)


def test_one_of_several_signatures_is_enough_for_openais_client(client):
    headers, body = calls.standard({}, OTHER, SECRET)
    client.webhooks.verify_signature(body, headers, secret=SECRET)


def validate(sent, secret, **more):
    headers, body = sent
    Webhooks.validate(headers=headers, body=body.decode(), secret=WebhookSigningSecret(key=secret), **more)


def test_replicates_client_knows_a_webhook_for_one():
    with ReplicateStandIn() as server:
        validate(server.webhook(WORK), ReplicateStandIn.webhook_secret, tolerance=300)
    validate(calls.standard({}, OTHER, SECRET), SECRET, tolerance=300)


def test_replicates_client_refuses_what_is_none():
    with pytest.raises(InvalidSignatureError):
        validate(calls.standard({}, SECRET), OTHER)
    with pytest.raises(InvalidTimestampError):
        validate(calls.standard({}, SECRET, at=time.time() - 400), SECRET, tolerance=300)
