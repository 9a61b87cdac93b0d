"""What may come in, and by which key."""

from __future__ import annotations

import hashlib
import secrets

from dispatch.errors import Conflict, DispatchError, Forbidden, Invalid

SOURCE_KINDS = ("telephony", "alarm")
STATES = ("new", "registered", "dismissed")
MOST_FILES = 5
"""Files of one inquiry; more are left in the mail, or refused at the form."""
MOST_BODY = 20_000
KEY_BYTES = 32
KEY_PATTERN = "^[A-Za-z0-9_-]{1,100}$"


class InquiryHandled(Conflict):
    """The inquiry was registered or dismissed already."""

    code = "INQUIRY_HANDLED"
    remedy = "Read the inquiry; its call is named there."


class InquiryFull(Conflict):
    """The inquiry has as many files as it can take."""

    code = "INQUIRY_FULL"
    remedy = f"Send at most {MOST_FILES} files; the technician can take more on site."


class UploadOver(Forbidden):
    """Files can be added for an hour after the form was sent."""

    code = "UPLOAD_OVER"
    remedy = "Send the form again, or send the files by mail."


class KeyMissing(DispatchError):
    """The request names no machine that reports: there is no key, or what is there is none."""

    code = "INTAKE_KEY_MISSING"
    kind = "unauthenticated"
    remedy = "Send the key of the source in the header X-Intake-Key."


class KeyUnknown(Forbidden):
    """The key names no machine that may report here."""

    code = "INTAKE_KEY_UNKNOWN"
    remedy = "Send the key that was shown when the source was entered; ask an administrator for a new one."


class SourceCodeTaken(Conflict):
    """Another source has this code already."""

    code = "SOURCE_CODE_TAKEN"
    remedy = "Choose another code, or change the existing source."


class NothingToAnswer(Invalid):
    """Nobody could answer: neither telephone nor mail address is given."""

    code = "NOTHING_TO_ANSWER"
    remedy = "Give a telephone number or a mail address."


def new_key() -> str:
    """Return a key for a machine; it is shown once and kept as a hash alone."""
    return secrets.token_urlsafe(KEY_BYTES)


def key_hash(key: str) -> str:
    """Return what is kept of a key."""
    return hashlib.sha256(key.encode()).hexdigest()
