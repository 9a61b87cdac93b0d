"""A real database for tests of the protocol: what phones do is committed; each test makes its own visits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dispatch import clock, db, outbox
from dispatch.bootstrap import JOBS, SUBSCRIPTIONS
from tests.builders import frozen_clock
from tests.dispatch.sync.field import Field
from tests.services import TestServices


@pytest.fixture(scope="session")
def _address(services: TestServices) -> Iterator[str]:
    address = services.new_database()
    yield address
    services.drop_database(address)


@pytest.fixture
def field(_address: str) -> Iterator[Field]:
    """A technician with a registered phone, and a clock that stands at eight in the morning."""
    engine = db.connect(_address, pool_size=10)
    db.configure(db.sessions(engine))
    outbox.register(JOBS, SUBSCRIPTIONS)
    clock.set_source(frozen_clock())
    yield Field.prepared()
    clock.set_source(None)
    engine.dispose()
