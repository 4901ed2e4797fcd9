"""The studio page and its modules, as files; tests/browser uses them."""

import re
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "static"
MODULES = sorted((STATIC / "js").glob("*.js"))
# What would turn text into markup or code.
UNSAFE = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setHTML")
LONGEST_MODULE = 300


@pytest.fixture
def page(client, alice):
    client.force_login(alice)
    return client.get("/").content.decode()


def test_a_stranger_is_sent_to_sign_in(client):
    answer = client.get("/")
    assert (answer.status_code, answer["Location"]) == (302, "/login?next=/")


def test_the_page_has_nothing_inline_and_is_not_kept(client, alice):
    client.force_login(alice)
    answer = client.get("/")
    page = answer.content.decode()
    assert answer["Cache-Control"] == "no-store"
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)


def test_all_modules_are_fetched_at_once(page):
    preloaded = set(re.findall(r'rel="modulepreload" href="/static/(js/[\w.]+)"', page))
    assert preloaded == {f"js/{path.name}" for path in MODULES}


def test_every_style_and_script_is_served(static_files_as_deployed, client, page):
    addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(addresses) > len(MODULES)
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code == 200, address
        answer.close()


def test_every_id_that_a_module_asks_for_is_on_the_page(page):
    asked = {name for path in MODULES for name in re.findall(r'\bat\("([\w-]+)"\)', path.read_text())}
    assert asked
    assert asked <= set(re.findall(r'\bid="([\w-]+)"', page))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_is_short_and_never_makes_markup_of_text(path):
    text = path.read_text()
    assert len(text.splitlines()) <= LONGEST_MODULE
    assert text.startswith("// ")
    assert not UNSAFE.search(text)
