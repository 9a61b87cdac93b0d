"""What somebody wants a window for before there is a visit: a place, what the work needs, how urgent."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.contracts import queries as contracts
from dispatch.contracts.hours import DueTimes, due_times
from dispatch.contracts.house_rules import house_rules
from dispatch.contracts.model import Contract
from dispatch.customers.model import Asset, Site
from dispatch.db import new_id
from dispatch.planning import crews
from dispatch.planning.days import Day
from dispatch.promises.model import SlotHold
from dispatch.territories.queries import zone_of
from dispatch.work_orders.needing import check_needs
from dispatch.work_orders.queries import past_visits
from dispatch.work_orders.rules import Needs, technicians_to_avoid
from optimizer.problem import Visit as Job
from optimizer.problem import Window


class Located(Protocol):
    """Numbers of a day's places."""

    sites: dict[uuid.UUID, int]


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    A visit that does not exist yet.

    due
        Until when somebody must be there, and the fault be solved, by contract (R-401, R-402).
    """

    site: Site
    needs: Needs
    priority: int
    excluded_technicians: tuple[str, ...] = ()
    due: DueTimes = field(default_factory=DueTimes)
    kind: str | None = None
    """R-201: what kind of work it is; None while nobody knows."""
    contract: Contract | None = None
    id: uuid.UUID = field(default_factory=new_id)

    def job(self, day: Day, places: Located, window: Window | None = None) -> Job:
        """Return it as the optimiser's, to begin within a window, or at any time from now on."""
        now = max(0, day.seconds(clock.now()))
        required = self.needs.required_technician_id
        return Job(
            id=str(self.id),
            location=places.sites[self.site.id],
            duration=self.needs.duration_minutes * 60,
            windows=(window or Window(now, Day.LATEST),),
            skills={code: int(level) for code, level in self.needs.skills.items()},
            certificates=frozenset(self.needs.certificates),
            parts={sku: int(count) for sku, count in self.needs.parts.items()},
            territory=str(day.territory_id),
            priority=self.priority,
            excluded_technicians=frozenset(self.excluded_technicians),
            required_technician=str(required) if required else None,
        )

    def jobs(self, day: Day, places: Located, window: Window | None = None) -> list[Job]:
        """Return it as a visit of the optimiser for everybody whom it takes, the leader's first."""
        return crews.seats_of(self.job(day, places, window), self.needs.crew_size)


def held_jobs(hold: SlotHold, site: Site, day: Day, places: Located, *, tied: bool) -> list[Job]:
    """Return a held window as the optimiser's visits, to begin within it; those of a crew are tied or not."""
    needs = Needs(
        duration_minutes=hold.duration_minutes,
        skills=hold.skills,
        certificates=tuple(hold.certificates),
        parts=hold.parts,
        crew_size=hold.crew_size,
        required_technician_id=hold.required_technician_id,
    )
    asked = Wanted(site, needs, hold.priority, tuple(hold.excluded_technicians), id=hold.id)
    window = Window(max(0, day.seconds(hold.window_start)), day.seconds(hold.window_end))
    seats = asked.jobs(day, places, window)
    return [crews.as_team(job, str(hold.id)) for job in seats] if tied and len(seats) > 1 else seats


def wanted(
    session: Session,
    *,
    site: Site,
    needs: Needs,
    priority: int,
    asset: Asset | None = None,
    fault_code: str | None = None,
    kind: str | None = None,
    requested_at: datetime | None = None,
) -> Wanted:
    """
    Gather what a window is wanted for.

    The contract in force tells the limits (R-401, R-402); who repaired the same fault of the asset lately
    stays away (R-508).
    """
    check_needs(session, needs)
    asked = requested_at or clock.now()
    zone = zone_of(session, site.territory_id)
    day = clock.business_day(asked, zone)
    contract = contracts.for_asset(session, site.customer_id, asset.id if asset else None, day)
    hours = contracts.hours_of(session, contract, zone)
    within = timedelta(days=house_rules(session, contract).repeat_days)
    past = past_visits(session, asset.id, fault_code) if asset and fault_code else []
    return Wanted(
        site,
        needs,
        priority,
        excluded_technicians=tuple(str(who) for who in technicians_to_avoid(past, asked, within)),
        due=due_times(asked, contract, hours),
        kind=kind,
        contract=contract,
    )
