"""The fast engine with one clause of a rule out of its arrays: on a fixed day the checker catches it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from optimizer import Budget, Certificate, Lock, Policy, Problem, solve
from optimizer.engines.base import Cancel
from optimizer.engines.ruin import arrays
from optimizer.engines.ruin.layout import FIRST_WINDOW, LEAVE_OUT
from optimizer.engines.ruin.rich import (
    FROM_ARRIVAL,
    FROM_START,
    HANDLING,
    HELD,
    MEANING,
    NEXT_DAY,
    RESOLVE,
    RESPOND,
    RETOLD,
    SETUP,
    SHELF,
    WANTED,
    WORKED,
)
from optimizer.errors import EngineFault, InfeasibleRoute
from optimizer.problem import After, Depot, Traffic
from optimizer.units import DAY as A_DAY
from optimizer.units import HORIZON, NEVER
from optimizer.work import ARRIVAL, FINISH
from tests.optimizer.world import HOUR, MINUTE, a_day, a_technician, a_visit, at, window

ADA = (a_technician("ada"),)
SHORT = (a_technician("ada", shift=window("8:00", "9:50")),)
UNTIL_HALF_PAST_TEN = a_technician("ada", shift=window("8:00", "10:30"))
JAM = Traffic((0,) * 5, tuple(((300 if hour == 8 else 100,),) for hour in range(24)))
APART = a_day(a_visit(1), a_visit(4, windows=(window("8:40", "8:45"),)), technicians=ADA)
LEAD = frozenset({"gas"})
PAPER = Certificate("gas", date(2026, 1, 1), date(2026, 12, 31))


def setting(table: str, number: int, value: int) -> Callable[[Any], None]:
    """A column of what goes beyond plain routes has one value for all."""

    def change(day: Any) -> None:
        getattr(day.rich, table)[:, number] = value

    return change


def no_retelling(day: Any) -> None:
    """Customers may be told another time for nothing."""
    day.rich.figures[RETOLD] = 0


def own_durations(day: Any) -> None:
    """Everybody needs the same time."""
    day.rich.service[:] = day.nodes[: day.visits, :1]


def no_jam(day: Any) -> None:
    """Travel takes the same at any hour."""
    day.rich.hours[2 + 5 :] = 100


def full_shelves(day: Any) -> None:
    """Depots have all that anybody wants."""
    day.rich.depots[:, SHELF:] += 9


def no_worth(day: Any) -> None:
    """A call of courtesy is worth nothing."""
    day.nodes[: day.visits, LEAVE_OUT] = 0


def no_lock_time(day: Any) -> None:
    """A lock's time binds nobody."""
    day.nodes[0, FIRST_WINDOW], day.nodes[0, FIRST_WINDOW + 1] = -NEVER, NEVER


def own_places(day: Any) -> Any:
    """Every visit is at a site of its own, as far away as it was."""
    at, numbers = day.place, np.arange(day.place.size, dtype=day.place.dtype)
    seconds, cents = (np.ascontiguousarray(table[np.ix_(at, at)]) for table in (day.seconds, day.cents))
    return day._replace(seconds=seconds, cents=cents, place=numbers)


def no_end(day: Any) -> None:
    """Nobody has to be home in time, whatever that costs."""
    day.limits[:] = HORIZON


def too_good(day: Any) -> None:
    """Sending somebody too good costs nothing."""
    day.pair[day.pair > 0] = 0


