"""What would be if: scenarios of a day, their plans side by side, and what an assumption puts in danger."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api import roles
from api.addresses import DAY_ADDRESS, DAY_PARAMETER, day_in_address
from api.auth import current_principal, policy
from api.fields import Choice, Day, Flag, Id, Moment, Real, Text, Whole
from api.idempotency import creates
from api.planning import DifferencesShape
from api.resource import Resource
from api.schemas import Counts, ListOf, Schema, list_of
from api.session import current_session
from dispatch.planning import impact, scenarios
from dispatch.planning.assuming import Assumptions
from dispatch.planning.days import day_of
from dispatch.planning.rules import Danger
from dispatch.planning.scenarios import ScenarioView
from dispatch.territories.queries import find_territory

resource = Resource(
    "scenarios", description="A day as it would be under assumptions; nothing of it is published."
)

MOST = 20
"""Assumptions of one kind."""


class AwayShape(Schema):
    """A technician who cannot be planned between two moments."""

    technician_id = Id(required=True)
    starts_at = Moment(required=True)
    ends_at = Moment(required=True)


class LateShape(Schema):
    """A technician who sets out later, a van that comes late."""

    technician_id = Id(required=True)
    minutes = Whole(1, 720, required=True)


class MovedShape(Schema):
    """A site that is somewhere else."""

    site_id = Id(required=True)
    latitude = Real(-90, 90, required=True)
    longitude = Real(-180, 180, required=True)


class EmergenciesShape(Schema):
    """Further emergencies from a moment on, at sites drawn by the seed."""

    count = Whole(1, 20, load_default=1)
    starts_at = Moment(required=True)
    within_minutes = Whole(15, 720, load_default=120)
    duration_minutes = Whole(1, 1440, load_default=60)
    skills = Counts(load_default=dict)


class ClosedAreaShape(Schema):
    """A circle that nobody drives through, and how long it takes to go around."""

    latitude = Real(-90, 90, required=True)
    longitude = Real(-180, 180, required=True)
    radius_metres = Whole(1, 100_000, required=True)
    detour_minutes = Whole(1, 240, load_default=15)


def _many(shape: type[Schema]) -> ListOf:
    return ListOf(fields.Nested(shape), MOST, load_default=list)


class NewImpact(Schema):
    """What is assumed."""

    absences = _many(AwayShape)
    delays = _many(LateShape)
    shifts = _many(AwayShape)
    moved_sites = _many(MovedShape)
    closed_areas = _many(ClosedAreaShape)


class NewScenario(NewImpact):
    """A title, what is assumed, and how long the engine may think."""

    title = Text(required=True)
    emergencies = _many(EmergenciesShape)
    seed = Whole(0, 2**31 - 1, load_default=1)
    seconds = Real(0.1, 60, load_default=5.0)


class ImaginedShape(Schema):
    """What became of an emergency that was only assumed; nobody comes when there is no technician."""

    technician_id = Id(required=True, allow_none=True)
    start = Moment(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)


class OutcomeShape(Schema):
    """Figures of a scenario's plan against the plan in force when it was planned; money in minor units."""

    served = Whole(required=True)
    left_out = Whole(required=True)
    promises_broken = Whole(required=True)
    told_anew = Whole(required=True)
    technicians_changed = Whole(required=True)
    cost_minor = Whole(required=True)
    overtime_minor = Whole(required=True)
    metres = Whole(required=True)
    emergencies = fields.List(fields.Nested(ImaginedShape), required=True)


class ScenarioShape(Schema):
    """
    A scenario.

    ``plan_id`` and ``outcome`` come once it is planned; ``is_stale`` says that the day has moved on since.
    """

    id = Id(required=True)
    territory_id = Id(required=True)
    day = Day(required=True)
    title = fields.String(required=True)
    assumptions = fields.Dict(required=True)
    seed = Whole(required=True)
    state = fields.String(required=True)
    run_id = Id(required=True, allow_none=True)
    plan_id = Id(required=True, allow_none=True)
    outcome = fields.Nested(OutcomeShape, required=True, allow_none=True)
    is_stale = Flag(required=True)
    created_at = Moment(required=True)


