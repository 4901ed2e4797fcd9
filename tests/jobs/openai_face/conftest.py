"""Alice's jobs by `/v1/videos`."""

import pytest
from rest_framework.test import APIClient

from jobs import lifecycle
from jobs.models import Job
from tests.jobs.making import OPENING, finish


@pytest.fixture(autouse=True)
def opening(settings):
    settings.DUST_OPENING_GRANT = OPENING


@pytest.fixture
def create(api):
    """Ask for a video; the fields in JSON, `headers` beside them."""

    def send(headers=None, **fields):
        body = {"prompt": "a quiet sea", **fields}
        return api.post("/v1/videos", body, format="json", headers=headers or {})

    return send


@pytest.fixture
def completed(processing, tmp_path):
    finish(processing, tmp_path)
    return Job.objects.select_related("video").get(id=processing.id)


@pytest.fixture
def cancelled(queued):
    lifecycle.cancel(queued)
    return queued


@pytest.fixture
def stranger(bob):
    client = APIClient()
    client.force_authenticate(bob)
    return client


def error(response, status):
    """The error object of a refusal, and nothing else in its body."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    assert response["X-Request-ID"]
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    return body["error"]
