"""The demo's report says of every promise what happened to it (R-309)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from dispatch.promises.model import PromiseAlarm
from dispatch.simulation.promise_report import AHEAD, KEPT, counted, promises_told, singled_out
from tests.builders import DAY, ZONE, a_promise, a_visit, an_order, at


def told(session: Session) -> list[dict[str, Any]]:
    """The report on the test day."""
    session.flush()
    return promises_told(session, DAY, ZONE)


@pytest.mark.parametrize(
    ("state", "arrived", "alarm", "outcome"),
    [
        ("done", at(9), None, KEPT),
        ("done", at(12), None, "broken, not told"),
        ("done", at(12), at(10.5), "broken, told before"),
        ("done", at(12), at(11.5), "broken, not told"),
        ("no_access", at(9), None, "nobody there"),
        ("cancelled", None, None, "called off"),
        ("planned", None, None, "open"),
    ],
)
def test_a_promise_is_told_with_what_happened_to_it(
    session: Session, state: str, arrived: datetime | None, alarm: datetime | None, outcome: str
) -> None:
    visit = a_visit(session, order=an_order(session), state=state, arrived_at=arrived)
    promise = a_promise(session, visit, window_start=at(9), window_end=at(11))
    if alarm is not None:
        session.add(
            PromiseAlarm(
                promise_id=promise.id,
                visit_id=visit.id,
                territory_id=visit.work_order.territory_id,
                day=DAY,
                reason="delay",
                seen_at=at(8),
                told_at=alarm,
                expected_arrival=at(12),
            )
        )
    [row] = told(session)
    assert row["outcome"] == outcome
    assert counted([row]) == {outcome: 1}
    assert singled_out([row]) == (
        [] if outcome == KEPT else [f"{visit.number} (1)  03-02 09:00 to 11:00  {outcome}"]
    )


@pytest.mark.parametrize(
    ("again", "outcome"), [(at(10), "replaced in time"), (at(11.5), "broken, told anew afterwards")]
)
def test_a_promise_that_was_told_anew_says_whether_that_came_in_time(
    session: Session, again: datetime, outcome: str
) -> None:
    visit = a_visit(session, order=an_order(session), state="done", arrived_at=at(14))
    a_promise(session, visit, window_start=at(9), window_end=at(11))
    later = {"window_start": at(13), "window_end": at(15), "promised_at": again, "reason": "delay"}
    a_promise(session, visit, ordinal=2, **later)
    first, second = told(session)
    assert (first["outcome"], first["then"], first["arrived_at"]) == (outcome, "delay", None)
    assert (second["outcome"], second["then"]) == (KEPT, None)
    assert singled_out([first, second]) == [f"{visit.number} (1)  03-02 09:00 to 11:00  {outcome}: delay"]


def test_what_is_promised_for_another_day_lies_ahead(session: Session) -> None:
    visit = a_visit(session, order=an_order(session), state="planned")
    start = at(9) + timedelta(days=1)
    a_promise(session, visit, window_start=start, window_end=start + timedelta(hours=2))
    [row] = told(session)
    assert row["outcome"] == AHEAD
    assert singled_out([row]) == []
