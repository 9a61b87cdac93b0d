"""S14: what is uploaded is a picture or a PDF, clean, of bearable size, and stored whole or not at all."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.work_orders import attachments
from dispatch.work_orders.attachments import (
    AttachmentRefused,
    AttachmentsFull,
    AttachmentTooLarge,
    cleaned,
    store_attachment,
)
from dispatch.work_orders.model import Attachment, Visit
from tests import builders as b
from tests.dispatch.conftest import MovableClock

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"


def picture(kind: str, mode: str = "RGB", size: tuple[int, int] = (40, 20), **options: object) -> bytes:
    """A small picture."""
    written = io.BytesIO()
    Image.new(mode, size, "red" if mode in {"RGB", "RGBA"} else 1).save(written, kind, **options)
    return written.getvalue()


def with_position() -> bytes:
    """A JPEG that says where it was taken and that it lies on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "CANARY-MAKER"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (60.0, 10.0, 0.0)
    return picture("JPEG", exif=exif, comment=b"CANARY-COMMENT")


def claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be huge."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def huge_webp(width: int, height: int) -> bytes:
    """A WebP that claims a huge canvas."""
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\0\0\0\0"
    body += (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", len(body)) + body


def huge_jpeg(side: int) -> bytes:
    """A JPEG whose frame header claims a huge square."""
    content = bytearray(picture("JPEG"))
    frame = content.index(b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", side, side)
    return bytes(content)


SEEDS = [
    with_position(),
    picture("JPEG", progressive=True),
    picture("PNG", "RGBA"),
    picture("PNG", "P"),
    picture("WEBP"),
    picture("WEBP", lossless=True),
]


@pytest.fixture
def visit(session: Session, now: MovableClock) -> Visit:
    """A visit that is being worked on."""
    return b.a_visit(session, state="working")


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (picture("JPEG"), "image/jpeg"),
        (picture("JPEG", "CMYK"), "image/jpeg"),
        (picture("PNG", "RGBA"), "image/png"),
        (picture("PNG", "P"), "image/png"),
        (picture("WEBP"), "image/webp"),
        (picture("WEBP", lossless=True), "image/webp"),
        (PDF, "application/pdf"),
    ],
)
def test_pictures_and_documents_are_known_by_their_content(
    session: Session, visit: Visit, tmp_path: Path, content: bytes, media_type: str
) -> None:
    kept = store_attachment(session, by=None, visit=visit, content=content, directory=tmp_path)
    stored = (tmp_path / kept.stored_name).read_bytes()
    assert (kept.media_type, kept.size_bytes) == (media_type, len(stored))
    if media_type != "application/pdf":
        with Image.open(io.BytesIO(stored)) as opened:
            assert opened.size == (40, 20)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"PK\x03\x04",
        b"MZ\x90\x00",
        b"<html>%PDF-1.7",
        b" " + PDF,
        b"\xff\xd8\xff",
        picture("JPEG")[:200],
        picture("PNG")[:40],
        b"RIFF\x00\x00\x00\x00WEBPVP8 ",
        b"\x89PNG\r\n\x1a\n" + b"\x00" * 40,
    ],
)
def test_anything_else_is_refused_and_nothing_is_stored(
    session: Session, visit: Visit, tmp_path: Path, content: bytes
) -> None:
    with pytest.raises(AttachmentRefused):
        store_attachment(session, by=None, visit=visit, content=content, directory=tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert session.scalars(select(Attachment)).all() == []


@pytest.mark.parametrize(
    "content",
    [
        claiming(60_000, 60_000),
        claiming(25_000, 1_001),
        huge_webp(16_384, 16_384),
        huge_jpeg(65_500),
        huge_jpeg(9_500),
        huge_jpeg(7_100),
    ],
)
def test_a_picture_bomb_is_refused_before_it_is_decoded(content: bytes) -> None:
    """Row 30."""
    with pytest.raises(AttachmentTooLarge):
        cleaned(content)


def test_a_large_photograph_is_halved_and_nothing_is_lost_of_a_small_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attachments, "KEPT_PIXELS", 1200)
    for size, kept in (((50, 30), (25, 15)), ((40, 30), (40, 30))):
        for kind in ("JPEG", "PNG"):
            with Image.open(io.BytesIO(cleaned(picture(kind, size=size))[1])) as stored:
                assert stored.size == kept, kind


