"""A place to lend in, with jobs known."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from dispatch import outbox
from dispatch.territories.model import Territory
from tests.builders import a_territory
from tests.dispatch.conftest import MovableClock
from tests.planning_world import register_kinds


@pytest.fixture
def place(session: Session, now: MovableClock) -> Iterator[Territory]:
    """A territory, with jobs known."""
    register_kinds()
    yield a_territory(session)
    outbox.register((), {})
