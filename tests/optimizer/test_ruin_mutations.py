"""The fast engine with one rule or price taken out of its arrays: on a fixed day the checker catches it."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from optimizer import Budget, Lock, Policy, Problem, Technician, solve
from optimizer.constraints import CONSTRAINTS
from optimizer.engines.base import Cancel
from optimizer.engines.ruin import arrays
from optimizer.engines.ruin.arrays import Uncovered, require_covered
from optimizer.engines.ruin.layout import FIRST_WINDOW, LEAVE_OUT, LENGTH, OVERTIME, UNABLE, WINDOWS
from optimizer.errors import EngineFault, InfeasibleRoute
from optimizer.objectives import OBJECTIVES
from optimizer.problem import After, Depot, Traffic
from optimizer.traffic import EVEN
from optimizer.units import HORIZON, NEVER
from tests.optimizer.test_mutations import COSTLY, NEEDING
from tests.optimizer.world import HOUR, MINUTE, PLACES, a_day, a_technician, a_visit, at, window

UNCOVERED: set[str] = set()
"""What the fast engine may leave to the reference engine so far; it only shrinks, until it is empty."""
SHORT = a_technician("ada", shift=window("8:00", "9:20"))
DAYS = {
    **NEEDING,
    **COSTLY,
    "TIMETABLE": a_day(a_visit(1), a_visit(1, id="again"), a_visit(1, id="more"), technicians=(SHORT,)),
    "LOCK": a_day().with_locks([Lock("v1", "ben"), Lock("v4", "ben"), Lock("v2", "ada")]),
}
ABOUT_PAIRS = {
    "SKILL",
    "CERTIFICATE",
    "REQUIRED_TECHNICIAN",
    "EXCLUDED_TECHNICIAN",
    "TERRITORY",
    "LONGEST_WAY",
    "LOCK",
}
"""Rules that the arrays ask of every pair."""
STRUCTURAL = {"SERVED_ONCE"}


def rich_columns() -> Any:
    """Names of the columns of what goes beyond plain routes."""
    return import_module("optimizer.engines.ruin.rich")


def no_service(day: Any) -> None:
    """Every service is over at once."""
    day.nodes[:, LENGTH] = 0
    if hasattr(day, "rich"):
        day.rich.service[:] = 0


def no_windows(day: Any) -> None:
    """Everybody may come at any time."""
    day.nodes[:, WINDOWS] = 0
    day.nodes[:, FIRST_WINDOW::2], day.nodes[:, FIRST_WINDOW + 1 :: 2] = -NEVER, NEVER


def no_shifts(day: Any) -> None:
    """Nobody has to be home in time."""
    day.limits[:] = day.calm[:] = HORIZON


def no_breaks(day: Any) -> None:
    """Every rest is over at once."""
    day.limits[:, :-1] = day.limits[:, -1:]
    day.calm[:, :-1] = day.calm[:, -1:]
    day.rests[:, :, 2] = 0


def no_parts(day: Any) -> None:
    """Nothing is used up."""
    day.use[:] = 0


def no_teams(day: Any) -> None:
    """Nobody has to meet anybody."""
    day.rich.visit[:, rich_columns().TEAM_NEXT] = -1


def no_groups(day: Any) -> None:
    """Every visit may go to another hand."""
    day.rich.visit[:, rich_columns().GROUP_NEXT] = -1
    day.rich.visit[:, rich_columns().HAND] = -1


def no_delay(day: Any) -> None:
    """Nobody waits for anybody."""
    day.rich.waits[:, rich_columns().DELAY] = -HORIZON


def no_figure(name: str) -> Callable[[Any], None]:
    """A price of the policy is nothing."""

    def change(day: Any) -> None:
        day.rich.figures[getattr(rich_columns(), name)] = 0

    return change


def no_pair_prices(day: Any) -> None:
    """Whom one sends costs nothing."""
    day.pair[day.pair != UNABLE] = 0


def column(table: str, number: int) -> Callable[[Any], None]:
    """A column of a table is nothing."""

    def change(day: Any) -> None:
        getattr(day, table)[:, number] = 0

    return change


def no_worth(day: Any) -> None:
    """Leaving out a visit costs next to nothing."""
    day.nodes[: day.visits, LEAVE_OUT] = 1


def no_roads(day: Any) -> None:
    """Driving is free."""
    day.cents[:] = 0


IGNORING: dict[str, Callable[[Any], None]] = {
    "TIMETABLE": no_service,
    "ARRIVAL_WINDOW": no_windows,
    "SHIFT": no_shifts,
    "BREAK": no_breaks,
    "PARTS": no_parts,
    "TEAM": no_teams,
    "PRECEDENCE": no_delay,
    "SAME_TECHNICIAN": no_groups,
    "unserved": no_worth,
    "lateness": no_figure("STEP_COUNT"),
    "overtime": column("crew", OVERTIME),
    "stability": no_pair_prices,
    "preference": no_pair_prices,
    "fairness": no_figure("FAIR"),
    "travel": no_roads,
}
"""How the arrays are made to forget a rule or a price."""


def rich_column(name: str, value: int, table: str = "visit") -> Callable[[Any], None]:
    """A column of a table of what goes beyond plain routes is the same for all."""

    def change(day: Any) -> None:
        getattr(day.rich, table)[:, getattr(rich_columns(), name)] = value

    return change


def own_places(day: Any) -> Any:
    """Every visit is at a site of its own, as far away as it was."""
    at, number = day.place, np.arange(day.place.size, dtype=day.place.dtype)
    seconds, cents = (np.ascontiguousarray(table[np.ix_(at, at)]) for table in (day.seconds, day.cents))
    return day._replace(seconds=seconds, cents=cents, place=number)


def pair_prices_less(cents: int) -> Callable[[Any], None]:
    """Whom one sends costs less by something."""

    def change(day: Any) -> None:
        day.pair[day.pair != UNABLE] -= cents

    return change


def no_hours(day: Any) -> None:
    """Drives take as long at every hour."""
    day.rich.hours[day.rich.hours[1] :] = EVEN


def own_durations(day: Any) -> None:
    """Everybody takes the same time."""
    day.rich.service[:] = day.nodes[: day.visits, LENGTH][:, None]


def full_depots(day: Any) -> None:
    """Depots never run out."""
    day.rich.depots[:, rich_columns().SHELF :] = 9


def brief(end: str, **changes: Any) -> Technician:
    """Ada, at work from eight until then."""
    return a_technician("ada", shift=window("8:00", end), **changes)


POLICY = Policy()
ALONE = (brief("16:00"),)
PUMPS = tuple(a_visit(place, parts={"pump": 1}) for place in (1, 2))
LATE, FINISH = window("8:00", "8:45"), window("8:00", "9:05")
SLOW_MORNING = Traffic((0,) * PLACES, tuple(((300 if hour == 8 else EVEN,),) for hour in range(24)))
CLAUSES: dict[str, tuple[Problem, Callable[[Any], Any]]] = {
    "ARRIVAL_WINDOW, its end bounds the arrival": (
        a_day(a_visit(1, setup=HOUR, windows=(LATE,), window_end="arrival"), technicians=ALONE),
        rich_column("MEANING", import_module("optimizer.engines.ruin.rich").FROM_START),
    ),
    "ARRIVAL_WINDOW, its end bounds the finish": (
        a_day(
            *(a_visit(place, windows=(FINISH,), window_end="finish") for place in (1, 2)), technicians=ALONE
        ),
        rich_column("MEANING", import_module("optimizer.engines.ruin.rich").FROM_START),
    ),
    "TIMETABLE, set-up": (
        a_day(a_visit(1, setup=HOUR), technicians=(brief("9:30"),)),
        rich_column("SETUP", 0),
    ),
    "TIMETABLE, set-up once for a site": (
        a_day(*(a_visit(1, id=name, setup=HOUR) for name in ("a", "b")), technicians=(brief("10:30"),)),
        own_places,
    ),
    "TIMETABLE, travel by hour": (a_day(a_visit(1), technicians=ALONE, traffic=SLOW_MORNING), no_hours),
    "TIMETABLE, own durations": (
        a_day(a_visit(1, durations={"ada": 2 * HOUR}), technicians=(brief("10:00"),)),
        own_durations,
    ),
    "PARTS, what depots hold": (
        a_day(*PUMPS, technicians=ALONE, depots=(Depot("d", 3, 0, {"pump": 1}),)),
        full_depots,
    ),
    "PARTS, the time at a depot": (
        a_day(*PUMPS, technicians=(brief("10:30"),), depots=(Depot("d", 3, HOUR, {"pump": 2}),)),
        rich_column("HANDLING", 0, "depots"),
    ),
    "TEAM, skills": (
        a_day(*(a_visit(1, id=name, team="lift", team_skills={"gas": 1}) for name in ("a", "b"))),
        rich_column("WANTED", 0),
    ),
    "PRECEDENCE, the next day": (
        a_day(a_visit(1, after=(After("v2", 0, next_day=True),)), a_visit(2), technicians=ALONE),
        rich_column("NEXT_DAY", 0, "waits"),
    ),
    "LOCK, a time": (
        a_day(a_visit(1), a_visit(4), technicians=ALONE).with_locks(
            [Lock("v1", start=at("9:00")), Lock("v4", start=at("9:40"))]
        ),
        no_windows,
    ),
    "lateness, response": (a_day(a_visit(1, respond_by=at("7:00"))), rich_column("RESPOND", NEVER)),
    "lateness, resolution": (a_day(a_visit(1, resolve_by=at("7:30"))), rich_column("RESOLVE", NEVER)),
    "stability, technician": (a_day(a_visit(1, previous_technician="eve")), no_pair_prices),
    "stability, time": (a_day(a_visit(1, announced=at("12:00"), windows=(LATE,))), no_figure("RETOLD")),
    "preference, people preferred": (
        a_day(a_visit(1, preferred_technicians=frozenset({"eve"}))),
        pair_prices_less(POLICY.not_preferred_cents),
    ),
    "preference, people too good": (
        a_day(a_visit(1, skills={"gas": 1}), technicians=(a_technician("ada", skills={"gas": 3}),)),
        pair_prices_less(2 * POLICY.overqualified_cents),
    ),
    "fairness, history": (
        COSTLY["fairness"],
        rich_column("WORKED", 0, "crew"),
    ),
    "SHIFT, the end of overtime": (
        a_day(a_visit(1), technicians=(brief("8:30", overtime=5 * MINUTE),)),
        no_shifts,
    ),
}
"""A part of a rule or of a price: a day that needs it, and how the arrays are made to forget it."""


def test_every_rule_and_every_price_has_clauses_of_its_own_name() -> None:
    names = {rule.CODE for rule in CONSTRAINTS} | {term.NAME for term in OBJECTIVES}
    assert {clause.partition(",")[0] for clause in CLAUSES} <= names


def test_every_rule_and_every_price_is_taken_out_once() -> None:
    names = {rule.CODE for rule in CONSTRAINTS} | {term.NAME for term in OBJECTIVES}
    assert set(IGNORING) | ABOUT_PAIRS | STRUCTURAL == names


def is_covered(problem: Problem) -> bool:
    """Whether the fast engine plans a day itself."""
    try:
        require_covered(problem)
    except Uncovered:
        return False
    return True


def test_what_the_fast_engine_leaves_to_the_other_is_listed() -> None:
    """The list only gets shorter: whoever covers a rule takes it off."""
    left = {name for name, problem in DAYS.items() if not is_covered(problem)}
    assert left == UNCOVERED


def is_caught(problem: Problem, least: int | None = None) -> bool:
    """Whether the checker refuses the plan, finds another price than the arrays, or one above the least."""
    try:
        result = solve(problem, Budget(solutions=400), engine="ruin")
    except (EngineFault, InfeasibleRoute):
        return True
    assert result.stats["engine"] == "ruin"
    return result.stats["model_cost"] != result.cost or (least is not None and result.cost > least)


def forget(change: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Change the arrays of every day that is made from here on."""
    honest = arrays.day_of

    def forgetful(problem: Problem, cancel: Cancel) -> Any:
        day = honest(problem, cancel)
        return change(day) or day

    monkeypatch.setattr(arrays, "day_of", forgetful)


