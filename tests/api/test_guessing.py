"""Ten thousand guesses get as many tries as configured, and their answers tell nothing (S6)."""

from __future__ import annotations

import io
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from statistics import median
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, select, update
from werkzeug.test import EnvironBuilder, run_wsgi_app

from api import create_app
from dispatch import db
from dispatch.access.hashing import Passwords
from dispatch.access.model import AuditEntry, User
from dispatch.access.rules import Role
from tests.api.company import PASSWORD, Company, settings_of_tests

GUESSES = 10_000
PER_ACCOUNT, PER_ADDRESS, ADDRESSES = 10, 50, 20
WORDS = (
    "password",
    "qwerty",
    "letmein",
    "dragon",
    "monkey",
    "winter",
    "summer",
    "truckroll",
    "admin",
    "repair",
)


def corpus() -> list[str]:
    """Ten thousand guesses: words with years and signs; from the hundredth on each hundredth is right."""
    drawn = random.Random(6)
    made: dict[str, None] = {}
    while len(made) < GUESSES:
        word = drawn.choice(WORDS)
        shaped = drawn.choice((word, word.title(), word.upper(), word[::-1]))
        made[f"{shaped}{drawn.choice(('', '!', '.', '-', '#'))}{drawn.randrange(10_000)}"] = None
    guesses = list(made)
    guesses[99::100] = [PASSWORD] * len(guesses[99::100])
    return guesses


def calm_window() -> int:
    """Minutes of a window that does not end soon: the limiter counts in windows of the clock."""
    now = time.time()
    return max((15, 17, 23, 29), key=lambda minutes: 60 * minutes - now % (60 * minutes))


def guarded(company: Company, **variables: str) -> Company:
    """The company with ten tries an account and fifty an address; technicians log in without a code."""
    limits = {
        "TRUCKROLL_LOGIN_WINDOW_MINUTES": str(calm_window()),
        "TRUCKROLL_LOGIN_ATTEMPTS_PER_ACCOUNT": str(PER_ACCOUNT),
        "TRUCKROLL_LOGIN_ATTEMPTS_PER_ADDRESS": str(PER_ADDRESS),
    }
    return company.with_settings(create_app(settings_of_tests(**limits | variables)))


def addresses(first: int = 0) -> Iterator[str]:
    """Network addresses of one attacker, in turn."""
    return itertools.cycle(f"198.51.100.{first + number}" for number in range(ADDRESSES))


def statuses(served: Company, tries: Iterable[tuple[str, str, str]]) -> Counter[int]:
    """Answers to guesses of a password, each with user name and the address it comes from."""
    asked = EnvironBuilder("/v1/auth/login", method="POST", json={}).get_environ()
    found: Counter[int] = Counter()
    for name, password, address in tries:
        body = json.dumps({"username": name, "password": password}).encode()
        guess = {"REMOTE_ADDR": address, "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
        _, status, _ = run_wsgi_app(
            served.app, asked | guess, buffered=True
        )  # a client of ten thousand requests is slow
        found[int(status[:3])] += 1
    return found


def judged() -> Counter[str]:
    """How many logins were refused for which reason."""
    with db.transaction() as session:
        reasons = select(AuditEntry.detail["reason"].as_string()).where(AuditEntry.outcome == "refused")
        return Counter(session.scalars(reasons))


def let_locks_end() -> None:
    """Put the end of every account's lock into the past."""
    with db.transaction() as session:
        session.execute(update(User).values(locked_until=func.now() - timedelta(seconds=1)))


@pytest.mark.slow
def test_ten_thousand_guesses_at_one_account_get_ten_tries_a_window(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S6: twenty addresses guess in turn; the right password among the guesses opens nothing."""
    served, name = guarded(company), company.user(Role.TECHNICIAN)
    hashed: list[str] = []
    real = PasswordHasher.verify

    def counting(self: Any, stored: str, password: str) -> bool:
        hashed.append(stored)
        return bool(real(self, stored, password))

    monkeypatch.setattr(PasswordHasher, "verify", counting)
    guesses = corpus()
    found = statuses(served, zip(itertools.repeat(name), guesses, addresses(), strict=False))
    assert found == {401: ADDRESSES * PER_ADDRESS, 429: GUESSES - ADDRESSES * PER_ADDRESS}
    assert judged() == {"password": PER_ACCOUNT, "locked": ADDRESSES * PER_ADDRESS - PER_ACCOUNT}
    assert len(hashed) == ADDRESSES * PER_ADDRESS, "what an address may not try costs no hash"
    let_locks_end()
    statuses(served, zip(itertools.repeat(name), guesses[:60], addresses(100), strict=False))
    assert judged()["password"] == 2 * PER_ACCOUNT, "the next window has its tries and no more"
    let_locks_end()
    assert statuses(served, [(name, PASSWORD, "192.0.2.1")]) == {200: 1}, "the owner is let in again"


def test_guesses_from_one_address_get_fifty_tries_whatever_the_accounts(company: Company) -> None:
    """S6: spraying guesses over many accounts, known and unknown ones, stops at the limit of the address."""
    served = guarded(company)
    names = [company.user(Role.TECHNICIAN) for _ in range(10)] + [f"nobody-{number}" for number in range(10)]
    guesses = [guess for guess in corpus()[:500] if guess != PASSWORD]
    tries = zip(itertools.cycle(names), guesses, itertools.repeat("192.0.2.7"), strict=False)
    found = statuses(served, tries)
    assert found == {401: PER_ADDRESS, 429: len(guesses) - PER_ADDRESS}
    assert judged() == {"password": 30, "unknown": 20}


@pytest.mark.slow
def test_the_time_of_a_refusal_does_not_tell_whether_the_name_exists(company: Company) -> None:
    """S6: refusals of unknown, known and locked names cost the processor alike; hashes as in production."""
    served = guarded(
        company,
        TRUCKROLL_HASH_COST="strong",
        TRUCKROLL_LOGIN_ATTEMPTS_PER_ACCOUNT="1000",
        TRUCKROLL_LOGIN_ATTEMPTS_PER_ADDRESS="1000",
    )
    known, locked_out = company.user(Role.TECHNICIAN), company.user(Role.TECHNICIAN)
    names = {"unknown": "nobody", "known": known, "locked": locked_out}
    with db.transaction() as session:
        session.execute(update(User).values(password_hash=Passwords("strong").hash(PASSWORD)))
        locked = update(User).where(User.username == locked_out)
        session.execute(locked.values(locked_until=func.now() + timedelta(hours=1)))
    seconds: dict[str, list[float]] = {kind: [] for kind in names}
    for _ in range(12):
        for kind, name in names.items():
            begun = time.process_time()
            assert statuses(served, [(name, "a wrong password", "192.0.2.9")]) == {401: 1}
            seconds[kind].append(time.process_time() - begun)
    # A refusal without its hash costs a small part of the others; a busy machine makes no such difference.
    for one, other in itertools.permutations(seconds.values(), 2):
        assert median(one) <= 1.5 * median(other), seconds
