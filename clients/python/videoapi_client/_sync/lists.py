"""Lists that come in pages."""

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

from videoapi_client._sync.transport import Transport
from videoapi_client.types import Pagination
from videoapi_client.wire import Call

Row = TypeVar("Row")


class List(Generic[Row]):
    """A loop over it goes through all of it, newest first, one page after the other.

    Rows that arrive meanwhile move the others back: each is still met once. To delete while going through a
    list, collect it first, with `all()`.
    """

    def __init__(
        self, transport: Transport, path: str, *, name: str, identity: str, query: Mapping[str, Any]
    ) -> None:
        self._transport, self._path, self._query = transport, path, query
        self._name, self._identity = name, identity

    def page(self, offset: int = 0) -> tuple[list[Row], Pagination]:
        """Return the rows from `offset` on, as many as the list's `limit`, and where they lie in it."""
        call = Call(path=self._path, query={**self._query, "offset": offset})
        body = self._transport.json(call)
        return body[self._name], body["pagination"]

    def __iter__(self) -> Iterator[Row]:
        met: set[str] = set()
        offset = 0
        while True:
            rows, pagination = self.page(offset)
            for row in rows:
                mark: Any = row
                if mark[self._identity] not in met:
                    yield row
                met.add(mark[self._identity])
            if not pagination["has_more"] or not rows:
                return
            offset += len(rows)

    def all(self) -> list[Row]:
        """Return every row."""
        return [row for row in self]
