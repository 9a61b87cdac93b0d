"""The price that a supervisor tells before the work, prefilled from the template and the tariff (R-204)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.billing import pricing
from dispatch.billing.commands import prices_on
from dispatch.calls.model import ProblemTemplate, RepairCall
from dispatch.money import Money
from dispatch.parts import queries as parts
from dispatch.territories.queries import zone_of


@dataclass(frozen=True, slots=True)
class CallEstimate:
    """R-204: labour, parts and travel before tax, for the usual duration of the problem."""

    duration_minutes: int
    labour: Money
    parts: Money
    travel: Money

    @property
    def total(self) -> Money:
        """All three together."""
        return self.labour + self.parts + self.travel


def estimate(session: Session, call: RepairCall) -> CallEstimate:
    """Return the estimate of a call that was found before, by today's tariff; nothing is written."""
    template = session.get_one(ProblemTemplate, call.template_code)
    zone = zone_of(session, call.territory_id)
    prices = prices_on(session, clock.business_day(clock.now(), zone))
    listed = parts.listed_minor(session, template.parts)
    labour, parts_minor, travel = pricing.estimate(
        template.duration_minutes, listed, prices, template.crew_size
    )
    return CallEstimate(
        template.duration_minutes,
        Money(labour, prices.currency),
        Money(parts_minor, prices.currency),
        Money(travel, prices.currency),
    )
