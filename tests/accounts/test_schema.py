"""The API's document says how to sign in: two ways, each once."""

import pytest
from drf_spectacular.generators import SchemaGenerator

from tests.accounts import views


@pytest.fixture
def document():
    return SchemaGenerator(patterns=views.urlpatterns).get_schema(request=None, public=True)


def test_bearer_and_session_are_the_two_schemes(document):
    schemes = document["components"]["securitySchemes"]
    assert set(schemes) == {"bearerAuth", "sessionAuth"}
    assert (schemes["bearerAuth"]["type"], schemes["bearerAuth"]["scheme"]) == ("http", "bearer")
    assert (schemes["sessionAuth"]["in"], schemes["sessionAuth"]["name"]) == ("cookie", "sessionid")


def test_each_operation_lists_each_scheme_once(document):
    assert document["paths"]["/who"]["get"]["security"] == [{"bearerAuth": []}, {"sessionAuth": []}]
