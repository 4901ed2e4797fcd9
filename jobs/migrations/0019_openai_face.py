"""Jobs that /v1/videos shows no more; submits without a key whose answer may have been lost."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import base.columns


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0018_webhook_news"),
    ]

    operations = [
        migrations.AddField(
            model_name="job",
            name="hidden_at",
            field=models.DateTimeField(blank=True, help_text="Deleted by /v1/videos.", null=True),
        ),
        migrations.CreateModel(
            name="Unanswered",
            fields=[
                (
                    "job",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="jobs.job",
                    ),
                ),
                ("fingerprint", models.CharField(max_length=64)),
                ("receipt", base.columns.ExactJson()),
                (
                    "tries",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="The number of the last try that got it."
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "indexes": [
                    models.Index(fields=["fingerprint"], name="unanswered_fingerprint"),
                    models.Index(fields=["created_at"], name="unanswered_age"),
                ],
            },
        ),
    ]
