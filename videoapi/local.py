"""A whole installation on this machine: web and worker as children, ready when both answer."""

import socket
import sys
import time

from django.conf import settings

from videoapi.client import Api
from videoapi.processes import Children, Program

READY_SECONDS = 240.0  # what dies is noticed at once; a slow machine only takes its time
WORKER_GRACE_SECONDS = 5


class PortTaken(Exception):
    """Something else listens there."""


class NotReady(Exception):
    """Web or worker did not come up in time."""


def require_free(host: str, port: int) -> None:
    """Raise PortTaken, with a sentence to act on, if `port` can't be listened on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as the server does: no wait after a stop
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = error.strerror or str(error)
            raise PortTaken(
                f"Can't listen on {host}, port {port}: {reason}. Stop what uses it, or choose another: "
                f"PORT={port + 1} make run"
            ) from error


def free_port(host: str) -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket(socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def address(host: str, port: int) -> str:
    """Return where a browser on this machine finds it."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{name}:{port}"


def web(host: str, port: int) -> Program:
    """Return the web server; without it there is nothing to show, so its end is the end of all."""
    serve = ("-m", "uvicorn", "videoapi.asgi:application", "--host", host, "--port", str(port))
    # An open stream would otherwise keep it from ever stopping; an access log would hold signed addresses.
    options = ("--timeout-graceful-shutdown", "5", "--no-access-log")
    return Program("web", (sys.executable, *serve, *options))


def worker() -> Program:
    """Return the worker; it ends itself when anything is wrong with its cluster, to be started afresh."""
    return Program("worker", (*manage(), "worker", f"--grace={WORKER_GRACE_SECONDS}"), restart=True)


def manage() -> tuple[str, ...]:
    """Return how to call a management command of this project."""
    return sys.executable, str(settings.BASE_DIR / "manage.py")


def wait_until_ready(api: Api, children: Children) -> None:
    """Wait until the web server answers and a worker is alive. Raise NotReady, ProgramEnded."""
    deadline = time.monotonic() + READY_SECONDS
    while not api.is_ready():
        children.check()
        if time.monotonic() > deadline:
            raise NotReady(
                f"Web and worker were not ready after {READY_SECONDS:.0f} seconds; see their lines."
            )
        time.sleep(0.5)
