"""Questions from the field: answered for good within a day, or soon after "I must check" (R-403)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, text
from dispatch.access.queries import in_scope
from dispatch.access.rules import Principal, Role
from dispatch.contracts.house_rules import rules_under
from dispatch.errors import NotFound
from dispatch.work_orders.model import Visit, WorkOrder
from dispatch.work_orders.on_site_model import FieldQuestion
from dispatch.work_orders.refusals import QuestionAnswered

LONGEST = 2_000


def ask(session: Session, *, by: Principal | None, visit: Visit, question: str) -> FieldQuestion:
    """Put a question about a visit to the office."""
    now, rules = clock.now(), rules_under(session, visit.work_order.contract_id)
    row = FieldQuestion(
        visit_id=visit.id,
        question=text.line(question, "question", longest=LONGEST),
        asked_by=by.user_id if by else None,
        asked_at=now,
        due_at=now + timedelta(hours=rules.field_answer_hours),
        answer="",
    )
    session.add(row)
    session.flush()
    return row


def say_checking(session: Session, *, by: Principal, row: FieldQuestion) -> FieldQuestion:
    """Say that one must check; from the first time on, the answer is due soon (R-403)."""
    _require_open(session, row)
    if row.checking_at is None:
        row.checking_at, row.checking_by = clock.now(), by.user_id
        order = session.get_one(Visit, row.visit_id).work_order
        checked = timedelta(minutes=rules_under(session, order.contract_id).field_checked_minutes)
        row.due_at = min(row.due_at, row.checking_at + checked)
        session.flush()
    return row


def answer(session: Session, *, by: Principal, row: FieldQuestion, words: str) -> FieldQuestion:
    """Give the definite answer, once."""
    _require_open(session, row)
    row.answer = text.line(words, "answer", longest=LONGEST)
    row.answered_at, row.answered_by = clock.now(), by.user_id
    session.flush()
    return row


def _require_open(session: Session, row: FieldQuestion) -> None:
    session.refresh(row, with_for_update=True)
    if row.answered_at is not None:
        raise QuestionAnswered("the question was answered already")


def find_question(session: Session, principal: Principal, question_id: uuid.UUID) -> FieldQuestion:
    """Return a question within the person's scope; technicians see those of their own visits."""
    statement = (
        select(FieldQuestion)
        .join(Visit, Visit.id == FieldQuestion.visit_id)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .where(FieldQuestion.id == question_id, in_scope(principal, WorkOrder.territory_id))
    )
    if principal.role is Role.TECHNICIAN:
        statement = statement.where(Visit.technician_id == principal.technician_id)
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise NotFound("there is no such question")
    return found


def questions_of(session: Session, visit_id: uuid.UUID) -> Sequence[FieldQuestion]:
    """Return the questions about a visit, the oldest first."""
    statement = select(FieldQuestion).where(FieldQuestion.visit_id == visit_id)
    return session.scalars(statement.order_by(FieldQuestion.asked_at, FieldQuestion.id)).all()


def open_questions(session: Session, territory_id: uuid.UUID) -> Sequence[FieldQuestion]:
    """Return what a territory's technicians wait to hear, the most urgent first."""
    statement = (
        select(FieldQuestion)
        .join(Visit, Visit.id == FieldQuestion.visit_id)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .where(WorkOrder.territory_id == territory_id, FieldQuestion.answered_at.is_(None))
        .order_by(FieldQuestion.due_at, FieldQuestion.id)
    )
    return session.scalars(statement).all()
