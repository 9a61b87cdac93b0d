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
