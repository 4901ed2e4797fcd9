"""Holds an answer against the OpenAPI document: status, headers, media type, and the body to the last key."""

import copy
import functools
import json
import re

import jsonschema

from videoapi import docs

RFC_3339_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
FORMATS = jsonschema.FormatChecker(formats=["uuid"])


@FORMATS.checks("date-time")
def is_time(value):
    return not isinstance(value, str) or bool(RFC_3339_UTC.fullmatch(value))


@functools.cache
def document():
    return json.loads(docs.rendered("json"))


@functools.cache
def components():
    """The components, made strict: a key that is not documented is a mistake."""
    found = copy.deepcopy(document()["components"])
    for schema in found["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return found


def operations():
    """Every operation: (id, method, path, what the document says of it)."""
    return [
        (operation["operationId"], method, path, operation)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    ]


def named(name):
    return next(operation for found, _, _, operation in operations() if found == name)


def violations(operation, response):
    """What an answer does that the document does not say, one sentence each."""
    documented = operation["responses"].get(str(response.status_code)) or operation["responses"]["default"]
    found = [
        f"the header {name} is missing"
        for name, header in documented.get("headers", {}).items()
        if header.get("required") and name not in response
    ]
    content, body = documented.get("content"), response.getvalue()  # to its end, which closes a file
    if content is None:
        return found if not body else [*found, "there is a body"]
    media_type = response["Content-Type"].partition(";")[0]
    if media_type not in content:
        return [*found, f"{media_type} is none of {list(content)}"]
    if not media_type.endswith("json"):
        return found
    return found + mistakes(content[media_type]["schema"], json.loads(body))


def mistakes(schema, value):
    """What is wrong with a value, one sentence each."""
    root = {**schema, "components": components()}
    validator = jsonschema.Draft202012Validator(root, format_checker=FORMATS)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]
