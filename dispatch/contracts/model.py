"""A contract says what it covers and how fast we must be (R-401, R-402)."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from dispatch.db import Base, Identified, Versioned


class ServiceCalendar(Identified, Versioned, Base):
    """When service clocks run; contracts without one run around the clock, all year."""

    __tablename__ = "service_calendar"

    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    hours: Mapped[list[Any]]
    """``{"weekday", "opens", "closes"}`` each: ISO weekday, minutes of the local day."""
    country: Mapped[str | None]
    """Whose public holidays are kept, ISO 3166."""
    subdivision: Mapped[str | None]
    days_worked: Mapped[list[Any]] = mapped_column(default=list)
    """Working days that the country does not know, ISO."""
    days_off: Mapped[list[Any]] = mapped_column(default=list)


class HouseRulesRow(Versioned, Base):
    """The company's own values of house rules; one row."""

    __tablename__ = "house_rules"

    id: Mapped[int] = mapped_column(primary_key=True)
    values: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Contract(Identified, Versioned, Base):
    """Coverage and service level of a customer, for one asset or for all of them."""

    __tablename__ = "contract"
    __table_args__ = (
        CheckConstraint("valid_until >= valid_from", name="validity"),
        CheckConstraint("response_minutes > 0", name="response"),
        CheckConstraint("resolution_minutes > 0", name="resolution"),
    )

    number: Mapped[str] = mapped_column(unique=True)
    customer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("customer.id"), index=True)
    asset_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("asset.id"))
    valid_from: Mapped[date]
    valid_until: Mapped[date]
    covers_labour: Mapped[bool] = mapped_column(default=True)
    covers_parts: Mapped[bool] = mapped_column(default=False)
    covers_travel: Mapped[bool] = mapped_column(default=True)
    response_minutes: Mapped[int | None]
    """On site within this many minutes of the request, 24 x 365 (R-401: 60)."""
    resolution_minutes: Mapped[int | None]
    """Solved within this many minutes of the request (R-402: 720)."""
    calendar_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("service_calendar.id"))
    """Working hours by which both limits run; none: around the clock."""
    pauses_for: Mapped[list[Any]] = mapped_column(default=lambda: ["customer"])
    """While an order waits for one of these (``customer``, ``part``) its limits stand still."""
    inspection_every_months: Mapped[int | None]
    next_inspection_due_on: Mapped[date | None]
    """R-406; the day the next planned inspection is due."""
    house_rules: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Rules of the house that are agreed otherwise (``contracts.house_rules``)."""
