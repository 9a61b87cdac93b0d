"""Settlement: the facts of a work order become lines with payers, once per order and revision."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Container, Sequence
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch import clock, outbox
from dispatch.access.rules import Principal
from dispatch.billing import pricing
from dispatch.billing.crediting import take_back
from dispatch.billing.errors import BillingOnHold, NoTariff, SettlementNotInReview
from dispatch.billing.model import CreditNote, Invoice, Settlement, SettlementLine, Tariff
from dispatch.billing.pricing import OrderFacts, PartFacts, Prices, VisitFacts
from dispatch.contracts.house_rules import house_rules
from dispatch.contracts.model import Contract
from dispatch.contracts.rules import covered_by
from dispatch.customers.model import Asset
from dispatch.events import SettlementApproved
from dispatch.money import CurrencyMismatch
from dispatch.parts.model import Part
from dispatch.promises.queries import kept_reservations
from dispatch.territories.queries import zone_of
from dispatch.work_orders import commands as work_orders
from dispatch.work_orders.holding import hold_visits_of
from dispatch.work_orders.lifecycle import VisitState
from dispatch.work_orders.model import PartUse, Visit, WorkOrder
from dispatch.work_orders.on_site_model import Withdrawal
from dispatch.work_orders.queries import approvals_by_order
from dispatch.work_orders.resting import NEVER, breaks_decided, rested

OPEN_ENDS = frozenset({VisitState.CANCELLED, VisitState.NO_ACCESS})
READY = frozenset({VisitState.VERIFIED, VisitState.CLOSED})
KINDS = ("labour", "travel", "part")
PART_TAKEN_BACK = "a part was recorded by mistake"
APPROVAL_TAKEN_BACK = "an approval was taken back"
BREAK_HEARD_OF = "a break was heard of later"


def settle(session: Session, *, work_order_id: uuid.UUID) -> Settlement | None:
    """
    Settle a work order when every visit is verified; None while one is still open.

    A second run on the same order returns the settlement that exists. What is not settled yet gets a further
    revision, which holds it alone: visits that were added, parts that were told of later. A part that was
    settled and taken back since has its settlement taken back, and the rest is settled anew; so is what was
    settled by an approval that was taken back since, as long as it is not invoiced.
    """
    hold_visits_of(session, work_order_id)
    _take_back_voided(session, work_order_id)
    statement = select(WorkOrder).where(WorkOrder.id == work_order_id).with_for_update()
    order = session.scalars(statement, execution_options={"populate_existing": True}).one()
    earlier = _settlements(session, order.id)
    live = _live(session, earlier)
    settled = {_fact(line) for settlement in live for line in settlement.lines}
    visits = [visit for visit in order.visits if visit.state not in OPEN_ENDS]
    fresh = [visit for visit in visits if visit.state in READY and f"labour:{visit.id}" not in settled]
    late = [
        visit
        for visit in visits
        if visit.state in READY and visit not in fresh and _parts(session, [visit], order.currency, settled)
    ]
    if live and not fresh and not late:
        return live[-1]
    if not visits or any(_is_waited_for(visit) for visit in visits):
        return None
    prices = _prices(session, order, fresh or late)
    facts = _facts(session, order, fresh, late, live)
    settlement = _write(order, facts, prices, revision=earlier[-1].revision + 1 if earlier else 1)
    session.add(settlement)
    session.flush()
    for visit in fresh:
        if visit.state == VisitState.VERIFIED:
            work_orders.close(session, visit=visit)
    if settlement.state == "approved":
        outbox.record(session, SettlementApproved(settlement_id=str(settlement.id)))
    return settlement


def _is_waited_for(visit: Visit) -> bool:
    return visit.state not in READY or visit.billing_hold


def _fact(line: SettlementLine) -> str:
    """The fact that a line bills, without the settlement's revision."""
    return line.source_key.rpartition(":")[0]


def _settlements(session: Session, order_id: uuid.UUID) -> Sequence[Settlement]:
    statement = select(Settlement).where(Settlement.work_order_id == order_id)
    return session.scalars(statement.order_by(Settlement.revision)).all()


def _live(session: Session, earlier: Sequence[Settlement]) -> list[Settlement]:
    """Settlements of the work that stand: neither withdrawn nor credited."""
    credited = set(
        session.scalars(
            select(Invoice.settlement_id)
            .join(CreditNote, CreditNote.invoice_id == Invoice.id)
            .where(Invoice.settlement_id.in_([one.id for one in earlier]))
        )
    )
    return [one for one in earlier if not one.is_charge and one.state != "void" and one.id not in credited]


