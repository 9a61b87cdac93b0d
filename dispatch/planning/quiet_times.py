"""R-307: planned work keeps out of a business customer's peak season and hours, and is announced in time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from dispatch.contracts.house_rules import HouseRules
from dispatch.customers.model import Customer, Site
from dispatch.work_orders.rules import PLANNED_WORK


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
