"""Planning jobs: ids in, one proposal out."""

from __future__ import annotations

import uuid
from datetime import date

from sqlalchemy.orm import Session

from dispatch import clock, db
from dispatch.outbox import Lease, one_by_one
from dispatch.planning import (
    foreseeing,
    heads,
    nights,
    optimise,
    optimise_parts,
    placing,
    readying,
    repairing,
    tidying,
    watching,
    what_if,
)
from dispatch.planning.days import day_at
from dispatch.planning.snapshot import Limits
from dispatch.promises import alarming, clocks, compensating, reminding
from dispatch.promises.rules import AlarmPolicy
from dispatch.settings import Settings
from dispatch.territories.queries import active_territories
from dispatch.work_orders.model import Visit


def optimise_day(
    lease: Lease, *, territory_id: str, day: str, seed: str = "1", reason: str = "optimise", seconds: str = ""
) -> None:
    """Plan a territory's day and store the proposal."""
    optimise.optimise_day(
        lease,
        uuid.UUID(territory_id),
        date.fromisoformat(day),
        seed=int(seed),
        reason=reason,
        limits=_limits(seconds),
    )


def replan(lease: Lease, *, visit_id: str) -> None:
    """
    Plan the day of an emergency anew; begun stops stay where they are.

    The emergency waits for its plan, and the published one is the start, so the time is short.
    """
    with db.transaction() as session:
        visit = session.get(Visit, uuid.UUID(visit_id))
        if visit is None:
            raise ValueError(f"visit {visit_id} does not exist")
        territory_id = visit.work_order.territory_id
        planned = heads.days_with(session, territory_id, visit.id)
        told = day_at(session, territory_id, visit.window_start or clock.now()).day
        today = planned[-1] if planned else told
    limits = _limits(str(Settings.from_environment().replan_seconds))
    optimise.optimise_day(lease, territory_id, today, seed=1, reason="emergency", limits=limits)


def tidy_day(lease: Lease, *, territory_id: str, day: str) -> None:
    """Plan a draft better after bookings, for those who ask next."""
    seconds = Settings.from_environment().replan_seconds
    tidying.tidy_day(lease, uuid.UUID(territory_id), date.fromisoformat(day), seconds=seconds)


def optimise_part(lease: Lease, *, split_id: str, number: str) -> None:
    """Plan one part of a day beyond one process."""
    optimise_parts.optimise_part(lease, uuid.UUID(split_id), int(number))


def join_parts(lease: Lease, *, split_id: str) -> None:
    """Make one proposal of the parts of a day, after the last of them is planned."""
    optimise_parts.join_parts(lease, uuid.UUID(split_id), _limits(""))


def plan_what_if(lease: Lease, *, scenario_id: str) -> None:
    """Plan a scenario's day beside the real one."""
    what_if.plan_scenario(lease, uuid.UUID(scenario_id), _limits(""))


def repair_absence(lease: Lease, *, absence_id: str) -> None:
    """Ask for a new plan of each day that an absence takes a technician from."""
    seconds = Settings.from_environment().replan_seconds
    with lease.finishing() as session:
        days = repairing.repair_absence(session, uuid.UUID(absence_id), seconds=seconds)
        lease.result = {"days": [day.isoformat() for day in days]}


def repair_site(lease: Lease, *, site_id: str) -> None:
    """Ask for a new plan of each day that goes to a site which has been put where it really is."""
    seconds = Settings.from_environment().replan_seconds
    with lease.finishing() as session:
        days = repairing.repair_site(session, uuid.UUID(site_id), seconds=seconds)
        lease.result = {"days": [day.isoformat() for day in days]}


def place_visit(lease: Lease, *, visit_id: str, choice: str = "earliest") -> None:
    """Find a place for a visit that nobody is on the line for."""
    with lease.finishing() as session:
        start = placing.place_visit(session, uuid.UUID(visit_id), earliest=choice == "earliest")
        lease.result = {"start": start.isoformat() if start else None}


def watch_promises(lease: Lease, **_: str) -> None:
    """Look at today's promises and at service clocks in every territory (R-401, R-402, R-503)."""
    settings = Settings.from_environment()
    policy = AlarmPolicy.of(settings)

    def watch(session: Session, territory_id: uuid.UUID) -> int:
        told = 0
        running = nights.still_running(session, territory_id, nights.AFTER_DUTY)
        alarming.close_past(session, territory_id, before=running[0].day)
        for day in running:
            alarms = watching.watch(session, territory_id, day.day, policy)
            if alarms:
                reasons = {alarm.reason for alarm in alarms}
                repairing.repair_danger(
                    session, territory_id, day.day, reasons, seconds=settings.replan_seconds
                )
            told += len(alarms)
        compensating.for_missing_parts(session, territory_id)
        clocks.escalate(session, territory_id, foreseeing.coming(session, territory_id))
        reminding.remind(session, territory_id)
        return told

    told = one_by_one(lease, active_territories, watch)
    with lease.finishing():
        lease.result = {"told": told}


def check_readiness(lease: Lease, **_: str) -> None:
    """Look whether tomorrow's visits are ready in every territory whose evening has come (R-304)."""

    def look(session: Session, territory_id: uuid.UUID) -> int:
        return len(readying.make_ready(session, territory_id))

    gaps = one_by_one(lease, active_territories, look)
    with lease.finishing():
        lease.result = {"gaps": gaps}


def _limits(seconds: str) -> Limits:
    settings = Settings.from_environment()
    wanted = float(seconds) if seconds else float(settings.optimiser_seconds)
    return Limits(
        seconds=min(wanted, float(settings.optimiser_seconds_most)),
        visits=settings.optimiser_visits_most,
        technicians=settings.optimiser_technicians_most,
        part_visits=settings.optimiser_part_visits,
        processes=settings.optimiser_processes,
    )
