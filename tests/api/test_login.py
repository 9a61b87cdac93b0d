"""Login: uniform refusals, lockout, second factor, audit (S6)."""

from __future__ import annotations

import time
from typing import Any

import pyotp
import pytest
from sqlalchemy import func, select, update

from api import create_app
from dispatch import db
from dispatch.access import hashing
from dispatch.access.hashing import Passwords
from dispatch.access.model import AuditEntry, User
from dispatch.access.rules import Role
from tests.api.company import PASSWORD, Client, Company, settings_of_tests

STEP = 30


def log_in(client: Client, username: str, password: str = PASSWORD, code: str | None = None) -> Any:
    body = {"username": username, "password": password} | ({"code": code} if code else {})
    return client.post("/v1/auth/login", json=body)


def without_instance(answer: Any) -> dict[str, Any]:
    return {name: value for name, value in answer.get_json().items() if name != "instance"}


def secret_of(username: str) -> str:
    with db.transaction() as session:
        secret = session.scalars(select(User.otp_secret).where(User.username == username)).one()
    assert secret is not None
    return secret


@pytest.fixture
def strict(company: Company) -> Company:
    """The company with second factor, five tries an account and thirty an address."""
    settings = settings_of_tests(
        TRUCKROLL_MFA="required",
        TRUCKROLL_LOGIN_ATTEMPTS_PER_ACCOUNT="5",
        TRUCKROLL_LOGIN_ATTEMPTS_PER_ADDRESS="30",
    )
    return company.with_settings(create_app(settings))


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """One entry for each password that was really verified: whether the name was known."""
    seen: list[bool] = []
    real = hashing.PasswordHasher.verify

    def counting(self: Any, stored: str, password: str) -> bool:
        seen.append(True)
        return bool(real(self, stored, password))

    monkeypatch.setattr(hashing.PasswordHasher, "verify", counting)
    return seen


def test_unknown_name_wrong_password_missing_code_and_locked_account_look_the_same(
    strict: Company, verified: list[bool]
) -> None:
    name, locked = strict.user(Role.DISPATCHER), strict.user(Role.DISPATCHER)
    with db.transaction() as session:
        session.execute(
            update(User)
            .where(User.username == locked)
            .values(locked_until=func.now() + func.make_interval(1))
        )
    client = strict.anybody()
    answers = [
        log_in(client, "nobody"),
        log_in(client, name, "a wrong password"),
        log_in(client, name),
        log_in(client, name, PASSWORD, "000000"),
        log_in(client, locked, PASSWORD, pyotp.TOTP(secret_of(locked)).now()),
    ]
    assert [answer.status_code for answer in answers] == [401] * 5
    assert [without_instance(answer) for answer in answers] == [without_instance(answers[0])] * 5
    assert len(verified) == 5, "each refusal cost one password verification, the unknown name too"


def test_a_name_is_found_whatever_its_case(company: Company) -> None:
    name = company.user(Role.CALL_TAKER)
    assert log_in(company.anybody(), f"  {name.upper()} ".strip()).status_code == 200


def test_five_wrong_passwords_lock_the_account_for_the_window(strict: Company) -> None:
    name = strict.user(Role.TECHNICIAN)
    client = strict.anybody()
    for _ in range(5):
        assert log_in(client, name, "a wrong password").status_code == 401
    assert log_in(client, name).status_code == 401
    with db.transaction() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "lock_account")).one()
        assert entry.outcome == "alert"
        session.execute(update(User).values(locked_until=func.now()))
    assert log_in(client, name).status_code == 200


def test_a_success_forgets_earlier_failures(strict: Company) -> None:
    name = strict.user(Role.TECHNICIAN)
    client = strict.anybody()
    for _ in range(3):
        for _ in range(4):
            log_in(client, name, "a wrong password")
        assert log_in(client, name).status_code == 200


def test_guesses_at_once_do_not_slip_past_the_count(strict: Company) -> None:
    from concurrent.futures import ThreadPoolExecutor

    name = strict.user(Role.TECHNICIAN)
    guesses = ["a wrong password"] * 12
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda guess: log_in(strict.anybody(), name, guess), guesses))
    assert log_in(strict.anybody(), name).status_code == 401
    with db.transaction() as session:
        reasons = session.scalars(
            select(AuditEntry.detail["reason"].as_string()).order_by(AuditEntry.id)
        ).all()
    assert reasons.count("password") == 5


def test_an_address_that_failed_too_often_has_to_wait(strict: Company) -> None:
    client = strict.anybody()
    statuses = [log_in(client, f"guess-{number}").status_code for number in range(33)]
    assert statuses == [401] * 30 + [429] * 3
    refused = log_in(client, "guess-34")
    assert refused.get_json()["code"] == "TOO_MANY_REQUESTS"
    assert 0 < int(refused.headers["Retry-After"]) <= 15 * 60


def test_an_office_role_needs_a_code_that_works_once(strict: Company) -> None:
    name = strict.user(Role.DISPATCHER)
    codes = pyotp.TOTP(secret_of(name))
    client, now = strict.anybody(), int(time.time())
    assert log_in(client, name).status_code == 401
    code = codes.at(now)
    assert log_in(client, name, PASSWORD, code).status_code == 200
    assert log_in(client, name, PASSWORD, code).status_code == 401
    assert log_in(client, name, PASSWORD, codes.at(now - 10 * STEP)).status_code == 401
    assert log_in(client, name, PASSWORD, codes.at(now + STEP)).status_code == 200
    assert log_in(client, name, PASSWORD, codes.at(now)).status_code == 401, "an earlier step is used up too"


def test_a_technician_needs_no_code(strict: Company) -> None:
    assert log_in(strict.anybody(), strict.user(Role.TECHNICIAN)).status_code == 200


def test_every_login_leaves_an_audit_entry_without_secrets(strict: Company) -> None:
    name = strict.user(Role.TECHNICIAN)
    client = strict.anybody()
    log_in(client, name)
    log_in(client, name, "my other password")
    log_in(client, "typed-my-password-here")
    with db.transaction() as session:
        entries = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "login").order_by(AuditEntry.id)
        ).all()
        shown = [(entry.outcome, entry.detail.get("reason")) for entry in entries]
        text = " ".join(str(entry.detail) + str(entry.subject) for entry in entries)
    assert shown == [("done", None), ("refused", "password"), ("refused", "unknown")]
    assert "password-here" not in text
    assert "other" not in text


def test_failed_logins_do_not_change_the_version_of_the_user(company: Company) -> None:
    name = company.user(Role.TECHNICIAN)
    log_in(company.anybody(), name, "a wrong password")
    with db.transaction() as session:
        user = session.scalars(select(User).where(User.username == name)).one()
        assert (user.failed_logins, user.version) == (1, 1)


def test_a_quick_hash_is_replaced_by_a_strong_one_at_the_next_login(company: Company) -> None:
    name = company.user(Role.TECHNICIAN)
    strong = company.with_settings(create_app(settings_of_tests(TRUCKROLL_HASH_COST="strong")))
    assert log_in(strong.anybody(), name).status_code == 200
    with db.transaction() as session:
        kept = session.scalars(select(User.password_hash).where(User.username == name)).one()
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert Passwords("strong").verify(kept, PASSWORD)


def test_a_broken_hash_lets_nobody_in() -> None:
    passwords = Passwords("quick")
    assert not passwords.verify("not a hash", "anything")
    assert not passwords.verify(None, "anything")
