"""The frontend team's own snippet, pasted as it is into the console of a signed-in page."""

import pathlib

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SNIPPET = (pathlib.Path(__file__).parent / "new_flow.js").read_text()
REQUEST = "const videoRequest = {prompt: 'A calm sea at sunset', resolution: 'sd_480p', duration: 'short'};"
PLAY = """
async (url) => {
  const video = Object.assign(document.createElement('video'), {src: url, muted: true});
  document.body.append(video);
  await new Promise((done, failed) => {
    video.onloadedmetadata = done;
    video.onerror = () => failed(new Error(video.error.message));
  });
  await video.play();
  await new Promise((done) => { video.ontimeupdate = () => video.currentTime > 0.3 && done(); });
  return {duration: video.duration, width: video.videoWidth, height: video.videoHeight};
}
"""


def paste(page, text):
    """Do what the console does: top-level await, and const that stays."""
    console = page.context.new_cdp_session(page)
    done = console.send("Runtime.evaluate", {"expression": text, "replMode": True, "awaitPromise": True})
    assert "exceptionDetails" not in done, done["exceptionDetails"]


def test_the_new_flow_reaches_the_final_video_and_it_plays(page):
    with page.expect_response(lambda answer: answer.url.endswith("/result"), timeout=120_000) as found:
        paste(page, REQUEST)
        paste(page, SNIPPET)
    assert found.value.status == 200
    body = found.value.json()
    assert body["status"] == "completed"
    played = page.evaluate(PLAY, body["video"]["url"])
    assert played == {"duration": 5, "width": 854, "height": 480}


def test_the_poster_shows_in_a_bare_img(page):
    with page.expect_response(lambda answer: answer.url.endswith("/result"), timeout=120_000) as found:
        paste(page, REQUEST)
        paste(page, SNIPPET)
    size = page.evaluate(
        """async (url) => {
          const image = Object.assign(new Image(), {src: url});
          await image.decode();
          return [image.naturalWidth, image.naturalHeight];
        }""",
        found.value.json()["video"]["thumbnail_url"],
    )
    assert size == [854, 480]
