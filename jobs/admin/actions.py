"""What support may do to a job: for each action its right, the states it fits, its form and its one call."""

import dataclasses
import uuid
from typing import Any, ClassVar

from django import forms

from base.errors import DomainError
from dust.models import Account
from jobs import idempotency, lifecycle, submission
from jobs.admin import wording
from jobs.errors import JobLost
from jobs.models import Job
from jobs.providers.base import FailureCode
from jobs.states import Status

LONGEST_REASON = 300
MOVED_ON = "The job moved on just now, so nothing was done. This is where it stands; decide again."


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an action came to, and at which job to look next; `news` is False when it had been done before."""

    message: str
    job_id: uuid.UUID
    news: bool = True


class ActionForm(forms.Form):
    """Asks why, then makes one call. Sent twice it does its work once."""

    name: ClassVar[str]  # the last part of its address
    title: ClassVar[str]
    permission: ClassVar[str]

    reason = forms.CharField(
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 80, "autofocus": True}),
        help_text="For the timeline and the log, with your name. Only staff see it.",
    )

    @classmethod
    def fits(cls, job: Job) -> bool:
        """Return whether the job is in a state in which this can be done."""
        raise NotImplementedError

    @classmethod
    def empty(cls) -> "ActionForm":
        return cls()

    @classmethod
    def facts(cls, job: Job) -> dict[str, Any]:
        """Return what to show before it is done; `refusal` says why it cannot be."""
        return {}

    def carry_out(self, job: Job, *, actor: str) -> Outcome | None:
        """Do it; return None, with the reason as an error of this form, if it cannot be done."""
        try:
            return self._do(job, actor=actor, reason=self.cleaned_data["reason"])
        except JobLost:
            self.add_error(None, MOVED_ON)
        except DomainError as error:
            self.add_error(None, error.message)
        return None

    def _do(self, job: Job, *, actor: str, reason: str) -> Outcome:
        raise NotImplementedError


class CancelForm(ActionForm):
    name = "cancel"
    title = "Cancel the job"  # "Cancel" alone reads like "go back"
    permission = "jobs.cancel_queued_job"

    @classmethod
    def fits(cls, job: Job) -> bool:
        return job.status == Status.QUEUED

    def _do(self, job: Job, *, actor: str, reason: str) -> Outcome:
        news = lifecycle.cancel(job, actor=actor, reason=reason)
        message = f"Cancelled: {wording.money(job)}." if news else "It was already cancelled."
        return Outcome(message=message, job_id=job.id, news=news)


class FailForm(ActionForm):
    name = "fail"
    title = "Fail and refund"
    permission = "jobs.refund_job"

    code = forms.ChoiceField(
        label="What the user is told",
        choices=FailureCode.choices,
        initial=FailureCode.INTERNAL_ERROR,
        widget=forms.RadioSelect,
    )
    field_order = ("code", "reason")

    @classmethod
    def fits(cls, job: Job) -> bool:
        return not job.is_finished

    def _do(self, job: Job, *, actor: str, reason: str) -> Outcome:
        code = FailureCode(self.cleaned_data["code"])
        detail = f"Ended by {actor}: {reason}"
        lifecycle.fail(job, code=code, detail=detail, actor=actor, reason=reason)
        return Outcome(message=f"Failed: {wording.money(job)}.", job_id=job.id)


class RerunForm(ActionForm):
    """`nonce` is made with the empty form: however often one page is sent, there is one new job."""

    name = "rerun"
    title = "Run again"
    permission = "jobs.rerun_job"

    nonce = forms.UUIDField(widget=forms.HiddenInput)

    @classmethod
    def fits(cls, job: Job) -> bool:
        return job.is_finished

    @classmethod
    def empty(cls) -> "RerunForm":
        return cls(initial={"nonce": uuid.uuid4()})

    @classmethod
    def facts(cls, job: Job) -> dict[str, Any]:
        asked = ("generation_type", "model", "resolution", "duration")
        try:
            quote = submission.quote(job.user_id, **{name: getattr(job, name) for name in asked})
        except DomainError as error:
            return {"refusal": error.message}
        account = Account.objects.get(user_id=job.user_id)
        missing = max(0, quote.cost - quote.available)
        return {"quote": quote, "missing": missing, "left": quote.available - quote.cost, "account": account}

    def _do(self, job: Job, *, actor: str, reason: str) -> Outcome:
        print_ = idempotency.fingerprint("admin/rerun", str(job.id))
        key = submission.Key(key=f"admin:{self.cleaned_data['nonce']}", fingerprint=print_)
        receipt = submission.rerun(job, key, actor=actor, reason=reason)
        message = (
            f"Submitted again as this new job: {receipt.cost} DUST held for it from {wording.owner(job)}."
        )
        if receipt.replayed:
            message = "It was already submitted again, as this job; nothing was done a second time."
        return Outcome(message=message, job_id=uuid.UUID(receipt.job_id), news=not receipt.replayed)


ACTIONS: tuple[type[ActionForm], ...] = (CancelForm, FailForm, RerunForm)
