"""The repair call, the template that triages it, and the supervisor's assessment (chain steps 1 to 3)."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dispatch.db import Base, Identified, Versioned


class GuidanceArticle(Versioned, Base):
    """Words and pictures that help a customer without a visit (R-202)."""

    __tablename__ = "guidance_article"

    code: Mapped[str] = mapped_column(primary_key=True)
    title_en: Mapped[str]
    title_zh: Mapped[str]
    body_en: Mapped[str]
    body_zh: Mapped[str]
    is_active: Mapped[bool] = mapped_column(default=True)


class GuidancePicture(Identified, Base):
    """One picture of an article, in order."""

    __tablename__ = "guidance_picture"
    __table_args__ = (UniqueConstraint("article_code", "position"),)

    article_code: Mapped[str] = mapped_column(ForeignKey("guidance_article.code"))
    position: Mapped[int]
    media_type: Mapped[str]
    sha256: Mapped[str]
    stored_name: Mapped[str]
    caption_en: Mapped[str]
    caption_zh: Mapped[str]


class ProblemTemplate(Versioned, Base):
    """What a kind of problem usually needs; prefills triage and assessment (R-203)."""

    __tablename__ = "problem_template"

    code: Mapped[str] = mapped_column(primary_key=True)
    title_en: Mapped[str]
    title_zh: Mapped[str]
    product_kind: Mapped[str]
    fault_class: Mapped[str]
    kind: Mapped[str]
    fault_code: Mapped[str]
    skills: Mapped[dict[str, Any]] = mapped_column(default=dict)
    certificates: Mapped[list[Any]] = mapped_column(default=list)
    parts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    duration_minutes: Mapped[int]
    crew_size: Mapped[int] = mapped_column(default=1)
    priority: Mapped[int] = mapped_column(default=3)
    labour_norm_minutes: Mapped[int]
    parts_norm_minor: Mapped[int | None]
    """R-204: what parts for it usually cost in the company's currency, before tax; None: nobody has said."""
    guidance_en: Mapped[str | None]
    guidance_zh: Mapped[str | None]
    """R-202: what to tell the customer so that no visit is needed."""
    article_code: Mapped[str | None] = mapped_column(ForeignKey("guidance_article.code"))
    """R-202: the article that helps with this kind of problem."""
    checklists: Mapped[list[Any]] = mapped_column(default=list)
    """R-505: codes of the checklists that a visit for it carries."""
    is_active: Mapped[bool] = mapped_column(default=True)


class RepairCall(Identified, Versioned, Base):
    """A customer asks for a repair."""

    __tablename__ = "repair_call"
    __table_args__ = (
        CheckConstraint("received_at >= requested_at", name="received"),
        CheckConstraint("state in ('registered', 'assessed', 'closed_remotely', 'cancelled')", name="state"),
    )

    serial: Mapped[int] = mapped_column(Identity(start=100), unique=True)
    channel: Mapped[str]
    """R-101: ``phone``, ``web``, ``email``, ``message``, ``counter``, ``letter``, ``alarm``."""
    requested_at: Mapped[datetime]
    """When the customer asked; every clock runs from here (R-101)."""
    received_at: Mapped[datetime]
    """When it was typed in."""
    answered_at: Mapped[datetime | None]
    """When somebody was there for the customer (R-102); None while nobody was, or nobody said when."""
    customer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("customer.id"), index=True)
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    asset_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("asset.id"), index=True)
    contact_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("customer_contact.id"))
    """R-103: whom to speak with about it; None: the customer."""
    customer_reference: Mapped[str | None]
    """R-103: the customer's own order number."""
    territory_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("territory.id"), index=True)
    template_code: Mapped[str] = mapped_column(ForeignKey("problem_template.code"))
    description: Mapped[str] = mapped_column(default="")
    demand: Mapped[str] = mapped_column(default="")
    priority: Mapped[int] = mapped_column(default=3)
    state: Mapped[str] = mapped_column(default="registered")
    taken_by: Mapped[uuid.UUID | None]

    @property
    def number(self) -> str:
        """The call's number, read back to the customer (R-104)."""
        return f"RC-{self.serial:06d}"


class Assessment(Identified, Base):
    """The supervisor's judgement of a call, kept as it was made (R-201, R-203, R-204)."""

    __tablename__ = "assessment"

    call_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("repair_call.id"), unique=True)
    assessed_by: Mapped[uuid.UUID | None]
    assessed_at: Mapped[datetime]
    fault_class: Mapped[str]
    kind: Mapped[str]
    fault_code: Mapped[str]
    skills: Mapped[dict[str, Any]]
    certificates: Mapped[list[Any]]
    parts: Mapped[dict[str, Any]]
    crew_size: Mapped[int]
    duration_minutes: Mapped[int]
    priority: Mapped[int]
    estimate_labour_minor: Mapped[int]
    estimate_parts_minor: Mapped[int]
    estimate_travel_minor: Mapped[int]
    currency: Mapped[str]
    told_to_customer_at: Mapped[datetime | None]
    """R-204: the price is told before the work."""
    is_accepted_by_customer: Mapped[bool]
    resolution: Mapped[str]
    """``visit`` or ``guidance`` (R-202)."""
    article_code: Mapped[str | None] = mapped_column(ForeignKey("guidance_article.code"))
    """The article by which the customer was helped (R-202)."""
    work_order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("work_order.id"))
