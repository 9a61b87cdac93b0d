"""Photographs and documents of a visit: checked, cleaned, and written so that no crash leaves half (S14)."""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import struct
import zlib
from pathlib import Path

from PIL import Image, UnidentifiedImageError
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dispatch import clock, db
from dispatch.access.rules import Principal
from dispatch.errors import Conflict, Invalid, NotFound
from dispatch.work_orders.announcing import announce_visit
from dispatch.work_orders.guards import check_recordable
from dispatch.work_orders.model import Attachment, DeclaredFile, Visit

MOST_BYTES = 25 * 1024 * 1024
MOST_PIXELS = 50_000_000
MOST_PIXELS_OF = {"image/jpeg": MOST_PIXELS, "image/png": 25_000_000, "image/webp": 12_500_000}
"""What can be decoded within some 200 MB, so that one upload does not crowd out other requests."""
KEPT_PIXELS = 12_500_000
"""Larger pictures are halved in width and height."""
MOST_PER_VISIT = 200
SUFFIX = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "application/pdf": ".pdf"}
FORMAT = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
DAMAGED = (
    UnidentifiedImageError,
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    UserWarning,  # what Pillow only warns of, where warnings are errors
    struct.error,
    zlib.error,
)


class AttachmentRefused(Invalid):
    """The file is empty, damaged, or none of JPEG, PNG, WebP and PDF by its content."""

    code = "ATTACHMENT_REFUSED"
    remedy = "Send a JPEG, PNG or WebP picture, or a PDF document."


class AttachmentTooLarge(Invalid):
    """The file has more than 25 MB, or the picture more than 50 million pixels (PNG 25, WebP 12.5)."""

    code = "ATTACHMENT_TOO_LARGE"
    remedy = "Send a smaller picture."


class AttachmentGone(NotFound):
    """The attachment is known, but its file is not where files are kept."""

    code = "ATTACHMENT_GONE"
    remedy = "Ask an administrator to restore the directory of attachments."


class AttachmentDamaged(Conflict):
    """The file is where it was written, and its bytes are not those that were written."""

    code = "ATTACHMENT_DAMAGED"
    remedy = "Ask an administrator to restore the file from a backup and to look after the disk."


class AttachmentsFull(Conflict):
    """The visit has as many attachments as it can take."""

    code = "ATTACHMENTS_FULL"
    remedy = f"A visit takes {MOST_PER_VISIT} attachments; send the rest with a follow-up visit."


def store_attachment(
    session: Session,
    *,
    by: Principal | None,
    visit: Visit,
    content: bytes,
    directory: Path,
    is_announced: bool = False,
) -> Attachment:
    """
    Keep a photograph or document of a visit; the same bytes twice are one attachment.

    Bytes that were announced in time are taken although the record was locked meanwhile.

    Pictures are decoded and written anew, without position or other metadata. The file lies on disk under a
    random name before the row is written; a rolled-back row leaves a file that nothing points to.
    """
    if not is_announced:
        check_recordable(session, visit, by)
    sha256 = hashlib.sha256(content).hexdigest()
    same = select(Attachment).where(Attachment.visit_id == visit.id, Attachment.sha256 == sha256)
    known = session.scalars(same).first()
    if known is not None:
        return known
    kept = select(Attachment.id).where(Attachment.visit_id == visit.id)
    if len(session.scalars(kept).all()) >= MOST_PER_VISIT:
        raise AttachmentsFull(f"visit {visit.number} has {MOST_PER_VISIT} attachments")
    media_type, clean = cleaned(content)
    name, stored_sha256 = keep_bytes(directory, clean, media_type)
    row = (
        insert(Attachment)
        .values(
            id=db.new_id(),
            visit_id=visit.id,
            sha256=sha256,
            media_type=media_type,
            size_bytes=len(clean),
            stored_name=name,
            stored_sha256=stored_sha256,
            uploaded_by=by.user_id if by else None,
            uploaded_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["visit_id", "sha256"])
    )
    session.execute(row)
    stored = session.scalars(same).one()
    waiting = update(DeclaredFile).where(
        DeclaredFile.visit_id == visit.id, DeclaredFile.sha256 == sha256, DeclaredFile.attachment_id.is_(None)
    )
    session.execute(waiting.values(attachment_id=stored.id, given_up_at=None))
    if stored.stored_name != name:
        (directory / name).unlink(missing_ok=True)
    announce_visit(session, visit)
    return stored


def cleaned(content: bytes) -> tuple[str, bytes]:
    """Return the media type found in the content, and the content without anything but the picture."""
    if len(content) > MOST_BYTES:
        raise AttachmentTooLarge(f"{len(content)} bytes are too many", largest=MOST_BYTES)
    media_type = media_type_of(content)
    if media_type == "application/pdf":
        return media_type, content
    _check_pixels(media_type, *_claimed_size(media_type, content))
    return media_type, _redrawn(media_type, content)


