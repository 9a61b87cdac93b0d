"""Gives a phone what changed for its technician since a cursor, or the whole scope (reliability §2.3)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, cast, func, select, text, tuple_
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.access.rules import Principal
from dispatch.feed import FeedRow, TransactionNumber, technician_scope
from dispatch.hand_ins.chasing import notices_of
from dispatch.sync import cursor as cursors
from dispatch.sync import visit_view
from dispatch.sync.catalogue import catalogue_of
from dispatch.sync.cursor import Position
from dispatch.sync.protocol import PAGE
from dispatch.sync.push import acknowledged, device_scope, require_device
from dispatch.sync.refusals import Resync
from dispatch.sync.uploads import files_wanted
from dispatch.sync.van_view import van_of
from dispatch.work_orders import drip

RETENTION = timedelta(days=90)
"""How long the feed can be continued; an older cursor starts anew."""

# A restored dump fills the feed's table anew, also in the same database: its file is another one then.
_WHERE_WE_ARE = text(
    "select md5(concat_ws(':', s.system_identifier, c.timeline_id, d.oid, pg_relation_filenode('feed_row')))"
    " as feed_epoch,"
    " pg_snapshot_xmin(pg_current_snapshot())::text as horizon"
    " from pg_control_system() s, pg_control_checkpoint() c, pg_database d"
    " where d.datname = current_database()"
)

_AFTER = tuple_(FeedRow.xid, FeedRow.seq) > tuple_(
    cast(bindparam("xid"), TransactionNumber()), bindparam("seq", type_=BigInteger)
)
_FOLLOWING = (
    select(cast(FeedRow.xid, Text), FeedRow.seq, FeedRow.entity_id)
    .where(FeedRow.scope == bindparam("scope"), FeedRow.entity == "visit", _AFTER)
    .where(FeedRow.xid < cast(bindparam("horizon"), TransactionNumber()))
    .order_by(FeedRow.xid, FeedRow.seq)
    .limit(bindparam("most"))
)
_ACKNOWLEDGED = (
    select(FeedRow.entity_id, func.max(FeedRow.version))
    .where(FeedRow.scope == bindparam("scope"), FeedRow.entity == "ack", ~_AFTER)
    .group_by(FeedRow.entity_id)
    .order_by(FeedRow.entity_id)
)
"""Built once: every pull asks them."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """A page of changes. The phone applies them when a page is complete, all at once."""

    cursor: str
    complete: bool
    acked_seq: Mapping[str, int]
    """Own operations that this page's data includes: from here on the phone drops its overlay."""
    changes: Sequence[Mapping[str, Any]]
    server_time: datetime
    notices: Sequence[Mapping[str, Any]] = ()
    """What the phone should say to its technician now; replaces what was said before."""
    van: Mapping[str, Any] | None = None
    """What to load, what is on its way, tools held; with the last page alone."""
    files_wanted: Sequence[Mapping[str, str]] | None = None
    """Files that the technician announced and whose bytes are not here; with the last page alone."""
    catalogue: Mapping[str, Any] | None = None
    """What there is to choose from, as far as it changed; with the last page alone."""


def pull(
    session: Session,
    principal: Principal,
    *,
    cursor: str | None,
    key: bytes,
    page: int = PAGE,
    catalogue: str | None = None,
) -> Pulled:
    """
    Return a page of the technician's changes after a cursor; without one, of the whole scope.

    ``catalogue`` is the revision that the phone holds of what there is to choose from; None if it keeps none.

    Only rows of transactions below the oldest one still running are given, since rows appear out of order
    under concurrent writers. Raises ``Resync`` for a cursor that cannot be continued.
    """
    require_device(session, principal)
    technician_id = principal.technician_id or uuid.UUID(int=0)
    now = clock.now()
    feed_epoch, oldest = session.execute(_WHERE_WE_ARE).one()
    horizon = int(oldest)
    position = cursors.read(cursor, key=key, technician_id=technician_id) if cursor else None
    is_dripped = drip.is_on(session)
    if position is not None:
        _check(position, feed_epoch, now)
        if position.is_dripped is not is_dripped:
            raise Resync("how many visits a phone holds was changed since this cursor was given")
    if position is None or position.acked_seq is not None:
        known = acknowledged(session, principal)
        start = position or Position(feed_epoch, now, horizon, acked_seq=known, is_dripped=is_dripped)
        following, changes, acked = _whole_scope(session, principal, start, page)
    else:
        following, changes, acked = _since(session, principal, position, horizon=horizon, now=now, page=page)
    text_cursor = cursors.write(following, key=key, technician_id=technician_id)
    notices = notices_of(session, technician_id)
    is_complete = _is_complete(following)
    van = van_of(session, principal, now) if is_complete else None
    wanted = files_wanted(session, principal) if is_complete else None
    listed = catalogue_of(session, principal, catalogue) if is_complete else None
    return Pulled(text_cursor, is_complete, acked, changes, now, notices, van, wanted, listed)


