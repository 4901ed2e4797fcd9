"""The studio page: making a video, from the idea to playing it, and everything that can come between."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser import studio
from tests.browser.conftest import MOST_ACTIVE, PASSWORD
from tests.hostile import texts

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PLACE = re.compile(r"Waiting in the queue · (next|\d+ ahead)")


@pytest.fixture
def jobs_of(page):
    """Return what the API says the user's jobs are."""
    return lambda: page.request.get("/videos/jobs?limit=100").json()["jobs"]


def test_from_signing_in_to_playing(browse, person):
    page = browse(signed_in=False)
    assert "/login?next=/" in page.url
    page.get_by_label("User name").fill(person[0])
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    studio.expect_balance(page, 100)
    expect(page.get_by_text("Your first video is a sentence away.")).to_be_visible()
    page.locator("#ideas button").first.click()
    idea = page.get_by_label("Your idea").input_value()
    studio.choose(page)
    expect(page.locator("#price")).to_have_text("10 DUST")
    expect(page.locator("#quote")).to_contain_text("Ready in about")
    with studio.results_held(page):
        page.get_by_role("button", name="Make the video").click()
        expect(studio.cards(page)).to_have_count(1)
    expect(page.get_by_label("Your idea")).to_have_value("")
    expect(studio.tiles(page)).to_have_count(1, timeout=studio.MAKING)
    expect(studio.cards(page)).to_have_count(0)
    studio.expect_balance(page, 90)
    page.get_by_role("button", name="Play:").click()
    player = page.locator("#player-video")
    studio.wait_until_playing(page, "#player-video")
    assert player.evaluate("video => [video.muted, video.duration, video.videoHeight]") == [False, 5, 480]
    expect(page.locator("#player-title")).to_have_text(idea)
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Play:")).to_be_focused()


def test_a_running_job_shows_its_step_its_progress_and_the_time_left(page, held):
    studio.order(page, "A held sea", model="held")
    card = studio.cards(page)
    expect(card.locator(".job-step")).to_contain_text("Rehearsing", timeout=studio.MAKING)
    expect(card.locator(".job-left")).to_contain_text("about")
    expect(card.get_by_role("button", name="Cancel")).to_have_count(0)  # not where it can't be done
    page.wait_for_function(studio.HAS_PROGRESS, arg=0.2, timeout=studio.MAKING)
    studio.expect_balance(page, 90)
    page.reload()
    expect(card).to_have_count(1)
    expect(card.locator(".prompt")).to_have_text("A held sea")
    held()
    expect(studio.tiles(page)).to_have_count(1, timeout=studio.MAKING)


def test_a_failed_video_says_why_and_what_happened_to_the_dust(page):
    studio.order(page, "[fail] a sea")
    card = studio.cards(page)
    expect(card.locator(".job-state")).to_have_text(
        "The model did not accept this request. Try other options. You got your 10 DUST back.",
        timeout=studio.MAKING,
    )
    studio.expect_balance(page, 100)
    page.reload()
    expect(card).to_have_attribute("data-status", "failed")
    card.get_by_role("button", name="Change and try again").click()
    expect(page.get_by_label("Your idea")).to_have_value("[fail] a sea")
    expect(page.get_by_label("Model")).to_have_value("rehearsal")
    card.get_by_role("button", name="Put away").click()
    expect(card).to_have_count(0)
    page.reload()
    expect(page.locator("#library")).to_have_attribute("aria-busy", "false")
    expect(card).to_have_count(0)
    page.get_by_role("button", name="100 DUST").click()
    fate = page.locator("#dust-list .movement").first
    expect(fate).to_contain_text("[fail] a sea")
    expect(fate).to_contain_text("10 DUST had been charged, and were given back in full.")
    expect(page.locator("#dust-list .movement")).to_have_count(2)  # and the opening grant


