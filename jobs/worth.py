"""What one DUST is worth in money: a pure function of the settings. Only staff's page of margins needs it."""

import dataclasses
import re
from decimal import Decimal

from django.conf import settings

from jobs.providers.exchange import MILLION

FORM = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ([A-Z]{3})", re.ASCII)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """Millionths (and parts of them) of a currency."""

    micros: Decimal
    currency: str

    def of(self, dust: int) -> int:
        """Return what so much DUST is worth, in whole millionths."""
        return round(dust * self.micros)


def of_one() -> Worth | None:
    """Return what DUST_VALUE says; None if it says nothing."""
    found = FORM.fullmatch(settings.DUST_VALUE)
    return Worth(micros=Decimal(found[1]) * MILLION, currency=found[2]) if found else None


def mistakes(text: str) -> list[str]:
    """Return what is wrong with a DUST_VALUE, one sentence each."""
    found = FORM.fullmatch(text)
    if not text or (found and Decimal(found[1])):
        return []
    return [f"DUST_VALUE is {text!r}; it is an amount above 0 and a currency, as 0.01 USD, or empty."]
