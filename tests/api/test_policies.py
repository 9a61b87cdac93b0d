"""Who may call what: deny by default, over the whole address map and every role (S4)."""

from __future__ import annotations

import pytest
from flask import Flask

from api import RESOURCES, create_app
from api.auth import EVERYBODY, OFFICE, policies, policy, require_policies
from dispatch.access.rules import Role
from tests.api.addresses import addresses
from tests.api.company import Client, ClientFor, Company, settings_of_tests

PUBLIC = {
    ("/healthz", "GET"),
    ("/readyz", "GET"),
    ("/v1/auth/login", "POST"),
    ("/v1/auth/refresh", "POST"),
    ("/v1/guidance-articles/<string:code>", "GET"),
    ("/v1/guidance-articles/<string:code>/pictures/<int:position>", "GET"),
    ("/v1/intake/alarms", "POST"),
    ("/v1/intake/rings", "POST"),
    ("/v1/intake/web-form", "POST"),
    ("/v1/intake/web-form/<string:upload>/files", "POST"),
    ("/v1/sync/quarantine", "POST"),
    ("/v1/links/<string:token>", "GET"),
    ("/v1/links/<string:token>/windows", "GET"),
    ("/v1/links/<string:token>/confirmation", "POST"),
    ("/v1/links/<string:token>/window", "POST"),
    ("/v1/links/<string:token>/cancellation", "POST"),
}


def test_every_address_has_a_policy(app: Flask) -> None:
    assert [where for where, found in policies(app).items() if found is None] == []


def test_an_application_with_an_unmarked_address_does_not_start() -> None:
    application = create_app(settings_of_tests())
    application.add_url_rule("/v1/forgotten", "forgotten", lambda: "", methods=["GET", "POST"])
    with pytest.raises(RuntimeError, match="GET /v1/forgotten, POST /v1/forgotten"):
        require_policies(application)


def test_a_policy_without_roles_cannot_be_written() -> None:
    with pytest.raises(TypeError, match="at least one role"):
        policy()


def test_only_these_addresses_are_public(app: Flask) -> None:
    public = {where for where, found in policies(app).items() if found and found.is_public}
    assert {where for where in public if not where[0].startswith(("/v1/docs", "/v1/openapi"))} == PUBLIC


def test_every_role_at_every_address_is_let_in_or_refused_as_the_policy_says(
    company: Company, client_for: ClientFor
) -> None:
    """S4: 100 % of the cells (address x role); a refused caller's broken body is not even read."""
    cells = wrong = 0
    for role in Role:
        client = client_for(role)
        name = client.get("/v1/auth/me").get_json()["username"]
        for address in addresses(company.app):
            if address.policy.is_public:
                continue
            if "logout" in address.rule:
                client = company.client(name)
            answer = client.open(address.path, method=address.method, data=b'{"a":1,"a":2}')
            refused = answer.status_code == 403 and answer.get_json()["code"] == "ROLE_FORBIDDEN"
            is_right = refused is (role not in address.policy.roles) and answer.status_code not in {401, 500}
            cells, wrong = cells + 1, wrong + (not is_right)
            assert is_right, f"{role} at {address}: {answer.status_code} {answer.get_data(as_text=True)}"
    assert cells >= 60
    assert wrong == 0


def test_nobody_without_a_token_gets_beyond_a_public_address(company: Company) -> None:
    anybody = company.anybody()
    for address in addresses(company.app):
        answer = anybody.open(address.path, method=address.method)
        if address.policy.is_public:
            assert answer.status_code not in {401, 403} or "auth" in address.rule, str(address)
        else:
            assert answer.status_code == 401, str(address)
            assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_head_follows_the_policy_of_get_and_options_is_not_served(anybody: Client) -> None:
    assert anybody.head("/v1/users").status_code == 401
    for method in ("OPTIONS", "TRACE"):
        answer = anybody.open("/v1/users", method=method)
        assert answer.status_code == 405
        assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST"}


def test_no_answer_invites_another_origin(anybody: Client) -> None:
    """S11: bearer tokens only, no cookie, no CORS header."""
    origin = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    for method, path in (("GET", "/healthz"), ("OPTIONS", "/v1/users"), ("POST", "/v1/auth/login")):
        answer = anybody.open(path, method=method, headers=origin)
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
        assert "Set-Cookie" not in answer.headers


def test_the_office_is_everybody_but_technicians() -> None:
    assert {Role.TECHNICIAN} == EVERYBODY - OFFICE


def test_named_resources_are_unique() -> None:
    assert len(set(RESOURCES)) == len(RESOURCES)
