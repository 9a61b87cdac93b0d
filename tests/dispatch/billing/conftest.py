"""Money is settled with the jobs known, at eight in the morning of the test day."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from dispatch import clock, db, outbox
from tests.builders import at, frozen_clock
from tests.dispatch.conftest import MovableClock
from tests.invariants import broken
from tests.planning_world import register_kinds
from tests.services import TestServices


@pytest.fixture
def books(session: Session, now: MovableClock) -> Iterator[Session]:
    """A session whose money must be in order when the test ends."""
    register_kinds()
    yield session
    session.flush()
    assert broken(session.connection()) == {}
    outbox.register((), {})


@pytest.fixture
def committed(services: TestServices) -> Iterator[Engine]:
    """A database of its own, for what several transactions do at once."""
    address = services.new_database()
    engine = db.connect(address, pool_size=5)
    db.configure(db.sessions(engine))
    register_kinds()
    clock.set_source(frozen_clock(at(20)))
    yield engine
    clock.set_source(None)
    outbox.register((), {})
    engine.dispose()
    services.drop_database(address)
