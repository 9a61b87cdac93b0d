"""Day plans: read a day, have it optimised, publish by compare-and-set, pin visits."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api import roles
from api.addresses import DAY_ADDRESS, DAY_PARAMETER, day_in_address
from api.auth import current_principal, policy
from api.config import current_settings
from api.errors import RequestInvalid
from api.etags import changes, expected_version
from api.fields import Choice, Day, Flag, Id, Moment, Notes, Real, Whole, Word
from api.idempotency import creates
from api.resource import Resource
from api.schemas import ListOf, Schema
from api.session import current_session
from dispatch.planning import commands, differences, forecasting, queries
from dispatch.planning.rules import Danger
from dispatch.technicians.queries import find_technician
from dispatch.work_orders.queries import find_visit

resource = Resource("planning", description="Versioned day plans of a territory.")

PLAN_STATES = ("draft", "proposed", "published", "superseded", "rejected", "what_if")
RUN_STATES = ("ready", "running", "done", "parked", "cancelled")


class StopShape(Schema):
    """One visit on one technician's route."""

    visit_id = Id(required=True)
    technician_id = Id(required=True)
    position = Whole(required=True)
    arrival = Moment(required=True)
    start = Moment(required=True)
    end = Moment(required=True)
    travel_seconds = Whole(required=True)
    travel_metres = Whole(required=True)


class UnservedShape(Schema):
    """A visit that the plan leaves out, with the reason and what would help."""

    visit_id = Id(required=True)
    reason = fields.String(required=True)
    sentence = fields.String(required=True)
    action = fields.String(required=True)


class DoubtShape(Schema):
    """
    What a plan keeps against a rule because of a lock, or what looks like a mistake.

    ``code`` is LOCK_AGAINST_RULE (``rule`` names the rule), LOCKS_CLASH, LOCK_OUTSIDE_WINDOW, TEAM_OF_ONE or
    TEAM_TOO_LARGE; ``cause`` gives the figures.
    """

    code = fields.String(required=True)
    rule = fields.String(required=True, allow_none=True)
    visit_id = Id(required=True, allow_none=True)
    technician_id = Id(required=True, allow_none=True)
    cause = fields.String(required=True)
    sentence_en = fields.String(required=True)
    sentence_zh = fields.String(required=True)


class PlanShape(Schema):
    """A plan of one day."""

    id = Id(required=True)
    territory_id = Id(required=True)
    day = Day(required=True)
    state = Word(PLAN_STATES, required=True)
    base_version = Whole(required=True)
    revision = Whole(required=True, allow_none=True)
    reason = fields.String(required=True)
    seed = Whole(required=True, allow_none=True)
    engine = fields.String(required=True, allow_none=True)
    cost_by_term = fields.Dict(required=True)
    stats = fields.Dict(required=True)
    created_at = Moment(required=True)
    published_at = Moment(required=True, allow_none=True)
    stops = fields.List(fields.Nested(StopShape), required=True)
    unserved = fields.List(fields.Nested(UnservedShape), required=True)
    doubts = fields.List(fields.Nested(DoubtShape), required=True)


class DayShape(Schema):
    """A day of a territory; ``version`` rises with every booking, lock and publication."""

    territory_id = Id(required=True)
    day = Day(required=True)
    version = Whole(required=True)
    revision = Whole(required=True)
    published = fields.Nested(PlanShape, required=True, allow_none=True)
    draft = fields.Nested(PlanShape, required=True, allow_none=True)
    proposals = fields.List(fields.Nested(PlanShape), required=True)


class StopForecastShape(Schema):
    """
    When a technician will probably arrive; ``slack_seconds`` is what is left to the end of the window.

    Where nobody comes as the day is planned there is no ``expected_arrival``, and ``reason`` says why:
    ``technician_ill``, ``off_duty``, or ``delay`` when the shift is over before the technician could come.
    """

    visit_id = Id(required=True)
    planned_start = Moment(required=True)
    window_end = Moment(required=True, allow_none=True)
    expected_arrival = Moment(required=True, allow_none=True)
    deviation_seconds = Whole(required=True, allow_none=True)
    chance = Real(0, 1, required=True, allow_none=True)
    slack_seconds = Whole(required=True, allow_none=True)
    danger = Choice(Danger, required=True)
    reason = fields.String(required=True, allow_none=True)
    is_on_the_way = Flag(required=True)


class RouteForecastShape(Schema):
    """The open stops of a technician in order."""

    technician_id = Id(required=True)
    stops = fields.List(fields.Nested(StopForecastShape), required=True)


class ForecastShape(Schema):
    """How a day will probably go on; ``day_version`` is the day's when it was looked at."""

    territory_id = Id(required=True)
    day = Day(required=True)
    day_version = Whole(required=True, attribute="version")
    routes = fields.List(fields.Nested(RouteForecastShape), required=True)


