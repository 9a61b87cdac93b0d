"""Tools: who keeps each, handed over and accepted, and until when it may be used (R-511)."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.etags import changes, expected_version
from api.fields import Day, Flag, Id, Moment, Text, Whole, Word
from api.idempotency import creates
from api.resource import Resource
from api.schemas import Schema, list_of
from api.session import current_session
from api.stores import Declining
from dispatch.technicians.queries import find_technician
from dispatch.territories.queries import find_territory
from dispatch.tools import commands, queries
from dispatch.tools.rules import HANDOVER_STATES

resource = Resource("tools", description="Tools and their keepers.")


class ToolShape(Schema):
    """A tool; its keeper is a technician, else the store. After ``calibrated_until`` it is not to be used."""

    id = Id(required=True)
    version = Whole(required=True)
    territory_id = Id(required=True)
    serial = fields.String(required=True)
    name_en = fields.String(required=True)
    name_zh = fields.String(required=True)
    calibrated_until = Day(required=True, allow_none=True)
    keeper_id = Id(required=True, allow_none=True)
    is_retired = Flag(required=True)


class NewTool(Schema):
    """A tool; the store keeps it until it is handed over."""

    serial = Text(64, required=True)
    name_en = Text(required=True)
    name_zh = Text(required=True)
    calibrated_until = Day(allow_none=True, load_default=None)


class ToolChanges(Schema):
    """What may change of a tool."""

    name_en = Text()
    name_zh = Text()
    calibrated_until = Day(allow_none=True)
    is_retired = Flag()


class NewToolHandover(Schema):
    """To whom a tool is given; without a taker to the store. With an ``id`` it may be sent again."""

    id = Id(allow_none=True, load_default=None)
    taker_id = Id(allow_none=True, load_default=None)
    note = Text(500, allow_none=True, load_default=None)


class ToolHandoverShape(Schema):
    """A tool on its way: the giver keeps it until it is accepted; an end left out is the store."""

    id = Id(required=True)
    tool_id = Id(required=True)
    giver_id = Id(required=True, allow_none=True)
    taker_id = Id(required=True, allow_none=True)
    state = Word(HANDOVER_STATES, required=True)
    note = fields.String(required=True, allow_none=True)
    handed_by = Id(required=True)
    handed_at = Moment(required=True)
    ended_at = Moment(required=True, allow_none=True)


ToolList = list_of(ToolShape)
ToolHandoverList = list_of(ToolHandoverShape)


@resource.get("/territories/<uuid:territory_id>/tools")
@policy(*roles.READERS)
@resource.response(200, ToolList)
def list_tools(territory_id: uuid.UUID) -> object:
    """Tools of a territory and who keeps each."""
    session = current_session()
    place = find_territory(session, current_principal(), territory_id)
    return {"items": queries.tools_of(session, place.id)}


@resource.post("/territories/<uuid:territory_id>/tools")
@policy(*roles.DESK)
@creates
@resource.arguments(NewTool)
@resource.response(201, ToolShape)
def add_tool(body: dict[str, Any], territory_id: uuid.UUID) -> object:
    """Enter a tool."""
    session, me = current_session(), current_principal()
    place = find_territory(session, me, territory_id)
    return commands.add_tool(session, by=me, territory_id=place.id, **body)


@resource.get("/tools/<uuid:tool_id>")
@policy(*roles.ALL)
@resource.response(200, ToolShape)
def read_tool(tool_id: uuid.UUID) -> object:
    """One tool."""
    return queries.find_tool(current_session(), current_principal(), tool_id)


@resource.patch("/tools/<uuid:tool_id>")
@policy(*roles.DESK)
@changes
@resource.arguments(ToolChanges)
@resource.response(200, ToolShape)
def change_tool(body: dict[str, Any], tool_id: uuid.UUID) -> object:
    """Rename a tool, note its calibration, or retire it."""
    session, me = current_session(), current_principal()
    tool = queries.find_tool(session, me, tool_id)
    return commands.change_tool(session, by=me, tool=tool, changes=body, expected_version=expected_version())


@resource.get("/technicians/<uuid:technician_id>/tools")
@policy(*roles.ALL)
@resource.response(200, ToolList)
def list_tools_of_technician(technician_id: uuid.UUID) -> object:
    """Tools that a technician keeps."""
    session = current_session()
    keeper = find_technician(session, current_principal(), technician_id)
    return {"items": queries.tools_kept_by(session, keeper.id)}


@resource.get("/technicians/<uuid:technician_id>/tool-handovers")
@policy(*roles.ALL)
@resource.response(200, ToolHandoverList)
def list_handovers_to_technician(technician_id: uuid.UUID) -> object:
    """Handovers that a technician has still to accept, the oldest first."""
    session = current_session()
    taker = find_technician(session, current_principal(), technician_id)
    return {"items": queries.waiting_for(session, taker.id)}


@resource.get("/tools/<uuid:tool_id>/handovers")
@policy(*roles.READERS)
@resource.response(200, ToolHandoverList)
def list_handovers(tool_id: uuid.UUID) -> object:
    """Whose hands a tool went through, the latest first."""
    session = current_session()
    tool = queries.find_tool(session, current_principal(), tool_id)
    return {"items": queries.handovers_of(session, tool.id)}


@resource.post("/tools/<uuid:tool_id>/handovers")
@policy(*roles.RECORDERS)
@creates
@resource.arguments(NewToolHandover)
@resource.response(201, ToolHandoverShape)
def hand_tool_over(body: dict[str, Any], tool_id: uuid.UUID) -> object:
    """Give a tool to a colleague or to the store, who has still to accept it."""
    session, me = current_session(), current_principal()
    tool, given = queries.find_tool(session, me, tool_id), body.pop("id")
    return commands.hand_over(session, by=me, tool=tool, handover_id=given, **body)


@resource.post("/tool-handovers/<uuid:handover_id>/accept")
@policy(*roles.RECORDERS)
@resource.response(200, ToolHandoverShape)
def accept_tool(handover_id: uuid.UUID) -> object:
    """Take a tool and keep it from now on; again changes nothing."""
    session, me = current_session(), current_principal()
    return commands.accept(session, by=me, handover=queries.find_handover(session, me, handover_id))


@resource.post("/tool-handovers/<uuid:handover_id>/decline")
@policy(*roles.RECORDERS)
@resource.arguments(Declining)
@resource.response(200, ToolHandoverShape)
def decline_tool(body: dict[str, Any], handover_id: uuid.UUID) -> object:
    """Refuse a tool, or take the handover back."""
    session, me = current_session(), current_principal()
    found = queries.find_handover(session, me, handover_id)
    return commands.decline(session, by=me, handover=found, reason=body["reason"])
