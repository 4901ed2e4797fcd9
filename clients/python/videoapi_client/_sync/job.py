"""A job that was submitted: follow it, cancel it, fetch what it made."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

from videoapi_client import wire
from videoapi_client._sync import watch
from videoapi_client._sync.transport import Transport
from videoapi_client.errors import JobUnfinishedError, end_of
from videoapi_client.types import JobCancelled, JobResult, JobStatus, SubmitAccepted, Updates
from videoapi_client.wire import Call


class Job:
    """One job. Keep its `id`: `client.jobs.get(id)` goes on from there. `receipt` is what submit returned."""

    def __init__(self, transport: Transport, job_id: str, receipt: SubmitAccepted | None = None) -> None:
        self._transport = transport
        self.id = job_id
        self.receipt = receipt
        self._path = wire.job_path(job_id)

    def status(self) -> JobStatus:
        """Return where the job stands now."""
        status: JobStatus = self._transport.json(Call(path=f"{self._path}/status"))
        return status

    def updates(self, *, timeout: float | None = None) -> Updates:
        """Yield where the job stands, whenever that changes; the last one is final.

        Raise WaitTimeoutError after `timeout` seconds.
        """
        return watch.updates(self._transport, self.id, timeout)

    def wait(
        self,
        *,
        on_progress: Callable[[JobStatus], Any] | None = None,
        timeout: float | None = None,
    ) -> JobResult:
        """Wait for the job's end and return its result; `on_progress` is called with every change of it.

        Raise JobFailedError or JobCancelledError when it ends without a video, WaitTimeoutError after
        `timeout` seconds.
        """
        with closing(watch.updates(self._transport, self.id, timeout)) as told:
            for job in told:
                if on_progress:
                    on_progress(job)
                if error := end_of(job):
                    raise error
        return self.result()

    def result(self) -> JobResult:
        """Return what the job made. Its addresses are fresh: ask again when they have expired.

        Raise JobUnfinishedError, JobFailedError, JobCancelledError, ResultExpiredError or VideoDeletedError.
        """
        answer = self._transport.send(Call(path=f"{self._path}/result"))
        body = wire.parsed(answer)
        if answer.status_code == 202:
            raise JobUnfinishedError(self.id, body["status"])
        result: JobResult = body
        return result

    def cancel(self) -> JobCancelled | JobStatus:
        """Cancel the job.

        A status that is not `cancelled` says that its provider was asked to stop: wait for how it ends. Raise
        JobNotCancellableError when it has ended, or is past the point where it could be.
        """
        answer: JobCancelled | JobStatus = self._transport.json(Call(method="DELETE", path=self._path))
        return answer
