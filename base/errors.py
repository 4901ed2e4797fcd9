"""The base of every error that the domain raises on purpose."""

import inspect
from typing import Any


class DomainError(Exception):
    """Something the caller can be told. Do not raise directly.

    One class a case; its docstring is the default message, `code` is stable, and keyword arguments
    become `extra`: facts a caller may show (JSON values only). HTTP statuses are `videoapi.problems`'s.
    """

    code = "internal_error"

    def __init__(self, message: str = "", **extra: Any) -> None:
        self.message = message or inspect.cleandoc(self.__doc__ or self.code).splitlines()[0]
        self.extra = extra
        super().__init__(self.message)
