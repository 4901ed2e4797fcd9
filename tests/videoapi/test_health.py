"""What balancers and containers ask: the two paths of the web process, the command for the worker."""

import io
import socket

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from base import processes
from jobs import workers
from jobs.models import Worker


def check(*queues: str) -> str:
    said = io.StringIO()
    call_command("worker_health", *queues, stdout=said)
    return said.getvalue().strip()


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_told_to_whoever_asks_by_address_and_without_tls(client, db, settings, path):
    settings.SECURE_SSL_REDIRECT = True
    response = client.get(path, headers={"host": "10.1.2.3:8000"})
    assert (response.status_code, response["Cache-Control"]) == (200, "no-store")
    assert response["X-Request-ID"]


def test_every_other_path_still_wants_a_known_host(client, db):
    assert client.get("/videos/stats", headers={"host": "10.1.2.3:8000"}).status_code == 400


def test_a_worker_that_serves_all_its_queues_is_well(db, settings):
    settings.WORKER_QUEUES = {"render": 2, "remote": 1}
    supervisor = processes.new_id()
    for queue in ("render", "remote"):
        workers.register(f"{supervisor}-{queue}", queue=queue, processes=1)
    assert check() == "ok"


def test_a_queue_that_is_not_served_here_is_named(db, settings):
    settings.WORKER_QUEUES = {"render": 2, "remote": 1}
    workers.register(f"{processes.new_id()}-render", queue="render", processes=1)
    with pytest.raises(CommandError, match=r"from: remote\.") as refused:
        check()
    assert refused.value.returncode == 1
    assert check("render") == "ok"


def test_another_machines_worker_does_not_count(db):
    ours = socket.gethostname()[:40]
    workers.register(f"{ours}-2-77-0123abcd-render", queue="render", processes=1)  # the machine `ours-2`
    with pytest.raises(CommandError):
        check("render")


def test_a_worker_that_fell_silent_does_not_count(db):
    workers.register(f"{processes.new_id()}-render", queue="render", processes=1)
    Worker.objects.update(seen_at="2020-01-01T00:00Z")
    with pytest.raises(CommandError):
        check("render")


def test_nothing_is_said_against_a_worker_while_the_database_is_away(transactional_db):
    name = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = "/nowhere/db"
    try:
        assert "nothing is known" in check("render")
    finally:
        connection.close()
        connection.settings_dict["NAME"] = name
