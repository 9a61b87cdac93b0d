"""Operations of a van: parts asked for, handed over, confirmed, picked, counted (R-511)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.orm import Session

from dispatch import text
from dispatch.parts import transferring
from dispatch.parts.counting import count
from dispatch.parts.model import PartTransfer
from dispatch.parts.queries import find_transfer, part_named
from dispatch.parts.rules import VAN, Place
from dispatch.parts.transferring import Wish
from dispatch.planning.picking import pick_listed
from dispatch.planning.supplying import pick_list
from dispatch.sync.conflicts import Reported
from dispatch.sync.payloads import Payload
from dispatch.technicians.model import Technician

ASKING = frozenset({"transfer_id", "sku", "quantity", "giver_id", "taker_id", "lot", "serial", "note"})
ONE = frozenset({"transfer_id"})


def ask_for_parts(session: Session, reported: Reported) -> Mapping[str, Any]:
    """Ask the store or a colleague for parts, or offer them; the phone names the transfer."""
    payload = Payload(reported.payload, ASKING)
    me = session.get_one(Technician, reported.by.technician_id)
    wish = Wish(
        territory_id=me.territory_id,
        part=part_named(session, text.code(payload.text("sku"), "sku")),
        quantity=payload.whole("quantity"),
        giver_id=payload.optional_id("giver_id"),
        taker_id=payload.optional_id("taker_id"),
        lot=payload.optional_text("lot"),
        serial=payload.optional_text("serial"),
        note=payload.optional_text("note"),
    )
    return _told(
        transferring.ask(session, by=reported.by, wish=wish, transfer_id=payload.an_id("transfer_id"))
    )


def hand_parts_over(session: Session, reported: Reported) -> Mapping[str, Any]:
    """Say that parts were given; the taker has still to confirm."""
    return _stepped(session, reported, transferring.hand_over)


def confirm_parts(session: Session, reported: Reported) -> Mapping[str, Any]:
    """Take parts: they are this technician's from now on."""
    return _stepped(session, reported, transferring.confirm)


def decline_parts(session: Session, reported: Reported) -> Mapping[str, Any]:
    """Call a transfer off that nobody has confirmed."""
    payload = Payload(reported.payload, ONE | {"reason"})
    found = _named(session, reported, payload)
    return _told(transferring.decline(session, by=reported.by, transfer=found, reason=payload.text("reason")))


def confirm_picked(session: Session, reported: Reported) -> Mapping[str, Any]:
    """Note what was loaded from the pick list of a day; the answer tells what is left on it."""
    payload = Payload(reported.payload, frozenset({"day", "picked", "serials"}))
    me, day = session.get_one(Technician, reported.by.technician_id), payload.day("day")
    serials: dict[str, list[str]] = {}
    for piece in payload.text_objects("serials"):
        serials.setdefault(piece.get("sku", ""), []).append(piece.get("serial", ""))
    wanted = payload.whole_by_name("picked")
    done, beyond = pick_listed(
        session,
        by=reported.by,
        technician=me,
        day=day,
        picked=wanted,
        serials=serials,
        at=reported.at.moment,
    )
    left = {one.part.sku: one.quantity for one in pick_list(session, me, day)}
    return {"transfer_ids": [str(row.id) for row in done], "left": left, "beyond": beyond}


def count_part(session: Session, reported: Reported) -> Mapping[str, Any]:
    """Count a part on the own van; the answer tells what was expected, and whether the office has to sign."""
    payload = Payload(reported.payload, frozenset({"sku", "counted", "reason", "serials"}))
    me = session.get_one(Technician, reported.by.technician_id)
    row = count(
        session,
        by=reported.by,
        place=Place(VAN, me.id),
        part=part_named(session, text.code(payload.text("sku"), "sku")),
        counted=payload.whole("counted"),
        reason=payload.optional_text("reason"),
        serials=payload.optional_texts("serials"),
        at=reported.at.moment,
    )
    return {"count_id": str(row.id), "expected": row.expected, "state": row.state}


def _stepped(session: Session, reported: Reported, step: Callable[..., PartTransfer]) -> Mapping[str, Any]:
    payload = Payload(reported.payload, ONE | {"serial"})
    found = _named(session, reported, payload)
    serial = payload.optional_text("serial")
    return _told(step(session, by=reported.by, transfer=found, serial=serial, at=reported.at.moment))


def _named(session: Session, reported: Reported, payload: Payload) -> PartTransfer:
    return find_transfer(session, reported.by, payload.an_id("transfer_id"))


def _told(transfer: PartTransfer) -> Mapping[str, Any]:
    return {"transfer_id": str(transfer.id), "state": transfer.state}
