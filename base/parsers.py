"""JSON bodies, bounded in size and depth, also when sent as `text/plain` (a browser's default)."""

import json
import math
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser, MultiPartParser


class PayloadTooLarge(APIException):
    """The body is larger than this endpoint accepts."""

    status_code = 413
    default_detail = "The request body is too large."
    default_code = "payload_too_large"


def loads(raw: bytes | str) -> Any:
    """Parse JSON as RFC 8259 has it. Raise ParseError for anything else, NaN and deep nesting included."""
    try:
        value = json.loads(raw, parse_constant=_refuse_constant, parse_float=_finite)
        bounded = depth(value) <= settings.MAX_JSON_DEPTH
    except RecursionError:
        bounded = False
    except json.JSONDecodeError as error:
        raise ParseError(f"The body is not valid JSON: line {error.lineno}, column {error.colno}.") from error
    except UnicodeDecodeError as error:
        raise ParseError("The body is not valid JSON: it is not UTF-8.") from error
    except ValueError as error:  # NaN, 1e999, or a whole number of thousands of digits
        raise ParseError("The body is not valid JSON: it has a number out of range.") from error
    if not bounded:
        raise ParseError(f"JSON may nest at most {settings.MAX_JSON_DEPTH} levels deep.")
    return value


def depth(value: Any) -> int:
    """Return how many containers deep a parsed JSON value nests."""
    if isinstance(value, Mapping):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is out of range")
    return number


class BoundedJsonParser(BaseParser):
    """`application/json`, at most `MAX_JSON_BYTES`."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        raw = stream.read(settings.MAX_JSON_BYTES + 1)
        if len(raw) > settings.MAX_JSON_BYTES:
            raise PayloadTooLarge(f"A JSON body may have at most {settings.MAX_JSON_BYTES} bytes.")
        return loads(raw)


class PlainTextJsonParser(BoundedJsonParser):
    """JSON sent as `text/plain`: what fetch() sends for a string body without a content type."""

    media_type = "text/plain"


class FormParser(MultiPartParser):
    """`multipart/form-data`, its number of fields and files bounded."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            return super().parse(stream, media_type, parser_context)
        except SuspiciousOperation as error:  # too many fields or files, or a field that is too large
            raise ParseError(
                "The form has too many fields or files, or a field that is too large."
            ) from error
