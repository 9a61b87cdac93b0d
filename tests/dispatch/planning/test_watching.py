"""Promises in danger: told once and in time, nobody told of one that recovered (R-503, R-802, R-605)."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from dispatch.access.rules import Principal, Role
from dispatch.contracts.house_rules import change_house_rules
from dispatch.events import Event, PromiseInDanger
from dispatch.locations.commands import report
from dispatch.locations.rules import Fix
from dispatch.messages import commands as messages
from dispatch.messages.facts import rounded_up
from dispatch.messages.model import Message
from dispatch.planning import spreads, watching
from dispatch.planning.commands import book
from dispatch.planning.forecasting import RouteForecast, StopForecast
from dispatch.planning.rules import Danger
from dispatch.promises import alarming
from dispatch.promises.model import Compensation, Promise
from dispatch.promises.rules import AlarmAcknowledged, AlarmPolicy
from dispatch.settings import Settings
from dispatch.work_orders.model import Visit
from tests.builders import DAY, a_promise, at
from tests.dispatch.conftest import MovableClock
from tests.dispatch.planning.watch_world import (
    POLICY,
    alarms,
    customer_of,
    look,
    note,
    on_the_way,
    promised,
    sights,
)
from tests.planning_world import Town

SUPERVISOR = Principal(user_id=None, role=Role.SUPERVISOR, territory_ids=None)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def forgotten() -> None:
    """Nothing was measured before."""
    spreads.forget()


@pytest.fixture
def visit(town: Town) -> Visit:
    """A visit promised for 12 to 14 of somebody who has another one from 8 on."""
    town.territory.emergency_reserve_percent = 0
    town.technician((8, 16), break_minutes=0)
    return promised(town, 12)


def test_a_day_as_planned_raises_no_alarm(town: Town, visit: Visit) -> None:
    assert visit.window_end is not None
    assert look(town) == []
    assert alarms(town) == []


def test_a_danger_is_told_once_it_has_lasted_and_only_once(
    town: Town, visit: Visit, now: MovableClock, recorded: list[Event]
) -> None:
    """R-503: before the window ends, with the expected time."""
    early = promised(town, 8)
    now.set(at(9))  # nobody has left for the window that ends at ten, one hour away
    assert look(town, AlarmPolicy(confirm=timedelta(minutes=10), notice=timedelta(0))) == []
    now.set(at(9.9))
    policy = AlarmPolicy(confirm=timedelta(minutes=10), notice=timedelta(0))
    assert look(town, policy) == []
    [seen] = alarms(town)
    assert (seen.visit_id, seen.told_at) == (early.id, None)
    now.set(at(10.1))
    assert [alarm.visit_id for alarm in look(town, policy)] == [early.id]
    now.set(at(10.3))
    assert look(town, policy) == []
    told = [event for event in recorded if isinstance(event, PromiseInDanger)]
    assert [event.visit_id for event in told] == [str(early.id)]
    assert visit.id != early.id


def test_where_the_window_ends_soon_nobody_waits_for_a_second_look(
    town: Town, visit: Visit, now: MovableClock
) -> None:
    now.set(at(13.9))
    [alarm] = look(town)
    assert alarm.visit_id == visit.id
    assert alarm.told_at == at(13.9)
    assert alarm.told_at < visit.window_end


@pytest.mark.parametrize(
    ("since", "looked_at", "told"),
    [
        (13.5, 13.6, 0),  # there at 13:45, in good time
        (13.8, 13.85, 1),  # there at 14:03 by the planned way
        (13.5, 13.95, 0),  # should be there, and may still be
        (13.5, 14.0, 1),  # the window is over with this look, and nobody has arrived
    ],
)
def test_whoever_is_on_the_way_and_late_is_announced_before_the_window_is_over(
    town: Town, now: MovableClock, since: float, looked_at: float, told: int
) -> None:
    """R-503: a drive of fifteen minutes; routes ahead do not show it any more."""
    town.technician((8, 16), break_minutes=0)
    visit = promised(town, 12)
    on_the_way(town, visit, at(since))
    now.set(at(looked_at))
    found = look(town)
    assert [alarm.visit_id for alarm in found] == [visit.id] * told
    assert all(alarm.told_at is not None and alarm.told_at <= at(14) for alarm in found)


NEAR, FAR = (60.2, 24.991), (59.9, 25.6)


@pytest.mark.parametrize(
    ("seen_at", "place", "told"),
    [
        (13.84, NEAR, 0),  # round the corner, whatever the planned way says
        (13.84, FAR, 1),
        (13.6, NEAR, 1),  # an old position tells nothing: there at 14:03 by the planned way
        (13.79, NEAR, 1),  # nor does one from before the way began
    ],
    ids=["near", "far", "old", "before"],
)
def test_a_fresh_position_tells_when_somebody_will_be_there(
    town: Town, now: MovableClock, seen_at: float, place: tuple[float, float], told: int
) -> None:
    """R-503, R-903: the forecast uses positions, and is as before without one."""
    who = town.technician((8, 16), break_minutes=0)
    visit = promised(town, 12)
    on_the_way(town, visit, at(13.8))
    now.set(at(13.85))
    assert report(town.session, technician_id=who.id, fixes=[Fix(at(seen_at), *place)])[0] == 1
    assert [alarm.visit_id for alarm in look(town)] == [visit.id] * told


@pytest.mark.parametrize(("minutes_before", "told"), [(30, 0), (5, 1)])
def test_at_the_last_look_more_likely_late_than_not_is_late(
    town: Town, visit: Visit, now: MovableClock, minutes_before: int, told: int
) -> None:
    """R-503: at risk is nobody's business half an hour before, and told when there is no later look."""
    ends = at(14)
    late = StopForecast(visit.id, at(13), ends, ends + timedelta(minutes=1), 600, 0.45, -60, Danger.AT_RISK)
    route = RouteForecast(uuid.uuid4(), (late,))
    now.set(ends - timedelta(minutes=minutes_before))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(watching, "routes_ahead", lambda *_: (route,))
        assert len(look(town)) == told


