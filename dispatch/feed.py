"""
The change feed: what technicians' devices must hear of, written in the transaction of the change.

A row's position is ``(xid, seq)``. Readers take only rows whose transaction lies below the oldest one still
running, since plain numbers appear out of order under concurrent writers and would be skipped.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Literal

from sqlalchemy import BigInteger, Identity, Index, func, text
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.types import UserDefinedType

from dispatch.db import Base

Kind = Literal["put", "evict"]


class TransactionNumber(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction number."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """Return the column type."""
        return "xid8"


class FeedRow(Base):
    """One change for one scope, such as ``technician:<id>``."""

    __tablename__ = "feed_row"
    __table_args__ = (Index("ix_feed_row_scope_position", "scope", "xid", "seq"),)

    seq: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    xid: Mapped[int] = mapped_column(TransactionNumber(), server_default=text("pg_current_xact_id()"))
    scope: Mapped[str]
    entity: Mapped[str]
    entity_id: Mapped[str]
    version: Mapped[int]
    kind: Mapped[str]
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now())


def technician_scope(technician_id: uuid.UUID | str) -> str:
    """Return the scope key of a technician's feed."""
    return f"technician:{technician_id}"


def announce(
    session: Session, scope: str, entity: str, entity_id: uuid.UUID | str, *, version: int, kind: Kind = "put"
) -> None:
    """Record a change for a scope; ``evict`` tells the device to forget the thing and what hangs on it."""
    session.add(FeedRow(scope=scope, entity=entity, entity_id=str(entity_id), version=version, kind=kind))


def announce_once(
    session: Session, scope: str, entity: str, entity_id: uuid.UUID | str, *, version: int, kind: Kind = "put"
) -> None:
    """
    Record a change of a thing that devices read as it is, however often this transaction changes it.

    All rows of a transaction appear at the same moment. One that a savepoint took back does not count.
    """
    whole = session.get_transaction()
    of_whole, known = session.info.get(_ANNOUNCED, (None, {}))
    if whole is None or of_whole is not whole:
        known = {}
        session.info[_ANNOUNCED] = (whole, known)
    place = (scope, entity, str(entity_id))
    last = known.get(place)
    if last is not None and last in session and last.kind == kind:
        return
    row = FeedRow(scope=scope, entity=entity, entity_id=place[2], version=version, kind=kind)
    session.add(row)
    known[place] = row


_ANNOUNCED = "announced"
