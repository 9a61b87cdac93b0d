"""Users through the API: create, change by version, reset, deactivate."""

from __future__ import annotations

import uuid

from dispatch.access.rules import Role
from tests.api.company import NORTH, PASSWORD, SOUTH, ClientFor, Company, key


def new_user(**changes: object) -> dict[str, object]:
    return {
        "username": "Ada.B",
        "display_name": "Ada B",
        "password": PASSWORD,
        "role": "dispatcher",
    } | changes


def test_an_administrator_creates_a_user_who_can_log_in(client_for: ClientFor, company: Company) -> None:
    admin = client_for(Role.ADMIN)
    north = str(company.territories[NORTH])
    made = admin.post("/v1/users", json=new_user(territory_ids=[north]), headers=key())
    assert made.status_code == 201, made.get_json()
    assert made.get_json()["user"]["territory_ids"] == [north]
    assert made.get_json()["code_address"].startswith("otpauth://totp/Truckroll:ada.b")
    assert company.client("ada.b").get("/v1/auth/me").get_json()["display_name"] == "Ada B"


def test_a_user_name_is_taken_once(client_for: ClientFor) -> None:
    admin = client_for(Role.ADMIN)
    assert admin.post("/v1/users", json=new_user(), headers=key()).status_code == 201
    again = admin.post("/v1/users", json=new_user(username="ADA.b"), headers=key())
    assert (again.status_code, again.get_json()["code"]) == (409, "ALREADY_EXISTS")


def test_an_unknown_technician_or_territory_is_named(client_for: ClientFor) -> None:
    admin = client_for(Role.ADMIN)
    body = new_user(role="technician", technician_id=str(uuid.uuid4()))
    answer = admin.post("/v1/users", json=body, headers=key())
    assert (answer.status_code, answer.get_json()["code"]) == (422, "REFERENCE_UNKNOWN")
    answer = admin.post("/v1/users", json=new_user(territory_ids=[str(uuid.uuid4())]), headers=key())
    assert (answer.status_code, answer.get_json()["code"]) == (422, "REFERENCE_UNKNOWN")


def test_a_weak_password_is_refused_by_name(client_for: ClientFor) -> None:
    admin = client_for(Role.ADMIN)
    for password in ("short", "aaaaaaaaaaaaaaaa", "my-ada.b-password"):
        answer = admin.post("/v1/users", json=new_user(password=password), headers=key())
        assert (answer.status_code, answer.get_json()["code"]) == (422, "PASSWORD_WEAK")


