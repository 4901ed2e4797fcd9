"""Users, with UUIDs as every other public id."""

from typing import ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models

from base.ids import uuid7


class User(AbstractUser):
    """A person or a client application."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)

    objects: ClassVar[UserManager["User"]] = UserManager()
