"""Breaks inside visits: to the second, whatever pauses, reopened visits and forgotten ends do (R-509)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from dispatch.technicians.breaks import breaks_taken, end_break, start_break
from dispatch.technicians.model import BreakTaken
from dispatch.work_orders.model import Visit, VisitEvent
from dispatch.work_orders.resting import Rested, breaks_at, rested
from dispatch.work_orders.stamping import PAUSES, Happened
from tests.builders import a_technician, a_visit, an_order, at

WAY = {"travelling_at": at(8), "arrived_at": at(9), "started_at": at(9)}


def a_break(session: Session, visit: Visit, start: float, end: float | None) -> BreakTaken:
    """A break of the visit's technician, in hours of the day."""
    row = BreakTaken(
        technician_id=visit.technician_id, started_at=at(start), ended_at=at(end) if end is not None else None
    )
    session.add(row)
    session.flush()
    return row


def step(session: Session, visit: Visit, source: str, target: str, moment: datetime | Happened) -> None:
    """A step that was taken; of a time that nobody could verify, with what counts."""
    happened = moment if isinstance(moment, Happened) else Happened(moment)
    session.add(
        VisitEvent(
            visit_id=visit.id,
            from_state=source,
            to_state=target,
            actor="assignee",
            occurred_at=happened.told,
            counts_at=happened.bound,
            recorded_at=happened.counts,
        )
    )
    session.flush()


def a_done_visit(session: Session, **fields: Any) -> Visit:
    """On the way from eight, at work from nine to twelve."""
    told = {**WAY, "finished_at": at(12), "state": "done", **fields}
    return a_visit(session, order=an_order(session), technician=a_technician(session), **told)


@pytest.mark.parametrize(
    ("breaks", "expected"),
    [
        ([], None),
        ([(10, 10.5)], Rested(0, 1800)),
        ([(8.25, 8.5)], Rested(900, 0)),
        ([(8.75, 9.25)], Rested(900, 900)),
        ([(11.5, 13)], Rested(0, 1800)),
        ([(12, 13), (7, 8)], None),
        ([(10, None)], Rested(0, 7200)),
        ([(11, None)], Rested(0, 3600)),
        ([(7, None)], Rested(3600, 0)),
        ([(9, 12)], Rested(0, 10800)),
        ([(6, 11)], Rested(3600, 7200)),
        ([(10, 11), (10.5, 11.5)], Rested(0, 5400)),
        ([(8, 8.5), (9, 9.25), (10, 10.25)], Rested(1800, 1800)),
    ],
)
def test_a_break_is_neither_way_nor_work(
    session: Session, breaks: list[tuple[float, float | None]], expected: Rested | None
) -> None:
    """One whose end was forgotten lasts two hours at most, and no longer than the visit."""
    visit, other = a_done_visit(session), a_done_visit(session)
    for start, end in breaks:
        a_break(session, visit, start, end)
    assert rested(session, [visit, other]) == ({visit.id: expected} if expected else {})


def test_a_break_within_a_pause_is_left_out_once(session: Session) -> None:
    """Paused from ten to eleven: of a break from half past ten to half past eleven the second half counts."""
    visit = a_done_visit(session, paused_seconds=3600)
    step(session, visit, "working", "paused", at(10))
    step(session, visit, "paused", "working", at(11))
    a_break(session, visit, 10.5, 11.5)
    assert rested(session, [visit]) == {visit.id: Rested(0, 1800)}


def test_a_pause_told_by_a_clock_nobody_can_verify_waits_as_its_seconds_do(session: Session) -> None:
    """Reliability 2.5: told from ten to eleven, heard of at half past eleven; confirmed, the word counts."""
    visit = a_done_visit(session, unverified={PAUSES: 3600})
    step(session, visit, "working", "paused", Happened(at(10), at(11.5)))
    step(session, visit, "paused", "working", Happened(at(11), at(11.5)))
    a_break(session, visit, 10, 11)
    assert rested(session, [visit]) == {visit.id: Rested(0, 3600)}
    visit.paused_seconds, visit.unverified = 3600, {}
    assert rested(session, [visit]) == {visit.id: Rested()}


def test_a_break_whose_end_the_next_one_tells_is_over_after_two_hours(session: Session) -> None:
    """One that somebody ended lasts as long as they said."""
    visit = a_done_visit(session)
    who = visit.technician_id
    assert who is not None
    for hour in (7, 11.5, 7.5):
        start_break(session, technician_id=who, at=at(hour))
    end_break(session, technician_id=who, at=at(14.75))
    ends = [(row.started_at, row.ended_at) for row in breaks_taken(session, who, at(6), at(18))]
    assert ends == [(at(7), at(9)), (at(7.5), at(9.5)), (at(11.5), at(14.75))]
    assert rested(session, [visit]) == {visit.id: Rested(3600, 1800 + 1800)}


def test_a_break_between_the_end_and_a_reopening_is_left_out_once(session: Session) -> None:
    visit = a_done_visit(session, paused_seconds=5400)
    for source, target, hour in [
        ("working", "paused", 9.5),
        ("paused", "done", 10),
        ("done", "working", 11),
        ("working", "done", 12),
        ("done", "verified", 12.5),
    ]:
        step(session, visit, source, target, at(hour))
    a_break(session, visit, 9.25, 11.25)
    assert rested(session, [visit]) == {visit.id: Rested(0, 1800)}


def test_a_visit_under_way_counts_up_to_the_moment_that_is_asked_about(session: Session) -> None:
    """Whoever is on a pause now has a break in it that is the pause's."""
    visit = a_done_visit(session, finished_at=None, state="paused")
    step(session, visit, "working", "paused", at(10.5))
    a_break(session, visit, 10, None)
    assert rested(session, [visit], at(10.25)) == {visit.id: Rested(0, 900)}
    assert rested(session, [visit], at(11)) == {visit.id: Rested(0, 1800)}


def test_breaks_of_others_and_of_other_hours_are_not_the_visits(session: Session) -> None:
    visit, other = a_done_visit(session), a_done_visit(session)
    a_break(session, other, 10, 10.5)
    mine = [a_break(session, visit, 8.5, 8.75), a_break(session, visit, 11, None)]
    a_break(session, visit, 12, 12.5)
    assert list(breaks_at(session, visit)) == mine
    assert rested(session, [visit]) == {visit.id: Rested(900, 3600)}
