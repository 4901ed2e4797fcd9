"""A provider may call: its submission is then asked about at once."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0009_late_news"),
    ]

    operations = [
        migrations.AddField(
            model_name="remotetask",
            name="hinted_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When its provider called; emptied when it has been asked about.",
                null=True,
            ),
        ),
        migrations.AddIndex(
            model_name="remotetask",
            index=models.Index(
                condition=models.Q(("closed_at", None), ("hinted_at__isnull", False)),
                fields=["job"],
                name="remotetask_hinted",
            ),
        ),
    ]
