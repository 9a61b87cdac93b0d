"""The daily log: the same facts give the same rows; sums of the parts are the whole (R-701, R-704)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import outbox
from dispatch.access.rules import Role
from dispatch.billing.commands import record_payment
from dispatch.contracts.house_rules import change_house_rules
from dispatch.customers.model import Customer
from dispatch.intake.answering import answer_clocks
from dispatch.money import Money
from dispatch.performance.commands import write_daily_log
from dispatch.performance.metrics import METRICS
from dispatch.performance.model import DailyLog, Indicator
from dispatch.performance.queries import daily_logs
from dispatch.technicians.model import BreakTaken, Technician
from dispatch.territories.model import Territory
from dispatch.work_orders.model import Visit
from tests.builders import (
    DAY,
    a_call,
    a_contract,
    a_principal,
    a_promise,
    a_shift,
    a_site,
    a_technician,
    a_territory,
    a_visit,
    an_order,
    at,
    of,
)
from tests.dispatch.conftest import MovableClock
from tests.planning_world import register_kinds


@pytest.fixture
def world(session: Session, now: MovableClock) -> Iterator[Session]:
    """The evening of the test day."""
    register_kinds()
    now.set(at(23))
    yield session
    outbox.register((), {})


def served(session: Session, who: Technician, place: Territory, hour: float, **fields: object) -> Visit:
    """A visit of an hour: on the way half an hour before, planned as it happened."""
    order = an_order(session, site=a_site(session, territory=place), requested_at=at(hour - 2))
    times = {
        "planned_start": at(hour),
        "planned_end": at(hour + 1),
        "travelling_at": at(hour - 0.5),
        "arrived_at": at(hour),
        "started_at": at(hour),
        "finished_at": at(hour + 1),
    }
    return a_visit(session, order=order, technician=who, state="verified", **{**times, **fields})


def log_of(session: Session, scope: str, scope_id: object = None) -> DailyLog:
    """One log of the test day."""
    statement = select(DailyLog).where(DailyLog.day == DAY, DailyLog.scope == scope)
    if scope_id is not None:
        statement = statement.where(DailyLog.scope_id == str(scope_id))
    return session.scalars(statement).one()


def figures(log: DailyLog) -> dict[str, tuple[Decimal, Decimal]]:
    """Indicators by name."""
    return {row.name: (row.numerator, row.denominator) for row in log.indicators}


def test_the_same_facts_write_the_same_rows(world: Session) -> None:
    """R-701: a second run changes nothing, not even the moment of writing."""
    place = a_territory(world)
    who = a_technician(world, territory=place)
    a_shift(world, who)
    served(world, who, place, 9)
    first = [(log.id, log.facts_sha256, log.written_at) for log in write_daily_log(world, day=DAY)]
    world.flush()
    again = [(log.id, log.facts_sha256, log.written_at) for log in write_daily_log(world, day=DAY)]
    assert first == again
    assert len(world.scalars(select(Indicator)).all()) == 3 * len(METRICS)


@pytest.mark.parametrize(
    ("house", "own", "punctual"), [(15, None, 0), (25, None, 1), (25, 10, 0), (15, 20, 1)]
)
def test_the_band_is_that_of_the_house_or_of_the_contract(
    world: Session, house: int, own: int | None, punctual: int
) -> None:
    """R-302: twenty minutes after the window."""
    place = a_territory(world)
    who = a_technician(world, territory=place)
    visit = served(world, who, place, 9)
    a_promise(world, visit, window_start=at(6), window_end=at(9) - timedelta(minutes=20))
    change_house_rules(world, by=a_principal(), changes={"band_minutes": house})
    if own is not None:
        customer = world.get_one(Customer, visit.work_order.customer_id)
        terms = {"house_rules": {"band_minutes": own}}
        visit.work_order.contract_id = a_contract(world, customer=customer, **terms).id
    write_daily_log(world, day=DAY)
    assert figures(log_of(world, "territory"))["punctual_within_band"] == (punctual, 1)


def test_a_log_written_from_nothing_equals_the_one_that_was_corrected(world: Session) -> None:
    """R-701: recomputable at any later time with the same result."""
    place = a_territory(world)
    who = a_technician(world, territory=place)
    a_shift(world, who)
    served(world, who, place, 9)
    write_daily_log(world, day=DAY)
    served(world, who, place, 12)
    corrected = {log.scope_id: log.facts_sha256 for log in write_daily_log(world, day=DAY)}
    for log in world.scalars(select(DailyLog)):
        world.delete(log)
    world.flush()
    assert {log.scope_id: log.facts_sha256 for log in write_daily_log(world, day=DAY)} == corrected


def test_who_left_the_company_keeps_the_log_of_a_day_that_is_corrected(world: Session) -> None:
    """R-701, R-704: on duty without a visit, one log stays; with one, duty stays beside what is corrected."""
    place = a_territory(world)
    idle, busy = (a_technician(world, territory=place) for _ in range(2))
    for who in (idle, busy):
        a_shift(world, who)
    visit = served(world, busy, place, 9, is_solved=False)
    write_daily_log(world, day=DAY)
    unchanged = log_of(world, "technician", idle.id).facts_sha256
    duty = figures(log_of(world, "technician", busy.id))["utilisation"]
    idle.is_active = busy.is_active = False
    visit.is_solved = True
    write_daily_log(world, day=DAY)
    assert log_of(world, "technician", idle.id).facts_sha256 == unchanged
    corrected = figures(log_of(world, "technician", busy.id))
    assert duty[1] > 0
    assert (corrected["utilisation"], corrected["first_time_fix"]) == (duty, (1, 1))


def test_a_late_sync_corrects_the_day_it_belongs_to(world: Session, now: MovableClock) -> None:
    place = a_territory(world)
    who = a_technician(world, territory=place)
    a_shift(world, who)
    visit = served(world, who, place, 9, is_solved=False)
    write_daily_log(world, day=DAY)
    before = log_of(world, "technician")
    sha, moment = before.facts_sha256, before.written_at
    now.set(at(30))
    visit.is_solved = True
    write_daily_log(world, day=DAY)
    assert before.facts_sha256 != sha
    assert before.written_at > moment
    assert figures(before)["first_time_fix"] == (1, 1)


def test_territories_and_company_are_the_sums_of_their_technicians(world: Session) -> None:
    """R-701, R-704: one helps out in the other territory and still has one log with all of the work."""
    here, there = a_territory(world), a_territory(world)
    people = [a_technician(world, territory=here), a_technician(world, territory=there)]
    for who in people:
        a_shift(world, who)
    served(world, people[0], here, 9)
    helped = served(world, people[0], there, 12)
    served(world, people[1], there, 10)
    record_payment(
        world,
        by=None,
        order=helped.work_order,
        method="cash",
        amount=Money(500, "EUR"),
        received_at=at(13),
        technician_id=people[0].id,
    )
    write_daily_log(world, day=DAY)
    write_daily_log(world, day=DAY)
    technicians = world.scalars(select(DailyLog).where(DailyLog.scope == "technician")).all()
    territories = world.scalars(select(DailyLog).where(DailyLog.scope == "territory")).all()
    company = log_of(world, "company", "company")
    assert len(technicians) == len(territories) == 2
    for name, whole in figures(company).items():
        for parts in (technicians, territories):
            summed = [sum(figures(log)[name][side] for log in parts) for side in (0, 1)]
            if name not in {"overtime_seconds", "idle_seconds"} or parts is technicians:
                assert tuple(summed) == whole, name
    for key in ("work_seconds", "travel_seconds"):
        assert sum(log.facts[key] for log in technicians) == company.facts[key]
    own = log_of(world, "technician", people[0].id)
    assert (len(own.facts["visits"]), own.facts["money_minor"]) == (2, {"cash": 500})
    assert company.facts["money_minor"] == {"cash": 500}


def test_money_without_any_visit_has_its_log(world: Session) -> None:
    place = a_territory(world)
    who = a_technician(world, territory=place)
    order = an_order(world, site=a_site(world, territory=place))
    record_payment(
        world,
        by=None,
        order=order,
        method="cash",
        amount=Money(700, "EUR"),
        received_at=at(10),
        technician_id=who.id,
    )
    write_daily_log(world, day=DAY)
    assert log_of(world, "technician", who.id).facts["money_minor"] == {"cash": 700}


def test_without_a_shift_utilisation_is_undefined_not_infinite(world: Session) -> None:
    """R-704."""
    place = a_territory(world)
    who = a_technician(world, territory=place)
    served(world, who, place, 9)
    write_daily_log(world, day=DAY)
    rows = figures(log_of(world, "technician", who.id))
    assert rows["utilisation"] == (5400, 0)
    assert rows["visits_per_technician_day"] == (1, 0)


def test_a_visit_that_was_called_off_breaks_no_promise(world: Session) -> None:
    place = a_territory(world)
    who = a_technician(world, territory=place)
    order = an_order(world, site=a_site(world, territory=place))
    visit = a_visit(world, order=order, technician=who, state="cancelled")
    a_promise(world, visit)
    write_daily_log(world, day=DAY)
    assert figures(log_of(world, "company", "company"))["promise_kept_first"] == (0, 0)


def test_a_planned_visit_that_nobody_reached_breaks_its_promise(world: Session) -> None:
    """R-309."""
    place = a_territory(world)
    order = an_order(world, site=a_site(world, territory=place))
    a_promise(world, a_visit(world, order=order, state="published"))
    write_daily_log(world, day=DAY)
    assert figures(log_of(world, "company", "company"))["promise_kept_first"] == (0, 1)


def test_each_person_reads_what_concerns_them(world: Session) -> None:
    here, there = a_territory(world), a_territory(world)
    mine, other = a_technician(world, territory=here), a_technician(world, territory=there)
    for who in (mine, other):
        a_shift(world, who)
    write_daily_log(world, day=DAY)
    first, last = DAY, DAY + timedelta(days=1)
    seen = daily_logs(world, of(mine), first=first, last=last)
    assert [(log.scope, log.scope_id) for log in seen] == [("technician", str(mine.id))]
    narrowed = a_principal(Role.SUPERVISOR, territory_ids=frozenset({here.id}))
    scopes = {(log.scope, log.scope_id) for log in daily_logs(world, narrowed, first=first, last=last)}
    assert scopes == {("technician", str(mine.id)), ("territory", str(here.id))}
    everything = daily_logs(world, a_principal(Role.ADMIN), first=first, last=last)
    assert len(everything) == 5
    assert len(daily_logs(world, a_principal(Role.ADMIN), first=first, last=last, scope="company")) == 1


def asked(session: Session, place: Territory, channel: str, hour: float, answered: float | None) -> None:
    """A call of the test day, asked for at an hour and answered at another."""
    moments = {"requested_at": at(hour), "received_at": at(hour)}
    call = a_call(session, site=a_site(session, territory=place), channel=channel, **moments)
    call.answered_at = at(answered) if answered is not None else None
    session.flush()


def test_the_log_counts_answers_by_channel_the_same_whenever_it_is_written(
    world: Session, now: MovableClock
) -> None:
    """R-102, R-701: asked, within the limit, missed, and waiting when the day ended; territories add up."""
    here, there = a_territory(world), a_territory(world)
    asked(world, here, "phone", 9, 9 + 10 / 3600)
    asked(world, here, "phone", 9, 9 + 20 / 3600)
    asked(world, here, "phone", 10, None)
    asked(world, here, "web", 10, 10.5)
    asked(world, here, "web", 11, 13)
    asked(world, here, "email", 12, None)
    asked(world, here, "email", 23.5, None)
    asked(world, here, "letter", 12, None)
    asked(world, there, "web", 12, 12.5)
    expected = {
        "email": {"asked": 2, "kept": 0, "missed": 1, "unknown": 0, "waiting": 2},
        "phone": {"asked": 3, "kept": 1, "missed": 1, "unknown": 1, "waiting": 0},
        "web": {"asked": 2, "kept": 1, "missed": 1, "unknown": 0, "waiting": 0},
    }
    written = set()
    for moment in (at(24.5), at(34), at(24, days=5)):
        now.set(moment)
        write_daily_log(world, day=DAY)
        log, company = log_of(world, "territory", here.id), log_of(world, "company")
        assert log.facts["answers"] == expected
        assert figures(log)["answers_in_time"] == (2, 5)
        assert figures(company)["answers_in_time"] == (3, 6)
        assert company.facts["answers"]["web"] == {
            "asked": 3,
            "kept": 2,
            "missed": 1,
            "unknown": 0,
            "waiting": 0,
        }
        written.add((log.facts_sha256, log.written_at, company.facts_sha256))
    assert len(written) == 1


def test_an_answer_the_next_morning_waited_when_the_day_ended(world: Session, now: MovableClock) -> None:
    """R-102: a Saturday's letter has a day; the log is corrected, and agrees with the answer clocks."""
    place, saturday = a_territory(world), DAY + timedelta(days=5)
    site = a_site(world, territory=place)
    moments = {"requested_at": at(20, days=5), "received_at": at(20, days=5)}
    call = a_call(world, site=site, channel="email", **moments)

    def counted() -> tuple[dict[str, int], tuple[Decimal, Decimal]]:
        logs = write_daily_log(world, day=saturday)
        [log] = [each for each in logs if each.scope == "territory"]
        return log.facts["answers"]["email"], figures(log)["answers_in_time"]

    now.set(at(24.5, days=5))
    waiting = {"asked": 1, "kept": 0, "missed": 0, "unknown": 0, "waiting": 1}
    assert counted() == (waiting, (0, 0))
    call.answered_at = at(9, days=6)
    world.flush()
    now.set(at(24.5, days=6))
    assert counted() == (waiting | {"kept": 1}, (1, 1))
    clocks = answer_clocks(world, place.id, saturday)
    assert (clocks.kept, clocks.decided) == (1, 1)


