"""fal's stand-in by the official `fal_client`."""

import urllib.request

import fal_client
import pytest
from fal_client import client as inner

from tests.remote.stand_ins import works
from tests.remote.stand_ins.fal import IMAGE, TEXT, FalStandIn

PICTURE = fal_client.encode(b"a picture", "image/jpeg")


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(inner, "MAX_ATTEMPTS", 1)  # its retries would hide things
    with FalStandIn(takes=0.1) as one:
        monkeypatch.setattr(inner, "QUEUE_URL_FORMAT", f"{one.origin}/")
        yield one


@pytest.fixture
def client_of():
    """Return a client with a key; it is closed when the test ends."""
    made = []

    def one(key):
        made.append(fal_client.SyncClient(key=key))
        return made[-1]

    yield one
    for client in made:
        client._client.close()
        client._client._transport.close()


@pytest.fixture
def client(server, client_of):
    return client_of(server.key)


def submit(client, prompt="A quiet sea", model=TEXT, **arguments):
    return client.submit(model, {"prompt": prompt, "duration": "5", **arguments})


def result(handle):
    return handle.get(interval=0.02)


def test_a_video_is_made_and_fetched(client, server):
    handle = submit(client, seed=7)
    made = result(handle)
    assert made["seed"] == 7
    with urllib.request.urlopen(made["video"]["url"]) as file:
        assert file.read() == works.video(5.0)
    assert server.submits_of("A quiet sea") == 1


def test_a_picture_makes_a_video_too(client, server):
    handle = submit(client, model=IMAGE, image_url=PICTURE)
    assert result(handle)["video"]["content_type"] == "video/mp4"
    assert server.works[handle.request_id].image == b"a picture"


@pytest.mark.parametrize(("age", "kind"), [(0.0, fal_client.Queued), (0.5, fal_client.InProgress)])
def test_a_request_on_its_way_has_the_documented_types(age, kind, client, server):
    server.takes = 60.0
    handle = submit(client)
    server.works[handle.request_id].since -= age * 60
    assert isinstance(handle.status(), kind)


def test_a_finished_request_has_logs_only_if_asked_for(client):
    handle = submit(client)
    result(handle)
    silent, telling = handle.status(), handle.status(with_logs=True)
    assert isinstance(silent, fal_client.Completed)
    assert (silent.logs, telling.logs, silent.error, silent.error_type) == (None, [], None, None)
    assert silent.metrics["inference_time"] == 0.1


def test_the_addresses_have_no_path_below_the_app(client):
    handle = submit(client)
    assert client.get_handle(TEXT, handle.request_id) == handle


def failure(handle):
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        result(handle)
    return caught.value


def test_a_failure_is_completed_and_its_result_is_an_error(client):
    handle = submit(client, "A quiet sea [fail]")
    error = failure(handle)
    assert (error.status_code, error.error_type, error.message) == (
        503,
        "runner_disconnected",
        "Runner disconnected",
    )
    status = handle.status()
    assert (status.error_type, status.error) == ("runner_disconnected", "Runner disconnected")


@pytest.mark.parametrize(("tells", "said"), [(True, "content_policy_violation"), (False, None)])
def test_moderation_is_a_list_in_the_result(tells, said, client, server):
    server.tells_errors = tells
    handle = submit(client, "A quiet sea [flag]")
    error = failure(handle)
    assert (error.status_code, error.message[0]["type"]) == (422, "content_policy_violation")
    assert handle.status().error_type == said


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [({"duration": 5}, "one_of"), ({"seed": "7"}, "int_type"), ({"prompt": ""}, "missing")],
)
def test_a_wrong_input_is_found_when_the_model_runs(arguments, kind, client):
    handle = client.submit(TEXT, {"prompt": "A quiet sea", **arguments})
    error = failure(handle)
    assert (error.status_code, error.message[0]["type"]) == (422, kind)
    assert error.message[0]["loc"] == ["body", *arguments]


def test_a_request_is_cancelled_once(client, server):
    server.takes = 60.0
    handle = submit(client)
    handle.cancel()
    assert failure(handle).error_type == "client_cancelled"
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        handle.cancel()
    assert (caught.value.status_code, caught.value.response.json()) == (400, {"status": "ALREADY_COMPLETED"})


@pytest.mark.parametrize(
    ("word", "status", "kind"),
    [
        ("refuse", 400, "bad_request"),
        ("busy", 429, "concurrent_requests_limit"),
        ("broken", 500, "internal_error"),
    ],
)
def test_a_refused_submit(word, status, kind, client):
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        submit(client, f"A quiet sea [{word}]")
    assert (caught.value.status_code, caught.value.error_type) == (status, kind)
    assert caught.value.response_headers["x-fal-error-type"] == kind


def test_a_wrong_key_is_not_let_in(server, client_of):
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        submit(client_of("wrong"))
    assert caught.value.status_code == 401


def test_what_is_not_there_is_not_found(client):
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        client.status(TEXT, "nothing")
    assert caught.value.status_code == 404


def test_a_client_left_to_itself_pays_twice(server, client, monkeypatch):
    """Why the adapters speak raw HTTP: the client repeats a submit whose answer was lost."""
    monkeypatch.setattr(inner, "MAX_ATTEMPTS", 2)
    monkeypatch.setattr(inner, "BASE_DELAY", 0.0)
    with pytest.raises(inner.httpx.RemoteProtocolError):
        submit(client, "A quiet sea [lost]")
    assert server.submits_of("A quiet sea [lost]") == 2
