"""Calls and templates as the office sees them, and what is read back to the customer (R-104)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, false, select
from sqlalchemy.orm import Session

from dispatch.access.queries import in_scope
from dispatch.access.rules import Principal, Role
from dispatch.calls.model import Assessment, GuidanceArticle, ProblemTemplate, RepairCall
from dispatch.customers.model import Asset, Customer, CustomerContact, Site
from dispatch.errors import NotFound
from dispatch.money import Money
from dispatch.paging import USUAL, Page, cut
from dispatch.promises.queries import last_promise
from dispatch.work_orders.model import Visit, WorkOrder


@dataclass(frozen=True, slots=True)
class ReadBack:
    """
    What the call ends with (R-104): every fact, the promised window, the price and the time it will take.

    Amounts are before tax. ``done_by`` is the end of the promised window plus the expected repair time.
    """

    call_number: str
    state: str
    customer_name: str
    phone: str | None
    contact: str | None
    """Whom to speak with about it, with role and number (R-103)."""
    customer_reference: str | None
    address: str
    asset: str | None
    problem_en: str
    problem_zh: str
    description: str
    requested_at: datetime
    order_number: str | None
    window_start: datetime | None
    window_end: datetime | None
    repair_minutes: int | None
    done_by: datetime | None
    labour: Money | None
    parts: Money | None
    travel: Money | None
    total: Money | None
    guidance_en: str | None
    guidance_zh: str | None


def _calls(principal: Principal) -> Select[RepairCall]:
    if principal.role is Role.TECHNICIAN:
        return select(RepairCall).where(false())
    return select(RepairCall).where(in_scope(principal, RepairCall.territory_id))


def find_call(session: Session, principal: Principal, call_id: uuid.UUID) -> RepairCall:
    """Return a repair call."""
    found = session.scalars(_calls(principal).where(RepairCall.id == call_id)).first()
    if found is None:
        raise NotFound("there is no such call")
    return found


def list_calls(
    session: Session,
    principal: Principal,
    *,
    state: str | None = None,
    customer_id: uuid.UUID | None = None,
    cursor: str | None = None,
    limit: int = USUAL,
) -> Page[RepairCall]:
    """Return repair calls, newest first."""
    statement = _calls(principal)
    if state is not None:
        statement = statement.where(RepairCall.state == state)
    if customer_id is not None:
        statement = statement.where(RepairCall.customer_id == customer_id)
    return cut(session, statement, RepairCall.id, cursor=cursor, limit=limit)


def assessment_of(session: Session, principal: Principal, call_id: uuid.UUID) -> Assessment:
    """Return the supervisor's judgement of a call."""
    call = find_call(session, principal, call_id)
    found = session.scalars(select(Assessment).where(Assessment.call_id == call.id)).first()
    if found is None:
        raise NotFound("the call is not assessed yet")
    return found


def first_visit_of(session: Session, judged: Assessment) -> Visit | None:
    """Return the visit that an assessment opened; none after guidance."""
    statement = select(Visit).where(Visit.work_order_id == judged.work_order_id)
    return session.scalars(statement.order_by(Visit.attempt, Visit.seat).limit(1)).first()


def find_template(session: Session, code: str) -> ProblemTemplate:
    """Return a problem template, in use or not."""
    found = session.get(ProblemTemplate, code)
    if found is None:
        raise NotFound("there is no such template")
    return found


def list_templates(
    session: Session, *, product_kind: str | None = None, only_active: bool = True
) -> Sequence[ProblemTemplate]:
    """Return the problem templates by code; a company has some dozens, so there are no pages."""
    statement = select(ProblemTemplate).order_by(ProblemTemplate.code)
    if product_kind is not None:
        statement = statement.where(ProblemTemplate.product_kind == product_kind)
    if only_active:
        statement = statement.where(ProblemTemplate.is_active)
    return session.scalars(statement).all()


def read_back(session: Session, principal: Principal, call_id: uuid.UUID) -> ReadBack:
    """R-104: return everything the operator reads back at the end of the call."""
    call = find_call(session, principal, call_id)
    customer = session.get_one(Customer, call.customer_id)
    site = session.get_one(Site, call.site_id)
    asset = session.get(Asset, call.asset_id) if call.asset_id else None
    template = session.get_one(ProblemTemplate, call.template_code)
    judged = session.scalars(select(Assessment).where(Assessment.call_id == call.id)).first()
    article = session.get(GuidanceArticle, judged.article_code) if judged and judged.article_code else None
    visit = _newest_visit(session, call)
    window = last_promise(session, visit.id) if visit else None
    return ReadBack(
        call_number=call.number,
        state=call.state,
        customer_name=customer.name,
        phone=customer.phone,
        contact=_in_words(session.get(CustomerContact, call.contact_id)) if call.contact_id else None,
        customer_reference=call.customer_reference,
        address=site.address,
        asset=" ".join(part for part in (asset.model, asset.serial) if part) if asset else None,
        problem_en=template.title_en,
        problem_zh=template.title_zh,
        description=call.description,
        requested_at=call.requested_at,
        order_number=visit.work_order.number if visit else None,
        window_start=window.window_start if window else None,
        window_end=window.window_end if window else None,
        repair_minutes=visit.duration_minutes if visit else None,
        done_by=window.window_end + timedelta(minutes=visit.duration_minutes) if window and visit else None,
        labour=Money(judged.estimate_labour_minor, judged.currency) if judged else None,
        parts=Money(judged.estimate_parts_minor, judged.currency) if judged else None,
        travel=Money(judged.estimate_travel_minor, judged.currency) if judged else None,
        total=_total(judged) if judged else None,
        guidance_en=article.body_en if article else template.guidance_en,
        guidance_zh=article.body_zh if article else template.guidance_zh,
    )


def _in_words(contact: CustomerContact | None) -> str | None:
    reach = (contact.name, contact.role, contact.phone or contact.email) if contact is not None else ()
    return ", ".join(part for part in reach if part) or None


def _total(judged: Assessment) -> Money:
    parts = (judged.estimate_labour_minor, judged.estimate_parts_minor, judged.estimate_travel_minor)
    return Money(sum(parts), judged.currency)


def _newest_visit(session: Session, call: RepairCall) -> Visit | None:
    statement = (
        select(Visit)
        .join(WorkOrder, Visit.work_order_id == WorkOrder.id)
        .where(WorkOrder.call_id == call.id)
        .order_by(Visit.attempt.desc(), Visit.seat)
    )
    return session.scalars(statement.limit(1)).first()
