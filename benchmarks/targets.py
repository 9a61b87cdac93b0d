"""The engine's goals, each judged from the rows: met, not met, or not measured, and by which figure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import mean, median

from benchmarks.figures import OWN, Contest, Figures, contests, families, gaps, mean_gap
from benchmarks.runs import Row
from benchmarks.sources import campaign_digest
from benchmarks.tables import by_instance

MET, NOT_MET, NOT_MEASURED = "met", "not met", "not measured"
PLAIN = "plain"
LEAST_SEEDS = 3
"""Fewer runs of ours on a problem are no measurement."""
CAMPAIGN_DAYS = 10_000
SMALL_DAYS, PROVED = "ruin small days", ("tried in full", "proved")
"""Figures of a campaign about small days, and those of them whose plan is known to be the cheapest."""
Finding = tuple[bool, str]
"""Whether the goal is reached, and the figure it was judged by."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One goal and what the rows say of it."""

    goal: str
    wanted: str
    found: str
    word: str


class NotMeasured(Exception):
    """The rows do not hold what a goal is judged by."""


@dataclass(frozen=True, slots=True)
class Target:
    """One goal; ``judge`` raises ``NotMeasured`` where rows are missing."""

    goal: str
    wanted: str
    judge: Callable[[Figures], Finding]

    def verdict(self, figures: Figures) -> Verdict:
        """Judge the rows."""
        try:
            is_met, found = self.judge(figures)
        except NotMeasured as missing:
            return Verdict(self.goal, self.wanted, str(missing), NOT_MEASURED)
        return Verdict(self.goal, self.wanted, found, MET if is_met else NOT_MET)


def verdicts(figures: Figures) -> list[Verdict]:
    """All goals in their order."""
    return [target.verdict(figures) for target in TARGETS]


def _of_ours(rows: list[Row], what: str) -> list[Row]:
    """Rows, if there are enough seeds of ours in them for every problem."""
    if not rows:
        raise NotMeasured(f"no rows: {what}")
    for instance, group in by_instance(rows).items():
        seeds = {row["seed"] for row in group if row["solver"] == OWN}
        if len(seeds) < LEAST_SEEDS:
            raise NotMeasured(f"{len(seeds)} of {LEAST_SEEDS} seeds on {instance}")
    return rows


def _require_seeds(rows: Iterable[Row], what: str) -> None:
    """Raise ``NotMeasured`` where our runs are of too few seeds."""
    seeds = {row["seed"] for row in rows if "seed" in row}
    if len(seeds) < LEAST_SEEDS:
        raise NotMeasured(f"{len(seeds)} of {LEAST_SEEDS} seeds: {what}")


def _classic(figures: Figures, seconds: float, sizes: tuple[int, int]) -> list[Row]:
    rows = [
        row
        for row in figures.quality("vrptw", seconds=seconds, least=sizes[0])
        if row["visits"] <= sizes[1] and row["best"]
    ]
    return _of_ours(rows, f"classic instances with best-known costs, {seconds:g} s")


def _mean_gap(figures: Figures, *, seconds: float, sizes: tuple[int, int], most: float) -> Finding:
    """Mean over the instances of our median gap."""
    found = gaps(_classic(figures, seconds, sizes), OWN)
    value = mean_gap(found.values())
    if value is None:
        return False, "a plan leaves visits out"
    return value <= most, f"{percent(value, 2)} on {len(found)} instances"


def _class_means(figures: Figures) -> Finding:
    """Whether PyVRP is ahead on the mean of any class, at 10 or 60 s."""
    rows = _classic(figures, 10, (400, 1_000)) + _classic(figures, 60, (400, 1_000))
    behind, compared = [], 0
    for seconds in (10, 60):
        for family, group in families(row for row in rows if row["seconds"] == seconds).items():
            ours, theirs = (mean_gap(gaps(group, name).values()) for name in (OWN, "pyvrp"))
            if theirs is None:
                continue
            compared += 1
            if ours is None or ours > theirs + 1e-9:
                behind.append(f"{family} at {seconds} s")
    if not compared:
        raise NotMeasured("no rows of PyVRP")
    return not behind, f"behind on {', '.join(behind)}" if behind else f"behind on none of {compared}"


def _long_routes(figures: Figures) -> Finding:
    """Our mean gap beside PyVRP's on classes with long routes."""
    rows = [row for row in _classic(figures, 60, (100, 1_000)) if row["family"].endswith("2")]
    ours, theirs = (mean_gap(gaps(rows, name).values()) for name in (OWN, "pyvrp"))
    if theirs is None:
        raise NotMeasured("no rows of PyVRP on long routes, 60 s")
    if ours is None:
        return False, "a plan leaves visits out"
    return ours <= theirs + 1e-9, f"{percent(ours, 2)}, PyVRP {percent(theirs, 2)}"


def _contests(figures: Figures, kind: str, seconds: float, sizes: Iterable[int] = ()) -> list[Contest]:
    wanted = set(sizes)
    rows = [row for row in figures.quality(kind, seconds=seconds) if not wanted or row["visits"] in wanted]
    found = list(contests(_of_ours(rows, f"kind {kind}, {seconds:g} s")))
    if not found or len(found) < len(by_instance(rows)):
        raise NotMeasured(f"peers on {len(found)} of {len(by_instance(rows))} problems")
    return found


