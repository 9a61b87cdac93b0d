"""Answers to the checklists that a visit carries (R-505)."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.access.rules import Principal
from dispatch.checklists import commands as checklists
from dispatch.checklists import queries
from dispatch.checklists.model import ChecklistAnswer
from dispatch.checklists.queries import Standing
from dispatch.checklists.rules import PHOTO, AnswerInvalid, ChecklistIncomplete
from dispatch.work_orders.announcing import announce_visit
from dispatch.work_orders.guards import check_recordable, outdate_reports
from dispatch.work_orders.model import DeclaredFile, Visit


def answer_question(
    session: Session,
    *,
    by: Principal | None,
    visit: Visit,
    checklist: str,
    question: str,
    value: Any,
    place: tuple[str, int] = ("", 0),
    answered_at: datetime | None = None,
    op_id: uuid.UUID | None = None,
    keeps_late: bool = False,
) -> tuple[ChecklistAnswer, Standing]:
    """Keep an answer; return it with what stands answered now. Photographs are announced before."""
    check_recordable(session, visit, by, keeps_late=keeps_late)
    row = checklists.answer(
        session,
        visit_id=visit.id,
        pins=visit.checklists,
        code=checklist,
        question=question,
        value=value,
        technician_id=by.technician_id if by else None,
        place=place,
        answered_at=answered_at,
        op_id=op_id,
    )
    now = next(
        one
        for one in queries.standing(session, visit.id, visit.checklists)
        if one.code == checklist and one.question["key"] == question
    )
    if now.question["kind"] == PHOTO:
        _check_announced(session, visit, str(row.value))
    outdate_reports(session, visit)
    announce_visit(session, visit)
    return row, now


def check_answered(session: Session, visit: Visit) -> None:
    """Refuse to finish a visit whose checklists have required questions without an answer."""
    lacking = queries.lacking(session, visit.id, visit.checklists)
    if lacking:
        raise ChecklistIncomplete(f"without answer: {', '.join(lacking[:5])}", questions=lacking)


def _check_announced(session: Session, visit: Visit, sha256: str) -> None:
    statement = select(DeclaredFile.id).where(
        DeclaredFile.visit_id == visit.id,
        DeclaredFile.sha256 == sha256,
        DeclaredFile.withdrawn_at.is_(None),
    )
    if session.scalar(statement) is None:
        raise AnswerInvalid("no file with this hash is announced for the visit", kind=PHOTO)
