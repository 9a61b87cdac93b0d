"""
Checks that can fail: with one rule or price switched off, in the checker or in an engine, a named test does.

A rule without a row fails ``test_every_rule_and_every_price_has_its_rows``.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from types import FunctionType
from typing import Any

import pytest

from optimizer import Break, Budget, Lock, Plan, Problem, Result, check, solve
from optimizer.constraints import CONSTRAINTS
from optimizer.engines import routing
from optimizer.engines.base import engine as load_engine
from optimizer.errors import EngineFault, InfeasibleRoute
from optimizer.insertion import Sequences
from optimizer.objectives import OBJECTIVES
from optimizer.policy import Policy
from optimizer.problem import After
from optimizer.schedule import retimed
from optimizer.timing import timetable
from tests.optimizer.world import HOUR, MINUTE, a_day, a_technician, a_visit, at, window

WITNESS = {
    "SERVED_ONCE": "served_once:test_checker_finds_a_visit_served_and_unserved",
    "TIMETABLE": "timetable:test_checker_finds_every_wrong_figure_of_a_stop",
    "ARRIVAL_WINDOW": "arrival_window:test_checker_takes_both_ends_of_a_window_as_inside",
    "SHIFT": "shift:test_checker_finds_a_late_return_and_an_early_departure",
    "BREAK": "breaks:test_checker_finds_missing_misplaced_short_and_extra_breaks",
    "SKILL": "skills:test_checker_finds_a_technician_below_the_level",
    "CERTIFICATE": "certificates:test_checker_finds_an_expired_paper",
    "REQUIRED_TECHNICIAN": "required_technician:test_r_306_checker_finds_another_than_the_named_technician",
    "EXCLUDED_TECHNICIAN": "excluded_technicians:"
    "test_r_508_checker_finds_the_former_technician_on_a_repeat_repair",
    "TERRITORY": "territory:test_checker_finds_a_technician_outside_the_territory",
    "LONGEST_WAY": "longest_way:test_checker_measures_from_the_start_of_the_shift",
    "PARTS": "parts:test_checker_counts_parts_along_the_route",
    "TEAM": "team:test_checker_wants_all_of_a_team_at_once",
    "PRECEDENCE": "precedence:test_checker_wants_the_earlier_visit_first_and_its_delay_kept",
    "SAME_TECHNICIAN": "same_technician:test_checker_wants_one_person_for_a_group",
    "LOCK": "locks:test_checker_finds_a_begun_stop_that_is_missing",
}
"""The test that fails when the checker is blind to a rule."""

PRICED_BY = {
    "unserved": "test_what_is_left_out_costs_by_priority_and_a_courtesy_call_its_worth",
    "lateness": "test_lateness_costs_more_beyond_an_hour_and_counts_arrival_and_end",
    "overtime": "test_overtime_costs_by_the_minute",
    "stability": "test_another_technician_and_another_time_have_their_price",
    "preference": "test_people_not_preferred_and_people_too_good_have_their_price",
    "fairness": "test_the_sixth_hour_of_work_costs_eleven_times_the_first",
    "travel": "test_driving_costs_by_distance_and_by_the_time_it_takes_at_that_hour",
}
"""The test that fails when the checker forgets a price."""

NEAR, FAR = a_technician("ada", longest_way=20 * MINUTE), a_technician("ben", start=4, end=4)
SPLIT = (a_technician("ada"), a_technician("ben", start=4, end=4))
PAIR = (a_visit(1), a_visit(4))
LATE_BREAK = Break(at("8:20"), at("8:30"), HOUR)
NEEDING = {
    "ARRIVAL_WINDOW": a_day(
        a_visit(1, windows=(window("9:00", "9:05"),)), a_visit(4, windows=(window("9:00", "9:05"),))
    ),
    "SHIFT": a_day(a_visit(1), a_visit(2), technicians=(a_technician("ada", shift=window("8:00", "9:15")),)),
    "BREAK": a_day(
        a_visit(1), technicians=(a_technician("ada", breaks=(LATE_BREAK,), shift=window("8:00", "9:30")),)
    ),
    "SKILL": a_day(a_visit(1, skills={"gas": 1}), technicians=(a_technician("ada"),)),
    "CERTIFICATE": a_day(a_visit(1, certificates=frozenset({"F-gas"})), technicians=(a_technician("ada"),)),
    "REQUIRED_TECHNICIAN": a_day(a_visit(1), a_visit(2, required_technician="ben"), technicians=SPLIT),
    "EXCLUDED_TECHNICIAN": a_day(a_visit(1, excluded_technicians=frozenset({"ada"})), technicians=SPLIT),
    "TERRITORY": a_day(
        a_visit(1, territory="north"), technicians=(a_technician("ada", territories=frozenset({"south"})),)
    ),
    "LONGEST_WAY": a_day(a_visit(3), technicians=(NEAR,)),
    "PARTS": a_day(
        a_visit(1, parts={"pump": 1}),
        a_visit(2, parts={"pump": 1}),
        technicians=(a_technician("ada", stock={"pump": 1}),),
    ),
    "TEAM": a_day(a_visit(1, team="lift"), a_visit(1, id="too", team="lift"), a_visit(3)),
    "PRECEDENCE": a_day(
        a_visit(1, after=(After("v2", HOUR),)),
        a_visit(2),
        technicians=(a_technician("ada", shift=window("8:00", "9:50")),),
    ),
    "SAME_TECHNICIAN": a_day(*(replace(visit, same_technician="round") for visit in PAIR), technicians=SPLIT),
    "LOCK": a_day().with_locks(
        [Lock("v1", "ben", sequence=0), Lock("v4", "ben", sequence=1), Lock("v2", "ada")]
    ),
}
"""A day whose cheapest plan breaks a rule, were it not for the rule."""

STRUCTURAL = {"SERVED_ONCE", "TIMETABLE"}
"""Rules that an engine keeps by its build; the last test of this file breaks them."""

COSTLY = {
    "unserved": a_day(a_visit(1, skills={"gas": 1}), a_visit(2), technicians=(a_technician("ada"),)),
    "lateness": a_day(
        a_visit(1, respond_by=at("7:00"), resolve_by=at("7:30")), technicians=(a_technician("ada"),)
    ),
    "overtime": a_day(
        a_visit(1), technicians=(a_technician("ada", shift=window("8:00", "8:30"), overtime=HOUR),)
    ),
    "stability": a_day(
        a_visit(1, previous_technician="eve", announced=at("7:00")), technicians=(a_technician("ada"),)
    ),
    "preference": a_day(
        a_visit(1, preferred_technicians=frozenset({"eve"})), technicians=(a_technician("ada"),)
    ),
    "fairness": a_day(
        a_visit(1), technicians=(a_technician("ada", worked=5 * HOUR),), policy=Policy(fairness_cents=60)
    ),
    "travel": a_day(a_visit(1), technicians=(a_technician("ada"),)),
}
"""A day on which every plan worth making pays a term."""


def name_of(part: Any) -> str:
    """Code of a rule, or name of a price."""
    return str(getattr(part, "CODE", "") or part.NAME)


def test_every_rule_and_every_price_has_its_rows() -> None:
    rules, terms = {rule.CODE for rule in CONSTRAINTS}, {term.NAME for term in OBJECTIVES}
    assert set(WITNESS) == rules == set(NEEDING) | STRUCTURAL
    assert set(PRICED_BY) == terms == set(COSTLY)


# The checker ------------------------------------------------------------------------------------


def cases_of(test: FunctionType) -> Iterator[dict[str, Any]]:
    """Arguments of a test that is parametrized at most once."""
    marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
    if not marks:
        yield {}
        return
    [mark] = marks
    names = mark.args[0] if isinstance(mark.args[0], tuple) else tuple(mark.args[0].split(","))
    for values in mark.args[1]:
        yield dict(zip(names, values if len(names) > 1 else (values,), strict=True))


def fails(module: str, name: str) -> bool:
    """Whether a test finds something wrong."""
    test = getattr(import_module(module), name)
    for arguments in cases_of(test):
        try:
            test(**arguments)
        except AssertionError:
            return True
    return False


@pytest.mark.parametrize("rule", CONSTRAINTS, ids=name_of)
def test_a_checker_blind_to_a_rule_fails_its_test(rule: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    module, _, name = WITNESS[rule.CODE].partition(":")
    place = f"tests.optimizer.constraints.test_{module}"
    assert not fails(place, name)
    monkeypatch.setattr(rule, "violations", lambda problem, plan: iter(()))
    assert fails(place, name)


@pytest.mark.parametrize("term", OBJECTIVES, ids=name_of)
def test_a_checker_that_forgets_a_price_fails_its_test(term: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not fails("tests.optimizer.test_terms", PRICED_BY[term.NAME])
    monkeypatch.setattr(term, "cents", lambda problem, plan: 0)
    assert fails("tests.optimizer.test_terms", PRICED_BY[term.NAME])


# The reference engine ---------------------------------------------------------------------------


def raw_faults(problem: Problem, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Rules broken by what OR-Tools makes of the model, before anything is mended."""
    seen: list[Sequences] = []
    mend = routing.mended

    def recording(day: Problem, sequences: Sequences, *rest: Any) -> Sequences:
        seen.append(sequences)
        return mend(day, sequences, *rest)

    monkeypatch.setattr(routing, "mended", recording)
    with suppress(InfeasibleRoute, EngineFault):  # what was seen is judged below
        solve(problem, Budget(solutions=60), engine="routing")
    return broken_by(problem, seen[-1])


