"""Daily logs as managers and technicians read them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import String, and_, cast, or_, select
from sqlalchemy.orm import Session

from dispatch.access.queries import in_scope
from dispatch.access.rules import Principal, Role
from dispatch.performance.model import DailyLog
from dispatch.technicians.model import Technician
from dispatch.territories.model import Territory


def daily_logs(
    session: Session, principal: Principal, *, first: date, last: date, scope: str | None = None
) -> Sequence[DailyLog]:
    """
    Return logs of the days from first to last, oldest first.

    Technicians see their own; others see their territories and the technicians in them. The company's log
    is for people without a territory limit.
    """
    statement = select(DailyLog).where(DailyLog.day >= first, DailyLog.day <= last)
    if principal.role is Role.TECHNICIAN:
        mine = and_(DailyLog.scope == "technician", DailyLog.scope_id == str(principal.technician_id))
        statement = statement.where(mine)
    elif principal.territory_ids is not None:
        territories = select(cast(Territory.id, String)).where(in_scope(principal, Territory.id))
        people = select(cast(Technician.id, String)).where(in_scope(principal, Technician.territory_id))
        statement = statement.where(
            or_(
                and_(DailyLog.scope == "territory", DailyLog.scope_id.in_(territories)),
                and_(DailyLog.scope == "technician", DailyLog.scope_id.in_(people)),
            )
        )
    if scope is not None:
        statement = statement.where(DailyLog.scope == scope)
    return session.scalars(statement.order_by(DailyLog.day, DailyLog.scope, DailyLog.scope_id)).all()