@given(st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_a_damaged_picture_is_refused_by_name_or_drawn_anew(chance: Random) -> None:
    """S14: whatever bytes come, the answer is a picture or a named refusal."""
    content = bytearray(chance.choice(SEEDS))
    for _ in range(chance.randint(1, 6)):
        where = chance.randrange(8, len(content))
        content[where : where + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
    try:
        media_type, clean = cleaned(bytes(content))
    except (AttachmentRefused, AttachmentTooLarge):
        return
    assert attachments.media_type_of(clean) == media_type


def test_a_file_beyond_25_megabytes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "MOST_BYTES", 1000)
    assert cleaned(PDF.ljust(1000))[0] == "application/pdf"
    with pytest.raises(AttachmentTooLarge):
        cleaned(PDF.ljust(1001))


def test_no_position_no_maker_and_nothing_appended_survives(
    session: Session, visit: Visit, tmp_path: Path
) -> None:
    content = with_position() + b"PK\x03\x04CANARY-ZIP"
    kept = store_attachment(session, by=None, visit=visit, content=content, directory=tmp_path)
    stored = (tmp_path / kept.stored_name).read_bytes()
    assert b"CANARY" not in stored
    with Image.open(io.BytesIO(stored)) as opened:
        assert dict(opened.getexif()) == {}
        assert opened.size == (20, 40), "turned upright before its orientation is forgotten"


def test_the_same_bytes_are_one_attachment_of_a_visit(session: Session, visit: Visit, tmp_path: Path) -> None:
    other = b.a_visit(session, state="working")
    first, second, elsewhere = (
        store_attachment(session, by=None, visit=of, content=PDF, directory=tmp_path)
        for of in (visit, visit, other)
    )
    assert first.id == second.id != elsewhere.id
    assert len(list(tmp_path.iterdir())) == 2


def test_names_on_disk_say_nothing_and_cannot_leave_the_directory(
    session: Session, visit: Visit, tmp_path: Path
) -> None:
    kept = store_attachment(session, by=None, visit=visit, content=PDF, directory=tmp_path / "new")
    stem, dot, suffix = kept.stored_name.partition(".")
    assert (len(stem), dot, suffix, stem.isalnum()) == (32, ".", "pdf", True)
    assert ((tmp_path / "new" / kept.stored_name).stat().st_mode & 0o777) == 0o600


def test_a_visit_takes_only_so_many_files(
    session: Session, visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachments, "MOST_PER_VISIT", 1)
    store_attachment(session, by=None, visit=visit, content=PDF, directory=tmp_path)
    with pytest.raises(AttachmentsFull):
        store_attachment(session, by=None, visit=visit, content=PDF + b"2", directory=tmp_path)


def test_a_write_that_fails_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(self: Path, target: Path) -> Path:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OSError, match="disk full"):
        attachments.write_durably(tmp_path, "a.pdf", PDF)
    assert list(tmp_path.iterdir()) == []


def test_a_bit_that_a_disk_has_changed_is_told_and_not_shown(
    session: Session, visit: Visit, tmp_path: Path
) -> None:
    """Row 26 of the fault campaign: of 100 changed bits 100 are seen; older files are shown as they are."""
    kept = attachments.store_attachment(
        session, by=None, visit=visit, content=picture("JPEG"), directory=tmp_path
    )
    place = tmp_path / kept.stored_name
    sound, chance, seen = place.read_bytes(), Random(26), 0
    assert attachments.content_of(kept, tmp_path) == sound
    for _ in range(100):
        bit = chance.randrange(8 * len(sound))
        broken = bytearray(sound)
        broken[bit // 8] ^= 1 << bit % 8
        place.write_bytes(broken)
        with pytest.raises(attachments.AttachmentDamaged):
            attachments.content_of(kept, tmp_path)
        seen += 1
    assert seen == 100
    kept.stored_sha256 = None
    assert attachments.content_of(kept, tmp_path) == bytes(broken)
    place.unlink()
    with pytest.raises(attachments.AttachmentGone):
        attachments.content_of(kept, tmp_path)
