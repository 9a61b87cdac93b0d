"""A town to plan in, on a clock that stands at eight in the morning of the test day."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from dispatch import db, outbox, travel
from dispatch.settings import Settings
from tests.dispatch.conftest import MovableClock
from tests.planning_world import Town, a_town, register_kinds


@pytest.fixture
def jobs_known() -> Iterator[None]:
    """Jobs and subscriptions as in production; straight-line travel."""
    register_kinds()
    travel.configure(Settings(travel="geodesic"))
    yield
    outbox.register((), {})


@pytest.fixture
def lasting_town(database_url: str, now: MovableClock) -> Iterator[Town]:
    """A town in a database of its own, since jobs commit."""
    engine = db.connect(database_url)
    factory = db.sessions(engine)
    db.configure(factory)
    register_kinds()
    travel.configure(Settings(travel="geodesic"))
    with factory() as session:
        yield a_town(session)
    outbox.register((), {})
    engine.dispose()


@pytest.fixture
def town(session: Session, now: MovableClock, jobs_known: None) -> Town:
    """An empty town at eight in the morning."""
    return a_town(session)
