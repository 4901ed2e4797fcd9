"""Have the database say when a job changes."""

from typing import Any

from django.db import migrations

from jobs.live import trigger


def install(apps: Any, schema_editor: Any) -> None:
    trigger.install(schema_editor.connection)


def remove(apps: Any, schema_editor: Any) -> None:
    trigger.remove(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("jobs", "0016_made_by")]
    operations = [migrations.RunPython(install, remove)]