def test_nobody_is_told_of_a_promise_that_recovered(
    town: Town, visit: Visit, now: MovableClock, recorded: list[Event]
) -> None:
    note(town, visit, breaking=True)
    now.set(at(8.2))
    assert note(town, visit, breaking=False) == []
    now.set(at(8.4))
    assert note(town, visit, breaking=True) == []  # it begins anew
    now.set(at(8.5))
    assert note(town, visit, breaking=True) == []
    now.set(at(8.6))
    assert len(note(town, visit, breaking=True)) == 1
    assert sum(isinstance(event, PromiseInDanger) for event in recorded) == 1


@pytest.mark.parametrize(("hour", "outcome"), [(13.5, "kept"), (14.5, "broken")])
def test_an_alarm_ends_with_what_happened(
    town: Town, visit: Visit, now: MovableClock, hour: float, outcome: str
) -> None:
    note(town, visit, breaking=True)
    now.set(at(hour))
    visit.arrived_at = at(hour)
    assert alarming.look(town.session, town.territory.id, DAY, [], POLICY) == []
    [alarm] = alarms(town)
    assert (alarm.outcome, alarm.ended_at) == (outcome, at(hour))


@pytest.mark.parametrize(("hours", "told_at"), [((8, 10), 7), ((5, 7), 3.25), ((6, 7.75), 7)])
def test_nobody_is_told_at_night_what_can_be_told_in_the_morning(
    town: Town, now: MovableClock, hours: tuple[float, float], told_at: float
) -> None:
    """R-503: by seven, unless that is too near the end of the window."""
    visit = town.visit(60.2, 24.99)
    a_promise(town.session, visit, window_start=at(hours[0]), window_end=at(hours[1]))
    for quarter in range(12, 29):
        now.set(at(quarter / 4))
        if note(town, visit, breaking=True):
            break
    assert alarms(town)[0].told_at == at(told_at)


def test_a_new_promise_has_an_alarm_of_its_own(town: Town, visit: Visit, now: MovableClock) -> None:
    note(town, visit, breaking=True)
    book(town.session, by=None, visit=visit, start=at(14), end=at(16), channel="phone", reason="delay")
    now.set(at(9))
    note(town, visit, breaking=True)
    former, current = alarms(town)
    assert (former.outcome, current.outcome) == ("replaced", None)
    newest = town.session.scalars(select(Promise).order_by(Promise.ordinal.desc())).first()
    assert newest is not None
    assert current.promise_id == newest.id


