"""Which checklists there are, what a visit carries, and what stands answered."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from dispatch.checklists import rules
from dispatch.checklists.model import Checklist, ChecklistAnswer
from dispatch.checklists.rules import Answered
from dispatch.errors import NotFound


@dataclass(frozen=True, slots=True)
class Standing:
    """A question of a visit and what stands answered, by technician; two values are a contradiction."""

    code: str
    revision: int
    question: Mapping[str, Any]
    answers: Sequence[Answered]

    @property
    def is_contradicted(self) -> bool:
        """Two people gave different answers; both are kept."""
        return any(answer.value != self.answers[0].value for answer in self.answers)


def list_checklists(session: Session, *, only_active: bool = False) -> Sequence[Checklist]:
    """Return the newest revision of every checklist, by code."""
    statement = (
        select(Checklist).ext(distinct_on(Checklist.code)).order_by(Checklist.code, Checklist.revision.desc())
    )
    found = session.scalars(statement).all()
    return [one for one in found if one.is_active or not only_active]


def newest(session: Session, codes: Sequence[str]) -> dict[str, Checklist]:
    """Return the newest revisions of these checklists."""
    statement = (
        select(Checklist)
        .ext(distinct_on(Checklist.code))
        .where(Checklist.code.in_(codes))
        .order_by(Checklist.code, Checklist.revision.desc())
    )
    return {one.code: one for one in session.scalars(statement)}


def find_checklist(session: Session, code: str, revision: int | None = None) -> Checklist:
    """Return a revision of a checklist, the newest by default."""
    found = (
        newest(session, [code]).get(code) if revision is None else session.get(Checklist, (code, revision))
    )
    if found is None:
        raise NotFound("there is no such checklist")
    return found


def carried(session: Session, pins: Iterable[Mapping[str, Any]]) -> dict[str, Checklist]:
    """Return the checklists of a visit, in the revisions that it carries."""
    found = {pin["code"]: session.get(Checklist, (pin["code"], pin["revision"])) for pin in pins}
    return {code: one for code, one in found.items() if one is not None}


def all_carried(session: Session, pins: Iterable[Mapping[str, Any]]) -> Sequence[Checklist]:
    """Return the checklists of many visits; while they are kept, ``carried`` finds them without asking."""
    revisions = {(pin["code"], pin["revision"]) for pin in pins}
    if not revisions:
        return []
    return session.scalars(
        select(Checklist).where(tuple_(Checklist.code, Checklist.revision).in_(sorted(revisions)))
    ).all()


def answers_of(session: Session, visit_id: uuid.UUID) -> Sequence[ChecklistAnswer]:
    """Return every answer of a visit in the order it was recorded."""
    return _answers_by_visit(session, [visit_id]).get(visit_id, [])


def _answers_by_visit(
    session: Session, visit_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, list[ChecklistAnswer]]:
    statement = select(ChecklistAnswer).where(ChecklistAnswer.visit_id.in_(visit_ids))
    found: dict[uuid.UUID, list[ChecklistAnswer]] = {}
    for row in session.scalars(statement.order_by(ChecklistAnswer.recorded_at, ChecklistAnswer.id)):
        found.setdefault(row.visit_id, []).append(row)
    return found


def standing(session: Session, visit_id: uuid.UUID, pins: Sequence[Mapping[str, Any]]) -> list[Standing]:
    """Return every question that the visit carries with what stands answered, in the order they are asked."""
    return standing_by_visit(session, {visit_id: pins})[visit_id]


def standing_by_visit(
    session: Session, pins: Mapping[uuid.UUID, Sequence[Mapping[str, Any]]]
) -> dict[uuid.UUID, list[Standing]]:
    """Return what stands answered by visit, of visits with the checklists that they carry."""
    carrying = [visit_id for visit_id, carries in pins.items() if carries]
    given = _answers_by_visit(session, carrying) if carrying else {}
    return {one: _standing(session, given.get(one, []), carries) for one, carries in pins.items()}


def _standing(
    session: Session, given: Sequence[ChecklistAnswer], pins: Sequence[Mapping[str, Any]]
) -> list[Standing]:
    found: list[Standing] = []
    for code, checklist in carried(session, pins).items():
        by_question = rules.register(_answered(row) for row in given if row.code == code)
        found += [
            Standing(code, checklist.revision, question, by_question.get(question["key"], []))
            for question in checklist.questions
        ]
    return found


def lacking_before_work(
    session: Session, visit_id: uuid.UUID, pins: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Return those of ``lacking`` that are to be answered before work begins."""
    first = {code for code, one in carried(session, pins).items() if one.is_before_work}
    return lacking(session, visit_id, [pin for pin in pins if pin["code"] in first]) if first else []


def lacking(session: Session, visit_id: uuid.UUID, pins: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return required questions that are asked and unanswered, as ``code.question``."""
    questions = standing(session, visit_id, pins)
    found = []
    for code in dict.fromkeys(one.code for one in questions):
        own = [one for one in questions if one.code == code]
        values = {one.question["key"]: [answer.value for answer in one.answers] for one in own}
        found += [f"{code}.{key}" for key in rules.missing([one.question for one in own], values)]
    return found


def _answered(row: ChecklistAnswer) -> Answered:
    return Answered(
        question=row.question,
        value=row.value,
        technician=str(row.technician_id or ""),
        place=(row.install_epoch, row.seq),
        is_out_of_limits=row.is_out_of_limits,
        at=row.answered_at,
        is_withdrawn=row.withdrawn_at is not None,
    )
