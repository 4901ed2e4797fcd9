"""Let what providers cost, and the margin, be seen by a right of its own."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0012_seed_was_drawn"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="remotetask",
            options={
                "permissions": (
                    ("review_remotetask", "Can note a submission as reviewed"),
                    ("view_margin", "Can see what providers cost and the margin"),
                ),
                "verbose_name": "submission to a provider",
                "verbose_name_plural": "submissions to providers",
            },
        ),
    ]