def test_a_window_that_nobody_was_told_raises_no_alarm(town: Town, now: MovableClock) -> None:
    town.technician((8, 16), break_minutes=0)
    untold = town.visit(60.2, 24.99, duration_minutes=60, window_start=at(8), window_end=at(9))
    now.set(at(10))
    assert note(town, untold, breaking=True) == []
    assert alarms(town) == []


def test_a_visit_called_off_ends_its_alarm(town: Town, visit: Visit) -> None:
    note(town, visit, breaking=True)
    visit.state = "cancelled"
    note(town, visit, breaking=True)
    assert [alarm.outcome for alarm in alarms(town)] == ["cancelled"]


AT_ONCE = AlarmPolicy(timedelta(0), timedelta(0))


def owed(town: Town, **amounts: int) -> None:
    """What the house gives for broken promises."""
    change_house_rules(town.session, by=SUPERVISOR, changes=amounts)


@pytest.mark.parametrize(("authority", "state"), [(1_000, "granted"), (999, "proposed")])
def test_the_rule_gives_within_its_authority_and_proposes_beyond(
    town: Town, visit: Visit, now: MovableClock, authority: int, state: str
) -> None:
    """R-802, R-605."""
    owed(town, late_compensation_minor=1_000, compensation_authority_minor=authority)
    alarming.look(town.session, town.territory.id, DAY, sights(visit, breaking=True), AT_ONCE)
    now.set(at(8.5))
    alarming.look(town.session, town.territory.id, DAY, sights(visit, breaking=True), AT_ONCE)
    [found] = town.session.scalars(select(Compensation))
    assert (found.amount_minor, found.state, found.work_order_id) == (1_000, state, visit.work_order_id)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_message_says_until_when_why_and_what_is_given(town: Town, visit: Visit, language: str) -> None:
    """R-503: with the reason; R-802: new time and compensation."""
    owed(town, late_compensation_minor=1_000, compensation_authority_minor=1_000)
    [alarm] = alarming.look(town.session, town.territory.id, DAY, sights(visit, breaking=True), AT_ONCE)
    customer_of(town.session, visit).language = language
    message_id = messages.write(
        town.session,
        event="PromiseInDanger",
        ids={"alarm_id": str(alarm.id), "visit_id": "", "promise_id": ""},
        settings=Settings(),
    )
    body = town.session.get_one(Message, message_id).body
    wanted = ("an earlier visit takes longer", "€10.00") if language == "en" else ("前一单耗时较长", "€10.00")
    assert all(words in body for words in wanted)
    assert town.session.get_one(Message, message_id).key == f"promise_in_danger:{alarm.id}"


def test_one_supervisor_takes_an_alarm_in_hand(town: Town, visit: Visit) -> None:
    note(town, visit, breaking=True)
    [alarm] = alarms(town)
    assert alarming.acknowledge(town.session, by=SUPERVISOR, alarm=alarm).acknowledged_at == at(8)
    with pytest.raises(AlarmAcknowledged):
        alarming.acknowledge(town.session, by=SUPERVISOR, alarm=alarm)


def test_a_forecast_is_told_in_full_five_minutes_never_too_early() -> None:
    assert rounded_up(at(15)) == at(15)
    assert rounded_up(at(15) + timedelta(seconds=1)) == at(15) + timedelta(minutes=5)
    assert rounded_up(at(15) + timedelta(minutes=4, seconds=59)) == at(15) + timedelta(minutes=5)


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(looks=st.lists(st.tuples(st.integers(1, 20), st.booleans()), min_size=1, max_size=12))
def test_whatever_the_looks_nobody_is_told_twice_or_of_what_had_recovered(
    town: Town, visit: Visit, now: MovableClock, looks: list[tuple[int, bool]]
) -> None:
    """R-503, under any sequence of looks ahead."""
    with town.session.begin_nested() as savepoint:
        moment, since, told = at(8), None, 0
        for minutes, is_breaking in looks:
            moment += timedelta(minutes=minutes)
            now.set(moment)
            since = (since or moment) if is_breaking else None
            newly = note(town, visit, breaking=is_breaking)
            told += len(newly)
            lasted = since is not None and moment - since >= POLICY.confirm
            soon = visit.window_end is not None and visit.window_end - moment <= POLICY.notice
            assert not newly or (is_breaking and (lasted or soon))
        assert told <= 1
        savepoint.rollback()
    now.set(at(8))