def test_a_technicians_log_holds_no_answers(world: Session) -> None:
    """R-102: they are the office's."""
    place = a_territory(world)
    who = a_technician(world, territory=place)
    a_shift(world, who)
    asked(world, place, "web", 10, 10.5)
    write_daily_log(world, day=DAY)
    log = log_of(world, "technician", who.id)
    assert (log.facts["answers"], figures(log)["answers_in_time"]) == ({}, (0, 0))


def test_breaks_are_in_the_log_and_neither_work_nor_travel(world: Session) -> None:
    """R-509, R-704: ten minutes on the way, half an hour at work, the rest of an hour between visits."""
    place = a_territory(world)
    who, other = a_technician(world, territory=place), a_technician(world, territory=place)
    for person in (who, other):
        a_shift(world, person)
    served(world, who, place, 9)
    for start, minutes in ((8.5, 10), (9.5, 60)):
        ended_at = at(start) + timedelta(minutes=minutes)
        world.add(BreakTaken(technician_id=who.id, started_at=at(start), ended_at=ended_at))
    world.flush()
    write_daily_log(world, day=DAY)
    mine, company = log_of(world, "technician", who.id), log_of(world, "company")
    assert (mine.facts["work_seconds"], mine.facts["travel_seconds"]) == (1800, 1200)
    assert (mine.facts["break_seconds"], company.facts["break_seconds"]) == (4200, 4200)
    assert [one["technician_id"] for one in mine.facts["breaks"]] == [str(who.id)] * 2
    assert mine.facts["breaks"][1]["started_at"] == at(9.5).isoformat()
    figures_of_mine = figures(mine)
    assert figures_of_mine["idle_seconds"] == (8 * 3600 - 4200 - 1800 - 1200, 1)
    assert figures_of_mine["utilisation"] == (3000, 8 * 3600)
    assert figures(log_of(world, "technician", other.id))["idle_seconds"] == (8 * 3600 - 1800, 1)
