"""What the OpenAPI document says about this app's operations."""

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.utils import OpenApiExample, extend_schema

from base import pages
from dust.serializers import BalanceSerializer, TransactionListSerializer

F = TypeVar("F", bound=Callable[..., Any])

BALANCE_EXAMPLE = OpenApiExample(
    "One video waits",
    value={"success": True, "balance": 100, "held": 10, "available": 90},
    response_only=True,
)
TRANSACTIONS_EXAMPLE = OpenApiExample(
    "Newest first",
    value={
        "success": True,
        "transactions": [
            {
                "id": "019a2098-5d5a-7d13-9c57-0fa19c172427",
                "kind": "hold",
                "amount": -10,
                "balance_after": 90,
                "job_id": "019a2098-5d59-7b0a-8e11-5a3c2f9d1e77",
                "note": "Set aside for a video",
                "created_at": "2026-01-31T12:00:00Z",
            },
            {
                "id": "019a2097-11c2-7a40-b1f5-6c0d8e2a4b19",
                "kind": "grant",
                "amount": 100,
                "balance_after": 100,
                "job_id": None,
                "note": "Welcome",
                "created_at": "2026-01-31T11:58:35Z",
            },
        ],
        "pagination": {"total": 2, "limit": 20, "offset": 0, "has_more": False},
    },
    response_only=True,
)

balance: Callable[[F], F] = extend_schema(
    operation_id="getDustBalance",
    tags=["DUST"],
    summary="What the caller can spend",
    description="`available` is what a submit can draw on. A submitted job's cost is `held` until a worker "
    "starts it, then leaves `balance` too; a job that fails brings it back.",
    responses={200: BalanceSerializer},
    examples=[BALANCE_EXAMPLE],
)

transactions: Callable[[F], F] = extend_schema(
    operation_id="listDustTransactions",
    tags=["DUST"],
    summary="What moved the caller's DUST",
    description="Every movement, newest first. `amount` is by how much the spendable DUST changed, so each "
    "`balance_after` is the one before it plus `amount`. A job that was started shows a `hold` (minus its "
    "cost) and a `post` (0, since the hold had taken it already); a refund is a `reverse`, a cancelled job a "
    "`void`. `note` is a line to show to people.",
    parameters=[pages.PageQuery],
    responses={200: TransactionListSerializer},
    examples=[TRANSACTIONS_EXAMPLE],
)
