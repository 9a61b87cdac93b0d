"""Loading the van before setting out: what is picked goes from the store to the van, once (R-304, R-511)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from sqlalchemy.orm import Session

from dispatch import text
from dispatch.access.rules import Principal
from dispatch.parts.model import Part, PartTransfer
from dispatch.parts.rules import SerialNeeded, checked_quantity
from dispatch.parts.transferring import Wish, take
from dispatch.planning import heads
from dispatch.planning.rules import PickTooMany
from dispatch.planning.supplying import Pick, pick_list
from dispatch.technicians.model import Technician


def pick(
    session: Session,
    *,
    by: Principal,
    technician: Technician,
    day: date,
    picked: Mapping[str, int],
    serials: Mapping[str, Sequence[str]] | None = None,
) -> Sequence[PartTransfer]:
    """
    Note what was loaded from the list of a day; what was not found stays on it.

    Pieces that are told apart are named by their serials. The list is read anew under the lock of the day, so
    that two phones cannot load the same pieces.
    """
    listed = _held_list(session, technician, day)
    loaded = _loaded(picked)
    beyond = sorted(_beyond(listed, loaded))
    if beyond:
        raise PickTooMany(f"not on the list, or not so many: {', '.join(beyond[:5])}", parts=beyond)
    wishes = _wishes(technician, day, listed, loaded, serials or {})
    return [take(session, by=by, wish=wish) for wish in wishes]


def pick_listed(
    session: Session,
    *,
    by: Principal,
    technician: Technician,
    day: date,
    picked: Mapping[str, int],
    serials: Mapping[str, Sequence[str]] | None = None,
    at: datetime | None = None,
) -> tuple[Sequence[PartTransfer], dict[str, int]]:
    """
    Note what was loaded without contact: the list may have changed since.

    What is still on it is booked; the rest is returned, by part number, and is to be asked for.
    """
    listed = _held_list(session, technician, day)
    loaded = _loaded(picked)
    beyond = _beyond(listed, loaded)
    kept = {sku: left for sku, count in loaded.items() if (left := count - beyond.get(sku, 0))}
    named = {sku: list(given)[: kept.get(sku, 0)] for sku, given in (serials or {}).items()}
    wishes = _wishes(technician, day, listed, kept, named)
    return [take(session, by=by, wish=wish, at=at) for wish in wishes], beyond


def _held_list(session: Session, technician: Technician, day: date) -> dict[str, Pick]:
    """Return the list of a day by part number, read under the day's lock."""
    heads.hold(session, technician.territory_id, day)
    return {one.part.sku: one for one in pick_list(session, technician, day)}


def _loaded(picked: Mapping[str, int]) -> dict[str, int]:
    return {sku: checked_quantity(count) for sku, count in picked.items() if count != 0}


def _beyond(listed: Mapping[str, Pick], loaded: Mapping[str, int]) -> dict[str, int]:
    """Return by how many pieces a load is more than the list."""
    known = {sku: one.quantity for sku, one in listed.items()}
    return {sku: over for sku, count in loaded.items() if (over := count - known.get(sku, 0)) > 0}


def _wishes(
    technician: Technician,
    day: date,
    listed: Mapping[str, Pick],
    loaded: Mapping[str, int],
    serials: Mapping[str, Sequence[str]],
) -> list[Wish]:
    """Return what is to be moved from the store to the van, before anything is."""
    return [
        Wish(
            territory_id=technician.territory_id,
            part=listed[sku].part,
            quantity=quantity,
            giver_id=None,
            taker_id=technician.id,
            serial=serial,
            note=f"picked for {day.isoformat()}",
        )
        for sku, count in sorted(loaded.items())
        for quantity, serial in _pieces(listed[sku].part, count, serials.get(sku, ()))
    ]


def _pieces(part: Part, count: int, serials: Sequence[str]) -> list[tuple[int, str | None]]:
    """Give one entry for all pieces, or one for each serial of a part whose pieces are told apart."""
    if not part.is_serialised:
        return [(count, None)]
    if len(serials) != count:
        raise SerialNeeded(f"{count} of {part.sku} need {count} serial numbers", sku=part.sku)
    return [(1, text.line(serial, "serial", longest=text.CODE)) for serial in serials]
