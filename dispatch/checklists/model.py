"""Checklists and their answers; a revision never changes once it is written."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from dispatch.db import Base, Identified


class Checklist(Base):
    """One revision of a checklist; visits keep the revision that was in use when they were opened."""

    __tablename__ = "checklist"
    __table_args__ = (CheckConstraint("revision > 0", name="revision"),)

    code: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    title_en: Mapped[str]
    title_zh: Mapped[str]
    questions: Mapped[list[Any]]
    """In the order they are asked; see ``rules.Question``."""
    is_before_work: Mapped[bool] = mapped_column(default=False)
    """About safety: its required questions are answered before work begins, not only before it ends."""
    is_active: Mapped[bool] = mapped_column(default=True)
    """False retires the whole checklist: new visits do not get it."""
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]


class ChecklistAnswer(Identified, Base):
    """One answer as it was given; a correction is another row, and the register follows from all of them."""

    __tablename__ = "checklist_answer"
    __table_args__ = (
        ForeignKeyConstraint(["code", "revision"], ["checklist.code", "checklist.revision"]),
        Index("ix_checklist_answer_visit_id", "visit_id"),
    )

    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"))
    code: Mapped[str]
    revision: Mapped[int]
    question: Mapped[str]
    value: Mapped[Any] = mapped_column(JSONB)
    is_out_of_limits: Mapped[bool] = mapped_column(default=False)
    """A number was measured outside what the question allows; it is kept as it was measured."""
    technician_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("technician.id"))
    install_epoch: Mapped[str]
    seq: Mapped[int]
    """Place in the technician's own order (``install_epoch``, ``seq``); 0 for the office."""
    answered_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    op_id: Mapped[uuid.UUID | None] = mapped_column(unique=True)
    withdrawn_at: Mapped[datetime | None]
    """When the photograph that it names was taken back: it is no answer since."""
