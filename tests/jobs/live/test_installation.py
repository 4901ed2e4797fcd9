"""A whole installation, its worker too: a job is heard of from its submit to its video."""

import contextlib

import pytest

from tests.jobs.live.hearing import Ear
from tests.live import Installation

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    with Installation(tmp_path_factory.mktemp("live"), DUST_OPENING_GRANT="100") as installation:
        yield installation


def test_a_job_is_heard_of_from_its_submit_to_its_video(live):
    token = live.token("ada")
    with (
        contextlib.closing(live.user_of(token)) as api,
        contextlib.closing(Ear(live.url, token, "/videos/jobs/events")) as ear,
    ):
        body = {"prompt": "[slow 5] a quiet sea", "model": "rehearsal", "resolution": "sd_480p"}
        job_id = api.submit("/videos/generate", key="one", json=body)["job_id"]
        told = [ear.next()]
        while told[-1].job["status"] != "completed":
            told.append(ear.next())
        assert {event.job["job_id"] for event in told} == {job_id}
        shares = [event.job["progress"] for event in told]
        assert shares == sorted(shares)
        assert any(0 < share < 1 for share in shares)
        assert [event.id for event in told] == sorted(event.id for event in told)
        assert told[-1].job == api.get(f"/videos/jobs/{job_id}/status")
