"""Numbers without gaps: the transaction locks and raises a row, so a rollback burns none (R-602)."""

from __future__ import annotations

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dispatch.billing.model import NumberSeries


def take_number(session: Session, series: str) -> int:
    """Return the next number of a series; the row stays locked until the transaction ends."""
    statement = (
        insert(NumberSeries)
        .values(code=series, next_number=2)
        .on_conflict_do_update(
            index_elements=[NumberSeries.code], set_={"next_number": NumberSeries.next_number + 1}
        )
        .returning(NumberSeries.next_number)
    )
    return int(session.execute(statement).scalar_one()) - 1
