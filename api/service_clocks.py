"""Business calendars, and how the service limits of running orders stand (R-401, R-402)."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.etags import changes, expected_version
from api.fields import Choice, Day, Flag, Id, Moment, Real, Text, Whole
from api.idempotency import creates
from api.resource import Resource
from api.schemas import ListOf, Schema, list_of
from api.session import current_session
from dispatch.contracts import commands, queries
from dispatch.planning import foreseeing
from dispatch.promises import clocks
from dispatch.territories.queries import find_territory
from dispatch.work_orders.queries import find_order

resource = Resource("service_clocks", description="Business calendars and service limits.")


class HoursShape(Schema):
    """Working hours of one weekday: ISO weekday, minutes of the day."""

    weekday = Whole(1, 7, required=True)
    opens = Whole(0, 1439, required=True)
    closes = Whole(1, 2880, required=True)


class NewCalendar(Schema):
    """When service clocks run: weekly hours, a country's holidays, and the house's own days."""

    code = Text(40, required=True)
    name = Text(100, required=True)
    hours = ListOf(fields.Nested(HoursShape), 7, required=True)
    country = Text(2, least=2, allow_none=True, load_default=None)
    subdivision = Text(10, allow_none=True, load_default=None)
    days_worked = ListOf(Day(), 200, load_default=list)
    days_off = ListOf(Day(), 200, load_default=list)


class ServiceCalendarShape(Schema):
    """A business calendar."""

    id = Id(required=True)
    version = Whole(required=True)
    code = fields.String(required=True)
    name = fields.String(required=True)
    hours = fields.List(fields.Nested(HoursShape), required=True)
    country = fields.String(required=True, allow_none=True)
    subdivision = fields.String(required=True, allow_none=True)
    days_worked = fields.List(fields.String(), required=True)
    days_off = fields.List(fields.String(), required=True)


class CalendarChanges(Schema):
    """What changes from now on; due times of running orders stay as they were told."""

    name = Text(100)
    hours = ListOf(fields.Nested(HoursShape), 7)
    country = Text(2, least=2, allow_none=True)
    subdivision = Text(10, allow_none=True)
    days_worked = ListOf(Day(), 200)
    days_off = ListOf(Day(), 200)


class ServiceClockShape(Schema):
    """
    One limit of one order; ``used`` is the part of its time that has passed, pauses left out.

    ``predicted_at`` follows the forecast of a day that goes on, and the plan of a later one. ``will_miss``
    holds as well when nothing is planned and it is too late for anybody to come. ``is_provisional``: the
    phone's clock could not be verified; until somebody looks, ``met_at`` is the latest it can have been.
    """

    work_order_id = Id(required=True)
    number = fields.String(required=True)
    kind = fields.String(required=True)
    due_at = Moment(required=True)
    state = Choice(clocks.ClockState, required=True)
    used = Real(0, 1e9, required=True)
    met_at = Moment(required=True, allow_none=True)
    predicted_at = Moment(required=True, allow_none=True)
    will_miss = Flag(required=True)
    is_provisional = Flag(required=True)


class ServiceStepShape(Schema):
    """A step of escalation that a clock has reached, and whose it is."""

    work_order_id = Id(required=True)
    kind = fields.String(required=True)
    percent = Whole(required=True)
    role = fields.String(required=True)
    due_at = Moment(required=True)
    reached_at = Moment(required=True)


CalendarList = list_of(ServiceCalendarShape)
ClockList = list_of(ServiceClockShape)
StepList = list_of(ServiceStepShape)


@resource.get("/service-calendars")
@policy(*roles.READERS)
@resource.response(200, CalendarList)
def list_calendars() -> object:
    """Business calendars by code."""
    return {"items": queries.calendars(current_session())}


@resource.post("/service-calendars")
@policy(*roles.CONTRACTORS)
@creates
@resource.arguments(NewCalendar)
@resource.response(201, ServiceCalendarShape)
def create_calendar(body: dict[str, Any]) -> object:
    """Say when service clocks run."""
    return commands.create_calendar(current_session(), by=current_principal(), **body)


@resource.patch("/service-calendars/<uuid:calendar_id>")
@policy(*roles.CONTRACTORS)
@changes
@resource.arguments(CalendarChanges)
@resource.response(200, ServiceCalendarShape)
def change_calendar(body: dict[str, Any], calendar_id: uuid.UUID) -> object:
    """Change when service clocks run from now on."""
    session = current_session()
    return commands.update_calendar(
        session,
        by=current_principal(),
        calendar=queries.find_calendar(session, calendar_id),
        changes=body,
        expected_version=expected_version(),
    )


@resource.get("/territories/<uuid:territory_id>/service-clocks")
@policy(*roles.READERS)
@resource.response(200, ClockList)
def list_clocks(territory_id: uuid.UUID) -> object:
    """Limits of unfinished orders that run, stand still or were missed, the soonest first."""
    session, me = current_session(), current_principal()
    return {"items": foreseeing.running(session, find_territory(session, me, territory_id).id)}


@resource.get("/territories/<uuid:territory_id>/service-steps")
@policy(*roles.READERS)
@resource.response(200, StepList)
def list_steps(territory_id: uuid.UUID) -> object:
    """Steps of escalation that unfinished orders have reached, the newest first."""
    session, me = current_session(), current_principal()
    return {"items": clocks.steps_of(session, find_territory(session, me, territory_id).id)}


@resource.get("/work-orders/<uuid:order_id>/service-clocks")
@policy(*roles.READERS)
@resource.response(200, ClockList)
def list_clocks_of_order(order_id: uuid.UUID) -> object:
    """The limits of one order."""
    session, me = current_session(), current_principal()
    return {"items": foreseeing.clocks_of(session, find_order(session, me, order_id))}
