"""The three integer units of the planning engine."""

from typing import TypeAlias

Seconds: TypeAlias = int
"""Seconds since local midnight of the plan day; may exceed 86,400 for a night shift. Also lengths of time."""

Metres: TypeAlias = int
"""Length on the road."""

Cents: TypeAlias = int
"""Minor units of the company's currency; every price and penalty of a plan is counted in them."""

DAY: Seconds = 86_400
HORIZON: Seconds = 7 * DAY
NEVER: Seconds = 1 << 40
"""A moment that does not come; ``-NEVER`` is one that has always been too late."""


def clock(moment: Seconds) -> str:
    """Write a moment as a clock shows it: 8:05, and 25:30 for half past one of the next night."""
    sign = "-" if moment < 0 else ""
    minutes, seconds = divmod(abs(moment), 60)
    text = f"{sign}{minutes // 60}:{minutes % 60:02d}"
    return f"{text}:{seconds:02d}" if seconds else text


def span(length: Seconds) -> str:
    """Write a length of time for a reader: 45 s, 20 min, 2 h 05 min."""
    if length < 60:
        return f"{length} s"
    minutes = (length + 59) // 60
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
