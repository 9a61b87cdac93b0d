"""Rows of all measurements, asked by kind: the newest row of each run, medians over seeds, the best peer."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import median

from benchmarks.runs import Row, key_of
from benchmarks.tables import Judged, by_instance, by_solver, judged

OWN = "truckroll"
REFERENCE = "routing"
ORDER = (OWN, REFERENCE, "ortools", "ortools-tuned", "pyvrp", "vroom", "nextroute")
"""Solvers in the order of the tables; the first two are ours, every other one is a peer."""


@dataclass(frozen=True, slots=True)
class Contest:
    """
    Our plans of one problem beside those of the best peer: fewest left out, then cheapest.

    lead
        How much less our travel is; None where not the same number of visits is served.
    """

    instance: str
    visits: int
    ours: Judged
    peer: str
    theirs: Judged

    @property
    def is_ahead(self) -> bool:
        """Whether our plan is the better one."""
        return self.ours.rank < self.theirs.rank

    @property
    def lead(self) -> float | None:
        """Part of the peer's travel that we save, where both serve as many visits."""
        if self.ours.unserved != self.theirs.unserved:
            return None
        return 1 - self.ours.travel / max(1.0, self.theirs.travel)

    def saves(self, least: float) -> bool:
        """Whether we are ahead and save at least this part of the travel; 0 asks for being ahead alone."""
        return self.is_ahead and (least <= 0 or (self.lead is not None and self.lead >= least))


class Figures:
    """All rows, the newest of each run whatever version was measured before."""

    def __init__(self, rows: Iterable[Row]) -> None:
        newest: dict[str, Row] = {}
        for row in rows:
            newest[key_of({**row, "version": None})] = row
        self.rows = list(newest.values())

    def quality(self, *kinds: str, seconds: float | None = None, least: int = 0) -> list[Row]:
        """Runs on problems of these kinds, of this length and of at least so many visits."""
        return [
            row
            for row in self.rows
            if row["measure"] == "quality"
            and row["kind"] in kinds
            and seconds in (None, row["seconds"])
            and row["visits"] >= least
        ]

    def measure(self, name: str) -> list[Row]:
        """Rows of another measure."""
        return [row for row in self.rows if row["measure"] == name]

    def limits(self, *kinds: str) -> list[float]:
        """Lengths of run that were measured on these kinds."""
        return sorted({row["seconds"] for row in self.quality(*kinds)})


def is_peer(solver: str) -> bool:
    """Whether a solver is somebody else's."""
    return solver not in {OWN, REFERENCE}


def solvers_in(rows: Iterable[Row]) -> list[str]:
    """Solvers of rows, in the order of the tables."""
    found = dict.fromkeys(row["solver"] for row in rows if "solver" in row)
    return [name for name in ORDER if name in found] + [name for name in found if name not in ORDER]


def contests(own: Iterable[Row], others: Iterable[Row] | None = None) -> Iterator[Contest]:
    """Problems with plans of ours and of a peer; ``others`` are the peers' rows, where not among ours."""
    theirs = by_instance(own if others is None else others)
    for instance, group in by_instance(own).items():
        ours = judged(row for row in group if row["solver"] == OWN)
        peers = {
            name: found
            for name, rows in by_solver(theirs.get(instance, ())).items()
            if is_peer(name) and (found := judged(rows)) is not None
        }
        if ours is None or not peers:
            continue
        name, best = min(peers.items(), key=lambda pair: pair[1].rank)
        yield Contest(instance, group[0]["visits"], ours, name, best)


def gaps(rows: Iterable[Row], solver: str) -> dict[str, float | None]:
    """Median gap to the best known by problem; None where a plan leaves something out or none was found."""
    found: dict[str, float | None] = {}
    for instance, group in by_instance(rows).items():
        runs = [row for row in group if row["solver"] == solver and row["best"]]
        if runs:
            values = [row.get("gap") for row in runs]
            known = [gap for gap in values if gap is not None]
            found[instance] = median(known) if len(known) == len(values) else None
    return found


def mean_gap(values: Iterable[float | None]) -> float | None:
    """Mean of gaps; None when one is missing or there are none."""
    listed = list(values)
    known = [value for value in listed if value is not None]
    return sum(known) / len(known) if known and len(known) == len(listed) else None


def families(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows of classic instances by class."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row.get("family"):
            found.setdefault(row["family"], []).append(row)
    return dict(sorted(found.items()))
