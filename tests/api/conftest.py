"""The application under test on a real database, and clients of every role."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from flask import Flask
from limits.storage import MemoryStorage

from api import create_app
from dispatch import bootstrap, db
from dispatch.access.rules import Role
from dispatch.simulation.phone import PhoneClient
from tests.api.company import Client, ClientFor, Company, settings_of_tests
from tests.api.desk import Desk
from tests.api.in_the_field import signed_in
from tests.api.live import CRASH_POINTS, Dying, serving


@pytest.fixture(scope="session")
def _application() -> Flask:
    return create_app(settings_of_tests())


@pytest.fixture(scope="session", autouse=True)
def _no_timers() -> Iterator[None]:
    """
    Counters in memory are forgotten when they are asked for, not by a thread of their own after each request.

    Starting the threads took half a millisecond of every request.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MemoryStorage, "_MemoryStorage__schedule_expiry", lambda self: None)
        yield


_connect = cache(db.connect)
"""The tests' applications share an engine: it keeps what statements compile to."""


@pytest.fixture
def app(
    _application: Flask, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Flask]:
    """The application with an empty database and no files; what it commits stays until the test ends."""
    shutil.rmtree(settings_of_tests().attachments, ignore_errors=True)
    monkeypatch.setattr(db, "connect", _connect)
    bootstrap.start(replace(settings_of_tests(), database_url=database_url, redis_url=redis_url))
    yield _application
    bootstrap.stop()


@pytest.fixture
def company(app: Flask) -> Company:
    """Two territories with a technician each."""
    return Company.founded(app, settings_of_tests())


@pytest.fixture
def client_for(company: Company) -> ClientFor:
    """``client_for(Role.DISPATCHER)`` is a client logged in as a new user of that role."""

    def make(role: Role, *territories: str) -> Client:
        return company.client(company.user(role, *territories))

    return make


@pytest.fixture
def anybody(company: Company) -> Client:
    """A client without login."""
    return company.anybody()


@pytest.fixture
def desk(company: Company, client_for: ClientFor) -> Desk:
    """The office of the north at work."""
    return Desk(company, client_for)


@pytest.fixture
def dying(app: Flask, database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Dying]:
    """A web server that dies once at each crash point, and begins again like an installation's."""
    places = {"TRUCKROLL_CRASH_AT": " ".join(CRASH_POINTS), "TRUCKROLL_CRASH_ONCE": str(tmp_path / "died")}
    with serving(database_url, redis_url, tmp_path, "--preload", **places) as found:
        yield Dying(found, tmp_path)


@pytest.fixture
def address(app: Flask, database_url: str, redis_url: str, tmp_path: Path) -> Iterator[str]:
    """The installation's own web server on the database of this test."""
    with serving(database_url, redis_url, tmp_path) as found:
        yield found


@pytest.fixture
def phone(company: Company) -> Iterator[PhoneClient]:
    """A phone of the northern technician."""
    made = signed_in(company)
    yield made
    made.close()


@pytest.fixture
def dispatcher(client_for: ClientFor) -> Client:
    """A dispatcher of the north."""
    return client_for(Role.DISPATCHER)
