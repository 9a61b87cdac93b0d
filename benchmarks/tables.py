"""Rows of quality runs as medians, and as a table for the terminal."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

Row = dict[str, Any]
HEAD = "instance             solver         runs unserved       cost     travel  spread       gap  valid"
ODD = 0.5
"""A gap below minus this, or above ten times this, says that the best-known cost is in another unit."""


@dataclass(frozen=True, slots=True)
class Judged:
    """
    The middle run of one solver on one problem: fewer left out counts first, then the cost.

    unserved, cost, travel
        Of the middle run, so that they belong to one plan.
    spread
        Dearest over cheapest cost of the runs, less one.
    share
        Least share of the clock that the processor worked, of the runs.
    """

    runs: int
    unserved: float
    cost: float
    travel: float
    spread: float
    wall: float
    share: float
    is_valid: bool

    @property
    def rank(self) -> tuple[float, float]:
        """Fewer left out first, then cheaper."""
        return self.unserved, self.cost


def judged(rows: Iterable[Row]) -> Judged | None:
    """The middle of runs; None when no run gave a plan."""
    runs = [row for row in rows if "cost" in row]
    if not runs:
        return None
    costs = [row["cost"] for row in runs]
    middle = sorted(runs, key=lambda row: (row["unserved"], row["cost"]))[len(runs) // 2]
    return Judged(
        len(runs),
        middle["unserved"],
        middle["cost"],
        middle["travel"],
        max(costs) / max(1, min(costs)) - 1,
        median(row["wall_seconds"] for row in runs),
        min(row["share"] for row in runs),
        all(row["valid"] for row in runs),
    )


def by_solver(group: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows of one problem by solver, in their order."""
    found: dict[str, list[Row]] = {}
    for row in group:
        found.setdefault(row["solver"], []).append(row)
    return found


def by_instance(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows by problem, in their order."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["instance"], []).append(row)
    return found


def gap_of(found: Judged, best: int | None, least: Judged | None) -> float | None:
    """
    How much dearer than the best known, or where none is known than the best of the run.

    A plan that leaves out more than the others has no gap.
    """
    if best is not None:
        return found.cost / best - 1 if not found.unserved else None
    if least is None or found.unserved > least.unserved:
        return None
    return found.cost / max(1, least.cost) - 1


def table(rows: list[Row]) -> Iterator[str]:
    """
    Medians by instance and solver, then the mean of the solvers' gaps.

    Where no best cost is known the gap is marked * and is to the cheapest median of the run among the solvers
    that served most.
    """
    yield HEAD
    gaps: dict[tuple[str, bool], list[float]] = {}
    for instance, group in by_instance(rows).items():
        best = group[0]["best"]
        medians = {name: judged(runs) for name, runs in by_solver(group).items()}
        least = min((found for found in medians.values() if found), key=lambda one: one.rank, default=None)
        for name, found in medians.items():
            if found is None:
                yield f"{instance:<20} {name:<13} {why_not(group, name)}"
                continue
            gap = gap_of(found, best, least)
            if gap is not None:
                gaps.setdefault((name, best is not None), []).append(gap)
            yield _line(instance, name, found, f"{gap:9.2%}" if gap is not None else f"{'–':>9}", best)
    for (name, is_known), found_gaps in gaps.items():
        count = len({row["instance"] for row in rows if (row["best"] is not None) == is_known})
        what = "to best known" if is_known else "to the best of the run *"
        yield f"mean of {name:<13} {len(found_gaps):>3} of {count} instances {mean(found_gaps):8.2%} {what}"
    known = [gap for (_, is_known), some in gaps.items() for gap in some if is_known]
    if known and (median(known) < -ODD or median(known) > 10 * ODD):
        yield "the best-known costs seem to be in another unit than tenths of the files' distances"


def why_not(group: Iterable[Row], name: str) -> str:
    """Why a solver has no plan for a problem."""
    row = next(row for row in group if row["solver"] == name)
    return f"not measured: cannot tell {row['refused']}" if "refused" in row else f"failed: {row['failed']}"


def _line(instance: str, name: str, found: Judged, gap: str, best: int | None) -> str:
    """One line of the table."""
    counts = f"{found.runs:>4} {found.unserved:>8g} {found.cost:>10.0f} {found.travel:>10.0f}"
    verdict = "yes" if found.is_valid else "NO"
    mark = " " if best is not None else "*"
    return f"{instance:<20} {name:<13} {counts} {found.spread:>7.2%} {gap}{mark} {verdict}"
