"""The addresses where providers' webhooks arrive: what is theirs is noted, and anyone else meets a 404."""

import asyncio
import uuid

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections
from django.test import AsyncClient, Client
from django.urls import resolve

from base.throttles import CallbackThrottle
from jobs import catalogue, lifecycle, remote_tasks
from jobs.callbacks import links
from jobs.models import RemoteState, RemoteTask
from jobs.providers.base import FailureCode
from jobs.providers.remote import Taken
from tests.jobs.making import order_for
from tests.remote.stand_ins import calls

pytestmark = pytest.mark.django_db
SECRET = calls.secret()


@pytest.fixture(autouse=True)
def models(settings, monkeypatch):
    monkeypatch.setenv("FAR_WEBHOOK_SECRET", SECRET)
    settings.PUBLIC_URL = "https://videos.example.org/api/"
    entry = {"title": "Far away", "seconds_of_work": 1.0}
    remote = {"base_url": "https://far.example.org/v1", "webhook": "FAR_WEBHOOK_SECRET"}
    settings.VIDEO_MODELS = {
        "far": {**entry, "provider": "jobs.providers.replicate.Replicate", "remote": remote},
        "shape": {**entry, "provider": "jobs.providers.openai_videos.OpenAIVideos", "remote": remote},
        "luma/ray 2": {
            **entry,
            "provider": "jobs.providers.luma.Luma",
            "remote": {"base_url": remote["base_url"]},
        },
        "runway": {
            **entry,
            "provider": "jobs.providers.runway.Runway",
            "remote": {"base_url": remote["base_url"]},
        },
    }


@pytest.fixture
def job(alice):
    return lifecycle.claim(lifecycle.submit(order_for(alice, model="far", queue="remote")).id, worker="w1")


@pytest.fixture
def intend(job):
    """Note a submission of the job by this model."""

    def one(alias):
        route = catalogue.get(alias).adapter().route
        return remote_tasks.intend(job, route, key=uuid.uuid4(), in_flight=10)

    return one


def post(address, sent=None, client=None):
    headers, body = sent or calls.standard({}, SECRET)
    path = address.removeprefix("https://videos.example.org/api")
    given = {"content_type": "application/json", "headers": headers}
    return (client or Client(enforce_csrf_checks=True)).post(path, body, **given)


def is_hinted(task):
    task.refresh_from_db()
    return task.hinted_at is not None


def test_a_submission_of_each_protocol_says_where_it_may_be_told_of(intend):
    address = catalogue.get("far").adapter().route.callback(uuid.UUID(int=7))
    assert address.startswith(f"https://videos.example.org/api/providers/far/webhook/{uuid.UUID(int=7)}/")


@pytest.mark.parametrize("alias", ["far", "luma/ray 2"])
def test_what_a_provider_says_is_noted(alias, intend):
    task = intend(alias)
    response = post(links.of_submission(alias, task.key))
    assert (response.status_code, response.json()) == (200, {"success": True})
    assert is_hinted(task)


def test_it_is_noted_once_until_the_driver_has_heard_it(intend, job):
    task = intend("far")
    post(links.of_submission("far", task.key))
    is_hinted(task)
    first = task.hinted_at
    post(links.of_submission("far", task.key))
    assert is_hinted(task)
    assert task.hinted_at == first
    assert remote_tasks.take_hints("another", {job.id}) == set()
    assert remote_tasks.take_hints("w1", {uuid.uuid4()}) == set()  # by another of its processes
    assert remote_tasks.take_hints("w1", {job.id}) == {job.id}
    assert remote_tasks.take_hints("w1", {job.id}) == set()
    post(links.of_submission("far", task.key))
    assert is_hinted(task)


def test_all_of_an_account_go_to_one_address_where_a_provider_has_it_so(intend):
    task = intend("shape")
    remote_tasks.taken(task, Taken(remote_id="video_7"))
    for about in ({}, {"id": "video_8"}, {"id": ""}):
        assert post(links.of_account("shape"), calls.standard({"data": about}, SECRET)).status_code == 200
        assert not is_hinted(task)
    assert (
        post(links.of_account("shape"), calls.standard({"data": {"id": "video_7"}}, SECRET)).status_code
        == 200
    )
    assert is_hinted(task)


def test_what_has_ended_is_not_noted(intend, job):
    task = intend("far")
    lifecycle.fail(job, code=FailureCode.INTERNAL_ERROR, detail="staff", actor="sam")
    assert post(links.of_submission("far", task.key)).status_code == 200
    assert not is_hinted(task)


def test_a_submission_that_is_not_there_is_not_told_from_one_that_is(intend):
    assert post(links.of_submission("far", uuid.uuid4())).status_code == 200


STRANGERS = {
    "another's signature": calls.standard({}, calls.secret()),
    "none": ({}, b"{}"),
    "an old one": calls.standard({}, SECRET, at=1_700_000_000),
    "another scheme's": calls.openrouter({}, SECRET),
}


