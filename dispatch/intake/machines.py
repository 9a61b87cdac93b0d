"""Telephone systems and devices that report by a key of their own (R-101, R-102)."""

from __future__ import annotations

import re
import uuid
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, db, text
from dispatch.access.rules import Principal, Role
from dispatch.calls.commands import register
from dispatch.calls.registering import usable_template
from dispatch.calls.rules import DuplicateCall
from dispatch.customers.model import Asset, Site
from dispatch.errors import DispatchError
from dispatch.intake import rules
from dispatch.intake.model import Inquiry, IntakeSource
from dispatch.intake.receiving import Arrival, receive
from dispatch.intake.waiting import look_in_time
from dispatch.promises.ending import ANSWER, end_reminders


def add_source(
    session: Session, *, by: Principal, code: str, kind: str, template: str | None = None
) -> tuple[IntakeSource, str]:
    """Enter a machine; return it and its key, which nobody can read again."""
    short = text.code(code, "code")
    if session.scalar(select(IntakeSource.id).where(IntakeSource.code == short)):
        raise rules.SourceCodeTaken(f"source {short} exists")
    key = rules.new_key()
    source = IntakeSource(
        code=short,
        kind=text.choice(kind, "kind", rules.SOURCE_KINDS),
        key_sha256=rules.key_hash(key),
        template_code=usable_template(session, template).code if template else None,
        created_by=by.user_id,
    )
    session.add(source)
    db.flush(session)
    return source, key


def set_active(
    session: Session, *, source: IntakeSource, is_active: bool, expected_version: int | None = None
) -> IntakeSource:
    """Let a machine report, or no longer."""
    source.expect_version(expected_version)
    source.is_active = is_active
    db.flush(session)
    return source


def source_of_key(session: Session, key: str | None, kind: str) -> IntakeSource:
    """Return the machine of a key; ``KeyMissing`` without one, ``KeyUnknown`` for any other."""
    if key is None or not re.fullmatch(rules.KEY_PATTERN, key):
        raise rules.KeyMissing("no key is given")
    statement = select(IntakeSource).where(
        IntakeSource.key_sha256 == rules.key_hash(key),
        IntakeSource.kind == kind,
        IntakeSource.is_active,
    )
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise rules.KeyUnknown("the key is not known")
    return found


def ring(
    session: Session,
    *,
    source: str,
    ring_id: str,
    rang_at: datetime,
    phone: str | None = None,
    answered_at: datetime | None = None,
    hung_up_at: datetime | None = None,
) -> Inquiry:
    """
    Note that a telephone rings, was answered, or that the caller gave up (R-102).

    Events may come in any order and more than once; the earliest answer counts. A caller who gave up stays as
    a new inquiry, to be called back.
    """
    arrival = Arrival(channel="phone", source=source, external_id=ring_id, requested_at=rang_at, phone=phone)
    found, is_new = receive(session, arrival)
    session.refresh(found, with_for_update=True)
    if answered_at is not None:
        _note_answer(session, found, answered_at)
    elif hung_up_at is not None and found.answered_at is None and not found.subject:
        found.subject = "gave up before anybody answered"
    if is_new:
        look_in_time(session, found)
    db.flush(session)
    return found


def at_desk(
    session: Session,
    *,
    by: Principal,
    channel: str,
    reference: str,
    requested_at: datetime,
    answered_at: datetime | None = None,
    phone: str | None = None,
) -> Inquiry:
    """Note that somebody rings at the desk or stands at the counter; told again, the answer is added."""
    arrival = Arrival(
        channel=channel,
        source=f"desk:{by.user_id}",
        external_id=reference,
        requested_at=requested_at,
        phone=phone,
    )
    found, is_new = receive(session, arrival)
    session.refresh(found, with_for_update=True)
    if answered_at is not None:
        _note_answer(session, found, answered_at)
    if is_new:
        look_in_time(session, found)
    db.flush(session)
    return found


def _note_answer(session: Session, found: Inquiry, answered_at: datetime) -> None:
    """Keep the earliest answer that was told, neither before the request nor after now (R-102)."""
    answered = max(min(clock.aware(answered_at), clock.now()), found.requested_at)
    found.answered_at = min(found.answered_at or answered, answered)
    end_reminders(session, ANSWER, found.id)


def alarm(
    session: Session,
    *,
    source: IntakeSource,
    alarm_id: str,
    raised_at: datetime,
    asset_serial: str,
    message: str = "",
) -> Inquiry:
    """
    Note a device's alarm; of known equipment it becomes a call at once, where the source says as what.

    A second alarm while an order is open for the equipment is noted and dismissed with the order's number.
    """
    arrival = Arrival(
        channel="alarm",
        source=source.code,
        external_id=alarm_id,
        requested_at=raised_at,
        subject=f"Alarm of {asset_serial[:64]}",
        body=message,
        asset_serial=asset_serial,
    )
    found, is_new = receive(session, arrival)
    if is_new and source.template_code is not None:
        _register(session, source, found)
    return found


def _register(session: Session, source: IntakeSource, found: Inquiry) -> None:
    matches = session.execute(
        select(Asset, Site).join(Site, Site.id == Asset.site_id).where(Asset.serial == found.asset_serial)
    ).all()
    if len(matches) != 1:
        return
    asset, site = matches[0]
    found.territory_id = site.territory_id
    by = Principal(source.created_by, Role.CALL_TAKER, frozenset({site.territory_id}))
    try:
        with session.begin_nested():
            call = register(
                session,
                by=by,
                channel="alarm",
                template_code=source.template_code or "",
                requested_at=found.requested_at,
                customer_id=site.customer_id,
                site_id=site.id,
                asset_id=asset.id,
                description=found.body or found.subject,
            )
    except DuplicateCall as known:
        close(found, state="dismissed", by=None, note=str(known))
    except DispatchError as refusal:  # a person registers it
        found.note = f"not registered by itself: {refusal.code}"
    else:
        close(found, state="registered", by=None, call_id=call.id)
    db.flush(session)


def close(
    found: Inquiry, *, state: str, by: Principal | None, call_id: uuid.UUID | None = None, note: str = ""
) -> None:
    """Take an inquiry off the list."""
    found.state, found.call_id, found.note = state, call_id, note[:500]
    found.handled_by, found.handled_at = by.user_id if by else None, clock.now()
