"""A small town to plan: technicians on duty and visits spread over it, judged by the engine's own checker."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from dispatch import clock, outbox, travel
from dispatch.bootstrap import JOBS, SUBSCRIPTIONS
from dispatch.outbox import JobRun
from dispatch.planning import heads, plan_rows, problem
from dispatch.planning.commands import book, publish
from dispatch.planning.days import Day, day_of
from dispatch.planning.model import DayPlan, PlanHead, PlanStop
from dispatch.planning.problem import Built
from dispatch.technicians.model import Technician
from dispatch.territories.model import Territory
from dispatch.work_orders.model import Visit
from optimizer.check import check
from optimizer.plan import Plan, Unserved, Violation
from tests.builders import (
    DAY,
    a_customer,
    a_shift,
    a_site,
    a_technician,
    a_territory,
    a_visit,
    an_order,
    at,
)


def register_kinds() -> None:
    """Let events start the jobs they start in production, without anybody performing them."""
    outbox.register(JOBS, SUBSCRIPTIONS)


@dataclass
class Town:
    """One territory with technicians on duty on the test day."""

    session: Session
    territory: Territory

    def technician(self, hours: tuple[float, float] = (8, 16), **fields: Any) -> Technician:
        """Somebody on duty between two local hours, with a break unless told otherwise."""
        shift = {name: fields.pop(name) for name in list(fields) if name.startswith("break_")}
        days = fields.pop("days", 0)
        fields.setdefault("overtime_minutes", 0)
        who = a_technician(self.session, territory=self.territory, **fields)
        start, end = at(hours[0], days=days), at(hours[1], days=days)
        rest = {"break_earliest": at(11, days=days), "break_latest": at(13, days=days)}
        if not hours[0] <= 11 <= hours[1] - 3:
            rest = {"break_minutes": 0, "break_earliest": None, "break_latest": None}
        a_shift(self.session, who, starts_at=start, ends_at=end, **{**rest, **shift})
        return who

    def visit(self, latitude: float = 60.17, longitude: float = 24.94, **fields: Any) -> Visit:
        """An unplanned visit somewhere in town; names of the order's fields go to the order."""
        of_order = {
            name: fields.pop(name)
            for name in ("priority", "excluded_technicians", "waiting_reason", "response_due_at")
            if name in fields
        }
        site = a_site(
            self.session,
            customer=a_customer(self.session),
            territory=self.territory,
            latitude=latitude,
            longitude=longitude,
            parking_minutes=fields.pop("parking_minutes", 0),
            access_minutes=0,
        )
        return a_visit(self.session, order=an_order(self.session, site=site, **of_order), **fields)

    def visits(self, number: int, seed: int = 1, **fields: Any) -> list[Visit]:
        """Visits at random places."""
        chance = random.Random(seed)
        return [
            self.visit(60.12 + 0.1 * chance.random(), 24.85 + 0.18 * chance.random(), **fields)
            for _ in range(number)
        ]

    @property
    def day(self) -> Day:
        """The test day."""
        return day_of(self.session, self.territory.id, DAY)

    def head(self, on: date = DAY) -> PlanHead:
        """The day's head."""
        found = heads.find(self.session, self.territory.id, on)
        assert found is not None
        return found

    def in_force(self, on: date = DAY) -> DayPlan | None:
        """The plan that the next change starts from."""
        return heads.in_force(self.session, heads.find(self.session, self.territory.id, on))

    def built(self, plan: DayPlan | None = None, on: date = DAY) -> Built:
        """The day as the engine sees it now."""
        day = day_of(self.session, self.territory.id, on)
        return problem.build(self.session, day, travel.times(), plan=plan or self.in_force(on))

    def draft(self, stops: Iterable[tuple[Technician, Visit, float]]) -> DayPlan:
        """A draft written by hand: who serves what from which local hour on; one hour each."""
        head = heads.locked(self.session, self.territory.id, DAY)
        rows = [(who, visit, at(hour)) for who, visit, hour in stops]
        return self.plan_of(rows, head, state="draft")

    def plan_of(
        self, rows: list[tuple[Technician, Visit, datetime]], head: PlanHead, *, state: str
    ) -> DayPlan:
        """A plan written by hand."""
        plan = DayPlan(
            territory_id=self.territory.id,
            day=head.day,
            state=state,
            base_version=head.version,
            reason="test",
            created_at=clock.now(),
        )
        positions: dict[uuid.UUID, int] = {}
        for who, visit, start in rows:
            position = positions.get(who.id, 0)
            positions[who.id] = position + 1
            end = start + timedelta(minutes=visit.duration_minutes)
            plan.stops.append(
                PlanStop(
                    visit_id=visit.id,
                    technician_id=who.id,
                    position=position,
                    arrival=start,
                    start=start,
                    end=end,
                    travel_seconds=0,
                    travel_metres=0,
                )
            )
        self.session.add(plan)
        self.session.flush()
        if state == "draft":
            head.working_plan_id = plan.id
        self.session.flush()
        return plan


