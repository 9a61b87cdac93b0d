"""What a disk has changed since it was written: files, documents in the database, the trail of access."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from zlib import crc32

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from dispatch import db
from dispatch.access import audit
from dispatch.access.model import AuditEntry
from dispatch.calls.model import GuidancePicture
from dispatch.doctor import orphans
from dispatch.doctor.findings import Finding
from dispatch.intake.model import InquiryFile
from dispatch.work_orders.model import Attachment, StoredDocument

RESTORE = "Restore it from a backup, and look after the disk before you write to it again."


def damage_found(directory: Path, *, weekday: int | None = None) -> Iterator[Finding]:
    """
    Read everything that is kept for ever and name what is not what was written; takes its time.

    With a ``weekday`` (0 to 6) only the files whose turn it is. No transaction is open while files are read.
    """
    old = orphans.strays(directory)
    with db.transaction() as session:
        known = known_files(session)
    yield from orphans.stray_files(orphans.unknown(old, known), old)
    if weekday is not None:
        known = {name: what for name, what in known.items() if crc32(name.encode()) % 7 == weekday}
    yield from files(known, directory)
    with db.transaction() as session:
        found = [*documents(session), *trail(session)]
    yield from found


def files(known: Mapping[str, tuple[str, str | None]], directory: Path) -> Iterator[Finding]:
    """Compare every stored file with its digest, a piece at a time."""
    unknown = 0
    for name, (what, sha256) in sorted(known.items()):
        try:
            with (directory / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            yield Finding("error", "FILE_GONE", f"{what}: {name} is not there", RESTORE)
        except OSError as error:
            yield Finding("error", "FILE_UNREADABLE", f"{what}: {name}: {error.strerror}", RESTORE)
        else:
            if sha256 is None:
                unknown += 1
            elif found != sha256:
                yield Finding("error", "FILE_DAMAGED", f"{what}: {name} is not what was written", RESTORE)
    if unknown:
        message = f"{unknown} files are there, but were written before digests were kept"
        yield Finding("warning", "FILE_NOT_COMPARED", message, "Compare them with a backup, once.")


def known_files(session: Session) -> Mapping[str, tuple[str, str | None]]:
    """What each stored file is and its digest, by name; a file that went with an order is known twice."""
    found: dict[str, tuple[str, str | None]] = {}
    for what, statement in (
        ("inquiry file", select(InquiryFile.id, InquiryFile.stored_name, InquiryFile.stored_sha256)),
        ("attachment", select(Attachment.id, Attachment.stored_name, Attachment.stored_sha256)),
        ("guidance picture", select(GuidancePicture.id, GuidancePicture.stored_name, GuidancePicture.sha256)),
    ):
        for row_id, name, sha256 in session.execute(statement):
            found[name] = (f"{what} {row_id}", sha256 or found.get(name, ("", None))[1])
    return found


def documents(session: Session) -> Iterator[Finding]:
    """Compare every printed document with its digest; the database reads and hashes it."""
    changed = select(StoredDocument.id, StoredDocument.kind).where(
        StoredDocument.sha256 != func.encode(func.sha256(StoredDocument.content), "hex")
    )
    for document_id, kind in session.execute(changed.order_by(StoredDocument.id)):
        message = f"{kind} {document_id} is not what was printed"
        yield Finding("error", "DOCUMENT_DAMAGED", message, RESTORE)


def trail(session: Session) -> Iterator[Finding]:
    """Compare every entry of the trail of access with its digest; those of before have none."""
    changed = select(AuditEntry.id, AuditEntry.action).where(
        AuditEntry.sha256 != audit.digest_of(*audit.columns())
    )
    for entry_id, action in session.execute(changed.order_by(AuditEntry.id)):
        message = f"entry {entry_id} ({action}) is not what was written"
        yield Finding("error", "AUDIT_DAMAGED", message, RESTORE)


def pages(session: Session) -> Iterator[Finding]:
    """Ask whether PostgreSQL itself would notice a changed page, and whether it has."""
    if session.scalar(text("show data_checksums")) != "on":
        remedy = (
            "Stop the server and run pg_checksums --enable, or make the next cluster with --data-checksums."
        )
        yield Finding("warning", "CHECKSUMS_OFF", "PostgreSQL does not notice damaged pages", remedy)
    broken = session.scalar(text("select sum(checksum_failures) from pg_stat_database"))
    if broken:
        yield Finding("error", "PAGES_DAMAGED", f"PostgreSQL has found {broken} damaged pages", RESTORE)
