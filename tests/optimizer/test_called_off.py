"""Called off, planning ends at once: while a day is set up, and reasons only as far as they take no time."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from benchmarks.days import field_day
from optimizer import Budget, Plan, Problem, check, solve
from optimizer.check import cost
from optimizer.engines.base import engine
from optimizer.engines.ruin import arrays, strips
from optimizer.engines.ruin.uncovered import CalledOff
from optimizer.explain import NOT_EXPLAINED, Reasons, explained
from optimizer.schedule import retimed
from tests.optimizer.world import a_day

FULL = field_day(1, 400, 12)
"""Many more visits than twelve people can serve."""


def after(count: int) -> Callable[[], bool]:
    """Says no so many times, then yes."""
    left = iter(range(count))
    return lambda: next(left, None) is None


def questions(problem: Problem) -> int:
    """How often setting up asks whether to go on."""
    asked = []
    arrays.day_of(problem, lambda: bool(asked.append(1)))
    return len(asked)


def test_setting_up_asks_between_all_steps_and_stops_at_each_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strips, "STRIP_CELLS", 1 << 12)
    count = questions(FULL)
    assert count > 100
    for number in (0, 1, count // 2, count - 1):
        with pytest.raises(CalledOff):
            arrays.day_of(FULL, after(number))
    arrays.day_of(FULL, after(count))


def test_narrower_strips_make_the_same_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = arrays.day_of(FULL)
    monkeypatch.setattr(strips, "STRIP_CELLS", 1_000)
    cut = arrays.day_of(FULL)
    for name in ("seconds", "cents", "near", "beside"):
        assert (getattr(cut, name) == getattr(whole, name)).all()


def test_no_strip_is_longer_than_a_moment_on_a_day_of_five_thousand() -> None:
    """Its tables have 25 million cells; a strip is a hundredth of that."""
    rows = [strip.stop - strip.start for strip in strips.strips(5_000, 5_600, lambda: False)]
    assert max(rows) * 5_600 <= strips.STRIP_CELLS
    assert len(rows) > 100


@pytest.mark.parametrize("count", [0, 3])
def test_called_off_before_the_first_plan_everything_is_left_out_or_the_start_stays(count: int) -> None:
    nothing = engine("ruin").solve(FULL, budget=Budget(seconds=60), cancel=after(count))
    assert nothing.plan.routes == ()
    assert nothing.stats["solutions"] == 0
    visits = FULL.visits[:3]
    start = retimed(FULL, {FULL.technicians[0].id: visits[:1]})
    assert check(FULL, start) == []
    kept = engine("ruin").solve(FULL, budget=Budget(seconds=60), start=start, cancel=after(count))
    assert kept.plan.routes == start.routes
    assert kept.cost == sum(cost(FULL, start).values()) < nothing.cost


def reasons_of(plan: Plan) -> set[str]:
    return {left.reason for left in plan.unserved}


def test_called_off_a_large_day_is_not_opened_for_its_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of visits are left out, and no question is put to the plan."""
    opened = []
    monkeypatch.setattr("optimizer.explain.Reasons", lambda *plan: opened.append(plan))
    plan = solve(FULL, Budget(seconds=60), cancel=lambda: True).plan
    assert len(plan.unserved) == 400
    assert reasons_of(plan) == {NOT_EXPLAINED}
    assert all(left.sentence and left.action for left in plan.unserved)
    assert opened == []


def test_called_off_a_small_day_is_explained_all_the_same() -> None:
    day = replace(a_day(), technicians=())
    assert reasons_of(solve(day, Budget(seconds=60), cancel=lambda: True).plan) == {"NO_TECHNICIAN"}


def test_called_off_while_reasons_are_looked_for_the_rest_goes_without() -> None:
    day = replace(a_day(), technicians=())
    plan = retimed(day, {})
    found = explained(day, plan, after(1 + 2))  # once before the first, then before each
    assert [left.reason for left in found.unserved] == ["NO_TECHNICIAN"] * 2 + [NOT_EXPLAINED] * 2
    whole = explained(day, plan)
    assert found.unserved[:2] == whole.unserved[:2]
    assert whole.unserved[2] == Reasons(day, plan).of(day.visits[2])


def test_whoever_has_called_off_is_not_asked_again() -> None:
    asked = []

    def cancel() -> bool:
        asked.append(len(asked))
        return len(asked) > 3

    solve(FULL, Budget(seconds=60), cancel=cancel, engine="ruin")
    assert len(asked) == 4
