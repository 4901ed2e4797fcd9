"""What a user may see of their own DUST."""

import uuid
from typing import cast

from rest_framework.request import Request
from rest_framework.response import Response

from base import pages
from base.views import PrivateView
from dust import ledger, schema
from dust.models import Transfer
from dust.serializers import BalanceSerializer, TransactionSerializer


class BalanceView(PrivateView):
    """`/dust/balance`"""

    @schema.balance
    def get(self, request: Request) -> Response:
        return Response(BalanceSerializer(ledger.balance(_caller(request))).data)


class TransactionsView(PrivateView):
    """`/dust/transactions`"""

    @schema.transactions
    def get(self, request: Request) -> Response:
        query = pages.query(request)
        account = ledger.open_account(_caller(request))
        page = pages.page(Transfer.objects.of(account).newest_first(), total=account.seq, **query)
        rows = TransactionSerializer(page.rows, many=True).data
        return Response({"success": True, "transactions": rows, "pagination": page.pagination})


def _caller(request: Request) -> uuid.UUID:
    return cast(uuid.UUID, request.user.pk)  # nobody anonymous comes past the default permission
