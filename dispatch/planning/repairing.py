"""Asking for a new plan when the day goes wrong: somebody is away, a promise is in danger (journey (e))."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.customers.model import Site
from dispatch.planning.candidates import NOT_BEGUN
from dispatch.planning.commands import request_optimise
from dispatch.planning.model import PlanHead, PlanStop
from dispatch.planning.rules import PLAN_REASONS
from dispatch.technicians.model import Absence, Technician
from dispatch.territories.queries import zone_of
from dispatch.work_orders import commands as work_orders
from dispatch.work_orders.lifecycle import ON_DUTY_STATES
from dispatch.work_orders.model import ReviewCase, Visit, WorkOrder

ABSENT = "technician_absent"
"""Kind of the case of a visit that its technician has begun and cannot finish."""


def repair_absence(session: Session, absence_id: uuid.UUID, *, seconds: float) -> list[date]:
    """
    Ask for a plan of each day ahead whose plan in force sends an absent technician; return the days.

    What the technician has begun no plan can give to others: it becomes a case, for somebody to decide.
    """
    absence = session.get(Absence, absence_id)
    if absence is None:  # taken back meanwhile
        return []
    _open_cases(session, absence)
    territory_id = session.get_one(Technician, absence.technician_id).territory_id
    zone = zone_of(session, territory_id)
    since = max(absence.starts_at, clock.now())
    first = clock.business_day(since, zone) - timedelta(
        days=1
    )  # a night shift belongs to the day it begins on
    in_force = func.coalesce(PlanHead.working_plan_id, PlanHead.published_plan_id)
    statement = (
        select(PlanHead.day)
        .join(PlanStop, PlanStop.plan_id == in_force)
        .where(PlanHead.territory_id == territory_id, PlanHead.day >= first)
        .where(PlanStop.technician_id == absence.technician_id)
        .where(PlanStop.start < absence.ends_at, PlanStop.end > since)
    )
    days = sorted(set(session.scalars(statement)))
    for day in days:
        request_optimise(
            session, by=None, territory_id=territory_id, day=day, seconds=seconds, reason="absence"
        )
    return days


def _open_cases(session: Session, absence: Absence) -> None:
    """Open a case for each visit that an absent technician is on the way to or at, once."""
    known = select(ReviewCase.visit_id).where(ReviewCase.kind == ABSENT, ReviewCase.decided_at.is_(None))
    statement = (
        select(Visit)
        .where(Visit.technician_id == absence.technician_id, Visit.state.in_(ON_DUTY_STATES))
        .where(Visit.planned_end > absence.starts_at, Visit.planned_start < absence.ends_at)
        .where(Visit.id.not_in(known))
        .order_by(Visit.id)
    )
    for visit in session.scalars(statement).all():
        detail = {"absence_id": str(absence.id), "state": visit.state}
        work_orders.open_case(session, by=None, visit=visit, kind=ABSENT, detail=detail)


def repair_site(session: Session, site_id: uuid.UUID, *, seconds: float) -> list[date]:
    """
    Ask for a plan of each day whose plan in force goes to a site that lies elsewhere; return the days.

    What has begun stays as it is. Promises that the way puts in danger are seen by the watch of the day.
    """
    site = session.get_one(Site, site_id)
    in_force = func.coalesce(PlanHead.working_plan_id, PlanHead.published_plan_id)
    today = clock.business_day(clock.now(), zone_of(session, site.territory_id))
    statement = (
        select(PlanHead.day)
        .join(PlanStop, PlanStop.plan_id == in_force)
        .join(Visit, Visit.id == PlanStop.visit_id)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .where(PlanHead.territory_id == site.territory_id, PlanHead.day >= today - timedelta(days=1))
        .where(WorkOrder.site_id == site.id, Visit.state.in_(NOT_BEGUN))
    )
    days = sorted(set(session.scalars(statement)))
    for day in days:
        request_optimise(
            session, by=None, territory_id=site.territory_id, day=day, seconds=seconds, reason="site_moved"
        )
    return days


def repair_danger(
    session: Session, territory_id: uuid.UUID, day: date, reasons: Collection[str], *, seconds: float
) -> None:
    """Ask for a plan of a day on which promises have come into danger, for the first of the reasons seen."""
    of_plan = next((name for name, told in PLAN_REASONS.items() if told in reasons), "delay")
    request_optimise(session, by=None, territory_id=territory_id, day=day, seconds=seconds, reason=of_plan)
