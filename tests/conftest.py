"""Fixtures of every test that needs the database or the queue: the real ones, started once."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine, make_url
from sqlalchemy.orm import Session

from dispatch.db import connect
from dispatch.embedded import services as embedded
from tests.emptied_database import SharedDatabase
from tests.services import (
    TestServices,
    remove_home,
    remove_left_homes,
    settings_for,
    short_home,
)

settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")
"""A machine that does other things too makes cases slowly; that is no fault of theirs."""

gc.set_threshold(100_000, 50, 100)
"""Rubbish is looked for seldom: a tenth of the tests' time went into walking through all that is loaded."""


LONG = (
    "optimizer/test_campaign.py",
    "api/test_schemathesis.py",
    "phone/test_more_properties.py",
    "phone/test_properties.py",
    "dispatch/planning/test_generated_days.py",
    "optimizer/test_rich_truth.py",
    "api/test_guessing.py",
    "api/test_object_access.py",
    "dispatch/planning/test_nights.py",
    "integration/jobs/test_split_kills.py",
    "api/test_schemathesis_bounds.py",
    "dispatch/planning/test_generated_bookings.py",
)
"""Files that take a minute and more: begun first, so that no worker is left alone with one at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long files."""
    place = {str(Path(__file__).parent / name): number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(str(item.path), len(LONG)))


@pytest.fixture(scope="session")
def services() -> Iterator[TestServices]:
    """The servers of this test run: given by TEST_DATABASE_URL and TEST_REDIS_URL, or embedded."""
    given = {
        "DATABASE_URL": os.environ.get("TEST_DATABASE_URL", ""),
        "REDIS_URL": os.environ.get("TEST_REDIS_URL", ""),
    }
    remove_left_homes()
    home = short_home()
    running = embedded.start(settings_for(home, **given))
    ours = TestServices(
        server_url=make_url(running.database_url),
        redis_server_url=running.redis_url,
        worker=os.environ.get("PYTEST_XDIST_WORKER", "main"),
    )
    yield ours
    if given["DATABASE_URL"]:
        ours.drop_all()
    running.stop()
    remove_home(home)


@pytest.fixture(scope="session")
def _emptied(services: TestServices) -> Iterator[SharedDatabase]:
    shared = SharedDatabase(services)
    yield shared
    if shared.url:
        services.drop_database(shared.url)


@pytest.fixture
def database_url(_emptied: SharedDatabase) -> str:
    """Address of a migrated database with nothing in it, for this test alone; commits are allowed."""
    return _emptied.fresh()


@pytest.fixture(scope="session")
def engine(services: TestServices) -> Iterator[Engine]:
    """An engine of this worker's shared database; what tests write there is rolled back (`session`)."""
    shared = connect(services.new_database())
    yield shared
    shared.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session whose commits are savepoints; everything is rolled back after the test."""
    with engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as opened:
            yield opened
        outer.rollback()


@pytest.fixture
def redis_url(services: TestServices) -> Iterator[str]:
    """Address of an empty numbered Valkey database of this worker."""
    services.flush_redis()
    yield services.redis_url
    services.flush_redis()
