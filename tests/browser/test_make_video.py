"""The second snippet of VIDEO_API_DOCUMENTATION.md, run as it is in a signed-in page."""

import pytest

from tests.videoapi import document

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SNIPPET = [block.text for block in document.blocks() if block.language == "javascript"][1]
CALL = """
async (request) => {
  const progress = [];
  try {
    return {video: await makeVideo(request, (share) => progress.push(share)), progress};
  } catch (refusal) {
    return {refusal};
  }
}
"""


def make_video(page, **fields):
    request = {"prompt": "A quiet sea", "model": "rehearsal", "resolution": "sd_480p", **fields}
    return page.evaluate(f"request => {{ {SNIPPET}; return ({CALL})(request); }}", request)


def test_it_returns_the_video_and_tells_the_progress(page):
    made = make_video(page)
    assert made["video"]["prompt"] == "A quiet sea"
    assert made["progress"][-1] == 1


def test_it_throws_why_a_job_failed(page):
    refusal = make_video(page, prompt="A quiet sea [reject]")["refusal"]
    assert (refusal["error_code"], refusal["dust"]) == ("content_rejected", "refunded")


def test_it_throws_why_a_submit_was_refused(page):
    refusal = make_video(page, duration="endless")["refusal"]
    assert refusal["error_code"] == "invalid_request"
    assert refusal["errors"][0]["field"] == "duration"
