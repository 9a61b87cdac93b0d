"""Real mail over SMTP, with STARTTLS or TLS and login from the URL."""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import unquote, urlsplit

from dispatch.messages.channels.base import ChannelAway, DeliveryRefused, Outgoing

TIMEOUT_SECONDS = 15


class SmtpChannel:
    """
    Sends one mail per message.

    URL forms: ``smtp://host:25``, ``smtp+starttls://user:password@host:587``, ``smtps://user:password@host:465``.
    The ``Message-ID`` is made from the message's key, so a receiver can tell a repeated delivery.
    """

    name = "email"
    leaves_the_house = True

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        self._scheme = parts.scheme
        self._host = parts.hostname or "localhost"
        self._port = parts.port or {"smtps": 465, "smtp+starttls": 587}.get(parts.scheme, 25)
        self._login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        self._sender = sender

    def send(self, message: Outgoing) -> str:
        """Deliver one mail and return its ``Message-ID``."""
        try:
            mail = self._mail(message)
        except ValueError as error:
            raise DeliveryRefused(f"no mail can be written to this address: {error}") from error
        server = self._connected()
        try:
            _hand_over(server, mail)
        finally:
            _leave(server)
        return str(mail["Message-ID"])

    def _connected(self) -> smtplib.SMTP:
        try:
            return self._connect()
        except OSError as error:  # every error of smtplib is one
            raise ChannelAway(f"the mail server cannot be used: {type(error).__name__}") from error

    def _mail(self, message: Outgoing) -> EmailMessage:
        mail = EmailMessage(policy=SMTP)
        domain = self._sender.rsplit("@", 1)[-1]
        mail["Message-ID"] = f"<{hashlib.sha256(message.key.encode()).hexdigest()[:32]}@{domain}>"
        mail["From"], mail["To"] = self._sender, message.address
        mail["Subject"] = " ".join(message.subject.split())
        mail.set_content(message.body)
        mail["Content-Language"] = message.language  # after the content, which takes former headers off
        return mail

    def _connect(self) -> smtplib.SMTP:
        if self._scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context()
            )
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_SECONDS)
            if self._scheme == "smtp+starttls":
                server.starttls(context=ssl.create_default_context())
        if self._login:
            server.login(*self._login)
        return server


def _hand_over(server: smtplib.SMTP, mail: EmailMessage) -> None:
    """Give the mail to the server; an error without an answer of the server means nobody knows."""
    try:
        server.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        answers = list(error.recipients.values())
        raise _refusal(answers[0][0] if answers else 550, error) from error
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        raise _refusal(error.smtp_code, error) from error
    except (smtplib.SMTPNotSupportedError, UnicodeError) as error:
        raise DeliveryRefused(f"the mail server cannot write to this address: {error}") from error


def _refusal(code: int, error: smtplib.SMTPException) -> DeliveryRefused | ChannelAway:
    """4xx asks to come back later, 5xx is a clear no (RFC 5321 §4.2.1)."""
    return ChannelAway(str(error)) if 400 <= code < 500 else DeliveryRefused(str(error))


def _leave(server: smtplib.SMTP) -> None:
    """Say goodbye; the mail is taken or refused by then, whatever the answer."""
    try:
        server.quit()
    except OSError:
        server.close()
