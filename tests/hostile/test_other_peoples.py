"""Somebody else's id answers as an unknown one does, wherever an id can be put."""

import json
import re
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, get_resolver
from rest_framework.test import APIClient

from jobs import lifecycle
from jobs.providers.base import FailureCode
from tests.jobs.making import finish, order_for
from webhooks import deliveries, endpoints

ADMIN = "admin/"
# Paths with a part to fill in that is no user's: a link is signed, and itself the permission; a provider's
# webhook is known by its signature, and tells nobody anything (tests/jobs/test_callbacks.py).
SIGNED = {
    "videos/files/<str:token>/<str:name>",
    "providers/<path:alias>/webhook",
    "providers/<path:alias>/webhook/<uuid:key>/<str:signature>",
}
ID = re.compile(r"<id:(\w+)>")
TOLD_APART = ("get", "put", "patch", "post", "delete")
BODIES = {"put": {"is_favorited": True}, "patch": {"description": "Theirs"}}
LITERAL = re.compile(r"'(?:[^']|'')*'|\b\d+\b|\b[0-9a-f]{32}\b")


def routes(resolver=None, before=""):
    """Every path of the API with a part to fill in, and the methods it has."""
    for entry in (resolver or get_resolver()).url_patterns:
        route = before + str(entry.pattern)
        if isinstance(entry, URLPattern):
            methods = getattr(getattr(entry.callback, "view_class", None), "http_method_names", ())
            yield from ((route, method) for method in methods if hasattr(entry.callback.view_class, method))
        elif route != ADMIN:
            yield from routes(entry, route)


WITH_AN_ID = [
    (route, method)
    for route, method in routes()
    if "<" in route and route not in SIGNED and method in TOLD_APART
]


@pytest.fixture
def theirs(alice, tmp_path):
    """An id of Alice's for each kind and state: jobs queued, processing, failed, completed; a video."""

    def submitted(claimed=True):
        job = lifecycle.submit(order_for(alice))
        if claimed:
            job = lifecycle.claim(job.id, worker="w1")
            lifecycle.accept(job)
        return job

    queued, processing, failed, completed = submitted(claimed=False), submitted(), submitted(), submitted()
    lifecycle.fail(failed, code=FailureCode.PROVIDER_TIMEOUT, detail="504")
    video_id = finish(completed, tmp_path)
    jobs = {"queued": queued, "processing": processing, "failed": failed, "completed": completed}
    webhook, _ = endpoints.create(alice.pk, url="https://hooks.example.com/", event_types=["job.failed"])
    return {
        "job_id": {name: job.id for name, job in jobs.items()},
        "video_id": {"video": video_id},
        "webhook_id": {"webhook": webhook.id},
        "delivery_id": {"delivery": deliveries.ping(webhook, body="{}").id},
    }


def test_every_path_with_an_id_is_looked_at():
    assert len(WITH_AN_ID) >= 15
    named = {name for route, _ in WITH_AN_ID for name in ID.findall(route)}
    assert named == {"job_id", "video_id", "webhook_id", "delivery_id"}


@pytest.mark.parametrize(("route", "method"), WITH_AN_ID, ids=lambda value: str(value))
def test_it_is_the_same_answer_by_the_same_queries(route, method, theirs, bob):
    client = APIClient()
    client.force_authenticate(bob)
    names = ID.findall(route)
    seen(client, route, method, {})  # whatever is done once only is done now
    unknown = seen(client, route, method, {})
    assert unknown["status"] == 404
    for name in names:
        for state, found in theirs[name].items():
            assert seen(client, route, method, {name: found}) == unknown, state
    all_theirs = {name: next(iter(theirs[name].values())) for name in names}
    assert seen(client, route, method, all_theirs) == unknown


@pytest.mark.parametrize(
    ("route", "method"), [pair for pair in WITH_AN_ID if len(ID.findall(pair[0])) > 1], ids=str
)
def test_under_ones_own_it_is_the_same_too(route, method, theirs, bob):
    """A path with two ids: the first one Bob's, the second one Alice's."""
    client = APIClient()
    client.force_authenticate(bob)
    own, _ = endpoints.create(bob.pk, url="https://hooks.example.com/", event_types=["job.failed"])
    *_, last = ID.findall(route)
    unknown = seen(client, route, method, {"webhook_id": own.id})
    assert unknown["status"] == 404
    for found in theirs[last].values():
        assert seen(client, route, method, {"webhook_id": own.id, last: found}) == unknown


def seen(client, route, method, ids):
    """What a client can tell of an answer, and the statements that it took: without ids and numbers.

    An id that is not among `ids` is nobody's.
    """
    path = "/" + ID.sub(lambda found: str(ids.get(found[1]) or uuid.uuid4()), route)
    with CaptureQueriesContext(connection) as queries:
        answer = getattr(client, method)(path, BODIES.get(method, {}), format="json")
    body = json.loads(answer.content)
    if not path.startswith("/v1/"):  # where an error has neither
        assert body.pop("request_id") == answer.headers["X-Request-ID"]
        assert body.pop("instance") == path
    return {
        "status": answer.status_code,
        "headers": {name: text for name, text in answer.items() if name != "X-Request-ID"},
        "body": body,
        "queries": [LITERAL.sub("?", query["sql"]) for query in queries.captured_queries],
    }


def test_somebody_elses_id_is_no_worse_a_cursor_than_any(theirs, bob):
    client = APIClient()
    client.force_authenticate(bob)
    own = lifecycle.submit(order_for(bob))
    for found in [*theirs["job_id"].values(), uuid.UUID(int=0), own.id]:
        listed = client.get(f"/v1/videos?order=asc&after={found}").json()
        assert [video["id"] for video in listed["data"]] == ([] if found == own.id else [str(own.id)])


def test_staff_get_no_further_by_the_api(theirs, charlie):
    client = APIClient()
    client.force_authenticate(charlie)
    for found in theirs["job_id"].values():
        assert client.get(f"/videos/jobs/{found}/status").status_code == 404
        assert client.get(f"/v1/videos/{found}").status_code == 404
