"""What VIDEO_API_DOCUMENTATION.md shows about receiving does what it says, with real messages."""

import json

import pytest

from tests.videoapi import conformity, document

pytestmark = pytest.mark.django_db

SECTION = "### Receiving"


def snippet(language, heading=SECTION):
    """The one block in this language under a heading."""
    text = document.section(heading)
    [block] = [block.text for block in document.blocks() if block.language == language and block.text in text]
    return block


@pytest.fixture
def receive():
    """The Python snippet's function, and what it passed on."""
    seen, passed_on = set(), []
    surroundings = {
        "is_new": lambda name: name not in seen and not seen.add(name),
        "do_later": lambda type_, data: passed_on.append((type_, data["status"])),
    }
    exec(snippet("python"), surroundings)

    def receive(heard, secret):
        surroundings["SECRET"] = secret
        return surroundings["receive"](heard.text.encode(), heard.headers)

    receive.passed_on = passed_on
    return receive


def test_the_python_snippet_takes_each_message_once_and_refuses_others(
    receive, register, server, through, carry_all
):
    _, secret = register(server.url())
    _, another = register("https://hooks.example.com/")
    through()
    server.answer = lambda heard: receive(heard, secret)
    carry_all()
    assert receive(server.heard[0], secret) == 204
    assert receive(server.heard[0], another) == 400
    assert [type_ for type_, _ in receive.passed_on] == ["job.queued", "job.started", "job.completed"]


def test_the_message_shown_is_one_as_we_send_them(register, server, through, carry_all):
    register(server.url(), event_types=["job.completed"])
    through()
    carry_all()
    shown = json.loads(snippet("json", "## Webhooks"))
    schema = {"$ref": "#/components/schemas/JobMessage"}
    assert conformity.mistakes(schema, shown) == []
    assert conformity.mistakes(schema, server.heard[0].body) == []
    assert set(shown["data"]) == set(server.heard[0].body["data"])


def test_the_headers_shown_are_those_that_are_sent(register, server, submit, carry):
    register(server.url())
    submit()
    carry()
    told = {row[0].strip("`") for row in document.rows("## Webhooks") if row[0].startswith("`webhook-")}
    assert told == {name for name in server.heard[0].headers if name.startswith("webhook-")}


def test_the_schedule_told_is_the_default(settings):
    text = " ".join(document.section(SECTION).split())
    assert "5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h" in text
    hours = [wait.total_seconds() / 3600 for wait in settings.WEBHOOK_RETRIES]
    assert hours == [5 / 3600, 300 / 3600, 0.5, 2, 5, 10, 14, 20, 24]
