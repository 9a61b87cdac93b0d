"""Real mail over SMTP, with STARTTLS or TLS and login from the URL."""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import unquote, urlsplit

from dispatch.messages.channels.base import DeliveryRefused, Outgoing

TIMEOUT_SECONDS = 15


class SmtpChannel:
    """
    Sends one mail per message.

    URL forms: ``smtp://host:25``, ``smtp+starttls://user:password@host:587``, ``smtps://user:password@host:465``.
    The ``Message-ID`` is made from the message's key, so a receiver can tell a repeated delivery.
    """

    name = "email"

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        self._scheme = parts.scheme
        self._host = parts.hostname or "localhost"
        self._port = parts.port or {"smtps": 465, "smtp+starttls": 587}.get(parts.scheme, 25)
        self._login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        self._sender = sender

    def send(self, message: Outgoing) -> str:
        """Deliver one mail and return its ``Message-ID``."""
        mail = self._mail(message)
        try:
            with self._connect() as server:
                server.send_message(mail)
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
            raise DeliveryRefused(str(error)) from error
        return str(mail["Message-ID"])

    def _mail(self, message: Outgoing) -> EmailMessage:
        mail = EmailMessage(policy=SMTP)
        domain = self._sender.rsplit("@", 1)[-1]
        mail["Message-ID"] = f"<{hashlib.sha256(message.key.encode()).hexdigest()[:32]}@{domain}>"
        mail["From"], mail["To"] = self._sender, message.address
        mail["Subject"] = " ".join(message.subject.split())
        mail["Content-Language"] = message.language
        mail.set_content(message.body)
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
