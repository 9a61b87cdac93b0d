"""What a phone is told of a visit, and which visits it may hold (reliability §2.3)."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from dispatch.access.rules import Principal
from dispatch.checklists.queries import Standing, carried
from dispatch.customers.model import Asset, Customer, CustomerContact, Site
from dispatch.documents.words import LANGUAGES, word
from dispatch.sync.visit_facts import Facts, read_facts
from dispatch.territories.model import Territory
from dispatch.work_orders import privacy
from dispatch.work_orders.advising import concerning
from dispatch.work_orders.announcing import HIDDEN
from dispatch.work_orders.coding import MOST_SHOWN, Solution
from dispatch.work_orders.lifecycle import OPEN_STATES
from dispatch.work_orders.model import DeclaredFile, Finding, Visit, WorkOrder
from dispatch.work_orders.on_site_model import AdvisedWork
from dispatch.work_orders.shown import shown

MOMENTS = (
    "planned_start",
    "planned_end",
    "window_start",
    "window_end",
    "travelling_at",
    "arrived_at",
    "started_at",
    "finished_at",
)


@dataclass(frozen=True, slots=True)
class Held:
    """A visit as far as it decides what a phone holds of it."""

    id: uuid.UUID
    planned_start: datetime
    ended_at: datetime | None
    zone: str

    def exposure(self, now: datetime) -> int:
        """Return how much is held at a moment: 0 nothing, 1 masked, 2 in full."""
        return privacy.exposure(self.planned_start, self.ended_at, self.zone, now)


_GIVEN = (
    select(Visit, WorkOrder, Customer, Site, Asset, Territory)
    .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
    .join(Customer, Customer.id == WorkOrder.customer_id)
    .join(Site, Site.id == WorkOrder.site_id)
    .join(Territory, Territory.id == WorkOrder.territory_id)
    .outerjoin(Asset, Asset.id == WorkOrder.asset_id)
    .where(Visit.state.not_in([*HIDDEN]))
)
_MAY_HAVE_MOVED = (
    select(
        Visit.id,
        Visit.planned_start,
        Visit.state,
        Visit.finished_at,
        Visit.arrived_at,
        Visit.planned_end,
        Territory.timezone,
    )
    .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
    .join(Territory, Territory.id == WorkOrder.territory_id)
    .where(Visit.technician_id == bindparam("technician_id"), Visit.state.not_in([*HIDDEN]))
    .where(Visit.planned_start >= bindparam("first"), Visit.planned_start < bindparam("last"))
    .order_by(Visit.id)
)
"""Built once: every pull asks them."""


def mine(by: Principal) -> Select[*tuple[Any, ...]]:
    """Select the visits that are given to a technician, with what belongs to them."""
    return _GIVEN.where(Visit.technician_id == by.technician_id)


def in_window(
    by: Principal, now: datetime, *, after: uuid.UUID | None, limit: int
) -> Select[*tuple[Any, ...]]:
    """Select a page of the technician's visits from 7 days ago to 14 days ahead, by id."""
    statement = mine(by).where(
        Visit.planned_start >= now - privacy.LOOK_BACK, Visit.planned_start < now + privacy.LOOK_AHEAD
    )
    if after is not None:
        statement = statement.where(Visit.id > after)
    return statement.order_by(Visit.id).limit(limit)


def whose_exposure_changed(session: Session, by: Principal, then: datetime, now: datetime) -> list[uuid.UUID]:
    """Return visits that came into the window, left it, or are told more or less of since a moment."""
    if now <= then:
        return []
    asked = {
        "technician_id": by.technician_id,
        "first": then - privacy.LOOK_BACK,
        "last": now + privacy.LOOK_AHEAD,
    }
    found = [
        Held(row.id, row.planned_start, privacy.ended_at(row), row.timezone)
        for row in session.execute(_MAY_HAVE_MOVED, asked)
    ]
    return [visit.id for visit in found if visit.exposure(then) != visit.exposure(now)]


def bodies(
    session: Session, by: Principal, ids: Collection[uuid.UUID], now: datetime
) -> dict[uuid.UUID, dict[str, Any]]:
    """Return what the phone is told of those visits that it may hold now."""
    if not ids:
        return {}
    rows = session.execute(mine(by).where(Visit.id.in_(ids)), execution_options={"populate_existing": True})
    held = [row for row in rows if is_held(row, now)]
    return {row[0].id: told for row, told in zip(held, told_of(session, held, now), strict=True)}


def is_held(row: Any, now: datetime) -> bool:
    """Tell whether the phone holds a visit at a moment."""
    visit: Visit = row[0]
    return visit.planned_start is not None and privacy.in_window(visit.planned_start, now)


def told_of(session: Session, rows: Sequence[Any], now: datetime) -> list[dict[str, Any]]:
    """Return visits as their technician sees them, read together."""
    facts = read_facts(session, rows)
    return [_body(session, row, facts, now) for row in rows]


