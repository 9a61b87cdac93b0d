"""Money is settled with the jobs known, at eight in the morning of the test day."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from dispatch import outbox
from tests.dispatch.conftest import MovableClock
from tests.invariants import broken
from tests.planning_world import register_kinds


@pytest.fixture
def books(session: Session, now: MovableClock) -> Iterator[Session]:
    """A session whose money must be in order when the test ends."""
    register_kinds()
    yield session
    session.flush()
    assert broken(session.connection()) == {}
    outbox.register((), {})