def test_a_change_needs_the_version_it_was_decided_on(client_for: ClientFor) -> None:
    admin, other = client_for(Role.ADMIN), client_for(Role.DISPATCHER)
    address = f"/v1/users/{other.user_id}"
    read = admin.get(address)
    etag = read.headers["ETag"]
    missing = admin.patch(address, json={"display_name": "New"})
    assert (missing.status_code, missing.get_json()["code"]) == (428, "IF_MATCH_MISSING")
    changed = admin.patch(address, json={"display_name": "New"}, headers={"If-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] == f'"{read.get_json()["version"] + 1}"'
    for old in (etag, '"999"'):
        stale = admin.patch(address, json={"display_name": "Newer"}, headers={"If-Match": old})
        assert (stale.status_code, stale.get_json()["code"]) == (412, "STALE")
    for unreadable in ("*", 'W/"2"', "2", '"1", "2"', '"two"', '"٢"'.encode().decode("latin-1")):
        refused = admin.patch(address, json={"display_name": "Newer"}, headers={"If-Match": unreadable})
        assert (refused.status_code, refused.get_json()["code"]) == (400, "MALFORMED_REQUEST")
    assert admin.get(address).get_json()["display_name"] == "New"


def test_a_change_of_territories_alone_raises_the_version(client_for: ClientFor, company: Company) -> None:
    admin, other = client_for(Role.ADMIN), client_for(Role.DISPATCHER)
    address = f"/v1/users/{other.user_id}"
    etag = admin.get(address).headers["ETag"]
    wanted = [str(company.territories[SOUTH])]
    changed = admin.patch(address, json={"territory_ids": wanted}, headers={"If-Match": etag})
    assert changed.get_json()["territory_ids"] == wanted
    assert changed.headers["ETag"] != etag


def test_a_deactivated_user_is_out_at_once(client_for: ClientFor, company: Company) -> None:
    admin, other = client_for(Role.ADMIN), client_for(Role.FINANCE)
    assert other.get("/v1/auth/me").status_code == 200
    address = f"/v1/users/{other.user_id}"
    etag = admin.get(address).headers["ETag"]
    assert admin.patch(address, json={"is_active": False}, headers={"If-Match": etag}).status_code == 200
    assert other.get("/v1/auth/me").status_code == 401
    assert other.post("/v1/auth/refresh", json={"refresh_token": other.refresh_token}).status_code == 401


def test_nobody_deactivates_themselves(client_for: ClientFor) -> None:
    admin = client_for(Role.ADMIN)
    address = f"/v1/users/{admin.user_id}"
    etag = admin.get(address).headers["ETag"]
    answer = admin.patch(address, json={"is_active": False}, headers={"If-Match": etag})
    assert (answer.status_code, answer.get_json()["code"]) == (403, "FORBIDDEN")


def test_a_reset_ends_every_login_and_gives_a_new_secret(client_for: ClientFor, company: Company) -> None:
    admin, other = client_for(Role.ADMIN), client_for(Role.SUPERVISOR)
    address = f"/v1/users/{other.user_id}"
    read = admin.get(address)
    new = {"password": "an entirely new secret"}
    reset = admin.post(f"{address}/reset", json=new, headers={"If-Match": read.headers["ETag"]})
    assert reset.status_code == 200
    assert reset.get_json()["code_secret"]
    assert other.get("/v1/auth/me").status_code == 401
    assert company.client(read.get_json()["username"], new["password"]).user_id == other.user_id


def test_a_user_changes_the_password_with_the_present_one(client_for: ClientFor, company: Company) -> None:
    me = client_for(Role.CALL_TAKER)
    name = me.get("/v1/auth/me").get_json()["username"]
    wrong = me.post("/v1/auth/password", json={"current": "not this one at all", "new": "a fresh passphrase"})
    assert wrong.status_code == 401
    right = me.post("/v1/auth/password", json={"current": PASSWORD, "new": "a fresh passphrase"})
    assert right.status_code == 204
    assert right.data == b""
    assert me.get("/v1/auth/me").status_code == 401
    assert company.client(name, "a fresh passphrase").user_id == me.user_id


def test_pages_of_users_follow_each_other_without_gap(client_for: ClientFor, company: Company) -> None:
    admin = client_for(Role.ADMIN)
    names = {company.user(Role.DISPATCHER) for _ in range(7)}
    seen: list[str] = []
    cursor = ""
    while True:
        answer = admin.get(f"/v1/users?limit=3{cursor}").get_json()
        seen += [user["username"] for user in answer["items"]]
        if answer["next_cursor"] is None:
            break
        cursor = f"&cursor={answer['next_cursor']}"
    assert len(seen) == len(set(seen)) == 8
    assert names < set(seen)


def test_an_administrator_of_one_territory_reaches_its_users_alone(
    client_for: ClientFor, company: Company
) -> None:
    local = client_for(Role.ADMIN, NORTH)
    near, far, both = (client_for(Role.DISPATCHER, *where) for where in ((NORTH,), (SOUTH,), (NORTH, SOUTH)))
    chief = client_for(Role.ADMIN)
    assert local.get(f"/v1/users/{near.user_id}").status_code == 200
    foreign = [local.get(f"/v1/users/{who.user_id}") for who in (far, both, chief)]
    missing = local.get(f"/v1/users/{uuid.uuid4()}")
    for answer in (*foreign, missing):
        assert answer.status_code == 404
        assert answer.get_json() | {"instance": ""} == missing.get_json() | {"instance": ""}
    body = new_user(territory_ids=[str(company.territories[SOUTH])])
    assert local.post("/v1/users", json=body, headers=key()).status_code == 403
    assert local.post("/v1/users", json=new_user(role="admin"), headers=key()).status_code == 403


def test_an_unlisted_field_changes_nothing(client_for: ClientFor) -> None:
    admin, other = client_for(Role.ADMIN), client_for(Role.DISPATCHER)
    address = f"/v1/users/{other.user_id}"
    read = admin.get(address)
    for extra in (
        "role",
        "id",
        "version",
        "password_hash",
        "otp_secret",
        "tenant_id",
        "approved_by",
        "username",
    ):
        answer = admin.patch(address, json={extra: "admin"}, headers={"If-Match": read.headers["ETag"]})
        assert answer.status_code == 422
        assert extra in answer.get_json()["errors"]
    assert admin.get(address).get_json() == read.get_json()


def test_an_answer_about_a_user_shows_these_members_and_no_other(client_for: ClientFor) -> None:
    shown = client_for(Role.TECHNICIAN).get("/v1/auth/me").get_json()
    assert set(shown) == {
        "id",
        "version",
        "username",
        "display_name",
        "role",
        "language",
        "technician_id",
        "is_active",
        "territory_ids",
        "created_at",
    }
