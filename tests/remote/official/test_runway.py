"""Runway's stand-in by the official `runwayml` client."""

import time
import urllib.request

import pytest
import runwayml
from runwayml.lib import polling

from tests.remote.stand_ins import works
from tests.remote.stand_ins.runway import RunwayStandIn

ORDER = {"model": "gen4.5", "ratio": "1280:720", "duration": 5}
PICTURE = "data:image/jpeg;base64,YSBwaWN0dXJl"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(polling, "POLL_TIME", 0.05)
    monkeypatch.setattr(polling, "POLL_JITTER", 0.0)
    with RunwayStandIn(takes=0.1) as one:
        yield one


@pytest.fixture
def client(server):
    with runwayml.RunwayML(api_key=server.key, base_url=server.base_url, max_retries=0) as one:
        yield one


def create(client, prompt="A quiet sea", **fields):
    return client.text_to_video.create(prompt_text=prompt, **{**ORDER, **fields})


def test_a_video_is_made_and_fetched(client):
    task = create(client, seed=7).wait_for_task_output()
    assert (task.status, task.cost.credits) == ("SUCCEEDED", 60)
    with urllib.request.urlopen(task.output[0]) as file:
        assert file.read() == works.video(5.0)


def test_a_picture_makes_a_video_too(client, server):
    task = client.image_to_video.create(prompt_text="A quiet sea", prompt_image=PICTURE, **ORDER)
    assert task.wait_for_task_output().status == "SUCCEEDED"
    assert server.works[task.id].image == b"a picture"


@pytest.mark.parametrize(
    ("age", "kind"), [(0.0, polling.AwaitableThrottled), (0.5, polling.AwaitableRunning)]
)
def test_a_task_on_its_way_has_the_documented_types(age, kind, client, server):
    server.takes = 60.0
    task = create(client)
    server.works[task.id].since -= age * 60
    found = client.tasks.retrieve(task.id)
    assert isinstance(found, kind)
    assert found.estimated_cost.credits == 60
    if kind is polling.AwaitableRunning:
        assert found.progress == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    ("word", "code"), [("fail", "INTERNAL.BAD_OUTPUT.CODE01"), ("flag", "SAFETY.INPUT.TEXT")]
)
def test_a_failure_has_a_code(word, code, client):
    with pytest.raises(runwayml.TaskFailedError) as caught:
        create(client, f"A quiet sea [{word}]").wait_for_task_output()
    details = caught.value.task_details
    assert (details.status, details.failure_code, details.cost.credits) == ("FAILED", code, 0)
    assert details.failure


def test_a_running_task_is_cancelled(client, server):
    server.takes = 60.0
    task = create(client)
    client.tasks.delete(task.id)
    found = client.tasks.retrieve(task.id)
    assert (found.status, found.cost.credits) == ("CANCELLED", 0)


def test_an_ended_task_is_deleted(client):
    task = create(client)
    task.wait_for_task_output()
    client.tasks.delete(task.id)
    with pytest.raises(runwayml.NotFoundError):
        client.tasks.retrieve(task.id)


@pytest.mark.parametrize(
    ("word", "error"),
    [
        ("refuse", runwayml.BadRequestError),
        ("busy", runwayml.RateLimitError),
        ("broken", runwayml.InternalServerError),
        ("lost", runwayml.APIConnectionError),
    ],
)
def test_errors_are_those_of_the_client(word, error, client):
    with pytest.raises(error):
        create(client, f"A quiet sea [{word}]")


@pytest.mark.parametrize(
    "changes",
    [{"ratio": "16:9"}, {"duration": 11}, {"duration": "5"}, {"model": "gen9"}, {"prompt": ""}, {"seed": -1}],
)
def test_a_wrong_order_is_refused_with_issues(changes, client):
    with pytest.raises(runwayml.BadRequestError) as caught:
        create(client, **changes)
    name = next(iter(changes)).replace("prompt", "promptText")
    assert [issue["path"] for issue in caught.value.body["issues"]] == [[name]]


def test_a_wrong_key_is_not_let_in(server):
    with (
        runwayml.RunwayML(api_key="wrong", base_url=server.base_url, max_retries=0) as client,
        pytest.raises(runwayml.AuthenticationError),
    ):
        create(client)


def test_another_version_is_refused(server):
    older = {"runway_version": "2023-01-01", "max_retries": 0}
    with (
        runwayml.RunwayML(api_key=server.key, base_url=server.base_url, **older) as client,
        pytest.raises(runwayml.BadRequestError),
    ):
        create(client)


def test_each_poll_gives_a_fresh_address(client):
    task = create(client)
    time.sleep(0.15)
    first, second = (client.tasks.retrieve(task.id).output[0] for _ in range(2))
    assert first != second
