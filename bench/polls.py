"""Status polls: the product's against a bare view's, in this process and over HTTP."""

import http.client
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bench import noise
from bench.calls import HOST, Application
from bench.fill import Asked
from videoapi import local
from videoapi.processes import Children, Program

CLIENTS = 8  # connections at once
START_SECONDS = 60.0


def in_process(ours: Application, bare: Application, asked: Asked, *, times: int, rounds: int) -> noise.Times:
    """Poll finished jobs; `control` is the bare view once more, to show what the machine adds."""

    def poll_ours(number: int) -> None:
        token, job_id = asked[number % len(asked)]
        ours.get(f"/videos/jobs/{job_id}/status", token=token)

    def poll_bare(number: int) -> None:
        bare.get(f"/bare/{asked[number % len(asked)][1]}")

    return noise.side_by_side(
        {"bare": poll_bare, "ours": poll_ours, "control": lambda number: poll_bare(number)},
        times=times,
        rounds=rounds,
    )


def over_http(asked: Asked, *, times: int, rounds: int) -> noise.Times:
    """Poll by several connections at once; the seconds for one poll are the time of all, divided."""
    polled = [asked[number % len(asked)] for number in range(times)]
    ours = [(f"/videos/jobs/{job_id}/status", token) for token, job_id in polled]
    bare = [(f"/bare/{job_id}", token) for token, job_id in polled]
    with _servers() as (ours_port, bare_port):
        contenders = {
            "bare": lambda _: _poll_all(bare_port, bare),
            "ours": lambda _: _poll_all(ours_port, ours),
            "control": lambda _: _poll_all(bare_port, bare),
        }
        found = noise.side_by_side(contenders, times=1, rounds=rounds)
    return {name: [seconds / times for seconds in spent] for name, spent in found.items()}


def _poll_all(port: int, paths: list[tuple[str, str]]) -> None:
    """Get all paths, each with its token, over `CLIENTS` connections. Raise RuntimeError if one fails."""
    failures: list[str] = []

    def some(first: int) -> None:
        connection = http.client.HTTPConnection(HOST, port, timeout=30)
        try:
            for path, token in paths[first::CLIENTS]:
                connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
                answer = connection.getresponse()
                body = answer.read()
                if answer.status != 200:
                    failures.append(f"{path} answered {answer.status}: {body[:300]!r}")
        except (OSError, http.client.HTTPException) as error:
            failures.append(f"port {port}: {error!r}")
        finally:
            connection.close()

    threads = [threading.Thread(target=some, args=(first,)) for first in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise RuntimeError(failures[0])


@contextmanager
def _servers() -> Iterator[tuple[int, int]]:
    """Serve the product and the bare view, each by one uvicorn as in production; yield their ports."""
    lines: list[str] = []
    kept = {"DJANGO_SETTINGS_MODULE": "videoapi.settings"}
    with Children(environment=kept, write=lines.append) as children:
        ports = local.free_port(HOST), local.free_port(HOST)
        children.start(local.web(HOST, ports[0]))
        children.start(_bare_web(ports[1]))
        for port in ports:
            _wait_for(port, children)
        yield ports


def _bare_web(port: int) -> Program:
    environment = ("env", "DJANGO_SETTINGS_MODULE=bench.bare_settings")
    serve = ("-m", "uvicorn", "--factory", "django.core.asgi:get_asgi_application", "--host", HOST)
    return Program("bare", (*environment, sys.executable, *serve, "--port", str(port), "--no-access-log"))


def _wait_for(port: int, children: Children) -> None:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    for _ in range(int(START_SECONDS / 0.2)):
        children.check()
        try:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
        except OSError:
            connection.close()
            threading.Event().wait(0.2)
        else:
            return
    raise TimeoutError(f"Nothing answered on port {port} after {START_SECONDS:.0f} seconds.")
