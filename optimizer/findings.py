"""What validation says about an input, and the sentences for times and amounts out of range."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from optimizer.errors import OptimizerError
from optimizer.problem import Window
from optimizer.units import HORIZON, clock

LARGEST = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """
    Something wrong with an input.

    code
        Kind of finding.
    subject
        What it is about, such as ``visit V7`` or ``technician ada``.
    cause
        What is wrong, in words.
    remedy
        How to mend it.
    severity
        ``error``: it cannot be planned; ``warning``: it can, and somebody should look.
    """

    code: str
    subject: str
    cause: str
    remedy: str
    severity: str = "error"

    def __str__(self) -> str:
        return f"{self.code} · {self.subject}: {self.cause} · {self.remedy}"


class InvalidProblem(OptimizerError):
    """An input that cannot be planned; ``findings`` lists everything wrong with it."""

    code: str = "INVALID_PROBLEM"

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("; ".join(map(str, self.findings)), "mend the input and plan again")


def interval(subject: str, window: Window, *, code: str, what: str) -> Iterator[Finding]:
    """One interval runs forward and lies within the horizon."""
    if window.end < window.start:
        cause = f"{what} ends at {clock(window.end)}, before it starts at {clock(window.start)}"
        yield Finding(code, subject, cause, "swap start and end, or correct them")
    for limit in (window.start, window.end):
        yield from moment(subject, limit, what=what)


def moment(subject: str, seconds: int, *, what: str) -> Iterator[Finding]:
    """One moment lies within the horizon."""
    if not 0 <= seconds <= HORIZON:
        cause = f"{what} at {seconds} seconds lies outside the plan day and the week after it"
        yield Finding("TIME_OUT_OF_RANGE", subject, cause, f"use 0 to {HORIZON} seconds since local midnight")


def amount(subject: str, number: int, *, what: str, largest: int = LARGEST) -> Iterator[Finding]:
    """One amount is neither negative nor absurd."""
    if number < 0:
        yield Finding("NEGATIVE_NUMBER", subject, f"{what} is {number}", "use 0 or more")
    elif number > largest:
        yield Finding("NUMBER_TOO_LARGE", subject, f"{what} is {number}", f"use at most {largest}")


def amounts(
    subject: str, numbers: Mapping[str, int], *, what: str, largest: int = LARGEST
) -> Iterator[Finding]:
    """Named amounts are neither negative nor absurd."""
    for name, number in sorted(numbers.items()):
        yield from amount(subject, number, what=f"{what} {name[:40]}", largest=largest)


def doubt(code: str, subject: str, cause: str, remedy: str) -> Finding:
    """A finding that does not stop planning."""
    return Finding(code, subject, cause, remedy, "warning")
