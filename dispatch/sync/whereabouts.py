"""Positions from the phone: on duty only, and not kept with the operation (R-903)."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from dispatch.clock import TimeWithoutZone
from dispatch.contracts.house_rules import rules_under
from dispatch.customers.model import Site
from dispatch.customers.rules import EXACT
from dispatch.errors import DispatchError
from dispatch.locations import commands, rules
from dispatch.locations.rules import Fix
from dispatch.sync.clock_repair import read_moment
from dispatch.sync.conflicts import Reported
from dispatch.sync.envelope import Incoming
from dispatch.sync.payloads import Payload
from dispatch.sync.protocol import ARRIVE, POSITIONS
from dispatch.travel.geodesic import great_circle_metres
from dispatch.travel.provider import Point, in_radians
from dispatch.work_orders.model import Visit

FIX_FIELDS = frozenset({"at", "latitude", "longitude", "accuracy_metres"})


def keep_positions(session: Session, reported: Reported) -> Mapping[str, Any]:
    """Keep what was measured on duty; each other position is dropped by name, and never the whole report."""
    payload = Payload(reported.payload, frozenset({"fixes"}))
    drift = _drift(reported)
    found = [_fix(row, drift) for row in payload.objects("fixes")]
    fixes = [fix for fix in found if fix is not None]
    kept, dropped = commands.report(session, technician_id=_whose(reported), fixes=fixes)
    dropped += Counter({rules.UNREADABLE: len(found) - len(fixes)})
    return {"kept": kept, "dropped": {why: dropped[why] for why in rules.DROPPED if dropped[why]}}


def metres_from_site(session: Session, reported: Reported, visit: Visit) -> int | None:
    """
    Return how far from the site an arrival was recorded, where that is farther than the house allows.

    The position is kept like any other: on duty, with positions on. None without one, and where the site
    itself was put down approximately. To a hundred metres, since nobody needs to know better.
    """
    fix = _fix_of_arrival(reported)
    if fix is None or not commands.report(session, technician_id=_whose(reported), fixes=[fix])[0]:
        return None
    order = visit.work_order
    site, limit = session.get_one(Site, order.site_id), rules_under(session, order.contract_id).arrival_metres
    if not limit or site.position_quality != EXACT:
        return None
    here, there = Point(fix.latitude, fix.longitude), Point(site.latitude, site.longitude)
    metres = float(great_circle_metres(in_radians([here]), in_radians([there]))[0, 0])
    return 100 * round(metres / 100) if metres - (fix.accuracy_metres or 0) > limit else None


def _fix_of_arrival(reported: Reported) -> Fix | None:
    given = reported.payload.get("position") if isinstance(reported.payload, Mapping) else None
    if not isinstance(given, Mapping):
        return None
    return _fix({**given, "at": reported.op.body.get("occurred_at")}, _drift(reported))


def switch_positions(session: Session, reported: Reported) -> Mapping[str, Any]:
    """Switch positions off with a reason, or on again."""
    payload = Payload(reported.payload, frozenset({"is_on", "reason"}))
    who, moment = _whose(reported), reported.at.moment
    if payload.flag("is_on"):
        row = commands.switch_on(session, technician_id=who, at=moment)
        return {"is_on": True} | ({} if row else {"unchanged": True})
    commands.switch_off(session, technician_id=who, at=moment, reason=payload.text("reason"))
    return {"is_on": False}


def body_kept(operation: Incoming) -> dict[str, Any]:
    """Return what is stored of a decided operation: of positions nothing but that they were reported."""
    if operation.type == POSITIONS:
        return {**operation.body, "payload": {}}
    payload = operation.body.get("payload")
    if operation.type != ARRIVE or not isinstance(payload, Mapping):
        return operation.body
    kept = {name: value for name, value in payload.items() if name != "position"}
    return {**operation.body, "payload": kept}


def _fix(row: Mapping[str, Any], drift: timedelta) -> Fix | None:
    """A position with its time corrected like the operation's; None if it cannot be read."""
    try:
        given = Payload(row, FIX_FIELDS)
        at = read_moment(given.text("at"))
        latitude, longitude = float(given.text("latitude")), float(given.text("longitude"))
        metres = given.optional_whole("accuracy_metres")
        if metres is not None and not 0 <= metres <= rules.MOST_METRES:
            return None
        return Fix(at + drift, latitude, longitude, metres)
    except (DispatchError, ValueError, OverflowError):
        return None


def _drift(reported: Reported) -> timedelta:
    """By how much the phone's clock is off."""
    try:
        return reported.at.moment - read_moment(reported.op.body.get("occurred_at"))
    except TimeWithoutZone:
        return timedelta(0)


def _whose(reported: Reported) -> uuid.UUID:
    return reported.by.technician_id or uuid.UUID(int=0)
