"""Let support see webhooks and what they were told, test them, and send messages again."""

from django.db import migrations

from jobs import support


def extend(apps, schema_editor):
    using = schema_editor.connection.alias
    support.extend(apps, support.RIGHTS["webhooks"], using=using, label="webhooks")


class Migration(migrations.Migration):
    dependencies = [("jobs", "0018_webhook_news"), ("webhooks", "0001_initial")]

    operations = [migrations.RunPython(extend, migrations.RunPython.noop)]
