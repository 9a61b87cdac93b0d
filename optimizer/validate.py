"""Judge an input before planning: what makes it unplannable, and what makes it doubtful."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from optimizer.concessions import Concession, conceded
from optimizer.constraints import action_for
from optimizer.doubts import doubts
from optimizer.drives import breaks_ahead
from optimizer.findings import Finding, InvalidProblem, amount, amounts, doubt, interval, moment
from optimizer.long_visits import split_long
from optimizer.problem import Lock, Problem, Technician, Visit, Window
from optimizer.roads import Cells, RoadTable, WholeTable
from optimizer.units import HORIZON
from optimizer.validate_days import beyond_plain_routes
from optimizer.work import ARRIVAL, FINISH, START

__all__ = ["Finding", "InvalidProblem", "errors_in", "validate"]

DEAREST = 100_000_000
FARTHEST = 50_000_000
LONGEST_WAY = {"seconds": HORIZON, "metres": FARTHEST}
LONGEST_ID = 200


def errors_in(problem: Problem) -> list[Finding]:
    """Findings that make a problem unplannable."""
    found = [*_matrix(problem)]
    # Locations are only worth looking up in a sound matrix; all else is reported beside it.
    found += _locations(problem) if not found else ()
    found += [*_names(problem), *_policy(problem)]
    for visit in problem.visits:
        found += _visit(visit)
    for technician in problem.technicians:
        found += _technician(technician)
    for lock in problem.locks:
        found += _lock(problem, lock)
    found += _lock_order(problem)
    found += beyond_plain_routes(problem)
    return found


def validate(problem: Problem) -> list[Finding]:
    """All findings, errors first; warnings are looked for only when there are no errors."""
    errors = errors_in(problem)
    if errors:
        return errors
    problem, found = conceded(split_long(problem)[0])
    return [*doubts(problem), *map(_conceded, found)]


def _conceded(concession: Concession) -> Finding:
    """What a lock stands against, as a warning."""
    cause = f"the lock stands against {concession.rule}: {concession.cause}; the lock counts"
    return doubt("LOCK_AGAINST_RULE", f"lock {concession.visit_id}", cause, action_for(concession.rule))


def _matrix(problem: Problem) -> Iterator[Finding]:
    """Size and content of the travel matrix."""
    size = len(problem.matrix.seconds)
    tables: tuple[tuple[str, Any], ...] = (
        ("seconds", problem.matrix.seconds),
        ("metres", problem.matrix.metres),
    )
    if problem.matrix.straight is not None and problem.matrix.roads is None:
        yield Finding("MATRIX_TWICE", "matrix", "it has tables and positions", "leave one of them out")
    for name, rows in tables:
        if isinstance(rows, RoadTable):
            continue  # its ways are sound by the way they are made
        subject = f"matrix {name}"
        if isinstance(rows, WholeTable) and len(rows) == size and _is_sound(rows.cells, name):
            continue
        if len(rows) != size or any(len(row) != size for row in rows):
            remedy = "give as many rows as locations, each with as many cells"
            yield Finding("MATRIX_SIZE", subject, f"the table is not {size} by {size}", remedy)
            continue
        for i, row in enumerate(rows):
            low, high = (min(row), max(row)) if row else (0, 0)
            if low < 0:
                remedy = "travel is never negative; leave a place that cannot be reached out"
                yield Finding("MATRIX_NEGATIVE", subject, f"row {i} holds {low}", remedy)
            if high > LONGEST_WAY[name]:
                yield Finding("MATRIX_TOO_LARGE", subject, f"row {i} holds {high}", "leave the location out")


def _is_sound(cells: Cells, name: str) -> bool:
    """Whether no cell of a large table is out of range; otherwise its rows are looked at one by one."""
    return int(cells.min()) >= 0 and int(cells.max()) <= LONGEST_WAY[name]


def _locations(problem: Problem) -> Iterator[Finding]:
    """Every named location is a row of the matrix."""
    size = len(problem.matrix.seconds)
    places = [(f"visit {v.id}", v.location) for v in problem.visits]
    for technician in problem.technicians:
        places += [
            (f"technician {technician.id}", technician.start),
            (f"technician {technician.id}", technician.end),
        ]
    places += [(f"depot {depot.id[:40]}", depot.location) for depot in problem.depots]
    for subject, location in places:
        if not 0 <= location < size:
            cause = f"location {location} is not in the matrix of {size}"
            yield Finding("UNKNOWN_LOCATION", subject, cause, f"use a row from 0 to {size - 1}")


def _names(problem: Problem) -> Iterator[Finding]:
    """Ids are there, short and unique."""
    for kind, ids in (
        ("visit", [v.id for v in problem.visits]),
        ("technician", [t.id for t in problem.technicians]),
        ("lock", [k.visit_id for k in problem.locks]),
        ("depot", [depot.id for depot in problem.depots]),
    ):
        for name, count in Counter(ids).items():
            subject = f"{kind} {name[:40]}"
            if count > 1:
                code = f"DUPLICATE_{kind.upper()}"
                yield Finding(code, subject, f"the id appears {count} times", "keep one of them")
            if not name.strip() or len(name) > LONGEST_ID:
                cause = f"an id of {len(name)} characters"
                yield Finding("BAD_ID", subject, cause, f"use 1 to {LONGEST_ID} characters")


def _policy(problem: Problem) -> Iterator[Finding]:
    """Prices are sane."""
    policy = problem.policy
    for spec in fields(policy):
        value = getattr(policy, spec.name)
        if spec.name == "lateness":
            prices = tuple(part for step in policy.lateness for part in (step.after, step.cents_per_hour))
        else:
            prices = value if isinstance(value, tuple) else (value,)
        if any(not 0 <= price <= DEAREST for price in prices):
            cause = f"{spec.name} is {value}"
            yield Finding("POLICY_RANGE", "policy", cause, f"use 0 to {DEAREST} cents")
    if len(policy.unserved_cents_by_priority) != 5:
        cause = f"{len(policy.unserved_cents_by_priority)} prices for 5 priorities"
        yield Finding("POLICY_PRIORITIES", "policy", cause, "give one price for each of priority 1 to 5")


def _visit(visit: Visit) -> Iterator[Finding]:
    """One visit by itself."""
    subject = f"visit {visit.id}"
    yield from amount(subject, visit.duration, what="duration", largest=HORIZON)
    yield from amounts(subject, visit.parts, what="quantity of part")
    yield from amounts(subject, visit.skills, what="level of skill")
    yield from amounts(subject, visit.team_skills, what="level of team skill")
    yield from amount(subject, visit.setup, what="set-up", largest=HORIZON)
    yield from amounts(subject, visit.durations, what="duration with", largest=HORIZON)
    if visit.window_end not in {ARRIVAL, START, FINISH}:
        cause = f"window_end is {visit.window_end[:40]!r}"
        yield Finding("WINDOW_END", subject, cause, f"use {ARRIVAL}, {START} or {FINISH}")
    for limit, what in (
        (visit.respond_by, "limit of response"),
        (visit.resolve_by, "limit of resolution"),
        (visit.announced, "announced start"),
    ):
        if limit is not None:
            yield from moment(subject, limit, what=what)
    for window in visit.windows:
        yield from interval(subject, window, code="WINDOW_REVERSED", what="arrival window")
    if not 1 <= visit.priority <= 5:
        yield Finding(
            "PRIORITY_RANGE", subject, f"priority is {visit.priority}", "use 1 (low) to 5 (emergency)"
        )


def _technician(technician: Technician) -> Iterator[Finding]:
    """One technician alone."""
    subject = f"technician {technician.id}"
    yield from interval(subject, technician.shift, code="SHIFT_REVERSED", what="shift")
    yield from amount(subject, technician.overtime, what="overtime", largest=HORIZON)
    yield from amounts(subject, technician.skills, what="level of skill")
    yield from amounts(subject, technician.stock, what="stock of part")
    yield from amount(subject, technician.worked, what="time already worked")
    if technician.longest_way is not None:
        yield from amount(subject, technician.longest_way, what="longest way", largest=HORIZON)
    if technician.earliest_departure is not None:
        yield from moment(subject, technician.earliest_departure, what="earliest departure")
    for pause in technician.breaks:
        yield from interval(
            subject, Window(pause.earliest, pause.latest), code="BREAK_REVERSED", what="break"
        )
        if not 0 < pause.duration <= HORIZON:
            cause = f"a break lasts {pause.duration} seconds"
            yield Finding("BREAK_LENGTH", subject, cause, "give a positive length or leave the break out")
    for paper in technician.certificates:
        if paper.valid_until < paper.valid_from:
            cause = f"certificate {paper.code} ends on {paper.valid_until}, before {paper.valid_from}"
            yield Finding("CERTIFICATE_REVERSED", subject, cause, "correct its dates")


def _lock(problem: Problem, lock: Lock) -> Iterator[Finding]:
    """One lock points at things that exist."""
    subject = f"lock {lock.visit_id}"
    if problem.visit(lock.visit_id) is None:
        yield Finding("LOCK_UNKNOWN_VISIT", subject, "no such visit", "take the lock out")
    is_known = any(technician.is_called(lock.technician_id) for technician in problem.technicians)
    if lock.technician_id is not None and not is_known:
        cause = f"there is no technician {lock.technician_id[:40]}"
        yield Finding(
            "LOCK_UNKNOWN_TECHNICIAN", subject, cause, "loosen the lock, or give the technician a shift"
        )
    if lock.start is not None:
        yield from moment(subject, lock.start, what="locked start")
    if lock.range is not None:
        yield from interval(subject, lock.range, code="LOCK_REVERSED", what="locked interval")
    if lock.sequence is not None:
        yield from amount(subject, lock.sequence, what="position", largest=len(problem.visits))


def _lock_order(problem: Problem) -> Iterator[Finding]:
    """Begun stops fill the first positions of their route, one each; breaks behind them can still be kept."""
    for technician in problem.technicians:
        begun = [k for k in problem.locks if k.is_begun and k.technician_id == technician.id]
        positions = sorted(k.sequence for k in begun if k.sequence is not None)
        if positions != list(range(len(positions))):
            cause = f"stops already begun claim positions {positions}"
            remedy = "number them 0, 1, 2 … in the order in which they were begun"
            yield Finding("LOCK_SEQUENCE", f"technician {technician.id}", cause, remedy)
        ahead = Counter(
            k.sequence for k in problem.locks if k.sequence is not None and k.technician_id == technician.id
        )
        for place in sorted(place for place, count in ahead.items() if count > 1):
            cause, remedy = (
                f"{ahead[place]} visits are locked to place {place}",
                "give each a place of its own",
            )
            yield Finding("LOCK_PLACE_TWICE", f"technician {technician.id}", cause, remedy)
        due = [pause for pause in technician.breaks if pause.latest >= technician.shift.start]
        if len(breaks_ahead(due, technician.shift.start)) < len(due):
            cause = "the breaks of the shift cannot all be taken, even without any visit"
            yield Finding("BREAKS_CLASH", f"technician {technician.id}", cause, "move or shorten a break")
