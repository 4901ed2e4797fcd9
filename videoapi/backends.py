"""How the database and the cache are reached, and how long a server of theirs that is away is waited for."""

from typing import Any

from redis.backoff import NoBackoff
from redis.retry import Retry

from base.postgresql.connection import Connection

# FULL: with a WAL, NORMAL leaves commits in the system's memory for a while, and a power cut would undo what
# a client was told: its job, its DUST.
SQLITE = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA busy_timeout=20000;",
}
# Seconds (the last one: milliseconds) until a server is given up whose machine or network is gone.
POSTGRESQL = {
    "connect_timeout": 5,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
POOL = {
    "connection_class": Connection,
    "min_size": 1,
    "max_size": 8,
    "timeout": 3,  # seconds that a request waits for a connection
    # Seconds of trying to reconnect; then the next request begins anew. The pauses between tries double: with
    # psycopg's 300 they are longer, when the server is back, than anybody should wait.
    "reconnect_timeout": 5,
}
REDIS = {"socket_connect_timeout": 1, "socket_timeout": 1}  # seconds, of each try


def sqlite(config: dict[str, Any]) -> dict[str, Any]:
    """Return Django's entry for SQLite: readers beside one writer, who is waited for."""
    return {**config, "OPTIONS": SQLITE, "CONN_MAX_AGE": 0}


def postgresql(config: dict[str, Any], *, pool: bool, max_age: int) -> dict[str, Any]:
    """Return Django's entry for PostgreSQL; options that its URL names (sslmode ...) come before ours.

    `max_age` is the seconds that a connection is kept where there is no pool. A pool's connections are not
    tried out before each request, only looked at (base.postgresql).
    """
    options = {**POSTGRESQL, **config.get("OPTIONS", {})}
    if pool:
        options["pool"] = POOL
    return {
        **config,
        "ENGINE": "base.postgresql",
        "OPTIONS": options,
        "CONN_MAX_AGE": 0 if pool else max_age,
        "CONN_HEALTH_CHECKS": not pool,
    }


def redis_cache(url: str) -> dict[str, Any]:
    """Return Django's entry for a cache in Redis."""
    again = Retry(NoBackoff(), 1)  # a connection kept from before a restart is worth one more try
    return {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": url,
        "OPTIONS": {**REDIS, "retry": again},
    }
