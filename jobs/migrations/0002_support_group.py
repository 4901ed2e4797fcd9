"""Make the Support group; where its rights are to come yet, the end of `migrate` makes it."""

from django.db import migrations

from jobs import support


def make_groups(apps, schema_editor):
    support.make_groups(apps, using=schema_editor.connection.alias)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("dust", "0001_initial"),
        ("jobs", "0001_initial"),
        ("videos", "0001_initial"),
    ]

    # nothing to undo: who has the group may have changed it since
    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