def _leads(found: list[Contest], least: float, least_mean: float | None = None) -> Finding:
    """Whether every lead is at least one figure, and their mean another."""
    behind = [contest.instance for contest in found if not contest.is_ahead]
    short = [contest.instance for contest in found if not contest.saves(least)]
    leads = [contest.lead for contest in found if contest.lead is not None] or [0.0]
    more = [contest.instance for contest in found if contest.ours.unserved < contest.theirs.unserved]
    told = f"{percent(min(leads))} to {percent(max(leads))}, mean {percent(mean(leads))}"
    told += f", more visits served on {', '.join(more)}" if more else ""
    is_met = not short and (least_mean is None or mean(leads) >= least_mean)
    return is_met, told + (f"; behind on {', '.join(behind)}" if behind else f" on {len(found)} problems")


def percent(part: float, digits: int = 1) -> str:
    """A part of one in per cent."""
    return f"{100 * part:.{digits}f} %"


def _technicians(figures: Figures) -> Finding:
    return _leads(_contests(figures, "technicians", 10), 0.0, 0.02)


def _days(figures: Figures, size: int, least: float) -> Finding:
    return _leads(_contests(figures, "day", 10, (size,)), least)


def _roads(figures: Figures) -> Finding:
    return _leads(_contests(figures, "roads", 10), 0.05)


def _road_spread(figures: Figures) -> Finding:
    """Largest spread between our seeds on days on roads."""
    found = _contests(figures, "roads", 10)
    worst = max(found, key=lambda contest: contest.ours.spread)
    return worst.ours.spread <= 0.02, f"up to {percent(worst.ours.spread)} ({worst.instance})"


def _sprint(figures: Figures) -> Finding:
    """Our plans of one second beside the peers' of twenty."""
    own = _of_ours(
        [row for row in figures.quality("day", seconds=1) if row["solver"] == OWN], "our plans of 1 s"
    )
    found = list(contests(own, figures.quality("day", seconds=20)))
    if not found:
        raise NotMeasured("no plans of peers of 20 s")
    behind = [contest.instance for contest in found if not contest.is_ahead]
    return (
        not behind,
        f"behind on {', '.join(behind)}" if behind else f"better on {len(found)} of {len(found)}",
    )


def _first_plan(figures: Figures) -> Finding:
    """First plan of 5,000 visits, and the memory of a search on them."""
    first = [row for row in figures.measure("first plan") if row["size"] == 5_000 and row["solver"] == OWN]
    searches = [row for row in figures.measure("search") if row["size"] == 5_000 and row["rules"] == PLAIN]
    if not first or not searches:
        raise NotMeasured("no rows of speed at 5,000 visits")
    failed = next((row["failed"] for row in first + searches if "failed" in row), None)
    if failed:
        return False, failed
    _require_seeds(first, "first plans of 5,000 visits")
    _require_seeds(searches, "searches on 5,000 visits")
    seconds = median(row["wall_seconds"] for row in first if "seed" in row)
    memory = max(row["rss_mb"] for row in searches)
    return seconds <= 1 and memory <= 800, f"{seconds:.2f} s, {memory} MB"


def _quotes_of(figures: Figures, *, rich: bool) -> list[Row]:
    rows = [row for row in figures.measure("quotes") if row["size"] == 500 and "p99_us" in row]
    return [row for row in rows if (row.get("rules", PLAIN) != PLAIN) == rich]


def _rich_quotes(figures: Figures) -> Finding:
    """The slowest set of rules."""
    sets: dict[str, list[Row]] = {}
    for row in _quotes_of(figures, rich=True):
        sets.setdefault(row["rules"], []).append(row)
    if not sets:
        raise NotMeasured("no rows of quotes on rich days")
    for name, rows in sets.items():
        _require_seeds(rows, f"quotes on days with {name}")
    p99 = {name: median(row["p99_us"] for row in rows) for name, rows in sets.items()}
    told = (
        f"{name} {p99[name]:,.0f} µs, median {median(row['median_us'] for row in rows):,.0f} µs"
        for name, rows in sets.items()
    )
    return max(p99.values()) <= 200, "; ".join(told)


def _quotes(figures: Figures) -> Finding:
    rows = _quotes_of(figures, rich=False)
    if not rows:
        raise NotMeasured("no rows of quotes at 500 visits")
    _require_seeds(rows, "quotes at 500 visits")
    p99 = median(row["p99_us"] for row in rows)
    return p99 <= 200, f"{p99:.0f} µs, median {median(row['median_us'] for row in rows):.0f} µs"


def _quotes_at_the_api(figures: Figures) -> Finding:
    rows = figures.measure("quotes at the API")
    if not rows:
        raise NotMeasured("no measurement of it here")
    p99 = median(row["p99_us"] for row in rows)
    return p99 <= 5_000, f"{p99 / 1000:.1f} ms"


