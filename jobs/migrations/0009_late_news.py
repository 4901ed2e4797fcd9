"""Submissions that were given up are asked about for some hours more."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0008_cancel_running")]

    operations = [
        migrations.AddField(
            model_name="remotetask",
            name="look_at",
            field=models.DateTimeField(blank=True, help_text="When to ask once more.", null=True),
        ),
        migrations.AddField(
            model_name="remotetask",
            name="looks",
            field=models.PositiveSmallIntegerField(db_default=0, help_text="How often that was done."),
        ),
        migrations.AddField(
            model_name="remotetask",
            name="stop_asked_at",
            field=models.DateTimeField(blank=True, help_text="When it has answered a cancel.", null=True),
        ),
        migrations.AddIndex(
            model_name="remotetask",
            index=models.Index(
                condition=models.Q(("look_at__isnull", False)),
                fields=["look_at"],
                name="remotetask_to_look_at",
            ),
        ),
    ]
