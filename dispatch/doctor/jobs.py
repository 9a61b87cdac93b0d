"""The nightly look at what a disk may have changed, and at what it should not hold or should."""

from __future__ import annotations

import structlog

from dispatch import clock, db
from dispatch.access import audit
from dispatch.doctor import orphans
from dispatch.doctor.damage import damage_found, known_files
from dispatch.outbox import Lease
from dispatch.settings import Settings

log = structlog.get_logger(__name__)

MOST_NAMED = 100
"""So many are named in the trail; the job's result has the number of all."""


def look_at_files(lease: Lease, **_: str) -> None:
    """
    Sweep files both ways, then read documents, the trail and a seventh of the files.

    Files that nothing points to go. What points to a file that is gone stays, and the administrators are
    reminded until it is there again. That, and what is not what was written, is an alert.
    """
    directory, weekday = Settings.from_environment().attachments, clock.now().weekday()
    old = orphans.strays(directory)
    with db.transaction() as session:
        known = known_files(session)
    gone, lost = orphans.absent(directory, known), orphans.unknown(old, known)
    removed = [] if orphans.are_too_many(lost, old) else lost
    orphans.remove(removed)
    if removed:
        log.info("strays_removed", files=len(removed))
    alerts = [
        (one.code, one.message)
        for one in damage_found(directory, weekday=weekday)
        if one.level == "error" and one.code != "FILE_GONE"
    ]
    damaged = len(alerts)
    with lease.finishing() as session:
        alerts += [
            ("FILE_GONE", f"{known[name][0] if name in known else 'disk'}: {name} not there")
            for name in orphans.remind_of_gone(session, gone)
        ]
        for code, message in alerts[:MOST_NAMED]:
            audit.record(session, action="look_at_files", outcome="alert", code=code, found=message)
        lease.result = {"damaged": damaged, "gone": len(gone), "removed": len(removed)}
    for code, message in alerts:
        log.error("damaged", code=code, found=message)
