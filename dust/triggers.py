"""The database's own guards: transfers are never changed or deleted, balances never move without a transfer.

Called from a migration and again after every `migrate`: SQLite drops a table's triggers silently
when it rebuilds the table to alter a column. TRUNCATE stays possible on PostgreSQL (tests need it);
take that right from the role the service runs as.
"""

from django.db.backends.base.base import BaseDatabaseWrapper

TABLES = {"dust_transfer", "dust_account"}
NAMES = ("dust_transfer_no_update", "dust_transfer_no_delete", "dust_account_balance_guard")

_APPEND_ONLY = "dust_transfer is append-only: correct it with another transfer"
_GUARDED = "dust_account changes only together with a new transfer"

_SQLITE = [
    f"""
    CREATE TRIGGER IF NOT EXISTS dust_transfer_no_update BEFORE UPDATE ON dust_transfer
    BEGIN SELECT RAISE(ABORT, '{_APPEND_ONLY}'); END
    """,
    f"""
    CREATE TRIGGER IF NOT EXISTS dust_transfer_no_delete BEFORE DELETE ON dust_transfer
    BEGIN SELECT RAISE(ABORT, '{_APPEND_ONLY}'); END
    """,
    # IS NOT and IS DISTINCT FROM below: a comparison that stays true to itself when a value is NULL.
    f"""
    CREATE TRIGGER IF NOT EXISTS dust_account_balance_guard BEFORE UPDATE ON dust_account
    WHEN (NEW.posted IS NOT OLD.posted OR NEW.held IS NOT OLD.held OR NEW.seq IS NOT OLD.seq)
     AND NEW.seq IS NOT OLD.seq + 1
    BEGIN SELECT RAISE(ABORT, '{_GUARDED}'); END
    """,
]

_POSTGRESQL = [
    """
    CREATE OR REPLACE FUNCTION dust_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
    END $$
    """,
    f"""
    CREATE OR REPLACE TRIGGER dust_transfer_no_update BEFORE UPDATE ON dust_transfer
    FOR EACH ROW EXECUTE FUNCTION dust_refuse('{_APPEND_ONLY}')
    """,
    f"""
    CREATE OR REPLACE TRIGGER dust_transfer_no_delete BEFORE DELETE ON dust_transfer
    FOR EACH ROW EXECUTE FUNCTION dust_refuse('{_APPEND_ONLY}')
    """,
    f"""
    CREATE OR REPLACE TRIGGER dust_account_balance_guard BEFORE UPDATE ON dust_account
    FOR EACH ROW WHEN (
        (NEW.posted, NEW.held, NEW.seq) IS DISTINCT FROM (OLD.posted, OLD.held, OLD.seq)
        AND NEW.seq IS DISTINCT FROM OLD.seq + 1
    ) EXECUTE FUNCTION dust_refuse('{_GUARDED}')
    """,
]

_INSTALL = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}

_REMOVE = {
    "sqlite": [f"DROP TRIGGER IF EXISTS {name}" for name in NAMES],
    "postgresql": ["DROP FUNCTION IF EXISTS dust_refuse() CASCADE"],  # and with it the triggers that call it
}

_PRESENT = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'",
}


def install(connection: BaseDatabaseWrapper) -> None:
    """Create the triggers that are not there; do nothing while the tables are not."""
    if set(connection.introspection.table_names()) >= TABLES:
        _execute(connection, _INSTALL[connection.vendor])


def remove(connection: BaseDatabaseWrapper) -> None:
    """Drop the triggers: to undo the migration, and for tests that empty the tables."""
    _execute(connection, _REMOVE[connection.vendor])


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the names of the triggers that are not there, or are switched off."""
    with connection.cursor() as cursor:
        cursor.execute(_PRESENT[connection.vendor])
        present = {name for (name,) in cursor.fetchall()}
    return [name for name in NAMES if name not in present]


def _execute(connection: BaseDatabaseWrapper, statements: list[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
