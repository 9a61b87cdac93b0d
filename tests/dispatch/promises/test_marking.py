"""Customers who were away or late: marked once, and offered another appointment (R-305, R-504)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from dispatch import outbox
from dispatch.contracts.house_rules import change_house_rules
from dispatch.customers.model import Customer
from dispatch.promises import marking
from dispatch.promises.commands import promise
from dispatch.promises.queries import kept_reservations
from dispatch.promises.rules import NotLate
from dispatch.work_orders.model import Visit
from tests.builders import a_principal, a_promise, a_technician, a_visit, at
from tests.dispatch.conftest import MovableClock
from tests.planning_world import register_kinds

ME = a_principal()


@pytest.fixture
def visit(session: Session, now: MovableClock) -> Iterator[Visit]:
    """A visit where nobody opened."""
    register_kinds()
    yield a_visit(session, state="no_access")
    outbox.register((), {})


def customer_of(session: Session, visit: Visit) -> Customer:
    """Whose visit it is."""
    return session.get_one(Customer, visit.work_order.customer_id)


def test_nobody_there_is_marked_once_and_the_mark_counts(session: Session, visit: Visit) -> None:
    """R-305."""
    first = marking.mark(session, by=None, visit=visit, kind="no_show")
    again = marking.mark(session, by=ME, visit=visit, kind="no_show")
    assert first is not None
    assert again is first
    assert customer_of(session, visit).no_show_marks == 1
    explained = marking.explain(session, by=ME, found=first, reason="at the doctor's")
    assert (explained.reason, explained.reason_by) == ("at the doctor's", ME.user_id)
    assert marking.marks_of(session, visit.work_order.customer_id) == [first]


@pytest.mark.parametrize("minutes", [None, 5, 15])
def test_within_the_band_nobody_is_late(session: Session, visit: Visit, minutes: int | None) -> None:
    """R-302, R-504: fifteen minutes are allowed on both sides."""
    with pytest.raises(NotLate):
        marking.mark(session, by=ME, visit=visit, kind="late", minutes_late=minutes)


def test_beyond_the_band_a_customer_is_late(session: Session, visit: Visit) -> None:
    """R-504."""
    found = marking.mark(session, by=ME, visit=visit, kind="late", minutes_late=16)
    assert found is not None
    assert (found.kind, found.minutes_late) == ("late", 16)
    a_promise(session, visit, is_reservation=True)
    assert kept_reservations(session, [visit.id]) == frozenset()


def test_the_house_may_keep_no_marks_and_open_no_second_booking(session: Session, visit: Visit) -> None:
    change_house_rules(session, by=ME, changes={"late_marks": False, "second_booking": False})
    assert marking.mark(session, by=None, visit=visit, kind="no_show") is None
    assert marking.book_again(session, visit=visit) is None
    assert customer_of(session, visit).no_show_marks == 0


@pytest.mark.parametrize("is_named", [True, False])
def test_whom_a_customer_named_is_asked_for_anew_after_a_closed_door(
    session: Session, visit: Visit, is_named: bool
) -> None:
    """R-305, R-306: the privilege is lost with the appointment; whom the office decided on stays."""
    who = a_technician(session)
    visit.required_technician_id = who.id
    a_promise(session, visit, named_technician_id=who.id if is_named else None)
    again = marking.book_again(session, visit=visit)
    assert again is not None
    assert again.required_technician_id == (None if is_named else who.id)


def test_a_closed_door_opens_a_second_booking_at_once_and_only_one(session: Session, visit: Visit) -> None:
    """R-305."""
    again = marking.book_again(session, visit=visit)
    assert again is not None
    assert (again.work_order_id, again.attempt, again.state) == (visit.work_order_id, 2, "unplanned")
    session.refresh(visit.work_order)
    assert marking.book_again(session, visit=visit) is None


def test_how_long_ahead_a_reservation_is_made_is_the_houses_to_say(session: Session, visit: Visit) -> None:
    """R-301."""
    open_visit = a_visit(session)
    window = (at(20), at(22))
    told = promise(
        session, by=ME, visit=open_visit, window=window, channel="phone", slot_cost_minor=0, reason="first"
    )
    assert told.is_reservation is False
    change_house_rules(session, by=ME, changes={"reservation_lead_hours": 12})
    window = (at(21), at(23))
    moved = promise(
        session, by=ME, visit=open_visit, window=window, channel="phone", slot_cost_minor=0, reason="again"
    )
    assert moved.is_reservation is True
