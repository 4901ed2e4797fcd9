"""Let support see submissions to providers, and note them as reviewed."""

from django.db import migrations

from jobs import support


def extend(apps, schema_editor):
    support.extend(apps, ("view_remotetask", "review_remotetask"), using=schema_editor.connection.alias)


class Migration(migrations.Migration):
    dependencies = [("jobs", "0006_remote_tasks")]

    operations = [migrations.RunPython(extend, migrations.RunPython.noop)]
