"""Hours in which windows are offered and nobody works: callers would see them always closed (R-303)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.doctor.findings import Finding
from dispatch.doctor.staffing import DAYS, WEEKDAYS
from dispatch.planning.days import Day
from dispatch.planning.rules import OfferPolicy, SlotGrid
from dispatch.settings import Settings
from dispatch.technicians.queries import on_duty
from dispatch.technicians.rules import Interval
from dispatch.territories.model import Territory

Hours = tuple[int, int]


def offered_hours(session: Session) -> Iterator[Finding]:
    """Look for windows of the booking grid outside all shifts, on the working days of the next week."""
    grid = OfferPolicy.of(Settings.from_environment()).grid
    active = select(Territory).where(Territory.is_active).order_by(Territory.code)
    for territory in session.scalars(active).all():
        try:
            ZoneInfo(territory.timezone)
        except (KeyError, ValueError):
            continue  # a finding of its own
        for days, hours in _together(_closed(session, territory, grid)):
            shown = ", ".join(WEEKDAYS[day.weekday()] for day in days)
            message = (
                f"{territory.code}: windows from {hours[0]}:00 to {hours[1]}:00 are offered, and nobody "
                f"is on duty then on {shown}"
            )
            remedy = (
                "Add shifts in these hours, or offer others: "
                "TRUCKROLL_OFFER_FIRST_HOUR, TRUCKROLL_OFFER_LAST_HOUR."
            )
            yield Finding("warning", "OFFERED_UNSTAFFED", message, remedy)


def _closed(session: Session, territory: Territory, grid: SlotGrid) -> Iterator[tuple[Sequence[date], Hours]]:
    """Slots of the grid, each with the working days of the next week on which no shift touches it."""
    today = Day(territory.id, clock.business_day(clock.now(), territory.timezone), territory.timezone)
    ahead = [today.later(number) for number in range(-1, DAYS)]
    duties = {day.day: on_duty(session, territory.id, day.day) for day in ahead}
    pieces = [piece for crew in duties.values() for duty in crew for piece in duty.free]
    for begin, end in grid.local_hours():
        missing = [
            day.day
            for day in ahead[1:]
            if duties[day.day] and not _is_staffed(pieces, *map(day.moment, map(day.at_hour, (begin, end))))
        ]
        yield missing, (begin, end)


def _is_staffed(pieces: Sequence[Interval], start: datetime, end: datetime) -> bool:
    """Whether somebody is on duty in a window that is not over yet; one that is over counts as staffed."""
    return end <= clock.now() or any(piece.start < end and piece.end > start for piece in pieces)


def _together(
    closed: Iterator[tuple[Sequence[date], Hours]],
) -> Iterator[tuple[Sequence[date], Hours]]:
    """Join slots in a row that are closed on the same days."""
    for days, group in groupby(closed, key=lambda pair: pair[0]):
        hours = [pair[1] for pair in group]
        if days:
            yield days, (hours[0][0], hours[-1][1])
