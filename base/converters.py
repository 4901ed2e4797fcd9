"""Path converters that Django does not have."""

from django.urls import register_converter
from django.urls.converters import UUIDConverter


class AnyCaseUuid(UUIDConverter):
    """A UUID in either case: Swift writes them in capitals, and RFC 9562 wants both read."""

    regex = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"


register_converter(AnyCaseUuid, "id")