def media_type_of(content: bytes) -> str:
    """Tell what a file is by its first bytes; its name and its sender's word count for nothing."""
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content.startswith((b"%PDF-1.", b"%PDF-2.")):
        return "application/pdf"
    raise AttachmentRefused("the content is no picture or document of a known kind")


def _claimed_size(media_type: str, content: bytes) -> tuple[int, int]:
    """
    Return width and height as the file claims them, before any decoder sees it.

    A WebP decoder takes memory for the whole canvas when it opens a file, so its header is read by hand.
    """
    if media_type == "image/png":
        return int.from_bytes(content[16:20]), int.from_bytes(content[20:24])
    if media_type == "image/webp":
        kind = content[12:16]
        if kind == b"VP8X":
            return _little(content[24:27]) + 1, _little(content[27:30]) + 1
        if kind == b"VP8L":
            bits = _little(content[21:25])
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        return _little(content[26:28]) & 0x3FFF, _little(content[28:30]) & 0x3FFF
    return 1, 1


def _little(number: bytes) -> int:
    return int.from_bytes(number, "little")


def _check_pixels(media_type: str, width: int, height: int) -> None:
    if width <= 0 or height <= 0:
        raise AttachmentRefused("the picture has no area")
    largest = MOST_PIXELS_OF[media_type]
    if width * height > largest:
        raise AttachmentTooLarge(f"{width} x {height} pixels are too many", largest=largest)


def _redrawn(media_type: str, content: bytes) -> bytes:
    """Decode the picture and write it anew: upright, first frame, no metadata, nothing appended."""
    kind = FORMAT[media_type]
    try:
        with Image.open(io.BytesIO(content), formats=[kind]) as opened:
            _check_pixels(media_type, *opened.size)
            picture = _upright(_decoded(opened, kind), _turn_of(opened))
            picture.info.clear()
            written = io.BytesIO()
            picture.save(written, kind, **({} if kind == "PNG" else {"quality": 88}))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise AttachmentTooLarge("the picture has too many pixels", largest=MOST_PIXELS) from error
    except DAMAGED as error:
        raise AttachmentRefused("the picture is damaged") from error
    return written.getvalue()


def _decoded(opened: Image.Image, kind: str) -> Image.Image:
    """Return the picture in a mode its format can hold, halved when it is larger than anybody looks at."""
    width, height = opened.size
    factor = 1 if width * height <= KEPT_PIXELS else 2
    if factor > 1 and kind == "JPEG":
        opened.draft(opened.mode, (width // factor, height // factor))
        factor = 1
    holdable = {"L", "RGB"} if kind == "JPEG" else {"L", "RGB", "LA", "RGBA"}
    picture = opened
    if opened.mode not in holdable:
        picture = opened.convert("RGB" if kind == "JPEG" else "RGBA")
    return picture.reduce(factor) if factor > 1 else picture


def _turn_of(opened: Image.Image) -> Image.Transpose | None:
    """Return how the camera says that the picture must be turned; damaged metadata says nothing."""
    try:
        return TURNS.get(opened.getexif().get(ORIENTATION, 1))
    except (*DAMAGED, TypeError, KeyError):
        return None


def _upright(picture: Image.Image, turn: Image.Transpose | None) -> Image.Image:
    return picture if turn is None else picture.transpose(turn)


def content_of(attachment: Attachment, directory: Path) -> bytes:
    """Return the bytes of an attachment that was found before."""
    return stored_bytes(
        directory,
        attachment.stored_name,
        f"attachment {attachment.id}",
        sha256=attachment.stored_sha256,
    )


def stored_bytes(directory: Path, name: str, what: str, *, sha256: str | None) -> bytes:
    """
    Return the bytes that were written under a name.

    Raises ``AttachmentGone`` when they are missing, ``AttachmentDamaged`` when a disk has changed them; what
    was written before digests were kept is not compared.
    """
    try:
        content = (directory / name).read_bytes()
    except FileNotFoundError as error:
        raise AttachmentGone(f"{what} is not on this machine") from error
    if sha256 is not None and sha256 != hashlib.sha256(content).hexdigest():
        raise AttachmentDamaged(f"{what} is not what was written")
    return content


def keep_bytes(directory: Path, content: bytes, media_type: str) -> tuple[str, str]:
    """Write bytes for ever; return their name, which nobody can guess, and their SHA-256."""
    name = f"{secrets.token_hex(16)}{SUFFIX[media_type]}"
    write_durably(directory, name, content)
    return name, hashlib.sha256(content).hexdigest()


def write_durably(directory: Path, name: str, content: bytes) -> Path:
    """Write a file that is there whole or not at all, whatever dies in between."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    final, passing = directory / name, directory / f".{name}.part"
    descriptor = os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        passing.rename(final)
    except BaseException:
        passing.unlink(missing_ok=True)
        raise
    folder = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return final
