"""The index of lines that are to be told outside, built on PostgreSQL while lines are written."""

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class AddIndexBesideWriters(AddIndexConcurrently):
    """Adds an index, concurrently where the database can; one that was left half built is replaced."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        is_postgresql = schema_editor.connection.vendor == "postgresql"
        beside = "CONCURRENTLY " if is_postgresql else ""
        schema_editor.execute(f"DROP INDEX {beside}IF EXISTS {self.index.name}")
        add = super() if is_postgresql else super(AddIndexConcurrently, self)
        add.database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        is_postgresql = schema_editor.connection.vendor == "postgresql"
        remove = super() if is_postgresql else super(AddIndexConcurrently, self)
        remove.database_backwards(app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):
    atomic = False  # as CONCURRENTLY wants it

    dependencies = [
        ("jobs", "0019_openai_face"),
    ]

    operations = [
        AddIndexBesideWriters(
            model_name="jobevent",
            index=models.Index(condition=models.Q(("is_news", True)), fields=["id"], name="jobevent_news"),
        ),
    ]
