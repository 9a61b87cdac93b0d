"""The reference phone without HTTP: its requests are answered by the domain, over a bad network."""

from __future__ import annotations

import base64
import gzip
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from api.errors import STATUS_OF_KIND
from dispatch import db
from dispatch.access.proof import Proof
from dispatch.access.rules import Principal, TokenRules
from dispatch.access.sealing import WIPE, notice_key, signed_notice
from dispatch.errors import DispatchError
from dispatch.simulation.phone import PhoneClient
from dispatch.simulation.phone_answers import NothingDecided
from dispatch.sync import commands, protocol, quarantine, queries, uploads
from dispatch.sync.refusals import DeviceRevoked

SECRET = b"a secret of tests alone"
SECRETS = TokenRules(SECRET)
CURRENCY = "EUR"
UPLOADS = "/v1/sync/uploads"
QUARANTINE = "/v1/sync/quarantine"
GOOD, DOWN, LOST, CRASH, PORTAL = "good", "down", "lost", "crash", "portal"
"""What becomes of a request: answered; never arrives; decided, but the answer is lost; the server dies before
its commit; somebody else answers."""
NETWORKS = (GOOD, DOWN, LOST, CRASH, PORTAL)
NO_TRANSPORT = httpx.BaseTransport()
"""Asked for anything it raises; and no certificates are read for it."""


@dataclass
class Line:
    """The network between one phone and the server, and everything that ever came back over it."""

    state: str = GOOD
    receipts: dict[str, set[str]] = field(default_factory=dict)
    """Final receipts as they came, byte for byte, by op_id."""
    clocks: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What the phone's clocks showed when an operation first arrived, by op_id."""
    directory: Path = Path()
    """Where the server keeps files."""
    page: int = protocol.PAGE
    breaks_after: int | None = None
    """How many pages of a pull still come through."""


class JudgedPhone(PhoneClient):
    """A phone whose owner is known, and what came back to it."""

    by: Principal
    line: Line


class _Died(Exception):
    """The server was killed before its commit."""


