"""Questions from the field to the office, and their answers (R-403)."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.fields import Id, Moment, Text
from api.idempotency import creates
from api.resource import Resource
from api.revealing import shown_visit
from api.schemas import Schema, list_of
from api.session import current_session
from dispatch.territories.queries import find_territory
from dispatch.work_orders import asking_office
from dispatch.work_orders.queries import find_visit

resource = Resource("field_questions", description="What technicians want to know, and the definite answers.")


class NewQuestion(Schema):
    """What a technician wants to know about a visit."""

    question = Text(asking_office.LONGEST, required=True)


class NewAnswer(Schema):
    """The definite answer."""

    answer = Text(asking_office.LONGEST, required=True)


class QuestionShape(Schema):
    """A question; ``due_at`` is a day after it was asked, or an hour after somebody said "I must check"."""

    id = Id(required=True)
    visit_id = Id(required=True)
    question = fields.String(required=True)
    asked_by = Id(required=True, allow_none=True)
    asked_at = Moment(required=True)
    due_at = Moment(required=True)
    checking_at = Moment(required=True, allow_none=True)
    checking_by = Id(required=True, allow_none=True)
    answer = fields.String(required=True)
    answered_at = Moment(required=True, allow_none=True)
    answered_by = Id(required=True, allow_none=True)


QuestionList = list_of(QuestionShape)


@resource.post("/visits/<uuid:visit_id>/questions")
@policy(*roles.RECORDERS)
@creates
@resource.arguments(NewQuestion)
@resource.response(201, QuestionShape)
def ask_office(body: dict[str, Any], visit_id: uuid.UUID) -> object:
    """Put a question about a visit to the office."""
    session, me = current_session(), current_principal()
    return asking_office.ask(session, by=me, visit=find_visit(session, me, visit_id), **body)


@resource.get("/visits/<uuid:visit_id>/questions")
@policy(*roles.ALL)
@resource.response(200, QuestionList)
def list_questions_of_visit(visit_id: uuid.UUID) -> object:
    """The questions about a visit and what was answered."""
    visit = shown_visit(visit_id, "questions_read")
    return {"items": asking_office.questions_of(current_session(), visit.id)}


@resource.get("/territories/<uuid:territory_id>/questions")
@policy(*roles.READERS)
@resource.response(200, QuestionList)
def list_open_questions(territory_id: uuid.UUID) -> object:
    """What a territory's technicians wait to hear, the most urgent first."""
    session = current_session()
    place = find_territory(session, current_principal(), territory_id)
    return {"items": asking_office.open_questions(session, place.id)}


@resource.post("/questions/<uuid:question_id>/checking")
@policy(*roles.DESK)
@creates
@resource.response(201, QuestionShape)
def say_checking(question_id: uuid.UUID) -> object:
    """Say that one must check; the answer is then due within the hour."""
    session, me = current_session(), current_principal()
    return asking_office.say_checking(
        session, by=me, row=asking_office.find_question(session, me, question_id)
    )


@resource.post("/questions/<uuid:question_id>/answer")
@policy(*roles.DESK)
@creates
@resource.arguments(NewAnswer)
@resource.response(201, QuestionShape)
def answer_question(body: dict[str, Any], question_id: uuid.UUID) -> object:
    """Give the definite answer, once."""
    session, me = current_session(), current_principal()
    row = asking_office.find_question(session, me, question_id)
    return asking_office.answer(session, by=me, row=row, words=body["answer"])
