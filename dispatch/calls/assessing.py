"""The supervisor assesses a call: guidance, or a work order with its first visit (R-201 to R-204)."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from dispatch import clock, db, events, outbox, text
from dispatch.access.rules import Principal, Role
from dispatch.calls import rules
from dispatch.calls.model import Assessment, GuidanceArticle, ProblemTemplate, RepairCall
from dispatch.calls.rules import Judgement, Told
from dispatch.contracts import queries as contracts
from dispatch.contracts.house_rules import house_rules
from dispatch.customers.model import Customer, Site
from dispatch.money import Money
from dispatch.parts import queries as parts
from dispatch.promises.ending import ANSWER, end_reminders
from dispatch.technicians.queries import find_technician
from dispatch.territories.queries import zone_of
from dispatch.work_orders import refusals
from dispatch.work_orders.commands import open_order
from dispatch.work_orders.model import WorkOrder
from dispatch.work_orders.needing import check_needs
from dispatch.work_orders.queries import past_visits, used_part_lots
from dispatch.work_orders.rules import (
    EMERGENCY,
    Estimate,
    FaultClass,
    Needs,
    OrderKind,
    Repeat,
    is_repeat,
    technicians_to_avoid,
)

OVERRULERS = frozenset({Role.SUPERVISOR, Role.ADMIN})


def _take_up(session: Session, call: RepairCall) -> None:
    """Refuse a call that was decided; what came in writing is answered by being judged (R-102)."""
    if call.state != "registered":
        raise rules.CallDecided(f"call {call.number} is {call.state}")
    if call.answered_at is None and call.channel in rules.ONLINE:
        call.answered_at = clock.now()
        end_reminders(session, ANSWER, call.id)


def assess(
    session: Session,
    *,
    by: Principal,
    call: RepairCall,
    told: Told,
    company_currency: str,
    resolution: str = "visit",
    judgement: Judgement | None = None,
    expected_version: int | None = None,
) -> Assessment:
    """
    Judge a call once: class, kind, needs and price (R-201, R-203, R-204).

    ``guidance`` closes a use fault without a visit (R-202), which elderly and disabled customers always get
    (R-106). ``visit`` opens the work order: contract and
    repeat repair are looked up first (R-201, R-508), and the price must have been told and accepted.
    """
    call.expect_version(expected_version)
    _take_up(session, call)
    text.choice(resolution, "resolution", rules.RESOLUTIONS)
    said = judgement or Judgement()
    template = session.get_one(ProblemTemplate, call.template_code)
    needs = _needs(session, by, template, said)
    estimate = _estimate(session, told, needs, company_currency)
    fault_code = text.code(said.fault_code or template.fault_code, "fault_code")
    record = Assessment(
        call_id=call.id,
        assessed_by=by.user_id,
        assessed_at=clock.now(),
        fault_class=text.choice(
            said.fault_class or template.fault_class, "fault_class", [word.value for word in FaultClass]
        ),
        kind=said.kind or template.kind,
        fault_code=fault_code,
        skills=dict(needs.skills),
        certificates=list(needs.certificates),
        parts=dict(needs.parts),
        crew_size=needs.crew_size,
        duration_minutes=needs.duration_minutes,
        priority=call.priority if said.priority is None else said.priority,
        estimate_labour_minor=estimate.labour_minor,
        estimate_parts_minor=estimate.parts_minor,
        estimate_travel_minor=estimate.travel_minor,
        currency=estimate.currency,
        told_to_customer_at=clock.aware(told.told_at) if told.told_at else None,
        is_accepted_by_customer=told.is_accepted,
        resolution=resolution,
    )
    text.whole(record.priority, "priority", 1, EMERGENCY)
    if resolution == "guidance":
        record.article_code = _close_remotely(session, call, template, said.article)
    else:
        record.work_order_id = _open(
            session, by, call, template, record=record, needs=needs, estimate=estimate, said=said
        ).id
        call.state = "assessed"
    session.add(record)
    db.flush(session)
    return record


def _needs(session: Session, by: Principal, template: ProblemTemplate, said: Judgement) -> Needs:
    """The template's needs with the supervisor's overrides; everything named must exist (R-203)."""
    if said.required_technician_id is not None:
        find_technician(session, by, said.required_technician_id)
    needs = Needs(
        duration_minutes=(
            template.duration_minutes if said.duration_minutes is None else said.duration_minutes
        ),
        skills=template.skills if said.skills is None else said.skills,
        certificates=tuple(template.certificates if said.certificates is None else said.certificates),
        parts=template.parts if said.parts is None else said.parts,
        crew_size=template.crew_size if said.crew_size is None else said.crew_size,
        required_technician_id=said.required_technician_id,
        checklists=tuple(template.checklists),
    )
    check_needs(session, needs)
    return needs


def _estimate(session: Session, told: Told, needs: Needs, currency: str) -> Estimate:
    """R-204: labour, parts and travel; parts not priced by the supervisor cost their list price."""
    priced = told.parts
    if priced is None:
        priced = Money(parts.listed_minor(session, needs.parts), currency)
    return Estimate.of(told.labour, priced, told.travel, currency)


def _close_remotely(
    session: Session, call: RepairCall, template: ProblemTemplate, named: str | None
) -> str | None:
    """R-202: the customer is helped by an article or by the template's words; no visit is made."""
    if session.get_one(Customer, call.customer_id).needs_home_service:
        raise rules.ServedAtHome(f"the customer of call {call.number} is served at home")
    code = named or template.article_code
    article = session.get(GuidanceArticle, code) if code else None
    if code and (article is None or not article.is_active):
        raise rules.ArticleUnknown(f"there is no article {code[: text.CODE]!r} in use")
    if article is None and not (template.guidance_en or template.guidance_zh):
        raise rules.GuidanceMissing(f"template {template.code} has no guidance")
    call.state = "closed_remotely"
    outbox.record(session, events.CallClosedRemotely(call_id=str(call.id)))
    return code


