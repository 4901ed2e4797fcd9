"""A real installation for the clients to talk to, the built TypeScript package, a page of another origin."""

import functools
import http.server
import json
import os
import threading

import pytest
from PIL import Image

from tests import held, services
from tests.clients import node
from tests.live import Installation


@pytest.fixture(scope="session")
def package():
    """The folder of the TypeScript client, installed and built."""
    if not services.node():
        if os.environ.get("CI"):
            pytest.fail("CI needs Node 20 or newer, and npm.")
        pytest.skip("no Node 20 or newer with npm on this machine")
    node.prepare()
    return node.PACKAGE


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """A web site of another origin than the API's: its folder and its address."""
    folder = tmp_path_factory.mktemp("site")
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(30)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="package")
def live(tmp_path_factory, site, gate_of_held):
    """An installation that accepts pages of that site."""
    environment = {
        "DUST_OPENING_GRANT": "1000",
        "RATE_SUBMIT": "10000/min",
        "RATE_READ": "100000/min",
        "CORS_ALLOWED_ORIGINS": site[1],
        "DEFAULT_MODEL": "rehearsal",  # which costs a fraction of the processor time
        "VIDEO_MODELS": json.dumps({"held": held.entry(gate_of_held)}),
    }
    with Installation(tmp_path_factory.mktemp("installation"), **environment) as installation:
        yield installation


@pytest.fixture(scope="module")
def token(live):
    """Of a user who is new."""
    return live.token(f"ada{os.urandom(4).hex()}")


@pytest.fixture(scope="session")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("picture") / "picture.jpg"
    Image.linear_gradient("L").resize((320, 240)).convert("RGB").save(path)
    return path
