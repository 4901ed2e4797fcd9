"""The library of the studio: favourites, downloads, more of the same, deleting and undoing."""

import datetime
import re

import pytest
from playwright.sync_api import expect

from tests.browser import studio

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MANY = """
from accounts.models import User
from videos.models import Video

owner = User.objects.get(username="{name}")
Video.objects.bulk_create(
    Video(
        user=owner, file=f"{name}/{{number}}.mp4", poster=f"{name}/{{number}}.jpg", prompt=f"Sea {{number}}",
        generation_type="text_to_video", duration_seconds=5, resolution="sd_480p", aspect_ratio="16:9",
        width=854, height=480, fps=24, size_bytes=1, model_used="rehearsal",
        is_favorited=number < {favourites},
    )
    for number in range({count})
)
"""


@pytest.fixture
def library(browse, live, person):
    """The studio of a user with a number of videos that were made by nobody and have no files."""

    def of(count, *, favourites=0):
        code = MANY.format(name=person[0], count=count, favourites=favourites)
        live.manage("shell", "--no-imports", "-c", code)
        page = browse()
        expect(page.locator("#library")).to_have_attribute("aria-busy", "false")
        return page

    return of


@pytest.fixture
def kept():
    """Return how many videos the server still has."""
    return lambda page: page.request.get("/videos").json()["pagination"]["total"]


def stop_the_clock(page):
    """What is deleted from now on stays to be undone."""
    page.clock.install()
    page.clock.pause_at(datetime.datetime.now() + datetime.timedelta(minutes=1))


def delete(page, prompt):
    page.get_by_role("button", name=f"Delete: {prompt}", exact=True).click()


def test_favourites_can_be_marked_and_looked_at_alone(library):
    page = library(3)
    heart = page.get_by_role("button", name="Favourite: Sea 1")
    heart.click()
    expect(heart).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Favourites", exact=True).click()
    expect(studio.tiles(page)).to_have_count(1)
    page.reload()
    expect(heart).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Favourites", exact=True).click()
    expect(studio.tiles(page)).to_have_count(1)
    heart.click()
    expect(page.get_by_text("No favourites yet.")).to_be_visible()
    page.get_by_role("button", name="All", exact=True).click()
    expect(studio.tiles(page)).to_have_count(3)


def test_a_long_library_comes_page_by_page(library):
    page = library(30)
    expect(page.locator("#library-count")).to_have_text("30")
    expect(studio.tiles(page)).to_have_count(24)
    page.get_by_role("button", name="Show more").click()
    expect(studio.tiles(page)).to_have_count(30)
    expect(page.get_by_role("button", name="Play: Sea 5")).to_be_focused()
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()
    assert studio.tiles(page).locator(".prompt").all_inner_texts() == [f"Sea {n}" for n in range(29, -1, -1)]


def test_a_deleted_video_can_be_brought_back(library, kept):
    page = library(3)
    stop_the_clock(page)
    delete(page, "Sea 1")
    expect(studio.tiles(page)).to_have_count(2)
    page.get_by_role("button", name="Undo").click()
    expect(studio.tiles(page).locator(".prompt")).to_have_text(["Sea 2", "Sea 1", "Sea 0"])
    expect(page.get_by_role("button", name="Play: Sea 1")).to_be_focused()
    assert kept(page) == 3


def test_a_deletion_that_can_be_undone_counts_in_the_lists_that_it_belongs_to_only(library):
    page = library(31, favourites=30)
    stop_the_clock(page)
    delete(page, "Sea 30")
    page.get_by_role("button", name="Favourites", exact=True).click()
    expect(page.locator("#library")).to_have_attribute("aria-busy", "false")
    expect(page.locator("#library-count")).to_have_text("30")
    page.get_by_role("button", name="Show more").press("Enter")  # the message lies over it
    expect(studio.tiles(page)).to_have_count(30)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#library-count")).to_have_text("30")
    page.get_by_role("button", name="All", exact=True).click()
    expect(page.locator("#library-count")).to_have_text("31")


def test_two_deleted_videos_come_back_to_their_places(library):
    page = library(4)
    stop_the_clock(page)
    delete(page, "Sea 2")
    delete(page, "Sea 1")
    expect(page.locator(".toast")).to_have_count(2)
    page.locator(".toast", has_text="Sea 2").get_by_role("button", name="Undo").click()
    page.locator(".toast", has_text="Sea 1").get_by_role("button", name="Undo").click()
    expect(studio.tiles(page).locator(".prompt")).to_have_text([f"Sea {n}" for n in (3, 2, 1, 0)])


def test_a_deleted_video_goes_when_nobody_brings_it_back(library, kept):
    page = library(2)
    stop_the_clock(page)
    delete(page, "Sea 1")
    expect(page.locator(".toast")).to_contain_text("Deleted: Sea 1")
    page.mouse.move(0, 0)  # on the message it would wait
    assert kept(page) == 2
    with page.expect_response(lambda answer: answer.request.method == "DELETE") as answer:
        page.clock.fast_forward(9000)
    assert answer.value.status == 200
    expect(page.locator(".toast")).to_have_count(0)
    assert kept(page) == 1


def test_leaving_the_page_deletes_at_once(library, kept):
    page = library(2)
    delete(page, "Sea 0")
    page.goto("/docs")
    studio.wait_for_library(page, 1)
    page.goto("/")
    expect(studio.tiles(page).locator(".prompt")).to_have_text(["Sea 1"])


def test_a_video_that_could_not_be_deleted_comes_back_and_says_so(library, kept):
    page = library(2)
    page.route(
        "**/videos/*", lambda route: route.abort() if route.request.method == "DELETE" else route.continue_()
    )
    delete(page, "Sea 1")
    page.get_by_role("button", name="Dismiss").click()
    expect(page.locator(".toast.bad")).to_contain_text("Sea 1 could not be deleted.")
    expect(studio.tiles(page).locator(".prompt")).to_have_text(["Sea 1", "Sea 0"])


