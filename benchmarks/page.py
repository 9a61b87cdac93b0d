"""
The engine's part of the results page, out of rows alone: ``python -m benchmarks.page [--rows FILE...]``.

It stands between two marks in ``docs/reference/benchmarks.md``; nobody writes there by hand.
"""

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.figures import (
    OWN,
    Contest,
    Figures,
    contests,
    families,
    gaps,
    mean_gap,
    solvers_in,
)
from benchmarks.rich import SETS
from benchmarks.runs import CALM, Row, rows_in
from benchmarks.tables import by_instance, by_solver, judged
from benchmarks.targets import MET, NOT_MEASURED, NOT_MET, PLAIN, percent, verdicts

ROOT = Path(__file__).parents[1]
ASIDE = {
    "scale",
    "chances",
    "offers at the API",
    "forecasts at the API",
    "forecasts of one route at the API",
    "sync under load",
    "phone stories",
    "process stories",
    "faults",
    "seeded bugs of the protocol",
}
"""Rows without a place here: they compare nothing, and are told on the page by hand."""
PAGE = ROOT / "docs" / "reference" / "benchmarks.md"
RESULTS = Path(__file__).parent / "results"
BEGIN = "<!-- Written by `python -m benchmarks.page` from benchmarks/results; measure anew, do not edit. -->"
END = "<!-- End of what `python -m benchmarks.page` writes. -->"
KINDS = {
    "day": "Generated days of service work",
    "roads": "Days on asymmetric road times",
    "technicians": "Technicians on the geometry of VRPTW instances",
}
NONE = "–"


class NoMarks(ValueError):
    """A page that has no place for the figures."""


def text_of(rows: Iterable[Row]) -> str:
    """Everything between the marks."""
    figures = Figures(rows)
    if not figures.rows:
        return "Nothing has been measured yet.\n"
    blocks = [_targets(figures), _conditions(figures)]
    for seconds in figures.limits("vrptw"):
        blocks.append(_classic(figures, seconds))
    for kind in KINDS:
        for seconds in figures.limits(kind):
            blocks.append(_days(figures, kind, seconds))
    blocks += [_first_plans(figures), _searches(figures), _quotes(figures)]
    return "\n\n".join("\n".join(lines) for block in blocks if (lines := list(block))) + "\n"


def _table(head: Iterable[str], body: Iterable[Iterable[str]]) -> Iterator[str]:
    """A table of Markdown."""
    names = list(head)
    yield f"| {' | '.join(names)} |"
    yield "|" + "---|" * len(names)
    for cells in body:
        yield f"| {' | '.join(cells)} |"


def _targets(figures: Figures) -> Iterator[str]:
    """Goals and whether they are met."""
    yield "### Goals"
    yield ""
    found = verdicts(figures)
    counts = Counter(verdict.word for verdict in found)
    yield (
        f"Of {len(found)}, {counts[MET]} are met, {counts[NOT_MET]} are not met and {counts[NOT_MEASURED]} "
        "are not measured. What our engine does by fewer than three seeds counts as not measured; each of "
        "the small territories is proved once."
    )
    yield ""
    body = ([one.goal, one.wanted, one.found, f"*{one.word}*"] for one in found)
    yield from _table(("Goal", "Wanted", "Found", "Verdict"), body)


def _conditions(figures: Figures) -> Iterator[str]:
    """Machine, load, versions, seeds."""
    yield "### How it was measured"
    yield ""
    moments = sorted(row["at"] for row in figures.rows)
    loads = [row["load"][0] for row in figures.rows]
    machines = {
        f"{m['processor']}, {m['cores']} cores, {m['memory_gb']} GB, {m['system']}, Python {m['python']}"
        for m in (row["machine"] for row in figures.rows)
    }
    seeds = sorted({row["seed"] for row in figures.rows if "seed" in row})
    runs = [row for row in figures.rows if row["measure"] == "quality"]
    disturbed = sum(row["share"] < CALM for row in runs if "share" in row)
    yield f"- Machine: {'; '.join(sorted(machines))}."
    yield f"- From {moments[0][:16]} to {moments[-1][:16]} UTC; load {min(loads)} to {max(loads)}."
    yield f"- Seeds {', '.join(map(str, seeds))}, the middle run counts; one thread and process for each run."
    yield (
        f"- {len(runs)} runs, {disturbed} of them disturbed by other work (the processor worked less than "
        f"{percent(CALM, 0)} of the clock): PyVRP, limited by processor time, is not harmed and not "
        "repeated, the others stayed so when repeated."
    )
    yield "- Seconds behind a figure: the run took so much longer than it was allowed."
    failed = sum("failed" in row for row in figures.rows)
    invalid = sum(row.get("valid") is False for row in figures.rows)
    yield f"- {failed} runs failed, {invalid} plans broke a rule by our checker and lost those visits."
    versions: dict[str, set[str]] = {}
    for row in figures.rows:
        if "version" in row and "solver" in row:
            versions.setdefault(row["solver"], set()).add(row["version"])
    yield "- Versions: " + "; ".join(
        f"{name} {', '.join(sorted(versions[name]))}" for name in solvers_in(figures.rows) if name in versions
    )


