"""The snippet of VIDEO_API_DOCUMENTATION.md that listens, run as it is in a signed-in page."""

import pytest

from tests.videoapi import document

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SNIPPET = [block.text for block in document.blocks() if block.language == "javascript"][2]
CALL = """
async (request) => {
  const answer = await fetch('/videos/generate', {method: 'POST', body: JSON.stringify(request)});
  const {job_id} = await answer.json();
  const told = [];
  const last = await followJob(job_id, (job) => told.push(job.status));
  return {told, last, same: await (await fetch(`/videos/jobs/${job_id}/status`)).json()};
}
"""
REFUSED = "() => followJob('019a2098-5d59-7b0a-8e11-5a3c2f9d1e77', () => {}).catch((error) => error.message)"


def test_it_tells_how_the_job_goes_and_how_it_ended(page):
    request = {"prompt": "A quiet sea", "model": "rehearsal", "resolution": "sd_480p"}
    followed = page.evaluate(f"request => {{ {SNIPPET}; return ({CALL})(request); }}", request)
    assert followed["told"][-1] == "completed"
    assert followed["told"].count("completed") == 1
    assert followed["last"] == followed["same"]


def test_it_gives_up_where_there_is_no_such_job(page):
    assert "poll" in page.evaluate(f"() => {{ {SNIPPET}; return ({REFUSED})(); }}")