def broken_by(problem: Problem, sequences: Sequences) -> set[str]:
    """Rules that routes in this order break; where nobody can wait for the others, nobody waits."""
    try:
        return {violation.code for violation in check(problem, retimed(problem, sequences))}
    except InfeasibleRoute as missed:
        reason = missed.rule
    try:
        alone = [timetable(problem, t, sequences[t.id]) for t in problem.technicians if sequences.get(t.id)]
    except InfeasibleRoute:
        return {reason}
    return {violation.code for violation in check(problem, Plan(tuple(alone)))}


@pytest.mark.parametrize("code", sorted(NEEDING))
def test_a_reference_engine_that_ignores_a_rule_is_caught(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = NEEDING[code]
    assert raw_faults(problem, monkeypatch) == set()
    [rule] = [rule for rule in CONSTRAINTS if code == rule.CODE]
    monkeypatch.setattr(rule, "add", lambda model, problem: None)
    assert code in raw_faults(problem, monkeypatch)


@pytest.mark.parametrize("term", OBJECTIVES, ids=name_of)
def test_a_reference_engine_that_forgets_a_price_states_another(
    term: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = COSTLY[term.NAME]
    honest = solve(problem, Budget(solutions=20), engine="routing")
    assert honest.cost_by_term[term.NAME] > 0
    assert abs(int(honest.stats["model_cost"]) - honest.cost) <= len(problem.technicians)
    monkeypatch.setattr(term, "add", lambda model, problem: None)
    found = solve(problem, Budget(solutions=20), engine="routing")
    stated = found.stats.get("model_cost")  # none: the model no longer has a solution
    assert stated is None or abs(int(stated) - found.cost) > len(problem.technicians)


# Whatever an engine hands out -------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["routing", "ruin"])
@pytest.mark.parametrize("wrong", ["lost", "doubled", "early", "price"])
def test_whatever_an_engine_gets_wrong_is_never_handed_out(
    wrong: str, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = type(load_engine(engine))
    honest = loaded.solve

    def lying(self: Any, problem: Problem, **options: Any) -> Result:
        return falsified(honest(self, problem, **options), wrong)

    solve(a_day(), Budget(solutions=5), engine=engine)
    monkeypatch.setattr(loaded, "solve", lying)
    with pytest.raises(EngineFault):
        solve(a_day(), Budget(solutions=5), engine=engine)


def falsified(result: Result, wrong: str) -> Result:
    """The result with one lie in it."""
    [first, *others] = result.plan.routes
    if wrong == "price":
        return replace(result, cost_by_term={**result.cost_by_term, "travel": 1})
    stops = {
        "lost": first.stops[:-1],
        "doubled": (*first.stops, first.stops[-1]),
        "early": (replace(first.stops[0], start=first.stops[0].start - 1), *first.stops[1:]),
    }[wrong]
    return replace(result, plan=replace(result.plan, routes=(replace(first, stops=stops), *others)))