def _take_back_voided(session: Session, order_id: uuid.UUID) -> None:
    """
    Take settlements back that bill a part, or rest on an approval, which was taken back since.

    So are those that were made before a break was heard of. Once nothing is waited for. An invoice that rests
    on an approval, or has a break in it, stays; somebody has looked at it.
    The visits are held already; settlements are held before their order.
    """
    visits = session.scalars(select(Visit).where(Visit.work_order_id == order_id)).all()
    voided = select(PartUse.id).where(
        PartUse.visit_id.in_([visit.id for visit in visits]), PartUse.voided_by.is_not(None)
    )
    gone = {f"part:{use_id}" for use_id in session.scalars(voided)}
    withdrawn = select(func.max(Withdrawal.recorded_at)).where(
        Withdrawal.visit_id.in_([visit.id for visit in visits]), Withdrawal.subject == "approval"
    )
    since = session.scalar(withdrawn)
    rest = breaks_decided(session, [visit.id for visit in visits])
    if not (gone or since or rest) or any(
        _is_waited_for(visit) for visit in visits if visit.state not in OPEN_ENDS
    ):
        return
    for settlement in _live(session, _settlements(session, order_id)):
        if any(_fact(line) in gone for line in settlement.lines):
            take_back(session, settlement_id=settlement.id, reason=PART_TAKEN_BACK)
        elif since is not None and settlement.settled_at < since and settlement.state != "invoiced":
            take_back(session, settlement_id=settlement.id, reason=APPROVAL_TAKEN_BACK)
        elif rest is not None and settlement.settled_at < rest and settlement.state != "invoiced":
            take_back(session, settlement_id=settlement.id, reason=BREAK_HEARD_OF)


def approve(
    session: Session, *, by: Principal | None, settlement: Settlement, expected_version: int | None = None
) -> Settlement:
    """Release a settlement that waited for a person, once nothing of its order waits for a look (R-204)."""
    settlement.expect_version(expected_version)
    if settlement.state != "review":
        raise SettlementNotInReview(f"the settlement is {settlement.state}")
    held = select(Visit).where(Visit.work_order_id == settlement.work_order_id, Visit.billing_hold)
    if visits := session.scalars(held).all():
        raise BillingOnHold(
            f"visit {visits[0].number} waits for a look", visits=[one.number for one in visits]
        )
    settlement.state = "approved"
    session.flush()
    outbox.record(session, SettlementApproved(settlement_id=str(settlement.id)))
    return settlement


def prices_on(session: Session, day: date) -> Prices:
    """Return the tariff in force on a day."""
    statement = select(Tariff).where(Tariff.valid_from <= day).order_by(Tariff.valid_from.desc()).limit(1)
    tariff = session.scalars(statement).one_or_none()
    if tariff is None:
        raise NoTariff(f"no tariff is valid on {day.isoformat()}")
    return Prices(
        tariff.code,
        tariff.currency,
        tariff.labour_per_hour_minor,
        tariff.minimum_minutes,
        tariff.increment_minutes,
        tariff.travel_fee_minor,
        tariff.tax_rate,
        tariff.warranty_days,
        tariff.estimate_tolerance_percent,
    )


def _prices(session: Session, order: WorkOrder, visits: Sequence[Visit]) -> Prices:
    prices = prices_on(session, _worked_on(session, order, visits))
    if prices.currency != order.currency:
        raise CurrencyMismatch(f"the order is in {order.currency}, the tariff in {prices.currency}")
    return prices


def _worked_on(session: Session, order: WorkOrder, visits: Sequence[Visit]) -> date:
    """Return the last day of the work as the territory's calendar has it."""
    zone = zone_of(session, order.territory_id)
    return clock.business_day(max(visit.finished_at or clock.now() for visit in visits), zone)


