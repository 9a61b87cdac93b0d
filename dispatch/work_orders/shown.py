"""The content of the record as a customer sees it before signing: facts and codes, no layout (R-509)."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, text
from dispatch.checklists.queries import Standing, standing_by_visit
from dispatch.customers.model import Asset, Customer
from dispatch.parts.model import Part
from dispatch.technicians.model import Technician
from dispatch.work_orders.coding import FIELDS
from dispatch.work_orders.model import Approval, Finding, PartUse, Visit
from dispatch.work_orders.on_site_model import Consent, Withdrawal
from dispatch.work_orders.queries import findings_of, part_uses_of

TIMES = frozenset({"arrived_at", "started_at"})


@dataclass(frozen=True, slots=True)
class Recorded:
    """What records of visits are drawn from, by visit, order or id."""

    technicians: Mapping[uuid.UUID | None, str]
    findings: Mapping[uuid.UUID, Sequence[Finding]]
    parts: Mapping[uuid.UUID, Sequence[PartUse]]
    skus: Mapping[uuid.UUID, str]
    consents: Mapping[uuid.UUID, Sequence[Consent]]
    approvals: Mapping[uuid.UUID, Sequence[Approval]]
    standing: Mapping[uuid.UUID, Sequence[Standing]]


def recorded_of(session: Session, visits: Sequence[Visit]) -> Recorded:
    """Read what records of visits are drawn from, all of them at once."""
    ids = [visit.id for visit in visits]
    who = {visit.technician_id for visit in visits} - {None}
    named = select(Technician.id, Technician.name).where(Technician.id.in_(who))
    parts = part_uses_of(session, ids)
    fitted = {use.part_id for uses in parts.values() for use in uses}
    skus = select(Part.id, Part.sku).where(Part.id.in_(fitted))
    return Recorded(
        technicians={row.id: row.name for row in session.execute(named)} if who else {},
        findings=findings_of(session, ids),
        parts=parts,
        skus={row.id: row.sku for row in session.execute(skus)} if fitted else {},
        consents=_consents(session, ids),
        approvals=_approvals(session, {visit.work_order_id for visit in visits}),
        standing=standing_by_visit(session, {visit.id: visit.checklists for visit in visits}),
    )


def _consents(session: Session, visit_ids: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, Sequence[Consent]]:
    gone = select(Withdrawal.id).where(Withdrawal.subject_id == Consent.id).exists()
    statement = select(Consent, gone).where(Consent.visit_id.in_(list(visit_ids)))
    rows = session.execute(statement.order_by(Consent.recorded_at, Consent.id))
    return _without_the_first(rows, lambda one: one.visit_id, _consented)


def _approvals(session: Session, order_ids: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, Sequence[Approval]]:
    gone = select(Withdrawal.id).where(Withdrawal.subject_id == Approval.id).exists()
    statement = select(Approval, gone).where(Approval.work_order_id.in_(list(order_ids)))
    rows = session.execute(statement.order_by(Approval.id))
    return _without_the_first(rows, lambda one: one.work_order_id, _agreed)


def _without_the_first(
    rows: Iterable[Any], place: Callable[[Any], uuid.UUID], told: Callable[[Any], Mapping[str, Any]]
) -> Mapping[uuid.UUID, Sequence[Any]]:
    """
    What is listed of rows that come with whether they were taken back, by place (Record 10).

    A list of words says nothing of which of two equal rows is gone: it is the first of them, so that whoever
    holds the words alone, as a phone does, comes to the same list in the same order.
    """
    listed = [(row, (place(row), *told(row).items()), is_gone) for row, is_gone in rows]
    gone = Counter(words for _, words, is_gone in listed if is_gone)
    found: dict[uuid.UUID, list[Any]] = {}
    for row, words, _ in listed:
        if gone[words]:
            gone[words] -= 1
        else:
            found.setdefault(place(row), []).append(row)
    return found


def _consented(consent: Consent) -> Mapping[str, Any]:
    return {"equipment": consent.equipment, "by": consent.signed_by_name}


def _agreed(approval: Approval) -> Mapping[str, Any]:
    return {
        "amount_minor": approval.amount_minor,
        "currency": approval.currency,
        "by": approval.approved_by_name,
    }


def shown_of(session: Session, visit: Visit, times: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return what is shown and signed of one visit."""
    return shown(session, visit, recorded_of(session, [visit]), times)