def a_town(session: Session) -> Town:
    """An empty town."""
    return Town(session, a_territory(session))


def a_published_day(town: Town, *hours: int, minutes: int) -> tuple[Technician, Technician, list[Visit]]:
    """Two technicians, one at the visits and one further away; visits for the first, published."""
    town.territory.emergency_reserve_percent = 0
    near = town.technician((8, 18), break_minutes=0, home_latitude=60.2, home_longitude=24.99)
    far = town.technician((8, 18), break_minutes=0, home_latitude=60.13, home_longitude=24.85)
    visits = []
    for hour in hours:
        visit = town.visit(60.2, 24.99, duration_minutes=minutes)
        book(town.session, by=None, visit=visit, start=at(hour), end=at(hour + 2), channel="phone")
        visits.append(visit)
    plan = town.in_force()
    assert plan is not None
    publish(town.session, by=None, plan=plan, expected_version=town.head().version)
    assert {stop.technician_id for stop in plan.stops} == {near.id}
    return near, far, visits


def violations(town: Town, plan: DayPlan, on: date = DAY) -> list[Violation]:
    """What the checker says of a stored plan, every stored time compared with the engine's own."""
    built = town.built(plan, on)
    timed = plan_rows.to_plan(built, plan)
    assert stored_times(built, plan) == stated_times(timed)
    left = {str(row.visit_id): row.reason for row in plan.unserved}
    if plan.state == "draft":
        left |= {job.id: "NOT_BOOKED" for job in built.problem.visits if job.id not in stated_times(timed)}
    return check(
        built.problem, Plan(timed.routes, tuple(Unserved(name, reason) for name, reason in left.items()))
    )


def stored_times(built: Built, plan: DayPlan) -> dict[str, tuple[str, int, int, int, int]]:
    """Visit to technician, arrival, start, end and travel as stored."""
    seconds = built.day.seconds
    return {
        str(stop.visit_id): (
            str(stop.technician_id),
            seconds(stop.arrival),
            seconds(stop.start),
            seconds(stop.end),
            stop.travel_seconds,
        )
        for stop in plan.stops
    }


def stated_times(plan: Plan) -> dict[str, tuple[str, int, int, int, int]]:
    """The same of an engine's plan."""
    return {
        stop.visit_id: (route.technician_id, stop.arrival, stop.start, stop.end, stop.travel)
        for route in plan.routes
        for stop in route.stops
    }


def feed_of(session: Session, technician: Technician) -> list[tuple[str, str]]:
    """What a technician's phone was told: entity id and kind, in order."""
    statement = text("select entity_id, kind from feed_row where scope = :scope order by seq")
    rows = session.execute(statement, {"scope": f"technician:{technician.id}"})
    return [(row[0], row[1]) for row in rows]


def runs_of(session: Session, kind: str) -> list[JobRun]:
    """Runs that were written, oldest first."""
    return list(session.scalars(select(JobRun).where(JobRun.kind == kind).order_by(JobRun.id)))
