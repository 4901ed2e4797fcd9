"""Table rebuilds and flushes, which take SQLite's triggers away."""

import pytest
from django.core.management import call_command
from django.db import connection, models

from dust import ledger, triggers
from dust.models import Transfer

pytestmark = pytest.mark.django_db(transaction=True)


def longer_reason():
    field = models.CharField(max_length=400)
    field.set_attributes_from_name("reason")
    return field


def rebuild():
    """Alter a column as a migration would, and back."""
    old, new = Transfer._meta.get_field("reason"), longer_reason()
    for before, after in ((old, new), (new, old)):
        with connection.schema_editor() as editor:
            editor.alter_field(Transfer, before, after)


def test_triggers_survive_a_table_rebuild_and_the_migrate_after_it(alice):
    ledger.open_account(alice.pk)
    rebuild()
    if connection.vendor == "sqlite":
        assert triggers.missing(connection) == ["dust_transfer_no_update", "dust_transfer_no_delete"]
    call_command("migrate", verbosity=0)
    assert triggers.missing(connection) == []


def test_the_flush_after_a_transactional_test_leaves_the_triggers(db):
    """With the one above, in either order: each starts with all triggers and no rows."""
    assert triggers.missing(connection) == []
    assert not Transfer.objects.exists()


def test_the_migrations_can_be_undone_and_redone(db):
    call_command("migrate", "dust", "zero", verbosity=0)
    assert "dust_transfer" not in connection.introspection.table_names()
    call_command("migrate", verbosity=0)  # jobs too: their migrations stand on these
    assert triggers.missing(connection) == []
