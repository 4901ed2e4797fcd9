"""What a database or cache that is away looks like from here."""

from django.db import InterfaceError, OperationalError
from redis import RedisError

AWAY = (OperationalError, InterfaceError, RedisError)
"""Restarting, failing over, out of connections or locked: it may go well in a moment. Nothing else is."""
