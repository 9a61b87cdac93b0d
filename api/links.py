"""
What a customer sees and does by the link in a message, without a login.

The link is the only thing asked for; it opens one visit and nothing else. Doing the same twice has no second
effect, so these addresses need no Idempotency-Key.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from marshmallow import fields

from api.auth import policy
from api.config import current_config, current_settings
from api.fields import Day, Flag, Moment, Text, Whole
from api.resource import Resource
from api.schemas import QuerySchema, Schema, Window, list_of
from api.session import current_session
from dispatch.planning import commands
from dispatch.planning.rules import OfferPolicy
from dispatch.promises import linking

resource = Resource("links", description="The customer's own visit, by the link of a message.")

ADDRESS = "/links/<string:token>"


class LinkShape(Schema):
    """A visit as its customer sees it; ``technician`` once the plan is published."""

    number = fields.String(required=True)
    state = fields.String(required=True)
    address = fields.String(required=True)
    window = Window(start="window_start", end="window_end", required=True, allow_none=True)
    technician = fields.String(required=True, allow_none=True)
    confirmed_at = Moment(required=True, allow_none=True)
    can_change = Flag(required=True)


class ChoiceArgs(QuerySchema):
    """Which days; from today on without ``first_day``."""

    first_day = Day(load_default=None)
    days = Whole(1, 14, load_default=5)


class ChoiceShape(Schema):
    """A window that can be chosen."""

    day = Day(required=True)
    window = Window(start="start", end="end", required=True)


class NewWindow(Schema):
    """The window chosen."""

    window = Window(required=True)


class NewCancellation(Schema):
    """Why the visit is not wanted any more."""

    reason = Text(500, required=True)


ChoiceList = list_of(ChoiceShape)


def _visit(token: str, *, lock: bool = False) -> linking.Linked:
    key = linking.signing_key(current_config().tokens.secret)
    return linking.visit_of(current_session(), token, key=key, lock=lock)


def _notice() -> timedelta:
    return timedelta(hours=current_settings().link_notice_hours)


def _offer_policy() -> OfferPolicy:
    return OfferPolicy.of(current_settings())


def _shown(visit: linking.Linked) -> linking.LinkView:
    return linking.view(current_session(), visit, _notice())


@resource.get(ADDRESS)
@policy.public
@resource.response(200, LinkShape)
def read_link(token: str) -> object:
    """The visit of a link."""
    return _shown(_visit(token))


@resource.get(ADDRESS + "/windows")
@policy.public
@resource.arguments(ChoiceArgs, location="query")
@resource.response(200, ChoiceList)
def list_windows(args: dict[str, Any], token: str) -> object:
    """Windows to which the visit can be moved, the best for the plan first."""
    visit = _visit(token)
    linking.require_change(visit, _notice())
    return {"items": commands.choices(current_session(), visit, policy=_offer_policy(), **args)}


@resource.post(ADDRESS + "/confirmation")
@policy.public
@resource.response(200, LinkShape)
def confirm(token: str) -> object:
    """The customer will be there."""
    visit = _visit(token, lock=True)
    linking.confirm(current_session(), visit)
    return _shown(visit)


@resource.post(ADDRESS + "/window")
@policy.public
@resource.arguments(NewWindow)
@resource.response(200, LinkShape)
def choose_window(body: dict[str, Any], token: str) -> object:
    """Move the visit to a window of its list; what is none by now is refused, with fresh ones under cause."""
    start, end = body["window"]
    visit = _visit(token)
    session, notice = current_session(), _notice()
    policy_of_house = _offer_policy()
    commands.move_for_customer(
        session, visit=visit, start=start, end=end, notice=notice, policy=policy_of_house
    )
    return _shown(visit)


@resource.post(ADDRESS + "/cancellation")
@policy.public
@resource.arguments(NewCancellation)
@resource.response(200, LinkShape)
def cancel(body: dict[str, Any], token: str) -> object:
    """Call the visit off."""
    visit = _visit(token, lock=True)
    linking.cancel(current_session(), visit, notice=_notice(), **body)
    return _shown(visit)
