"""Every loaner of the demo's day: which unit, why, and how it is brought and fetched (R-402)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.loaners.model import Loan, LoanerUnit
from dispatch.promises.model import ServiceStep
from dispatch.promises.rules import MISSED
from dispatch.simulation.promise_report import promises_told
from dispatch.work_orders.crews import led
from dispatch.work_orders.model import WorkOrder

WAYS = {"delivery": "brought", "pickup": "fetched"}


def loans_told(session: Session, day: date, zone: str) -> list[dict[str, Any]]:
    """Return every loan in the order in which it was wanted; each way by its newest promise."""
    newest = {row["sheet"]: row for row in promises_told(session, day, zone)}
    statement = (
        select(Loan, LoanerUnit, WorkOrder)
        .join(WorkOrder, WorkOrder.id == Loan.work_order_id)
        .outerjoin(LoanerUnit, LoanerUnit.id == Loan.unit_id)
        .order_by(Loan.wanted_at, Loan.id)
    )
    return [
        {
            "repair": repair.number,
            "unit": unit.serial if unit is not None else None,
            "model": unit.model if unit is not None else None,
            "state": loan.state,
            "wanted_at": loan.wanted_at.isoformat(),
            "said": _said(loan.wanted_at, zone),
            "why": _why(session, repair.id, zone),
            "delivery": _way(session, loan.delivery_order_id, newest),
            "pickup": _way(session, loan.pickup_order_id, newest),
        }
        for loan, unit, repair in session.execute(statement).all()
    ]


def _said(moment: datetime, zone: str) -> str:
    """A moment on the clock of the wall."""
    return f"{moment.astimezone(ZoneInfo(zone)):%m-%d %H:%M}"


def _why(session: Session, repair_id: uuid.UUID, zone: str) -> str:
    """The limit that was missed, or that a person lent it."""
    statement = select(ServiceStep).where(
        ServiceStep.work_order_id == repair_id,
        ServiceStep.kind == "resolution",
        ServiceStep.role == MISSED[1],
    )
    step = session.scalars(statement).one_or_none()
    return f"limit of resolution {_said(step.due_at, zone)} missed" if step is not None else "lent by hand"


def _way(
    session: Session, order_id: uuid.UUID | None, newest: dict[str, dict[str, Any]]
) -> dict[str, Any] | None:
    """The visit that brings or fetches a unit, its window and what came of it; None where there is none."""
    if order_id is None:
        return None
    visit = led(session.get_one(WorkOrder, order_id))[-1]
    told = newest.get(visit.number)
    return {
        "sheet": visit.number,
        "state": visit.state,
        "said": told["said"] if told is not None else None,
        "arrived_at": visit.arrived_at.isoformat() if visit.arrived_at is not None else None,
        "outcome": told["outcome"] if told is not None else "no window yet",
    }


def loan_lines(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Tell each loan in a line, and each of its ways in another."""
    if not rows:
        yield "None was needed."
    for row in rows:
        unit = row["unit"] or "no unit free"
        yield f"{unit} for {row['repair']}: {row['state']}; wanted {row['said']}, {row['why']}"
        for name, words in WAYS.items():
            way = row[name]
            if way is not None:
                window = f"  {way['said']}" if way["said"] is not None else ""
                yield f"  {words} {way['sheet']}{window}  {way['outcome']}"
