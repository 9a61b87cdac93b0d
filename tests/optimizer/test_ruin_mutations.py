"""The fast engine with one rule or price taken out of its arrays: on a fixed day the checker catches it."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

from optimizer import Budget, Lock, Problem, solve
from optimizer.constraints import CONSTRAINTS
from optimizer.engines.base import Cancel
from optimizer.engines.ruin import arrays
from optimizer.engines.ruin.arrays import Uncovered, require_covered
from optimizer.engines.ruin.layout import FIRST_WINDOW, LEAVE_OUT, LENGTH, OVERTIME, UNABLE, WINDOWS
from optimizer.errors import EngineFault, InfeasibleRoute
from optimizer.objectives import OBJECTIVES
from optimizer.units import HORIZON, NEVER
from tests.optimizer.test_mutations import COSTLY, NEEDING
from tests.optimizer.world import a_day, a_technician, a_visit, window

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


def is_caught(problem: Problem) -> bool:
    """Whether the checker refuses the plan, or finds another price than the arrays."""
    try:
        result = solve(problem, Budget(solutions=400), engine="ruin")
    except (EngineFault, InfeasibleRoute):
        return True
    assert result.stats["engine"] == "ruin"
    return result.stats["model_cost"] != result.cost


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
        honest = arrays.day_of

        def forgetful(problem: Problem, cancel: Cancel) -> Any:
            day = honest(problem, cancel)
            IGNORING[name](day)
            return day

        monkeypatch.setattr(arrays, "day_of", forgetful)
    assert is_caught(problem)


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
