"""A customer asks when we come (R-105)."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from dispatch.promises.chasing import chasers_of, open_chasers, record_chaser
from dispatch.work_orders.model import WorkOrder
from dispatch.work_orders.refusals import OrderFinished
from tests.builders import an_order, at
from tests.dispatch.conftest import MovableClock


@pytest.fixture
def order(session: Session, now: MovableClock) -> WorkOrder:
    """An order of this morning."""
    assert now.moment == at(8)
    return an_order(session)


def test_the_second_chaser_reaches_the_supervisor(session: Session, order: WorkOrder) -> None:
    """R-105."""
    first, second, third = (record_chaser(session, by=None, order=order, channel="phone") for _ in range(3))
    assert [chaser.ordinal for chaser in (first, second, third)] == [1, 2, 3]
    assert [chaser.is_escalated for chaser in (first, second, third)] == [False, True, True]
    assert chasers_of(session, [order.id]) == {order.id: [first, second, third]}


def test_the_supervisors_chasers_come_first(session: Session, order: WorkOrder, now: MovableClock) -> None:
    record_chaser(session, by=None, order=order, channel="phone")
    record_chaser(session, by=None, order=order, channel="web")
    now.set(at(9))
    other = an_order(session)
    other.territory_id = order.territory_id
    record_chaser(session, by=None, order=other, channel="email")
    found = open_chasers(session, order.territory_id)
    assert [(chaser.work_order_id, chaser.ordinal) for chaser in found] == [
        (order.id, 2),
        (other.id, 1),
        (order.id, 1),
    ]


def test_of_a_finished_order_nobody_asks_any_more(session: Session, order: WorkOrder) -> None:
    record_chaser(session, by=None, order=order, channel="phone")
    order.state = "closed"
    session.flush()
    assert open_chasers(session, order.territory_id) == []
    with pytest.raises(OrderFinished):
        record_chaser(session, by=None, order=order, channel="phone")
