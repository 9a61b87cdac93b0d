"""The embedded Valkey: append-only file on, nothing evicted, reachable only through a private Unix socket."""

import re
import shutil
import signal
import socket
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from dispatch.embedded.find import find_valkey
from dispatch.embedded.identity import Identity, find_running
from dispatch.embedded.place import Place
from dispatch.embedded.service import Service
from dispatch.settings import Settings

DATABASES = 64
ANSWER_SECONDS = 5.0
PROGRAMS = frozenset({"valkey-server", "redis-server"})


class Valkey(Service):
    """One Valkey server of one home."""

    name: ClassVar[str] = "valkey"
    stop_signals: ClassVar[tuple[tuple[signal.Signals, float], ...]] = ((signal.SIGTERM, 20.0),)

    def __init__(self, place: Place, settings: Settings) -> None:
        super().__init__(place)
        self.settings = settings
        self.directory = place.servers / "valkey"
        self.socket_path = place.sockets / "valkey.sock"
        self._program: Path | None = None

    def url(self, database: int = 0) -> str:
        """Address of one numbered database."""
        return f"unix://{quote(str(self.socket_path), safe='/')}?db={database}"

    def find(self) -> Identity | None:
        """The server of this directory, recognised by its own arguments."""
        running = find_running(PROGRAMS, str(self.directory))
        return running[0] if running else None

    def prepare(self) -> None:
        """Make the directory of the append-only file, and copy the program if it is out of reach."""
        account = self.place.account
        account.own_directory(self.directory)
        self.socket_path.unlink(missing_ok=True)
        program = find_valkey(self.settings)
        if not account.can_run(program):
            copy = self.directory / program.name
            shutil.copyfile(program, copy)
            account.give(copy, 0o500)
            program = copy
        self._program = program

    def command(self) -> list[str]:
        """The server's arguments: no port, AOF every second, errors instead of evictions."""
        options = {
            "port": "0",
            "unixsocket": str(self.socket_path),
            "unixsocketperm": "700",
            "dir": str(self.directory),
            "daemonize": "no",
            "set-proc-title": "no",
            "databases": str(DATABASES),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        return [
            str(self._program),
            *(word for name, value in options.items() for word in (f"--{name}", value)),
        ]

    def answers(self) -> bool:
        """Whether the server on our socket is the one that was started or found."""
        try:
            said = _ask(self.socket_path, b"INFO server")
        except OSError:
            return False
        found = re.search(rb"^process_id:(\d+)", said, re.MULTILINE)
        return self._who is not None and found is not None and int(found[1]) == self._who.pid

    def may_try_again(self, said: str) -> bool:
        """A server that ends at its start has a reason that time does not heal."""
        return "Address already in use" in said


def _ask(path: Path, command: bytes) -> bytes:
    """Send one inline command over a Unix socket and return the server's whole answer."""
    with socket.socket(socket.AF_UNIX) as line, line.makefile("rb") as answer:
        line.settimeout(ANSWER_SECONDS)
        line.connect(str(path))
        line.sendall(command + b"\r\n")
        head = answer.readline()
        length = int(head[1:]) if head.startswith(b"$") else 0
        return head + answer.read(length)
