"""Gateways wrap their provider's id, and what comes of it may be longer than 400 characters."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0010_hints"),
    ]

    operations = [
        migrations.AlterField(
            model_name="remotetask",
            name="remote_id",
            field=models.TextField(blank=True, help_text="A gateway's may be long: it wraps its provider's."),
        ),
    ]