def test_a_queued_job_can_be_cancelled_and_the_dust_comes_back(page):
    studio.order(page, model="patient")
    card = studio.cards(page)
    expect(card.locator(".job-step")).to_have_text(PLACE)
    studio.expect_balance(page, 90)
    card.get_by_role("button", name="Cancel").click()
    expect(page.locator(".toast")).to_contain_text("Cancelled. You got your 10 DUST back.")
    expect(card).to_have_count(0)
    studio.expect_balance(page, 100)


def test_a_running_job_whose_provider_can_stop_it_can_be_cancelled_and_the_dust_comes_back(page, far_away):
    hold = far_away.hold(lambda asked: asked.path.endswith("/cancel"), before=True)
    studio.order(page, "A far sea", model="far", resolution="720p")
    card = studio.cards(page)
    expect(card).to_have_attribute("data-status", "processing", timeout=studio.MAKING)
    studio.expect_balance(page, 90)
    card.get_by_role("button", name="Cancel").click()
    expect(card.locator(".job-step")).to_have_text("Cancelling…")
    expect(card.get_by_role("button", name="Cancel")).to_have_count(0)
    page.reload()
    expect(card.locator(".job-step")).to_have_text("Cancelling…")
    hold.release()
    expect(page.locator(".toast")).to_contain_text("Cancelled. You got your 10 DUST back.")
    expect(card).to_have_count(0)
    studio.expect_balance(page, 100)


def test_a_cancel_that_comes_too_late_says_so(page, jobs_of):
    studio.order(page, model="patient")
    cancel = studio.cards(page).get_by_role("button", name="Cancel")
    expect(cancel).to_be_visible()
    job_id = jobs_of()[0]["job_id"]
    refusal = {"success": False, "error": "Only a job that is still queued can be cancelled."}
    page.route(
        f"**/videos/jobs/{job_id}",
        lambda route: route.fulfill(status=409, content_type="application/json", body=json.dumps(refusal)),
    )
    cancel.click()
    expect(page.locator(".toast")).to_contain_text("Only a job that is still queued can be cancelled.")
    expect(cancel).to_be_enabled()


def test_a_queue_that_nobody_works_on_is_called_so(page):
    page.route(
        "**/videos/stats", lambda route: route.fulfill(json={**route.fetch().json(), "is_running": False})
    )
    page.clock.install()
    with page.expect_response("**/videos/stats"):
        studio.order(page, model="patient")
    page.clock.fast_forward(21_000)  # until the job is asked for, of which the stream has nothing new
    expect(studio.cards(page).locator(".job-step")).to_have_text(
        "Waiting: no videos are being made right now", timeout=studio.MAKING
    )
    expect(studio.cards(page).locator(".job-left")).to_be_empty()


def test_what_a_model_cannot_do_is_not_offered(page):
    page.get_by_label("Model").select_option("preview")
    page.locator("#duration").get_by_text("15 s").click()
    page.locator("#aspect_ratio").get_by_text("9:16").click()
    page.get_by_label("Model").select_option("modest")
    assert page.locator("#resolution .choice").all_inner_texts() == ["480p", "720p"]
    assert page.locator("#duration .choice").all_inner_texts() == ["5 s"]
    assert page.locator("#aspect_ratio .choice").all_inner_texts() == ["16:9", "1:1"]
    page.locator("#image").set_input_files(
        {"name": "teal.png", "mimeType": "image/png", "buffer": studio.picture()}
    )
    expect(page.get_by_text("The picture sets the shape.")).to_be_visible()
    assert "Modest" not in page.get_by_label("Model").inner_text()
    expect(page.get_by_label("Model")).to_have_value("preview")
    expect(page.locator("#price")).to_have_text("8 DUST")


def test_too_little_dust_is_said_before_anything_is_sent(page, live, person):
    spend = f"""
from accounts.models import User
from dust import ledger
purse = ledger.open_account(User.objects.get(username="{person[0]}").pk)
ledger.adjust(purse.pk, -95, key="spend:{person[0]}", actor="test", reason="Spent elsewhere.")
"""
    live.manage("shell", "--no-imports", "-c", spend)
    page.reload()
    studio.expect_balance(page, 5)
    expect(page.locator("#funds")).to_contain_text("This needs 10 DUST, and you have 5.")
    sent = []
    page.on("request", lambda request: request.method == "POST" and sent.append(request.url))
    expect(page.get_by_role("button", name="Make the video")).to_have_attribute("aria-disabled", "true")
    page.get_by_label("Your idea").fill("A sea")
    page.get_by_label("Your idea").press("Control+Enter")
    page.evaluate("() => new Promise((done) => setTimeout(done))")
    assert sent == []


