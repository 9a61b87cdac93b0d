"""The company of the property machine on a real server: its phones speak HTTP, its clock is the real one."""

from __future__ import annotations

import gzip
import json
import threading
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from dispatch import clock, db
from dispatch.access import commands as access
from dispatch.access.model import Device
from dispatch.access.rules import Principal, Role
from dispatch.simulation.fault_proxy import Answer, Exchange
from dispatch.simulation.traffic import PUSH
from dispatch.sync import protocol
from tests import builders
from tests.phone.direct import JudgedPhone, Line
from tests.phone.logins import Login, sign_up
from tests.phone.world import World

BETWEEN_VISITS = timedelta(minutes=10)
PATIENCE_SECONDS = 2.0


class ServedPhone(JudgedPhone):
    """A technician's phone whose requests are answered by a server, over whatever line there is."""

    def __init__(self, url: str, login: Login, line: Line) -> None:
        super().__init__(url, login, now=clock.now, patience_seconds=PATIENCE_SECONDS)
        self.login, self.line = login, line

    def set_clock(self, off: timedelta) -> None:
        """Somebody sets the clock; the phone restarts as well."""
        self._now = lambda: clock.now() + off  # type: ignore[method-assign]
        self.boot_id = uuid.uuid4().hex

    def batch(self, operations: list[dict[str, Any]]) -> bytes:
        """The body of a push, as `send` makes it."""
        told = {"clock": self._clocks(), "ops": operations}
        return gzip.compress(json.dumps(told).encode("ascii"), 6)


class Heard:
    """
    What left the phones and what the server answered, to the byte, whether or not a phone heard it.

    What the clocks showed is kept of operations alone that were always sent with the same words: of another
    one, nobody outside the server knows which delivery came first.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget everything; another company's phones come."""
        self.line = Line()
        self._unclear: set[str] = set()

    def left(self, request: Exchange) -> None:
        """Note what the clocks showed."""
        if request.path != PUSH:
            return
        packed = request.headers.get("Content-Encoding") == "gzip"
        batch = json.loads(gzip.decompress(request.body) if packed else request.body)
        with self._lock:
            for op_id in {op["op_id"] for op in batch["ops"]} - self._unclear:
                if self.line.clocks.setdefault(op_id, batch["clock"]) != batch["clock"]:
                    del self.line.clocks[op_id]
                    self._unclear.add(op_id)

    def answered(self, request: Exchange, answer: Answer) -> None:
        """Keep final receipts as they came."""
        if request.path != PUSH or answer.status != 200:
            return
        with self._lock:
            for told, raw in receipts_in(answer.body.decode()):
                if told["result"] != protocol.HELD:
                    self.line.receipts.setdefault(told["op_id"], set()).add(raw)


def receipts_in(text: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Each receipt of an answer to a push, read and byte for byte."""
    reader = json.JSONDecoder()
    place = text.index('"receipts": [') + len('"receipts": [')
    while text[place] != "]":
        told, end = reader.raw_decode(text, place)
        yield told, text[place:end]
        place = end + (text[end] == ",")


@dataclass
class ServedWorld(World):
    """Everything that acts, on a server of its own."""

    url: str = ""
    stored_in: Path = field(default_factory=Path)
    heard: Heard = field(default_factory=Heard)

    @classmethod
    def opened(cls, url: str, stored_in: Path, heard: Heard) -> Self:
        """A company whose technicians have signed in, each on a phone; this process has its database."""
        with db.transaction() as session:
            world = cls.hired(session)
            names = {one: builders.serial("phone").lower() for one in world.technicians}
            users = {one: sign_up(session, name, one, world.territory_id).id for one, name in names.items()}
        world.url, world.stored_in, world.heard = url, stored_in, heard
        for technician_id, name in names.items():
            world._sign_in(technician_id, users[technician_id], Login(name))
        return world

    def _sign_in(self, technician_id: uuid.UUID | None, user_id: uuid.UUID, login: Login) -> ServedPhone:
        phone = ServedPhone(self.url, login, self.heard.line)
        phone.sign_in()
        device_id = uuid.UUID(phone.store.setting("device_id"))
        territories = frozenset({self.territory_id})
        phone.by = Principal(user_id, Role.TECHNICIAN, territories, technician_id, device_id)
        self.phones.append(phone)
        return phone

    def given_another(self, lost: ServedPhone) -> ServedPhone:
        """The phone is lost and revoked; its technician signs in on another one."""
        with db.transaction() as session:
            device = session.get_one(Device, lost.by.device_id)
            access.revoke_device(session, by=None, device=device, expected_version=None)
            self.revoked_at[device.id] = device.revoked_at or clock.now()
        self.phones.remove(lost)
        self.retired.append(lost)
        return self._sign_in(lost.by.technician_id, lost.by.user_id, lost.login)

    def close(self) -> None:
        """Everybody hangs up."""
        for phone in (*self.phones, *self.retired):
            phone.close()
        self.directory.cleanup()

    @property
    def files(self) -> Path:
        """Where the server keeps files."""
        return self.stored_in

    def begins(self, hour: int) -> datetime:
        """Today, soon."""
        return clock.now().replace(microsecond=0) + BETWEEN_VISITS * (1 + hour)

    def now(self) -> datetime:
        """The server's time."""
        return clock.now()
