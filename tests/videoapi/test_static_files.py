"""Static files as a browser gets them, from the ASGI server's side. Warnings are errors here."""

import asyncio

import pytest
from django.contrib.staticfiles import finders
from django.test import AsyncClient

PATH = "/static/js/studio.js"
pytestmark = pytest.mark.usefixtures("static_files_as_deployed")


@pytest.fixture
def ask():
    def send(method="get", **headers):
        async def sent():
            return await getattr(AsyncClient(), method)(PATH, headers=headers)

        return asyncio.run(sent())

    return send


def content():
    with open(finders.find("js/studio.js"), "rb") as file:
        return file.read()


def test_a_file_comes_whole_with_its_type_and_length(ask):
    answer = ask()
    assert (answer.status_code, answer.content) == (200, content())
    assert answer["Content-Type"] == 'text/javascript; charset="utf-8"'
    assert answer["Content-Length"] == str(len(content()))


def test_what_the_browser_has_is_not_sent_again(ask):
    answer = ask(**{"If-Modified-Since": ask()["Last-Modified"]})
    assert (answer.status_code, answer.content) == (304, b"")
    assert "Content-Type" not in answer


def test_a_range_is_that_part(ask):
    answer = ask(Range="bytes=2-5")
    assert (answer.status_code, answer.content) == (206, content()[2:6])
    assert answer["Content-Range"] == f"bytes 2-5/{len(content())}"


def test_a_head_has_the_length_and_no_content(ask):
    answer = ask("head")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["Content-Length"] == str(len(content()))
