"""Statuses have one name each, on every Python."""

from http import HTTPStatus

import pytest

from base import phrases


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (404, "Not Found"),
        (413, "Content Too Large"),
        (416, "Range Not Satisfiable"),
        (422, "Unprocessable Content"),
        (503, "Service Unavailable"),
    ],
)
def test_a_status_has_the_name_of_the_standard(status, name):
    assert phrases.of(status) == name


def test_every_status_has_a_name():
    assert all(phrases.of(status) for status in HTTPStatus)