def shown(
    session: Session, visit: Visit, recorded: Recorded, times: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """
    Return what is shown and signed.

    Texts are as recorded, amounts are integers in minor units, times are UTC to the second. Parts are in
    the order of their number, direction, serial, lot and quantity, so that every device lists them alike.
    """
    order = visit.work_order
    customer = session.get_one(Customer, order.customer_id)
    asset = session.get(Asset, order.asset_id) if order.asset_id else None
    findings = recorded.findings.get(visit.id, [])
    last = findings[-1] if findings else None
    return {
        "order": order.number,
        "sheet": visit.number,
        "customer": customer.name,
        "asset": {"model": asset.model, "serial": asset.serial or ""} if asset else None,
        "technician": recorded.technicians.get(visit.technician_id, ""),
        "fault_code": order.fault_code,
        "fault": last.fault if last else "",
        "cause": last.cause if last else "",
        "action": last.action if last else "",
        "solved": visit.is_solved,
        "tested": last.is_tested if last else False,
        "measurements": last.measurements if last else [],
        "advised": last.advised if last else [],
        "dangers": last.dangers if last else [],
        "touched": last.touched if last else [],
        "codes": _codes(last),
        "answers": _answers(visit, recorded.standing[visit.id]),
        "consents": [_consented(one) for one in recorded.consents.get(visit.id, [])],
        "use_explained": last.use_explained if last else False,
        "documents": last.documents_handed_over if last else [],
        "parts": _parts(recorded.parts.get(visit.id, []), recorded.skus),
        "times": _times(visit, times),
        "estimate": {
            "labour_minor": order.estimate_labour_minor,
            "parts_minor": order.estimate_parts_minor,
            "travel_minor": order.estimate_travel_minor,
            "currency": order.currency,
        },
        "approvals": [_agreed(one) for one in recorded.approvals.get(order.id, [])],
    }


def _codes(finding: Finding | None) -> dict[str, str]:
    return {kind: (getattr(finding, column) if finding else None) or "" for kind, column in FIELDS.items()}


def _answers(visit: Visit, standing: Iterable[Standing]) -> list[dict[str, Any]]:
    """What the visit's technician answered; a former one's answers are kept, but not signed here."""
    mine = str(visit.technician_id or "")
    rows = [
        {"checklist": one.code, "question": one.question["key"], "value": answer.value}
        for one in standing
        for answer in one.answers
        if answer.technician == mine
    ]
    return sorted(rows, key=lambda row: (row["checklist"], row["question"]))


def _parts(uses: Iterable[PartUse], skus: Mapping[uuid.UUID, str]) -> list[dict[str, Any]]:
    rows = [
        {
            "sku": skus[use.part_id],
            "direction": use.direction,
            "quantity": use.quantity,
            "serial": use.serial or "",
            "lot": use.lot or "",
        }
        for use in uses
    ]
    return sorted(
        rows, key=lambda row: (row["sku"], row["direction"], row["serial"], row["lot"], row["quantity"])
    )


def _times(visit: Visit, shown: Mapping[str, str] | None) -> dict[str, str | None]:
    if shown is None:
        return {"arrived_at": seconds(visit.arrived_at), "started_at": seconds(visit.started_at)}
    text.only_known(shown, TIMES)
    return {
        name: text.line(shown[name], name, longest=40) if shown.get(name) else None for name in sorted(TIMES)
    }


def seconds(moment: datetime | None) -> str | None:
    """Return a moment in UTC to the second, as ``2026-03-02T09:00:00Z``."""
    return clock.aware(moment).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
