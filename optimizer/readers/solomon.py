"""
Solomon's and Homberger's VRPTW files as a day of vans: deliveries with time windows from one depot.

All figures are counted in tenths, as the DIMACS challenge did: the distance is ten times Euclid's, cut off to
a whole number, windows and service times are ten times those of the file, and travel takes as many units of
time as of length. One unit is one second, one metre and one cent, so that the price of a plan's travel is its
distance. Every visit is mandatory; windows are for the start of service; the depot's window is the shift.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from math import isqrt

from optimizer.problem import Matrix, Policy, Problem, Technician, Visit, Window
from optimizer.wire import MalformedInput

DAY = date(2000, 1, 1)
"""These files know no date; no rule of such a problem asks for one."""
LOAD = "load"
"""The one part that vans carry and visits use up."""
PRICES = Policy(travel_cents_per_km=1_000, travel_cents_per_hour=0)
"""One cent for a metre, nothing for time: travel costs exactly the distance."""
COLUMNS = 7


@dataclass(frozen=True, slots=True)
class Customer:
    """One line of the table, lengths and times in tenths; the first line is the depot."""

    number: int
    x: int
    y: int
    demand: int
    ready: int
    due: int
    service: int


@dataclass(frozen=True, slots=True)
class Instance:
    """A whole file."""

    name: str
    vans: int
    capacity: int
    customers: tuple[Customer, ...]


def problem_from_text(text: str, name: str = "input") -> Problem:
    """A problem out of the text of a file."""
    return problem_of(instance_from_text(text, name))


def instance_from_text(text: str, name: str = "input") -> Instance:
    """
    The figures of a file.

    Raises
    ------
    MalformedInput
        When the text is not laid out as these files are; its path is the file's line.
    """
    lines = [(number, line.split()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    vehicle, customer = _heading(lines, "VEHICLE", name), _heading(lines, "CUSTOMER", name)
    fleet = lines[vehicle + 2 : customer]
    if vehicle < 1 or len(fleet) != 1 or len(fleet[0][1]) != 2:
        raise _wrong(f"{name}:{lines[vehicle][0]}", "VEHICLE is not followed by one number and one capacity")
    vans, capacity = (_whole(word, f"{name}:{fleet[0][0]}") for word in fleet[0][1])
    customers = tuple(_customers(lines[customer + 2 :], name))
    if not customers:
        raise _wrong(f"{name}:{lines[customer][0]}", "CUSTOMER is not followed by a depot")
    return Instance(" ".join(lines[0][1]), vans, capacity, customers)


def problem_of(instance: Instance) -> Problem:
    """The day that an instance describes; vans beyond one for each customer are left at the depot."""
    depot, *others = instance.customers
    shift = Window(depot.ready, depot.due)
    crew = tuple(
        Technician(f"van {n}", f"Van {n}", 0, 0, shift, stock={LOAD: instance.capacity})
        for n in range(1, min(instance.vans, len(others)) + 1)
    )
    visits = tuple(
        Visit(
            str(customer.number),
            place,
            customer.service,
            (Window(customer.ready, customer.due),),
            parts={LOAD: customer.demand} if customer.demand else {},
            optional=False,
        )
        for place, customer in enumerate(others, 1)
    )
    lengths = _lengths(instance.customers)
    return Problem(DAY, crew, visits, Matrix(lengths, lengths), policy=PRICES)


def _lengths(customers: Sequence[Customer]) -> tuple[tuple[int, ...], ...]:
    """Distances in tenths, cut off; exact, because the root of a whole number is taken in whole numbers."""
    places = [(customer.x, customer.y) for customer in customers]
    return tuple(tuple(isqrt((a - c) ** 2 + (b - d) ** 2) for c, d in places) for a, b in places)


def _heading(lines: Sequence[tuple[int, list[str]]], word: str, name: str) -> int:
    """Position of the line that opens a section."""
    for at, (_, words) in enumerate(lines):
        if [w.upper() for w in words] == [word]:
            return at
    raise _wrong(name, f"there is no line {word}")


def _customers(lines: Sequence[tuple[int, list[str]]], name: str) -> Iterator[Customer]:
    """The table, line by line."""
    for number, words in lines:
        path = f"{name}:{number}"
        if len(words) != COLUMNS:
            raise _wrong(path, f"{len(words)} numbers in place of {COLUMNS}")
        x, y, ready, due, service = (_tenths(words[at], path) for at in (1, 2, 4, 5, 6))
        yield Customer(_whole(words[0], path), x, y, _whole(words[3], path), ready, due, service)


def _tenths(word: str, path: str) -> int:
    """A number with at most one digit behind the point, in tenths."""
    sign, digits = (-1, word[1:]) if word.startswith("-") else (1, word)
    whole, _, part = digits.partition(".")
    part = part.rstrip("0")
    if not _is_figure(whole) or len(part) > 1 or (part and not _is_figure(part)):
        raise _wrong(path, f"{word[:20]!r} is not a number with at most one digit behind the point")
    return sign * (10 * int(whole) + int(part or "0"))


def _whole(word: str, path: str) -> int:
    """A whole number that is not negative."""
    tenths = _tenths(word, path)
    if tenths % 10 or tenths < 0:
        raise _wrong(path, f"{word[:20]!r} is not a whole number")
    return tenths // 10


def _is_figure(word: str) -> bool:
    return word.isascii() and word.isdecimal() and len(word) <= 9


def _wrong(path: str, cause: str) -> MalformedInput:
    remedy = "lay the file out as Solomon's: name, VEHICLE, CUSTOMER with seven columns"
    return MalformedInput(path, "NOT_SOLOMON", cause, remedy=remedy)
