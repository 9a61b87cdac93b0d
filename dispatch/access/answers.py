"""Answers to creations, kept so that a repeated request gets the first one's answer and no second effect."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from dispatch.access.model import IdempotencyRecord
from dispatch.access.rules import IdempotencyKeyInUse, IdempotencyKeyReused


@dataclass(frozen=True, slots=True)
class Question:
    """A request as far as it decides whether two are the same."""

    user_id: uuid.UUID
    key: str
    route: str
    request_sha256: str


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What the first request was answered."""

    status: int
    body: str
    headers: dict[str, str]


def claim(session: Session, question: Question) -> KeptAnswer | None:
    """
    Hold a key until the end of the transaction; return the answer kept for it, if there is one.

    A second request with the same key at the same moment is refused, not kept waiting.
    """
    lock = func.hashtextextended(f"{question.user_id} {question.key}", 0)
    if not session.scalar(select(func.pg_try_advisory_xact_lock(lock))):
        raise IdempotencyKeyInUse("a request with this Idempotency-Key is still being worked on")
    kept = session.scalar(
        select(IdempotencyRecord).where(
            IdempotencyRecord.user_id == question.user_id, IdempotencyRecord.key == question.key
        )
    )
    if kept is None:
        return None
    if kept.route != question.route or kept.request_sha256 != question.request_sha256:
        raise IdempotencyKeyReused("this Idempotency-Key was used for a different request")
    return KeptAnswer(kept.status or 200, kept.body or "", kept.headers)


def keep(session: Session, question: Question, answer: KeptAnswer) -> None:
    """Keep an answer in the transaction of its effect: both are there, or neither."""
    session.execute(
        insert(IdempotencyRecord).values(
            user_id=question.user_id,
            key=question.key,
            route=question.route,
            request_sha256=question.request_sha256,
            status=answer.status,
            body=answer.body,
            headers=answer.headers,
            created_at=func.now(),
        )
    )
