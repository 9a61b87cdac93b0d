"""Technicians: skills, certificates, shifts and absences (R-409, R-501)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from dispatch.access.rules import Role
from dispatch.errors import NotFound
from dispatch.technicians import commands, queries, rules
from dispatch.technicians.rules import Interval, Rest
from dispatch.text import ChoiceUnknown, NumberOutOfRange
from tests import builders as b
from tests.dispatch.conftest import MovableClock


def utc(*parts: int) -> datetime:
    """A moment in UTC."""
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("pattern", "day", "start", "end"),
    [
        ("8-16", date(2026, 3, 2), utc(2026, 3, 2, 6), utc(2026, 3, 2, 14)),
        ("11-19", date(2026, 7, 1), utc(2026, 7, 1, 8), utc(2026, 7, 1, 16)),
        ("14-22", date(2026, 3, 28), utc(2026, 3, 28, 12), utc(2026, 3, 28, 20)),
        ("8-16", date(2026, 3, 29), utc(2026, 3, 29, 5), utc(2026, 3, 29, 13)),
        ("8-16", date(2026, 10, 25), utc(2026, 10, 25, 6), utc(2026, 10, 25, 14)),
    ],
)
def test_shift_patterns_are_local_hours_in_summer_and_winter(
    pattern: str, day: date, start: datetime, end: datetime
) -> None:
    """R-409."""
    assert rules.shift_of(rules.SHIFT_PATTERNS[pattern], day, b.ZONE) == Interval(start, end)


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 28), 7), (date(2026, 10, 24), 9), (date(2026, 3, 2), 8)]
)
def test_a_night_over_a_change_of_the_clock_is_an_hour_shorter_or_longer(day: date, hours: int) -> None:
    """R-409: 22 to 6 as the clock on the wall shows it."""
    assert rules.shift_of((22, 6), day, b.ZONE).seconds == hours * 3600


MINUTES = st.integers(0, 600).map(lambda minutes: b.at(8) + timedelta(minutes=minutes))
STRETCHES = (
    st.tuples(MINUTES, MINUTES).filter(lambda pair: pair[0] < pair[1]).map(lambda pair: Interval(*pair))
)


@given(STRETCHES, st.lists(STRETCHES, max_size=5))
def test_what_is_free_is_the_shift_without_every_absence(shift: Interval, absences: list[Interval]) -> None:
    """Compared minute by minute with the plain definition."""
    free = rules.free_of(shift, absences)
    minutes = [b.at(8) + timedelta(minutes=minute) for minute in range(601)]

    def covers(stretches: list[Interval], moment: datetime) -> bool:
        return any(stretch.start <= moment < stretch.end for stretch in stretches)

    for moment in minutes:
        expected = covers([shift], moment) and not covers(absences, moment)
        assert covers(list(free), moment) is expected
    assert list(free) == sorted(free)


def test_a_certificate_counts_on_its_first_and_last_day() -> None:
    """R-501."""
    paper = commands.Certificate(
        code="g", number="1", valid_from=date(2026, 1, 1), valid_until=date(2026, 3, 2)
    )
    days = [date(2025, 12, 31), date(2026, 1, 1), date(2026, 3, 2), date(2026, 3, 3)]
    assert [rules.is_valid_on(paper, day) for day in days] == [False, True, True, False]


def test_a_technician_is_taken_on_with_skills_and_papers(session: Session) -> None:
    """R-501: a renewal is another certificate."""
    territory = b.a_territory(session)
    b.a_skill(session, "gas")
    ada = commands.create_technician(
        session, by=None, number="P1", name="Ada", territory=territory, home=b.CENTRE, skills={"gas": 2}
    )
    for year in (2025, 2026):
        commands.add_certificate(
            session, by=None, technician=ada, code="gas_a", number=f"{year}",
            valid_from=date(year, 1, 1), valid_until=date(year, 12, 31),
        )  # fmt: skip
    session.expire_all()
    assert {held.skill_code: held.level for held in ada.skills} == {"gas": 2}
    queries.check_may_be_sent(ada, skills={"gas": 2}, certificates=["gas_a"], day=date(2026, 5, 1))
    with pytest.raises(rules.CertificateExpired):
        queries.check_may_be_sent(ada, skills={}, certificates=["gas_a"], day=date(2027, 1, 1))
    with pytest.raises(commands.NumberTaken):
        commands.create_technician(
            session, by=None, number="P1", name="x", territory=territory, home=b.CENTRE
        )
    with pytest.raises(rules.CertificateInvalid):
        commands.add_certificate(
            session, by=None, technician=ada, code="x", number="1",
            valid_from=date(2026, 2, 2), valid_until=date(2026, 2, 1),
        )  # fmt: skip


def test_skills_are_defined_and_have_five_levels(session: Session) -> None:
    ada = b.a_technician(session, skills={"gas": 1, "water": 1})
    b.a_skill(session, "electric")
    commands.set_skills(session, by=None, technician=ada, skills={"gas": 5, "electric": 1})
    session.expire_all()
    assert {held.skill_code: held.level for held in ada.skills} == {"gas": 5, "electric": 1}
    with pytest.raises(rules.SkillUnknown):
        commands.set_skills(session, by=None, technician=ada, skills={"magic": 1})
    with pytest.raises(NumberOutOfRange):
        commands.set_skills(session, by=None, technician=ada, skills={"gas": 6})
    with pytest.raises(rules.CertificateUnknown):
        queries.check_certificates_exist(session, ["no_such"])


def test_a_week_of_shifts_is_written_from_a_pattern(session: Session) -> None:
    """R-409: with a floating break; the week holds a change to summer time."""
    ada = b.a_technician(session)
    days = [date(2026, 3, 28) + timedelta(days=n) for n in range(3)]
    shifts = commands.add_shifts(session, by=None, technician=ada, pattern="8-16", days=days)
    assert [shift.starts_at.hour for shift in shifts] == [6, 5, 5]
    assert {shift.break_minutes for shift in shifts} == {30}
    assert shifts[0].break_earliest == shifts[0].starts_at + timedelta(hours=3)
    with pytest.raises(rules.ShiftOverlaps):
        commands.add_shifts(session, by=None, technician=ada, pattern="11-19", days=days[:1])
    with pytest.raises(ChoiceUnknown):
        commands.add_shifts(session, by=None, technician=ada, pattern="0-24", days=days)


@pytest.mark.parametrize(
    ("start", "end", "rest"),
    [
        (8, 8, None),
        (9, 8, None),
        (8, 33, None),
        (8, 16, Rest(30, b.at(7), b.at(12))),
        (8, 16, Rest(30, b.at(12), b.at(15.75))),
        (8, 16, Rest(30, b.at(13), b.at(12))),
        (8, 16, Rest(0, b.at(11), b.at(12))),
    ],
)
def test_a_shift_has_a_length_and_holds_its_break(
    session: Session, start: float, end: float, rest: Rest | None
) -> None:
    with pytest.raises(rules.ShiftInvalid):
        commands.add_shift(
            session,
            by=None,
            technician=b.a_technician(session),
            starts_at=b.at(start),
            ends_at=b.at(end),
            rest=rest,
        )


def test_absences_do_not_overlap_but_may_touch(session: Session) -> None:
    ada = b.a_technician(session)
    commands.add_absence(
        session, by=None, technician=ada, starts_at=b.at(8), ends_at=b.at(10), reason="school"
    )
    commands.add_absence(
        session, by=None, technician=ada, starts_at=b.at(10), ends_at=b.at(12), reason="doctor"
    )
    for start, end, refusal in ((9, 11, rules.AbsenceOverlaps), (13, 13, rules.AbsenceInvalid)):
        with pytest.raises(refusal):
            commands.add_absence(
                session, by=None, technician=ada, starts_at=b.at(start), ends_at=b.at(end), reason="x"
            )


def test_on_duty_is_the_shift_without_absences(session: Session) -> None:
    territory = b.a_territory(session)
    people = [b.a_technician(session, territory=territory, number=f"P{n}") for n in range(6)]
    whole, ill, late, split, off, gone = people
    for person in people:
        if person is not off:
            b.a_shift(session, person)
    b.an_absence(session, ill)
    b.an_absence(session, late, starts_at=b.at(6), ends_at=b.at(12.5))
    b.an_absence(session, split, starts_at=b.at(10), ends_at=b.at(11))
    gone.is_active = False
    session.flush()
    duties = {duty.technician.number: duty for duty in queries.on_duty(session, territory.id, b.DAY)}
    assert list(duties) == ["P0", "P2", "P3"]
    assert (duties["P0"].starts_at, duties["P0"].ends_at, duties["P0"].break_minutes) == (
        b.at(8),
        b.at(16),
        30,
    )
    assert (duties["P2"].starts_at, duties["P2"].break_earliest, duties["P2"].break_latest) == (
        b.at(12.5), b.at(12.5), b.at(13),
    )  # fmt: skip
    assert duties["P3"].free == (Interval(b.at(8), b.at(10)), Interval(b.at(11), b.at(16)))
    assert (duties["P3"].starts_at, duties["P3"].available_seconds) == (b.at(11), 7 * 3600)
    assert whole.number == "P0"
    assert queries.on_duty(session, territory.id, b.DAY + timedelta(days=1)) == []


def test_a_break_that_falls_into_an_absence_is_taken_care_of(session: Session) -> None:
    ada = b.a_technician(session)
    b.a_shift(session, ada)
    b.an_absence(session, ada, starts_at=b.at(10.5), ends_at=b.at(20))
    (duty,) = queries.on_duty(session, ada.territory_id, b.DAY)
    assert (duty.ends_at, duty.break_minutes, duty.break_earliest) == (b.at(10.5), 0, None)


def test_somebody_without_a_shift_is_not_sent(session: Session) -> None:
    ada = b.a_technician(session)
    b.a_shift(session, ada)
    queries.require_on_duty(session, ada, b.at(15), b.at(17))
    queries.require_on_duty(session, ada, b.at(16.5), b.at(17.5))
    b.an_absence(session, ada, starts_at=b.at(12), ends_at=b.at(24))
    for start, end in ((16, 17), (13, 14), (17, 18), (32, 33)):
        with pytest.raises(rules.TechnicianWithoutShift):
            queries.require_on_duty(session, ada, b.at(start), b.at(end))


def test_the_roster_of_some_days_is_seen_and_changed(session: Session, now: MovableClock) -> None:
    ada = b.a_technician(session)
    shift, absence = b.a_shift(session, ada), b.an_absence(session, ada)
    me = b.a_principal()
    assert queries.roster(session, me, ada.id, b.DAY, b.DAY) == ([shift], [absence], [])
    commands.remove_shift(session, by=None, shift=queries.find_shift(session, me, shift.id))
    commands.remove_absence(session, by=None, absence=queries.find_absence(session, me, absence.id))
    assert queries.roster(session, me, ada.id, b.DAY, b.DAY) == ([], [], [])


def test_technicians_see_themselves_and_the_office_its_territory(session: Session, now: MovableClock) -> None:
    """S1."""
    ada, ben = b.a_technician(session), b.a_technician(session)
    assert queries.find_technician(session, b.of(ada), ada.id) is ada
    here = b.a_principal(Role.DISPATCHER, territory_ids=frozenset({ada.territory_id}))
    assert queries.list_technicians(session, here).items == (ada,)
    for who in (b.of(ada), here):
        with pytest.raises(NotFound):
            queries.find_technician(session, who, ben.id)
        with pytest.raises(NotFound):
            queries.find_shift(
                session,
                who,
                b.a_shift(session, ben, starts_at=b.at(40), ends_at=b.at(41), break_minutes=0).id,
            )
