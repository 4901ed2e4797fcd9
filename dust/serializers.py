"""How balances and transfers look to a client."""

from typing import Any

from rest_framework import serializers

from base.openapi import Succeeded
from base.pages import PaginationSerializer
from dust.models import Kind


class BalanceSerializer(serializers.Serializer[Any]):
    """What the caller owns."""

    success = Succeeded(default=True, read_only=True)
    balance = serializers.IntegerField(help_text="All DUST of the account, held or not.")
    held = serializers.IntegerField(help_text="Set aside for jobs that wait in the queue.")
    available = serializers.IntegerField(help_text="What can be spent now: balance less held.")


class TransactionSerializer(serializers.Serializer[Any]):
    """One movement, seen from what the user can spend."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=Kind.choices)
    amount = serializers.IntegerField(
        source="change",
        help_text="By how much `available` changed: negative for a hold, positive for a grant, a release or "
        "a refund, 0 for a post (the hold before it had taken the DUST already).",
    )
    balance_after = serializers.IntegerField(
        source="available_after", help_text="`available` right after it."
    )
    job_id = serializers.UUIDField(allow_null=True)
    note = serializers.CharField()
    created_at = serializers.DateTimeField()


class TransactionListSerializer(serializers.Serializer[Any]):
    """One page of transactions, newest first."""

    success = Succeeded(default=True, read_only=True)
    transactions = TransactionSerializer(many=True)
    pagination = PaginationSerializer()