def _facts(
    session: Session,
    order: WorkOrder,
    visits: Sequence[Visit],
    late: Sequence[Visit],
    earlier: Sequence[Settlement],
) -> OrderFacts:
    """What is to be settled: visits whole, of ``late`` ones the parts that no earlier settlement holds."""
    asset = session.get(Asset, order.asset_id) if order.asset_id else None
    contract = session.get(Contract, order.contract_id) if order.contract_id else None
    worked_on = _worked_on(session, order, visits or late)
    settled = {_fact(line) for settlement in earlier for line in settlement.lines}
    approvals = approvals_by_order(session, [order.id]).get(order.id, [])
    approved = max((approval.amount_minor for approval in approvals), default=0)
    charged = sum(_sum(earlier, kind, payer="customer") for kind in KINDS)
    rules = house_rules(session, contract)
    breaks = rested(session, visits)
    return OrderFacts(
        order_id=str(order.id),
        worked_on=worked_on,
        fault_class=order.fault_class,
        is_repeat=order.repeat_of_id is not None,
        accepted_on=asset.accepted_on if asset else None,
        maker_warranty_until=asset.maker_warranty_until if asset else None,
        contract_covers=covered_by(contract, worked_on),
        estimate_minor=max(0, order.estimate_minor - charged),
        approved_minor=max(0, approved - charged),
        labour_norm_minutes=order.labour_norm_minutes
        * max(Counter(v.attempt for v in visits).values(), default=0),
        visits=tuple(_visit_facts(visit, breaks.get(visit.id, NEVER).working) for visit in visits),
        parts=tuple(_parts(session, [*visits, *late], order.currency, settled)),
        goodwill_reason=order.goodwill_reason,
        labour_discount_percent=_discount(session, order, visits, contract),
        estimate_by_kind=_told(order, earlier),
        parts_norm_minor=order.parts_norm_minor,
        parts_before_minor=_sum(earlier, "part"),
        over_repair_percent=rules.over_repair_percent,
        warranty_counts_acceptance_day=rules.warranty_counts_acceptance_day,
    )


def _sum(earlier: Sequence[Settlement], kind: str, *, payer: str | None = None) -> int:
    """Net of a kind of line in settlements, of one payer or of all."""
    lines = (line for one in earlier for line in one.lines if line.kind == kind)
    return sum(line.net_minor for line in lines if payer in {None, line.payer})


def _told(order: WorkOrder, earlier: Sequence[Settlement]) -> dict[str, int]:
    """R-204: what the customer was told for labour, parts and travel, less what was charged of each."""
    told = {
        "labour": order.estimate_labour_minor,
        "part": order.estimate_parts_minor,
        "travel": order.estimate_travel_minor,
    }
    return {kind: minor - _sum(earlier, kind, payer="customer") for kind, minor in told.items()}


def _discount(session: Session, order: WorkOrder, visits: Sequence[Visit], contract: Contract | None) -> int:
    """R-306: return the discount of labour: every visit was reserved, and no customer was late or away."""
    percent = house_rules(session, contract).reservation_discount_percent
    if not percent or not visits:
        return 0
    wanted = {visit.leader_id or visit.id for visit in visits}
    return percent if wanted <= kept_reservations(session, wanted) else 0


def _visit_facts(visit: Visit, break_seconds: int) -> VisitFacts:
    """The work of a visit: from start to end without pauses and without breaks."""
    worked = 0
    if visit.started_at is not None and visit.finished_at is not None:
        worked = int((visit.finished_at - visit.started_at).total_seconds())
        worked = max(0, worked - visit.paused_seconds - break_seconds)
    return VisitFacts(str(visit.id), visit.number, worked, visit.leader_id is not None, break_seconds)


def _parts(
    session: Session, visits: Sequence[Visit], currency: str, settled: Container[str]
) -> list[PartFacts]:
    """Parts fitted at visits that no settlement holds yet."""
    statement = (
        select(PartUse, Part)
        .join(Part, Part.id == PartUse.part_id)
        .where(
            PartUse.visit_id.in_([visit.id for visit in visits]),
            PartUse.direction == "in",
            PartUse.voided_by.is_(None),
        )
        .order_by(PartUse.id)
    )
    found = []
    for use, part in session.execute(statement):
        if f"part:{use.id}" in settled:
            continue
        if part.currency != currency:
            raise CurrencyMismatch(f"part {part.sku} is priced in {part.currency}, the order in {currency}")
        found.append(PartFacts(str(use.id), part.name_en, part.name_zh, use.quantity, part.price_minor))
    return found


def _write(order: WorkOrder, facts: OrderFacts, prices: Prices, *, revision: int) -> Settlement:
    lines = pricing.lines_of(facts, prices)
    reason = pricing.review_reason(facts, prices, lines)
    charged = any(line.payer in {"customer", "maker"} and line.net_minor for line in lines)
    state = "review" if reason else "approved" if charged else "no_charge"
    return Settlement(
        work_order_id=order.id,
        revision=revision,
        state=state,
        currency=prices.currency,
        rule_version=f"{pricing.RULES}/{prices.code}",
        input_sha256=facts.fingerprint(prices),
        review_reason=reason,
        settled_at=clock.now(),
        lines=[
            SettlementLine(
                position=position,
                kind=line.kind,
                description=line.description_en,
                description_zh=line.description_zh,
                quantity=line.quantity,
                unit=line.unit,
                unit_price_minor=line.unit_price_minor,
                net_minor=line.net_minor,
                tax_rate=prices.tax_rate,
                payer=line.payer,
                source_key=f"{line.source}:{revision}",
                explanation=line.explanation,
            )
            for position, line in enumerate(lines, start=1)
        ],
    )
