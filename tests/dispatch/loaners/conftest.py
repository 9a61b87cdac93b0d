"""A place to lend in, with jobs known."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from dispatch import outbox, travel
from dispatch.settings import Settings
from dispatch.territories.model import Territory
from tests.builders import a_territory
from tests.dispatch.conftest import MovableClock
from tests.planning_world import Town, register_kinds


@pytest.fixture
def place(session: Session, now: MovableClock) -> Iterator[Territory]:
    """A territory, with jobs known."""
    register_kinds()
    yield a_territory(session)
    outbox.register((), {})


@pytest.fixture
def town(session: Session, place: Territory) -> Town:
    """The place, with people on duty where a test hires them."""
    travel.configure(Settings(travel="geodesic"))
    return Town(session, place)
