"""A whole installation, its worker too: a job is heard of from its submit to its video."""

import contextlib
import json

import pytest

from tests import held as holding
from tests.jobs.live.hearing import Ear
from tests.live import Installation

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def live(tmp_path_factory, gate_of_held):
    models = json.dumps({"held": holding.entry(gate_of_held)})
    folder = tmp_path_factory.mktemp("live")
    with Installation(folder, DUST_OPENING_GRANT="100", VIDEO_MODELS=models) as installation:
        yield installation


def test_a_job_is_heard_of_from_its_submit_to_its_video(live, held):
    token = live.token("ada")
    with (
        contextlib.closing(live.user_of(token)) as api,
        contextlib.closing(Ear(live.url, token, "/videos/jobs/events")) as ear,
    ):
        body = {"prompt": "a quiet sea", "model": "held", "resolution": "sd_480p"}
        job_id = api.submit("/videos/generate", key="one", json=body)["job_id"]
        told = [ear.next()]
        while not 0 < told[-1].job["progress"] < 1:
            told.append(ear.next())
        held()
        while told[-1].job["status"] != "completed":
            told.append(ear.next())
        assert {event.job["job_id"] for event in told} == {job_id}
        shares = [event.job["progress"] for event in told]
        assert shares == sorted(shares)
        assert [event.id for event in told] == sorted(event.id for event in told)
        assert told[-1].job == api.get(f"/videos/jobs/{job_id}/status")
