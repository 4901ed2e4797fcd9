"""A running job may be cancelled, once its user has asked for it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0007_support_reviews")]

    operations = [
        migrations.RemoveConstraint(
            model_name="job",
            name="job_attempt_fits_status",
        ),
        migrations.AddField(
            model_name="job",
            name="cancel_lapsed_at",
            field=models.DateTimeField(blank=True, help_text="It went on all the same.", null=True),
        ),
        migrations.AddField(
            model_name="job",
            name="cancel_requested_at",
            field=models.DateTimeField(blank=True, help_text="While it was running.", null=True),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(
                    ("cancel_lapsed_at", None),
                    ("cancel_requested_at__isnull", False),
                    ("status__in", ("starting", "processing")),
                ),
                fields=["worker"],
                name="job_unwanted",
            ),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("attempt", 0), ("status", "queued")),
                    models.Q(("attempt__gt", 0), ("status__in", ("starting", "processing", "completed"))),
                    ("status", "failed"),
                    models.Q(("attempt", 0), ("status", "cancelled")),
                    models.Q(("cancel_requested_at__isnull", False), ("status", "cancelled")),
                    _connector="OR",
                ),
                name="job_attempt_fits_status",
            ),
        ),
    ]
