"""What happened on site, fact by fact: findings, parts, approvals (R-204, R-507, R-509)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, aliased

from dispatch import clock, db, text
from dispatch.access import audit
from dispatch.access.rules import Principal
from dispatch.money import AmountInvalid, CurrencyMismatch, Money
from dispatch.parts import commands as stock
from dispatch.parts.model import Part, StockMovement
from dispatch.parts.queries import part_named
from dispatch.parts.rules import checked_quantity
from dispatch.work_orders import refusals
from dispatch.work_orders.advising import drop_advice, keep_advice
from dispatch.work_orders.announcing import announce_onwards, announce_visit
from dispatch.work_orders.approving import ask_approver, check_approver, forget_question
from dispatch.work_orders.coding import check_codes
from dispatch.work_orders.consenting import check_touched
from dispatch.work_orders.guards import check_recordable, is_locked, outdate_reports
from dispatch.work_orders.model import (
    Approval,
    Finding,
    PartUse,
    Visit,
    WorkOrder,
)

METHODS = frozenset({"phone", "signature", "message"})
DIRECTIONS = frozenset({"in", "out"})
MEASUREMENT_KEYS = ("name", "value", "unit")

Fact = TypeVar("Fact", Finding, PartUse, Approval)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """
    R-509, R-505: fault, cause, action, what was measured, explained, handed over and only advised.

    ``dangers`` are those of ``advised`` that are dangers; ``touched`` is other equipment (R-506); codes
    are of the company's lists.
    """

    fault: str
    cause: str
    action: str
    is_solved: bool
    measurements: Sequence[Mapping[str, str]] = ()
    advised: Sequence[str] = ()
    use_explained: bool = False
    documents_handed_over: Sequence[str] = ()
    is_tested: bool = field(default=False)
    dangers: Sequence[str] = ()
    touched: Sequence[str] = ()
    codes: Mapping[str, str] = field(default_factory=dict)


def _after_fact(session: Session, visit: Visit) -> None:
    outdate_reports(session, visit)
    db.flush(session)
    announce_onwards(session, visit)


def record_findings(
    session: Session,
    *,
    by: Principal | None,
    visit: Visit,
    findings: Findings,
    op_id: uuid.UUID | None = None,
    keeps_late: bool = False,
) -> Finding:
    """Record what was found and done; a correction is another record that replaces it (R-509)."""
    repeated = _recorded(session, Finding, op_id)
    if repeated is not None:
        return repeated
    check_recordable(session, visit, by, keeps_late=keeps_late)
    finding = Finding(
        visit_id=visit.id,
        fault=text.prose(findings.fault, "fault", longest=4_000),
        cause=text.prose(findings.cause, "cause", longest=4_000),
        action=text.prose(findings.action, "action", longest=4_000),
        measurements=_measurements(findings.measurements),
        advised=text.lines(findings.advised, "advised"),
        use_explained=findings.use_explained,
        documents_handed_over=text.lines(findings.documents_handed_over, "documents_handed_over"),
        is_tested=findings.is_tested,
        dangers=_dangers(findings),
        touched=check_touched(session, visit, findings.touched),
        **check_codes(session, findings.codes),
        recorded_at=clock.now(),
        op_id=op_id,
    )
    for name in ("fault", "action"):
        if not getattr(finding, name):
            raise text.TextInvalid(f"{name} is empty", field=name)
    session.add(finding)
    is_former = by is not None and by.technician_id not in {None, visit.technician_id}
    if visit.leader_id is None and not (is_former and is_locked(visit)):  # the leader tells what became of it
        visit.is_solved = findings.is_solved
    _after_fact(session, visit)
    keep_advice(session, visit, finding)
    return finding


def _dangers(findings: Findings) -> list[str]:
    dangers = text.lines(findings.dangers, "dangers")
    unknown = [words for words in dangers if words not in text.lines(findings.advised, "advised")]
    if unknown:
        raise text.TextInvalid("a danger is not among what was advised", field="dangers")
    return dangers


def _measurements(given: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    if len(given) > text.MOST_ENTRIES:
        raise text.TextInvalid(f"more than {text.MOST_ENTRIES} measurements", field="measurements")
    checked: list[dict[str, str]] = []
    for measurement in given:
        text.only_known(measurement, frozenset(MEASUREMENT_KEYS))
        checked.append(
            {
                "name": text.line(measurement.get("name", ""), "measurement name"),
                "value": text.line(measurement.get("value", ""), "measurement value", longest=text.CODE),
                "unit": text.prose(measurement.get("unit", ""), "measurement unit", longest=text.CODE),
            }
        )
    return checked


def use_part(
    session: Session,
    *,
    by: Principal | None,
    visit: Visit,
    sku: str,
    direction: str,
    quantity: int,
    serial: str | None = None,
    lot: str | None = None,
    unapproved_reason: str | None = None,
    approved_by: uuid.UUID | None = None,
    op_id: uuid.UUID | None = None,
    keeps_late: bool = False,
    at: datetime | None = None,
) -> PartUse:
    """
    Record a part fitted (``in``) or taken out (``out``); what is fitted leaves the van of whoever did it.

    R-507: a part that is not approved needs a reason and a supervisor of the territory, who is asked whether
    it was so. R-508: a lot that failed before is refused when the exclusion was overruled, and so is a part
    of that kind that does not name its lot.
    """
    repeated = _recorded(session, PartUse, op_id)
    if repeated is not None:
        return repeated
    check_recordable(session, visit, by, keeps_late=keeps_late)
    part = part_named(session, text.code(sku, "sku"))
    way = text.choice(direction, "direction", DIRECTIONS)
    checked_quantity(quantity)
    if serial and quantity != 1:
        raise refusals.SerialNeedsOne(f"serial {serial[: text.CODE]} cannot belong to {quantity} pieces")
    if way == "in":
        _check_fitting(session, visit, part, lot=lot, reason=unapproved_reason, approved_by=approved_by)
    use = PartUse(
        id=db.new_id(),
        visit_id=visit.id,
        part_id=part.id,
        direction=way,
        quantity=quantity,
        serial=text.optional_line(serial, "serial", longest=text.CODE),
        lot=text.optional_line(lot, "lot", longest=text.CODE),
        unapproved_reason=text.optional_line(unapproved_reason, "unapproved_reason", longest=500),
        approved_by=approved_by,
        recorded_at=clock.now(),
        op_id=op_id,
    )
    session.add(use)
    _after_fact(session, visit)
    if way == "in" and not part.is_approved:
        ask_approver(session, by=by, visit=visit, use=use, sku=part.sku)
    keeper = _keeper(visit, by)
    if way == "in" and keeper is not None:
        source = f"part_use:{use.id}"
        _move(session, by, keeper, use, change=-quantity, reason="fitted", source=source, at=at)
    return use


def _check_fitting(
    session: Session,
    visit: Visit,
    part: Part,
    *,
    lot: str | None,
    reason: str | None,
    approved_by: uuid.UUID | None,
) -> None:
    refused = visit.work_order.refused_part_lots
    if lot and lot.strip() in refused:
        raise refusals.PartLotRefused(f"lot {lot[: text.CODE]} failed at this asset before", lot=lot)
    if refused and not (lot and lot.strip()) and _failed_before(session, visit, part):
        raise refusals.PartLotNeeded(f"{part.sku} failed at this asset before; say of which lot this one is")
    if not part.is_approved:
        check_approver(session, visit, part, reason, approved_by)


def _failed_before(session: Session, visit: Visit, part: Part) -> bool:
    """Whether a part of this kind was fitted to the same asset before, or by the order that is repeated."""
    order, former = visit.work_order, aliased(WorkOrder)
    same = [former.id == order.repeat_of_id]
    if order.asset_id is not None:
        same.append(and_(former.asset_id == order.asset_id, former.id != order.id))
    statement = (
        select(PartUse.id)
        .join(Visit, Visit.id == PartUse.visit_id)
        .join(former, former.id == Visit.work_order_id)
        .where(PartUse.part_id == part.id, PartUse.direction == "in", PartUse.voided_by.is_(None), or_(*same))
    )
    return session.scalar(statement.limit(1)) is not None


def _keeper(visit: Visit, by: Principal | None) -> uuid.UUID | None:
    """Whose van it is: the technician who records the fact, else the one the visit is assigned to (R-511)."""
    return by.technician_id if by is not None and by.technician_id is not None else visit.technician_id


def void_finding(
    session: Session, *, by: Principal, visit: Visit, finding: Finding, reason: str, keeps_late: bool = False
) -> Finding:
    """Take back a finding recorded by mistake; if it was the last one, the visit has none until the next."""
    why = text.line(reason, "reason", longest=500)
    check_recordable(session, visit, by, keeps_late=keeps_late)
    if finding.voided_by is not None:
        return finding
    finding.voided_by = by.user_id
    audit.record(
        session, action="void_finding", outcome="done", user_id=by.user_id, subject=finding.id, reason=why
    )
    newest = select(Finding.id).where(Finding.visit_id == visit.id).order_by(Finding.id.desc()).limit(1)
    if session.scalars(newest).one() == finding.id:
        if visit.leader_id is None and not is_locked(visit):
            visit.is_solved = None
        drop_advice(session, visit)
    _after_fact(session, visit)
    return finding


def void_part_use(
    session: Session,
    *,
    by: Principal,
    visit: Visit,
    use: PartUse,
    reason: str,
    keeps_late: bool = False,
    at: datetime | None = None,
) -> PartUse:
    """
    Take back a part recorded by mistake; it returns to the van, and both facts and the reason are kept.

    A piece with a serial number that was fitted elsewhere since stays there: the van is listed until somebody
    counts (R-511).
    """
    why = text.line(reason, "reason", longest=500)
    check_recordable(session, visit, by, keeps_late=keeps_late)
    if use.voided_by is not None:
        return use
    use.voided_by = by.user_id
    audit.record(
        session, action="void_part_use", outcome="done", user_id=by.user_id, subject=use.id, reason=why
    )
    forget_question(session, by=by, use=use)
    _after_fact(session, visit)
    fitted = session.scalars(
        select(StockMovement).where(StockMovement.source == f"part_use:{use.id}")
    ).first()
    if fitted is not None and fitted.technician_id is not None:
        source = f"part_use_void:{use.id}"
        keeper, undoes = fitted.technician_id, fitted.source
        _move(
            session,
            by,
            keeper,
            use,
            change=use.quantity,
            reason="returned",
            source=source,
            undoes=undoes,
            at=at,
        )
    return use


def _move(
    session: Session,
    by: Principal | None,
    keeper: uuid.UUID,
    use: PartUse,
    *,
    change: int,
    reason: str,
    source: str,
    undoes: str | None = None,
    at: datetime | None = None,
) -> None:
    stock.move(
        session,
        by=by,
        technician_id=keeper,
        part_id=use.part_id,
        change=change,
        reason=reason,
        source=source,
        lot=use.lot,
        serial=use.serial,
        undoes=undoes,
        moved_at=at,
    )


def record_approval(
    session: Session,
    *,
    by: Principal | None,
    order: WorkOrder,
    amount: Money,
    approved_by_name: str,
    method: str,
    op_id: uuid.UUID | None = None,
) -> Approval:
    """
    Record that the customer agreed to a price beyond the estimate: who, how much, and how (R-204).

    It is a statement of its own, so it does not make an earlier signature old.
    """
    repeated = _recorded(session, Approval, op_id)
    if repeated is not None:
        return repeated
    if amount.currency != order.currency:
        raise CurrencyMismatch(f"order {order.number} is in {order.currency}, not {amount.currency}")
    if not 0 < amount.minor <= 2_000_000_000:
        raise AmountInvalid(f"{amount} cannot be approved")
    approval = Approval(
        work_order_id=order.id,
        amount_minor=amount.minor,
        currency=amount.currency,
        approved_by_name=text.line(approved_by_name, "approved_by_name"),
        method=text.choice(method, "method", METHODS),
        recorded_by=by.user_id if by else None,
        recorded_at=clock.now(),
        op_id=op_id,
    )
    session.add(approval)
    db.flush(session)
    for visit in order.visits:
        announce_visit(session, visit)
    return approval


def _recorded(session: Session, kind: type[Fact], op_id: uuid.UUID | None) -> Fact | None:
    """Return the fact that this operation recorded before, so that it counts once."""
    if op_id is None:
        return None
    return session.scalars(select(kind).where(kind.op_id == op_id)).first()