def _classic(figures: Figures, seconds: float) -> Iterator[str]:
    """Gaps to the best known, by instance, and their means by class."""
    rows = [row for row in figures.quality("vrptw", seconds=seconds) if row["best"]]
    if not rows:
        yield from _days(figures, "vrptw", seconds)
        return
    names = solvers_in(rows)
    table = {name: gaps(rows, name) for name in names}
    yield f"### VRPTW, {seconds:g} s: gap to the best known"
    yield ""
    body = [
        [instance, f"{group[0]['visits']:,}", *(_percent(table[name], instance) for name in names)]
        for instance, group in _sorted(rows)
    ]
    body.append(["mean", "", *(_mean(table[name].values(), len(by_instance(rows))) for name in names)])
    yield from _table(("Instance", "Visits", *names), body)
    classes = families(rows)
    if len(classes) > 1:
        yield ""
        yield from _table(
            ("Class", "Instances", *names),
            (
                [
                    family,
                    str(len(by_instance(group))),
                    *(_mean(gaps(group, name).values(), len(by_instance(group))) for name in names),
                ]
                for family, group in classes.items()
            ),
        )


def _sorted(rows: list[Row]) -> list[tuple[str, list[Row]]]:
    """Problems from small to large, then by name."""
    return sorted(by_instance(rows).items(), key=lambda pair: (pair[1][0]["visits"], pair[0]))


def _percent(found: dict[str, float | None], instance: str) -> str:
    """One gap; visits left out are no gap."""
    if instance not in found:
        return NONE
    gap = found[instance]
    return percent(gap, 2) if gap is not None else "incomplete"


def _mean(found: Iterable[float | None], count: int) -> str:
    """A mean, if every instance has a gap."""
    values = list(found)
    value = mean_gap(values)
    return percent(value, 2) if value is not None and len(values) == count else NONE


def _days(figures: Figures, kind: str, seconds: float) -> Iterator[str]:
    """Travel and visits left out, by problem, and our lead over the best peer."""
    rows = figures.quality(kind, seconds=seconds)
    names = solvers_in(rows)
    yield f"### {KINDS.get(kind, 'VRPTW instances made by seed')}, {seconds:g} s: travel (visits left out)"
    yield ""
    beside = {contest.instance: contest for contest in contests(rows)}
    body = []
    for instance, group in _sorted(rows):
        cells = [_travel(by_solver(group).get(name)) for name in names]
        body.append([instance, *cells, _lead(beside.get(instance)), _spread(group)])
    yield from _table(("Problem", *names, "our lead over the best peer", "our spread"), body)


def _travel(rows: list[Row] | None) -> str:
    """Travel and visits left out of the middle run of one solver."""
    if not rows:
        return NONE
    found = judged(rows)
    if found is None:
        return "cannot tell" if "refused" in rows[0] else "failed"
    if found.unserved >= rows[0]["visits"]:
        return "nothing served"
    late = f", {found.wall:.0f} s" if found.wall > 1.3 * rows[0]["seconds"] + 1 else ""
    return f"{found.travel:,.0f} ({found.unserved:g}{late})"


def _lead(contest: Contest | None) -> str:
    """How far we are ahead of whom."""
    if contest is None:
        return NONE
    if contest.ours.unserved != contest.theirs.unserved:
        ahead = contest.theirs.unserved - contest.ours.unserved
        return f"{abs(ahead):g} visits {'more' if ahead > 0 else 'fewer'} served ({contest.peer})"
    return f"{percent(contest.lead or 0.0)} ({contest.peer})"


def _spread(group: list[Row]) -> str:
    """Spread of the cost of our runs over the seeds."""
    found = judged(row for row in group if row["solver"] == OWN)
    return NONE if found is None or found.runs < 2 else percent(found.spread)


def _first_plans(figures: Figures) -> Iterator[str]:
    """First plans of all solvers by size."""
    rows = figures.measure("first plan")
    if not rows:
        return
    names = solvers_in(rows)
    yield "### First plan, everything included: seconds (visits left out, memory)"
    yield ""
    body = []
    for size in sorted({row["size"] for row in rows}):
        at = by_solver(row for row in rows if row["size"] == size)
        body.append([f"{size:,}", *(_first(at.get(name, [])) for name in names)])
    yield from _table(("Visits", *names), body)


