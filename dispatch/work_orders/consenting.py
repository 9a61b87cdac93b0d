"""R-506: other equipment is not touched unless asked in writing; liability is settled first."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, db, text
from dispatch.access.rules import Principal
from dispatch.errors import Conflict
from dispatch.work_orders import refusals, rules
from dispatch.work_orders.announcing import announce_visit
from dispatch.work_orders.guards import check_recordable, outdate_reports
from dispatch.work_orders.model import Visit
from dispatch.work_orders.on_site_model import Consent, Withdrawal


class ConsentMissing(Conflict):
    """Other equipment was worked on and the customer did not ask for it in writing."""

    code = "CONSENT_MISSING"
    remedy = "Have the customer sign a consent that names the equipment, then record the findings again."


def consent_digest(equipment: str, terms: str) -> str:
    """Return the hash a consent's signature is bound to."""
    return rules.digest(rules.canonical({"equipment": equipment, "terms": terms}))


def record_consent(
    session: Session,
    *,
    by: Principal | None,
    visit: Visit,
    equipment: str,
    terms: str,
    shown_sha256: str,
    signed_by_name: str,
    signature_path: str,
    signed_at: datetime,
    op_id: uuid.UUID | None = None,
    keeps_late: bool = False,
) -> Consent:
    """Keep the customer's signed request to touch other equipment; bound to exactly what was shown."""
    check_recordable(session, visit, by, keeps_late=keeps_late)
    named, agreed = text.line(equipment, "equipment"), text.prose(terms, "terms", longest=4_000)
    if not agreed:
        raise text.TextInvalid("terms is empty: liability is settled first", field="terms")
    if shown_sha256 != consent_digest(named, agreed):
        raise refusals.SignatureMismatch("the consent is not the one that was signed")
    if not text.is_drawing(signature_path):
        raise refusals.SignatureInvalid("the drawing is no SVG path")
    consent = Consent(
        visit_id=visit.id,
        equipment=named,
        terms=agreed,
        shown_sha256=shown_sha256,
        signed_by_name=text.line(signed_by_name, "signed_by_name"),
        signature_path=signature_path,
        signed_at=signed_at,
        recorded_at=clock.now(),
        op_id=op_id,
    )
    session.add(consent)
    outdate_reports(session, visit)
    db.flush(session)
    announce_visit(session, visit)
    return consent


def consents_of(session: Session, visit_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[Consent]]:
    """Return the consents of visits that were not taken back, oldest first."""
    gone = select(Withdrawal.id).where(Withdrawal.subject_id == Consent.id)
    statement = select(Consent).where(Consent.visit_id.in_(list(visit_ids)), ~gone.exists())
    found: dict[uuid.UUID, list[Consent]] = {}
    for consent in session.scalars(statement.order_by(Consent.recorded_at, Consent.id)):
        found.setdefault(consent.visit_id, []).append(consent)
    return found


def check_touched(session: Session, visit: Visit, touched: Sequence[str]) -> list[str]:
    """Refuse findings that touched equipment for which nobody signed before."""
    named = text.lines(touched, "touched", longest=text.NAME)
    signed = consents_of(session, [visit.id]).get(visit.id, []) if named else []
    agreed = {consent.equipment for consent in signed}
    missing = [equipment for equipment in named if equipment not in agreed]
    if missing:
        raise ConsentMissing(f"nobody agreed in writing to work on {missing[0]!r}", equipment=missing[0])
    return named