class NewOptimisation(Schema):
    """How long the engine may think, and its seed."""

    seconds = Real(0.1, 3600, allow_none=True, load_default=None)
    seed = Whole(0, load_default=1)


class RunStartShape(Schema):
    """A job that was asked for."""

    run_id = Id(required=True)
    state = Word(RUN_STATES, required=True)


class ProgressShape(Schema):
    """
    What a search had found when it last told, about every second.

    ``iterations`` are those behind the best plan so far, ``cost_minor`` its cost and ``unserved`` the visits
    that it leaves out; null before the first plan, and for a day in parts until each part has one.
    """

    seconds = Real(0, 86_400, required=True)
    iterations = Whole(required=True, allow_none=True)
    cost_minor = Whole(required=True, allow_none=True)
    unserved = Whole(required=True, allow_none=True)


class RunShape(Schema):
    """
    How an optimisation is getting on; ``plan_id`` is its proposal once it is done.

    ``is_called_off``: somebody has cancelled it; while it is still ``running`` it is about to stop. A
    cancelled run has a proposal if its best plan so far costs less than the plan in force.
    """

    id = Id(required=True)
    state = Word(RUN_STATES, required=True)
    attempt = Whole(required=True)
    plan_id = Id(required=True, allow_none=True)
    error = fields.String(required=True, allow_none=True)
    is_called_off = Flag(required=True)
    progress = fields.Nested(ProgressShape, required=True, allow_none=True)


class PlannedPlaceShape(Schema):
    """Who goes, and when service begins."""

    technician_id = Id(required=True)
    start = Moment(required=True)


class DifferenceShape(Schema):
    """One visit that a plan treats otherwise; ``is_told``: people have heard of the former place."""

    visit_id = Id(required=True)
    number = fields.String(required=True)
    change = Choice(differences.Change, required=True)
    before = fields.Nested(PlannedPlaceShape, required=True, allow_none=True)
    after = fields.Nested(PlannedPlaceShape, required=True, allow_none=True)
    is_told = Flag(required=True)
    breaks_promise = Flag(required=True)
    cause = Choice(differences.Cause, required=True)
    sentence = fields.String(required=True)


class DifferencesShape(Schema):
    """A plan against the one in force, and what both cost by term in minor units."""

    plan_id = Id(required=True)
    against_plan_id = Id(required=True, allow_none=True)
    rows = fields.List(fields.Nested(DifferenceShape), required=True)
    cost_before = fields.Dict(required=True)
    cost_after = fields.Dict(required=True)
    doubts = fields.List(fields.Nested(DoubtShape), required=True)


class AcceptedRows(Schema):
    """Visits whose new places are taken over."""

    visit_ids = ListOf(Id(), 500, required=True)


class NewLock(Schema):
    """A technician, a start, or both."""

    technician_id = Id(allow_none=True, load_default=None)
    start = Moment(allow_none=True, load_default=None)
    reason = Notes(500, load_default="")


class LockShape(Schema):
    """A pin that planning keeps; ``version`` is the visit's, which every pin raises."""

    visit_id = Id(required=True)
    version = Whole(required=True)
    technician_id = Id(required=True, allow_none=True)
    start = Moment(required=True, allow_none=True)
    reason = fields.String(required=True)
    locked_at = Moment(required=True)


@resource.get(DAY_ADDRESS, parameters=DAY_PARAMETER)
@policy(*roles.READERS)
@resource.response(200, DayShape)
def read_day(territory_id: uuid.UUID, day: str) -> object:
    """A day's version, its published plan, the draft that bookings made, and proposals on this version."""
    return queries.day_view(current_session(), current_principal(), territory_id, day_in_address(day))


@resource.get(DAY_ADDRESS + "/forecast", parameters=DAY_PARAMETER)
@policy(*roles.READERS)
@resource.response(200, ForecastShape)
def read_forecast(territory_id: uuid.UUID, day: str) -> object:
    """When everybody will probably arrive, and which promises are in danger, as things stand now."""
    return forecasting.day_forecast(current_session(), current_principal(), territory_id, day_in_address(day))


@resource.get(DAY_ADDRESS + "/forecast/<uuid:technician_id>", parameters=DAY_PARAMETER)
@policy(*roles.READERS)
@resource.response(200, ForecastShape)
def read_route_forecast(territory_id: uuid.UUID, day: str, technician_id: uuid.UUID) -> object:
    """The forecast of one technician's route alone, as soon as it has changed."""
    return forecasting.route_forecast(
        current_session(), current_principal(), territory_id, day_in_address(day), technician_id
    )


