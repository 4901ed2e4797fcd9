"""The studio by Server-Sent Events: what changes is told, nothing is asked for."""

import pytest
from playwright.sync_api import expect

from tests.browser import studio

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def heard(page):
    """What came over the wire: `streams` that were opened, and `polls` for a status."""
    answers = {"streams": [], "polls": []}

    def keep(answer):
        if "/videos/jobs/events" in answer.url:
            answers["streams"].append(answer)
        elif answer.url.endswith("/status"):
            answers["polls"].append(answer)

    page.on("response", keep)
    return answers


def test_a_job_is_followed_by_events_from_the_queue_to_the_video(page, heard, held):
    studio.order(page, model="held")
    expect(studio.cards(page).locator(".job-step")).to_contain_text("Rehearsing", timeout=studio.MAKING)
    page.wait_for_function(studio.HAS_PROGRESS, arg=0.3, timeout=studio.MAKING)
    page.wait_for_timeout(4000)  # in which polls would show
    held()
    expect(studio.tiles(page)).to_have_count(1, timeout=studio.MAKING)
    studio.expect_balance(page, 90)
    assert {answer.status for answer in heard["streams"]} == {200}
    assert heard["streams"][0].headers["content-type"].startswith("text/event-stream")
    assert len(heard["polls"]) <= 2  # before the stream is open; asking all the time would take more


def test_a_job_made_elsewhere_appears_by_itself(page, heard):
    studio.order(page, model="patient")
    expect(studio.cards(page)).to_have_count(1)
    with page.expect_response("**/videos/jobs/active"):
        assert studio.submit(page, "From a phone", model="patient").status == 202
    expect(studio.cards(page).locator(".prompt").first).to_have_text("From a phone")


def test_who_comes_back_to_many_finished_videos_asks_for_their_list_once(page, heard):
    studio.order(page, model="patient")
    assert studio.submit(page, "From a phone", model="patient").status == 202
    expect(studio.cards(page)).to_have_count(2)  # told by the stream, which will be resumed from there
    page.evaluate(studio.LOOK, False)
    for number in range(3):
        assert studio.submit(page, f"Sea {number}", model="rehearsal").status == 202
    studio.wait_for_library(page, 3)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate(studio.LOOK, True)
    expect(studio.tiles(page)).to_have_count(3)
    assert [url for url in asked if url.endswith("/result")] == []
    assert len([url for url in asked if "/videos?" in url]) == 1


def test_a_cancelled_job_leaves_by_the_stream(page, heard):
    studio.order(page, model="patient")
    expect(studio.cards(page)).to_have_count(1)
    job = page.request.get("/videos/jobs").json()["jobs"][0]
    answer = page.request.delete(f"/videos/jobs/{job['job_id']}", headers={"Origin": page.url.rstrip("/")})
    assert answer.status == 200
    expect(page.locator(".toast")).to_contain_text("Cancelled. You got your 10 DUST back.")
    studio.expect_balance(page, 100)
