"""The customer file: who, where, and which equipment (R-103)."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from dispatch.db import Base, Identified, Versioned


class Customer(Identified, Versioned, Base):
    """A person or business that asks for repairs."""

    __tablename__ = "customer"
    __table_args__ = (
        CheckConstraint("kind in ('person', 'business')", name="kind"),
        CheckConstraint("tier in ('A', 'B', 'C')", name="tier"),
        CheckConstraint("language in ('zh', 'en')", name="language"),
        Index("ix_customer_phone", "phone"),
    )

    name: Mapped[str]
    kind: Mapped[str] = mapped_column(default="person")
    phone: Mapped[str | None]
    """E.164."""
    email: Mapped[str | None]
    language: Mapped[str] = mapped_column(default="en")
    tier: Mapped[str] = mapped_column(default="C")
    needs_home_service: Mapped[bool] = mapped_column(default=False)
    """R-106: elderly or disabled; always served at home, with higher priority."""
    tax_id: Mapped[str | None]
    notes: Mapped[str] = mapped_column(default="")
    no_show_marks: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]


class CustomerContact(Identified, Versioned, Base):
    """
    Somebody to speak with at a customer (R-103).

    Calls name them, so that whoever is no contact any more stays.
    """

    __tablename__ = "customer_contact"
    __table_args__ = (
        CheckConstraint("phone is not null or email is not null", name="reach"),
        Index("ix_customer_contact_phone", "phone"),
    )

    customer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("customer.id"), index=True)
    name: Mapped[str]
    role: Mapped[str] = mapped_column(default="")
    """What they are at the customer's, in words: tenant, caretaker, buyer."""
    phone: Mapped[str | None]
    """E.164."""
    email: Mapped[str | None]
    gets_messages: Mapped[bool] = mapped_column(default=True)
    """Whether messages about their calls go to them instead of the customer."""
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]


class Site(Identified, Versioned, Base):
    """A place where visits happen; windows are meant in its territory's zone."""

    __tablename__ = "site"
    __table_args__ = (
        CheckConstraint("parking_minutes between 0 and 240", name="parking"),
        CheckConstraint("access_minutes between 0 and 240", name="access"),
        CheckConstraint(
            "position_quality in ('exact', 'street', 'town', 'territory')", name="position_quality"
        ),
    )

    customer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("customer.id"), index=True)
    territory_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("territory.id"), index=True)
    address: Mapped[str]
    latitude: Mapped[float]
    longitude: Mapped[float]
    position_quality: Mapped[str] = mapped_column(default="exact")
    """Anything but ``exact`` is approximate: the middle of the street, town or territory."""
    parking_minutes: Mapped[int] = mapped_column(default=0)
    access_minutes: Mapped[int] = mapped_column(default=0)
    access_notes: Mapped[str] = mapped_column(default="")
    safety_notes: Mapped[str] = mapped_column(default="")
    """What whoever goes there must mind: a dog, asbestos, a shaft without a light."""
    peak_months: Mapped[list[Any]] = mapped_column(default=list)
    """R-307: months 1 to 12 in which planned work disturbs the customer."""
    peak_hours: Mapped[list[Any]] = mapped_column(default=list)
    """R-307: ``[from, to]`` local hours in which planned work disturbs, once each."""


class Asset(Identified, Versioned, Base):
    """A piece of equipment at a site."""

    __tablename__ = "asset"

    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"), index=True)
    product_kind: Mapped[str]
    model: Mapped[str]
    serial: Mapped[str | None]
    purchased_on: Mapped[date | None]
    accepted_on: Mapped[date | None]
    """Warranty starts here (R-404)."""
    maker_warranty_until: Mapped[date | None]
    """R-405: the maker pays until this day, through us."""