@pytest.mark.parametrize("name", sorted(DAYS))
def test_an_engine_that_ignores_a_rule_or_a_price_is_caught(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = DAYS[name]
    if not is_covered(problem):
        pytest.skip("left to the reference engine so far")
    assert not is_caught(problem)
    if name in ABOUT_PAIRS:
        forget_pairs(name, monkeypatch)
    else:
        forget(IGNORING[name], monkeypatch)
    assert is_caught(problem)


@pytest.mark.parametrize("clause", sorted(CLAUSES))
def test_an_engine_that_ignores_a_clause_of_a_rule_or_a_price_is_caught(
    clause: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that is too strict: its plan is dearer than the honest one."""
    problem, change = CLAUSES[clause]
    least = solve(problem, Budget(solutions=400), engine="ruin").cost
    assert not is_caught(problem, least)
    forget(change, monkeypatch)
    assert is_caught(problem, least)


def forget_pairs(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the arrays ask every rule about pairs but one."""
    for module in ("arrays", "pairing"):
        try:
            asking = import_module(f"optimizer.engines.ruin.{module}")
        except ModuleNotFoundError:
            continue
        if hasattr(asking, "ABOUT_PAIRS"):
            kept = tuple(rule for rule in asking.ABOUT_PAIRS if code != rule.CODE)
            assert len(kept) < len(asking.ABOUT_PAIRS)
            monkeypatch.setattr(asking, "ABOUT_PAIRS", kept)
