"""Creations repeated, changed and raced (reliability anchor 6)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select

from dispatch import db
from dispatch.access.model import IdempotencyRecord, User
from dispatch.access.rules import Role
from tests.api.company import PASSWORD, Client, ClientFor, Company


def create(client: Client, key: str | None, name: str = "ada", **changes: Any) -> Any:
    body = {"username": name, "display_name": "Ada", "password": PASSWORD, "role": "finance"} | changes
    return client.post("/v1/users", json=body, headers={} if key is None else {"Idempotency-Key": key})


def users_called(*names: str) -> int:
    with db.transaction() as session:
        return session.scalar(select(func.count()).where(User.username.in_(names))) or 0


def test_a_repeated_request_gets_the_first_answer_and_has_no_second_effect(client_for: ClientFor) -> None:
    admin = client_for(Role.ADMIN)
    first, second = create(admin, "one"), create(admin, "one")
    assert (first.status_code, second.status_code) == (201, 201)
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert second.headers["ETag"] == first.headers["ETag"]
    assert second.get_json()["user"] == first.get_json()["user"]
    assert users_called("ada") == 1


def test_a_secret_is_not_kept_for_the_repetition(client_for: ClientFor) -> None:
    admin = client_for(Role.ADMIN)
    first, second = create(admin, "one"), create(admin, "one")
    assert first.get_json()["code_secret"]
    assert second.get_json()["code_secret"] is second.get_json()["code_address"] is None
    with db.transaction() as session:
        kept = session.scalars(select(IdempotencyRecord.body)).one() or ""
    assert first.get_json()["code_secret"] not in kept
    assert PASSWORD not in kept


def test_the_key_with_another_request_is_refused(client_for: ClientFor) -> None:
    admin = client_for(Role.ADMIN)
    assert create(admin, "one").status_code == 201
    other = create(admin, "one", display_name="Somebody else")
    assert (other.status_code, other.get_json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_a_refused_request_leaves_its_key_free(client_for: ClientFor) -> None:
    admin = client_for(Role.ADMIN)
    assert create(admin, "one", role="king").status_code == 422
    assert create(admin, "one").status_code == 201


def test_keys_of_two_users_are_two_keys(client_for: ClientFor) -> None:
    assert create(client_for(Role.ADMIN), "one", "ada").status_code == 201
    assert create(client_for(Role.ADMIN), "one", "ben").status_code == 201


@pytest.mark.parametrize("key", [None, "", " ", "x" * 201, "schlüssel", "a b"])
def test_a_creation_without_a_usable_key_is_refused(client_for: ClientFor, key: str | None) -> None:
    answer = create(client_for(Role.ADMIN), key)
    assert (answer.status_code, answer.get_json()["code"]) == (400, "IDEMPOTENCY_KEY_MISSING")


def test_the_longest_key_is_accepted(client_for: ClientFor) -> None:
    assert create(client_for(Role.ADMIN), "~" * 200).status_code == 201


def test_requests_at_once_have_one_effect(client_for: ClientFor, company: Company) -> None:
    admin = client_for(Role.ADMIN)

    def ask(_number: int) -> Any:
        client = company.anybody()
        client.take(admin.__dict__)
        return create(client, "race")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(40)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    done = [answer for answer in answers if answer.status_code == 201]
    assert len([answer for answer in done if "Idempotency-Replayed" not in answer.headers]) == 1
    assert len({answer.get_json()["user"]["id"] for answer in done}) == 1
    refused = {answer.get_json()["code"] for answer in answers if answer.status_code == 409}
    assert refused <= {"IDEMPOTENCY_KEY_IN_USE"}
    assert users_called("ada") == 1
