"""Finished work to be settled: a tariff, verified orders with labour and parts, and payments."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from dispatch.billing.commands import add_tariff, issue, settle
from dispatch.billing.model import Invoice, Settlement, Tariff
from dispatch.money import Money
from dispatch.technicians.model import Technician
from dispatch.territories.model import Territory
from dispatch.work_orders.model import WorkOrder
from tests.builders import (
    a_customer,
    a_part,
    a_site,
    a_technician,
    a_territory,
    a_visit,
    an_asset,
    an_order,
    at,
    part_use,
    serial,
)


def a_tariff(session: Session, **fields: Any) -> Tariff:
    """60 euros an hour, 20 for the way, 24 % tax, from 2026 on."""
    currency = fields.pop("currency", "EUR")
    defaults: dict[str, Any] = {
        "code": serial("tariff"),
        "valid_from": date(2026, 1, 1),
        "labour_per_hour": Money(6000, currency),
        "travel_fee": Money(2000, currency),
        "tax_rate": Decimal("0.24"),
    }
    return add_tariff(session, by=None, **{**defaults, **fields})


def a_verified_order(
    session: Session,
    *,
    minutes: int = 60,
    parts: int = 1,
    language: str = "en",
    name: str = "Customer",
    territory: Territory | None = None,
    technician: Technician | None = None,
    asset: dict[str, Any] | None = None,
    visit: dict[str, Any] | None = None,
    **fields: Any,
) -> WorkOrder:
    """One order with one verified visit from nine o'clock on; told 92.50 before the work."""
    place = territory or a_territory(session)
    customer = a_customer(session, name=name, language=language)
    site = a_site(session, customer=customer, territory=place)
    order = an_order(session, site=site, asset=an_asset(session, site=site, **(asset or {})), **fields)
    times = {"arrived_at": at(9), "started_at": at(9), "finished_at": at(9 + minutes / 60)}
    done = a_visit(
        session,
        order=order,
        technician=technician or a_technician(session, territory=place),
        state="verified",
        **{**times, **(visit or {})},
    )
    for _ in range(parts):
        part_use(session, done, a_part(session))
    order.state = "done"
    session.flush()
    return order


def settled(session: Session, order: WorkOrder) -> Settlement:
    """The settlement of an order that can be settled."""
    found = settle(session, work_order_id=order.id)
    assert found is not None
    session.flush()
    return found


def invoiced(session: Session, order: WorkOrder) -> list[Invoice]:
    """The invoices of an order that can be invoiced."""
    return issue(session, settlement_id=settled(session, order).id)
