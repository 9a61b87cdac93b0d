"""Goals and pages come from rows alone, and a goal without enough rows is neither met nor missed."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks import fuzzed_days, page, runs
from benchmarks.figures import Figures, contests
from benchmarks.page import BEGIN, END, NoMarks, text_of, written
from benchmarks.sources import campaign_digest
from benchmarks.targets import MET, NOT_MEASURED, NOT_MET, TARGETS, verdicts

Row = dict[str, Any]
ROAD_LEAD = "days on roads, 10 s, travel against the best peer"
SMALL_GAP = "VRPTW, 100 and 200 stops, 10 s, mean gap"
RICH = "iterations, plain over rich"
FUZZED = "faults in fuzzed days: rules, prices, exceptions, small days not at their cheapest"
QUOTES = "quote, 50 technicians, 500 visits, 40 windows, p99"
RICH_QUOTES = "the same on rich days, p99"
FIRST = "first plan of 5,000 visits, everything included; memory"


def run(instance: str, solver: str, travel: int, **other: Any) -> Row:
    """A row of a quality run."""
    row = {
        "measure": "quality", "kind": "roads", "instance": instance, "family": "", "recipe": {"make": "x"},
        "visits": 100, "technicians": 12, "best": None, "solver": solver, "version": "1", "seed": 1,
        "seconds": 10.0, "wall_seconds": 10.0, "cpu_seconds": 10.0, "share": 1.0, "unserved": 0, "dropped": 0,
        "cost": travel, "travel": travel, "valid": True, "gap": None, **about(),
    }  # fmt: skip
    return {**row, **other}


def about() -> Row:
    """Machine, load and moment of a row."""
    machine = {"processor": "P", "cores": 2, "memory_gb": 4, "system": "Linux", "python": "3.11"}
    return {"at": "2026-01-01T00:00:00+00:00", "load": [0.5, 0.4, 0.3], "machine": machine}


def seeds(instance: str, solver: str, *travel: int, **other: Any) -> list[Row]:
    """One row for each seed."""
    return [run(instance, solver, one, seed=seed, **other) for seed, one in enumerate(travel, 1)]


def word(goal: str, rows: list[Row]) -> tuple[str, str]:
    """Verdict on a goal and the figure."""
    return next((one.word, one.found) for one in verdicts(Figures(rows)) if one.goal == goal)


def campaign(first: int, days: int, seconds: float, *, faulty: int = 0) -> Row:
    """A row as ``benchmarks.fuzzed_days`` writes it now: all days since the campaign began."""
    counts: Row = {"version": campaign_digest(), "ruin faulty": faulty, "routing faulty": 0}
    counts["ruin answered by ruin"] = days * 59 // 60
    counts |= {"ruin small days proved": days // 20, "ruin small days with too many plans": days // 1_000}
    return {
        "measure": fuzzed_days.MEASURE,
        "first": first,
        "days": days,
        "seconds": seconds,
        **counts,
        **about(),
    }


def test_a_campaign_that_went_on_counts_once_and_its_parts_add_up() -> None:
    half = [campaign(0, 3_000, 10.0), campaign(0, 6_000, 20.0)]
    assert word(FUZZED, half) == (NOT_MEASURED, "6,000 of 10,000 days on the present sources")
    assert "6,000 of 10,000 days on the present sources" in text_of(half)
    whole = [*half, campaign(6_000, 4_000, 12.0)]
    told = "0 faulty plans of 10,000 days by two engines, 9,833 of them by the fast one itself"
    assert word(FUZZED, whole) == (MET, f"{told}; 500 of 510 small days proved cheapest")
    assert word(FUZZED, [*half, campaign(6_000, 4_000, 12.0, faulty=1)])[0] == NOT_MET
    assert word(FUZZED, [campaign(0, 20, 1.0, faulty=1)])[0] == NOT_MET


def test_days_of_a_campaign_on_other_sources_do_not_count() -> None:
    """Neither for the goal nor against it, whichever rows come last."""
    other = [campaign(0, 10_000, 30.0, faulty=1) | {"version": "other"}]
    none = (NOT_MEASURED, "0 of 10,000 days on the present sources")
    assert word(FUZZED, other) == none
    assert word(FUZZED, [campaign(0, 10_000, 30.0) | {"version": "other"}]) == none
    assert word(FUZZED, []) == none
    part = campaign(0, 4_000, 12.0)
    for rows in ([part, *other], [*other, part]):
        assert word(FUZZED, rows) == (NOT_MEASURED, "4,000 of 10,000 days on the present sources")
    assert word(FUZZED, [campaign(0, 10_000, 29.0), *other])[0] == MET


def test_without_rows_no_goal_is_met_or_missed() -> None:
    assert {verdict.word for verdict in verdicts(Figures([]))} == {NOT_MEASURED}
    assert len(TARGETS) == len({target.goal for target in TARGETS})


@pytest.mark.parametrize(
    ("ours", "theirs", "found"),
    [
        ((90, 95, 99), (100, 100, 101), (MET, "5.0 % to 5.0 %, mean 5.0 % on 1 problems")),
        ((96, 96, 97), (100, 100, 100), (NOT_MET, "4.0 % to 4.0 %, mean 4.0 % on 1 problems")),
        ((101, 102, 103), (100, 100, 100), (NOT_MET, "-2.0 % to -2.0 %, mean -2.0 %; behind on town")),
        ((90, 90), (100, 100), (NOT_MEASURED, "2 of 3 seeds on town")),
    ],
)
def test_a_lead_is_judged_by_medians(
    ours: tuple[int, ...], theirs: tuple[int, ...], found: tuple[str, str]
) -> None:
    rows = seeds("town", "truckroll", *ours) + seeds("town", "pyvrp", *theirs)
    assert word(ROAD_LEAD, rows) == found


def test_who_leaves_out_fewer_visits_is_ahead_whatever_the_travel() -> None:
    rows = seeds("town", "truckroll", 200, 200, 200)
    rows += seeds("town", "vroom", 100, unserved=1, cost=80_100)
    rows += seeds("town", "ortools", 90, unserved=2, cost=160_090)
    (contest,) = contests(rows)
    assert (contest.peer, contest.is_ahead) == ("vroom", True)
    assert contest.saves(0)
    assert not contest.saves(0.05)
    assert "1 visits more served (vroom)" in text_of(rows)


def test_without_peers_a_lead_is_not_measured() -> None:
    assert (
        word(ROAD_LEAD, seeds("town", "truckroll", 1, 1, 1) + seeds("town", "routing", 9))[0] == NOT_MEASURED
    )


@pytest.mark.parametrize(("gap", "found"), [(0.001, MET), (0.002, NOT_MET), (None, NOT_MET)])
def test_a_mean_gap_is_judged_over_all_instances(gap: float | None, found: str) -> None:
    kind = {"kind": "vrptw", "family": "C1", "best": 1000}
    rows = seeds("C101", "truckroll", 1000, 1000, 1000, gap=0.0, **kind)
    rows += seeds("C102", "truckroll", 1002, 1002, 1002, gap=gap if gap is None else 2 * gap, **kind)
    assert word(SMALL_GAP, rows)[0] == found
    assert "| mean |" in text_of(rows)


def test_a_newer_row_takes_the_place_of_an_older_one_of_another_version() -> None:
    old = seeds("town", "truckroll", 300, 300, 300)
    new = seeds("town", "truckroll", 90, 90, 90, version="2")
    assert word(ROAD_LEAD, old + new + seeds("town", "pyvrp", 100, 100, 100))[0] == MET


def test_speed_is_judged_by_medians_and_by_the_worst_memory() -> None:
    own = {"solver": "truckroll", "version": "1", "recipe": {}, **about()}
    one = {"measure": "first plan", "size": 5000, "wall_seconds": 0.9, "unserved": 0, "rss_mb": 500, **own}
    first = [{**one, "seed": n, "wall_seconds": 0.8 + n / 20} for n in (1, 2, 3)]
    search = {"measure": "search", "size": 5000, "setup_seconds": 0.25, "first_plan_seconds": 0.5, **own}
    plain, rich = (
        [
            {**search, "rules": name, "seed": n, "iterations_per_cpu_second": rate, "rss_mb": most + n}
            for n in (1, 2, 3)
        ]
        for name, rate, most in (("plain", 90.0, 700), ("rich", 45.0, 996))
    )
    assert word(FIRST, [*first, *plain]) == (MET, "0.90 s, 703 MB")
    assert word(FIRST, [*({**row, "wall_seconds": 1.1} for row in first), *plain])[0] == NOT_MET
    assert word(FIRST, [{**own, "measure": "first plan", "size": 5000, "failed": "killed"}, *plain]) == (
        NOT_MET,
        "killed",
    )
    assert word(RICH, [*plain, *rich]) == (MET, "rich 2.0 × at 5,000")
    assert "| 5,000 | rich | 45 | 0.250 s | 0.500 s | 999 MB |" in text_of([*plain, *rich])
    assert "| 5,000 | 0.900 (0, 500 MB) |" in text_of(first)
    few = (NOT_MEASURED, "2 of 3 seeds: first plans of 5,000 visits")
    assert word(FIRST, [*first[:2], one, *plain]) == few
    assert word(FIRST, [*first, *plain[:2]])[0] == NOT_MEASURED
    assert word(RICH, [*plain, *rich[:2]]) == (NOT_MEASURED, "2 of 3 seeds: searches on 5,000 visits, rich")
    assert "| 5,000 | 0.900 (0, 500 MB, one run) |" in text_of([one])
    unknown = {
        **own,
        "measure": "search",
        "size": 5000,
        "rules": "everything",
        "seed": 1,
        "failed": "left out",
    }
    assert word(RICH, [*plain, *rich, unknown]) == (NOT_MET, "rich 2.0 × at 5,000; everything: left out")
    assert "| 5,000 | everything | left out | – |" in text_of([*plain, *rich, unknown])


def test_quotes_are_judged_by_three_seeds_of_every_set_of_rules() -> None:
    row = {"measure": "quotes", "size": 500, "solver": "truckroll", "version": "1", "recipe": {}, **about()}
    row |= {"median_us": 50.0, "p99_us": 90.0, "open_seconds": 0.1, "technicians": 50, "windows": 40}
    plain = [{**row, "seed": n} for n in (1, 2, 3)]
    rich = [{**row, "seed": n, "rules": "teams"} for n in (1, 2, 3)]
    assert word(QUOTES, plain)[0] == word(RICH_QUOTES, rich)[0] == MET
    assert word(QUOTES, plain[:2]) == (NOT_MEASURED, "2 of 3 seeds: quotes at 500 visits")
    assert word(RICH_QUOTES, [*rich, {**row, "seed": 1, "rules": "depots"}])[0] == NOT_MEASURED


def test_the_page_counts_what_is_missed_apart_from_what_is_not_measured() -> None:
    rows = seeds("town", "truckroll", 101, 102, 103) + seeds("town", "pyvrp", 100, 100, 100)
    assert f"Of {len(TARGETS)}, 1 are met, 1 are not met and {len(TARGETS) - 2} are not measured." in text_of(
        rows
    )


def test_runs_without_a_plan_have_a_place_in_the_tables() -> None:
    rows = seeds("town", "truckroll", 90, 90, 90)
    bare = {
        key: rows[0][key] for key in ("measure", "kind", "instance", "recipe", "visits", "seed", "seconds")
    }
    bare |= {"version": "1", **about()}
    rows += [
        {**bare, "solver": "pyvrp", "refused": "breaks"},
        {**bare, "solver": "vroom", "failed": "SIGSEGV"},
    ]
    assert "| town | 90 (0) | cannot tell | failed | – |" in text_of(rows)
    assert "1 runs failed, 0 plans broke a rule" in text_of(rows)


def test_the_page_is_written_between_its_marks_and_nowhere_else(tmp_path: Path) -> None:
    rows = seeds("town", "truckroll", 90, 90, 90)
    before = f"by hand\n\n{BEGIN}\nold figures\n{END}\nalso by hand\n"
    after = written(before, rows)
    assert after.startswith(f"by hand\n\n{BEGIN}\n")
    assert after.endswith(f"{END}\nalso by hand\n")
    assert "old figures" not in after
    assert written(after, rows) == after
    with pytest.raises(NoMarks):
        written("no marks", rows)
    target, source = tmp_path / "page.md", tmp_path / "rows.jsonl"
    target.write_text(before, encoding="utf-8")
    for row in rows:
        runs.write(source, row)
    page.main(["--rows", str(source), "--page", str(target)])
    assert target.read_text(encoding="utf-8") == after


def test_the_committed_page_says_what_the_committed_rows_say() -> None:
    """Figures are never written by hand."""
    committed = page.PAGE.read_text(encoding="utf-8")
    assert written(committed, runs.rows_in(*sorted(page.RESULTS.glob("*.jsonl")))) == committed
