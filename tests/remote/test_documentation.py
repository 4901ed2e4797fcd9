"""docs/providers.md: its example works, its table is that of the code."""

import importlib
import json
import re
import sys
import types
from pathlib import Path

import pytest
from django.utils.module_loading import import_string

from jobs import catalogue, checking
from jobs.catalogue import Remote
from jobs.driver import WITH_DATABASE
from jobs.formats import AspectRatio, Duration, Resolution
from jobs.providers.remote import Webhook
from tests.remote.cases import Case
from tests.remote.stand_ins.server import Answer
from tests.remote.stand_ins.works import StandIn

KNOWN = {
    "durations": Duration.values,
    "resolutions": Resolution.values,
    "aspect_ratios": AspectRatio.values,
}
DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "providers.md").read_text()
OPERATIONS, ARCHITECTURE = ((DOCS / f"{name}.md").read_text() for name in ("operations", "architecture"))
NUMBERS = {4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight"}
YES = {"no": False, "yes": True}
WEBHOOKS = {
    "no": Webhook.NONE,
    "by a secret": Webhook.SECRET,
    "by published keys": Webhook.PUBLISHED,
    "not signed": Webhook.ADDRESS,
}


class ExampleStandIn(StandIn):
    """The server that the page's adapter speaks to."""

    @property
    def base_url(self):
        return self.origin

    def routes(self):
        return [
            ("POST", "/make", self.make),
            ("GET", "/made/(?P<work_id>[^/]+)", self.made),
            ("GET", "/files/(?P<work_id>[^/]+)", lambda asked, work_id: self.file(self.works[work_id])),
        ]

    def make(self, asked):
        fields = asked.json
        work = self.take(asked, prompt=fields["words"], seconds=fields["seconds"], image=None, fields=fields)
        return work if isinstance(work, Answer) else Answer(200, {"id": work.id})

    def made(self, asked, work_id):
        work = self.polled(work_id)
        if isinstance(work, Answer):
            return work
        if work.stage == "done":
            return Answer(200, {"state": "ready", "file": f"{self.origin}/files/{work_id}"})
        if work.stage == "failed":
            return Answer(200, {"state": "failed", "code": "oom", "reason": "No memory."})
        return Answer(200, {"state": work.stage, "share": work.share})


@pytest.fixture
def example(monkeypatch):
    """The page's own code, as a module."""
    [code] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    module = types.ModuleType("mine")
    exec(compile(code, "docs/providers.md", "exec"), module.__dict__)
    monkeypatch.setitem(sys.modules, "mine", module)
    return importlib.import_module("mine")


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", [Case(name="example", stand_in=ExampleStandIn, provider="mine.Example")], indirect=True
)
def test_the_example_adapter_makes_a_video_and_fails_as_told(example, far, finish, submit):
    made, failed = finish(submit(), submit("A quiet sea [fail]"))
    assert (made.status, failed.status) == ("completed", "failed")
    assert "No memory." in failed.failure_detail


def rows(heading):
    table = PAGE.split(heading, 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def test_the_fields_of_remote_are_those_of_the_code():
    listed = {row[0].strip("`") for row in rows("`remote` has:\n\n")}
    assert listed == {*Remote.__dataclass_fields__}


@pytest.mark.parametrize("row", rows("Where it has none of a kind:\n\n"), ids=lambda row: row[0])
def test_what_an_entry_sells_by_default_is_what_its_adapter_says(row):
    adapters = {line[0]: line[1].strip("`") for line in rows("lists them.\n\n")}
    named = [path for title, path in adapters.items() if title.split(",")[0].split(" (")[0] in row[0]]
    assert named
    for path in named:
        able = import_string(path).capabilities
        for field, cell in zip(KNOWN, row[1:], strict=True):
            said = getattr(able, field)
            assert cell == _in_words(said, KNOWN[field]), (path, field)


def _in_words(said, every):
    if not said:
        return "all, with a warning"
    return "all" if set(said) == set(every) else ", ".join(said)


def test_every_adapter_is_in_the_table_of_defaults():
    said = ", ".join(row[0] for row in rows("Where it has none of a kind:\n\n"))
    for line in rows("lists them.\n\n"):
        assert line[0].split(",")[0].split(" (")[0] in said


def test_the_entries_of_the_page_are_sound(settings, monkeypatch):
    entries = re.findall(r"^VIDEO_MODELS=(.*?)\n```", PAGE, re.DOTALL | re.MULTILINE)
    assert len(entries) == 3
    for name in ("FAL_KEY", "LITELLM_KEY"):
        monkeypatch.setenv(name, "a-secret-key")
    settings.DEBUG = True  # or a key in the clear would be warned of
    for entry in entries:
        settings.VIDEO_MODELS = json.loads(entry)
        assert set(settings.VIDEO_MODELS) < set(catalogue.usable())
        assert checking.check(None) == []


def test_the_connections_to_plan_for_are_those_that_the_driver_may_open():
    most = sum(WITH_DATABASE.values())
    line = next(line for line in OPERATIONS.splitlines() if "queue with remote models" in line)
    # of `manage.py worker` itself: 1 + 3 × queues + processes
    assert f"up to {most} more: up to {1 + 3 * 2 + 3 + most} in all for `render=2,remote=1`" in line
    assert f"{NUMBERS[most]} threads with a connection each" in ARCHITECTURE


@pytest.mark.parametrize("row", rows("lists them.\n\n"), ids=lambda row: row[0])
def test_what_a_provider_can_do_is_what_its_adapter_says(row):
    able = import_string(row[1].strip("`")).capabilities
    said = [YES[cell.split(",")[0].split(" ")[0]] for cell in row[3:6]]
    assert said == [able.seed, able.image_to_video, able.find]
    assert WEBHOOKS[row[7].split(",")[0]] is able.webhook
