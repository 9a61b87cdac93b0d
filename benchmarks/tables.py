"""The rows of a quality run as a table of medians."""

from collections.abc import Iterator
from statistics import mean, median
from typing import Any

Row = dict[str, Any]
HEAD = "instance         solver     runs unserved       cost     travel  spread       gap  valid"


def table(rows: list[Row]) -> Iterator[str]:
    """
    Medians by instance and solver, then the mean of the solvers' gaps.

    The gap is to the best known cost; where none is known, it is marked * and is to the cheapest median of
    the run among the solvers that served most. A plan that leaves out more than the others has no gap.
    """
    yield HEAD
    gaps: dict[tuple[str, bool], list[float]] = {}
    for instance in dict.fromkeys(row["instance"] for row in rows):
        group = [row for row in rows if row["instance"] == instance]
        judged = {name: _judged(group, name) for name in dict.fromkeys(row["solver"] for row in group)}
        least = min(((f["unserved"], f["cost"]) for f in judged.values() if f), default=(0, 0))
        for name, found in judged.items():
            if found is None:
                refused = next(row["refused"] for row in group if row["solver"] == name)
                yield f"{instance:<16} {name:<10} not measured: cannot tell {refused}"
                continue
            gap, is_known = _gap(found, least, group[0]["best"])
            if gap is not None:
                gaps.setdefault((name, is_known), []).append(gap)
            yield _line(instance, name, found, f"{gap:9.2%}" if gap is not None else f"{'–':>9}", is_known)
    for (name, is_known), found_gaps in gaps.items():
        count = len({row["instance"] for row in rows if (row["best"] is not None) == is_known})
        what = "to best known" if is_known else "to the best of the run *"
        yield f"mean of {name:<10} {len(found_gaps):>3} of {count} instances {mean(found_gaps):8.2%} {what}"


def _judged(group: list[Row], name: str) -> Row | None:
    """Medians over the seeds of one solver on one instance; None when it cannot tell the problem."""
    runs = [row for row in group if row["solver"] == name and "refused" not in row]
    if not runs:
        return None
    costs = [row["cost"] for row in runs]
    return {
        "runs": len(runs),
        "unserved": median(row["unserved"] for row in runs),
        "cost": median(costs),
        "travel": median(row["travel"] for row in runs),
        "spread": max(costs) / max(1, min(costs)) - 1,
        "valid": all(row["valid"] for row in runs),
    }


def _gap(found: Row, least: tuple[float, float], best: int | None) -> tuple[float | None, bool]:
    """How much dearer than the best; nothing for a plan that leaves out more."""
    if best is not None:
        return (found["cost"] / best - 1 if not found["unserved"] else None), True
    return (found["cost"] / max(1, least[1]) - 1 if found["unserved"] == least[0] else None), False


def _line(instance: str, name: str, found: Row, gap: str, is_known: bool) -> str:
    """One line of the table."""
    counts = f"{found['runs']:>4} {found['unserved']:>8g} {found['cost']:>10.0f} {found['travel']:>10.0f}"
    verdict = "yes" if found["valid"] else "NO"
    mark = " " if is_known else "*"
    return f"{instance:<16} {name:<10} {counts} {found['spread']:>7.2%} {gap}{mark} {verdict}"
