"""Lists that come in pages."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Generic, TypeVar

from videoapi_client._async.transport import AsyncTransport
from videoapi_client.types import Pagination
from videoapi_client.wire import Call

Row = TypeVar("Row")


class AsyncList(Generic[Row]):
    """A loop over it goes through all of it, newest first, one page after the other.

    Rows that arrive meanwhile move the others back: each is still met once. To delete while going through a
    list, collect it first, with `all()`.
    """

    def __init__(
        self, transport: AsyncTransport, path: str, *, name: str, identity: str, query: Mapping[str, Any]
    ) -> None:
        self._transport, self._path, self._query = transport, path, query
        self._name, self._identity = name, identity

    async def page(self, offset: int = 0) -> tuple[list[Row], Pagination]:
        """Return the rows from `offset` on, as many as the list's `limit`, and where they lie in it."""
        call = Call(path=self._path, query={**self._query, "offset": offset})
        body = await self._transport.json(call)
        return body[self._name], body["pagination"]

    async def __aiter__(self) -> AsyncIterator[Row]:
        met: set[str] = set()
        offset = 0
        while True:
            rows, pagination = await self.page(offset)
            for row in rows:
                mark: Any = row
                if mark[self._identity] not in met:
                    yield row
                met.add(mark[self._identity])
            if not pagination["has_more"] or not rows:
                return
            offset += len(rows)

    async def all(self) -> list[Row]:
        """Return every row."""
        return [row async for row in self]
