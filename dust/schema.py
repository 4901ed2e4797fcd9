"""What the OpenAPI document says about this app's operations."""

from base import openapi, pages
from dust.serializers import BalanceSerializer, TransactionListSerializer

DUST = "DUST"
ONE_WAITS = {"success": True, "balance": 100, "held": 10, "available": 90}
NEWEST_FIRST = {
    "success": True,
    "transactions": [
        {
            "id": "019a2098-5d5a-7d13-9c57-0fa19c172427",
            "kind": "hold",
            "amount": -10,
            "balance_after": 90,
            "job_id": "019a2098-5d59-7b0a-8e11-5a3c2f9d1e77",
            "note": "Set aside for a video",
            "created_at": "2026-01-31T12:00:00.120000Z",
        },
        {
            "id": "019a2097-11c2-7a40-b1f5-6c0d8e2a4b19",
            "kind": "grant",
            "amount": 100,
            "balance_after": 100,
            "job_id": None,
            "note": "Welcome",
            "created_at": "2026-01-31T11:58:35.004000Z",
        },
    ],
    "pagination": {"total": 2, "limit": 20, "offset": 0, "has_more": False},
}

balance = openapi.operation(
    "getDustBalance",
    path="/dust/balance",
    tag=DUST,
    summary="What the caller can spend",
    description="`available` is what a submit can draw on. A submitted job's cost is `held` until a worker "
    "starts it, then leaves `balance` too; a job that fails brings it back.",
    answers={200: openapi.answer(BalanceSerializer, "The DUST of the caller.", one_video_waits=ONE_WAITS)},
)

transactions = openapi.operation(
    "listDustTransactions",
    path="/dust/transactions",
    tag=DUST,
    summary="What moved the caller's DUST",
    description="Every movement, newest first. `amount` is by how much the spendable DUST changed, so each "
    "`balance_after` is the one before it plus `amount`. A job that was started shows a `hold` (minus its "
    "cost) and a `post` (0, since the hold had taken it already); a refund is a `reverse`, a cancelled job a "
    "`void`. `note` is a line to show to people.",
    parameters=[pages.PageQuery],
    answers={200: openapi.answer(TransactionListSerializer, "One page.", newest_first=NEWEST_FIRST)},
    refusals=[openapi.INVALID_LIMIT],
)
