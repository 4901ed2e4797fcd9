"""Who is told of jobs, and what they were told."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import base.ids


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=base.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("url", models.CharField(blank=True, help_text="Empty: the endpoint's.", max_length=2000)),
                ("job_id", models.UUIDField(blank=True, null=True)),
                (
                    "event_id",
                    models.BigIntegerField(blank=True, help_text="The line of the timeline.", null=True),
                ),
                ("type", models.CharField(max_length=20)),
                ("body", models.TextField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "to be sent, now or again"),
                            ("delivered", "answered with 2xx"),
                            ("failed", "given up"),
                        ],
                        default="pending",
                        max_length=10,
                    ),
                ),
                (
                    "tries",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="Begun since it was last asked for."
                    ),
                ),
                (
                    "next_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="Sent from then on; taking it moves this.",
                    ),
                ),
                ("give_up_at", models.DateTimeField()),
                (
                    "claim",
                    models.UUIDField(
                        blank=True, help_text="Of the courier that is at it: its fence.", null=True
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "permissions": (("replay_delivery", "Can send a webhook's message again"),),
            },
        ),
        migrations.CreateModel(
            name="JobSecret",
            fields=[
                ("secret", models.TextField(editable=False)),
                ("previous_secret", models.TextField(blank=True, editable=False)),
                (
                    "previous_until",
                    models.DateTimeField(
                        blank=True,
                        editable=False,
                        help_text="Until then the secret before signs, too.",
                        null=True,
                    ),
                ),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="webhook_secret",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("rotated_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(help_text="As the message's webhook-timestamp says it.")),
                ("url", models.CharField(max_length=2000)),
                (
                    "http_status",
                    models.PositiveSmallIntegerField(
                        blank=True, help_text="Empty: no answer came.", null=True
                    ),
                ),
                ("duration_ms", models.PositiveIntegerField()),
                ("response", models.TextField(blank=True, help_text="How the answer's body began.")),
                ("error", models.CharField(blank=True, max_length=300)),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attempts",
                        to="webhooks.delivery",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Endpoint",
            fields=[
                ("secret", models.TextField(editable=False)),
                ("previous_secret", models.TextField(blank=True, editable=False)),
                (
                    "previous_until",
                    models.DateTimeField(
                        blank=True,
                        editable=False,
                        help_text="Until then the secret before signs, too.",
                        null=True,
                    ),
                ),
                (
                    "id",
                    models.UUIDField(
                        default=base.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("url", models.CharField(max_length=2000)),
                ("event_types", models.JSONField(default=list)),
                ("description", models.CharField(blank=True, max_length=200)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("disabled_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("disabled_reason", models.CharField(blank=True, editable=False, max_length=200)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="webhooks",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "webhook",
                "permissions": (("test_endpoint", "Can send a test message to a webhook"),),
            },
        ),
        migrations.CreateModel(
            name="Receiver",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "origin",
                    models.CharField(
                        blank=True,
                        help_text="Scheme, host and port of jobs' URLs; empty for an endpoint.",
                        max_length=300,
                    ),
                ),
                ("failures", models.PositiveIntegerField(default=0, help_text="In a row.")),
                ("failing_since", models.DateTimeField(blank=True, null=True)),
                (
                    "rests_until",
                    models.DateTimeField(blank=True, help_text="Nothing is sent before.", null=True),
                ),
                ("is_slow", models.BooleanField(default=False, help_text="Its last answer took long.")),
                (
                    "served_at",
                    models.DateTimeField(blank=True, help_text="When something was last sent.", null=True),
                ),
                (
                    "endpoint",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="receiver",
                        to="webhooks.endpoint",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="delivery",
            name="receiver",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="deliveries",
                to="webhooks.receiver",
            ),
        ),
        migrations.AddConstraint(
            model_name="receiver",
            constraint=models.UniqueConstraint(
                condition=models.Q(("endpoint", None)),
                fields=("user", "origin"),
                name="receiver_once_for_an_origin",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["receiver", "-id"], name="delivery_newest"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "pending")),
                fields=["receiver", "next_at", "id"],
                name="delivery_due",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "pending")),
                fields=["receiver", "job_id", "event_id"],
                name="delivery_before",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("job_id", None), _negated=True), fields=["job_id"], name="delivery_of_job"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "pending")), fields=["give_up_at"], name="delivery_overdue"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", False)), fields=["ended_at"], name="delivery_ended"
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(
                fields=("receiver", "event_id"), name="delivery_once_for_a_line"
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at", None), ("state", "pending")),
                    models.Q(models.Q(("state", "pending"), _negated=True), ("ended_at__isnull", False)),
                    _connector="OR",
                ),
                name="delivery_ended_has_a_time",
            ),
        ),
    ]
