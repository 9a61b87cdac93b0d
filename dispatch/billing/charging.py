"""A charge beside the work: what a customer owes for something that was lent or lost."""

from __future__ import annotations

import hashlib
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch import clock, outbox
from dispatch.billing import pricing
from dispatch.billing.model import Settlement, SettlementLine
from dispatch.billing.settling import prices_on
from dispatch.events import SettlementApproved
from dispatch.money import CurrencyMismatch
from dispatch.territories.queries import zone_of
from dispatch.work_orders.model import WorkOrder


def charge(
    session: Session,
    *,
    order: WorkOrder,
    source: str,
    description_en: str,
    description_zh: str,
    net_minor: int,
    currency: str,
    explanation: str,
) -> Settlement:
    """
    Settle one charge of an order as a revision of its own, to be invoiced; asked for twice, it is one.

    ``net_minor`` before tax, in the currency of the tariff; ``source`` names the fact that is billed.
    """
    known = select(Settlement).join(SettlementLine).where(SettlementLine.source_key == source)
    existing = session.scalars(known).one_or_none()
    if existing is not None:
        return existing
    prices = prices_on(session, clock.business_day(clock.now(), zone_of(session, order.territory_id)))
    if prices.currency != currency:
        raise CurrencyMismatch(f"the charge is in {currency}, the tariff in {prices.currency}")
    latest = select(func.max(Settlement.revision)).where(Settlement.work_order_id == order.id)
    settlement = Settlement(
        work_order_id=order.id,
        revision=(session.scalar(latest) or 0) + 1,
        state="approved",
        currency=currency,
        rule_version=f"{pricing.RULES}/{prices.code}",
        input_sha256=hashlib.sha256(f"{source}:{net_minor}:{currency}".encode()).hexdigest(),
        settled_at=clock.now(),
        lines=[
            SettlementLine(
                position=1,
                kind="part",
                description=description_en,
                description_zh=description_zh,
                quantity=Decimal(1),
                unit="C62",
                unit_price_minor=net_minor,
                net_minor=net_minor,
                tax_rate=prices.tax_rate,
                payer="customer",
                source_key=source,
                explanation=explanation,
            )
        ],
    )
    session.add(settlement)
    session.flush()
    outbox.record(session, SettlementApproved(settlement_id=str(settlement.id)))
    return settlement
