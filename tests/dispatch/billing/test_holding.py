"""Money holds visits, then settlements, then their order, as pushes do: nobody waits in a ring (S5)."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import Engine, select

from dispatch import db
from dispatch.access.rules import Principal
from dispatch.billing.commands import amend_times, issue, settle
from dispatch.billing.model import Settlement
from dispatch.work_orders.model import Visit, WorkOrder
from tests.builders import at
from tests.dispatch.billing.test_amending import desk
from tests.money_world import a_tariff, a_verified_order, settled
from tests.rings import met_at


def act_of(
    kind: str, by: Principal, order_id: uuid.UUID, visit_id: uuid.UUID, settlement_id: uuid.UUID
) -> str:
    """Do one thing with the money of an order in a transaction of its own."""
    with db.transaction() as session:
        if kind == "amend":
            visit = session.get_one(Visit, visit_id)
            amend_times(session, by=by, visit=visit, times={"finished_at": at(11)}, reason="the gate's book")
        elif kind == "settle":
            settle(session, work_order_id=order_id)
        else:
            issue(session, settlement_id=settlement_id)
    return kind


@pytest.mark.parametrize("kind", ["amend", "settle", "issue"])
def test_who_waits_for_a_visit_holds_no_money_of_it(committed: Engine, kind: str) -> None:
    """Race: a push holds the visit and carries its order's state meanwhile."""
    with db.transaction() as session:
        a_tariff(session)
        by = desk(session)
        order = a_verified_order(session)
        order_id, visit_id, settlement_id = order.id, order.visits[0].id, settled(session, order).id
    money = [
        select(Settlement.id).where(Settlement.work_order_id == order_id),
        select(WorkOrder.id).where(WorkOrder.id == order_id),
    ]
    push = select(Visit.id).where(Visit.id == visit_id)
    met = met_at(push, money, lambda: act_of(kind, by, order_id, visit_id, settlement_id))
    assert met == (True, kind)
