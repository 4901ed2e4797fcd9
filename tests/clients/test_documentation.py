"""Every runnable snippet for client teams does what it says, against a real installation."""

import json
import os
import re
import subprocess
import sys
import textwrap

import pytest

from tests import services
from tests.clients import node, snippets, stub
from tests.clients.test_typescript import STRICTEST

# What a snippet that only defines something is asked to do.
SERVE_WEBHOOKS = """
import { Webhook } from "standardwebhooks";
server.listen(0, "127.0.0.1");
await new Promise((resolve) => server.once("listening", resolve));
const address = server.address() as { port: number };
const body = JSON.stringify({ type: "job.completed", timestamp: "", data: { job_id: "one" } });
const now = new Date();
const signature = new Webhook(secret).sign("msg_1", now, body);
const send = async (signature: string) => {
  const time = String(Math.floor(+now / 1000));
  const headers = { "webhook-id": "msg_1", "webhook-timestamp": time, "webhook-signature": signature };
  return (await fetch(`http://127.0.0.1:${address.port}`, { method: "POST", headers, body })).status;
};
const statuses = [await send(signature), await send("v1,bm8=")];
if (statuses.join() !== "204,400") throw new Error(`It answered ${statuses}.`);
server.close();
"""
RECEIVE_WEBHOOKS = """
import datetime, json, standardwebhooks
now = datetime.datetime.now(datetime.UTC)
body = json.dumps({"type": "job.completed", "data": {"job_id": "one"}})
signature = standardwebhooks.Webhook(SECRETS[0]).sign("msg_1", now, body)
time = str(int(now.timestamp()))
headers = {"webhook-id": "msg_1", "webhook-timestamp": time, "webhook-signature": signature}
assert receive(body.encode(), headers) == 204
assert receive(body.encode(), {**headers, "webhook-signature": "v1,bm8="}) == 400
"""
ISSUE = """
from accounts import tokens
from accounts.models import User
for number in range({count}):
    print(tokens.issue(User.objects.create_user(f"reader-{start}-{{number}}"), name="documentation")[1])
"""


def fresh_tokens(live, count):
    """Of new users, who have seen nothing yet."""
    script = ISSUE.format(count=count, start=os.urandom(4).hex())
    return live.manage("shell", "--no-imports", "-c", script).split()


@pytest.fixture
def workplace(package, tmp_path):
    """An app's folder, in which the package is installed."""
    modules = tmp_path / "node_modules"
    modules.mkdir()
    (modules / "videoapi-client").symlink_to(package)
    for name in ("@types", "@stablelib", "csstype", "fast-sha256", "react", "react-dom", "standardwebhooks"):
        if (package / "node_modules" / name).exists():
            (modules / name).symlink_to(package / "node_modules" / name)
    options = {
        **STRICTEST,
        "module": "NodeNext",
        "target": "ES2022",
        "jsx": "react-jsx",
        "types": ["node"],
        "skipLibCheck": True,
        "outDir": "built",
    }
    (tmp_path / "tsconfig.json").write_text(
        json.dumps({"compilerOptions": options, "include": ["*.ts", "*.tsx"]})
    )
    (tmp_path / "package.json").write_text('{"type": "module"}')
    return tmp_path


def test_nothing_on_the_pages_is_left_out():
    found = snippets.every()
    others = {snippet.language for snippet in found} - snippets.RUN
    assert others == {"swift", "text"}
    assert all("Pseudo code" in snippet.text for snippet in found if snippet.language == "swift")
    assert {page for page in snippets.PAGES if "```" not in (snippets.ROOT / page).read_text()} == set()


@pytest.mark.slow
def test_typescript_snippets_type_check_and_run(package, live, workplace):
    found = snippets.of("typescript", "tsx")
    runnable = [snippet for snippet in found if snippet.language == "typescript"]
    tokens = fresh_tokens(live, len(found))
    for snippet, token in zip(found, tokens, strict=True):
        program = snippet.program(live.url, token)
        if "createServer" in program:
            program += SERVE_WEBHOOKS
        suffix = "tsx" if snippet.language == "tsx" else "ts"
        (workplace / f"{snippet.name}.{suffix}").write_text(program)
    node.run(str(package / "node_modules/.bin/tsc"), "--project", ".", folder=workplace)
    assert len(runnable) >= 4
    for snippet in runnable:
        node.run("node", f"built/{snippet.name}.js", folder=workplace)


@pytest.mark.slow
def test_javascript_snippets_run(package, live, workplace):
    found = snippets.of("javascript")
    assert found
    for snippet, token in zip(found, fresh_tokens(live, len(found)), strict=True):
        (workplace / f"{snippet.name}.mjs").write_text(snippet.program(live.url, token))
        said = node.run("node", f"{snippet.name}.mjs", folder=workplace)
        assert re.search(r"^http\S+/videos/files/\S+\.mp4$", said, re.M)


@pytest.mark.slow
def test_python_snippets_run(live, tmp_path):
    found = snippets.of("python")
    assert len(found) >= 4
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(snippets.ROOT / "clients/python")}
    for snippet, token in zip(found, fresh_tokens(live, len(found)), strict=True):
        program = snippet.program(live.url, token)
        if "def receive" in program:
            program += RECEIVE_WEBHOOKS
        path = tmp_path / f"test_{snippet.name}.py"
        path.write_text(program)
        how = ["-m", "pytest", "-q", "-c", os.devnull, "--rootdir", "."] if "import pytest" in program else []
        execute(
            *(sys.executable, "-W", "error", *how, str(path)),
            folder=tmp_path,
            environment={**environment, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        )
    assert (tmp_path / "fox.mp4").read_bytes()[4:8] == b"ftyp"


@pytest.mark.slow
def test_curl_snippets_run(live, tmp_path):
    found = snippets.of("bash")
    assert found
    for snippet, token in zip(found, fresh_tokens(live, len(found)), strict=True):
        script = "set -euo pipefail\n" + snippet.program(live.url, token)
        execute("bash", "-c", script, folder=tmp_path, environment={"PATH": os.environ["PATH"]})
    assert (tmp_path / "fox.mp4").read_bytes()[4:8] == b"ftyp"


def refusing(asked):
    """Take the submit, and then know the token no more."""
    if asked.method == "POST":
        return stub.answer(202, stub.RECEIPT)
    return stub.problem(401, "not_authenticated", {"status": 401})


@pytest.mark.parametrize("language", ["javascript", "bash"])
def test_snippets_that_poll_end_when_the_token_does(language, tmp_path):
    polling = [one for one in snippets.of(language) if "/status" in one.text]
    assert polling
    if language == "javascript" and not services.node():
        pytest.skip("no Node on this machine")
    for snippet in polling:
        with stub.stub(refusing) as server:
            program = snippet.program(server.url, "expired")
            (tmp_path / "snippet.mjs").write_text(program)
            command = {"javascript": ["node", "snippet.mjs"], "bash": ["bash", "-c", program]}[language]
            done = subprocess.run(
                command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
            )
        assert done.returncode != 0
        assert "401" in done.stderr
        assert [one.path.rpartition("/")[2] for one in server.asked] == ["generate", "status"]


def execute(*command, folder, environment):
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, textwrap.dedent(f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