def test_a_keyboard_reaches_undo_and_loses_its_place_never(library):
    page = library(3)
    page.get_by_role("button", name="Delete: Sea 1", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # Dismiss
    expect(page.get_by_role("button", name="Play: Sea 0")).to_be_focused()


def test_undo_stays_while_the_focus_is_on_it(library, kept):
    page = library(3)
    page.clock.install()
    page.get_by_role("button", name="Delete: Sea 1", exact=True).focus()
    page.keyboard.press("Enter")
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    page.clock.fast_forward(60_000)
    expect(undo).to_be_focused()
    page.keyboard.press("Tab")  # to Dismiss, which is in it too
    page.clock.fast_forward(60_000)
    expect(undo).to_be_visible()
    assert kept(page) == 3
    page.get_by_label("Your idea").focus()
    with page.expect_response(lambda answer: answer.request.method == "DELETE"):
        page.clock.fast_forward(60_000)
    expect(undo).to_have_count(0)
    assert kept(page) == 2


def test_looking_at_another_tab_leaves_the_way_back_open(library, kept):
    page = library(3)
    stop_the_clock(page)
    delete(page, "Sea 1")
    page.evaluate(studio.LOOK, False)
    page.evaluate(studio.LOOK, True)
    page.get_by_role("button", name="Undo").click()
    expect(studio.tiles(page)).to_have_count(3)
    assert kept(page) == 3


def test_a_video_deleted_elsewhere_leaves_without_fuss(library):
    page = library(1)
    studio.make(page)
    video = page.request.get("/videos").json()["videos"][0]
    gone = page.request.delete(f"/videos/{video['id']}", headers={"Origin": page.url.rstrip("/")})
    assert gone.status == 200
    page.get_by_role("button", name=f"Favourite: {video['prompt']}").click()
    expect(page.locator(".toast")).to_contain_text("That video is not there any more.")
    expect(studio.tiles(page)).to_have_count(1)


def test_a_video_moves_under_the_pointer_and_can_be_downloaded(browse):
    page = browse(reduced_motion="no-preference")
    tile = studio.make(page, "A calm sea at sunset, slow zoom in")
    tile.locator(".poster").hover()
    studio.wait_until_playing(page, ".poster video")
    assert tile.locator("video").evaluate("video => video.muted")
    page.mouse.move(0, 0)
    expect(tile.locator("video")).to_have_count(0)
    with page.expect_download() as download:
        tile.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename.endswith(".mp4")
    assert download.value.path().read_bytes()[4:8] == b"ftyp"


def test_where_motion_is_unwanted_nothing_moves(page):
    tile = studio.make(page)
    tile.locator(".poster").hover()
    page.wait_for_timeout(400)
    assert tile.locator("video").count() == 0
    assert page.evaluate("() => document.getAnimations().length") == 0


def test_another_one_like_this_starts_from_the_same_words_and_choices(page):
    page.locator("#aspect_ratio").get_by_text("1:1").click()
    tile = studio.make(page, "A round boat")
    page.reload()
    page.get_by_label("Your idea").fill("")
    page.locator("#aspect_ratio").get_by_text("21:9").click()
    studio.choose(page, model="preview", resolution="720p")
    tile.get_by_role("button", name="Make another like this").click()
    expect(page.get_by_label("Your idea")).to_be_focused()
    expect(page.get_by_label("Your idea")).to_have_value("A round boat")
    expect(page.get_by_label("Model")).to_have_value("rehearsal")
    expect(page.get_by_role("radio", name="1:1")).to_be_checked()
    expect(page.get_by_role("radio", name="480p")).to_be_checked()


def test_an_address_that_has_expired_is_renewed(page):
    studio.make(page)
    expired = []

    def expire(route):  # as the server does with any address once its time is over
        expired.append(route.request.url)
        route.fulfill(status=403)

    def mark(route):  # in the same hour the server gives the same address
        answer = route.fetch()
        video = answer.json()["video"]
        route.fulfill(json={"video": {**video, "url": f"{video['url']}?later"}})

    page.route("**/videos/files/**/video.mp4", expire, times=1)
    page.route(re.compile(r"/videos/[^/?]+$"), mark, times=1)
    page.get_by_role("button", name="Play:").click()
    studio.wait_until_playing(page, "#player-video")
    assert len(expired) == 1
    assert page.locator("#player-problem").is_hidden()
    expect(page.locator("#player-download")).to_have_attribute("href", f"{expired[0]}?later")
    page.keyboard.press("Escape")
    with page.expect_download() as download:
        studio.tiles(page).get_by_role("link", name="Download").click()
    assert download.value.url == f"{expired[0]}?later"


def test_a_page_that_is_looked_at_again_after_hours_has_new_addresses(library):
    page = library(1)
    page.clock.install()
    lists = []
    page.on("request", lambda request: "/videos?" in request.url and lists.append(request.url))
    look_again = "() => document.dispatchEvent(new Event('visibilitychange'))"
    with page.expect_response("**/videos/jobs/active"):
        page.evaluate(look_again)
    assert lists == []
    page.clock.fast_forward("01:00:01")
    with page.expect_response("**/videos?*"):
        page.evaluate(look_again)
    expect(studio.tiles(page)).to_have_count(1)


def test_a_video_that_cannot_be_played_says_so(page):
    studio.make(page)
    page.route("**/videos/files/**/video.mp4", lambda route: route.fulfill(status=403))
    page.get_by_role("button", name="Play:").click()
    expect(page.get_by_role("alert")).to_contain_text("This video can't be played right now.")
