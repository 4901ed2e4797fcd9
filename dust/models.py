"""The two tables of money: an account a user, and the transfers that explain its balance.

Rows are written by `dust.ledger` alone. The constraints here and the triggers of `dust.triggers` hold
against everybody else: an admin form, a shell, a second process that came at the same moment.
"""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from base.ids import uuid7

MAX_AMOUNT = 10**12  # DUST in one transfer; far from where a 64-bit sum would overflow


class Kind(models.TextChoices):
    """What a transfer did. A hold ends once: posted, voided or expired; only a post can be reversed."""

    HOLD = "hold"
    POST = "post"
    VOID = "void"
    EXPIRE = "expire"
    REVERSE = "reverse"
    GRANT = "grant"
    ADJUST = "adjust"


class Contra(models.TextChoices):
    """The system account on the other side: a code, not a row, so that nobody queues for its lock.

    Its balance is `-SUM(d_posted)`. Dust that lapses unspent goes to breakage.
    """

    ISSUANCE = "issuance"
    REVENUE = "revenue"
    BREAKAGE = "breakage"
    CORRECTION = "correction"


NOTES = {
    Kind.HOLD: "Set aside for a video",
    Kind.POST: "Charged: work on the video began",
    Kind.VOID: "Released: the video was not made",
    Kind.EXPIRE: "Released: the video was not begun in time",
    Kind.REVERSE: "Refunded: the video could not be made",
    Kind.GRANT: "Granted",
    Kind.ADJUST: "Corrected",
}


class Account(models.Model):
    """What one user owns, and how much of it is set aside. Outlives its user: the history must add up."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="dust_account"
    )
    posted = models.BigIntegerField(default=0, db_default=0)
    held = models.BigIntegerField(default=0, db_default=0)
    seq = models.BigIntegerField(default=0, db_default=0)  # transfers so far; the next one is seq + 1
    frozen = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        permissions = [("grant_dust", "Can grant and correct DUST")]
        constraints = [
            models.CheckConstraint(name="dust_account_held_not_negative", condition=Q(held__gte=0)),
            models.CheckConstraint(name="dust_account_covers_held", condition=Q(posted__gte=F("held"))),
        ]

    def __str__(self) -> str:
        return f"{self.user.get_username() if self.user else 'former user'} (account {self.pk})"

    @property
    def available(self) -> int:
        """What the user can still spend."""
        return self.posted - self.held


class TransferQuerySet(models.QuerySet["Transfer"]):
    """Histories. Order is by `seq`, the order in which the account changed; clocks may disagree."""

    def of(self, account: Account) -> Self:
        return self.filter(account=account)

    def newest_first(self) -> Self:
        return self.order_by("-seq")


_HOLDS_NOTHING = Q(hold__isnull=True)
_REVERSES_NOTHING = Q(reverses__isnull=True)
_JOB = Q(job_id__isnull=False, attempt__isnull=False)
_NO_JOB = Q(job_id__isnull=True, attempt__isnull=True)
_RESOLVES = Q(hold__isnull=False) & _REVERSES_NOTHING & _JOB & Q(contra=Contra.REVENUE)
_STANDS_ALONE = _HOLDS_NOTHING & _REVERSES_NOTHING & _NO_JOB
_SHAPES = (
    (
        Q(kind=Kind.HOLD, contra=Contra.REVENUE, d_posted=0, d_held=F("amount"))
        & (_HOLDS_NOTHING & _REVERSES_NOTHING & _JOB)
    )
    | (Q(kind=Kind.POST, d_posted=-F("amount"), d_held__lte=-F("amount")) & _RESOLVES)
    | (Q(kind__in=[Kind.VOID, Kind.EXPIRE], d_posted=0, d_held=-F("amount")) & _RESOLVES)
    | (
        Q(kind=Kind.REVERSE, contra=Contra.REVENUE, d_posted=F("amount"), d_held=0)
        & (_HOLDS_NOTHING & Q(reverses__isnull=False) & _JOB)
    )
    | (Q(kind=Kind.GRANT, contra=Contra.ISSUANCE, d_posted=F("amount"), d_held=0) & _STANDS_ALONE)
    | (
        Q(kind=Kind.ADJUST, contra__in=[Contra.CORRECTION, Contra.BREAKAGE], d_held=0)
        & (Q(d_posted=F("amount")) | Q(d_posted=-F("amount")))
        & _STANDS_ALONE
    )
)


class Transfer(models.Model):
    """One movement, never changed. Both legs are in it: `d_posted` for the user, `-d_posted` for `contra`."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    # No index of its own: the unique (account, seq) serves it.
    account = models.ForeignKey(Account, on_delete=models.PROTECT, db_index=False, related_name="transfers")
    contra = models.CharField(max_length=10, choices=Contra.choices)
    amount = models.BigIntegerField()
    d_posted = models.BigIntegerField()
    d_held = models.BigIntegerField()
    seq = models.BigIntegerField()
    posted_after = models.BigIntegerField()
    held_after = models.BigIntegerField()
    # One to one, so the database itself ends a hold once and refunds a charge once.
    hold = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="resolution")
    reverses = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="reversal")
    job_id = models.UUIDField(null=True)
    attempt = models.PositiveIntegerField(null=True)
    expires_at = models.DateTimeField(null=True)
    key = models.CharField(max_length=120)
    actor = models.CharField(max_length=150)  # text: a foreign key would want to be nulled one day
    reason = models.CharField(max_length=300)
    meta = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = TransferQuerySet.as_manager()

    class Meta:
        constraints = [
            # Not unique=True: that would add a second, useless index for LIKE on PostgreSQL.
            models.UniqueConstraint(name="dust_transfer_key_once", fields=["key"]),
            models.UniqueConstraint(name="dust_transfer_seq_once", fields=["account", "seq"]),
            models.UniqueConstraint(
                name="dust_transfer_one_hold", fields=["job_id", "attempt"], condition=Q(kind=Kind.HOLD)
            ),
            models.CheckConstraint(
                name="dust_transfer_amount_bounds", condition=Q(amount__gt=0, amount__lte=MAX_AMOUNT)
            ),
            models.CheckConstraint(
                name="dust_transfer_never_below_zero",
                condition=Q(held_after__gte=0, posted_after__gte=F("held_after")),
            ),
            models.CheckConstraint(name="dust_transfer_kind_shape", condition=_SHAPES),
        ]
        indexes = [
            models.Index(name="dust_transfer_job", fields=["job_id"], condition=Q(job_id__isnull=False)),
            models.Index(name="dust_transfer_expiry", fields=["expires_at"], condition=Q(kind=Kind.HOLD)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} ({self.key})"

    @property
    def change(self) -> int:
        """What the user could spend more, or less, because of this."""
        return self.d_posted - self.d_held

    @property
    def available_after(self) -> int:
        return self.posted_after - self.held_after

    @property
    def note(self) -> str:
        """One line for the user."""
        return self.reason or NOTES[Kind(self.kind)]
