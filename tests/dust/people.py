"""Small words that the tests of this folder share."""

import uuid

from dust.models import Account, Transfer


def job():
    return uuid.uuid4()


def standing(account):
    """Return (posted, held, seq) as the database has it now."""
    return Account.objects.values_list("posted", "held", "seq").get(pk=account.pk)


def history(account):
    return list(Transfer.objects.filter(account=account).order_by("seq").values_list("kind", flat=True))