@resource.post(DAY_ADDRESS + "/optimise", parameters=DAY_PARAMETER)
@policy(*roles.PLANNERS)
@creates
@resource.arguments(NewOptimisation)
@resource.response(202, RunStartShape)
def optimise_day(body: dict[str, Any], territory_id: uuid.UUID, day: str) -> object:
    """Ask for a day to be planned; the run's result is a proposal, published by nobody but a person."""
    session, me = current_session(), current_principal()
    _check_seconds(body["seconds"])
    view = queries.day_view(session, me, territory_id, day_in_address(day))
    run_id = commands.request_optimise(session, by=me, territory_id=view.territory_id, day=view.day, **body)
    return {"run_id": run_id, "state": "ready"}


@resource.get("/planning/runs/<uuid:run_id>")
@policy(*roles.READERS)
@resource.response(200, RunShape)
def read_run(run_id: uuid.UUID) -> object:
    """How an optimisation is getting on."""
    return queries.find_run(current_session(), current_principal(), run_id)


@resource.post("/planning/runs/<uuid:run_id>/cancel")
@policy(*roles.PLANNERS)
@resource.response(200, RunShape)
def cancel_run(run_id: uuid.UUID) -> object:
    """Call an optimisation off; its best plan so far is proposed if it is better. Repeated: no effect."""
    return commands.cancel_run(current_session(), by=current_principal(), run_id=run_id)


@resource.get("/plans/<uuid:plan_id>")
@policy(*roles.READERS)
@resource.response(200, PlanShape)
def read_plan(plan_id: uuid.UUID) -> object:
    """One plan with its stops and the visits it leaves out."""
    return queries.find_plan(current_session(), current_principal(), plan_id)


@resource.get("/plans/<uuid:plan_id>/differences")
@policy(*roles.READERS)
@resource.response(200, DifferencesShape)
def read_differences(plan_id: uuid.UUID) -> object:
    """What a plan changes for customers and technicians against the plan in force, with reasons."""
    session = current_session()
    return differences.differences(session, queries.find_plan(session, current_principal(), plan_id))


@resource.post("/plans/<uuid:plan_id>/publish")
@policy(*roles.PLANNERS)
@changes
@resource.response(200, DayShape)
def publish_plan(plan_id: uuid.UUID) -> object:
    """Make a plan binding; If-Match is the version of the day."""
    session, me = current_session(), current_principal()
    plan = queries.find_plan(session, me, plan_id)
    commands.publish(session, by=me, plan=plan, expected_version=expected_version())
    return queries.day_view(session, me, plan.territory_id, plan.day)


@resource.post("/plans/<uuid:plan_id>/accept-rows")
@policy(*roles.PLANNERS)
@changes
@resource.arguments(AcceptedRows)
@resource.response(200, DayShape)
def accept_rows(body: dict[str, Any], plan_id: uuid.UUID) -> object:
    """Publish some rows of a proposal and leave the rest as it is; If-Match is the day's version."""
    session, me = current_session(), current_principal()
    plan = queries.find_plan(session, me, plan_id)
    commands.accept_rows(session, by=me, plan=plan, expected_version=expected_version(), **body)
    return queries.day_view(session, me, plan.territory_id, plan.day)


@resource.post("/plans/<uuid:plan_id>/reject")
@policy(*roles.PLANNERS)
@changes
@resource.response(200, PlanShape)
def reject_plan(plan_id: uuid.UUID) -> object:
    """Put a proposal aside; If-Match is the version of the day."""
    session, me = current_session(), current_principal()
    plan = queries.find_plan(session, me, plan_id)
    commands.reject(session, by=me, plan=plan, expected_version=expected_version())
    return plan


@resource.put("/visits/<uuid:visit_id>/lock")
@policy(*roles.PLANNERS)
@changes
@resource.arguments(NewLock)
@resource.response(200, LockShape)
def lock_visit(body: dict[str, Any], visit_id: uuid.UUID) -> object:
    """Pin a visit to a technician, a start, or both; If-Match is the version of the visit."""
    session, me = current_session(), current_principal()
    visit = find_visit(session, me, visit_id)
    if body["technician_id"] is not None:
        find_technician(session, me, body["technician_id"])
    lock = commands.lock_visit(session, by=me, visit=visit, expected_version=expected_version(), **body)
    shown = ("visit_id", "technician_id", "start", "reason", "locked_at")
    return {"version": visit.version} | {name: getattr(lock, name) for name in shown}


@resource.delete("/visits/<uuid:visit_id>/lock")
@policy(*roles.PLANNERS)
@changes
@resource.response(204)
def unlock_visit(visit_id: uuid.UUID) -> None:
    """Take the pin off; If-Match is the version of the visit."""
    session = current_session()
    visit = find_visit(session, current_principal(), visit_id)
    commands.unlock_visit(session, visit=visit, expected_version=expected_version())


def _check_seconds(seconds: float | None) -> None:
    most = current_settings().optimiser_seconds_most
    if seconds is not None and seconds > most:
        raise RequestInvalid(
            f"an optimisation may take {most} seconds", errors={"seconds": [f"At most {most}."]}
        )
