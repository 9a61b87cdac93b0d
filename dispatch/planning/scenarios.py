"""Scenarios as dispatchers make, read and compare them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, outbox, text
from dispatch.access.queries import in_scope
from dispatch.access.rules import Principal
from dispatch.db import new_id
from dispatch.errors import NotFound
from dispatch.planning import assuming, heads
from dispatch.planning.assuming import Assumptions
from dispatch.planning.days import day_of
from dispatch.planning.differences import Differences, between
from dispatch.planning.model import DayPlan, Scenario
from dispatch.planning.rules import AssumptionInvalid
from dispatch.territories.model import Territory

MOST_LISTED = 50


@dataclass(frozen=True, slots=True)
class ScenarioView:
    """A scenario, its figures once it is planned, and whether the day has moved on since."""

    scenario: Scenario
    state: str
    is_stale: bool
    outcome: dict[str, Any] | None


def request_scenario(
    session: Session,
    *,
    by: Principal,
    territory: Territory,
    day: date,
    title: str,
    assumptions: dict[str, Any],
    seed: int = 1,
    seconds: float = 5.0,
) -> Scenario:
    """Keep a scenario and ask for its plan; the day itself is left as it is."""
    given = Assumptions.of(assumptions)
    if given == Assumptions():
        raise AssumptionInvalid("nothing is assumed")
    assuming.checked(session, day_of(session, territory.id, day), given)
    row = Scenario(
        territory_id=territory.id,
        day=day,
        title=text.line(title, "title"),
        assumptions=given.plain(),
        seed=seed,
        seconds=seconds,
        outcome={},
        created_at=clock.now(),
        created_by=by.user_id,
    )
    session.add(row)
    session.flush()
    key = f"planning.what_if:{new_id()}"
    row.run_id = outbox.request(session, "planning.what_if", key=key, payload={"scenario_id": str(row.id)})
    session.flush()
    return row


def find_scenario(session: Session, principal: Principal, scenario_id: uuid.UUID) -> Scenario:
    """Return a scenario within the person's scope."""
    statement = select(Scenario).where(Scenario.id == scenario_id, in_scope(principal, Scenario.territory_id))
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise NotFound("no such scenario")
    return found


def view_of(session: Session, scenario: Scenario) -> ScenarioView:
    """Return how a scenario stands."""
    run = session.get(outbox.JobRun, scenario.run_id) if scenario.run_id else None
    plan = session.get(DayPlan, scenario.plan_id) if scenario.plan_id else None
    head = heads.find(session, scenario.territory_id, scenario.day)
    state = "done" if plan is not None else run.state if run is not None else "ready"
    moved = plan is not None and head is not None and plan.base_version != head.version
    return ScenarioView(scenario, state, moved, _figures(scenario))


def _figures(scenario: Scenario) -> dict[str, Any] | None:
    """The stored figures, with moments and ids as such."""
    if not scenario.outcome:
        return None
    emergencies = [
        row
        | {
            "start": datetime.fromisoformat(row["start"]) if row["start"] else None,
            "technician_id": uuid.UUID(row["technician_id"]) if row["technician_id"] else None,
        }
        for row in scenario.outcome["emergencies"]
    ]
    return {**scenario.outcome, "emergencies": emergencies}


def scenarios_of(session: Session, territory_id: uuid.UUID, day: date) -> Sequence[ScenarioView]:
    """Return the newest scenarios of a day."""
    statement = (
        select(Scenario)
        .where(Scenario.territory_id == territory_id, Scenario.day == day)
        .order_by(Scenario.created_at.desc(), Scenario.id.desc())
        .limit(MOST_LISTED)
    )
    return [view_of(session, row) for row in session.scalars(statement)]


def compared(session: Session, first: Scenario, second: Scenario) -> Differences:
    """Return what the second scenario's plan does otherwise than the first one's."""
    if (first.territory_id, first.day) != (second.territory_id, second.day):
        raise AssumptionInvalid("the two scenarios are of different days")
    plans = [session.get(DayPlan, row.plan_id) if row.plan_id else None for row in (first, second)]
    if plans[0] is None or plans[1] is None:
        raise AssumptionInvalid("a scenario is not planned yet")
    return between(session, plans[0], plans[1])
