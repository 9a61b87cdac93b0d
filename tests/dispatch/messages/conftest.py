"""A database that commits, and real mail servers on the loopback."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

from dispatch import clock, db, outbox
from tests.builders import frozen_clock
from tests.job_stage import Stage
from tests.planning_world import register_kinds

Server = Callable[..., "Mailbox"]


class Mailbox:
    """What a mail server took; ``answers`` are given in turn to MAIL, RCPT or DATA before it takes more."""

    def __init__(self, **answers: list[str]) -> None:
        self.mails: list[EmailMessage] = []
        self.answers = answers

    def _next(self, step: str) -> str:
        waiting = self.answers.get(step, [])
        return waiting.pop(0) if waiting else "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name and order
        self, server: Any, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take or refuse a recipient."""
        answer = self._next("rcpt")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802
        """Take or refuse a mail."""
        answer = self._next("data")
        if answer.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            mail = BytesParser(policy=SMTP).parsebytes(content)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
        return answer


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    """Where the company's mail server is expected."""
    number = free_port()
    monkeypatch.setenv("TRUCKROLL_SMTP_URL", f"smtp://127.0.0.1:{number}")
    return number


@pytest.fixture
def server(port: int) -> Iterator[Server]:
    """Starts the mail server with the answers it is to give."""
    running: list[Controller] = []

    def start(**answers: list[str]) -> Mailbox:
        mailbox = Mailbox(**answers)
        controller = Controller(mailbox, hostname="127.0.0.1", port=port)
        controller.start()
        running.append(controller)
        return mailbox

    yield start
    for controller in running:
        controller.stop()


@pytest.fixture
def post(database_url: str) -> Iterator[Stage]:
    """The company's own database, where what is committed stays."""
    engine = db.connect(database_url)
    db.configure(db.sessions(engine))
    register_kinds()
    clock.set_source(frozen_clock())
    yield Stage(engine)
    clock.set_source(None)
    outbox.register((), {})
    engine.dispose()
