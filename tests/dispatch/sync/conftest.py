"""A real database for tests of the protocol: what phones do is committed; each test makes its own visits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from dispatch import clock, db, outbox
from dispatch.bootstrap import JOBS, SUBSCRIPTIONS
from tests.builders import frozen_clock
from tests.dispatch.sync.field import Field
from tests.services import TestServices


@pytest.fixture(scope="session")
def _engine(services: TestServices) -> Iterator[Engine]:
    address = services.new_database()
    engine = db.connect(address, pool_size=10)
    yield engine
    engine.dispose()
    services.drop_database(address)


@pytest.fixture
def field(_engine: Engine) -> Iterator[Field]:
    """A technician with a registered phone, and a clock that stands at eight in the morning."""
    db.configure(db.sessions(_engine))
    outbox.register(JOBS, SUBSCRIPTIONS)
    clock.set_source(frozen_clock())
    yield Field.prepared()
    clock.set_source(None)
