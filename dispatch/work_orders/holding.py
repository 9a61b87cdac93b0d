"""
In which order visits and what hangs on them are held by whoever changes several: none wait in a ring.

Days come first, then visits by their ids, then announced files and after them their uploads; then
settlements by their revisions, and their work order at last.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from dispatch.work_orders.model import Visit


def hold_visits(session: Session, visit_ids: Iterable[uuid.UUID | None]) -> None:
    """Hold visits until the transaction ends, whoever else changes several of them."""
    wanted = {visit_id for visit_id in visit_ids if visit_id is not None}
    if wanted:
        _hold(session, Visit.id.in_(wanted))


def hold_visits_of(session: Session, order_id: uuid.UUID) -> None:
    """Hold every visit of a work order until the transaction ends, before the order itself is held."""
    _hold(session, Visit.work_order_id == order_id)


def _hold(session: Session, these: ColumnElement[bool]) -> None:
    session.execute(select(Visit.id).where(these).order_by(Visit.id).with_for_update())
