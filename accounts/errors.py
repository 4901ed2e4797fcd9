"""What can be wrong with credentials."""

from base.errors import DomainError


class CredentialsRefused(DomainError):
    """This token is not valid: it may be mistyped, expired or revoked.

    One sentence for every cause: which one it is, is nobody's business who does not hold the token.
    """

    code = "not_authenticated"


class IdentityProviderAway(DomainError):
    """The identity provider behind this token cannot be asked right now; please try again shortly."""

    code = "unavailable"