def test_an_empty_idea_is_asked_for_where_it_belongs(page):
    studio.order(page, "   ")
    expect(page.get_by_role("alert")).to_have_text("Say in a few words what the video should show.")
    expect(page.get_by_label("Your idea")).to_be_focused()
    expect(page.get_by_label("Your idea")).to_have_attribute("aria-invalid", "true")


def test_a_refusal_is_said_in_plain_words_and_nothing_is_lost(page):
    studio.choose(page, model="patient")
    for number in range(MOST_ACTIVE):
        assert studio.submit(page, f"Sea {number}", model="patient").status == 202
    page.get_by_label("Your idea").fill("One sea too many")
    page.get_by_role("button", name="Make the video").click()
    expect(page.get_by_role("alert")).to_contain_text("You have as many unfinished jobs as is allowed.")
    expect(page.get_by_role("alert")).to_contain_text("Nothing was charged.")
    expect(page.get_by_label("Your idea")).to_have_value("One sea too many")


def test_pressing_twice_makes_one_video(page, jobs_of):
    studio.choose(page, model="patient")
    page.get_by_label("Your idea").fill("One sea")
    page.get_by_role("button", name="Make the video").dblclick()
    expect(page.get_by_label("Your idea")).to_have_value("")
    expect(studio.cards(page)).to_have_count(1)
    assert len(jobs_of()) == 1


@pytest.mark.parametrize("arrived", [True, False], ids=["arrived", "never arrived"])
def test_a_reload_in_the_middle_of_a_submit_makes_exactly_one_video(page, jobs_of, arrived):
    with studio.first_answer_lost(page, "**/videos/generate", arrived=arrived):
        studio.order(page, model="patient")
    assert len(jobs_of()) == int(arrived)
    with page.expect_response("**/videos/generate") as answer:
        page.reload()
    assert answer.value.status == 202
    assert ("idempotent-replayed" in answer.value.headers) is arrived
    expect(studio.cards(page)).to_have_count(1)
    expect(page.get_by_label("Your idea")).to_have_value("")
    assert len(jobs_of()) == 1


def test_a_draft_outlives_a_reload(page):
    studio.choose(page, model="modest")
    page.locator("#aspect_ratio").get_by_text("1:1").click()
    page.get_by_label("Your idea").fill("Half a thought")
    page.reload()
    expect(page.get_by_label("Your idea")).to_have_value("Half a thought")
    expect(page.get_by_label("Model")).to_have_value("modest")
    expect(page.get_by_role("radio", name="1:1")).to_be_checked()
    expect(page.get_by_role("radio", name="480p")).to_be_checked()


def test_a_job_made_elsewhere_is_found_when_the_page_is_looked_at_again(page):
    assert studio.submit(page, "From a phone", model="patient").status == 202
    page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    expect(studio.cards(page)).to_contain_text("From a phone")


def test_hostile_words_are_only_words(page, held):
    happened = []
    page.on("dialog", lambda dialog: (happened.append(dialog.message), dialog.dismiss()))
    words = texts.MARKUP
    studio.order(page, words, model="held")
    expect(studio.cards(page).locator(".prompt")).to_have_text(words)
    held()
    expect(studio.tiles(page)).to_have_count(1, timeout=studio.MAKING)
    page.reload()
    expect(studio.tiles(page).locator(".prompt")).to_have_text(words)
    page.get_by_role("button", name="Play:").click()
    expect(page.locator("#player-title")).to_have_text(words)
    assert page.locator("#x, [onerror], [onload], main script").count() == 0
    assert happened == []
