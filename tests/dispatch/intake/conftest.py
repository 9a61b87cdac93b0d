"""A real mail server that speaks IMAP, with an empty folder for each test."""

from __future__ import annotations

import imaplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class MailServer:
    """A running server and one folder of it."""

    port: int
    folder: str

    @property
    def url(self) -> str:
        """What an installation would set."""
        return f"imap://demouser:demopass@127.0.0.1:{self.port}/{self.folder}"

    def deliver(self, content: bytes) -> None:
        """Put a mail into the folder, unseen."""
        with self._login() as box:
            status, answer = box.append(self.folder, "", "", content)
            assert status == "OK", answer

    def unseen(self) -> int:
        """How many mails nobody has read."""
        with self._login() as box:
            box.select(self.folder, readonly=True)
            _, found = box.search(None, "UNSEEN")
            return len((found[0] or b"").split())

    def make(self) -> None:
        """Make the folder."""
        with self._login() as box:
            status, answer = box.create(self.folder)
            assert status == "OK", answer

    def _login(self) -> imaplib.IMAP4:
        box = imaplib.IMAP4("127.0.0.1", self.port, timeout=10)
        box.login("demouser", "demopass")
        return box


@pytest.fixture(scope="session")
def imap_port() -> Iterator[int]:
    """The server's port; the process ends with the tests."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [Path(sys.executable).parent / "pymap", "--host", "127.0.0.1", "--port", str(port), "--no-tls"]
    server = subprocess.Popen(
        [*command, "--no-service", "admin", "--no-service", "managesieve", "dict", "--demo-data"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + PATIENCE
        while True:
            with suppress(OSError, imaplib.IMAP4.error):
                imaplib.IMAP4("127.0.0.1", port, timeout=5).logout()
                break
            assert server.poll() is None, "the mail server ended"
            assert time.monotonic() < until, "the mail server does not answer"
            time.sleep(0.05)
        yield port
    finally:
        server.kill()
        server.wait(10)


@pytest.fixture
def mailbox(imap_port: int) -> MailServer:
    """A folder of this test's own."""
    server = MailServer(imap_port, f"box-{uuid4().hex}")
    server.make()
    return server
