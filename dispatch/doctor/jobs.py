"""The nightly look at what a disk may have changed."""

from __future__ import annotations

import structlog

from dispatch import clock
from dispatch.access import audit
from dispatch.doctor.damage import damage_found
from dispatch.outbox import Lease
from dispatch.settings import Settings

log = structlog.get_logger(__name__)

MOST_NAMED = 100
"""So many are named in the trail; the job's result has the number of all."""


def look_at_files(lease: Lease, **_: str) -> None:
    """Read documents, the trail and a seventh of the files; what is not what was written is an alert."""
    directory, weekday = Settings.from_environment().attachments, clock.now().weekday()
    found = [one for one in damage_found(directory, weekday=weekday) if one.level == "error"]
    for one in found:
        log.error("damaged", code=one.code, found=one.message)
    with lease.finishing() as session:
        for one in found[:MOST_NAMED]:
            audit.record(session, action="look_at_files", outcome="alert", code=one.code, found=one.message)
        lease.result = {"damaged": len(found)}