ScenarioList = list_of(ScenarioShape)


class RepairShape(Schema):
    """Who would come when instead, and what it costs the plan in minor units."""

    technician_id = Id(required=True)
    start = Moment(required=True)
    extra_minor = Whole(required=True)
    keeps_promise = Flag(required=True)


class EndangeredShape(Schema):
    """A visit that would stand worse, and the cheapest repair that is left for it."""

    visit_id = Id(required=True)
    number = fields.String(required=True)
    technician_id = Id(required=True)
    window_end = Moment(required=True, allow_none=True)
    danger_now = Choice(Danger, required=True)
    danger = Choice(Danger, required=True)
    expected_arrival = Moment(required=True, allow_none=True)
    repair = fields.Nested(RepairShape, required=True, allow_none=True)
    sentence = fields.String(required=True)


ImpactList = list_of(EndangeredShape)


@resource.post(DAY_ADDRESS + "/scenarios", parameters=DAY_PARAMETER)
@policy(*roles.PLANNERS)
@creates
@resource.arguments(NewScenario)
@resource.response(202, ScenarioShape)
def create_scenario(body: dict[str, Any], territory_id: uuid.UUID, day: str) -> object:
    """Plan a day as it would be; the plan is kept beside the real one and can never be published."""
    session, me = current_session(), current_principal()
    place = find_territory(session, me, territory_id)
    given = {name: body.pop(name) for name in list(body) if name not in {"title", "seed", "seconds"}}
    row = scenarios.request_scenario(
        session, by=me, territory=place, day=day_in_address(day), assumptions=given, **body
    )
    return _shown(scenarios.view_of(session, row))


@resource.get(DAY_ADDRESS + "/scenarios", parameters=DAY_PARAMETER)
@policy(*roles.READERS)
@resource.response(200, ScenarioList)
def list_scenarios(territory_id: uuid.UUID, day: str) -> object:
    """The newest scenarios of a day."""
    session, me = current_session(), current_principal()
    place = find_territory(session, me, territory_id)
    return {
        "items": [_shown(view) for view in scenarios.scenarios_of(session, place.id, day_in_address(day))]
    }


@resource.get("/scenarios/<uuid:scenario_id>")
@policy(*roles.READERS)
@resource.response(200, ScenarioShape)
def read_scenario(scenario_id: uuid.UUID) -> object:
    """One scenario; its plan is read like any plan, and compared with the plan in force like any proposal."""
    session = current_session()
    found = scenarios.find_scenario(session, current_principal(), scenario_id)
    return _shown(scenarios.view_of(session, found))


@resource.get("/scenarios/<uuid:scenario_id>/differences/<uuid:other_scenario_id>")
@policy(*roles.READERS)
@resource.response(200, DifferencesShape)
def compare_scenarios(scenario_id: uuid.UUID, other_scenario_id: uuid.UUID) -> object:
    """What the other scenario's plan does otherwise, and what both cost by term."""
    session, me = current_session(), current_principal()
    first = scenarios.find_scenario(session, me, scenario_id)
    return scenarios.compared(session, first, scenarios.find_scenario(session, me, other_scenario_id))


@resource.post(DAY_ADDRESS + "/impact", parameters=DAY_PARAMETER)
@policy(*roles.PLANNERS)
@resource.arguments(NewImpact)
@resource.response(200, ImpactList)
def assess_impact(body: dict[str, Any], territory_id: uuid.UUID, day: str) -> object:
    """What an absence, another shift, a delay or a moved site would put in danger, and what would mend it."""
    session, me = current_session(), current_principal()
    place = find_territory(session, me, territory_id)
    on = day_of(session, place.id, day_in_address(day))
    return {"items": impact.impact(session, on, Assumptions.of(body))}


def _shown(view: ScenarioView) -> dict[str, Any]:
    row = view.scenario
    names = ("id", "territory_id", "day", "title", "assumptions", "seed", "run_id", "plan_id", "created_at")
    shown = {name: getattr(row, name) for name in names}
    return shown | {"state": view.state, "is_stale": view.is_stale, "outcome": view.outcome}
