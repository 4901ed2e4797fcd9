"""Submits that a client sends again by itself, and marks with no key: it only numbers its tries.

The official clients of OpenAI's API do so when a submit got no answer, or one that may pass. Nothing says
which submit it is that comes again, but equal ones are as good as each other. A job whose id its client has
not used yet may be the one whose answer was lost; so try number n takes the newest such job of an equal
submit that no try as late as n has taken. Equal submits that were lost together thus get a job each.

A first try that was refused (429) has made nothing, and the second would be given another submit's job: the
client is told not to send it (`jobs.openai_face.problems`). After a 5xx nobody knows, as after no answer.
"""

import dataclasses
import datetime
import uuid
from typing import Any

from dust.models import Account
from jobs.models import Job, Unanswered

# A client waits ten minutes for each of its three tries, and some seconds between them.
LIFETIME = datetime.timedelta(minutes=35)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """The number of a try, 0 for the first, and the fingerprint of its request."""

    number: int
    fingerprint: str

    def find(self, user_id: uuid.UUID) -> dict[str, Any] | None:
        """Return nothing: what repeats is only told from what is new while others are held up."""
        return None

    def claim(self, user_id: uuid.UUID) -> dict[str, Any] | None:
        """Take the job of an equal submit whose answer may have been lost; return its receipt, None if none.

        The account stays locked until the caller's transaction ends, as a submit locks it when it holds the
        DUST: one that is at work has committed before it is looked for.
        """
        if not self.number:
            return None
        Account.objects.select_for_update(no_key=True).get(user_id=user_id)
        equal = Unanswered.objects.owned_by(user_id).fresh(LIFETIME).filter(fingerprint=self.fingerprint)
        shown = Job.objects.owned_by(user_id).shown()
        row = equal.filter(tries__lt=self.number, job__in=shown).newest_first().first()
        if row is None:
            return None
        Unanswered.objects.filter(pk=row.pk).update(tries=self.number)
        return dict(row.receipt)

    def record(self, user_id: uuid.UUID, receipt: dict[str, Any]) -> None:
        """Note the job as one whose answer may be lost."""
        Unanswered.objects.create(  # type: ignore[misc]  # the stubs take any JSON for a text
            job_id=receipt["job_id"], fingerprint=self.fingerprint, tries=self.number, receipt=receipt
        )


def answered(job: Any) -> None:
    """Note that the client knows the id of this job, as `jobs.lookup` found it: it was not lost."""
    if job.is_unanswered:
        Unanswered.objects.filter(job_id=job.pk).delete()


def remove_stale(*, dry_run: bool = False) -> int:
    """Delete what no client will ask for any more; return how many."""
    stale = Unanswered.objects.stale(LIFETIME)
    return stale.count() if dry_run else stale.delete()[0]
