"""What the office is reminded of ends at once where somebody says that it is settled."""

from __future__ import annotations

import uuid

from sqlalchemy import ColumnElement, func, or_, update
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.promises.model import OfficeReminder

CHASER, ANSWER = "chaser", "answer"
"""Kinds of reminders that do not wait for the next round to end (R-105, R-102)."""


def end_reminders(session: Session, kind: str, about: uuid.UUID) -> None:
    """End the reminders of a kind about one thing; what is still open is written again by the next round."""
    open_ = OfficeReminder.kind == kind, OfficeReminder.ended_at.is_(None), _is_about(about)
    session.execute(update(OfficeReminder).where(*open_).values(ended_at=clock.now()))


def hand_on_reminders(session: Session, kind: str, about: uuid.UUID, to: uuid.UUID) -> None:
    """Let the reminders about one thing go on about what has become of it, so that nobody hears twice."""
    moved = func.replace(OfficeReminder.subject, str(about), str(to))
    whose = OfficeReminder.kind == kind, _is_about(about)
    session.execute(update(OfficeReminder).where(*whose).values(subject=moved))


def _is_about(about: uuid.UUID) -> ColumnElement[bool]:
    subject = OfficeReminder.subject
    return or_(subject == str(about), subject.startswith(f"{about}:", autoescape=True))
