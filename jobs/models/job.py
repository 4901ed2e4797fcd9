"""Job: one row for each generation."""

import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Case, Count, Exists, ExpressionWrapper, OuterRef, Q, Subquery, Sum, When
from django.db.models.functions import Coalesce, Now

from base.columns import ExactJson
from base.ids import uuid7
from jobs import clock, states
from jobs.formats import AspectRatio, Duration, GenerationType, Resolution
from jobs.models.remote import RemoteTask
from jobs.providers.base import FailureCode
from jobs.states import Status
from videos.models import Video

UNWANTED = Q(status__in=states.RUNNING, cancel_requested_at__isnull=False, cancel_lapsed_at=None)


class JobQuerySet(models.QuerySet["Job"]):
    """Adjectives for jobs. Times are judged by the database's clock."""

    def owned_by(self, user_id: Any) -> Self:
        return self.filter(user_id=user_id)

    def shown(self) -> Self:
        """As `/v1/videos` has them: neither deleted there, nor completed with a video that is gone."""
        return self.filter(hidden_at=None).exclude(status=Status.COMPLETED, video=None)

    def active(self) -> Self:
        """Queued, starting or processing."""
        return self.filter(status__in=states.ACTIVE)

    def queued(self) -> Self:
        return self.filter(status=Status.QUEUED)

    def running(self) -> Self:
        return self.filter(status__in=states.RUNNING)

    def held(self, job: "Job") -> Self:
        """That very job, as long as its worker still has it at this attempt."""
        return self.running().exclude(worker="").filter(id=job.id, attempt=job.attempt, worker=job.worker)

    def unwanted(self) -> Self:
        """Running, though the user has asked for a cancel; but those that go on all the same."""
        return self.filter(UNWANTED)

    def finished(self) -> Self:
        return self.filter(status__in=states.FINISHED)

    def completed(self) -> Self:
        return self.filter(status=Status.COMPLETED)

    def processed(self) -> Self:
        """Completed or failed."""
        return self.filter(status__in=(Status.COMPLETED, Status.FAILED))

    def became(self, video_id: Any) -> Self:
        """Completed with this video."""
        return self.completed().filter(video_id=video_id)

    def ready(self) -> Self:
        """Waiting for a worker: queued, or handed back by one."""
        return self.filter(Q(status=Status.QUEUED) | Q(status=Status.STARTING, worker=""))

    def fresh(self, queue: str, model: str) -> Any:
        """The ids of a queue's queued jobs for a model, oldest first."""
        return self.queued().filter(queue=queue, model=model).in_turn().values_list("id", flat=True)

    def put_off(self, queue: str, model: str) -> Any:
        """The ids of its started jobs that wait for a worker and whose pause is over."""
        waiting = self.filter(status=Status.STARTING, worker="", queue=queue, model=model)
        return waiting.filter(woken_at__lte=clock.now()).oldest_first().values_list("id", flat=True)

    def in_need_of_no_room(self, queue: str) -> Any:
        """The ids of a queue's waiting jobs that a provider may have already, or that are to be cancelled."""
        waiting = self.filter(status=Status.STARTING, worker="", queue=queue, woken_at__lte=clock.now())
        submission = RemoteTask.objects.open().filter(job_id=OuterRef("id"))
        return (waiting.filter(Exists(submission)) | waiting.unwanted()).values_list("id", flat=True)

    def overlooked(self, age: datetime.timedelta) -> Self:
        """Waiting for a worker, and woken longer than `age` ago."""
        return self.ready().filter(woken_at__lt=Now() - age)

    def stalled(self) -> Self:
        """Held by a worker that has not renewed its lease."""
        return self.running().exclude(worker="").filter(lease_expires_at__lt=Now())

    def overdue(self) -> Self:
        """Queued for longer than anyone should wait."""
        return self.queued().filter(deadline_at__lt=Now())

    def deserted(self, age: datetime.timedelta) -> Self:
        """Handed back longer than `age` ago and taken by nobody: its queue may be served no more.

        Said in the words of the index of leases, of which such a job has none: of a long table only the jobs
        that run are read.
        """
        return self.running().filter(worker="", lease_expires_at=None, woken_at__lt=Now() - age)

    def expired(self) -> Self:
        """Finished jobs whose result time is over and that still keep something for clients."""
        return self.finished().filter(cleared_at=None, expires_at__lt=Now())

    def purgeable(self, age: datetime.timedelta) -> Self:
        """Finished, cleared, and older than `age`."""
        return self.finished().exclude(cleared_at=None).filter(finished_at__lt=Now() - age)

    def milliseconds_at_work(self) -> int:
        """Return the time since the one job's claim; 0 if it is none of these any more."""
        times = self.values_list("claimed_at", Now()).first()
        return max(0, round((times[1] - times[0]).total_seconds() * 1000)) if times else 0

    def in_turn(self) -> Self:
        """Queued jobs as the index of those waiting has them: looking for some of them, no other is read."""
        return self.order_by("queue", "id")

    def newest_first(self) -> Self:
        return self.order_by("-id")

    def oldest_first(self) -> Self:
        return self.order_by("id")

    def seen_now(self) -> Self:
        """Add `now`, the database's clock, and `is_expired`, whether the result time is over."""
        over = ExpressionWrapper(Q(expires_at__lte=Now()), output_field=models.BooleanField())
        return self.annotate(now=Now(), is_expired=Coalesce(over, False))

    def with_queue_ahead(self) -> Self:
        """Add `ahead` and `ahead_seconds`: what will run before a queued job; 0 for any other.

        One statement: the database does not run the two subqueries for a job that is not queued, and
        they read the small partial index of queued jobs, whatever the size of the table. They name nothing
        that is not in it, or PostgreSQL may prefer to walk the whole table.
        """
        same_queue = Job.objects.queued().filter(queue=OuterRef("queue"))
        before = same_queue.filter(id__lt=OuterRef("id")).order_by().values("queue")
        count = before.annotate(n=Count("id")).values("n")
        seconds = before.annotate(s=Sum("expected_seconds")).values("s")
        return self.annotate(
            ahead=_if_queued(count, models.IntegerField()),
            ahead_seconds=_if_queued(seconds, models.FloatField()),
        )


