"""README.md lists what there is: every setting, every command of ours."""

import pathlib
import re

from tests.videoapi import deployment

ROOT = pathlib.Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
INTERNAL = {"run", "demo"}  # started by make


def test_the_table_of_settings_is_that_of_the_code():
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / "videoapi/settings.py").read_text()))
    assert deployment.readme_settings() == read


def test_every_command_is_listed():
    found = {
        path.stem
        for app in ("accounts", "dust", "videos", "jobs", "webhooks", "videoapi")
        for path in (ROOT / app / "management/commands").glob("[a-z]*.py")
    }
    listed = set(re.findall(r"^\| `([a-z_]+)[ `]", README.split("## Commands")[1], re.MULTILINE))
    assert found - INTERNAL == listed


def test_every_linked_file_exists():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
