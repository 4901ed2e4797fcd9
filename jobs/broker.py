"""django-q2's database broker with three things it lacks: order, delay, and patience with the database."""

import datetime
import logging
import time
from typing import Any

from django.db import connections, transaction
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import OrmQ

from base.outages import AWAY

logger = logging.getLogger(__name__)

AWAY_SECONDS = 1.0


class Broker(ORM):  # type: ignore[misc]
    """Messages are served oldest first, and commit with the transaction that sends them.

    `delay` is how long the messages sent through this instance wait before they are served.
    """

    def __init__(
        self, list_key: str | None = None, *, delay: datetime.timedelta = datetime.timedelta(0)
    ) -> None:
        super().__init__(list_key)
        self._delay = delay

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state)
        self._delay = datetime.timedelta(0)

    def enqueue(self, task: str) -> Any:
        served_from = timezone.now() + self._delay
        return self.get_connection().create(key=self.list_key, payload=task, lock=served_from).pk

    def dequeue(self) -> list[tuple[Any, str]] | None:
        """Return the oldest message, or None after a pause. A database that is away is waited for.

        Raising would end the pusher, which the supervisor takes for a death of the whole cluster.
        """
        try:
            message = self._take()
        except AWAY as error:
            logger.warning("the database does not answer, will ask again: %s", error)
            connections[Conf.ORM].close()
            time.sleep(AWAY_SECONDS)
            return None
        if message is None:
            time.sleep(Conf.POLL)
            return None
        return [(message.pk, message.payload)]

    def _take(self) -> OrmQ | None:
        # SKIP LOCKED where there is such a thing: clusters that ask at once don't wait for each other.
        skip = connections[Conf.ORM].features.has_select_for_update_skip_locked
        waiting = self.get_connection().filter(key=self.list_key, lock__lte=timezone.now()).order_by("id")
        if not waiting.exists():  # SQLite's one write lock is not taken to find nothing
            return None
        with transaction.atomic(using=Conf.ORM):
            message = waiting.select_for_update(skip_locked=skip).first()
            if message is not None:
                OrmQ.objects.using(Conf.ORM).filter(pk=message.pk).update(lock=self.timeout(None))
        return message
