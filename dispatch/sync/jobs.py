"""What is decided or tidied up by the clock: waiting operations, unfinished uploads, undecided work."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, db
from dispatch.outbox import Lease
from dispatch.settings import Settings
from dispatch.sync import upkeep
from dispatch.sync.model import Upload
from dispatch.sync.overdue import decide_overdue, overdue
from dispatch.sync.quarantine import expire
from dispatch.sync.uploads import FOLDER

YOUNG = timedelta(days=1)
"""A piece may lie on the disk before its upload says so; nothing that young is removed."""


def tidy_up(lease: Lease, **_: str) -> None:
    """Remove what expired: pieces of uploads, unknown files, quarantined work, old changes and distances."""
    settings = Settings.from_environment()
    folder, told, pruned = settings.attachments / FOLDER, 0, upkeep.PORTION
    while pruned == upkeep.PORTION:
        with lease.step() as session:
            pruned = upkeep.prune(session)
        told += pruned
    with lease.finishing() as session:
        gone = remove_expired(session, folder)
        expired = len(expire(session, clock.now()))
        upkeep.forget_distances(session, keep_days=settings.position_keep_days)
        lease.result = {"uploads": gone, "quarantined": expired, "changes": told}


def decide_held(lease: Lease, **_: str) -> None:
    """Decide operations that waited 72 hours for one that never came, each installation by itself."""
    currency, decided = Settings.from_environment().currency, 0
    with db.transaction() as session:
        places = overdue(session)
    for device_id, name in places:
        with lease.step() as session:
            decided += decide_overdue(session, device_id, name, company_currency=currency)
    with lease.finishing():
        lease.result = {"decided": decided}


def remove_expired(session: Session, folder: Path) -> int:
    """Give up pieces of uploads whose seven days are over; return how many files went."""
    statement = select(Upload).where(Upload.finished_at.is_(None), Upload.expires_at <= clock.now())
    for upload in session.scalars(statement.with_for_update(skip_locked=True)):
        upload.received = 0
    db.flush(session)
    arriving = select(Upload.stored_name).where(Upload.received > 0, Upload.finished_at.is_(None))
    kept = set(session.scalars(arriving))
    old = time.time() - YOUNG.total_seconds()
    found = folder.glob("*.part") if folder.is_dir() else ()
    unknown = [path for path in found if path.name not in kept and path.stat().st_mtime < old]

    def remove() -> None:
        for path in unknown:
            path.unlink(missing_ok=True)

    db.after_commit(session, remove)
    return len(unknown)
