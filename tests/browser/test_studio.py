"""The studio page, used as a person uses it."""

import io

import pytest
from PIL import Image
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def order(page, prompt, model="rehearsal"):
    page.get_by_label("What should it show?").fill(prompt)
    page.get_by_label("Model").select_option(model)
    page.get_by_label("Resolution").select_option("sd_480p")
    page.get_by_role("button", name="Make the video").click()


def test_a_video_is_made_played_and_paid(page):
    expect(page.locator("#balance")).to_have_text("100 DUST")
    order(page, "A calm sea at sunset", model="preview")
    expect(page.locator("#balance")).to_contain_text("90 DUST")
    player = page.locator("#library video")
    expect(player).to_be_visible(timeout=90_000)
    player.evaluate("async (video) => { video.muted = true; await video.play(); }")
    assert player.evaluate("video => video.duration") == 5
    expect(page.locator("#balance")).to_have_text("90 DUST")


def test_a_failed_video_says_so_and_the_dust_comes_back(page):
    order(page, "[fail] a sea")
    state = page.locator(".job-state")
    expect(state).to_contain_text("Your 10 DUST were given back.", timeout=60_000)
    expect(page.locator("#balance")).to_have_text("100 DUST")


def test_a_picture_is_brought_to_life(page):
    picture = io.BytesIO()
    Image.new("RGB", (300, 200), "teal").save(picture, "PNG")
    page.get_by_label("Start from a picture").set_input_files(
        {"name": "teal.png", "mimeType": "image/png", "buffer": picture.getvalue()}
    )
    expect(page.locator("#quote")).to_contain_text("Costs 8 DUST")
    order(page, "zoom in")
    expect(page.locator("#library video")).to_be_visible(timeout=60_000)
    expect(page.locator("#balance")).to_have_text("92 DUST")


def test_a_refusal_is_said_in_plain_words(page):
    page.locator("#prompt").evaluate("box => box.removeAttribute('required')")
    order(page, "   ")
    expect(page.locator("#problem")).to_contain_text("prompt")
    expect(page.locator("#balance")).to_have_text("100 DUST")


def test_a_reload_in_the_middle_loses_nothing(page):
    order(page, "[slow 8] a sea")
    expect(page.locator(".job")).to_have_count(1)
    page.reload()
    expect(page.locator(".job")).to_have_count(1)
    expect(page.locator("#library video")).to_be_visible(timeout=60_000)


def test_a_stranger_is_sent_to_sign_in_and_back(chromium, live):
    context = chromium.new_context(base_url=live.url)
    page = context.new_page()
    page.goto("/")
    assert "/login?next=/" in page.url
    context.close()
