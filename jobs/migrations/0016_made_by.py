"""Which model makes the video where it is not the one that was ordered."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0015_refusal_codes"),
    ]

    operations = [
        migrations.AddField(
            model_name="job",
            name="made_by",
            field=models.CharField(blank=True, db_default="", help_text="If not by `model`.", max_length=60),
        ),
    ]
