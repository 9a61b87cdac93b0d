"""
What the bound sees of a problem, what it leaves out of sight, and what it cannot bear.

A rule left out of sight lets more plans be, and a price left out makes them cheaper: the bound stays true and
becomes weaker. What would let a plan be cheaper than the bound believes must be seen, or there is no bound.
"""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any, Final

from optimizer.problem import (
    After,
    Break,
    Certificate,
    Depot,
    Lateness,
    Lock,
    Matrix,
    Policy,
    Problem,
    Technician,
    Traffic,
    Visit,
    Window,
)

SEEN: Final = ""
"""The field is in the bound as it is, or it changes neither rules nor prices."""

TREATED: dict[type, dict[str, str]] = {
    Problem: {
        **dict.fromkeys(("day", "technicians", "visits", "matrix", "locks", "policy", "zone"), SEEN),
        "depots": "fetching parts",
        "traffic": "travel by hour",
    },
    Technician: {
        **dict.fromkeys(
            (
                "id", "name", "start", "end", "shift", "overtime", "breaks", "skills", "certificates",
                "stock", "territories", "earliest_departure", "longest_way", "worked",
            ),
            SEEN,
        ),
        "person": "several shifts of one person",
    },
    Visit: {
        **dict.fromkeys(
            (
                "id", "location", "duration", "windows", "window_end", "durations", "setup", "skills",
                "certificates", "parts", "territory", "priority", "optional", "courtesy",
                "excluded_technicians", "required_technician", "preferred_technicians",
                "previous_technician",
            ),
            SEEN,
        ),
        "respond_by": "lateness",
        "resolve_by": "lateness",
        "announced": "announced times",
        "team": "teams",
        "team_skills": "teams",
        "lead_certificates": "teams",
        "after": "precedence",
        "same_technician": "same technician",
    },
    Lock: {
        **dict.fromkeys(("visit_id", "technician_id", "start", "range"), SEEN),
        "sequence": "places in a route",
    },
    Policy: {
        **dict.fromkeys(
            (
                "travel_cents_per_km", "travel_cents_per_hour", "overtime_cents_per_minute",
                "unserved_cents_by_priority", "mandatory_unserved_cents", "courtesy_cents",
                "changed_technician_cents", "retold_cents", "retold_after", "lateness",
                "not_preferred_cents", "overqualified_cents",
            ),
            SEEN,
        ),
        "fairness_cents": "fairness",
    },
    Matrix: dict.fromkeys(("seconds", "metres", "straight"), SEEN),
    Window: dict.fromkeys(("start", "end"), SEEN),
    Break: dict.fromkeys(("earliest", "latest", "duration"), SEEN),
    Certificate: dict.fromkeys(("code", "valid_from", "valid_until"), SEEN),
    Depot: dict.fromkeys(("id", "location", "handling", "stock"), SEEN),
    Traffic: dict.fromkeys(("zones", "factors"), SEEN),
    After: dict.fromkeys(("visit_id", "delay", "next_day"), SEEN),
    Lateness: dict.fromkeys(("after", "cents_per_hour"), SEEN),
}  # fmt: skip
"""
Each field of a problem: ``SEEN``, or the words for what is left out of sight when a problem uses it.

A field may be left out of sight only if it forbids something or adds to the price; what else it does must be
allowed for in ``ways``, as shorter drives are under travel by hour and ways by a depot for fetching. A field
that is not named here and is used by a problem means that there is no bound: nobody has said yet what it
does.
"""


@dataclass(frozen=True, slots=True)
class Scope:
    """
    What the bound makes of a problem.

    relaxed
        What it leaves out of sight.
    unknown
        Fields in use of which it does not know what they do; with any of them there is no bound.
    """

    relaxed: tuple[str, ...]
    unknown: tuple[str, ...]


def scope_of(problem: Problem) -> Scope:
    """Look through every field that the problem uses."""
    relaxed: dict[str, None] = {}
    unknown: dict[str, None] = {}
    for kind, name in _used(problem):
        words = TREATED.get(kind, {}).get(name)
        if words is None:
            unknown[f"{kind.__name__.lower()}.{name}"] = None
        elif words:
            relaxed[words] = None
    shifts = {technician.id for technician in problem.technicians}
    if any(lock.is_begun and lock.technician_id not in shifts for lock in problem.locks):
        unknown["lock.technician_id of a person for a stop begun"] = None
    return Scope(tuple(relaxed), tuple(unknown))


def _used(problem: Problem) -> Iterator[tuple[type, str]]:
    """Fields that are not at their defaults, in the problem and in all it is made of but tables of travel."""
    seen: set[tuple[type, str]] = set()
    waiting: list[Any] = [problem]
    while waiting:
        part = waiting.pop()
        for spec in fields(part):
            is_fact = isinstance(part, Lock) and part.is_begun and spec.name == "sequence"
            if not spec.init or is_fact:
                continue
            value = getattr(part, spec.name)
            if not isinstance(part, Matrix):
                waiting += _parts(value)
            key = type(part), spec.name
            if key not in seen and (_is_required(spec) or value != _default(spec)):
                seen.add(key)
                yield key


def _parts(value: Any) -> list[Any]:
    """Data types inside a value."""
    if isinstance(value, Mapping):
        value = tuple(value.values())
    several = value if isinstance(value, tuple) else (value,)
    return [part for part in several if is_dataclass(part)]


def _is_required(spec: Any) -> bool:
    return spec.default is MISSING and spec.default_factory is MISSING


def _default(spec: Any) -> Any:
    return spec.default_factory() if spec.default_factory is not MISSING else spec.default
