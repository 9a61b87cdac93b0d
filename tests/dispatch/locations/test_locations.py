"""Positions only on duty, coarse and then gone, for the own eyes and for who sends somebody (R-903)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.access.model import AuditEntry
from dispatch.access.rules import Role
from dispatch.contracts.house_rules import change_house_rules
from dispatch.locations import commands, queries, rules
from dispatch.locations.model import LocationOff, Position
from dispatch.locations.rules import Fix
from dispatch.technicians.breaks import end_break, start_break
from dispatch.technicians.model import Technician
from dispatch.technicians.rules import Interval
from dispatch.territories.model import Territory
from tests.builders import DAY, a_principal, a_shift, a_technician, an_absence, at, of
from tests.dispatch.conftest import MovableClock
from tests.dispatch.sync.test_questions import asked

HERE = (60.17123, 24.94123)


@pytest.fixture
def who(session: Session, now: MovableClock) -> Technician:
    """A technician on duty from eight to sixteen; it is three in the afternoon."""
    now.set(at(15))
    found = a_technician(session)
    a_shift(session, found)
    return found


def report(session: Session, who: Technician, *hours: float) -> tuple[int, Counter[str]]:
    """Report the same place at local hours of the test day."""
    return commands.report(session, technician_id=who.id, fixes=[Fix(at(hour), *HERE, 12) for hour in hours])


def kept(session: Session, who: Technician) -> list[datetime]:
    """The moments of the positions that are stored."""
    statement = select(Position.at).where(Position.technician_id == who.id).order_by(Position.at)
    return list(session.scalars(statement))


def test_positions_are_kept_on_duty_and_outside_breaks_alone(session: Session, who: Technician) -> None:
    """R-903: what lies outside is dropped by name and never stored."""
    an_absence(session, who, starts_at=at(9), ends_at=at(10))
    start_break(session, technician_id=who.id, at=at(12))
    end_break(session, technician_id=who.id, at=at(12.5))
    count, dropped = report(session, who, 7, 8, 9.5, 11, 12.25, 12.5, 15.5)
    assert kept(session, who) == [at(8), at(11), at(12.5)]
    assert (count, dropped) == (3, {"OFF_DUTY": 2, "ON_BREAK": 1, "IN_FUTURE": 1})
    assert report(session, who, 8) == (1, {})
    assert len(kept(session, who)) == 3


@pytest.mark.parametrize("place", [(91.0, 0.0), (0.0, 181.0), (float("nan"), 0.0), (0.0, float("inf"))])
def test_what_is_not_on_the_globe_is_dropped(
    session: Session, who: Technician, place: tuple[float, float]
) -> None:
    """R-903: one position that cannot be read takes no other with it."""
    fixes = [Fix(at(9), *place), Fix(at(9.5), *HERE)]
    assert commands.report(session, technician_id=who.id, fixes=fixes) == (1, {"UNREADABLE": 1})


def test_what_comes_days_later_is_dropped(session: Session, who: Technician, now: MovableClock) -> None:
    now.set(at(15, days=3))
    assert report(session, who, 9) == (0, {"TOO_OLD": 1})
    assert commands.report(session, technician_id=who.id, fixes=[]) == (0, {})


def test_switched_off_is_off_and_nothing_fills_the_gap(session: Session, who: Technician) -> None:
    """R-903: the reason is seen by who sends somebody, the way is not."""
    report(session, who, 9, 10, 11)
    commands.switch_off(session, technician_id=who.id, at=at(10.5), reason="doctor")
    assert kept(session, who) == [at(9), at(10)]
    assert report(session, who, 10.4, 10.6) == (1, {"SWITCHED_OFF": 1})
    [standing] = queries.standings(session, a_principal(), who.territory_id)
    assert (standing.state, standing.reason, standing.position) == ("off", "doctor", None)
    commands.switch_off(session, technician_id=who.id, at=at(11), reason="dentist")
    assert session.scalars(select(LocationOff.reason)).all() == ["dentist"]
    commands.switch_on(session, technician_id=who.id, at=at(13))
    assert commands.switch_on(session, technician_id=who.id, at=at(13)) is None
    assert report(session, who, 12, 13) == (1, {"SWITCHED_OFF": 1})


def test_the_desk_sees_who_is_on_duty_now_and_the_look_is_logged(
    session: Session, who: Technician, now: MovableClock
) -> None:
    """R-903: seen by those who need it, while they need it."""
    desk = a_principal()

    def seen() -> list[tuple[str, datetime | None]]:
        found = queries.standings(session, desk, who.territory_id)
        return [(one.state, one.position.at if one.position else None) for one in found]

    assert seen() == [("unknown", None)]
    report(session, who, 14.5, 14.9)
    assert seen() == [("fresh", at(14.9))]
    now.set(at(15.5))
    assert seen() == [("stale", at(14.9))]
    start_break(session, technician_id=who.id, at=at(15.4))
    assert seen() == [("on_break", None)]
    now.set(at(16))
    assert seen() == []
    looks = session.scalars(select(AuditEntry).filter_by(action="positions_read", user_id=desk.user_id)).all()
    assert [look.subject for look in looks] == [str(who.territory_id)] * 5


def test_a_trail_is_its_technicians_alone(session: Session, who: Technician, now: MovableClock) -> None:
    """R-903: neither desk nor supervisor, unless the policy says so and the technician was told before."""
    supervisor, admin = a_principal(Role.SUPERVISOR), a_principal(Role.ADMIN)
    report(session, who, 9, 10)

    def seen() -> Sequence[datetime]:
        return [one.at for one in queries.trail(session, supervisor, who, DAY)]

    assert [one.at for one in queries.trail(session, of(who), who, DAY)] == [at(9), at(10)]
    with pytest.raises(rules.TrailPrivate):
        seen()
    change_house_rules(session, by=admin, changes={"location_appraisal": True})
    with pytest.raises(rules.TrailPrivate):
        seen()
    now.set(at(9.5))
    assert commands.note_told(session, by=supervisor, technician=who).told_at == at(9.5)
    now.set(at(15))
    assert commands.note_told(session, by=supervisor, technician=who).told_at == at(9.5)
    assert seen() == [at(10)]
    change_house_rules(session, by=admin, changes={"location_appraisal": False})
    with pytest.raises(rules.TrailPrivate):
        seen()
    looks = select(AuditEntry).filter_by(action="trail_read", user_id=supervisor.user_id)
    assert [look.subject for look in session.scalars(looks)] == [str(who.id)]


def test_positions_are_coarse_after_a_week_and_gone_after_three_months(
    session: Session, who: Technician, now: MovableClock
) -> None:
    """R-903: rounded to about a kilometre, one an hour and place; then nothing."""
    report(session, who, 9, 9.2, 9.4, 10)
    now.set(at(9, days=7))
    assert commands.fade(session, coarse_days=7, keep_days=90) == (0, 0)
    now.set(at(9.5, days=7))
    assert commands.fade(session, coarse_days=7, keep_days=90) == (1, 2)
    session.expire_all()
    trail = queries.trail(session, of(who), who, DAY)
    assert [(one.at, one.is_coarse) for one in trail] == [(at(9), True), (at(10), False)]
    assert (trail[0].latitude, trail[0].longitude, trail[0].accuracy_metres) == (60.17, 24.94, None)
    now.set(at(9.5) + timedelta(days=90))
    commands.fade(session, coarse_days=7, keep_days=90)
    assert kept(session, who) == [at(10)]
    now.set(at(10.5) + timedelta(days=90))
    commands.fade(session, coarse_days=7, keep_days=90)
    assert kept(session, who) == []


def test_what_turns_out_to_be_a_break_goes(session: Session, who: Technician) -> None:
    """R-903: a break that is told later counts as well."""
    report(session, who, 9, 12)
    start_break(session, technician_id=who.id, at=at(11.9))
    end_break(session, technician_id=who.id, at=at(12.5))
    an_absence(session, who, starts_at=at(8), ends_at=at(9.5))
    assert commands.fade(session, coarse_days=7, keep_days=90) == (0, 2)
    assert kept(session, who) == []


HOURS = st.integers(0, 96).map(lambda quarter: at(quarter / 4))
STRETCHES = st.lists(st.tuples(HOURS, st.integers(1, 20)), max_size=3).map(
    lambda found: [Interval(start, start + timedelta(minutes=15 * length)) for start, length in found]
)


@settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(STRETCHES, STRETCHES, STRETCHES, st.lists(HOURS, max_size=20))
def test_kept_is_exactly_what_lies_on_duty(
    duty: list[Interval], breaks: list[Interval], off: list[Interval], moments: list[datetime]
) -> None:
    """R-903: judged minute by minute, by sets of quarters instead of comparisons."""
    kept, dropped = rules.sorted_out(
        [Fix(moment, *HERE) for moment in moments], rules.Day(duty, breaks, off), at(24)
    )

    def quarters(stretches: list[Interval]) -> set[datetime]:
        step = timedelta(minutes=15)
        return {one.start + step * n for one in stretches for n in range(round((one.end - one.start) / step))}

    allowed = quarters(duty) - quarters(breaks) - quarters(off)
    assert [fix.at for fix in kept] == [moment for moment in moments if moment in allowed]
    assert len(kept) + sum(dropped.values()) == len(moments)


def test_everybody_is_asked_about_at_once(session: Session, who: Technician) -> None:
    """R-903: however many are on duty, switched off or on a break, the database is asked as often."""
    territory = session.get_one(Territory, who.territory_id)
    boss = a_principal(Role.DISPATCHER)

    def statements() -> tuple[int, list[str]]:
        with asked() as found:
            states = [one.state for one in queries.standings(session, boss, territory.id)]
        return len(found), states

    statements()
    one, _ = statements()
    others = [a_technician(session, territory=territory) for _ in range(3)]
    for other in others:
        a_shift(session, other)
    commands.switch_off(session, technician_id=others[0].id, at=at(10), reason="doctor")
    start_break(session, technician_id=others[1].id, at=at(14.9))
    many, states = statements()
    assert (many, sorted(states)) == (one, ["off", "on_break", "unknown", "unknown"])
