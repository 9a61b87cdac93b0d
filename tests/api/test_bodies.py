"""Bodies that can have more than one meaning, or none, are refused with their cause (S9, S13)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api import create_app, json_body
from api.errors import MalformedJson
from dispatch.access.rules import Role
from tests.api.addresses import addresses
from tests.api.broken_bodies import broken_bodies
from tests.api.company import PASSWORD, Client, ClientFor, Company, key, settings_of_tests

JSON = "application/json"


def send(client: Client, body: bytes, content_type: str = JSON) -> Any:
    return client.post("/v1/users", data=body, content_type=content_type, headers=key())


def test_two_hundred_broken_bodies_are_refused_with_their_cause(client_for: ClientFor) -> None:
    admin = client_for(Role.ADMIN)
    before = len(admin.get("/v1/users?limit=200").get_json()["items"])
    bodies = broken_bodies()
    assert len(bodies) == 200
    for reason, body in bodies:
        answer = send(admin, body)
        assert answer.status_code in {400, 422}, (reason, body[:80], answer.status_code)
        if reason != "any":
            assert answer.get_json()["code"] == "MALFORMED_JSON"
            assert answer.get_json()["cause"] == {"reason": reason}, body[:80]
    assert len(admin.get("/v1/users?limit=200").get_json()["items"]) == before


def test_no_address_fails_inside_over_a_broken_body(company: Company, client_for: ClientFor) -> None:
    """Each kind of broken body once at every address that may read one."""
    samples = list(dict(broken_bodies()).items())
    clients = {role: client_for(role) for role in Role}
    for address in addresses(company.app):
        if address.method == "GET" or "logout" in address.rule:
            continue
        client = clients[min(address.policy.roles, default=Role.ADMIN)]
        for reason, body in samples:
            headers = key() | {"If-Match": '"1"'}
            answer = client.open(
                address.path, method=address.method, data=body, content_type=JSON, headers=headers
            )
            assert 400 <= answer.status_code < 500, f"{address} {reason}: {answer.status_code}"


def test_a_body_of_another_kind_is_not_read(client_for: ClientFor) -> None:
    admin = client_for(Role.ADMIN)
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "x/y"):
        answer = send(admin, b'{"a": 1}', content_type)
        assert (answer.status_code, answer.get_json()["code"]) == (415, "MEDIA_TYPE_UNSUPPORTED")


def test_a_body_one_byte_too_large_is_refused(company: Company, client_for: ClientFor) -> None:
    admin = client_for(Role.ADMIN)
    small = company.with_settings(create_app(settings_of_tests(TRUCKROLL_MAX_BODY_BYTES="2048")))
    client = small.anybody()
    client.take(admin.__dict__)
    for size, status in ((2048, 400), (2049, 413)):
        answer = send(client, b"x" * size)
        assert answer.status_code == status
    assert answer.get_json()["code"] == "BODY_TOO_LARGE"


def test_a_name_of_ten_thousand_characters_is_refused_by_field(client_for: ClientFor) -> None:
    admin = client_for(Role.ADMIN)
    body = {"username": "ada", "display_name": "x" * 10_000, "password": PASSWORD, "role": "admin"}
    answer = send(admin, json.dumps(body).encode())
    assert (answer.status_code, answer.get_json()["code"]) == (422, "REQUEST_INVALID")
    assert answer.get_json()["errors"] == {"display_name": ["Length must be between 1 and 200."]}


@pytest.mark.parametrize(
    "name", ["李雷", "Þórr", "🚐", "\u202eevil", "𠮷野家", "e\u0301", "O'Brien; --", "x" * 200]
)
def test_a_name_is_stored_exactly(client_for: ClientFor, name: str) -> None:
    """Row 31: to the character."""
    admin = client_for(Role.ADMIN)
    body = {"username": "ada", "display_name": name, "password": PASSWORD, "role": "finance"}
    made = send(admin, json.dumps(body).encode())
    assert made.status_code == 201
    read = admin.get(f"/v1/users/{made.get_json()['user']['id']}")
    assert read.get_json()["display_name"] == name


@pytest.mark.parametrize("name", ["", " ", "\u3000", "a\nb", "a\tb", "\x7f", "x" * 201])
def test_a_name_that_is_blank_or_has_control_characters_is_refused(client_for: ClientFor, name: str) -> None:
    body = {"username": "ada", "display_name": name, "password": PASSWORD, "role": "finance"}
    answer = send(client_for(Role.ADMIN), json.dumps(body).encode())
    assert "display_name" in answer.get_json()["errors"]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "limit=1_0", "limit=%D9%A3", "limit=", "cursor=", "page=2"]
)
def test_a_wrong_query_parameter_is_named(client_for: ClientFor, query: str) -> None:
    answer = client_for(Role.ADMIN).get(f"/v1/users?{query}")
    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == [query.partition("=")[0]]


@pytest.mark.parametrize("path", ["/v1/users?cursor=%00", "/v1/users%00", "/v1/%ff"])
def test_an_address_with_nul_or_broken_utf8_is_refused(client_for: ClientFor, path: str) -> None:
    answer = client_for(Role.ADMIN).get(path)
    assert (answer.status_code, answer.get_json()["code"]) == (400, "MALFORMED_REQUEST")


def test_ordinary_json_is_read_as_it_stands() -> None:
    body = b'{"a": {"b": [1, 2.5, -9223372036854775808, "\\ud83d\\ude9a", null, true]}}'
    assert json_body.parse(body) == json.loads(body)


def test_a_body_has_at_most_fifty_thousand_values() -> None:
    """Row 30: counted before anything is made of them; commas within texts do not count."""
    many = json_body.MOST_VALUES
    assert len(json_body.parse(b"[" + b"1," * (many - 1) + b"1]")) == many
    assert json_body.parse(b'["' + b"," * 2 * many + b'"]')
    with pytest.raises(MalformedJson, match="values"):
        json_body.parse(b"[" + b"1," * many + b"1]")


def test_thirty_two_levels_are_read_and_brackets_in_texts_do_not_count() -> None:
    assert json_body.parse(b"[" * 32 + b"]" * 32)
    assert json_body.parse(b'["' + b"[" * 100 + b'\\"{"]') == ["[" * 100 + '"{']
    with pytest.raises(MalformedJson):
        json_body.parse(b"[" * 33 + b"]" * 33)