def _open(
    session: Session,
    by: Principal,
    call: RepairCall,
    template: ProblemTemplate,
    *,
    record: Assessment,
    needs: Needs,
    estimate: Estimate,
    said: Judgement,
) -> WorkOrder:
    if record.told_to_customer_at is None or not record.is_accepted_by_customer:
        raise rules.EstimateNotTold("the price was not told to the customer, or not accepted")
    zone = zone_of(session, call.territory_id)
    day = clock.business_day(call.requested_at, zone)
    contract = contracts.for_asset(session, call.customer_id, call.asset_id, day)
    within = timedelta(days=house_rules(session, contract).repeat_days)
    repeat = _repeat(session, by, call, record.fault_code, said, within)
    kind = OrderKind.REWORK.value if repeat.repeat_of_id and said.kind is None else record.kind
    record.kind = kind
    return open_order(
        session,
        by=by,
        site=session.get_one(Site, call.site_id),
        fault_class=record.fault_class,
        kind=kind,
        fault_code=record.fault_code,
        priority=record.priority,
        requested_at=call.requested_at,
        needs=needs,
        estimate=estimate,
        asset_id=call.asset_id,
        call_id=call.id,
        customer_reference=call.customer_reference,
        contract=contract,
        labour_norm_minutes=template.labour_norm_minutes,
        parts_norm_minor=template.parts_norm_minor,
        repeat=repeat,
    )


def _repeat(  # noqa: PLR0917 - who judges which call, and what they say of it
    session: Session, by: Principal, call: RepairCall, fault_code: str, said: Judgement, within: timedelta
) -> Repeat:
    """R-508: find the repair this one repeats; keep its technicians away, or its part lots when overruled."""
    past = past_visits(session, call.asset_id, fault_code) if call.asset_id else []
    recent = [visit for visit in past if is_repeat(visit, call.requested_at, within)]
    if not recent:
        return Repeat()
    former = max(recent, key=lambda visit: visit.finished_at).order_id
    if not said.overrule_reason:
        return Repeat(former, technicians_to_avoid(recent, call.requested_at, within))
    if by.role not in OVERRULERS:
        raise refusals.OverruleForbidden("only a supervisor overrules the exclusion")
    used = used_part_lots(session, {visit.order_id for visit in recent})
    lots = sorted(set(text.lines(said.refused_part_lots, "refused_part_lots", longest=text.CODE)) | used)
    if not lots:
        raise refusals.OverruleIncomplete("no part lot is named that must not be fitted again")
    return Repeat(former, (), tuple(lots), text.line(said.overrule_reason, "overrule_reason", longest=500))


def cancel(
    session: Session,
    *,
    by: Principal,
    call: RepairCall,
    expected_version: int | None = None,
) -> RepairCall:
    """Call a call off before it was assessed; afterwards the work order is cancelled instead."""
    call.expect_version(expected_version)
    _take_up(session, call)
    call.state = "cancelled"
    db.flush(session)
    return call
