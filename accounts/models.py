"""Who is calling: users, their API tokens, and the identities other systems vouch for."""

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Now, Upper

from base.ids import uuid7

MAX_TOKEN_NAME_LENGTH = 100


class User(AbstractUser):
    """A person or a client application."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)

    class Meta(AbstractUser.Meta):
        # UPPER() is what `email__iexact` asks for: people don't remember how they capitalised an address.
        indexes = [models.Index(Upper("email"), name="accounts_user_email")]


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def usable(self) -> "ApiTokenQuerySet":
        """Tokens that open a door now, by the database's clock."""
        unexpired = models.Q(expires_at=None) | models.Q(expires_at__gt=Now())
        return self.filter(unexpired, revoked_at=None, user__is_active=True)


class ApiToken(models.Model):
    """A key to the API. Only its digest is kept: who reads this table can call nothing."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(
        max_length=MAX_TOKEN_NAME_LENGTH, help_text="What it is for, in its owner's words."
    )
    prefix = models.CharField(
        max_length=16, editable=False, help_text="Its first characters, to tell tokens apart."
    )
    digest = models.CharField(
        max_length=64, unique=True, editable=False
    )  # SHA-256 of the whole token, in hex
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty: it does not expire.")
    last_used_at = models.DateTimeField(
        null=True, editable=False
    )  # to the hour: see tokens.USE_RECORDED_EVERY
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = "API token"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class ExternalIdentity(models.Model):
    """A user as an identity provider knows them: its `iss` and `sub`, the pair that never changes hands."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="identities")
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name_plural = "external identities"
        constraints = [models.UniqueConstraint(fields=["issuer", "subject"], name="accounts_identity_once")]

    def __str__(self) -> str:
        return f"{self.subject} at {self.issuer}"
