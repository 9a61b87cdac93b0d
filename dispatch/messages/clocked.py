"""
What the clock asks us to tell: invitations, announcements, confirmations (R-304, R-307).

Each message has a key of its own, so looking again writes nothing twice; a promise that was replaced or whose
visit is over or called off is nobody's news. Nobody is told that we come where no plan says so, where the
order waits, or where the customer was told that the promise will break.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from dispatch import clock
from dispatch.contracts.house_rules import RANGES, HouseRules, house_rules, rules_under
from dispatch.contracts.model import Contract
from dispatch.customers.model import Customer, Site
from dispatch.messages.commands import write_draft
from dispatch.messages.facts import Draft, date_in_words, of_promise
from dispatch.planning.candidates import is_on_a_plan
from dispatch.promises.model import Promise, PromiseAlarm
from dispatch.settings import Settings
from dispatch.territories.queries import zone_of
from dispatch.work_orders.lifecycle import VisitState
from dispatch.work_orders.model import Visit, WorkOrder
from dispatch.work_orders.rules import PLANNED_WORK

COMING = (VisitState.UNPLANNED, VisitState.PLANNED, VisitState.PUBLISHED, VisitState.ACCEPTED)
CONFIRMATIONS = frozenset({"confirm_day", "confirm_hour"})
"""What is said only of visits that somebody is planned to come to."""


def write_due(session: Session, settings: Settings) -> int:
    """Write every message that is due now and was not written; return how many."""
    drafts = [*_confirmations(session), *_invitations(session)]
    return sum(write_draft(session, found, settings) is not None for found in drafts)


def _confirmations(session: Session) -> Iterator[Draft]:
    """Messages about promises that lie ahead, the newest promise of each visit."""
    now = clock.now()
    any_ = aliased(Promise)
    newest = select(func.max(any_.ordinal)).where(any_.visit_id == Visit.id).scalar_subquery()
    today = now.date()
    is_planned = is_on_a_plan(today - timedelta(days=2), today + timedelta(days=2))
    told = exists().where(PromiseAlarm.promise_id == Promise.id, PromiseAlarm.told_at.is_not(None))
    statement = (
        select(Promise, WorkOrder, Customer, is_planned)
        .join(Visit, Visit.id == Promise.visit_id)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .join(Customer, Customer.id == WorkOrder.customer_id)
        .where(Promise.ordinal == newest, Visit.state.in_(COMING))
        .where(WorkOrder.waiting_reason.is_(None), ~told)
        .where(Promise.window_end > now)
        .where(Promise.window_start <= now + timedelta(days=RANGES["business_days"][1] + 1))
        .order_by(Promise.window_start, Promise.id)
    )
    for promise, order, customer, is_coming in session.execute(statement):
        rules = rules_under(session, order.contract_id)
        zone = zone_of(session, order.territory_id)
        is_announced = customer.kind == "business" and order.kind in PLANNED_WORK
        for template in due_now(promise, rules, zone, now, is_planned_at_business=is_announced):
            if is_coming or template not in CONFIRMATIONS:
                yield of_promise(session, promise, template)


def due_now(
    promise: Promise, rules: HouseRules, zone: str, now: datetime, *, is_planned_at_business: bool
) -> list[str]:
    """Return which messages about a promise are due at a moment; each is written once."""
    found = []
    ahead = promise.window_start - now
    today, day = clock.business_day(now, zone), clock.business_day(promise.window_start, zone)
    is_announced = rules.business_announcement and is_planned_at_business
    if is_announced and day > today and ahead <= timedelta(days=rules.business_days):
        found.append("work_announced")
    told_today = clock.business_day(promise.promised_at, zone) == today
    is_tomorrow, hour = day == today + timedelta(days=1), now.astimezone(ZoneInfo(zone)).hour
    if rules.day_before and is_tomorrow and hour >= rules.day_before_hour and not told_today:
        found.append("confirm_day")
    soon = timedelta(minutes=rules.hour_before_minutes)
    if rules.hour_before and timedelta(0) < ahead <= soon and now - promise.promised_at >= soon:
        found.append("confirm_hour")
    return found


def _invitations(session: Session) -> Iterator[Draft]:
    """R-304: customers whose planned service is due in some days."""
    today = clock.now().date()
    statement = (
        select(Contract, Customer)
        .join(Customer, Customer.id == Contract.customer_id)
        .where(Contract.next_inspection_due_on.is_not(None), Contract.valid_until >= today)
        .where(Contract.next_inspection_due_on >= today)
        .where(Contract.next_inspection_due_on <= today + timedelta(days=RANGES["invite_first_days"][1]))
        .order_by(Contract.next_inspection_due_on, Contract.id)
    )
    for contract, customer in session.execute(statement):
        rules = house_rules(session, contract)
        due = contract.next_inspection_due_on
        if due is None or not rules.invitations:
            continue
        left = (due - clock.business_day(clock.now(), _zone(session, customer))).days
        if rules.invite_last_days <= left <= rules.invite_first_days:
            yield _invitation(contract, customer)


def _zone(session: Session, customer: Customer) -> str:
    """The time zone of a customer's first site; UTC for one without."""
    statement = select(Site.territory_id).where(Site.customer_id == customer.id).order_by(Site.id).limit(1)
    territory_id = session.scalar(statement)
    return zone_of(session, territory_id) if territory_id else "UTC"


def _invitation(contract: Contract, customer: Customer) -> Draft:
    due = contract.next_inspection_due_on
    assert due is not None  # noqa: S101 - asked for by the statement
    values = {
        "name": customer.name,
        "number": contract.number,
        "day": date_in_words(due, customer.language),
    }
    key = f"service_invitation:{contract.id}:{due.isoformat()}"
    return Draft(key, "service_invitation", customer, None, values)
