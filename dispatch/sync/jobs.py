"""What is decided or tidied up by the clock: waiting operations, unfinished uploads, undecided work."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, db
from dispatch.outbox import Lease
from dispatch.settings import Settings
from dispatch.sync.model import Upload
from dispatch.sync.overdue import decide_overdue
from dispatch.sync.quarantine import expire
from dispatch.sync.uploads import FOLDER


def tidy_up(lease: Lease, **_: str) -> None:
    """Remove pieces of expired uploads and files that no upload knows; destroy expired quarantined work."""
    folder = Settings.from_environment().attachments / FOLDER
    with lease.finishing() as session:
        gone = remove_expired(session, folder)
        lease.result = {"uploads": gone, "quarantined": len(expire(session, clock.now()))}


def decide_held(lease: Lease, **_: str) -> None:
    """Decide operations that waited 72 hours for one that never came."""
    with lease.finishing() as session:
        currency = Settings.from_environment().currency
        lease.result = {"decided": decide_overdue(session, company_currency=currency)}


def remove_expired(session: Session, folder: Path) -> int:
    """Give up pieces of uploads whose seven days are over; return how many files went."""
    statement = select(Upload).where(Upload.finished_at.is_(None), Upload.expires_at <= clock.now())
    for upload in session.scalars(statement.with_for_update(skip_locked=True)):
        upload.received = 0
    db.flush(session)
    kept = set(session.scalars(select(Upload.stored_name).where(Upload.received > 0)))
    unknown = [path for path in folder.glob("*.part") if path.name not in kept] if folder.is_dir() else []

    def remove() -> None:
        for path in unknown:
            path.unlink(missing_ok=True)

    db.after_commit(session, remove)
    return len(unknown)
