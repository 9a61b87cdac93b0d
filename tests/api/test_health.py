"""Probes: alive, ready, degraded, unavailable."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from api import create_app
from dispatch import db
from dispatch.doctor import services
from dispatch.sync import upkeep
from tests.api.company import Company, settings_of_tests


def served(company: Company, redis_url: str | None) -> Company:
    return company.with_settings(create_app(replace(settings_of_tests(), redis_url=redis_url)))


def test_alive_needs_nothing_but_the_process(company: Company) -> None:
    db.configure(db.sessions(db.connect("postgresql+psycopg://nobody@127.0.0.1:1/none")))
    answer = company.anybody().get("/healthz")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "ok"})


def test_ready_with_database_and_queue(company: Company, redis_url: str) -> None:
    answer = served(company, redis_url).anybody().get("/readyz")
    assert answer.status_code == 200
    assert answer.get_json() == {"status": "ready", "database": "up", "queue": "up", "phones": "on time"}


def test_without_the_queue_it_serves_but_says_so(company: Company) -> None:
    answer = served(company, "redis://127.0.0.1:1/0").anybody().get("/readyz")
    assert answer.status_code == 200
    assert answer.get_json() == {"status": "degraded", "database": "up", "queue": "down", "phones": "on time"}


def test_without_the_database_it_is_not_ready(company: Company) -> None:
    nowhere = db.connect("postgresql+psycopg://nobody@127.0.0.1:1/none")
    db.configure(db.sessions(nowhere))
    answer = company.anybody().get("/readyz")
    nowhere.dispose()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.get_json() == {"status": "unavailable", "database": "down", "queue": "not configured"}


def test_a_transaction_that_stays_open_keeps_news_from_phones(
    company: Company, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reliability §2.3: a change appears in the feed when all older transactions are over."""
    monkeypatch.setattr(upkeep, "LATE_SECONDS", 0.0)
    client = served(company, redis_url).anybody()
    assert client.get("/readyz").get_json()["phones"] == "on time"
    with db.transaction() as open_one:
        open_one.execute(text("select pg_current_xact_id()"))
        answer = client.get("/readyz")
        with db.transaction() as session:
            [told] = [one for one in services(session) if one.code == "FEED_DELAYED"]
    assert (answer.status_code, answer.get_json()["status"], answer.get_json()["phones"]) == (
        200,
        "degraded",
        "late",
    )
    assert told.level == "error"
