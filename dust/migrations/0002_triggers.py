"""Make the history append-only and tie every balance to it, in the database itself."""

from typing import Any

from django.db import migrations

from dust import triggers


def install(apps: Any, schema_editor: Any) -> None:
    triggers.install(schema_editor.connection)


def remove(apps: Any, schema_editor: Any) -> None:
    triggers.remove(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("dust", "0001_initial")]
    operations = [migrations.RunPython(install, remove)]