CLAUSES: dict[str, tuple[Problem, Callable[[Any], Any]]] = {
    "another time than announced": (a_day(a_visit(1, announced=at("7:00")), technicians=ADA), no_retelling),
    "over-qualified": (
        a_day(a_visit(1, skills={"gas": 1}), technicians=(a_technician("ada", skills={"gas": 3}),)),
        too_good,
    ),
    "set-up": (
        a_day(a_visit(1, setup=20 * MINUTE), a_visit(2, setup=20 * MINUTE), technicians=SHORT),
        setting("visit", SETUP, 0),
    ),
    "set-up once for a site": (
        a_day(
            *(a_visit(1, id=name, setup=HOUR) for name in ("one", "two")), technicians=(UNTIL_HALF_PAST_TEN,)
        ),
        own_places,
    ),
    "own durations": (
        a_day(a_visit(1, durations={"ada": HOUR}), a_visit(2), technicians=SHORT),
        own_durations,
    ),
    "window bounds the finish": (
        a_day(
            a_visit(1, windows=(window("8:00", "8:50"),), window_end=FINISH, duration=45 * MINUTE),
            a_visit(2),
            technicians=ADA,
        ),
        setting("visit", MEANING, FROM_START),
    ),
    "window bounds the start": (
        a_day(a_visit(1, windows=(window("8:00", "8:15"),), setup=10 * MINUTE), technicians=ADA),
        setting("visit", MEANING, FROM_ARRIVAL),
    ),
    "window bounds the arrival": (
        a_day(
            a_visit(1, windows=(window("8:00", "8:15"),), setup=10 * MINUTE, window_end=ARRIVAL),
            technicians=ADA,
        ),
        setting("visit", MEANING, FROM_START),
    ),
    "travel by hour": (a_day(a_visit(4), technicians=ADA, traffic=JAM), no_jam),
    "what a depot has": (
        a_day(
            a_visit(1, parts={"pump": 1}),
            a_visit(2, parts={"pump": 1}),
            technicians=ADA,
            depots=(Depot("d", 3, 0, {"pump": 1}),),
        ),
        full_shelves,
    ),
    "the time at a depot": (
        a_day(
            a_visit(1, parts={"pump": 1}),
            a_visit(2, parts={"pump": 1}),
            technicians=(UNTIL_HALF_PAST_TEN,),
            depots=(Depot("d", 3, HOUR, {"pump": 2}),),
        ),
        setting("depots", HANDLING, 0),
    ),
    "the end of overtime": (
        a_day(
            a_visit(1),
            technicians=(a_technician("ada", shift=window("8:00", "8:30"), overtime=5 * MINUTE),),
        ),
        no_end,
    ),
    "work of the days before": (
        a_day(
            a_visit(1), technicians=(a_technician("ada", worked=5 * HOUR),), policy=Policy(fairness_cents=60)
        ),
        setting("crew", WORKED, 0),
    ),
    "a later day": (
        a_day(
            a_visit(1, after=(After("v2", next_day=True),)),
            a_visit(2),
            technicians=(
                a_technician("mon", person="ada"),
                a_technician(
                    "tue", person="ada", shift=replace(window("8:00", "16:00"), start=A_DAY, end=A_DAY + HOUR)
                ),
            ),
        ),
        setting("waits", NEXT_DAY, 0),
    ),
    "courtesy": (a_day(a_visit(4, courtesy=True), technicians=ADA), no_worth),
    "response": (a_day(a_visit(1, respond_by=at("7:00")), technicians=ADA), setting("visit", RESPOND, NEVER)),
    "resolution": (
        a_day(a_visit(1, resolve_by=at("7:00")), technicians=ADA),
        setting("visit", RESOLVE, NEVER),
    ),
    "skills of the team": (
        a_day(
            a_visit(1, id="one", team="lift", team_skills={"crane": 2}),
            a_visit(1, id="two", team="lift", team_skills={"crane": 2}),
            technicians=(*ADA, a_technician("ben"), a_technician("cem", start=4, skills={"crane": 2})),
        ),
        setting("visit", WANTED, 0),
    ),
    "the lead of the team": (
        a_day(
            a_visit(1, id="one", team="lift", lead_certificates=LEAD),
            a_visit(1, id="two", team="lift", lead_certificates=LEAD),
            technicians=(*ADA, a_technician("ben"), a_technician("cem", start=4, certificates=(PAPER,))),
        ),
        setting("crew", HELD, 1),
    ),
    "a locked time": (APART.with_locks([Lock("v1", start=at("8:10"))]), no_lock_time),
    "a locked range": (APART.with_locks([Lock("v1", range=window("8:00", "8:15"))]), no_lock_time),
}
"""A day on which a clause decides, and how the arrays are made to forget it."""
STRICTER = {"window bounds the arrival", "set-up once for a site"}
"""Without the clause the engine leaves out what it could serve."""


def found_by(problem: Problem) -> tuple[bool, int]:
    """Whether the checker refuses the plan or finds another price than the arrays, and what it costs."""
    try:
        result = solve(problem, Budget(solutions=400), engine="ruin")
    except (EngineFault, InfeasibleRoute):
        return True, 0
    assert result.stats["engine"] == "ruin"
    return result.stats["model_cost"] != result.cost, result.cost


@pytest.mark.parametrize("name", sorted(CLAUSES))
def test_an_engine_that_ignores_a_clause_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem, forget = CLAUSES[name]
    is_wrong, honest_cost = found_by(problem)
    assert not is_wrong
    honest = arrays.day_of

    def forgetful(problem: Problem, cancel: Cancel) -> Any:
        day = honest(problem, cancel)
        return forget(day) or day

    monkeypatch.setattr(arrays, "day_of", forgetful)
    monkeypatch.setattr("optimizer.exact.MOST_VISITS", -1)  # which would put right what the loops get wrong
    is_caught, found_cost = found_by(problem)
    assert (found_cost > honest_cost) if name in STRICTER else is_caught


def test_a_policy_that_pays_nothing_for_courtesy_serves_no_call_of_courtesy() -> None:
    day = replace(CLAUSES["courtesy"][0], policy=Policy(courtesy_cents=0))
    assert solve(day, Budget(solutions=20), engine="ruin").plan.unserved
