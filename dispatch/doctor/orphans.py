"""Files that nothing points to, and what points to files that are not there (reliability §2.6)."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator
from datetime import timedelta
from pathlib import Path

from sqlalchemy import ARRAY, Text, any_, literal, select
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.doctor.findings import Finding
from dispatch.intake.model import Inquiry, InquiryFile
from dispatch.promises import reminding
from dispatch.promises.model import OfficeReminder
from dispatch.promises.reminding import FILE_GONE, NEVER, Waiting
from dispatch.territories.model import Territory
from dispatch.work_orders.model import Attachment, Visit, WorkOrder

YOUNG = timedelta(days=1)
"""A file lies on the disk before its row is written; nothing that young is removed."""
FEW = 20
SHARE = 10
"""Of more files than these and than one in so many, nothing is removed: the database may be an older one."""
OURS = re.compile(r"[0-9a-f]{32}\.[a-z]{3,4}|\.[0-9a-f]{32}\.[a-z]{3,4}\.part")
"""What is written here: files, and files while they are being written."""


def strays(directory: Path) -> list[Path]:
    """Return what was written here long enough ago to have a row by now; ask for the rows after that."""
    old = time.time() - YOUNG.total_seconds()
    found = directory.iterdir() if directory.is_dir() else ()
    return sorted(path for path in found if OURS.fullmatch(path.name) and _written_before(path, old))


def _written_before(path: Path, moment: float) -> bool:
    try:
        return path.is_file() and path.stat().st_mtime < moment
    except FileNotFoundError:
        return False


def unknown(old: Collection[Path], known: Collection[str]) -> list[Path]:
    """Return the files that no row names."""
    return [path for path in old if path.name not in known]


def are_too_many(lost: Collection[Path], old: Collection[Path]) -> bool:
    """Tell whether so many files have no row that files and database hardly belong together."""
    return len(lost) > max(FEW, len(old) // SHARE)


def stray_files(lost: Collection[Path], old: Collection[Path]) -> Iterator[Finding]:
    """Say how many files nothing points to, and what comes of them."""
    if are_too_many(lost, old):
        remedy = "See that files and database are of the same day; nothing is removed until then."
        message = f"{len(lost)} of {len(old)} files belong to nothing in the database"
        yield Finding("error", "FILES_UNKNOWN", message, remedy)
    elif lost:
        message = f"{len(lost)} files belong to nothing, after an upload that came to nothing"
        yield Finding("warning", "FILES_LEFT", message, "Nothing; they are removed every night.")


def remove(lost: Collection[Path]) -> None:
    """Remove files; one that is gone already is no error."""
    for path in lost:
        path.unlink(missing_ok=True)


def absent(directory: Path, known: Collection[str]) -> list[str]:
    """Return the names that rows know and that are not on the disk."""
    return sorted(name for name in known if not (directory / name).exists())


def remind_of_gone(session: Session, names: Collection[str]) -> list[str]:
    """
    Keep a reminder for the administrators of each file that is gone, until it is there again.

    More than ``FEW`` of a territory are one reminder, without their names: then a disk is away, not a file.
    Returns of what nobody was reminded yet. The rows stay: what is gone is never forgotten here.
    """
    places = _territories_of(session, names)
    first = session.scalars(select(Territory.id).order_by(Territory.code).limit(1)).one_or_none()
    news = []
    for territory_id, code in session.execute(select(Territory.id, Territory.code)).all():
        here = {name for name in names if places.get(name, first) == territory_id}
        if len(here) > FEW:
            here = {f"more than {FEW} files of {code}"}
        still = reminding.open_reminders(session, territory_id)
        told = {row.subject for row in still if row.kind == FILE_GONE}
        reminding.settle(session, territory_id, (FILE_GONE,), {(FILE_GONE, name) for name in here})
        for name in sorted(here - told):
            waiting = Waiting(FILE_GONE, name, "admin", None, clock.now(), NEVER)
            reminding.write(session, territory_id, waiting, level=1)
            news.append(name)
    return news if first else sorted(names)


def _territories_of(session: Session, names: Collection[str]) -> dict[str, object]:
    """Where the files belong; a file of the whole company, or of no known place, is in no territory."""
    asked = literal(sorted(names), ARRAY(Text))  # one parameter, however many are gone
    attached = (
        select(Attachment.stored_name, WorkOrder.territory_id)
        .join(Visit, Visit.id == Attachment.visit_id)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
    )
    arrived = select(InquiryFile.stored_name, Inquiry.territory_id).join(
        Inquiry, Inquiry.id == InquiryFile.inquiry_id
    )
    found = [
        *session.execute(
            arrived.where(InquiryFile.stored_name == any_(asked), Inquiry.territory_id.is_not(None))
        ),
        *session.execute(attached.where(Attachment.stored_name == any_(asked))),
    ]
    return {row.stored_name: row.territory_id for row in found}


def files_gone(session: Session) -> Iterator[Finding]:
    """Say how many files were not there when they were looked for last night."""
    gone = select(OfficeReminder.subject).where(
        OfficeReminder.kind == FILE_GONE, OfficeReminder.ended_at.is_(None)
    )
    if told := session.scalars(gone.order_by(OfficeReminder.subject)).all():
        remedy = "truckroll doctor --files names them; restore them from a backup."
        shown = ", ".join(told[:FEW]) + (" and others" if len(told) > FEW else "")
        yield Finding("error", "FILES_GONE", f"not there last night: {shown}", remedy)
