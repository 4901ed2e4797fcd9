"""That JavaScript's official library takes our messages for genuine, and no others."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.webhooks.test_snippets import snippet
from webhooks import endpoints

DRIVER = """
import { readFileSync } from 'node:fs';
import { receive } from './snippet.mjs';
const seen = new Set(), passedOn = [];
globalThis.isNew = (name) => !seen.has(name) && Boolean(seen.add(name));
globalThis.doLater = (type) => passedOn.push(type);
const answers = JSON.parse(readFileSync(0, 'utf8')).map(({ body, headers }) => receive(body, headers));
console.log(JSON.stringify([answers, passedOn]));
"""
FILES = Path(__file__).parent / "javascript"

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        not os.environ.get("CI") and not (shutil.which("node") and shutil.which("npm")),
        reason="Node and npm are not there (in CI they must be).",
    ),
]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A folder with the library, of the version and content that the lock file says."""
    folder = tmp_path_factory.mktemp("javascript")
    for path in FILES.iterdir():
        shutil.copy(path, folder)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def verify(library):
    """Return what the library says of messages: each one's body, or why it is not genuine."""

    def verify(*messages):
        asked = [
            {"secret": secret, "body": heard.text, "headers": heard.headers} for secret, heard in messages
        ]
        command = ["node", "verify.mjs"]
        done = subprocess.run(
            command, cwd=library, input=json.dumps(asked), capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return verify


def test_each_message_is_genuine_by_either_secret_during_a_rotation(
    verify, register, server, through, carry_all
):
    endpoint, old = register(server.url())
    through(model="höhe-✓")
    carry_all()
    assert verify(*((old, heard) for heard in server.heard)) == [heard.body for heard in server.heard]
    new = endpoints.rotate(endpoint)
    through("failed")
    carry_all()
    later = server.heard[3:]
    assert verify(*((old, heard) for heard in later)) == [heard.body for heard in later]
    assert verify(*((new, heard) for heard in later)) == [heard.body for heard in later]


def test_another_secret_and_another_body_are_not(verify, register, server, submit, carry):
    _, secret = register(server.url())
    _, stranger = register(server.url("/other"), event_types=["job.failed"])
    submit()
    carry()
    [heard] = server.heard
    changed = type(heard)(heard.path, heard.headers, heard.text.replace("queued", "failed"), heard.at)
    refused = "No matching signature found"
    assert verify((secret, heard), (stranger, heard), (secret, changed)) == [heard.body, refused, refused]


def test_the_snippet_in_the_documentation_takes_each_message_once_and_refuses_others(
    library, register, server, through, carry_all
):
    _, secret = register(server.url())
    through()
    carry_all()
    (library / "snippet.mjs").write_text(snippet("javascript"))
    (library / "drive.mjs").write_text(DRIVER)
    heard = [*server.heard, server.heard[0]]
    calls = [{"body": each.text, "headers": each.headers} for each in heard]
    calls.append({"body": heard[0].text + " ", "headers": heard[0].headers})
    done = subprocess.run(
        ["node", "drive.mjs"],
        cwd=library,
        env={**os.environ, "WEBHOOK_SECRET": secret},
        input=json.dumps(calls),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    answers, passed_on = json.loads(done.stdout)
    assert answers == [204, 204, 204, 204, 400]
    assert passed_on == ["job.queued", "job.started", "job.completed"]