def _body(session: Session, row: Any, facts: Facts, now: datetime) -> dict[str, Any]:
    """
    Return a visit as its technician sees it; the customer in full only around the day itself.

    R-502: what is wrong, and R-508: whether it came back and which part lots must not be fitted again. S3: no
    mail address, tax number, tier or notes of the customer.
    """
    visit, order, customer, site, asset, territory = row
    is_full = privacy.is_revealed(visit.planned_start, privacy.ended_at(visit), territory.timezone, now)
    return {
        "id": str(visit.id),
        "version": visit.version,
        "number": visit.number,
        "order_number": order.number,
        "customer_reference": order.customer_reference if is_full else None,
        "attempt": visit.attempt,
        "state": visit.state,
        "kind": order.kind,
        "fault_code": order.fault_code,
        "priority": order.priority,
        "estimate_minor": order.estimate_minor,
        "paid_minor": facts.paid.get(order.id, 0) if is_full else None,
        "currency": order.currency,
        "duration_minutes": visit.duration_minutes,
        "crew_size": visit.crew_size,
        "leader_id": str(visit.leader_id) if visit.leader_id else None,
        "crew": list(facts.crews.get(visit.id, ())),
        "skills": visit.skills,
        "certificates": visit.certificates,
        "parts": visit.parts,
        "needs_review": visit.needs_review,
        "is_repeat": order.repeat_of_id is not None,
        "refused_part_lots": order.refused_part_lots,
        **{name: _moment(getattr(visit, name)) for name in MOMENTS},
        "is_revealed": is_full,
        "customer": {
            "name": customer.name if is_full else privacy.masked_name(customer.name),
            "phone": customer.phone if is_full else privacy.masked_phone(customer.phone),
            "language": customer.language,
            "needs_home_service": customer.needs_home_service,
            "care": {language: word("needs_care", language) for language in LANGUAGES}
            if customer.needs_home_service
            else None,
        },
        "contact": _contact(facts.contacts.get(order.id)) if is_full else None,
        "site": _place(site, territory, is_full=is_full),
        "asset": _equipment(asset),
        "problem": asdict(facts.problems[order.id]) if is_full else None,
        "record": shown(session, visit, facts.recorded) if is_full else None,
        "files": _files(facts.files.get(visit.id, [])) if is_full else [],
        "checklists": _checklists(session, visit, facts.recorded.standing[visit.id] if is_full else ()),
        "before": list(facts.before.get(visit.id, [])) if is_full else [],
        "advice": _advice(visit, order, facts.advice.get(order.site_id, [])) if is_full else [],
        "hints": _hints(visit, facts.solutions(order, asset), facts.of_asset(order.asset_id))
        if is_full
        else None,
    }


def _contact(contact: CustomerContact | None) -> dict[str, Any] | None:
    """Whom to speak with about the order, where that is not the customer (R-103)."""
    if contact is None:
        return None
    return {"name": contact.name, "role": contact.role, "phone": contact.phone}


def _checklists(session: Session, visit: Visit, standing: Sequence[Standing]) -> list[dict[str, Any]]:
    """
    R-505: what is to be answered, in the revision the visit carries, and everybody's standing answers.

    Answers hold what the customer said, scanned codes and signatures, so a masked visit comes without them.
    """
    return [
        {
            "code": code,
            "revision": held.revision,
            "title_en": held.title_en,
            "title_zh": held.title_zh,
            "questions": held.questions,
            "is_before_work": held.is_before_work,
            "answers": [
                {
                    "question": answer.question,
                    "value": answer.value,
                    "technician_id": answer.technician,
                    "is_out_of_limits": answer.is_out_of_limits,
                }
                for one in standing
                if one.code == code
                for answer in one.answers
            ],
        }
        for code, held in carried(session, visit.checklists).items()
    ]


def _advice(visit: Visit, order: WorkOrder, of_site: Sequence[AdvisedWork]) -> list[dict[str, Any]]:
    """R-505: dangers of the site and work advised for the equipment, which nobody has settled."""
    if visit.state not in OPEN_STATES:
        return []
    return [
        {
            "id": str(one.id),
            "text": one.words,
            "is_danger": one.is_danger,
            "advised_at": one.advised_at.isoformat(),
        }
        for one in concerning(visit, order, of_site)
    ]


def _hints(
    visit: Visit, solved: Sequence[Solution], found: Sequence[tuple[datetime, Finding]]
) -> dict[str, Any]:
    """R-510: the equipment's past and what solved this fault before, as known when the visit last changed."""
    before = [(at, finding) for at, finding in found if finding.visit_id != visit.id][:MOST_SHOWN]
    return {
        "history": [
            {"at": at.isoformat(), "fault": finding.fault, "cause": finding.cause, "action": finding.action}
            for at, finding in before
        ],
        "solved_before": [asdict(one) | {"solved_at": one.solved_at.isoformat()} for one in solved],
    }


def _files(files: Sequence[DeclaredFile]) -> list[dict[str, Any]]:
    """Announced files, so that another phone of the technician knows what is still on the way."""
    return [
        {
            "sha256": declared.sha256,
            "media_type": declared.media_type,
            "purpose": declared.purpose,
            "caption": declared.caption,
            "is_here": declared.attachment_id is not None,
        }
        for declared in files
    ]


def _place(site: Site, territory: Territory, *, is_full: bool) -> dict[str, Any]:
    return {
        "district": territory.name,
        "timezone": territory.timezone,
        "address": site.address if is_full else None,
        "latitude": site.latitude if is_full else None,
        "longitude": site.longitude if is_full else None,
        "position_quality": site.position_quality,
        "parking_minutes": site.parking_minutes,
        "access_minutes": site.access_minutes,
        "access_notes": site.access_notes if is_full else "",
        "safety_notes": site.safety_notes if is_full else "",
    }


def _equipment(asset: Asset | None) -> dict[str, Any] | None:
    if asset is None:
        return None
    return {"product_kind": asset.product_kind, "model": asset.model, "serial": asset.serial or ""}


def _moment(value: datetime | None) -> str | None:
    return value.isoformat() if value else None
