"""docs/providers.md: its example works, its table is that of the code."""

import importlib
import re
import sys
import types
from pathlib import Path

import pytest
from django.utils.module_loading import import_string

from jobs.catalogue import Remote
from tests.remote.cases import Case
from tests.remote.stand_ins.server import Answer
from tests.remote.stand_ins.works import StandIn

PAGE = (Path(__file__).parents[2] / "docs/providers.md").read_text()
YES = {"no": False, "yes": True}


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


@pytest.mark.parametrize("row", rows("lists them.\n\n"), ids=lambda row: row[0])
def test_what_a_provider_can_do_is_what_its_adapter_says(row):
    able = import_string(row[1].strip("`")).capabilities
    said = [YES[cell.split(",")[0].split(" ")[0]] for cell in row[3:6]]
    assert said == [able.seed, able.image_to_video, able.find]
