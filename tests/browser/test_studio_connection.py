"""The studio on a bad line: offline and back, a server that is away, no stream of events."""

import pytest
from playwright.sync_api import expect

from tests.browser import studio

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AWAY = "The server can't be reached right now."
COMES_BACK = "() => ['offline', 'online'].forEach((name) => window.dispatchEvent(new Event(name)))"
LINE_COMES_AND_GOES = "() => void setInterval(() => window.dispatchEvent(new Event('online')), 300)"


def test_offline_is_said_and_everything_catches_up_afterwards(page):
    studio.order(page, "[slow 3] a sea")
    expect(studio.cards(page)).to_have_count(1)
    page.context.set_offline(True)
    expect(page.locator("#away")).to_contain_text("You are offline.")
    page.context.set_offline(False)
    expect(page.locator("#away")).to_be_hidden()
    expect(studio.tiles(page)).to_have_count(1, timeout=studio.MAKING)
    studio.expect_balance(page, 90)


def test_what_is_sent_while_offline_goes_out_once_when_the_line_is_back(page):
    expect(page.locator("#price")).to_have_text("10 DUST")
    studio.choose(page, model="patient")
    page.context.set_offline(True)
    page.get_by_label("Your idea").fill("A sea beyond")
    page.get_by_role("button", name="Make the video").click()
    expect(page.locator("#send-text")).to_have_text("Still trying…")
    page.context.set_offline(False)
    expect(studio.cards(page)).to_have_count(1)
    assert page.request.get("/videos/jobs").json()["pagination"]["total"] == 1


def test_a_submit_whose_answers_were_all_lost_leaves_no_card_when_its_video_is_there_already(page):
    studio.order(page, "Another sea", model="patient")  # keeps the stream open
    expect(studio.cards(page)).to_have_count(1)
    page.evaluate(LINE_COMES_AND_GOES)
    page.route("**/videos/generate", lambda route: (route.fetch(), route.abort()))
    studio.order(page)
    expect(page.get_by_role("alert")).to_contain_text(
        "Sending it again makes no second video.", timeout=60_000
    )
    expect(studio.tiles(page)).to_have_count(1, timeout=studio.MAKING)
    page.unroute("**/videos/generate")
    with page.expect_response("**/videos/generate") as answer:
        page.get_by_role("button", name="Make the video").click()
    assert answer.value.headers["idempotent-replayed"] == "true"
    expect(page.get_by_label("Your idea")).to_have_value("")
    expect(studio.cards(page)).to_have_count(1)
    expect(studio.cards(page)).to_contain_text("Another sea")
    expect(studio.tiles(page)).to_have_count(1)


def test_movements_of_dust_keep_their_order_though_the_list_is_asked_for_twice_at_once(page):
    asked = []
    page.route("**/dust/transactions?*", lambda route: asked.append((route, route.fetch())))
    studio.expect_balance(page, 100)
    page.locator("#balance").click()
    studio.wait_until(page, lambda: len(asked) == 1)
    assert studio.submit(page, "A sea beyond", model="patient").status == 202
    page.evaluate(COMES_BACK)  # then everything is looked at again
    studio.wait_until(page, lambda: len(asked) == 2)
    for route, answer in asked:
        route.fulfill(response=answer)
    expect(page.locator("#dust-list .movement")).to_have_count(2)  # and the opening grant
    expect(page.locator("#dust-list .movement").first).to_contain_text("A sea beyond")


@pytest.mark.parametrize("status", [408, 500, 520])
def test_an_answer_that_leaves_it_open_keeps_the_key_and_promises_nothing(page, status):
    """A server that broke on the way, or a proxy that lost the answer: the job may well be there."""

    def lose(route):
        route.fetch()
        route.fulfill(status=status, body="<html>")

    page.route("**/videos/generate", lose, times=1)
    studio.order(page, model="patient")
    expect(page.get_by_role("alert")).to_contain_text(f"The server answered {status}.")
    expect(page.get_by_role("alert")).to_contain_text("Sending it again makes no second video.")
    expect(page.get_by_role("alert")).not_to_contain_text("charged")
    with page.expect_response("**/videos/generate") as answer:
        page.get_by_role("button", name="Make the video").click()
    assert answer.value.headers["idempotent-replayed"] == "true"
    expect(studio.cards(page)).to_have_count(1)
    assert page.request.get("/videos/jobs").json()["pagination"]["total"] == 1


def test_a_server_that_is_away_is_asked_until_it_is_back(page):
    page.route("**/videos**", lambda route: route.abort())
    page.route("**/dust/**", lambda route: route.abort())
    page.reload()
    expect(page.locator("#away")).to_contain_text(AWAY)
    expect(page.locator("#library .skeleton").first).to_be_visible()
    page.unroute("**/videos**")
    page.unroute("**/dust/**")
    expect(page.get_by_text("Your first video is a sentence away.")).to_be_visible(timeout=studio.MAKING)
    expect(page.locator("#away")).to_be_hidden()
    expect(page.locator("#price")).to_have_text("10 DUST")
    studio.expect_balance(page, 100)


def test_an_answer_that_is_no_answer_counts_as_none(page):
    """Networks that want a sign-in of their own answer everything with a page of theirs."""
    page.route("**/dust/balance", lambda route: route.fulfill(body="<html>Welcome to our hotel</html>"))
    page.reload()
    expect(page.locator("#away")).to_contain_text(AWAY)
    page.unroute("**/dust/balance")
    expect(page.locator("#away")).to_be_hidden(timeout=studio.MAKING)
    studio.expect_balance(page, 100)


def test_without_a_stream_of_events_the_job_is_polled_as_often_as_the_server_says(page):
    page.route("**/videos/jobs/events*", lambda route: route.fulfill(status=404))
    polls = []
    page.on("response", lambda answer: answer.url.endswith("/status") and polls.append(answer))
    studio.order(page, "[slow 3] a sea")
    expect(studio.tiles(page)).to_have_count(1, timeout=studio.MAKING)
    assert polls
    assert {answer.status for answer in polls} <= {200, 304}


def test_who_was_signed_out_comes_back_to_the_same_draft(page, live):
    expect(page.locator("#price")).to_have_text("10 DUST")
    page.get_by_label("Your idea").fill("A thought worth keeping")
    session = page.context.cookies()

    def sign_out(route):  # no sooner: the page itself would notice, by its next question
        page.context.clear_cookies()
        route.continue_()

    page.route("**/videos/generate", sign_out)
    page.get_by_role("button", name="Make the video").click()
    page.wait_for_url("**/login?next=*")
    page.unroute("**/videos/generate")
    page.context.add_cookies(session)
    page.goto("/")
    expect(studio.cards(page).locator(".prompt")).to_have_text("A thought worth keeping")
