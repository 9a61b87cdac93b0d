"""A day that is watched: looks at it, and what they found."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.customers.model import Customer
from dispatch.planning.commands import book, publish
from dispatch.planning.model import DayPlan
from dispatch.planning.watching import watch
from dispatch.promises import alarming
from dispatch.promises.alarming import Sight
from dispatch.promises.model import PromiseAlarm
from dispatch.promises.rules import AlarmPolicy
from dispatch.work_orders.model import Visit
from tests.builders import DAY, at
from tests.planning_world import Town

POLICY = AlarmPolicy(confirm=timedelta(minutes=10), notice=timedelta(minutes=30))


def promised(town: Town, hour: int) -> Visit:
    """A visit promised for two hours from an hour on."""
    found = town.visit(60.2, 24.99, duration_minutes=60)
    book(town.session, by=None, visit=found, start=at(hour), end=at(hour + 2), channel="phone")
    return found


def look(town: Town, policy: AlarmPolicy = POLICY) -> list[PromiseAlarm]:
    """Look at the day once."""
    return watch(town.session, town.territory.id, DAY, policy)


def alarms(town: Town) -> list[PromiseAlarm]:
    """All alarms there are."""
    return list(town.session.scalars(select(PromiseAlarm).order_by(PromiseAlarm.seen_at)))


def publish_day(town: Town) -> DayPlan:
    """Publish the day as it is."""
    plan = town.in_force()
    assert plan is not None
    publish(town.session, by=None, plan=plan, expected_version=town.head().version)
    return plan


def sights(visit: Visit, *, breaking: bool) -> list[Sight]:
    """How the visit stands."""
    return [Sight(visit.id, at(15), breaking)]


def note(town: Town, visit: Visit, *, breaking: bool) -> list[PromiseAlarm]:
    """Note a look ahead."""
    return alarming.look(town.session, town.territory.id, DAY, sights(visit, breaking=breaking), POLICY)


def customer_of(session: Session, visit: Visit) -> Customer:
    """The customer of a visit."""
    return session.get_one(Customer, visit.work_order.customer_id)


def on_the_way(town: Town, visit: Visit, since: datetime) -> None:
    """Publish the day and let the technician set out."""
    plan = publish_day(town)
    visit.state, visit.travelling_at = "travelling", since
    [stop] = [stop for stop in plan.stops if stop.visit_id == visit.id]
    stop.travel_seconds = 900
    town.session.flush()
