"""The API describes itself completely, and shows itself to whom it should (S26)."""

from __future__ import annotations

import re
from typing import Any

import flask_swagger_ui
import pytest
from flask import Flask

from api import create_app
from api.auth import policies
from api.docs import DOCS_POLICY
from dispatch.access.rules import Role
from tests.api.company import Client, ClientFor, Company, settings_of_tests
from tests.api.test_headers import production

DOCS = ("/v1/docs", "/v1/docs/start.js", "/v1/docs/swagger-ui-bundle.js", "/v1/openapi.json")


@pytest.fixture
def description(anybody: Client) -> dict[str, Any]:
    found: dict[str, Any] = anybody.get("/v1/openapi.json").get_json()
    return found


def test_the_description_names_exactly_the_addresses_that_exist(
    app: Flask, description: dict[str, Any]
) -> None:
    """S26: OpenAPI == url_map, difference 0; the description's own pages are left out."""
    served = {
        (re.sub(r"<(?:[^:>]+:)?([^>]+)>", r"{\1}", rule), method.lower())
        for rule, method in policies(app)
        if not rule.startswith(("/v1/docs", "/v1/openapi.json"))
    }
    described = {
        (path, method)
        for path, operations in description["paths"].items()
        for method in operations
        if method != "parameters"
    }
    assert described == served


def test_it_is_openapi_three_one_with_bearer_tokens(description: dict[str, Any]) -> None:
    assert description["openapi"] == "3.1.0"
    assert description["security"] == [{"bearer": []}]
    assert description["components"]["securitySchemes"]["bearer"] == {"type": "http", "scheme": "bearer"}


def test_public_addresses_ask_for_no_token(app: Flask, description: dict[str, Any]) -> None:
    for (rule, method), found in policies(app).items():
        path = re.sub(r"<(?:[^:>]+:)?([^>]+)>", r"{\1}", rule)
        if path in description["paths"]:
            operation = description["paths"][path][method.lower()]
            assert (operation.get("security") == []) is (found is not None and found.is_public), path


def test_every_operation_says_what_it_does_and_how_it_refuses(description: dict[str, Any]) -> None:
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            if method == "parameters":
                continue
            assert operation["summary"].strip(), f"{method} {path}"
            assert operation["operationId"], f"{method} {path}"
            assert "default" in operation["responses"]
    problem = description["components"]["responses"]["DEFAULT_ERROR"]["content"]
    assert list(problem) == ["application/problem+json"]


def test_operation_ids_are_unique(description: dict[str, Any]) -> None:
    ids = [
        operation["operationId"]
        for operations in description["paths"].values()
        for method, operation in operations.items()
        if method != "parameters"
    ]
    assert len(ids) == len(set(ids))


def test_changes_ask_for_if_match_and_creations_for_a_key(description: dict[str, Any]) -> None:
    change = description["paths"]["/v1/users/{user_id}"]["patch"]
    assert [(each["name"], each["required"]) for each in change["parameters"]] == [("If-Match", True)]
    assert {"412", "428"} <= set(change["responses"])
    creation = description["paths"]["/v1/users"]["post"]
    assert [(each["name"], each["required"]) for each in creation["parameters"]] == [
        ("Idempotency-Key", True)
    ]
    assert "ETag" in creation["responses"]["201"]["headers"]


def test_shapes_refuse_unknown_members_and_bound_their_texts(description: dict[str, Any]) -> None:
    shape = description["components"]["schemas"]["NewUser"]
    assert shape["additionalProperties"] is False
    assert shape["properties"]["display_name"]["maxLength"] == 200
    assert shape["properties"]["technician_id"]["type"] == ["string", "null"]


def test_swagger_ui_comes_from_the_package_under_a_strict_policy(anybody: Client) -> None:
    page = anybody.get("/v1/docs")
    assert page.headers["Content-Security-Policy"] == DOCS_POLICY
    assert "script-src 'self';" in DOCS_POLICY
    text = page.get_data(as_text=True)
    for address in re.findall(r'(?:src|href)="([^"]+)"', text):
        assert address.startswith("/v1/docs/")
        assert anybody.get(address).status_code == 200
    assert not re.search(r"<script>|<style|javascript:|https?://|\son\w+=", text)
    bundle = anybody.get("/v1/docs/swagger-ui-bundle.js").data
    assert bundle.startswith(b"/*!")
    assert flask_swagger_ui.__name__


def test_in_production_the_description_needs_a_login(company: Company, client_for: ClientFor) -> None:
    closed = company.with_settings(create_app(production()))
    client = closed.anybody()
    for path in DOCS:
        assert client.get(path).status_code == 401
    client.take(client_for(Role.CALL_TAKER).__dict__)
    for path in DOCS:
        assert client.get(path).status_code == 200


def test_a_setting_opens_the_description_in_production(company: Company) -> None:
    opened = company.with_settings(create_app(production(TRUCKROLL_PUBLIC_DOCS="yes"))).anybody()
    for path in DOCS:
        assert opened.get(path).status_code == 200


def test_the_same_settings_describe_the_same_api(anybody: Client) -> None:
    again = create_app(settings_of_tests()).test_client().get("/v1/openapi.json").data
    assert again == anybody.get("/v1/openapi.json").data
