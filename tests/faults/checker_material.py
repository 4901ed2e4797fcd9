"""A small installation after its work: what clients did over the API, and what workers made of it.

Called through `manage.py shell` in an installation of its own; leaves the clients' journals beside its files.
"""

import dataclasses
import hashlib
import pickle
import uuid
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile
from rest_framework.test import APIClient

from accounts.models import User
from jobs import catalogue, lifecycle, remote_tasks
from jobs.models import Job, RemoteTask
from jobs.providers.base import FailureCode
from jobs.providers.remote import NotMade, Refused, Route
from jobs.providers.remote import Taken as Said
from tests.faults import client_media
from tests.faults.client_journal import Closing, Journal, Order, Receipt
from tests.faults.client_user import SMALLEST
from tests.faults.provider_journal import Taken
from tests.jobs.making import details_of
from videos import library
from videos.models import Video

OPENING = 100


class Person:
    """A user, and the journal that their client keeps."""

    def __init__(self, name: str) -> None:
        self.journal = Journal(name, granted=OPENING)
        self._api = APIClient()
        self._api.force_authenticate(User.objects.create_user(name))

    def order(self, key: str, *, model: str = "rehearsal", script: str = "", picture: bytes = b"") -> Order:
        """Submit, twice, as after a lost answer."""
        order = Order(user=self.journal.user, key=key, kind="generate", script=script)
        fields: dict[str, Any] = {**SMALLEST, "model": model, "prompt": f"{key} {script}", "seed": 7}
        for _ in range(2):
            if picture:
                order.kind, order.picture = "animate", hashlib.sha256(picture).hexdigest()
                form = {**fields, "metadata": f'{{"key": "{key}"}}'}
                form["image"] = ContentFile(picture, "storm.png")
                answer = self._api.post("/videos/animate", form, HTTP_IDEMPOTENCY_KEY=key)
            else:
                body = {**fields, "metadata": {"key": key}}
                answer = self._api.post("/videos/generate", body, "json", HTTP_IDEMPOTENCY_KEY=key)
            told = answer.json()
            order.receipts.append(Receipt(told["job_id"], told["cost"], told["balance"]))
            order.fresh += "Idempotent-Replayed" not in answer.headers
        self.journal.orders.append(order)
        return order

    def cancel(self, order: Order) -> None:
        order.cancels.append(self._api.delete(f"/videos/jobs/{order.job_id}").status_code)

    def delete(self, order: Order) -> None:
        order.deletes.append(self._api.delete(f"/videos/{order.video_id}").status_code)

    def look(self, order: Order) -> None:
        """Note how the job ended."""
        order.statuses.append(self._api.get(f"/videos/jobs/{order.job_id}/status").json()["status"])
        answer = self._api.get(f"/videos/jobs/{order.job_id}/result")
        if answer.status_code == 200:
            order.video_id = answer.json()["video"]["id"]

    def close(self) -> Journal:
        """Take a last look at everything."""
        self.journal.closing = Closing(
            balance=self._get("/dust/balance"),
            transactions=self._get("/dust/transactions?limit=100")["transactions"],
            videos=[video["id"] for video in self._get("/videos")["videos"]],
            jobs={job["job_id"]: job["status"] for job in self._get("/videos/jobs")["jobs"]},
        )
        return self.journal

    def _get(self, path: str) -> Any:
        return self._api.get(path).json()


def make(folder: str) -> None:
    """Fill the installation. Bob's last transfer is a refund, Charlie's a charge."""
    alice, bob, charlie = Person("alice"), Person("bob"), Person("charlie")
    kept, animated = alice.order("kept"), alice.order("animated", picture=client_media.pictures()[0])
    cancelled, deleted = alice.order("cancelled"), alice.order("deleted")
    alice.cancel(cancelled)
    failed, late = bob.order("failed", script="[fail]"), charlie.order("late")
    for order in (kept, animated, deleted, late):
        _complete(order, Path(folder))
    lifecycle.fail(_started(failed), code=FailureCode.PROVIDER_REJECTED, detail="as it was asked to")
    works = _remote(alice, Path(folder))
    for person in (alice, bob, charlie):
        for order in person.journal.orders:
            person.look(order)
    alice.delete(deleted)
    journals = [person.close() for person in (alice, bob, charlie)]
    Path(folder, "journals").write_bytes(pickle.dumps(journals))
    Path(folder, "works").write_bytes(pickle.dumps(works))


def _started(order: Order) -> Job:
    job = lifecycle.claim(order.job_id, worker="w1")
    lifecycle.accept(job)
    return job


def _remote(person: Person, folder: Path) -> list[Taken]:
    """Have some made by a provider: one as it should be, one that it failed, one that it never answered, and
    one that it stopped as it was asked to.

    Return what the provider has of them.
    """
    bought = person.order("bought", model="far")
    unmade = person.order("unmade", model="far", script="[fail]")
    unheard, stopped = person.order("unheard", model="far"), person.order("stopped", model="far")
    job, task = _submitted(bought)
    remote_tasks.refused(task, Refused(FailureCode.PROVIDER_UNAVAILABLE, "busy", again=True))
    task = remote_tasks.intend(job, _route(), key=uuid.uuid4(), in_flight=9)
    remote_tasks.taken(task, Said(remote_id="work-bought"))
    lifecycle.accept(job)
    remote_tasks.made(task, None, is_reported=False)
    _deliver(job, folder)
    job, task = _submitted(unmade)
    remote_tasks.taken(task, Said(remote_id="work-unmade"))
    remote_tasks.not_made(job, task, NotMade(code=FailureCode.PROVIDER_REJECTED, detail="out of memory"))
    job, task = _submitted(unheard)
    remote_tasks.unknown(task, "no answer")
    remote_tasks.lose(job, task, code=FailureCode.PROVIDER_TIMEOUT, detail="never heard of")
    job, task = _submitted(stopped)
    remote_tasks.taken(task, Said(remote_id="work-stopped"))
    lifecycle.accept(job)
    person.cancel(stopped)
    over = NotMade(code=FailureCode.PROVIDER_UNAVAILABLE, detail="as it was asked to", is_cancelled=True)
    remote_tasks.not_made(job, task, over)
    return [
        Taken("far", f"work-{order.key}", Job.objects.get(id=order.job_id).prompt, stage, is_findable=False)
        for order, stage in ((bought, "done"), (unmade, "failed"), (stopped, "cancelled"))
    ]


def _submitted(order: Order) -> tuple[Job, RemoteTask]:
    job = lifecycle.claim(order.job_id, worker="w1")
    return job, remote_tasks.intend(job, _route(), key=uuid.uuid4(), in_flight=9)


def _route() -> Route:
    return catalogue.get("far").adapter().route


def _complete(order: Order, folder: Path) -> None:
    _deliver(_started(order), folder)


def _deliver(job: Job, folder: Path) -> None:
    video, poster = folder / "made.mp4", folder / "made.jpg"
    video.write_bytes(b"a video")
    poster.write_bytes(b"\xff\xd8 a poster \xff\xd9")
    fresh = Video(user_id=job.user_id).pk
    files = library.store(video_id=fresh, video=video, poster=poster)
    details = dataclasses.replace(details_of(job), source_image=job.upload)
    lifecycle.complete(job, video_id=fresh, files=files, details=details)
