"""Asking for a new plan when the day goes wrong: somebody is away, a promise is in danger (journey (e))."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.planning.commands import request_optimise
from dispatch.planning.model import PlanHead, PlanStop
from dispatch.technicians.model import Absence, Technician
from dispatch.territories.queries import zone_of


def repair_absence(session: Session, absence_id: uuid.UUID, *, seconds: float) -> list[date]:
    """Ask for a plan of each day ahead whose plan in force sends an absent technician; return the days."""
    absence = session.get(Absence, absence_id)
    if absence is None:  # taken back meanwhile
        return []
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


def repair_delay(session: Session, territory_id: uuid.UUID, day: date, *, seconds: float) -> None:
    """Ask for a plan of a day on which a promise has come into danger."""
    request_optimise(session, by=None, territory_id=territory_id, day=day, seconds=seconds, reason="delay")