def _if_queued(query: Any, field: "models.Field[Any, Any]") -> Case:
    value = Coalesce(Subquery(query, output_field=field), 0, output_field=field)
    return Case(When(status=Status.QUEUED, then=value), default=0, output_field=field)


class Job(models.Model):
    """One generation. Only `jobs.lifecycle` changes its status, attempt, worker and lease."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # PROTECT: a user with jobs is deactivated, not deleted, so that money keeps its story
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="jobs", db_index=False)

    # what was asked for
    generation_type = models.CharField(max_length=20, choices=GenerationType.choices)
    model = models.CharField(max_length=60)
    made_by = models.CharField(max_length=60, blank=True, db_default="", help_text="If not by `model`.")
    queue = models.CharField(max_length=40, db_default="render", help_text="Whose workers make it.")
    prompt = models.TextField()
    duration = models.CharField(max_length=10, choices=Duration.choices)
    resolution = models.CharField(max_length=10, choices=Resolution.choices)
    aspect_ratio = models.CharField(max_length=5, choices=AspectRatio.choices, blank=True)
    camera_fixed = models.BooleanField(default=False)
    seed = models.PositiveBigIntegerField()
    seed_was_drawn = models.BooleanField(db_default=False, help_text="By us: the user named none.")
    reference_person = ExactJson(null=True, blank=True)
    metadata = ExactJson(default=dict, blank=True)
    image_url = models.CharField(max_length=2000, blank=True)
    upload = models.CharField(max_length=200, blank=True, help_text="Storage name of the uploaded picture.")
    upload_name = models.CharField(max_length=200, blank=True, help_text="The name the user's file had.")

    webhook_url = models.CharField(max_length=2000, blank=True, db_default="", help_text="Is told of it.")

    # where it stands
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0, help_text="Counts claims: the fencing number.")
    worker = models.CharField(max_length=120, blank=True, help_text="Who holds the lease.")
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    progress = models.FloatField(default=0)
    current_step = models.CharField(max_length=100, default="Waiting in the queue")
    cost = models.PositiveIntegerField()
    expected_seconds = models.FloatField(help_text="Work it was expected to need when submitted, in seconds.")

    # how it ended
    video = models.OneToOneField(Video, models.SET_NULL, null=True, blank=True, related_name="job")
    failure_code = models.CharField(max_length=30, choices=FailureCode.choices, blank=True)
    failure_detail = models.TextField(blank=True, help_text="For staff only.")
    generation_ms = models.PositiveIntegerField(null=True, blank=True)

    # when, by the database's clock
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)
    woken_at = models.DateTimeField(db_default=Now(), editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True, help_text="While it was running.")
    cancel_lapsed_at = models.DateTimeField(null=True, blank=True, help_text="It went on all the same.")
    finished_at = models.DateTimeField(null=True, blank=True)
    deadline_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    cleared_at = models.DateTimeField(null=True, blank=True)
    hidden_at = models.DateTimeField(null=True, blank=True, help_text="Deleted by /v1/videos.")

    # where it came from
    request_id = models.CharField(max_length=64, blank=True)
    rerun_of = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="reruns")

    objects = JobQuerySet.as_manager()

    class Meta:
        permissions = (
            ("cancel_queued_job", "Can cancel a queued job"),
            ("refund_job", "Can fail and refund a running job"),
            ("rerun_job", "Can run a job again"),
        )
        indexes = (
            models.Index(fields=["user", "-id"], name="job_user_newest"),
            models.Index(
                fields=["user", "id"], name="job_user_active", condition=Q(status__in=states.ACTIVE)
            ),
            models.Index(
                fields=["queue", "id", "expected_seconds"],
                name="job_waiting",
                condition=Q(status=Status.QUEUED),
            ),
            models.Index(
                fields=["lease_expires_at"], name="job_lease", condition=Q(status__in=states.RUNNING)
            ),
            models.Index(
                fields=["model", "generation_type", "resolution", "duration", "-finished_at"],
                name="job_history",
                condition=Q(status=Status.COMPLETED),
            ),
            models.Index(fields=["worker"], name="job_unwanted", condition=UNWANTED),
            models.Index(fields=["expires_at"], name="job_uncleared", condition=Q(cleared_at=None)),
            models.Index(fields=["-finished_at"], name="job_finished"),
            models.Index(
                fields=["user", "status", "-id"],
                name="job_user_unmade",
                condition=Q(status__in=states.UNMADE),
            ),
            models.Index(fields=["status", "-id"], name="job_unmade", condition=Q(status__in=states.UNMADE)),
            models.Index(fields=["model", "-id"], name="job_model_newest"),
            models.Index(fields=["request_id"], name="job_request", condition=~Q(request_id="")),
            models.Index(fields=["upload"], name="job_upload", condition=~Q(upload="")),
        )
        constraints = (
            models.CheckConstraint(condition=Q(progress__range=(0, 1)), name="job_progress_is_a_share"),
            models.CheckConstraint(
                condition=Q(status__in=states.ACTIVE, finished_at=None)
                | Q(status__in=states.FINISHED, finished_at__isnull=False),
                name="job_finished_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(status=Status.QUEUED, attempt=0)
                | Q(status__in=(*states.RUNNING, Status.COMPLETED), attempt__gt=0)
                | Q(status=Status.FAILED)
                | Q(status=Status.CANCELLED, attempt=0)
                | Q(status=Status.CANCELLED, cancel_requested_at__isnull=False),
                name="job_attempt_fits_status",
            ),
            models.CheckConstraint(
                condition=Q(status=Status.FAILED) ^ Q(failure_code=""), name="job_failure_has_a_code"
            ),
        )

    def __str__(self) -> str:
        return f"{self.id} ({self.status})"

    @property
    def dust(self) -> states.Dust:
        """What happened to the money."""
        if self.status == Status.CANCELLED and self.was_started:
            return states.Dust.REFUNDED
        return states.DUST[Status(self.status)]

    @property
    def is_unwanted(self) -> bool:
        """Whether its user has asked for a cancel that has not come to nothing."""
        return self.cancel_requested_at is not None and self.cancel_lapsed_at is None

    @property
    def is_finished(self) -> bool:
        return self.status in states.FINISHED

    @property
    def was_started(self) -> bool:
        return self.attempt > 0
