"""R-307: planned work keeps out of a business customer's peak season and hours, and is announced in time."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.contracts.house_rules import HouseRules, rules_of_contracts
from dispatch.customers.model import Customer, Site
from dispatch.planning.candidates import NOT_BEGUN, Facts
from dispatch.planning.days import Day
from dispatch.work_orders.rules import PLANNED_WORK
from optimizer.problem import Window


@dataclass(frozen=True, slots=True)
class QuietTimes:
    """
    When planned work may not be offered at a site.

    peak_months, peak_hours
        Months, and local hours from and to.
    notice_days
        So many days it is announced ahead.
    """

    zone: str
    peak_months: frozenset[int] = frozenset()
    peak_hours: tuple[tuple[int, int], ...] = ()
    notice_days: int = 0

    def objection(self, start: datetime, end: datetime, today: date) -> tuple[str, str] | None:
        """Return why a window is not offered: a code and a sentence; None when it may be."""
        opens, closes = (moment.astimezone(ZoneInfo(self.zone)) for moment in (start, end))
        if opens.date() < today + timedelta(days=self.notice_days):
            return "TOO_SOON", f"planned work at a business is announced {self.notice_days} days ahead"
        if opens.month in self.peak_months:
            return "CUSTOMER_PEAK", "it is the customer's peak season"
        first, last = opens.hour * 60 + opens.minute, closes.hour * 60 + closes.minute
        last += 1440 * (closes.date() - opens.date()).days
        if any(60 * begin < last and first < 60 * stop for begin, stop in self.peak_hours):
            return "CUSTOMER_PEAK", "these are the customer's peak hours"
        return None


def quiet_times(
    session: Session, site: Site, kind: str | None, rules: HouseRules, zone: str
) -> QuietTimes | None:
    """Return when a kind of work may not be offered at a site; None when it may be at any time."""
    if kind not in PLANNED_WORK:
        return None
    is_business = session.get_one(Customer, site.customer_id).kind == "business"
    if not is_business:
        return None
    return QuietTimes(
        zone,
        frozenset(site.peak_months) if rules.peak_protection else frozenset(),
        tuple((int(begin), int(stop)) for begin, stop in site.peak_hours) if rules.peak_protection else (),
        rules.business_days if rules.business_announcement else 0,
    )


def windows_outside_peaks(
    session: Session, day: Day, rows: Iterable[Facts], now: int
) -> dict[uuid.UUID, tuple[Window, ...]]:
    """
    Return when planned work that nobody has promised may begin, for visits that peaks concern.

    Planning chooses such a visit's time by itself, so it keeps out of peak hours and months as offers do.
    """
    concerned = [
        row
        for row in rows
        if row[0].state in NOT_BEGUN
        and row[0].window_start is None
        and row[1].kind in PLANNED_WORK
        and (row[2].peak_hours or day.day.month in row[2].peak_months)
    ]
    if not concerned:
        return {}
    owners = {site.customer_id for _, _, site in concerned}
    statement = select(Customer.id).where(Customer.id.in_(owners), Customer.kind == "business")
    businesses = set(session.scalars(statement))
    rules = rules_of_contracts(session, {order.contract_id for _, order, _ in concerned})
    return {
        visit.id: _between(day, _peaks(site, day), now, visit.duration_minutes * 60)
        for visit, order, site in concerned
        if site.customer_id in businesses and rules[order.contract_id].peak_protection
    }


def _peaks(site: Site, day: Day) -> Sequence[Sequence[int]]:
    """A site's peak hours on a day: all of them in a peak month."""
    return [[0, 24]] if day.day.month in site.peak_months else site.peak_hours


def _between(day: Day, peaks: Sequence[Sequence[int]], now: int, length: int) -> tuple[Window, ...]:
    """When work of some length may begin to be over before the next peak, until the plan day's end."""
    found, free_from = [], now
    for ahead in (0, 24):
        for begin, stop in sorted((int(start), int(end)) for start, end in peaks):
            last = min(day.at_hour(begin + ahead) - length, Day.LATEST)
            if free_from <= last:
                found.append(Window(free_from, last))
            free_from = max(free_from, day.at_hour(stop + ahead))
    if free_from <= Day.LATEST or not found:  # none at all would mean any time
        found.append(Window(min(free_from, Day.LATEST), Day.LATEST))
    return tuple(found)
