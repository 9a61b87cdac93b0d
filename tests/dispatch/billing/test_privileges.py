"""What a kept reservation earns (R-306), and what the house pays for itself (R-402)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session

from dispatch.contracts.house_rules import change_house_rules
from dispatch.promises.model import CustomerMark
from dispatch.work_orders.model import WorkOrder
from tests.builders import a_principal, a_promise, at
from tests.money_world import a_tariff, a_verified_order, invoiced, settled

ME = a_principal()


@pytest.fixture
def order(session: Session) -> WorkOrder:
    """An hour of work for 60 euros, reserved days before; ten per cent off for that."""
    a_tariff(session)
    change_house_rules(session, by=ME, changes={"reservation_discount_percent": 10})
    found = a_verified_order(session, parts=0)
    a_promise(session, found.visits[0], is_reservation=True)
    session.refresh(found)
    return found


def nets(session: Session, order: WorkOrder) -> list[tuple[str, int, str]]:
    """Kind, net and payer of every line."""
    return [(line.kind, line.net_minor, line.payer) for line in settled(session, order).lines]


def test_a_kept_reservation_earns_its_discount_on_labour_alone(session: Session, order: WorkOrder) -> None:
    """R-306."""
    assert nets(session, order) == [
        ("labour", 6_000, "customer"),
        ("labour", -600, "customer"),
        ("travel", 2_000, "customer"),
    ]
    [invoice] = invoiced(session, order)
    assert (invoice.net_minor, invoice.tax_minor) == (7_400, 1_776)


@pytest.mark.parametrize("why", ["a walk-in", "a mark", "no such privilege"])
def test_walk_ins_and_customers_who_were_late_earn_nothing(
    session: Session, order: WorkOrder, why: str
) -> None:
    """R-302, R-306."""
    visit = order.visits[0]
    if why == "a walk-in":
        a_promise(session, visit, ordinal=2, is_reservation=False)
    elif why == "a mark":
        late: dict[str, Any] = {"kind": "late", "minutes_late": 30, "reason": "", "recorded_at": at(9)}
        session.add(CustomerMark(customer_id=order.customer_id, visit_id=visit.id, **late))
        session.flush()
    else:
        change_house_rules(session, by=ME, changes={"reservation_discount_percent": 0})
    assert nets(session, order) == [("labour", 6_000, "customer"), ("travel", 2_000, "customer")]


def test_what_the_house_took_on_itself_nobody_is_billed(session: Session, order: WorkOrder) -> None:
    """R-402: bringing a loaner costs the customer nothing, discount or not."""
    order.goodwill_reason = "R-402: a loaner"
    session.flush()
    assert nets(session, order) == [("labour", 6_000, "goodwill"), ("travel", 2_000, "goodwill")]
    assert settled(session, order).state == "no_charge"
