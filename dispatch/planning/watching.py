"""Looking ahead at the promises of a day while it goes on, and handing over those in danger (R-503)."""

from __future__ import annotations

import uuid
from datetime import date

from sqlalchemy.orm import Session

from dispatch.planning.forecasting import routes_ahead
from dispatch.planning.rules import Danger
from dispatch.promises import alarming
from dispatch.promises.model import PromiseAlarm
from dispatch.promises.rules import AlarmPolicy


def watch(session: Session, territory_id: uuid.UUID, day: date, policy: AlarmPolicy) -> list[PromiseAlarm]:
    """Look at every promise of a day that is still ahead; return the alarms that are told now."""
    sights = [
        alarming.Sight(stop.visit_id, stop.expected_arrival, stop.danger is Danger.BREAKING)
        for route in routes_ahead(session, territory_id, day)
        for stop in route.stops
        if stop.window_end is not None
    ]
    return alarming.look(session, territory_id, day, sights, policy)