def _is_complete(following: Position) -> bool:
    return following.acked_seq is None and following.seq == 0


def _check(position: Position, feed_epoch: str, now: datetime) -> None:
    if position.feed_epoch != feed_epoch:
        raise Resync("the database was restored since this cursor was given")
    if position.scope_moment < now - RETENTION:
        raise Resync("this cursor is too old to be continued")


Page = tuple[Position, list[Mapping[str, Any]], Mapping[str, int]]


def _whole_scope(session: Session, principal: Principal, start: Position, page: int) -> Page:
    """Give every visit of the scope as it is now; what changes meanwhile comes after the last page."""
    moment = start.scope_moment
    selected = visit_view.in_window(principal, moment, after=start.after, limit=page + 1)
    rows = session.execute(selected, execution_options={"populate_existing": True}).all()
    back = set(drip.waiting(session, principal, moment)[1:]) if start.is_dripped else set()
    told = [row for row in rows[:page] if row[0].id not in back]
    changes = [_put(body) for body in visit_view.told_of(session, told, moment)]
    acked = start.acked_seq or {}
    if len(rows) > page:
        return replace(start, after=rows[page - 1][0].id), changes, acked
    return replace(start, after=None, acked_seq=None), changes, acked


def _since(
    session: Session, principal: Principal, start: Position, *, horizon: int, now: datetime, page: int
) -> Page:
    """Give what the feed says and what the passing of time changed, each visit once, as it is now."""
    scope = technician_scope(principal.technician_id or "")
    asked = {"scope": scope, **_place(start), "horizon": str(horizon), "most": page + 1}
    rows = session.execute(_FOLLOWING, asked).all()
    moved = visit_view.whose_exposure_changed(session, principal, start.scope_moment, now)
    ids = dict.fromkeys([*(uuid.UUID(row[2]) for row in rows[:page]), *moved])
    coming = drip.waiting(session, principal, now) if start.is_dripped else []
    if coming and (ids or drip.waiting(session, principal, start.scope_moment)[:1] != coming[:1]):
        ids |= dict.fromkeys(coming)  # whatever changed, another visit may be the next one now
    if len(rows) > page:
        following = replace(start, scope_moment=now, xid=int(rows[page - 1][0]), seq=rows[page - 1][1])
    else:
        following = replace(start, scope_moment=now, xid=max(horizon, start.xid), seq=0)
    acked = _acknowledged_until(session, principal, following)
    return following, _changes(session, principal, ids, now, back=coming[1:]), acked


def _changes(
    session: Session,
    principal: Principal,
    ids: Iterable[uuid.UUID],
    now: datetime,
    *,
    back: Sequence[uuid.UUID] = (),
) -> list[Mapping[str, Any]]:
    wanted = list(ids)
    held = visit_view.bodies(session, principal, set(wanted) - set(back), now)
    return [_put(held[one]) if one in held else _evict(one) for one in wanted]


def _put(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"kind": "put", "entity": "visit", "id": body["id"], "version": body["version"], "body": body}


def _evict(visit_id: uuid.UUID) -> Mapping[str, Any]:
    """The phone forgets the visit and everything that hangs on it, but not its own unsent operations."""
    return {"kind": "evict", "entity": "visit", "id": str(visit_id)}


def _acknowledged_until(session: Session, principal: Principal, until: Position) -> dict[str, int]:
    """Return how far operations were acknowledged by transactions that this position includes."""
    asked = {"scope": device_scope(principal.device_id), **_place(until)}
    rows = session.execute(_ACKNOWLEDGED, asked)
    return {epoch: acked for epoch, acked in rows}  # noqa: C416 - rows are no pairs


def _place(position: Position) -> dict[str, Any]:
    return {"xid": str(position.xid), "seq": position.seq}
