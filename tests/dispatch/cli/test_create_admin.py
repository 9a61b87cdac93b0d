"""``truckroll create-admin`` makes the first user, who can then log in with a one-time code."""

from __future__ import annotations

import io
from dataclasses import replace

import pyotp
import pytest

from dispatch import bootstrap, db
from dispatch.__main__ import main
from dispatch.access import signing_in
from dispatch.access.hashing import Passwords
from dispatch.access.rules import LoginRefused, LoginRules, TokenRules
from dispatch.access.signing_in import Issued
from dispatch.settings import Settings

PASSWORD = "correct horse battery"


@pytest.fixture
def installation(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An installation with given services, as the environment describes it."""
    for name, value in {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "TRUCKROLL_ENV": "test",
        "TRUCKROLL_HASH_COST": "quick",
    }.items():
        monkeypatch.setenv(name, value)
    return Settings.from_environment()


def run(monkeypatch: pytest.MonkeyPatch, password: str, *words: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
    return main(["create-admin", *words])


def log_in(settings: Settings, code: str, password: str = PASSWORD) -> Issued | LoginRefused:
    bootstrap.start(replace(settings))
    try:
        with db.transaction() as session:
            return signing_in.log_in(
                session,
                username="ada",
                password=password,
                code=code,
                address="",
                passwords=Passwords("quick"),
                login=LoginRules(),
                tokens=TokenRules(secret=b"a secret of tests"),
            )
    finally:
        bootstrap.stop()


def secret_in(text: str) -> str:
    return text.partition("shown this once: ")[2].partition("\n")[0]


def test_the_first_administrator_logs_in_with_the_secret_shown_once(
    installation: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, PASSWORD, "Ada", "--name", "Ada B") == 0
    secret = secret_in(capsys.readouterr().out)
    assert isinstance(log_in(installation, pyotp.TOTP(secret).now()), Issued)
    assert isinstance(log_in(installation, "000000"), LoginRefused)


def test_a_weak_password_or_a_taken_name_is_refused_with_a_remedy(
    installation: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "short", "ada") == 1
    assert "PASSWORD_WEAK" in capsys.readouterr().err
    assert run(monkeypatch, PASSWORD, "ada") == 0
    assert run(monkeypatch, PASSWORD, "ADA") == 1
    assert "ALREADY_EXISTS" in capsys.readouterr().err


def test_a_reset_gives_a_lost_administrator_a_new_password_and_secret(
    installation: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "another good password", "ada", "--reset") == 1
    assert run(monkeypatch, PASSWORD, "ada") == 0
    capsys.readouterr()
    assert run(monkeypatch, "another good password", "ada", "--reset") == 0
    code = pyotp.TOTP(secret_in(capsys.readouterr().out)).now()
    assert isinstance(log_in(installation, code, "another good password"), Issued)
