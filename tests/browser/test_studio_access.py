"""The studio for everybody: by keyboard alone, as axe judges it, on a phone, light and dark."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser import studio

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
GRAVE = {"serious", "critical"}


def grave(page):
    """Return what axe finds serious or critical, with the elements it means."""
    page.wait_for_function("() => document.getAnimations().every((one) => one.playState !== 'running')")
    found = Axe().run(page).response["violations"]
    return [(one["id"], [node["html"] for node in one["nodes"]]) for one in found if one["impact"] in GRAVE]


def wide(page):
    """Return by how many pixels the page is wider than its window."""
    return page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_grave(browse, scheme):
    page = browse(color_scheme=scheme)
    expect(page.get_by_text("Your first video is a sentence away.")).to_be_visible()
    expect(page.locator("#price")).to_have_text("10 DUST")
    assert grave(page) == []
    studio.order(page, "[fail] a sea")
    expect(studio.cards(page)).to_have_attribute("data-status", "failed", timeout=studio.MAKING)
    studio.order(page, "A quiet wait", model="patient")
    expect(studio.cards(page)).to_have_count(2)
    tile = studio.make(page)
    tile.get_by_role("button", name="Favourite").click()
    studio.cards(page).get_by_role("button", name="Cancel").click()
    expect(page.locator(".toast")).to_be_visible()
    assert grave(page) == []
    tile.get_by_role("button", name="Play:").click()
    studio.wait_until_playing(page, "#player-video")
    assert grave(page) == []
    page.keyboard.press("Escape")
    page.locator("#balance").click()
    expect(page.locator("#dust-list .movement")).to_have_count(4)
    assert grave(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_grave_on_the_sign_in_page(browse, scheme):
    page = browse(signed_in=False, path="/login", color_scheme=scheme)
    assert grave(page) == []
    page.get_by_label("User name").fill("nobody")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert grave(page) == []


def test_on_a_phone_everything_is_there_and_nothing_sticks_out(browse):
    page = browse(**PHONE)
    expect(page.locator("#price")).to_have_text("10 DUST")
    assert wide(page) <= 0
    studio.order(page, "[fail] " + "averyveryverylongwordindeed" * 8)
    expect(studio.cards(page)).to_have_attribute("data-status", "failed", timeout=studio.MAKING)
    tile = studio.make(page, "x" * 300)
    assert wide(page) <= 0
    tile.get_by_role("button", name="Play:").tap()
    studio.wait_until_playing(page, "#player-video")
    assert wide(page) <= 0
    page.get_by_role("button", name="Close").tap()
    page.locator("#balance").tap()
    expect(page.locator("#dust-list .movement")).to_have_count(3)
    assert wide(page) <= 0


def focused(page):
    return page.evaluate(
        "() => document.activeElement.ariaLabel || document.activeElement.labels?.[0]?.innerText"
        " || document.activeElement.innerText || document.activeElement.id"
    )


def tab_to(page, name, *, at_most=60):
    """Press Tab until the focus is on what is called so."""
    for _ in range(at_most):
        page.keyboard.press("Tab")
        if name in (focused(page) or ""):
            return
    raise AssertionError(f"{name!r} is not reached by Tab; the last one is {focused(page)!r}.")


def test_a_keyboard_alone_leads_from_signing_in_to_playing(browse, person):
    page = browse(signed_in=False)
    expect(page.get_by_label("User name")).to_be_focused()
    page.keyboard.type(person[0])
    tab_to(page, "Password")
    page.keyboard.type("open-sesame-42")
    page.keyboard.press("Enter")
    expect(page.locator("#price")).to_have_text("10 DUST")
    tab_to(page, "Your idea")
    page.keyboard.type("A boat made of keys")
    tab_to(page, "Model")
    page.keyboard.type("Rehearsal")
    tab_to(page, "5 s")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("radio", name="480p")).to_be_checked()
    tab_to(page, "Make the video")
    page.keyboard.press("Enter")
    expect(studio.tiles(page)).to_have_count(1, timeout=studio.MAKING)
    tab_to(page, "Play: A boat made of keys")
    page.keyboard.press("Enter")
    studio.wait_until_playing(page, "#player-video")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Play:")).to_be_focused()


def test_screen_readers_hear_what_changed_and_not_every_step(page):
    heard = "() => document.querySelectorAll('#news p').length"
    studio.order(page, "[slow 4] a sea")
    expect(page.locator("#news")).to_contain_text("Your video is in the queue.")
    expect(studio.tiles(page)).to_have_count(1, timeout=studio.MAKING)
    expect(page.locator("#news")).to_contain_text("Your video is ready: [slow 4] a sea")
    assert page.evaluate(heard) <= 3  # in the queue, being made, ready
    assert page.locator("[aria-live] progress, [role=status] progress").count() == 0