def _first(rows: list[Row]) -> str:
    """The middle of one solver's first plans; runs of no seed are of before there were several."""
    seeded = [row for row in rows if "seed" in row] or rows
    if not seeded:
        return NONE
    timed = sorted(
        (row for row in seeded if "wall_seconds" in row), key=lambda row: float(row["wall_seconds"])
    )
    if len(timed) < len(seeded):
        return "failed" if any("failed" in row for row in seeded) else "cannot tell"
    row = timed[len(timed) // 2]
    once = ", one run" if len(timed) == 1 else ""
    return f"{row['wall_seconds']:.3f} ({row['unserved']}, {row['rss_mb']:,} MB{once})"


def _searches(figures: Figures) -> Iterator[str]:
    """Iterations and memory by size, plain and rich."""
    rows = figures.measure("search")
    if not rows:
        return
    yield "### Search: iterations for a second of processor time"
    yield ""
    body = []
    for size in sorted({row["size"] for row in rows}):
        for name in dict.fromkeys(row["rules"] for row in rows):
            group = [row for row in rows if row["size"] == size and row["rules"] == name]
            body.append([f"{size:,}", name, *_search(group)])
    yield from _table(("Visits", "Rules", "iterations/s", "set-up", "first plan", "memory"), body)
    yield ""
    yield f"Rules beyond skills and one window: {'; '.join(_sets({row['rules'] for row in rows}))}."


def _sets(names: Iterable[str]) -> Iterator[str]:
    """What the sets of rules hold."""
    for name, rules in SETS.items():
        if name in names:
            yield f"{name}: {', '.join(rules) or 'none'}"


def _search(group: list[Row]) -> Iterator[str]:
    """Medians of one size."""
    if told := next((row["failed"] for row in group if "failed" in row), ""):
        yield from (told, NONE, NONE, NONE)
        return
    middle = sorted(group, key=lambda row: row["iterations_per_cpu_second"])[len(group) // 2]
    setup = middle["setup_seconds"]
    yield f"{middle['iterations_per_cpu_second']:,.0f}"
    yield NONE if setup is None else f"{setup:.3f} s"
    yield f"{middle['first_plan_seconds']:.3f} s"
    yield f"{max(row['rss_mb'] for row in group):,} MB"


def _quotes(figures: Figures) -> Iterator[str]:
    """Time of quotes."""
    rows = [row for row in figures.measure("quotes") if "p99_us" in row]
    if not rows:
        return
    yield "### Quotes"
    yield ""
    body = []
    for size, rules in sorted({(row["size"], row.get("rules", PLAIN)) for row in rows}, key=_plain_first):
        group = [row for row in rows if (row["size"], row.get("rules", PLAIN)) == (size, rules)]
        group.sort(key=lambda row: row["p99_us"])
        row = group[len(group) // 2]
        figures_of_row = [f"{row['median_us']:,.0f} µs", f"{row['p99_us']:,.0f} µs"]
        opened = f"{1000 * row['open_seconds']:.1f} ms"
        sizes = f"{size:,}", rules, str(row["technicians"]), str(row["windows"])
        body.append([*sizes, *figures_of_row, opened])
    yield from _table(("Visits", "Rules", "Technicians", "Windows", "median", "p99", "to open a plan"), body)


def _plain_first(key: tuple[int, str]) -> tuple[int, bool, str]:
    """Order of the sizes, and of sets of rules by name behind plain days."""
    return key[0], key[1] != PLAIN, key[1]


def written(page: str, rows: Iterable[Row]) -> str:
    """The page with the part between the marks written anew."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise NoMarks("the page lacks the marks between which the figures stand")
    kept = [row for row in rows if row["measure"] not in ASIDE]
    return f"{before}{BEGIN}\n\n{text_of(kept)}\n{END}{after}"


def write(page: Path, files: Iterable[Path]) -> None:
    """Write the page from files of rows."""
    page.write_text(written(page.read_text(encoding="utf-8"), rows_in(*files)), encoding="utf-8")


def main(arguments: list[str] | None = None) -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description="write the results page from rows")
    parser.add_argument("--rows", type=Path, nargs="+", metavar="FILE", help="default: benchmarks/results")
    parser.add_argument("--page", type=Path, default=PAGE)
    args = parser.parse_args(arguments)
    write(args.page, args.rows or sorted(RESULTS.glob("*.jsonl")))


if __name__ == "__main__":
    main()
