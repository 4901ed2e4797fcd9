"""The names of HTTP statuses, as RFC 9110 (section 15) has them, whatever Python's version says."""

from http import HTTPStatus

# Python before 3.13 has these by their older names.
RENAMED = {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}


def of(status: int) -> str:
    """Return the name of a status."""
    return RENAMED.get(status) or HTTPStatus(status).phrase
