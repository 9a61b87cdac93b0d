"""Windows asked for and held while a call goes on, before there is any visit (R-303, R-308)."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.config import current_settings
from api.fields import Day, Id, Moment, Text, Whole
from api.idempotency import creates
from api.promises import OffersShape
from api.resource import Resource
from api.schemas import Counts, ListOf, Schema, Window
from api.session import current_session
from dispatch.calls import commands as calls
from dispatch.planning import commands
from dispatch.planning.rules import OfferPolicy
from dispatch.planning.wanting import Wanted
from dispatch.promises import holding
from dispatch.work_orders.rules import Needs

resource = Resource("booking", description="Windows offered and held while a call goes on.")


class WorkShape(Schema):
    """What is to be done, where no problem template says it."""

    duration_minutes = Whole(1, 1440, required=True)
    skills = Counts(load_default=dict)
    certificates = ListOf(Text(64), 20, load_default=list)
    parts = Counts(load_default=dict)
    crew_size = Whole(1, 4, load_default=1)


class WantedShape(Schema):
    """
    Where, for what and since when: a problem template, or the work itself.

    ``named_technician_id`` is whom the caller asks for by name, as a reservation may.
    """

    site_id = Id(required=True)
    template = Text(64, allow_none=True, load_default=None)
    work = fields.Nested(WorkShape, allow_none=True, load_default=None)
    asset_id = Id(allow_none=True, load_default=None)
    priority = Whole(1, 5, allow_none=True, load_default=None)
    requested_at = Moment(allow_none=True, load_default=None)
    named_technician_id = Id(allow_none=True, load_default=None)


class WantedOffers(WantedShape):
    """The same, and which days; from today on without ``first_day``."""

    first_day = Day(allow_none=True, load_default=None)
    days = Whole(1, 14, load_default=3)
    limit = Whole(1, 50, load_default=12)


class NewHold(WantedShape):
    """The same, and the window to be held."""

    window = Window(required=True)


class HoldShape(Schema):
    """A window held for the caller; it frees itself at ``expires_at``."""

    id = Id(required=True)
    day = Day(required=True)
    window = Window(start="window_start", end="window_end", required=True)
    site_id = Id(required=True)
    crew_size = Whole(required=True)
    technician_id = Id(required=True)
    expected_start = Moment(required=True)
    cost_minor = Whole(required=True)
    held_at = Moment(required=True)
    expires_at = Moment(required=True)
    released_at = Moment(required=True, allow_none=True)
    visit_id = Id(required=True, allow_none=True)


@resource.post("/booking/offers")
@policy(*roles.INTAKE)
@resource.arguments(WantedOffers)
@resource.response(200, OffersShape)
def ask_for_offers(body: dict[str, Any]) -> object:
    """Windows of the next days for a place and a problem; nothing is written, so asking again is free."""
    horizon = {name: body.pop(name) for name in ("first_day", "days", "limit")}
    session = current_session()
    return commands.offer_wanted(session, _wanted(body), policy=OfferPolicy.of(current_settings()), **horizon)


@resource.post("/booking/holds")
@policy(*roles.INTAKE)
@creates
@resource.arguments(NewHold)
@resource.response(201, HoldShape)
def hold_window(body: dict[str, Any]) -> object:
    """Hold a window for this caller; when somebody took it, 409 SLOT_GONE with fresh ones under cause."""
    start, end = body.pop("window")
    minutes = current_settings().hold_minutes
    session, me = current_session(), current_principal()
    return commands.hold(session, by=me, wanted=_wanted(body), start=start, end=end, minutes=minutes)


@resource.get("/booking/holds/<uuid:hold_id>")
@policy(*roles.INTAKE)
@resource.response(200, HoldShape)
def read_hold(hold_id: uuid.UUID) -> object:
    """A held window, and the visit that was promised it."""
    return holding.find_hold(current_session(), current_principal(), hold_id)


@resource.post("/booking/holds/<uuid:hold_id>/release")
@policy(*roles.INTAKE)
@resource.response(200, HoldShape)
def release_hold(hold_id: uuid.UUID) -> object:
    """Give a window back before its time; repeated, it changes nothing."""
    session, me = current_session(), current_principal()
    return holding.release(session, by=me, hold=holding.find_hold(session, me, hold_id))


def _wanted(body: dict[str, Any]) -> Wanted:
    work = body.pop("work")
    if work is not None:
        certificates = tuple(work.pop("certificates"))
        work = Needs(certificates=certificates, **work)
    return calls.wanted_at(current_session(), current_principal(), needs=work, **body)
