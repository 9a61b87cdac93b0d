"""Rotation on bad links, theft and revocation (S7, S8)."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from dispatch import db
from dispatch.access import proof
from dispatch.access.model import AuditEntry, Token, User
from dispatch.access.rules import Role
from dispatch.access.tokens import fingerprint
from tests.api.company import Client, ClientFor, Company
from tests.api.phone import Phone


def refresh(client: Client, token: str | None = None) -> TestResponse:
    return client.post("/v1/auth/refresh", json={"refresh_token": token or client.refresh_token})


def alerts(action: str = "revoke_family") -> int:
    with db.transaction() as session:
        counted = select(func.count()).where(AuditEntry.action == action, AuditEntry.outcome == "alert")
        return session.scalar(counted) or 0


def works(client: Client) -> bool:
    return client.get("/v1/auth/me").status_code == 200


def test_tokens_are_kept_as_hashes_only(client_for: ClientFor) -> None:
    client = client_for(Role.DISPATCHER)
    with db.transaction() as session:
        stored = {row.token_sha256: row for row in session.scalars(select(Token))}
    assert stored[fingerprint(client.access_token)].kind == "access"
    assert stored[fingerprint(client.refresh_token)].kind == "refresh"
    assert not {client.access_token, client.refresh_token} & set(stored)


def test_an_access_token_lives_ten_minutes_and_a_family_thirty_days(client_for: ClientFor) -> None:
    client = client_for(Role.DISPATCHER)
    first = refresh(client).get_json()
    now = datetime.now(UTC)
    access = datetime.fromisoformat(first["access_expires_at"]) - now
    assert timedelta(minutes=9, seconds=50) < access <= timedelta(minutes=10, seconds=1)
    client.take(first)
    second = refresh(client).get_json()
    assert second["refresh_expires_at"] == first["refresh_expires_at"]
    assert datetime.fromisoformat(first["refresh_expires_at"]) - now < timedelta(days=30, seconds=1)


def test_a_lost_reply_is_answered_with_the_same_successor(client_for: ClientFor) -> None:
    client = client_for(Role.FINANCE)
    lost, again = refresh(client).get_json(), refresh(client).get_json()
    assert (lost["access_token"], lost["refresh_token"]) == (again["access_token"], again["refresh_token"])
    client.take(again)
    assert works(client)


@pytest.mark.parametrize("use", ["access", "refresh"])
def test_once_the_successor_was_used_the_old_token_ends_the_family(client_for: ClientFor, use: str) -> None:
    client = client_for(Role.FINANCE)
    old = client.refresh_token
    client.take(refresh(client).get_json())
    if use == "access":
        assert works(client)
    else:
        client.take(refresh(client).get_json())
    assert refresh(client, old).status_code == 401
    assert not works(client)
    assert refresh(client).status_code == 401
    assert alerts() == 1


def test_hundreds_of_refreshes_with_lost_replies_log_nobody_out(
    client_for: ClientFor, company: Company
) -> None:
    dice = random.Random(8)
    office = [client_for(role) for role in (Role.ADMIN, Role.DISPATCHER, Role.SUPERVISOR, Role.FINANCE)]
    phones = [Phone(client_for(Role.TECHNICIAN)) for _ in range(4)]
    for phone in phones:
        assert phone.register().status_code == 201
    callers = [(client, refresh) for client in office]
    wrongful = lost = 0
    for step in range(400):
        if dice.random() < 0.5:
            client, ask = dice.choice(callers)
            answer = ask(client)
        else:
            phone = dice.choice(phones)
            client, answer = phone.client, phone.refresh()
        if answer.status_code != 200:
            wrongful += 1
        elif dice.random() < 0.05:
            lost += 1
            continue
        client.take(answer.get_json())
        if step % 5 == 0 and not works(client):
            wrongful += 1
    assert (wrongful, alerts()) == (0, 0)
    assert lost > 8


def test_every_one_of_forty_thefts_is_caught(company: Company) -> None:
    dice = random.Random(36)
    names = [company.user(Role.DISPATCHER) for _ in range(5)]
    caught = 0
    for number in range(30):
        victim, thief = company.client(dice.choice(names)), company.anybody()
        for _ in range(dice.randrange(3)):
            victim.take(refresh(victim).get_json())
        stolen = victim.refresh_token
        STORIES[number % 3](victim, thief, stolen)
        caught += not works(victim) and not works(thief) and refresh(victim).status_code == 401
    name = company.user(Role.TECHNICIAN)
    for _ in range(10):
        phone = Phone(company.client(name))
        assert phone.register().status_code == 201
        answer = refresh(company.anybody(), phone.client.refresh_token)
        caught += answer.status_code == 401 and not works(phone.client)
    assert (caught, alerts()) == (40, 40)


def _thief_is_late(victim: Client, thief: Client, stolen: str) -> None:
    victim.take(refresh(victim).get_json())
    assert works(victim)
    assert refresh(thief, stolen).status_code == 401


def _thief_is_first(victim: Client, thief: Client, stolen: str) -> None:
    thief.take(refresh(thief, stolen).get_json())
    assert works(thief)
    assert refresh(victim).status_code == 401


def _both_hold_the_successor(victim: Client, thief: Client, stolen: str) -> None:
    victim.take(refresh(victim).get_json())
    thief.take(refresh(thief, stolen).get_json())
    assert works(victim)
    thief.take(refresh(thief).get_json())
    assert works(thief)
    assert refresh(victim).status_code == 401


STORIES = (_thief_is_late, _thief_is_first, _both_hold_the_successor)


def test_two_refreshes_at_once_get_the_same_pair(client_for: ClientFor, company: Company) -> None:
    from concurrent.futures import ThreadPoolExecutor

    client = client_for(Role.DISPATCHER)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: refresh(company.anybody(), client.refresh_token), range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({answer.get_json()["refresh_token"] for answer in answers}) == 1


def test_an_old_access_token_and_an_old_family_are_refused(client_for: ClientFor) -> None:
    client = client_for(Role.DISPATCHER)
    assert works(client)
    with db.transaction() as session:
        session.execute(update(Token).values(expires_at=func.now()))
    assert not works(client)
    assert refresh(client).status_code == 401
    assert alerts() == 0


def test_logout_ends_this_login_and_logout_everywhere_all(client_for: ClientFor, company: Company) -> None:
    first = client_for(Role.DISPATCHER)
    name = first.get("/v1/auth/me").get_json()["username"]
    second, third = company.client(name), company.client(name)
    assert first.post("/v1/auth/logout").status_code == 204
    assert [works(first), works(second), works(third)] == [False, True, True]
    assert refresh(first).status_code == 401
    assert second.post("/v1/auth/logout-everywhere").status_code == 204
    assert [works(second), works(third)] == [False, False]


def test_a_refresh_token_opens_nothing_and_an_access_token_refreshes_nothing(client_for: ClientFor) -> None:
    client = client_for(Role.DISPATCHER)
    crossed = client.get("/v1/auth/me", headers={"Authorization": f"Bearer {client.refresh_token}"})
    assert crossed.status_code == 401
    assert refresh(client, client.access_token).status_code == 401
    for wrong in ("", "Bearer", "Bearer x", f"Basic {client.access_token}", f"Bearer {client.access_token}x"):
        assert client.get("/v1/auth/me", headers={"Authorization": wrong}).status_code == 401


def test_a_technician_refreshes_only_from_a_registered_phone(client_for: ClientFor) -> None:
    client = client_for(Role.TECHNICIAN)
    assert refresh(client).status_code == 401
    phone = Phone(client)
    assert phone.register().status_code == 201
    assert phone.register().get_json()["id"] == phone.device_id
    answer = phone.refresh()
    assert answer.status_code == 200
    client.take(answer.get_json())
    assert works(client)


def test_a_wrong_clock_on_the_phone_is_told_and_costs_nothing(client_for: ClientFor) -> None:
    phone = Phone(client_for(Role.TECHNICIAN))
    assert phone.register().status_code == 201
    refused = phone.refresh(at=int(time.time()) + 3_000_000)
    assert (refused.status_code, refused.get_json()["code"]) == (401, "PROOF_OUT_OF_TIME")
    server_time = refused.get_json()["cause"]["server_time"]
    assert phone.refresh(at=server_time).status_code == 200
    assert alerts() == 0


def test_the_key_of_another_phone_ends_the_family(client_for: ClientFor) -> None:
    phone = Phone(client_for(Role.TECHNICIAN))
    assert phone.register().status_code == 201
    phone.key = ec.generate_private_key(ec.SECP256R1())
    assert phone.refresh().status_code == 401
    assert not works(phone.client)
    assert alerts() == 1


def test_only_a_p256_key_that_signed_this_login_is_registered(client_for: ClientFor) -> None:
    phone = Phone(client_for(Role.TECHNICIAN))
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    other_curve = ec.generate_private_key(ec.SECP384R1()).public_key().public_bytes(*form).decode()
    other_kind = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(*form).decode()
    for pem in ("no key at all", other_curve, other_kind, proof.public_pem(Phone(phone.client).key)):
        answer = phone.register(public_key=pem)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "DEVICE_REFUSED")
    foreign = phone.proof(proof.REGISTER, "tra_" + "x" * 43)
    assert phone.register(proof=foreign).status_code == 403
    late = phone.proof(proof.REGISTER, phone.client.access_token, at=1)
    assert phone.register(proof=late).get_json()["code"] == "PROOF_OUT_OF_TIME"


def test_a_revoked_phone_is_out_at_once_and_stays_out(client_for: ClientFor, company: Company) -> None:
    """S24: the next request after the revocation is refused."""
    admin = client_for(Role.ADMIN)
    name = company.user(Role.TECHNICIAN)
    phone = Phone(company.client(name))
    assert phone.register().status_code == 201
    listed = admin.get("/v1/devices").get_json()["items"]
    assert [device["id"] for device in listed] == [phone.device_id]
    etag = f'"{listed[0]["version"]}"'
    revoked = admin.post(f"/v1/devices/{phone.device_id}/revoke", headers={"If-Match": etag})
    assert revoked.get_json()["revoked_at"]
    assert not works(phone.client)
    assert phone.refresh().status_code == 401
    phone.client.take(company.client(name).__dict__)
    assert phone.register().get_json()["code"] == "DEVICE_REFUSED"


def test_a_user_without_role_of_the_office_keeps_no_code_secret(client_for: ClientFor) -> None:
    client = client_for(Role.TECHNICIAN)
    with db.transaction() as session:
        assert session.scalars(select(User.otp_secret).where(User.id == client.user_id)).one() is None
