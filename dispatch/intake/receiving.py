"""Something comes in: kept as it came, once, with its files; nothing of it is lost or judged here (R-101)."""

from __future__ import annotations

import hashlib
import uuid
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dispatch import clock, db, text
from dispatch.customers.rules import LANGUAGES, EmailInvalid, PhoneInvalid, checked_email, phone_e164
from dispatch.errors import DispatchError
from dispatch.intake import rules
from dispatch.intake.model import Inquiry, InquiryFile
from dispatch.territories.queries import containing
from dispatch.travel.geocode import Geocoder
from dispatch.work_orders.attachments import cleaned, keep_bytes

UPLOAD_FOR = timedelta(hours=1)
OLDEST, ODD = timedelta(days=7), timedelta(hours=1)
"""A sender's clock that is further behind, or ahead, is not believed: contracts' clocks run from it."""
WORDS = ("external_id", "name", "phone", "email", "address", "subject", "body", "asset_serial")


def plain(words: str) -> str:
    """Return text without characters that nobody can see; line ends stay."""
    return "".join(char for char in words if char in "\n\t" or char.isprintable()).strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What somebody sent; empty texts for what was not said."""

    channel: str
    source: str
    external_id: str
    requested_at: datetime
    name: str = ""
    phone: str | None = None
    email: str | None = None
    address: str = ""
    language: str = "en"
    subject: str = ""
    body: str = ""
    asset_serial: str | None = None


def receive(session: Session, arrival: Arrival, *, geocoder: Geocoder | None = None) -> tuple[Inquiry, bool]:
    """
    Keep what came in; return it and whether it is new.

    A telephone number or address that cannot be read is kept within the text: nobody is turned away for it.
    """
    now = clock.now()
    seen: dict[str, Any] = {name: plain(getattr(arrival, name) or "") for name in WORDS}
    arrival = replace(arrival, **seen)
    told = clock.aware(arrival.requested_at)
    asked = told if now - OLDEST <= told <= now else now
    if asked != told and abs(told - now) > ODD:
        arrival = replace(arrival, body=f"{arrival.body}\nSent, as the sender says, at {told.isoformat()}")
    phone, email, body = _readable(arrival)
    row = (
        insert(Inquiry)
        .values(
            channel=arrival.channel,
            source=arrival.source,
            external_id=arrival.external_id[:200],
            territory_id=_territory(session, arrival.address, geocoder),
            state="new",
            requested_at=asked,
            received_at=now,
            name=text.prose(arrival.name, "name", longest=200),
            phone=phone,
            email=email,
            address=text.prose(arrival.address, "address", longest=300),
            language=arrival.language if arrival.language in LANGUAGES else "en",
            subject=text.prose(arrival.subject, "subject", longest=300),
            body=body,
            asset_serial=(arrival.asset_serial or "")[:64] or None,
            note="",
            version=1,
        )
        .on_conflict_do_nothing(index_elements=["source", "external_id"])
    )
    written = session.scalars(row.returning(Inquiry)).one_or_none()
    if written is not None:
        return written, True
    same = select(Inquiry).where(
        Inquiry.source == arrival.source, Inquiry.external_id == arrival.external_id[:200]
    )
    return session.scalars(same).one(), False


def _readable(arrival: Arrival) -> tuple[str | None, str | None, str]:
    """Telephone and mail address as the house writes them; what cannot be read goes into the text."""
    phone = email = None
    more = []
    if arrival.phone:
        with suppress(PhoneInvalid):
            phone = phone_e164(arrival.phone)
        if phone is None:
            more.append(f"Telephone: {arrival.phone[:100]}")
    if arrival.email:
        with suppress(EmailInvalid):
            email = checked_email(arrival.email)
        if email is None:
            more.append(f"Mail: {arrival.email[:300]}")
    body = "\n".join([arrival.body, *more]) if more else arrival.body
    return phone, email, text.prose(body[: rules.MOST_BODY], "body", longest=rules.MOST_BODY)


def _territory(session: Session, address: str, geocoder: Geocoder | None) -> uuid.UUID | None:
    """Where an address seems to be; None where nobody can tell, so that everybody sees it."""
    if not address.strip() or geocoder is None:
        return None
    with suppress(DispatchError):
        point = geocoder.locate(address).point
        return containing(session, point.lat, point.lon).id
    return None


def add_file(session: Session, *, inquiry: Inquiry, content: bytes, directory: Path) -> InquiryFile:
    """Keep a file of an inquiry: checked and cleaned like every attachment; the same bytes twice are one."""
    sha256 = hashlib.sha256(content).hexdigest()
    session.execute(select(Inquiry.id).where(Inquiry.id == inquiry.id).with_for_update())
    same = select(InquiryFile).where(InquiryFile.inquiry_id == inquiry.id, InquiryFile.sha256 == sha256)
    known = session.scalars(same).one_or_none()
    if known is not None:
        return known
    count = select(func.count()).select_from(InquiryFile).where(InquiryFile.inquiry_id == inquiry.id)
    if (session.scalar(count) or 0) >= rules.MOST_FILES:
        raise rules.InquiryFull(f"inquiry {inquiry.number} has {rules.MOST_FILES} files")
    media_type, clean = cleaned(content)
    name, stored_sha256 = keep_bytes(directory, clean, media_type)
    found = InquiryFile(
        inquiry_id=inquiry.id,
        sha256=sha256,
        media_type=media_type,
        size_bytes=len(clean),
        stored_name=name,
        stored_sha256=stored_sha256,
        received_at=clock.now(),
    )
    session.add(found)
    db.flush(session)
    return found


def require_upload(inquiry: Inquiry) -> None:
    """Refuse files of a form that was sent long ago, or that somebody has in hand."""
    if inquiry.state != "new":
        raise rules.InquiryHandled(f"inquiry {inquiry.number} is {inquiry.state}")
    if clock.now() > inquiry.received_at + UPLOAD_FOR:
        raise rules.UploadOver("the hour is over")