class DirectPhone(JudgedPhone):
    """A technician's phone whose requests are answered in this process, each in a transaction of its own."""

    def __init__(self, by: Principal, now: Callable[[], datetime], line: Line | None = None) -> None:
        super().__init__("http://nowhere", _NoLogin(), now=now, http=httpx.Client(transport=NO_TRANSPORT))
        self.by = by
        self.line = line or Line()
        self.store.set("device_id", str(by.device_id))
        self.store.set("notice_key", notice_key(SECRET))

    def ask(self, method: str, address: str, **options: Any) -> httpx.Response:
        """Answer a request as the server would, over the line as it is."""
        line = self.line
        if line.state == DOWN:
            raise NothingDecided("no contact")
        if line.state == PORTAL:
            return httpx.Response(200, text="<html>Welcome to the airport</html>")
        try:
            answer = self._answer(method, address, options)
        except _Died:
            raise NothingDecided("connection reset") from None
        except DispatchError as why:
            return self._refused(why)
        if line.state == LOST:
            raise NothingDecided("connection reset")
        return answer

    def _send(self, method: str, address: str, **options: Any) -> httpx.Response:
        return self.ask(method, address, **options)

    def _answer(self, method: str, address: str, options: Any) -> httpx.Response:
        if address.startswith(UPLOADS):
            return self._upload(method, address, options)
        if address == QUARANTINE:
            return self._surrendered(options["json"])
        return self._push(options) if method == "POST" else self._pull(options)

    def _upload(self, method: str, address: str, options: Any) -> httpx.Response:
        """Open the way for a file, tell how far it came, or take a piece; a refused file is a change too."""
        headers, refused = options["headers"], None
        with db.transaction() as session:
            if method == "POST":
                file, length = _file(headers["Upload-Metadata"]), int(headers["Upload-Length"])
                upload = commands.create_upload(session, by=self.by, file=file, length=length)
            elif method == "HEAD":
                upload = uploads.find_upload(session, self.by, uuid.UUID(address.rpartition("/")[2]))
            else:
                upload, refused = commands.append(
                    session,
                    by=self.by,
                    upload_id=uuid.UUID(address.rpartition("/")[2]),
                    offset=int(headers["Upload-Offset"]),
                    piece=options["content"],
                    checksum=headers["Upload-Checksum"],
                    directory=self.line.directory,
                )
            place, received = f"{UPLOADS}/{upload.id}", str(upload.received)
            self._die_if_told()
        if refused is not None:
            raise refused
        told = {"Location": place, "Upload-Offset": received}
        return httpx.Response(201 if method == "POST" else 204, headers=told)

    def _surrendered(self, told: Any) -> httpx.Response:
        handover = quarantine.Handover(uuid.UUID(told["device_id"]), told["batch"], Proof(**told["proof"]))
        with db.transaction() as session:
            quarantine.hand_over(session, handover, rules=SECRETS)
            self._die_if_told()
        return httpx.Response(201, json={})

    def _push(self, options: Any) -> httpx.Response:
        batch = json.loads(gzip.decompress(options["content"]))
        with db.transaction() as session:
            pushed = commands.push(session, by=self.by, batch=batch, company_currency=CURRENCY)
            self._die_if_told()
        for op in batch["ops"]:
            self.line.clocks.setdefault(op["op_id"], batch["clock"])
        for receipt in pushed.receipts:
            told = json.loads(receipt)
            if told["result"] != protocol.HELD:
                self.line.receipts.setdefault(told["op_id"], set()).add(receipt)
        return httpx.Response(200, text=pushed.text)

    def _pull(self, options: Any) -> httpx.Response:
        if self.line.breaks_after is not None:
            self.line.breaks_after -= 1
            if self.line.breaks_after < 0:
                raise _Died
        cursor = options["params"].get("cursor")
        with db.transaction() as session:
            pulled = queries.pull(
                session,
                self.by,
                cursor=cursor,
                key=SECRET,
                page=self.line.page,
                catalogue=options["params"].get("catalogue"),
            )
            _check_scope(session, self.by, pulled.changes)
            self._die_if_told()
        return httpx.Response(
            200,
            json={
                protocol.MARKER: protocol.MARKER_VALUE,
                "cursor": pulled.cursor,
                "complete": pulled.complete,
                "acked_seq": dict(pulled.acked_seq),
                "changes": list(pulled.changes),
                "files_wanted": pulled.files_wanted,
                "catalogue": pulled.catalogue,
                "notices": list(pulled.notices),
            },
        )

    def _die_if_told(self) -> None:
        if self.line.state == CRASH:
            raise _Died

    def _refused(self, why: DispatchError) -> httpx.Response:
        cause: dict[str, Any] = {}
        if isinstance(why, DeviceRevoked):
            told = (str(self.by.device_id), "2026-03-02T00:00:00+00:00")
            cause = {
                "device_id": told[0],
                "revoked_at": told[1],
                "signature": signed_notice(SECRET, WIPE, *told),
            }
        return httpx.Response(STATUS_OF_KIND[why.kind], json={"code": why.code, "cause": cause})


def _file(metadata: str) -> uuid.UUID | uploads.Wanted:
    """Which file the phone names: the announcement, or visit and hash."""
    told = {
        name: base64.b64decode(value).decode()
        for name, _, value in (pair.partition(" ") for pair in metadata.split(","))
    }
    if "op_id" in told:
        return uuid.UUID(told["op_id"])
    return uploads.Wanted(uuid.UUID(told["visit_id"]), told["sha256"])


class _NoLogin:
    username = password = "nobody"


def _check_scope(session: Any, by: Principal, changes: Sequence[Any]) -> None:
    """P9: what is put on a phone is its technician's in the very snapshot that it is given from."""
    from sqlalchemy import select

    from dispatch.work_orders.model import Visit

    ids = [uuid.UUID(one["id"]) for one in changes if one["kind"] == "put"]
    if not ids:
        return
    foreign = select(Visit.id).where(Visit.id.in_(ids), Visit.technician_id != by.technician_id)
    assert session.scalars(foreign).all() == []
