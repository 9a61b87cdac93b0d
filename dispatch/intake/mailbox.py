"""
Mail becomes inquiries: read over IMAP, kept, and only then marked as seen (R-101).

A reader that dies in between reads the same mail again; its Message-ID keeps it from becoming two.
"""

from __future__ import annotations

import email
import email.policy
import hashlib
import html
import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import unquote, urlsplit

import structlog

from dispatch import clock, db
from dispatch.errors import DispatchError
from dispatch.intake import rules
from dispatch.intake.receiving import Arrival, add_file, plain, receive
from dispatch.settings import Settings

log = structlog.get_logger(__name__)

MOST_MAILS = 50
"""Mails of one look; the rest waits for the next."""
MOST_BYTES = 30 << 20
SECONDS = 20
TOO_LARGE = b"\r\n\r\nThe mail is too large to be kept here: read it in the mailbox."


class MailboxAway(DispatchError):
    """The mail server could not be reached, or refused the login."""

    code = "MAILBOX_AWAY"
    kind = "unavailable"
    remedy = "Check TRUCKROLL_MAILBOX_URL: server, user, password and folder."


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail as it becomes an inquiry, with the files that came with it."""

    arrival: Arrival
    files: tuple[bytes, ...]


def read_mailbox(settings: Settings) -> int:
    """Make inquiries of the mails that nobody has seen; return how many were new."""
    if settings.mailbox_url is None:
        return 0
    new = 0
    with _opened(settings.mailbox_url) as box:
        for number in _unseen(box)[:MOST_MAILS]:
            new += _keep(_letter(_fetched(box, number)), settings.attachments)
            box.store(number, "+FLAGS", "(\\Seen)")
    return new


def _keep(letter: Letter, directory: Path) -> bool:
    """Write one letter down in a transaction of its own; files that nobody can open stay in the mail."""
    with db.transaction() as session:
        found, is_new = receive(session, letter.arrival)
        for content in letter.files[: rules.MOST_FILES] if is_new else ():
            try:
                with session.begin_nested():
                    add_file(session, inquiry=found, content=content, directory=directory)
            except DispatchError as refusal:
                log.info("mail_file_left_out", inquiry=found.number, code=refusal.code)
    return is_new


@contextmanager
def _opened(address: str) -> Iterator[imaplib.IMAP4]:
    """A mailbox, logged in, its folder open."""
    where = urlsplit(address)
    folder = where.path.strip("/") or "INBOX"
    try:
        box = _connected(where.scheme, where.hostname or "", where.port)
    except (OSError, imaplib.IMAP4.error) as error:
        raise MailboxAway(f"{type(error).__name__} at {where.hostname}") from error
    try:
        try:
            box.login(unquote(where.username or ""), unquote(where.password or ""))
            status, _ = box.select(f'"{folder}"')
        except (OSError, imaplib.IMAP4.error) as error:
            raise MailboxAway(f"{type(error).__name__} at {where.hostname}") from error
        if status != "OK":
            raise MailboxAway(f"there is no folder {folder}")
        yield box
    finally:
        with suppress(OSError, imaplib.IMAP4.error):
            box.logout()


def _connected(scheme: str, host: str, port: int | None) -> imaplib.IMAP4:
    safe = ssl.create_default_context()
    if scheme == "imaps":
        return imaplib.IMAP4_SSL(host, port or 993, ssl_context=safe, timeout=SECONDS)
    box = imaplib.IMAP4(host, port or 143, timeout=SECONDS)
    if scheme == "imap+starttls":
        box.starttls(ssl_context=safe)
    return box


def _unseen(box: imaplib.IMAP4) -> list[str]:
    _, found = box.search(None, "UNSEEN")
    return [number.decode() for number in (found[0] or b"").split()]


def _fetched(box: imaplib.IMAP4, number: str) -> bytes:
    """The bytes of a mail; of one too large its head, and a word about it in place of the rest."""
    _, sizes = box.fetch(number, "(RFC822.SIZE)")
    told = b" ".join(part if isinstance(part, bytes) else part[0] for part in sizes if part)
    digits = told.rpartition(b"RFC822.SIZE ")[2].split(b")")[0].split(b" ")[0].strip()
    if digits.isdigit() and int(digits) > MOST_BYTES:
        return _part(box, number, "BODY.PEEK[HEADER.FIELDS (FROM SUBJECT DATE MESSAGE-ID)]") + TOO_LARGE
    return _part(box, number, "BODY.PEEK[]")


def _part(box: imaplib.IMAP4, number: str, what: str) -> bytes:
    """A part of a mail; ``MailboxAway`` where the server gives none, so that it is asked for again."""
    status, parts = box.fetch(number, f"({what})")
    for part in parts:
        if status == "OK" and isinstance(part, tuple):
            return part[1]
    raise MailboxAway(f"the server gave nothing of mail {number}")


def _letter(content: bytes) -> Letter:
    """A mail as it becomes an inquiry; one that no reader understands is kept as the text it is."""
    try:
        return letter_of(content)
    except Exception as error:  # noqa: BLE001 - whatever a sender wrote must not keep later mail from being read
        log.warning("mail_unreadable", error=type(error).__name__)
        body = plain(content.decode("utf-8", "replace"))[: rules.MOST_BODY]
        known = hashlib.sha256(content).hexdigest()
        return Letter(
            Arrival(
                channel="email",
                source="mailbox",
                external_id=known,
                requested_at=clock.now(),
                subject="a mail that cannot be read",
                body=body,
            ),
            (),
        )


def letter_of(content: bytes) -> Letter:
    """Read a mail, however badly it is written; what cannot be read is left empty."""
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)  # noqa: S101 - the policy makes them
    name, address = parseaddr(_header(message, "From"))
    known = _header(message, "Message-ID").strip() or hashlib.sha256(content).hexdigest()
    body, files = _parts(message)
    arrival = Arrival(
        channel="email",
        source="mailbox",
        external_id=known[:200],
        requested_at=_sent(message),
        name=plain(name or address)[:200],
        email=address or None,
        language="zh" if _is_chinese(body) else "en",
        subject=plain(_header(message, "Subject"))[:300],
        body=body[: rules.MOST_BODY],
    )
    return Letter(arrival, files)


def _header(message: EmailMessage, name: str) -> str:
    try:
        return str(message.get(name, ""))
    except (ValueError, LookupError, AttributeError, IndexError, TypeError):
        return ""


def _sent(message: EmailMessage) -> datetime:
    """When it was sent; now, where the mail does not say or says something later."""
    now = clock.now()
    with suppress(ValueError, TypeError, OverflowError):
        sent = email.utils.parsedate_to_datetime(_header(message, "Date"))
        aware = sent if sent.tzinfo is not None else sent.replace(tzinfo=UTC)
        return min(aware.astimezone(UTC), now)
    return now


def _parts(message: EmailMessage) -> tuple[str, tuple[bytes, ...]]:
    body, page, files = "", "", []
    for part in message.walk():
        if part.is_multipart():
            continue
        kind = part.get_content_type()
        if kind == "text/plain" and not body and part.get_content_disposition() != "attachment":
            body = _text(part)
        elif kind == "text/html" and not page and part.get_content_disposition() != "attachment":
            page = _text(part)
        elif kind.startswith("image/") or kind in {"application/pdf", "application/octet-stream"}:
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes) and payload:
                files.append(payload)
    return plain(body or _words_of(page)), tuple(files)


def _words_of(page: str) -> str:
    """The words of a page, for mail that has no plain text."""
    seen = re.sub(r"(?is)<(script|style|head)\b.*?</\1>", " ", page)
    seen = re.sub(r"(?i)<(br|/p|/div|/li|/tr)\b[^>]*>", "\n", seen)
    return html.unescape(re.sub(r"(?s)<[^>]*>", " ", seen))


def _text(part: EmailMessage) -> str:
    payload = part.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else b""
    try:
        return raw.decode(part.get_content_charset() or "utf-8", "replace")
    except (LookupError, ValueError):
        return raw.decode("utf-8", "replace")


def _is_chinese(words: str) -> bool:
    return any("\u4e00" <= char <= "\u9fff" for char in words)
