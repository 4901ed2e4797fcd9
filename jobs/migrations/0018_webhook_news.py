"""Lines of timelines that are to be told outside, and where to for a single job."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0017_live"),
    ]

    operations = [
        migrations.AddField(
            model_name="job",
            name="webhook_url",
            field=models.CharField(blank=True, db_default="", help_text="Is told of it.", max_length=2000),
        ),
        migrations.AddField(
            model_name="jobevent",
            name="is_news",
            field=models.BooleanField(db_default=False, help_text="Still to be told outside."),
        ),
    ]
