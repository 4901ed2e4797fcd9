"""The database says that a job has changed, in the transaction that changes it: PostgreSQL's NOTIFY.

Each change of a job notes the moment in `updated_at`, and nothing else does. New rows are told of only where
they are born as jobs are, queued: not where a table is filled.
"""

from django.db.backends.base.base import BaseDatabaseWrapper

CHANNEL = "jobs_live"

_POSTGRESQL = (
    f"""
    CREATE OR REPLACE FUNCTION jobs_tell() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_notify('{CHANNEL}', NEW.user_id || ' ' || NEW.id);
        RETURN NULL;
    END $$
    """,
    """
    CREATE OR REPLACE TRIGGER jobs_job_changed AFTER UPDATE ON jobs_job
    FOR EACH ROW WHEN (NEW.updated_at IS DISTINCT FROM OLD.updated_at) EXECUTE FUNCTION jobs_tell()
    """,
    """
    CREATE OR REPLACE TRIGGER jobs_job_born AFTER INSERT ON jobs_job
    FOR EACH ROW WHEN (NEW.status = 'queued') EXECUTE FUNCTION jobs_tell()
    """,
)


def install(connection: BaseDatabaseWrapper) -> None:
    """Create the triggers; SQLite has nobody to tell."""
    if connection.vendor == "postgresql":
        _execute(connection, _POSTGRESQL)


def remove(connection: BaseDatabaseWrapper) -> None:
    """Drop the triggers."""
    if connection.vendor == "postgresql":
        _execute(connection, ("DROP FUNCTION IF EXISTS jobs_tell() CASCADE",))


def _execute(connection: BaseDatabaseWrapper, statements: tuple[str, ...]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
