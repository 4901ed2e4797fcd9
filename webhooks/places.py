"""How many messages may be under way from one courier: to one receiver, for one user, and in all."""

import uuid
from collections.abc import Collection

from django.conf import settings

from webhooks import schedule
from webhooks.models import Receiver
from webhooks.sending import Parcel

OF_RECEIVER = 4  # one, while it is failing


def left(under_way: Collection[Parcel], *, in_trouble: bool) -> int:
    """Return how many more may be sent to those in trouble, or to the others."""
    return _left(settings.WEBHOOKS_AT_ONCE, under_way, in_trouble)


def left_for(receiver: Receiver, under_way: Collection[Parcel], *, in_trouble: bool) -> int:
    """Return how many more of those may be to this receiver."""
    limit = OF_RECEIVER if receiver.failures < schedule.REST_AFTER else 1
    here = sum(parcel.receiver_id == receiver.id for parcel in under_way)
    everywhere = left(under_way, in_trouble=in_trouble)
    return min(limit - here, everywhere, _left_of_user(receiver.user_id, under_way, in_trouble))


def full_users(under_way: Collection[Parcel], *, in_trouble: bool) -> set[uuid.UUID]:
    """Return the users who have all that one may have."""
    users = {parcel.user_id for parcel in under_way}
    return {user_id for user_id in users if _left_of_user(user_id, under_way, in_trouble) <= 0}


def of_user() -> int:
    """Return how many places one user may have: a quarter, so that nobody can hold them all."""
    quarter: int = settings.WEBHOOKS_AT_ONCE // 4
    return max(1, quarter)


def _left_of_user(user_id: uuid.UUID, under_way: Collection[Parcel], in_trouble: bool) -> int:
    return _left(of_user(), [parcel for parcel in under_way if parcel.user_id == user_id], in_trouble)


def _left(places: int, under_way: Collection[Parcel], in_trouble: bool) -> int:
    """A quarter is only for those in trouble, a half never is."""
    most = max(1, places // 2) if in_trouble else places - places // 4
    alike = sum(parcel.in_trouble == in_trouble for parcel in under_way)
    return min(places - len(under_way), most - alike)