@pytest.mark.parametrize("sent", STRANGERS.values(), ids=STRANGERS)
def test_what_is_not_signed_by_the_provider_meets_a_404(sent, intend, django_assert_num_queries):
    task = intend("far")
    with django_assert_num_queries(0):
        answers = [post(links.of_submission("far", task.key), sent), post(links.of_account("shape"), sent)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert not is_hinted(task)


def test_an_address_that_we_have_not_given_away_meets_the_same_404(intend, django_assert_num_queries):
    task = intend("far")
    ours = links.of_submission("far", task.key)
    wrong = [
        ours[:-1] + ("A" if ours[-1] != "A" else "B"),
        ours.replace("/far/", "/runway/"),
        ours.replace(str(task.key), str(uuid.uuid4())),
        ours + "x",
        links.of_account("nonesuch"),
        links.of_account("preview"),
        links.of_account("runway"),
        links.of_account("luma/ray 2"),
        links.of_submission("runway", task.key),
        links.of_submission("preview", task.key),
        links.of_submission("nonesuch", task.key),
    ]
    with django_assert_num_queries(0):
        answers = [post(address) for address in wrong]
    told = {tuple((name, it) for name, it in a.json().items() if name not in TELLING) for a in answers}
    assert len(told) == 1
    assert {answer.status_code for answer in answers} == {404}
    assert not is_hinted(task)


TELLING = {"instance", "request_id"}


def test_an_address_stays_ours_while_the_secret_key_is_changed(settings):
    key, old = uuid.uuid4(), settings.SECRET_KEY
    address = links.of_submission("far", key)
    settings.SECRET_KEY = "a-new-one-" * 6
    assert post(address).status_code == 404
    settings.SECRET_KEY_FALLBACKS = [old]
    assert post(address).status_code == 200


def test_several_secrets_may_hold_while_they_are_changed(monkeypatch, tmp_path):
    new = calls.secret()
    monkeypatch.delenv("FAR_WEBHOOK_SECRET")
    (tmp_path / "secret").write_text(f"{new}\n{SECRET}\n")
    monkeypatch.setenv("FAR_WEBHOOK_SECRET_FILE", str(tmp_path / "secret"))
    address = links.of_submission("far", uuid.uuid4())
    assert [post(address, calls.standard({}, each)).status_code for each in (new, SECRET)] == [200, 200]


def test_without_a_secret_nothing_is_genuine_and_nobody_is_asked_to_call(monkeypatch):
    monkeypatch.setenv("FAR_WEBHOOK_SECRET", "")
    key = uuid.uuid4()
    assert post(links.of_submission("far", key), calls.standard({}, "whsec_")).status_code == 404
    assert catalogue.get("far").adapter().route.callback(key) == ""


def test_without_a_public_address_nobody_is_asked_to_call(settings):
    settings.PUBLIC_URL = ""
    for alias in ("far", "luma/ray 2"):
        assert catalogue.get(alias).adapter().route.callback(uuid.uuid4()) == ""


@pytest.mark.parametrize(("size", "status"), [(4 * 2**20, 200), (4 * 2**20 + 1, 413)])
def test_a_body_is_bounded(size, status):
    sent = calls.standard(b" " * size, SECRET)
    assert post(links.of_submission("far", uuid.uuid4()), sent).status_code == status


def test_a_strangers_body_is_bounded_closely():
    sent = calls.standard(b" " * (64 * 1024 + 1), SECRET)
    assert post(links.of_account("shape"), sent).status_code == 413
    assert post("/providers/far/webhook/" + f"{uuid.uuid4()}/x", sent).status_code == 404


def test_too_many_are_refused():
    CallbackThrottle.THROTTLE_RATES["callback"], kept = "2/min", CallbackThrottle.THROTTLE_RATES["callback"]
    try:
        address = links.of_submission("far", uuid.uuid4())
        assert [post(address).status_code for _ in range(3)] == [200, 200, 429]
    finally:
        CallbackThrottle.THROTTLE_RATES["callback"] = kept


@pytest.mark.parametrize("method", ["get", "put", "delete", "head"])
def test_only_what_is_posted_is_heard(method):
    path = f"/providers/far/webhook/{uuid.uuid4()}/x"
    assert getattr(Client(), method)(path).status_code == 405
    assert resolve(path).kwargs["alias"] == "far"


@pytest.mark.django_db(transaction=True)
def test_it_is_heard_under_asgi_too(intend):
    task = intend("far")
    headers, body = calls.standard({"id": "one"}, SECRET)
    path = links.of_submission("far", task.key).removeprefix("https://videos.example.org/api")
    given = {"content_type": "application/json", "headers": headers}

    async def ask():
        try:
            return await AsyncClient().post(path, body, **given)
        finally:
            await sync_to_async(connections.close_all)()  # of the thread in which the view was run

    assert asyncio.run(ask()).status_code == 200
    assert is_hinted(task)


def test_looking_for_what_was_said_uses_its_index(job):
    fields = {"job_id": job.id, "model": "far", "account": "far", "state": RemoteState.REFUSED}
    RemoteTask.objects.bulk_create(RemoteTask(key=uuid.uuid4(), **fields) for _ in range(1000))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE jobs_remotetask")
    plan = RemoteTask.objects.hinted().filter(job__worker="w1").explain()
    assert "remotetask_hinted" in plan
