"""A picture in the studio: chosen, dropped or pasted, shown, taken away, and brought to life."""

import base64

import pytest
from playwright.sync_api import expect

from tests.browser import studio

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# What a browser does when a file is dropped on the page, or pasted into it.
GIVE = """
([kind, name, type, base64, size]) => {
  const bytes = size ? new Uint8Array(size) : Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, {type}));
  const options = {bubbles: true, cancelable: true};
  const steps = kind === "drop" ? ["dragenter", "dragover", "drop"] : ["paste"];
  for (const step of steps) {
    const event = kind === "drop"
      ? new DragEvent(step, {...options, dataTransfer: data})
      : new ClipboardEvent(step, {...options, clipboardData: data});
    document.body.dispatchEvent(event);
  }
}
"""


def give(page, how, content=b"", *, name="boat.png", kind="image/png", size=0):
    """Do that with a file of this content, or of so many bytes of nothing."""
    page.evaluate(GIVE, [how, name, kind, base64.b64encode(content).decode(), size])


@pytest.fixture
def page(page):
    """The studio, once it knows what the models can do."""
    expect(page.locator("#options")).not_to_have_attribute("aria-busy", "true")
    return page


def test_a_dropped_picture_is_shown_and_brought_to_life(page):
    give(page, "drop", studio.picture())
    expect(page.get_by_role("img", name="The picture boat.png")).to_be_visible()
    colour = page.locator("#preview-canvas").evaluate(
        "canvas => [...canvas.getContext('2d').getImageData(5, 5, 1, 1).data]"
    )
    assert colour == [0, 128, 128, 255]  # teal
    expect(page.locator("#price")).to_have_text("8 DUST")
    tile = studio.make(page, "zoom in")
    studio.expect_balance(page, 92)
    expect(page.locator("#preview")).to_be_hidden()
    tile.get_by_role("button", name="Make another like this").click()
    expect(page.locator("#preview")).to_be_visible()


def test_a_pasted_picture_can_be_taken_away_again(page):
    give(page, "paste", studio.picture("red"))
    expect(page.locator("#preview")).to_be_visible()
    expect(page.get_by_role("radio", name="16:9")).to_be_hidden()
    page.get_by_role("button", name="Remove the picture").click()
    expect(page.locator("#preview")).to_be_hidden()
    expect(page.get_by_label("Start from a picture")).to_be_focused()
    expect(page.locator("#price")).to_have_text("10 DUST")


@pytest.mark.parametrize(
    ("content", "name", "kind", "said"),
    [
        (b"%PDF-1.7", "a.pdf", "application/pdf", "Choose a JPEG, PNG, WebP or AVIF."),
        (b"no picture at all", "a.png", "image/png", "That picture can't be read."),
    ],
    ids=["another kind", "damaged"],
)
def test_what_is_no_usable_picture_is_refused_at_once(page, content, name, kind, said):
    give(page, "drop", content, name=name, kind=kind)
    expect(page.get_by_role("alert")).to_contain_text(said)
    expect(page.locator("#preview")).to_be_hidden()


def test_a_picture_that_the_api_would_refuse_for_its_size_is_not_sent(page):
    give(page, "drop", size=20 * 1024 * 1024 + 1)
    expect(page.get_by_role("alert")).to_contain_text("larger than 20 MB")
    expect(page.locator("#preview")).to_be_hidden()


def test_another_picture_of_the_same_name_and_size_is_another_order(page):
    first, second = studio.picture("teal"), studio.picture("red")
    longest = max(len(first), len(second))
    give(page, "drop", first.ljust(longest, b"\0"))
    expect(page.locator("#preview")).to_be_visible()
    page.route("**/videos/animate", lambda route: (route.fetch(), route.fulfill(status=500)), times=1)
    studio.order(page, "zoom in", model="patient")
    expect(page.get_by_role("alert")).to_contain_text("Sending it again makes no second video.")
    give(page, "drop", second.ljust(longest, b"\0"))
    expect(page.get_by_role("alert")).to_be_hidden()
    with page.expect_response("**/videos/animate") as answer:
        page.get_by_role("button", name="Make the video").click()
    assert answer.value.status == 202
    assert page.request.get("/videos/jobs").json()["pagination"]["total"] == 2


def test_a_picture_can_be_used_where_the_browser_keeps_none(browse):
    page = browse(path=None)
    page.add_init_script("Object.defineProperty(window, 'indexedDB', {value: undefined})")
    page.goto("/")
    expect(page.locator("#options")).not_to_have_attribute("aria-busy", "true")
    give(page, "drop", studio.picture())
    expect(page.locator("#preview")).to_be_visible()
    expect(page.locator("#price")).to_have_text("8 DUST")


def test_a_picture_outlives_a_reload_also_in_the_middle_of_a_submit(page):
    give(page, "drop", studio.picture())
    expect(page.locator("#preview")).to_be_visible()
    page.reload()
    expect(page.locator("#preview")).to_be_visible()
    with studio.first_answer_lost(page, "**/videos/animate", arrived=True):
        studio.order(page, "zoom in", model="patient")
    with page.expect_response("**/videos/animate") as answer:
        page.reload()
    assert answer.value.headers["idempotent-replayed"] == "true"
    expect(studio.cards(page)).to_have_count(1)
    expect(page.locator("#preview")).to_be_hidden()
    assert page.request.get("/videos/jobs").json()["pagination"]["total"] == 1
