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

ADMIN = "admin/"
# Paths with a part to fill in that is no id: a link is signed, and itself the permission.
SIGNED = {"videos/files/<str:token>/<str:name>"}
TOLD_APART = ("get", "put", "patch", "post", "delete")
BODIES = {"put": {"is_favorited": True}}
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
    return {"job_id": {name: job.id for name, job in jobs.items()}, "video_id": {"video": video_id}}


def test_every_path_with_an_id_is_looked_at():
    assert len(WITH_AN_ID) >= 6
    assert {re.search(r"<id:(\w+)>", route)[1] for route, _ in WITH_AN_ID} == {"job_id", "video_id"}


@pytest.mark.parametrize(("route", "method"), WITH_AN_ID, ids=lambda value: str(value))
def test_it_is_the_same_answer_by_the_same_queries(route, method, theirs, bob):
    client = APIClient()
    client.force_authenticate(bob)
    name = re.search(r"<id:(\w+)>", route)[1]
    seen(client, route, method, uuid.uuid4())  # whatever is done once only is done now
    unknown = seen(client, route, method, uuid.uuid4())
    assert unknown["status"] == 404
    for state, found in theirs[name].items():
        assert seen(client, route, method, found) == unknown, state


def seen(client, route, method, value):
    """What a client can tell of an answer, and the statements that it took: without ids and numbers."""
    path = "/" + re.sub(r"<[^>]+>", str(value), route)
    with CaptureQueriesContext(connection) as queries:
        answer = getattr(client, method)(path, BODIES.get(method, {}), format="json")
    body = json.loads(answer.content)
    assert body.pop("request_id") == answer.headers["X-Request-ID"]
    assert body.pop("instance") == path
    return {
        "status": answer.status_code,
        "headers": {name: text for name, text in answer.items() if name != "X-Request-ID"},
        "body": body,
        "queries": [LITERAL.sub("?", query["sql"]) for query in queries.captured_queries],
    }


def test_staff_get_no_further_by_the_api(theirs, charlie):
    client = APIClient()
    client.force_authenticate(charlie)
    for found in theirs["job_id"].values():
        assert client.get(f"/videos/jobs/{found}/status").status_code == 404
