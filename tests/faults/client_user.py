"""One user of the storm: orders, follows, cancels, plays and deletes videos, and notes what it is told."""

import hashlib
import random
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.faults import client_media, client_scripts
from tests.faults.client import Answer, PatientClient
from tests.faults.client_journal import DUST, FINISHED, Closing, Journal, Order, Receipt

COSTS = {"generate": 10, "animate": 8}
SMALLEST = {"duration": "short", "resolution": "sd_480p"}
PAGE = 100
FICKLE = 0.3  # of the orders: were it any order at any turn, a busy machine's would be cancelled nearly all


class User(threading.Thread):
    """Lives until `closing` is set, then brings every order to its end, `patience` seconds at most."""

    def __init__(
        self,
        journal: Journal,
        client: PatientClient,
        *,
        chance: random.Random,
        pictures: list[bytes],
        picture_url: str,
        closing: threading.Event,
        patience: float,
        most_open: int = 3,
    ) -> None:
        super().__init__(name=journal.user, daemon=True)
        self.journal = journal
        self._client, self._chance, self._pictures = client, chance, pictures
        self._picture_url, self._closing, self._patience = picture_url, closing, patience
        self._most_open = most_open

    def run(self) -> None:
        try:
            while not self._closing.is_set():
                self._turn()
                time.sleep(self._chance.uniform(0.1, 0.6))
            self._finish()
        except Exception:
            self.journal.odd(None, f"the client itself failed: {traceback.format_exc()}")
        finally:
            self.journal.answers, self.journal.retries = self._client.answers, self._client.retries
            self.journal.oddities += [f"client {self.journal.user}: {each}" for each in self._client.faults]
            self._client.close()

    # --- what a user does ----------------------------------------------------------------------------

    def _turn(self) -> None:
        waiting = self._open()
        dice = self._chance.random()
        if not waiting or (len(waiting) < self._most_open and dice < 0.35):
            self._order()
        elif dice < 0.42:
            self._look_at_balance()
        elif dice < 0.45 and (fickle := [each for each in waiting if each.fickle]):
            self._cancel(self._chance.choice(fickle))
        elif dice < 0.51 and (ended := [each for each in self.journal.orders if each.is_finished]):
            self._return_to(self._chance.choice(ended))
        else:
            self._follow(self._chance.choice(waiting))

    def _open(self) -> list[Order]:
        return [order for order in self.journal.orders if order.job_id and not order.is_finished]

    def _order(self) -> None:
        order, path, content = self._compose()
        self.journal.orders.append(order)
        if self._chance.random() < 0.12:  # an impatient finger: the same order twice at once
            with ThreadPoolExecutor(2) as pool:
                chances = [random.Random(self._chance.random()) for _ in range(2)]
                answers = list(pool.map(lambda chance: self._client.call(chance, *path, **content), chances))
        else:
            answers = [self._client.call(self._chance, *path, **content)]
        for answer in answers:
            self._note_submit(order, answer)
        if order.job_id and self._chance.random() < 0.12:
            self._note_submit(order, self._client.call(self._chance, *path, **content))
        if order.job_id and self._chance.random() < 0.05:
            self._misuse_key(order)
        if order.job_id and self._chance.random() < 0.08:
            self._cancel(order)

    def _compose(self) -> tuple[Order, tuple[str, str], dict[str, Any]]:
        key = f"{self.journal.user}-{len(self.journal.orders)}-{self._chance.getrandbits(32):08x}"
        model, script = client_scripts.draw(self._chance, number=len(self.journal.orders))
        fields = {**SMALLEST, "model": model, "prompt": f"Storm {key} {script}", "seed": 7}
        order = Order(user=self.journal.user, key=key, kind="generate", script=script)
        order.fickle = self._chance.random() < FICKLE
        headers, dice = {"Idempotency-Key": key}, self._chance.random()
        if dice < 0.7:
            body = {**fields, "aspect_ratio": "1:1", "metadata": {"key": key}}
            return order, ("POST", "/videos/generate"), {"json": body, "headers": headers}
        order.kind = "animate"
        if dice < 0.8:
            order.fetched = True
            body = {**fields, "image_url": self._picture_url, "metadata": {"key": key}}
            return order, ("POST", "/videos/animate"), {"json": body, "headers": headers}
        picture = client_media.marked(self._chance.choice(self._pictures), key)
        order.picture = hashlib.sha256(picture).hexdigest()
        form = {**fields, "seed": "7", "metadata": f'{{"key": "{key}"}}'}
        files = {"image": ("storm.png", picture, "image/png")}
        return order, ("POST", "/videos/animate"), {"data": form, "files": files, "headers": headers}

    def _cancel(self, order: Order) -> None:
        answer = self._client.call(self._chance, "DELETE", f"/videos/jobs/{order.job_id}")
        if answer.status == 200 and answer.body["status"] == "cancelled":
            order.cancels.append(200)
            self._note_status(order, "cancelled")
        elif answer.status == 202:
            order.cancels.append(202)
            self._note_status(order, answer.body["status"])
        elif answer.status == 409 and answer.code == "job_not_cancellable":
            order.cancels.append(409)
            self._note_status(order, answer.body["job_status"])
        else:
            self._odd(order, "a cancel", answer)

    def _follow(self, order: Order) -> None:
        answer = self._client.call(self._chance, "GET", f"/videos/jobs/{order.job_id}/status")
        if answer.status != 200:
            self._odd(order, "a poll", answer)
            return
        if answer.body["dust"] not in DUST[answer.body["status"]]:
            self._odd(order, "a poll", answer)
        self._note_status(order, answer.body["status"])
        if order.is_finished:
            self._fetch_result(order)
            if order.video_id and self._chance.random() < 0.6:
                self._play(order)
            if order.video_id and self._chance.random() < 0.25:
                self._remove(order)

    def _return_to(self, order: Order) -> None:
        """A job that has ended stays as it is, and so does its video."""
        answer = self._client.call(self._chance, "GET", f"/videos/jobs/{order.job_id}/status")
        if answer.status != 200:
            self._odd(order, "a poll", answer)
            return
        self._note_status(order, answer.body["status"])
        self._fetch_result(order)
        if order.video_id and not order.was_deleted and self._chance.random() < 0.3:
            self._remove(order)

    def _fetch_result(self, order: Order) -> str:
        """Return the address of the video, "" if there is none."""
        answer = self._client.call(self._chance, "GET", f"/videos/jobs/{order.job_id}/result")
        expected = {"failed": (409, "job_failed"), "cancelled": (409, "job_cancelled")}.get(
            order.statuses[-1], (410, "video_deleted") if order.was_deleted else (200, "")
        )
        if (answer.status, answer.code) != expected:
            self._odd(order, f"a result after {order.statuses[-1]}", answer)
        if answer.status != 200:
            return ""
        video = answer.body["video"]
        if order.video_id not in ("", video["id"]):
            self.journal.odd(order, f"its video was {order.video_id} and is {video['id']}")
        order.video_id, order.size_bytes = video["id"], video["size_bytes"]
        return str(video["url"])

    def _play(self, order: Order) -> None:
        address = self._fetch_result(order)
        path = address.split("/", 3)[-1]  # whichever server wrote it: they are all one service
        answer = self._client.call(self._chance, "GET", f"/{path}")
        if answer.status != 200:
            self._odd(order, "a play", answer)
        elif fault := client_media.fault(answer.content, order.size_bytes):
            self.journal.odd(order, f"the video that was served {fault}")
        order.plays += 1

    def _remove(self, order: Order) -> None:
        answer = self._client.call(self._chance, "DELETE", f"/videos/{order.video_id}")
        gone_unseen = answer.status == 404 and answer.unknown > 0
        if gone_unseen or (answer.status == 200 and answer.body["deleted_from_storage"]):
            order.deletes.append(answer.status)
        else:
            self._odd(order, "a delete", answer)

    def _look_at_balance(self) -> None:
        body = self._client.call(self._chance, "GET", "/dust/balance").body
        self.journal.balances.append((body["balance"], body["held"]))

    def _misuse_key(self, order: Order) -> None:
        body = {**SMALLEST, "model": "rehearsal", "prompt": "another order under a key that is taken"}
        answer = self._client.call(
            self._chance, "POST", "/videos/generate", json=body, headers={"Idempotency-Key": order.key}
        )
        if answer.status != 422:
            self._odd(order, "another order under its key", answer)

    # --- the end -------------------------------------------------------------------------------------

    def _finish(self) -> None:
        deadline = time.monotonic() + self._patience
        while (waiting := self._open()) and time.monotonic() < deadline:
            self._follow(self._chance.choice(waiting))
            time.sleep(self._chance.uniform(0.3, 0.8))
        for order in self._open():
            self.journal.odd(order, f"still {order.statuses[-1:]} {self._patience:.0f} s after the storm")
        self.journal.closing = Closing(
            balance=self._client.call(self._chance, "GET", "/dust/balance").body,
            transactions=self._all("/dust/transactions", "transactions"),
            videos=[video["id"] for video in self._all("/videos", "videos")],
            jobs={job["job_id"]: job["status"] for job in self._all("/videos/jobs", "jobs")},
        )

    def _all(self, path: str, name: str) -> list[Any]:
        found: list[Any] = []
        while True:
            address = f"{path}?limit={PAGE}&offset={len(found)}"
            body = self._client.call(self._chance, "GET", address).body
            found += body[name]
            if not body["pagination"]["has_more"]:
                return found

    # --- what is noted -------------------------------------------------------------------------------

    def _note_submit(self, order: Order, answer: Answer) -> None:
        order.unknown += answer.unknown
        if answer.status == 202:
            body = answer.body
            order.receipts.append(Receipt(body["job_id"], body["cost"], body["balance"]))
            order.fresh += answer.headers.get("Idempotent-Replayed") != "true"
        elif (answer.status, answer.code) in ((402, "insufficient_dust"), (429, "too_many_active_jobs")):
            order.refused.append(answer.code)
        else:
            self._odd(order, "a submit", answer)

    def _note_status(self, order: Order, status: str) -> None:
        before = order.statuses[-1] if order.statuses else "queued"
        if before in FINISHED and status != before:
            self.journal.odd(order, f"had ended as {before}, and then said {status}")
        if status == "queued" and before != "queued":
            self.journal.odd(order, f"was {before}, and then queued again")
        if not order.statuses or status != before:
            order.statuses.append(status)

    def _odd(self, order: Order, what: str, answer: Answer) -> None:
        text = answer.content[:200].decode(errors="replace")
        self.journal.odd(order, f"{what} was answered {answer.status} ({answer.unknown} unknown): {text}")
