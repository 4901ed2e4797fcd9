"""Each protocol's own way to say at the submit where it may call back."""

from urllib.parse import parse_qs, urlsplit

import pytest

from jobs.providers.fal import Fal
from jobs.providers.luma import Luma
from jobs.providers.openai_videos import OpenAIVideos
from jobs.providers.openrouter import OpenRouter
from jobs.providers.remote import Taken
from jobs.providers.replicate import Replicate
from jobs.providers.runway import Runway
from jobs.providers.veo import Veo
from tests.remote.adapters.saying import CALLBACK, KEY, called_back, handle, order, reply, route


def adapter(provider, **options):
    return provider(route("https://far.example.org/v1", "a-model", **options))


def submit(provider, **options):
    return called_back(adapter(provider, **options)).submit(order())


@pytest.mark.parametrize(
    ("provider", "fields"),
    [
        (Replicate, {"webhook": CALLBACK, "webhook_events_filter": ["completed"]}),
        (OpenRouter, {"callback_url": CALLBACK}),
        (Luma, {"callback_url": CALLBACK}),
    ],
)
def test_it_is_a_field_of_the_body(provider, fields):
    plain = adapter(provider).submit(order())
    assert submit(provider).json == {**plain.json, **fields}
    assert not fields.keys() & plain.json.keys()


def test_it_is_in_the_query_for_fal():
    plain, called = adapter(Fal).submit(order()), submit(Fal)
    assert parse_qs(urlsplit(called.url).query) == {"fal_webhook": [CALLBACK]}
    assert (called.url.partition("?")[0], called.json) == (plain.url, plain.json)


@pytest.mark.parametrize("provider", [OpenAIVideos, Runway, Veo])
def test_the_others_have_no_way_to_say_it(provider):
    assert submit(provider) == adapter(provider).submit(order())


def test_lumas_lost_submits_are_found_by_it_whatever_it_was_called_then():
    luma = called_back(adapter(Luma))
    assert luma.find(handle()) is not None
    address = f"https://old.example.org/providers/luma/webhook/{KEY}/x"
    known = [{"id": "7", "request": {"callback_url": address}}]
    assert luma.found(handle(), reply({"generations": known})) == Taken(remote_id="7")


def test_an_address_of_the_operators_own_comes_first_at_luma():
    request = submit(Luma, callback="https://ours.example.org/{key}")
    assert request.json["callback_url"] == f"https://ours.example.org/{KEY}"
