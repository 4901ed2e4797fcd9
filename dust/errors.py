"""What the ledger refuses, one class a case."""

from base.errors import DomainError


class DustError(DomainError):
    """The base of all of them. Do not raise directly."""


class InsufficientDust(DustError):
    """There is not enough DUST left for this."""

    code = "insufficient_dust"

    def __init__(self, *, available: int, needed: int) -> None:
        super().__init__(
            f"This needs {needed} DUST and {available} can be spent.",
            current_balance=available,
            required_amount=needed,
        )


class AccountFrozen(DustError):
    """This DUST account is frozen; please write to support."""

    code = "account_frozen"


class AccountNotFound(DustError):
    """There is no such DUST account."""

    code = "account_not_found"


class HoldNotFound(DustError):
    """No DUST was set aside for this attempt of the job."""

    code = "hold_not_found"


class HoldAlreadyResolved(DustError):
    """The DUST set aside for this attempt was already dealt with in another way."""

    code = "hold_already_resolved"

    def __init__(self, kind: str) -> None:
        self.kind = kind  # how: post, void or expire
        super().__init__(f"The DUST set aside for this attempt was already dealt with: {kind}.", kind=kind)


class NotPosted(DustError):
    """Nothing was charged for this attempt, so there is nothing to refund."""

    code = "not_posted"


class KeyConflict(DustError):
    """This key was already used for another movement; use a new key for a new one."""

    code = "key_conflict"


class InvalidMovement(DustError):
    """The ledger cannot write this movement."""

    code = "invalid_request"


class ConcurrentDuplicate(DustError):
    """Another process did the same at the same moment. Run the whole transaction again."""

    code = "concurrent_duplicate"
