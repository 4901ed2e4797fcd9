"""`/docs`, `/redoc` and `/schema`, open to everybody; tests/browser looks at the pages themselves."""

import pytest
import yaml

from videoapi import docs


def test_the_schema_is_openapi_3_1_in_json_or_yaml(client):
    plain = client.get("/schema")
    assert plain["Content-Type"] == "application/json; charset=utf-8"
    assert plain.json()["openapi"].startswith("3.1")
    for asked in ({"HTTP_ACCEPT": "application/yaml"}, {"QUERY_STRING": "format=yaml"}):
        answer = client.get("/schema", **asked)
        assert answer["Content-Type"] == "application/yaml; charset=utf-8"
        assert yaml.safe_load(answer.content) == plain.json()


@pytest.mark.parametrize("path", ["/schema", "/docs", "/redoc"])
def test_nobody_needs_to_sign_in_to_read(client, path):
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_the_pages_allow_scripts_and_requests_of_this_site_only(client, path):
    answer = client.get(path)
    policy = dict(part.split(" ", 1) for part in answer["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert b"http://" not in answer.content
    assert b"https://" not in answer.content
    assert b"<script>" not in answer.content


def test_the_document_is_made_once():
    assert docs.rendered("json") is docs.rendered("json")
