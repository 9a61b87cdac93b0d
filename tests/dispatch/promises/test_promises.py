"""The ledger of promises (R-301, R-302, R-309)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from dispatch import db, events
from dispatch.clock import TimeWithoutZone
from dispatch.errors import NotFound
from dispatch.events import Event
from dispatch.promises import queries, rules
from dispatch.promises.commands import promise
from dispatch.promises.model import Promise
from dispatch.text import ChoiceUnknown
from dispatch.work_orders.model import Visit
from tests import builders as b
from tests.dispatch.conftest import MovableClock

OFFICE = b.a_principal()


def told(session: Session, visit: Visit, start: datetime, end: datetime, **given: object) -> Promise:
    """Promise a window by phone."""
    defaults = {"channel": "phone", "slot_cost_minor": 130, "reason": "first"}
    return promise(session, by=OFFICE, visit=visit, window=(start, end), **{**defaults, **given})  # type: ignore[arg-type]


def test_a_new_promise_is_a_new_row_and_the_first_and_last_are_kept(
    session: Session, now: MovableClock, recorded: list[Event]
) -> None:
    """R-309: who, when, by which channel, at what slot score."""
    visit = b.a_visit(session)
    first = told(session, visit, b.at(14), b.at(16))
    now.set(b.at(9))
    last = told(session, visit, b.at(16), b.at(18), reason="customer_moved", channel="message")
    assert (first.ordinal, first.promised_by, first.promised_at) == (1, OFFICE.user_id, b.MORNING)
    assert (first.channel, first.slot_cost_minor, first.window_start) == ("phone", 130, b.at(14))
    assert (last.ordinal, last.reason) == (2, "customer_moved")
    assert (visit.window_start, visit.window_end) == (b.at(16), b.at(18))
    assert queries.last_promise(session, visit.id) is last
    assert queries.ledger(session, OFFICE, visit.id) == [first, last]
    assert [event.payload()["promise_id"] for event in recorded] == [str(first.id), str(last.id)]
    assert all(isinstance(event, events.VisitPromised) for event in recorded)


def test_the_database_keeps_a_promise_as_it_was_told(session: Session, now: MovableClock) -> None:
    """R-309: an immutable row."""
    kept = b.a_promise(session, b.a_visit(session))
    for statement in (
        "update promise set window_end = window_end + interval '1 hour' where id = :id",
        "delete from promise where id = :id",
    ):
        with pytest.raises(DBAPIError, match="never changed"), session.begin_nested():
            session.execute(text(statement), {"id": kept.id})


@pytest.mark.parametrize(
    ("start", "end"),
    [(b.at(10), b.at(10)), (b.at(11), b.at(10)), (b.at(5), b.at(8)), (b.at(10), b.at(35))],
)
def test_a_window_that_nobody_could_keep_is_refused(
    session: Session, now: MovableClock, start: datetime, end: datetime
) -> None:
    visit = b.a_visit(session)
    with pytest.raises(rules.PromiseImpossible):
        told(session, visit, start, end)
    assert (visit.window_start, queries.last_promise(session, visit.id)) == (None, None)


def test_a_window_without_a_zone_means_nothing(session: Session, now: MovableClock) -> None:
    naive = datetime(2026, 3, 2, 14)  # noqa: DTZ001
    with pytest.raises(TimeWithoutZone):
        told(session, b.a_visit(session), naive, naive + timedelta(hours=2))


def test_a_channel_is_one_of_ours(session: Session, now: MovableClock) -> None:
    with pytest.raises(ChoiceUnknown):
        told(session, b.a_visit(session), b.at(14), b.at(16), channel="pigeon")


@pytest.mark.parametrize("state", ["on_site", "working", "done", "no_access", "cancelled", "closed"])
def test_nobody_promises_a_visit_that_is_there_or_over(
    session: Session, now: MovableClock, state: str
) -> None:
    with pytest.raises(rules.VisitNotPromisable):
        told(session, b.a_visit(session, state=state), b.at(14), b.at(16))


def test_a_promise_is_seen_with_its_visit_only(session: Session, now: MovableClock) -> None:
    """S1."""
    visit = b.a_visit(session)
    b.a_promise(session, visit)
    with pytest.raises(NotFound):
        queries.ledger(session, b.a_principal(territory_ids=frozenset()), visit.id)


def test_two_promises_at_one_moment_give_one_and_a_conflict(database_url: str, now: MovableClock) -> None:
    """The second writer waits for the first and is told."""
    from threading import Thread

    engine = db.connect(database_url)
    sessions = db.sessions(engine)
    with sessions() as session:
        visit_id = b.a_visit(session).id
        session.commit()
    answers: list[object] = []

    def second() -> None:
        with sessions() as late:
            try:
                answers.append(told(late, late.get_one(Visit, visit_id), b.at(16), b.at(18)))
            except Exception as refusal:  # noqa: BLE001 - the answer is what the test is about
                answers.append(refusal)

    with sessions() as early:
        early.execute(text("select 1"))
        told(early, early.get_one(Visit, visit_id), b.at(14), b.at(16))
        thread = Thread(target=second)
        thread.start()
        held = "wait_event_type = 'Lock' and datname = current_database()"
        waiting = text(f"select count(*) from pg_stat_activity where {held}")
        with sessions() as watcher:
            while not watcher.scalar(waiting):
                watcher.rollback()
        early.commit()
        thread.join(timeout=10)
    assert [type(answer) for answer in answers] == [rules.PromiseRaced]
    with sessions() as session:
        assert [kept.ordinal for kept in queries.promises_of(session, [visit_id])[visit_id]] == [1]
    engine.dispose()


@pytest.mark.parametrize(("hours", "expected"), [(24, True), (23.99, False), (0, False), (48, True)])
def test_a_reservation_is_made_a_day_ahead(hours: float, expected: bool) -> None:
    """R-301: exactly 24 hours count."""
    assert rules.is_reservation(b.at(8), b.at(8 + hours)) is expected


@pytest.mark.parametrize(("hour", "expected"), [(7, True), (9, True), (11, True), (11.01, False)])
def test_a_promise_is_kept_by_arriving_not_after_its_end(hour: float, expected: bool) -> None:
    """R-309: whoever is early and waits keeps it."""
    assert rules.kept(b.at(hour), b.at(11)) is expected


@pytest.mark.parametrize(
    ("hour", "expected"), [(8.74, False), (8.75, True), (10, True), (11.25, True), (11.26, False)]
)
def test_punctual_is_a_quarter_of_an_hour_around_the_window(hour: float, expected: bool) -> None:
    """R-302."""
    assert rules.within_band(b.at(hour), b.at(9), b.at(11)) is expected
