"""Errors in what goes beyond plain routes: depots, travel by hour, days, shifts of one person, precedence."""

from collections.abc import Iterator
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from optimizer.findings import Finding, amount, amounts
from optimizer.problem import Problem
from optimizer.units import HORIZON, clock

FIRST_YEAR, LAST_YEAR = 1970, 9_000
LEAST_FACTOR, MOST_FACTOR = 1, 1_000
HOURS = 24


def beyond_plain_routes(problem: Problem) -> Iterator[Finding]:
    """All findings of this file."""
    yield from _days(problem)
    yield from _depots(problem)
    yield from _traffic(problem)
    yield from _shifts(problem)
    yield from _waiting(problem)
    yield from _circles(problem)


def _days(problem: Problem) -> Iterator[Finding]:
    """The day is one of our time, and its zone one that is known."""
    if not FIRST_YEAR <= problem.day.year <= LAST_YEAR:
        remedy = f"plan a day between {FIRST_YEAR} and {LAST_YEAR}"
        yield Finding("DAY_OUT_OF_RANGE", "problem", f"the day is {problem.day}", remedy)
    if problem.zone is None:
        return
    try:
        ZoneInfo(problem.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        cause = f"there is no time zone {problem.zone[:40]!r}"
        yield Finding("UNKNOWN_ZONE", "problem", cause, "use a name such as Europe/Berlin, or leave it out")


def _depots(problem: Problem) -> Iterator[Finding]:
    """Depots have sane stocks; whether their places and names are sound is judged with all others."""
    for depot in problem.depots:
        subject = f"depot {depot.id[:40]}"
        yield from amount(subject, depot.handling, what="handling", largest=HORIZON)
        yield from amounts(subject, depot.stock, what="stock of part")


def _traffic(problem: Problem) -> Iterator[Finding]:
    """Travel by hour has a zone for each location and a square table for each hour."""
    traffic = problem.traffic
    if traffic is None:
        return
    size = len(problem.matrix.seconds)
    if len(traffic.zones) != size:
        cause = f"{len(traffic.zones)} zones for {size} locations"
        yield Finding("TRAFFIC_ZONES", "traffic", cause, "give the zone of each location")
    if len(traffic.factors) != HOURS:
        cause = f"{len(traffic.factors)} tables of factors"
        yield Finding("TRAFFIC_HOURS", "traffic", cause, f"give one table for each of the {HOURS} hours")
    zones = 1 + max(traffic.zones, default=0)
    if min(traffic.zones, default=0) < 0:
        yield Finding("TRAFFIC_ZONES", "traffic", "a zone is negative", "count zones from 0")
    for hour, table in enumerate(traffic.factors):
        if len(table) < zones or any(len(row) != len(table) for row in table):
            cause = f"the table of hour {hour} is not square, or has fewer than {zones} zones"
            yield Finding("TRAFFIC_SIZE", "traffic", cause, "give a row and a column for each zone")
        elif any(not LEAST_FACTOR <= factor <= MOST_FACTOR for row in table for factor in row):
            cause = f"hour {hour} has a factor out of range"
            remedy = f"use {LEAST_FACTOR} to {MOST_FACTOR}; 100 is what the matrix says"
            yield Finding("TRAFFIC_FACTOR", "traffic", cause, remedy)


def _shifts(problem: Problem) -> Iterator[Finding]:
    """Nobody works two shifts at once."""
    for first, then in pairwise(sorted(problem.technicians, key=lambda t: (t.who, t.shift.start, t.id))):
        if first.who == then.who and then.shift.start < first.shift.end and first.id != then.id:
            begin = clock(then.shift.start)
            cause = f"it ends at {clock(first.shift.end)}, shift {then.id[:40]} begins at {begin}"
            remedy = "correct one of the shifts, or name another person"
            yield Finding("SHIFTS_OVERLAP", f"technician {first.id}", cause, remedy)


def _waiting(problem: Problem) -> Iterator[Finding]:
    """Visits wait only for visits that the problem holds, and not for ages."""
    for visit in problem.visits:
        subject = f"visit {visit.id}"
        for after in visit.after:
            yield from amount(subject, after.delay, what="delay", largest=HORIZON)
            if problem.visit(after.visit_id) is None:
                cause = f"it waits for {after.visit_id[:40]}, which is not in the problem"
                remedy = "add that visit, or take the condition out if it is over"
                yield Finding("PRECEDENCE_UNKNOWN_VISIT", subject, cause, remedy)


def _circles(problem: Problem) -> Iterator[Finding]:
    """No visit waits for itself, be it through others; each circle is named once."""
    waits = {visit.id: [after.visit_id for after in visit.after] for visit in problem.visits}
    done: set[str] = set()
    for begin, first in waits.items():
        if begin in done:
            continue
        path, stack = [begin], [iter(first)]
        while stack:
            then = next(stack[-1], None)
            if then is None:
                stack.pop()
                done.add(path.pop())
            elif then in path:
                shown = " after ".join(name[:40] for name in (*path[path.index(then) :][:8], then))
                yield Finding("PRECEDENCE_CYCLE", f"visit {then}", shown, "take out one of the conditions")
            elif then in waits and then not in done:
                path.append(then)
                stack.append(iter(waits[then]))
