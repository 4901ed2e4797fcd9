"""A submission that a provider may have: how to ask about it, and what it means that this can't be done."""

import contextlib
import dataclasses
import logging
from collections.abc import Iterator

from jobs import catalogue, upstreams
from jobs.catalogue import Model, Remote
from jobs.models import Job, RemoteTask
from jobs.providers.base import FailureCode
from jobs.providers.remote import Cost, Made, Refused, RemoteProvider, Request

logger = logging.getLogger(__name__)

# What reading an answer ends in that is no error of its protocol's, and that no adapter has thought of.
ODD = (TypeError, ValueError, AttributeError, LookupError, ArithmeticError)
STORAGE = "Our storage failed; this will be tried again"


class Waits(Exception):
    """The job has to wait for so many seconds. `step` is why for its user, `why` for staff."""

    def __init__(self, seconds: float, why: str, *, step: str) -> None:
        super().__init__(why)
        self.seconds = seconds
        self.why = why
        self.step = step


class Lost(Exception):
    """Nothing can be found out about a submission any more; `task` is what was known of it then."""

    def __init__(self, code: FailureCode, detail: str, *, task: RemoteTask | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.task = task


@dataclasses.dataclass(frozen=True, slots=True)
class Engaged:
    """A submission that was taken: by which model, and how to ask about it."""

    task: RemoteTask
    model: Model
    adapter: RemoteProvider

    @property
    def remote(self) -> Remote:
        assert self.model.remote is not None  # noqa: S101 - only remote ones are engaged
        return self.model.remote

    def cost(self, made: Made, job: Job) -> Cost | None:
        """Return what the operator pays: as the provider says, else by our table."""
        return made.cost or self.model.cost(job.duration)

    def require_home(self, request: Request) -> None:
        """Raise Lost if the provider has named an address for us to ask that is not its own."""
        if not self.adapter.route.owns(request.url):
            host = request.url.split("/")[2] if request.url.count("/") > 1 else request.url
            raise Lost(
                FailureCode.INTERNAL_ERROR, f"The provider sends us to {host[:100]}, which is not its own."
            )


def take_up(task: RemoteTask) -> Engaged:
    """Return how to ask about a submission. Raise Lost if its model is there no more, or Waits."""
    model = catalogue.get(task.model)
    if model is None or model.remote is None:
        raise Lost(FailureCode.PROVIDER_UNAVAILABLE, f"The model {task.model!r} was withdrawn.")
    try:
        return Engaged(task, model, model.adapter())
    except OSError as error:
        why = keyless(model, error)
        raise Waits(upstreams.LONGEST_PAUSE, why.detail, step=upstreams.DOWN) from error


def keyless(model: Model, error: OSError) -> Refused:
    """Return what it means that a model's key can't be read: nobody's work is taken until it can."""
    detail = f"The key of {model.alias} can't be read: {error}"
    return Refused(FailureCode.PROVIDER_UNAVAILABLE, detail, again=True, is_outage=True)


@contextlib.contextmanager
def storing(job: Job) -> Iterator[None]:
    """Have the job wait if our storage or disk fails: perhaps it is gone in a moment. Raise Waits."""
    try:
        yield
    except OSError as error:
        logger.exception("job %s: storage", job.id)
        raise Waits(upstreams.LONGEST_PAUSE, f"Storage failed: {error}", step=STORAGE) from error
