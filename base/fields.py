"""Serializer fields that take JSON at its word: no numbers as text, no NUL bytes, no unknown fields."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers


class Text(serializers.CharField):
    """A JSON string without NUL bytes or lone surrogates (no database stores either)."""

    default_error_messages = {"unstorable": "Contains characters that cannot be stored."}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        if "\x00" in data or any("\ud800" <= character <= "\udfff" for character in data):
            self.fail("unstorable")
        return super().to_internal_value(data)


class Whole(serializers.IntegerField):
    """A JSON integer: not "5", not 5.0, not true."""

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return data


class Flag(serializers.BooleanField):
    """A JSON true or false: not "true", not 1."""

    def to_internal_value(self, data: Any) -> bool:
        if type(data) is not bool:
            self.fail("invalid", input=data)
        return data


class Choice(serializers.ChoiceField):
    """One of a few JSON strings; a refusal names them."""

    def __init__(self, choices: Any, **options: Any) -> None:
        super().__init__(choices, **options)
        self.error_messages["invalid_choice"] = f"Must be one of: {', '.join(map(str, self.choices))}."

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=data)
        return str(super().to_internal_value(data))


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields it does not know, each by its name.

    `user_id` is let through in the outermost: older clients send it, and the view checks it.
    """

    default_error_messages = {"invalid": "Must be a JSON object."}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            also: set[str] = {"user_id"} if self.parent is None else set()
            unknown = [name for name in data if name not in self.fields and name not in also]
            if unknown:
                message = serializers.ErrorDetail("This field is not known here.", code="unknown_field")
                raise serializers.ValidationError({str(name)[:100]: [message] for name in unknown})
        return super().to_internal_value(data)
