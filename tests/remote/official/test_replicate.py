"""Replicate's stand-in by the official `replicate` client."""

import io
import urllib.request

import pytest
import replicate
from replicate.exceptions import ModelError, ReplicateError

from tests.remote.stand_ins import works
from tests.remote.stand_ins.replicate import DEPLOYMENT, MODEL, VERSION, ReplicateStandIn


@pytest.fixture
def server():
    with ReplicateStandIn(takes=0.1) as one:
        yield one


@pytest.fixture
def client_of(server, monkeypatch):
    """Return a client with a key; it is closed when the test ends."""
    monkeypatch.setattr("replicate.client.RetryTransport.RETRYABLE_METHODS", frozenset())
    made = []

    def one(key, **headers):
        made.append(replicate.Client(api_token=key, base_url=server.origin, headers=headers))
        made[-1].poll_interval = 0.02
        return made[-1]

    yield one
    for client in made:
        client._client.close()
        client._client._transport._wrapped_transport.close()


@pytest.fixture
def client(server, client_of):
    return client_of(server.key)


def create(client, prompt="A quiet sea", **more):
    return client.predictions.create(model=MODEL, input={"prompt": prompt, "duration": 5, **more})


def ended(prediction):
    prediction.wait()
    return prediction


def test_a_video_is_made_and_fetched(client, server):
    prediction = ended(create(client))
    assert (prediction.status, prediction.error) == ("succeeded", None)
    assert prediction.metrics["predict_time"] == 0.1
    assert prediction.completed_at > prediction.created_at
    with urllib.request.urlopen(prediction.output) as file:
        assert file.read() == works.video(5.0)
    assert server.submits_of("A quiet sea") == 1


@pytest.mark.parametrize("version", [VERSION, f"{MODEL}:{VERSION}"])
def test_a_prediction_by_version(version, client):
    prediction = client.predictions.create(version=version, input={"prompt": "A quiet sea"})
    assert ended(prediction).status == "succeeded"


def test_a_prediction_of_a_deployment(client):
    prediction = client.deployments.predictions.create(DEPLOYMENT, input={"prompt": "A quiet sea"})
    assert ended(prediction).status == "succeeded"


def test_run_gives_where_the_file_is(client, server):
    output = client.run(MODEL, input={"prompt": "A quiet sea"}, wait=False)
    assert output.startswith(f"{server.origin}/files/")


def test_a_picture_is_sent_as_data(client, server):
    client.models.predictions.create(
        MODEL,
        input={"prompt": "A quiet sea", "image": io.BytesIO(b"a picture")},
        file_encoding_strategy="base64",
    )
    assert next(iter(server.works.values())).image == b"a picture"


@pytest.mark.parametrize(("age", "status"), [(0.0, "starting"), (0.5, "processing")])
def test_a_prediction_on_its_way(age, status, client, server):
    server.takes = 6000.0
    prediction = create(client)
    server.works[prediction.id].since -= age * 6000
    prediction.reload()
    assert (prediction.status, prediction.output) == (status, None)
    assert prediction.progress.percentage == age


def test_a_failure_has_its_error(client):
    prediction = ended(create(client, "A quiet sea [fail]"))
    assert prediction.status == "failed"
    assert prediction.error.startswith("Prediction interrupted")
    with pytest.raises(ModelError, match=r"flagged as sensitive.*\(E005\)"):
        client.run(MODEL, input={"prompt": "A quiet sea [flag]"}, wait=False)


def test_a_cancelled_prediction_says_so(client, server):
    server.takes = 60.0
    prediction = create(client)
    prediction.cancel()
    assert prediction.status == "canceled"
    assert ended(prediction).output is None


def test_what_has_ended_is_not_cancelled_any_more(client):
    prediction = ended(create(client))
    assert client.predictions.cancel(prediction.id).status == "succeeded"


def test_a_deadline_cancels_what_has_begun(client_of, server):
    server.takes = 60.0
    prediction = create(client_of(server.key, **{"Cancel-After": "30s"}))
    server.works[prediction.id].since -= 31
    assert ended(prediction).status == "canceled"


def test_a_deadline_aborts_what_has_not_begun(client_of, server):
    server.takes = 600.0
    prediction = create(client_of(server.key, **{"Cancel-After": "1m"}))
    server.works[prediction.id].since -= 61
    with pytest.raises(ValueError, match="status"):  # this client does not know the word
        prediction.reload()


def test_after_an_hour_the_output_is_gone(client, server):
    prediction = ended(create(client))
    server.works[prediction.id].since -= 3700
    prediction.reload()
    assert (prediction.status, prediction.output, prediction.input) == ("succeeded", None, {})


def test_the_list_begins_with_the_newest_and_tells_the_input(client):
    ids = [create(client, client_reference=str(number)).id for number in range(101)]
    page = client.predictions.list()
    assert [one.id for one in page] == ids[:0:-1]
    assert page.results[0].input["client_reference"] == "100"
    assert [one.id for one in client.predictions.list(page.next)] == ids[:1]


@pytest.mark.parametrize(
    ("sent", "detail"),
    [
        ({"duration": "5"}, "input.duration: Invalid type. Expected: integer"),
        ({"seed": True}, "input.seed: Invalid type"),
        ({"resolution": "hd_720p"}, "input.resolution: resolution must be one of"),
    ],
)
def test_input_of_a_wrong_kind_is_refused(sent, detail, client, server):
    with pytest.raises(ReplicateError) as raised:
        create(client, **sent)
    assert (raised.value.status, raised.value.title) == (422, "Input validation failed")
    assert detail in raised.value.detail
    assert not server.works


def test_input_must_have_a_prompt(client):
    with pytest.raises(ReplicateError, match="prompt is required"):
        client.predictions.create(model=MODEL, input={})


def test_a_version_that_is_not_there(client):
    with pytest.raises(ReplicateError, match="Invalid version or not permitted"):
        client.predictions.create(version="0" * 64, input={"prompt": "A quiet sea"})


@pytest.mark.parametrize("model", ["bytedance/nothing", "somebody/seedance-1-pro"])
def test_a_model_that_is_not_there(model, client):
    with pytest.raises(ReplicateError) as raised:
        client.predictions.create(model=model, input={"prompt": "A quiet sea"})
    assert raised.value.status == 404


@pytest.mark.parametrize(("word", "status"), [("busy", 429), ("broken", 500)])
def test_the_errors_of_the_service(word, status, client):
    with pytest.raises(ReplicateError) as raised:
        create(client, f"A quiet sea [{word}]")
    assert raised.value.status == status


def test_a_wrong_key_is_refused(client_of):
    with pytest.raises(ReplicateError) as raised:
        create(client_of("another"))
    assert (raised.value.status, raised.value.title) == (401, "Unauthenticated")
