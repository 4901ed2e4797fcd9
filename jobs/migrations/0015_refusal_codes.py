"""Why a provider has refused a submission, so that whoever takes the job over says the same to its user."""

from django.db import migrations, models

from jobs.providers.base import FailureCode


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0014_breakers_of_models"),
    ]

    operations = [
        migrations.AddField(
            model_name="remotetask",
            name="failure_code",
            field=models.CharField(
                blank=True,
                choices=FailureCode.choices,
                db_default="",
                help_text="Why it was refused.",
                max_length=30,
            ),
        ),
    ]
