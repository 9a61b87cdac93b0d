"""
The phones' part of the results page, out of rows alone: ``python -m benchmarks.sync_page``.

It stands between two marks in ``docs/reference/benchmarks.md``: the load, the faults as often as the design
asks, the generated stories. Only what has the stated size has a place there.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from benchmarks import faults, month_offline, phone_stories, process_stories
from benchmarks.fault_table import ALL
from benchmarks.page import PAGE, NoMarks
from benchmarks.runs import Row, rows_in
from benchmarks.sync import RESULTS, Load

BEGIN = (
    "<!-- Written by `python -m benchmarks.sync_page` from benchmarks/results/sync.jsonl; do not edit. -->"
)
END = "<!-- End of what `python -m benchmarks.sync_page` writes. -->"
LOST = ("lost", "photos_lost", "effects_lost")
DOUBLED = ("effects_doubled", "photos_doubled")
UNDECIDED = ("undecided", "invented", "disagreeing", "contradicted", "undrained_phones", "untold")
USUAL = Load().told()
MONTH = month_offline.Month()
STORIES, STEPS = 5_000, 100
"""The campaign of generated stories, and how long each is."""
FULL = {name: USUAL[name] for name in ("phones", "minutes", "rate", "operations", "photos_each")}
"""Figures that a run must reach."""
SAME = {name: USUAL[name] for name in ("heal_minutes", "most_minutes", "photo_side", "storm", "healed")}
"""Faults and patience, neither milder nor harder than stated."""
GOALS = (
    (
        "p95 of a push of 50 operations, at the server",
        "≤ 1,000 ms",
        lambda row: row["push_at_server"]["p95"],
        1_000,
    ),
    ("p95 of a pull, at the server", "≤ 300 ms", lambda row: row["pull_at_server"]["p95"], 300),
    ("shift's end drained", "≤ 900 s", lambda row: row["drained_seconds"], 900),
    ("operations lost, photographs and effects included", "0", lambda row: _sum(row, LOST), 0),
    ("doubled", "0", lambda row: _sum(row, DOUBLED), 0),
    ("undecided or told differently", "0", lambda row: _sum(row, UNDECIDED), 0),
    ("answers of 500 and above", "0", lambda row: row["server_errors"], 0),
)


def _sum(row: Row, names: Iterable[str]) -> int:
    return sum(int(row[name]) for name in names)


def is_official(row: Row) -> bool:
    """Tell whether a run had the stated size and the stated faults."""
    return (
        row["measure"] == "sync under load"
        and all(row[name] >= least for name, least in FULL.items())
        and all(row.get(name) == stated for name, stated in SAME.items())
    )


def text_of(rows: Iterable[Row]) -> str:
    """Everything between the marks: the newest run of full size and the baseline beside it."""
    official = [row for row in rows if is_official(row)]
    ours = [row for row in official if row["side"] == "truckroll"]
    if not ours:
        return "Not yet measured at full size.\n"
    row = ours[-1]
    naive = [one for one in official if one["side"] == "naive" and one["seed"] == row["seed"]]
    return "\n".join(_lines(row, naive[-1] if naive else None)) + "\n"


def _lines(row: Row, naive: Row | None) -> Iterator[str]:
    machine = row["machine"]
    yield (
        f"Seed {row['seed']}, {row['at'][:10]}, {machine['processor']}, {machine['cores']} cores, load "
        f"{row['load'][0]}; {row['made']:,} operations and {row['photos']:,} photographs of {row['phones']} "
        f"phones, {row['killed']} workers killed."
    )
    yield ""
    yield "| Goal | Wanted | Found | Naive baseline | Verdict |"
    yield "|---|---|---|---|---|"
    for goal, wanted, read, most in GOALS:
        found = read(row)
        word = "not met" if found is None or found > most else "met"
        told = NONE if found is None else f"{found:,}"
        yield f"| {goal} | {wanted} | {told} | {_beside(goal, naive)} | *{word}* |"
    overwritten = NONE if naive is None else f"{naive['overwritten']} of {naive['office_changes']}"
    kept, word = (
        f"{row['overwritten']} of {row['office_changes']}",
        "not met" if row["overwritten"] else "met",
    )
    yield f"| changes of the office overwritten | 0 | {kept} | {overwritten} | *{word}* |"


NONE = "–"


def _beside(goal: str, naive: Row | None) -> str:
    if naive is None:
        return NONE
    if goal.startswith("operations lost"):
        return f"{naive['lost'] + naive['photos_lost']:,}"
    return f"{naive['doubled'] + naive['photos_doubled']:,}" if goal == "doubled" else NONE


def faults_of(rows: Iterable[Row]) -> str:
    """The newest row of each fault, where it was done as often as the design asks."""
    newest = {int(row["row"]): row for row in rows}
    full = [newest[one.number] for one in ALL if newest.get(one.number, {}).get("cases", 0) >= one.cases]
    if not full:
        return "Faults: not yet done as often as the design asks.\n"
    lines = ["| Row | Fault | Times | Wrong | Seconds |", "|---|---|---|---|---|"]
    for row in full:
        told = [row["row"], row["what"], f"{row['cases']:,}", row["wrong"], f"{row['seconds']:,.0f}"]
        lines.append(f"| {' | '.join(str(one) for one in told)} |")
    return "\n".join(lines) + "\n"


def month_of(rows: Iterable[Row]) -> str:
    """The newest row of the month without contact, where it is of the stated size."""
    full = [row for row in rows if int(row["row"]) == month_offline.ROW and _is_full(row)]
    if not full:
        return "Thirty days without contact: not yet measured at full size.\n"
    row, waits = full[-1], list[str]()
    is_met = not row["wrong"]
    for kind in ("push", "pull"):
        slower = row[f"{kind}_slower_percent"]
        is_met = is_met and slower is not None and slower <= month_offline.SLOWER_PERCENT
        before, beside = (row[f"{kind}_{phase}"].get("p95", NONE) for phase in ("before", "beside"))
        waits.append(f"{kind} p95 {before} → {beside} ms ({NONE if slower is None else f'{slower:+}'} %)")
    return (
        f"Row {row['row']}: {row['cases']:,} operations and {row['photos']:,} photographs of thirty days "
        f"without contact arrived in {row['seconds']:,.0f} s, wrong {row['wrong']} (lost, doubled, "
        f"out of order, others not answered). {row['others']} others meanwhile: {', '.join(waits)}; "
        f"at most +{month_offline.SLOWER_PERCENT} % is wanted: *{'met' if is_met else 'not met'}*.\n"
    )


def _is_full(row: Row) -> bool:
    """Tell whether as much came back, beside as many others, as the design asks."""
    names = ("photos", "others", "minutes", "pushes_a_minute", "photo_side")
    least = {"cases": MONTH.operations} | {name: getattr(MONTH, name) for name in names}
    return all(row.get(name, 0) >= wanted for name, wanted in least.items())


def processes_of(rows: Iterable[Row]) -> str:
    """How many full runs with killed processes were judged on the newest sources, and which were at fault."""
    full = [row for row in rows if row["steps"] >= process_stories.STEPS and sum(row["killed"].values())]
    parts = [row for row in full if row["version"] == full[-1]["version"]]
    told = {number for row in parts for number in range(row["first"], row["first"] + row["runs"])}
    if not told:
        return "Runs with processes that are killed: none yet.\n"
    killed = sum(sum(row["killed"].values()) for row in parts)
    made = sum(int(row["operations"]) for row in parts)
    failed = sorted({number for row in parts for number in row["failed"]})
    found = "no fault" if not failed else f"faults in runs {', '.join(map(str, failed))}"
    return (
        f"{len(told)} of {process_stories.RUNS} runs in threads against processes that are killed (sources "
        f"{full[-1]['version']}, {full[-1]['at'][:10]}; {made:,} operations, {killed} kills): {found}.\n"
    )


def stories_of(rows: Iterable[Row]) -> str:
    """How many stories of full length were judged on the newest sources, and which were at fault."""
    long = [row for row in rows if row["steps"] >= STEPS]
    last = [row for row in long if row["version"] == long[-1]["version"]]
    parts = {row.get("first", 0): row for row in last}
    told = sum(int(row["stories"]) for row in parts.values())
    if not told:
        return f"Stories of {STEPS} steps: none yet.\n"
    failed = sorted(portion for row in parts.values() for portion in row["failed_portions"])
    sources = f"sources {last[-1]['version']}, {last[-1]['at'][:10]}"
    found = "no fault" if not failed else f"faults in portions {', '.join(map(str, failed))}"
    return f"{told:,} of {STORIES:,} stories of {STEPS} steps ({sources}): {found}.\n"


def written(
    page: str,
    rows: Iterable[Row],
    faults: Sequence[Row] = (),
    stories: Iterable[Row] = (),
    processes: Iterable[Row] = (),
) -> str:
    """The page with the part between the marks written anew."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise NoMarks("the page lacks the marks between which the phones' figures stand")
    told = (text_of(rows), faults_of(faults), month_of(faults), stories_of(stories), processes_of(processes))
    parts = "\n".join(told)
    return f"{before}{BEGIN}\n\n{parts}\n{END}{after}"


def main(arguments: list[str] | None = None) -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description="write the phones' part of the results page")
    parser.add_argument("--rows", type=Path, default=RESULTS)
    parser.add_argument("--page", type=Path, default=PAGE)
    args = parser.parse_args(arguments)
    page = args.page.read_text(encoding="utf-8")
    told = written(
        page,
        rows_in(args.rows),
        list(rows_in(faults.RESULTS)),
        rows_in(phone_stories.RESULTS),
        rows_in(process_stories.RESULTS),
    )
    args.page.write_text(told, encoding="utf-8")


if __name__ == "__main__":
    main()
