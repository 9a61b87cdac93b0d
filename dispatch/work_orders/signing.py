"""The customer signs exactly what was shown, or somebody says why not (R-509)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch import clock, db, text
from dispatch.access.rules import Principal
from dispatch.work_orders import refusals, rules
from dispatch.work_orders.announcing import announce_visit
from dispatch.work_orders.guards import check_recordable, outdate_reports
from dispatch.work_orders.model import ServiceReport, Visit
from dispatch.work_orders.shown import shown_of

NEWER = ("dangers", "touched", "answers", "consents")
"""Members that the record of schema 1 did not have, beside ``codes``."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the customer is to see: the canonical text and its hash."""

    text: str
    sha256: str


def preview(session: Session, visit: Visit, times: Mapping[str, str] | None = None) -> Shown:
    """Return the record as it stands, in the one form that is signed; ``times`` as the phone showed them."""
    words = rules.canonical(shown_of(session, visit, times))
    return Shown(words, rules.digest(words))


def sign(
    session: Session,
    *,
    by: Principal | None,
    visit: Visit,
    shown_sha256: str,
    signed_by_name: str,
    signature_path: str,
    signed_at: datetime | None = None,
    rating: int | None = None,
    times: Mapping[str, str] | None = None,
    op_id: uuid.UUID | None = None,
) -> ServiceReport:
    """
    Bind a signature to exactly what was shown (R-509).

    The server builds the text anew from the facts it holds; ``SignatureMismatch`` when its hash is not the
    one that was signed. ``times`` are the arrival and start as the phone showed them, if its clock differed.
    """
    repeated = _signed(session, op_id)
    if repeated is not None:
        return repeated
    check_recordable(session, visit, by)
    if not text.is_sha256(shown_sha256):
        raise refusals.SignatureMismatch("shown_sha256 is no SHA-256 in lower-case hex")
    present = preview(session, visit, times)
    if present.sha256 != shown_sha256:
        present = _as_before(session, visit, times, shown_sha256) or present
    if present.sha256 != shown_sha256:
        raise refusals.SignatureMismatch(
            f"the record of visit {visit.number} is not the one that was signed", present=present.sha256
        )
    if not text.is_drawing(signature_path):
        raise refusals.SignatureInvalid("the drawing is no SVG path")
    if rating is not None:
        visit.rating = text.whole(rating, "rating", 1, 5)
    return _keep(
        session,
        visit,
        present,
        signed_by_name=text.line(signed_by_name, "signed_by_name"),
        signature_path=signature_path,
        signed_at=clock.aware(signed_at) if signed_at else clock.now(),
        op_id=op_id,
    )


def _as_before(
    session: Session, visit: Visit, times: Mapping[str, str] | None, shown_sha256: str
) -> Shown | None:
    """
    Return the record as it was shown before it had members for dangers, codes, answers and consents.

    A phone that pulled it then shows it so; it says the same as long as all of them are empty.
    """
    shown = shown_of(session, visit, times)
    if any(shown[name] for name in NEWER) or any(shown["codes"].values()):
        return None
    words = rules.canonical({name: value for name, value in shown.items() if name not in {*NEWER, "codes"}})
    return Shown(words, shown_sha256) if rules.digest(words) == shown_sha256 else None


def waive(
    session: Session,
    *,
    by: Principal | None,
    visit: Visit,
    reason: str,
    at: datetime | None = None,
    op_id: uuid.UUID | None = None,
) -> ServiceReport:
    """Record why the customer could not or would not sign; the record as it stands is kept all the same."""
    repeated = _signed(session, op_id)
    if repeated is not None:
        return repeated
    check_recordable(session, visit, by)
    why = text.line(reason, "reason", longest=500)
    signed_at = clock.aware(at) if at else clock.now()
    return _keep(session, visit, preview(session, visit), waiver_reason=why, signed_at=signed_at, op_id=op_id)


def _keep(session: Session, visit: Visit, shown: Shown, **signature: Any) -> ServiceReport:
    outdate_reports(session, visit)
    latest = select(func.max(ServiceReport.revision)).where(ServiceReport.visit_id == visit.id)
    report = ServiceReport(
        visit_id=visit.id,
        revision=(session.scalar(latest) or 0) + 1,
        shown=shown.text,
        shown_sha256=shown.sha256,
        **signature,
    )
    session.add(report)
    db.flush(session)
    announce_visit(session, visit)
    return report


def _signed(session: Session, op_id: uuid.UUID | None) -> ServiceReport | None:
    if op_id is None:
        return None
    return session.scalars(select(ServiceReport).where(ServiceReport.op_id == op_id)).first()
