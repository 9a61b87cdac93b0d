"""Write checklists, give them to visits, and keep what technicians answer (R-505)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from dispatch import clock, db, text
from dispatch.access.rules import Principal
from dispatch.checklists import rules
from dispatch.checklists.model import Checklist, ChecklistAnswer
from dispatch.checklists.queries import answers_of, carried, newest
from dispatch.errors import NotFound


def write_checklist(
    session: Session,
    *,
    by: Principal | None,
    code: str,
    title_en: str,
    title_zh: str,
    questions: Sequence[Mapping[str, Any]],
    is_before_work: bool = False,
) -> Checklist:
    """Write the next revision of a checklist; visits that were opened before keep theirs."""
    short = text.code(code, "code")
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"checklist {short}"))))
    latest = session.scalar(select(func.max(Checklist.revision)).where(Checklist.code == short)) or 0
    checklist = Checklist(
        code=short,
        revision=latest + 1,
        title_en=text.line(title_en, "title_en"),
        title_zh=text.line(title_zh, "title_zh"),
        questions=rules.checked_questions(questions),
        is_before_work=is_before_work,
        created_by=by.user_id if by else None,
        created_at=clock.now(),
    )
    session.add(checklist)
    db.flush(session)
    return checklist


def retire_checklist(session: Session, *, code: str, is_active: bool) -> Checklist:
    """Take a checklist out of use for new visits, or back into it."""
    session.execute(update(Checklist).where(Checklist.code == code).values(is_active=is_active))
    found = newest(session, [code]).get(code)
    if found is None:
        raise NotFound("there is no such checklist")
    session.refresh(found)
    return found


def check_codes(session: Session, codes: Iterable[str]) -> list[str]:
    """Refuse checklists that do not exist; return the codes once each."""
    wanted = list(dict.fromkeys(text.lines(list(codes), "checklists", longest=text.CODE)))
    known = newest(session, wanted)
    unknown = [code for code in wanted if code not in known]
    if unknown:
        raise rules.QuestionUnknown(f"there is no checklist {unknown[0]!r}")
    return wanted


def pinned(session: Session, codes: Iterable[str]) -> list[dict[str, Any]]:
    """Return what a visit that is opened now carries: each checklist in use, in its newest revision."""
    known = newest(session, list(codes))
    return [
        {"code": code, "revision": known[code].revision}
        for code in dict.fromkeys(codes)
        if code in known and known[code].is_active
    ]


def answer(
    session: Session,
    *,
    visit_id: uuid.UUID,
    pins: Sequence[Mapping[str, Any]],
    code: str,
    question: str,
    value: Any,
    technician_id: uuid.UUID | None,
    place: tuple[str, int] = ("", 0),
    answered_at: datetime | None = None,
    op_id: uuid.UUID | None = None,
) -> ChecklistAnswer:
    """
    Keep an answer to a question of a checklist that the visit carries.

    A number outside its limits is kept and flagged: it was measured. Nothing is overwritten.
    """
    held = carried(session, pins).get(code)
    found = next((one for one in held.questions if one["key"] == question), None) if held else None
    if held is None or found is None:
        raise rules.QuestionUnknown(f"the visit carries no question {question[:40]!r} of {code[:40]!r}")
    kept, outside = rules.checked_answer(found, value)
    row = ChecklistAnswer(
        visit_id=visit_id,
        code=code,
        revision=held.revision,
        question=question,
        value=kept,
        is_out_of_limits=outside,
        technician_id=technician_id,
        install_epoch=place[0],
        seq=place[1],
        answered_at=answered_at or clock.now(),
        recorded_at=clock.now(),
        op_id=op_id,
    )
    session.add(row)
    db.flush(session)
    return row


def withdraw_answers(session: Session, *, visit_id: uuid.UUID, value: Any) -> int:
    """Take back the answers of a visit that name something which was taken back; return how many."""
    named = [row for row in answers_of(session, visit_id) if row.value == value and row.withdrawn_at is None]
    for row in named:
        row.withdrawn_at = clock.now()
    db.flush(session)
    return len(named)
