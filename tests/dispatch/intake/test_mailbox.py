"""Mail becomes inquiries: each once, with its files, and only then marked as seen (R-101)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch import db
from dispatch.intake import mailbox as reader
from dispatch.intake.mailbox import MailboxAway, letter_of, read_mailbox
from dispatch.intake.model import Inquiry, InquiryFile
from dispatch.settings import Settings
from tests.dispatch.conftest import MovableClock
from tests.dispatch.intake.conftest import MailServer


def picture() -> bytes:
    """A photograph."""
    written = io.BytesIO()
    Image.new("RGB", (32, 16), (200, 30, 30)).save(written, "JPEG")
    return written.getvalue()


def a_mail(*, number: str = "1", subject: str = "No heat", body: str = "It is cold.") -> EmailMessage:
    """A mail with a photograph and a file that is none."""
    mail = EmailMessage()
    mail["From"] = "Ada <ada@example.org>"
    mail["To"] = "repairs@example.com"
    mail["Subject"] = subject
    mail["Message-ID"] = f"<{number}@example.org>"
    mail["Date"] = format_datetime(datetime.now(UTC) - timedelta(hours=2))
    mail.set_content(body)
    mail.add_attachment(picture(), maintype="image", subtype="jpeg", filename="boiler.jpg")
    mail.add_attachment(b"MZ\x90", maintype="application", subtype="octet-stream", filename="virus.exe")
    return mail


@pytest.fixture
def house(database_url: str) -> Iterator[Session]:
    """A database of its own, since the reader commits."""
    engine = db.connect(database_url)
    factory = db.sessions(engine)
    db.configure(factory)
    with factory() as session:
        yield session
    engine.dispose()


@pytest.fixture
def settings(mailbox: MailServer, tmp_path: Path) -> Settings:
    """An installation that reads this mailbox."""
    return Settings(mailbox_url=mailbox.url, home=tmp_path)


def test_a_mail_becomes_one_inquiry_with_its_picture(
    house: Session, mailbox: MailServer, settings: Settings
) -> None:
    mailbox.deliver(bytes(a_mail()))
    assert mailbox.unseen() == 1
    assert read_mailbox(settings) == 1
    assert mailbox.unseen() == 0
    [found] = house.scalars(select(Inquiry)).all()
    assert (found.channel, found.source, found.state) == ("email", "mailbox", "new")
    assert (found.name, found.email, found.subject) == ("Ada", "ada@example.org", "No heat")
    assert found.body == "It is cold."
    assert timedelta(hours=1, minutes=59) < found.received_at - found.requested_at < timedelta(hours=3)
    [file] = house.scalars(select(InquiryFile)).all()
    assert file.media_type == "image/jpeg"
    assert (settings.attachments / file.stored_name).is_file()
    assert read_mailbox(settings) == 0


def test_a_reader_that_dies_before_marking_reads_again_and_makes_no_second_inquiry(
    house: Session, mailbox: MailServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox.deliver(bytes(a_mail()))
    mailbox.deliver(bytes(a_mail(number="2", subject="Another")))
    keep = reader._keep

    def dies(letter: reader.Letter, directory: Path) -> bool:
        keep(letter, directory)
        raise KeyboardInterrupt

    monkeypatch.setattr(reader, "_keep", dies)
    with pytest.raises(KeyboardInterrupt):
        read_mailbox(settings)
    monkeypatch.undo()
    assert mailbox.unseen() == 2
    assert read_mailbox(settings) == 1
    assert sorted(house.scalars(select(Inquiry.subject))) == ["Another", "No heat"]
    assert house.scalar(select(func.count()).select_from(InquiryFile)) == 2
    assert mailbox.unseen() == 0


@pytest.mark.parametrize(
    "url",
    [
        "imap://demouser:wrong@127.0.0.1:{port}/INBOX",
        "imap://demouser:demopass@127.0.0.1:{port}/no-such-folder",
        "imap://demouser:demopass@127.0.0.1:1/INBOX",
    ],
)
def test_a_mailbox_that_cannot_be_opened_is_named(imap_port: int, url: str) -> None:
    with pytest.raises(MailboxAway) as refusal:
        read_mailbox(Settings(mailbox_url=url.format(port=imap_port)))
    assert "demopass" not in str(refusal.value)
    assert "wrong" not in str(refusal.value)


def test_without_a_mailbox_nothing_is_read() -> None:
    assert read_mailbox(Settings()) == 0


BROKEN = [
    b"",
    b"\xff\xfe\x00 not a mail",
    b"From: =?utf-8?b?////?= <a@b\nSubject: =?no-such?q?x?=\nDate: never\n\nbody",
    b"Content-Type: text/plain; charset=klingon\n\nwords",
    b"Content-Type: text/plain; charset=undefined\n\nwords",
    b"Content-Type: text/plain; charset=idna\n\n\xff\xfe",
    b'Content-Type: text/plain; charset="a\x00b"\n\nwords',
    b"Content-Disposition: ;;=*''\nContent-Type: text/plain; *0*=\n\nwords",
    b"Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: image/png\n\n",
    b"From: a\x00b@example.org\nMessage-ID: \n\n\x01\x02 hello \x7f",
    b"Date: Mon, 1 Jan 2999 00:00:00 +0000\n\nfrom the future",
]


@pytest.mark.parametrize("content", BROKEN)
def test_a_badly_written_mail_is_kept_all_the_same(
    house: Session, settings: Settings, content: bytes
) -> None:
    assert reader._keep(reader._letter(content), settings.attachments) is True
    [found] = house.scalars(select(Inquiry)).all()
    assert found.requested_at <= found.received_at
    assert all(char.isprintable() or char in "\n\t" for char in found.body + found.subject + found.name)


@given(content=st.binary(max_size=400))
def test_no_bytes_are_too_broken_to_be_read(content: bytes) -> None:
    letter = reader._letter(content)
    assert letter.arrival.external_id
    assert letter.arrival.requested_at <= datetime.now(UTC)


def test_mail_without_plain_text_is_read_from_its_page() -> None:
    mail = EmailMessage()
    mail["From"] = "Ada <ada@example.org>"
    page = "<html><head><style>p {}</style></head><body><p>It is <b>cold</b> &amp; wet.</p></body></html>"
    mail.set_content(page, subtype="html")
    assert " ".join(letter_of(bytes(mail)).arrival.body.split()) == "It is cold & wet."


def test_mail_that_is_too_large_is_kept_by_its_head(
    house: Session, mailbox: MailServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MOST_BYTES", 500)
    mailbox.deliver(bytes(a_mail()))
    assert read_mailbox(settings) == 1
    [found] = house.scalars(select(Inquiry)).all()
    assert (found.email, found.subject) == ("ada@example.org", "No heat")
    assert "too large" in found.body


def test_a_hostile_mail_keeps_no_later_mail_from_being_read(
    house: Session, mailbox: MailServer, settings: Settings
) -> None:
    mailbox.deliver(b"Content-Type: text/plain; charset=undefined\r\n\r\nwords")
    mailbox.deliver(bytes(a_mail()))
    assert read_mailbox(settings) == 2
    assert mailbox.unseen() == 0


def test_a_senders_clock_that_is_years_behind_is_not_believed(house: Session, settings: Settings) -> None:
    mail = a_mail()
    mail.replace_header("Date", "Thu, 01 Jan 1970 00:00:00 +0000")
    reader._keep(letter_of(bytes(mail)), settings.attachments)
    [found] = house.scalars(select(Inquiry)).all()
    assert found.requested_at == found.received_at
    assert "1970-01-01" in found.body


def test_chinese_mail_is_answered_in_chinese(now: MovableClock) -> None:
    mail = EmailMessage()
    mail["From"] = "=?utf-8?b?546L5Lqs?= <wang@example.org>"
    mail.set_content("空调不制冷")
    assert (letter_of(bytes(mail)).arrival.language, letter_of(bytes(mail)).arrival.name) == ("zh", "王京")
