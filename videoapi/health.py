"""Health for load balancers and containers: `/healthz` (this process) and `/readyz` (what it needs)."""

import logging
from collections.abc import Callable
from typing import Any

from django.core.cache import cache
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from base.outages import AWAY
from jobs import estimates

logger = logging.getLogger(__name__)


class HealthMiddleware:
    """Answers both paths before the host or the scheme is looked at.

    Who asks here asks a machine, by its address and without TLS: balancers, containers.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        self._paths = {"/healthz": healthz, "/readyz": readyz}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._paths.get(request.path_info, self._get_response)(request)


def healthz(request: HttpRequest) -> HttpResponse:
    """Say that this process answers. Nothing else is asked: a database outage is no reason to restart it."""
    return _answer({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:
    """Say whether requests can be served: 200 if all that is needed answers, else 503 with what does not.

    No worker alive is told but is no reason to send requests elsewhere: submits wait in the queue.
    """
    database = _passes("database", _database)
    found = {
        "database": database,
        "migrations": database and _passes("migrations", _migrations),  # no second wait for one that hangs
        "cache": _passes("cache", _cache),
        "storage": _passes("storage", _storage),
    }
    ready = all(found.values())
    body = {"status": "ok" if ready else "unavailable", "checks": found, "workers": _workers(found)}
    return _answer(body, status=200 if ready else 503)


def _workers(found: dict[str, bool]) -> int:
    if not found["migrations"]:
        return 0
    try:
        return estimates.workers_alive()
    except AWAY:  # it has gone since it was asked
        return 0


def _passes(name: str, check: Callable[[], bool]) -> bool:
    try:
        return check()
    except (*AWAY, DatabaseError, OSError) as error:
        logger.warning("not ready: %s: %s", name, error)
        return False


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return True


def _migrations() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def _cache() -> bool:
    cache.set("readyz", "ok", 10)
    return bool(cache.get("readyz") == "ok")


def _storage() -> bool:
    default_storage.exists("readyz")
    return True


def _answer(body: dict[str, Any], *, status: int = 200) -> JsonResponse:
    response = JsonResponse(body, status=status)
    response["Cache-Control"] = "no-store"
    return response
