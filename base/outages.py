"""What a database that is away looks like from here."""

from django.db import InterfaceError, OperationalError

AWAY = (OperationalError, InterfaceError)
"""Restarting, failing over, out of connections or locked: it may go well in a moment. Nothing else is."""
