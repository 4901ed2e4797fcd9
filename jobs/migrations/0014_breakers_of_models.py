"""A model may be closed where its account is open: its circuit breaker has a longer name."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0013_view_margin"),
    ]

    operations = [
        migrations.AlterField(
            model_name="upstream",
            name="account",
            field=models.CharField(
                help_text="Or ACCOUNT: MODEL.", max_length=130, primary_key=True, serialize=False
            ),
        ),
    ]