def _rich(figures: Figures) -> Finding:
    """Iterations for a second, plain over each set of rules, by size."""
    rates: dict[tuple[int, str], list[float]] = {}
    runs: dict[tuple[int, str], list[Row]] = {}
    left: dict[str, str] = {}
    for row in figures.measure("search"):
        if "iterations_per_cpu_second" in row:
            key = (row["size"], row["rules"])
            rates.setdefault(key, []).append(max(1e-9, row["iterations_per_cpu_second"]))
            runs.setdefault(key, []).append(row)
        else:
            left[row["rules"]] = f"{row['rules']}: {row.get('failed') or row.get('refused')}"
    ratios = {
        (rules, size): median(rates[size, PLAIN]) / median(some)
        for (size, rules), some in rates.items()
        if rules != PLAIN and (size, PLAIN) in rates
    }
    if not ratios and not left:
        raise NotMeasured("no rows of searches, plain and rich")
    for (size, rules), some in runs.items() if not left else ():
        _require_seeds(some, f"searches on {size:,} visits, {rules}")
    told = [f"{rules} {ratio:.1f} × at {size:,}" for (rules, size), ratio in ratios.items()]
    return max(ratios.values(), default=9.0) <= 3 and not left, "; ".join([*told, *left.values()])


def _proof(figures: Figures) -> Finding:
    rows = figures.measure("proof")
    if not rows:
        raise NotMeasured("no rows of proofs")
    shown = sum(1 for row in rows if row.get("proved") is not None and row["proved"] <= 0.01)
    return shown >= 0.8 * len(rows), f"{shown} of {len(rows)}"


def _validity(figures: Figures) -> Finding:
    """
    Days by both engines on the sources as they are; days on others were of another engine and do not count.

    A campaign that went on writes a row with all its days: the newest of each beginning counts.
    """
    present = campaign_digest()
    newest = {row["first"]: row for row in figures.measure("fuzzed days") if row["version"] == present}
    days = sum(row["days"] for row in newest.values())
    own = sum(row.get("ruin answered by ruin", 0) for row in newest.values())
    faults = sum(row[f"{name} faulty"] for row in newest.values() for name in ("ruin", "routing"))
    small = sum(row[name] for row in newest.values() for name in row if name.startswith(SMALL_DAYS))
    shown = sum(row.get(f"{SMALL_DAYS} {how}", 0) for row in newest.values() for how in PROVED)
    told = f"{faults} faulty plans of {days:,} days by two engines, {own:,} of them by the fast one itself"
    told += f"; {shown:,} of {small:,} small days proved cheapest"
    if days < CAMPAIGN_DAYS and not faults:
        raise NotMeasured(f"{days:,} of {CAMPAIGN_DAYS:,} days on the present sources")
    return not faults, told


TARGETS = (
    Target(
        "VRPTW, 100 and 200 stops, 10 s, mean gap",
        "≤ 0.10 %",
        lambda found: _mean_gap(found, seconds=10, sizes=(100, 200), most=0.001),
    ),
    Target(
        "VRPTW, 400 to 1,000 stops, 10 s, mean gap",
        "≤ 1.5 %",
        lambda found: _mean_gap(found, seconds=10, sizes=(400, 1_000), most=0.015),
    ),
    Target(
        "VRPTW, 400 to 1,000 stops, 60 s, mean gap",
        "≤ 0.6 %",
        lambda found: _mean_gap(found, seconds=60, sizes=(400, 1_000), most=0.006),
    ),
    Target("the same, mean of each class against PyVRP", "never behind", _class_means),
    Target("long routes (type 2), 60 s, mean gap against PyVRP", "not behind", _long_routes),
    Target(
        "technician days of 100 visits, 10 s, against the best peer",
        "ahead on every one, mean lead ≥ 2 %",
        _technicians,
    ),
    Target(
        "generated day of 500 visits, 10 s, travel against the best peer",
        "≥ 15 % less, no fewer served",
        lambda found: _days(found, 500, 0.15),
    ),
    Target(
        "generated day of 1,000 visits, 10 s, travel against the best peer",
        "≥ 30 % less, no fewer served",
        lambda found: _days(found, 1_000, 0.30),
    ),
    Target("days on roads, 10 s, travel against the best peer", "≥ 5 % less on every one", _roads),
    Target("days on roads, 10 s, spread between seeds", "≤ 2 %", _road_spread),
    Target("our plan of 1 s against the best peer's of 20 s", "better on every generated day", _sprint),
    Target("first plan of 5,000 visits, everything included; memory", "≤ 1 s, ≤ 800 MB", _first_plan),
    Target("quote, 50 technicians, 500 visits, 40 windows, p99", "≤ 200 µs", _quotes),
    Target("the same on rich days, p99", "≤ 200 µs", _rich_quotes),
    Target("quote at the API without looking up travel, p99", "≤ 5 ms", _quotes_at_the_api),
    Target("iterations, plain over rich", "≤ 3 ×", _rich),
    Target("territories of 25 visits proved within 1 % in 5 s", "≥ 80 %", _proof),
    Target(
        "faults in fuzzed days: rules, prices, exceptions, small days not at their cheapest",
        "0 in 10,000",
        _validity,
    ),
)
