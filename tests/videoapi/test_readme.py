"""README.md lists what there is: every setting, every command of ours."""

import pathlib
import re

ROOT = pathlib.Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
INTERNAL = {"run", "demo"}  # started by make


def test_the_table_of_settings_is_that_of_the_code():
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / "videoapi/settings.py").read_text()))
    table = README.split("## Settings")[1]
    cells = re.findall(r"^\| (`[A-Z_]+`(?:, `[A-Z_]+`)*) \|", table, re.MULTILINE)
    listed = {name for cell in cells for name in re.findall(r"`([A-Z_]+)`", cell)}
    assert listed == read


def test_every_command_is_listed():
    found = {
        path.stem
        for app in ("accounts", "dust", "videos", "jobs", "videoapi")
        for path in (ROOT / app / "management/commands").glob("[a-z]*.py")
    }
    listed = set(re.findall(r"^\| `([a-z_]+)[ `]", README.split("## Commands")[1], re.MULTILINE))
    assert found - INTERNAL == listed


def test_every_linked_file_exists():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
