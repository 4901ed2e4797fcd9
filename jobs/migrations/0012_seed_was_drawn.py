"""Of a job's seed it is known whether its user asked for it; of those before, it may have been asked for."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0011_long_remote_ids"),
    ]

    operations = [
        migrations.AddField(
            model_name="job",
            name="seed_was_drawn",
            field=models.BooleanField(db_default=False, help_text="By us: the user named none."),
        ),
    ]
