"""
Rows 2, 3, 5, 14 and 16 of reliability.md §7 against a web server: what counts there is what HTTP does.

The reference client speaks to whatever serves the database of this process; in the campaign that is an
installation of its own whose web servers are killed meanwhile. What is right is judged from the database.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import random
import threading
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from sqlalchemy import update

from benchmarks.fault_rows import BEGUN, FACT_TABLES, PAID, Found
from benchmarks.threads import together
from dispatch import clock, db
from dispatch.access import commands as access
from dispatch.access.model import Device
from dispatch.simulation.fault_proxy import FaultProxy, Weather
from dispatch.simulation.phone import PhoneClient, Revoked
from dispatch.simulation.phone_answers import NothingDecided
from dispatch.simulation.phone_files import PIECE, TUS
from dispatch.simulation.photos import a_photo
from dispatch.sync import protocol
from dispatch.sync.model import Upload
from dispatch.sync.uploads import FOLDER
from tests.builders import a_part
from tests.dispatch.sync.field import FINDINGS, Field
from tests.phone.logins import Login, sign_up

PUSH, UPLOADS = "/v1/sync/push", "/v1/sync/uploads"
BATCH, PHONES, SENDERS = 50, 20, 4
BODY_BYTES = 4_096
CUTS = 5
MOST_SECONDS = 300.0
"""Somebody killed the server and a busy machine starts it again: so long everybody tries."""
NOTICED_WITHIN_SECONDS = 2.0
PLAIN = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Site:
    """Where the server is, and a folder for what phones keep."""

    url: str
    room: Path
    attachments: Path

    def phone_of(self, field: Field, url: str | None = None) -> PhoneClient:
        """A phone of a technician, signed in, over another line if one is named."""
        name = f"phone-{uuid.uuid4().hex}"
        with db.transaction() as session:
            sign_up(session, name, field.technician_id, field.territory_id)
        phone = PhoneClient(
            url or self.url, Login(name), self.room / f"{name}.sqlite", patience_seconds=MOST_SECONDS
        )
        phone.sign_in()
        return phone

    def line_of(self, phone: PhoneClient) -> httpx.Client:
        """A line on which this phone's login speaks without what the phone makes of answers."""
        told = {"Authorization": f"Bearer {phone.store.setting('access_token')}"}
        return httpx.Client(base_url=self.url, headers=told, timeout=60)


def a_visit(field: Field) -> str:
    """A visit of the technician, in an hour."""
    return str(field.visit(planned_start=clock.now() + timedelta(hours=1)))


def send_all(phone: PhoneClient) -> None:
    """Push until everything is decided, whatever becomes of answers and servers."""
    end = time.monotonic() + MOST_SECONDS
    while phone.store.unsent(1) and time.monotonic() < end:
        with suppress(NothingDecided):
            phone.push()


def row_2(cases: int, chance: random.Random, site: Site) -> Found:
    """Every fifth answer is lost after the commit; sent again, each operation is there once."""
    field = Field.prepared()
    with FaultProxy(site.url, Weather(lost=0.2), seed=chance.randrange(2**31)) as line:
        phone = site.phone_of(field, line.url)
        ids = []
        while len(ids) < cases:
            visit_id = a_visit(field)
            for _ in range(min(BATCH, cases - len(ids))):
                ids.append(phone.record(protocol.PAYMENT, visit_id=visit_id, payload=PAID))
            send_all(phone)
        told = [phone.store.receipt(op_id) for op_id in ids]
        phone.close()
        lost = line.fates["lost"]
    paid = field.ask(
        "select count(*), count(distinct op_id) from payment where op_id = any(:ids)",
        ids=[uuid.UUID(one) for one in ids],
    )
    wrong = int(paid != [(cases, cases)])
    wrong += sum(receipt is None or receipt["result"] != protocol.APPLIED for receipt in told)
    return {"operations": len(ids), "answers_lost": lost, "wrong": wrong}


def row_3(cases: int, chance: random.Random, site: Site) -> Found:
    """P4: the batches of many phones in so many orders, several at a time: the same facts, the same money."""
    fields = [Field.prepared() for _ in range(PHONES)]
    clients = [site.phone_of(field) for field in fields]
    with db.transaction() as session:
        sku = a_part(session).sku
    digests, undecided = set(), 0
    for _ in range(cases):
        days = [_day(phone, a_visit(field), sku) for field, phone in zip(fields, clients, strict=True)]
        order = chance.sample(range(PHONES), PHONES)
        _send_in_order([clients[index] for index in order])
        undecided += sum(len(phone.store.unsent(BATCH)) for phone in clients)
        told = [_told(field, day) for field, day in zip(fields, days, strict=True)]
        digests.add(hashlib.sha256(json.dumps(told).encode()).hexdigest())
    for phone in clients:
        phone.close()
    wrong = len(digests) - 1 + undecided
    return {"permutations": cases, "phones": PHONES, "hashes": len(digests), "wrong": wrong}


def _day(phone: PhoneClient, visit_id: str, sku: str) -> list[uuid.UUID]:
    """What a technician records of a visit; the operations' ids."""
    fitted = {"sku": sku, "direction": "in", "quantity": 1}
    work: list[tuple[str, dict[str, Any]]] = [(kind, {}) for kind in BEGUN]
    work += [(protocol.FINDING, FINDINGS), (protocol.PART, fitted), (protocol.PAYMENT, PAID)]
    work.append((protocol.PAYMENT, PAID | {"amount": "-1.00"}))
    return [uuid.UUID(phone.record(kind, visit_id=visit_id, payload=told)) for kind, told in work]


def _send_in_order(phones: Sequence[PhoneClient]) -> None:
    """Let a few senders take one phone after the other, so that neighbours meet at the server."""
    waiting, lock = list(reversed(phones)), threading.Lock()

    def take_turns() -> None:
        while True:
            with lock:
                phone = waiting.pop() if waiting else None
            if phone is None:
                return
            send_all(phone)

    together([take_turns] * SENDERS)


def _told(field: Field, ids: Sequence[uuid.UUID]) -> list[Any]:
    """What became of a day, without ids: decisions, effects, money."""
    states = field.ask("select state from sync_operation where op_id = any(:ids) order by seq", ids=ids)
    money = field.ask("select count(*), sum(amount_minor) from payment where op_id = any(:ids)", ids=ids)
    effects = [
        field.ask(f"select count(*), count(distinct op_id) from {table} where op_id = any(:ids)", ids=ids)[0]  # noqa: S608
        for table in FACT_TABLES
    ]
    return [[row[0] for row in states], *([str(one) for one in row] for row in (*money, *effects))]


def row_5(cases: int, chance: random.Random, site: Site) -> Found:
    """A body of 4 KB that ends at any byte before its last decides nothing; whole, it decides all."""
    field = Field.prepared()
    phone = site.phone_of(field)
    body = _of_size(phone, a_visit(field))
    ends = range(len(body)) if cases >= len(body) else sorted(chance.sample(range(len(body)), cases))
    wrong = 0
    with site.line_of(phone) as line:
        for end in ends:
            wrong += _answer(line, "POST", PUSH, content=body[:end], headers=PLAIN).status_code != 400
        decided = "select count(*) from sync_operation where device_id = :id"
        wrong += field.ask(decided, id=phone.store.setting("device_id")) != [(0,)]
        receipts = _answer(line, "POST", PUSH, content=body, headers=PLAIN).json()["receipts"]
    phone.close()
    wrong += {one["result"] for one in receipts} != {protocol.APPLIED}
    return {"ends": len(ends), "bytes": len(body), "wrong": int(wrong)}


def _of_size(phone: PhoneClient, visit_id: str) -> bytes:
    """The body of a push of exactly 4 KB; blanks before its last byte make up what lacks."""
    body = b""
    while True:
        phone.record(protocol.PAYMENT, visit_id=visit_id, payload=PAID)
        longer = json.dumps({"ops": phone.store.unsent(BATCH)}).encode()
        if len(longer) > BODY_BYTES:
            return body[:-1] + b" " * (BODY_BYTES - len(body)) + body[-1:]
        body = longer


def _answer(line: httpx.Client, method: str, address: str, **options: Any) -> httpx.Response:
    """Ask again while nobody is there to answer."""
    end = time.monotonic() + MOST_SECONDS
    while True:
        try:
            answer = line.request(method, address, **options)
            if answer.status_code < 500 or time.monotonic() > end:
                return answer
        except httpx.TransportError:
            if time.monotonic() > end:
                raise
        time.sleep(0.05)


def row_14(cases: int, chance: random.Random, site: Site) -> Found:
    """P13: what a revoked phone pushes, pulls and uploads is refused in so many words, and has no effect."""
    effects = answered = kept = 0
    for _ in range(cases):
        field = Field.prepared()
        visit_id, phone = a_visit(field), site.phone_of(field)
        declared = phone.attach(visit_id, b"a photograph", "image/jpeg", purpose="after")
        send_all(phone)
        address = _opened(phone, declared, len(b"a photograph")).headers["Location"]
        with db.transaction() as session:
            device = session.get_one(Device, uuid.UUID(phone.store.setting("device_id") or ""))
            access.revoke_device(session, by=None, device=device, expected_version=None)
        before = _standing(field, visit_id)
        for kind in (protocol.ACCEPT, *BEGUN)[: chance.randint(1, 4)]:
            phone.record(kind, visit_id=visit_id)
        phone.record(protocol.PAYMENT, visit_id=visit_id, payload=PAID)
        with site.line_of(phone) as line:
            answered += sum(not _is_refused(line, *ask) for ask in _requests(phone, declared, address))
        unsent = len(phone.store.unsent(BATCH))
        with suppress(Revoked):
            phone.push()
            answered += 1
        kept += unsent - phone.surrender()
        effects += _standing(field, visit_id) != before
        phone.close()
    return {"revoked": cases, "answered": answered, "not_kept": kept, "wrong": effects + answered + abs(kept)}


def _requests(phone: PhoneClient, op_id: str, address: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Everything of the protocol that a phone asks for."""
    piece = {"headers": PIECE | {"Upload-Offset": "0"}, "content": b"a photograph"}
    return [
        ("POST", PUSH, {"json": {"ops": phone.store.unsent(BATCH)}}),
        ("GET", "/v1/sync/pull", {}),
        ("POST", UPLOADS, {"headers": _opening(op_id, len(b"a photograph"))}),
        ("HEAD", address, {"headers": TUS}),
        ("PATCH", address, piece),
    ]


def _is_refused(line: httpx.Client, method: str, address: str, options: dict[str, Any]) -> bool:
    answer = _answer(line, method, address, **options)
    if method == "HEAD" or answer.status_code != 403:
        return answer.status_code == 403
    return bool(answer.json().get("code") == "device_revoked")


def _standing(field: Field, visit_id: str) -> list[tuple[Any, ...]]:
    return field.ask(
        "select v.state, v.version, (select count(*) from sync_operation where visit_id = v.id),"
        " (select max(received) from sync_upload u join declared_file f on f.id = u.declared_file_id"
        "  where f.visit_id = v.id), (select count(*) from visit_event where visit_id = v.id),"
        " (select count(*) from payment p join sync_operation o using (op_id) where o.visit_id = v.id)"
        " from visit v where v.id = :visit",
        visit=uuid.UUID(visit_id),
    )


def row_16(cases: int, chance: random.Random, site: Site) -> Found:
    """Uploads cut, misplaced, damaged, too late, sent twice: the codes of tus, and the file is exact."""
    wrong, paid, whole = 0, 0, 0
    field = Field.prepared()
    phone = site.phone_of(field)
    for number in range(cases):
        if number % 100 == 0:
            visit_id = a_visit(field)
        photo = a_photo(chance)
        op_id = phone.attach(visit_id, photo, "image/jpeg", purpose="after")
        send_all(phone)
        begun, sent = _refusals(phone, op_id, photo)
        wrong += begun
        cut, more = _cut_and_sent(site, phone, op_id, photo, chance)
        wrong += cut + _is_inexact(site, field, photo)
        paid, whole = paid + sent + more, whole + len(photo)
    wrong += len(list((site.attachments / FOLDER).glob("*.part")))
    phone.close()
    return {"files": cases, "sent_percent": round(100 * paid / whole), "wrong": int(wrong)}


def _opening(op_id: str, length: int) -> dict[str, str]:
    told = base64.b64encode(op_id.encode()).decode()
    return TUS | {"Upload-Length": str(length), "Upload-Metadata": f"op_id {told}"}


def _opened(phone: PhoneClient, op_id: str, length: int) -> httpx.Response:
    return phone.ask("POST", UPLOADS, headers=_opening(op_id, length))


def _refusals(phone: PhoneClient, op_id: str, photo: bytes) -> tuple[int, int]:
    """What must be refused, and what it cost; at the end the upload has expired and is open again."""
    address = _opened(phone, op_id, len(photo)).headers["Location"]
    damaged = {"Upload-Checksum": f"sha1 {base64.b64encode(bytes(20)).decode()}"}
    wrong = _opened(phone, op_id, len(photo)).headers["Location"] != address
    wrong += _patched(phone, address, 1, photo[:9]).status_code != 409
    wrong += _patched(phone, address, 0, photo[:9], damaged).status_code != 460
    wrong += _offset(phone, address) != 0
    wrong += _patched(phone, address, 0, photo[:99]).status_code != 204
    with db.transaction() as session:
        named = Upload.id == uuid.UUID(address.rpartition("/")[2])
        session.execute(update(Upload).where(named).values(expires_at=clock.now() - timedelta(seconds=1)))
    wrong += phone.ask("HEAD", address, headers=TUS).status_code != 410
    wrong += _patched(phone, address, 99, photo[99:]).status_code != 410
    wrong += _opened(phone, op_id, len(photo)).headers["Upload-Offset"] != "0"
    return int(wrong), 99


def _patched(
    phone: PhoneClient, address: str, offset: int, piece: bytes, more: dict[str, str] | None = None
) -> httpx.Response:
    headers = PIECE | {"Upload-Offset": str(offset)} | (more or {})
    return phone.ask("PATCH", address, headers=headers, content=piece)


def _offset(phone: PhoneClient, address: str) -> int:
    return int(phone.ask("HEAD", address, headers=TUS).headers["Upload-Offset"])


def _cut_and_sent(
    site: Site, phone: PhoneClient, op_id: str, photo: bytes, chance: random.Random
) -> tuple[int, int]:
    """The connection breaks five times within a piece; the rest is sent; all of it is announced again."""
    address, sent = _opened(phone, op_id, len(photo)).headers["Location"], 0
    for cut in sorted(chance.sample(range(1, len(photo)), CUTS)):
        begin = _offset(phone, address)
        if cut > begin:
            _break_off(site, phone, address, offset=begin, rest=photo[begin:], most=cut - begin)
            sent += cut - begin
            _await_kept(phone, address, begin)
    wrong = 0
    while (begin := _offset(phone, address)) < len(photo):
        answer = _patched(phone, address, begin, photo[begin:])
        sent += len(photo) - begin if answer.status_code == 204 else 0
        wrong += answer.status_code not in {204, 409}
    wrong += phone.send_files() != 1
    again = phone.attach(_visit_of(phone, op_id), photo, "image/jpeg", purpose="after")
    send_all(phone)
    wrong += _opened(phone, again, len(photo)).headers["Location"] != address
    wrong += phone.send_files() != 1
    return wrong, sent


def _await_kept(phone: PhoneClient, address: str, begin: int) -> None:
    """Let the server notice that the connection broke; a phone asks when it has contact again."""
    end = time.monotonic() + NOTICED_WITHIN_SECONDS
    while _offset(phone, address) == begin and time.monotonic() < end:
        time.sleep(0.02)


def _visit_of(phone: PhoneClient, op_id: str) -> str:
    return next(str(one.body["visit_id"]) for one in phone.store.operations() if one.body["op_id"] == op_id)


def _break_off(site: Site, phone: PhoneClient, address: str, *, offset: int, rest: bytes, most: int) -> None:
    """Send the head of a piece and so many of its bytes, and hang up."""
    line = http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=60)
    headers = PIECE | {"Upload-Offset": str(offset), "Content-Length": str(len(rest))}
    headers |= {"Authorization": f"Bearer {phone.store.setting('access_token')}"}
    with suppress(OSError, http.client.HTTPException):
        line.putrequest("PATCH", address)
        for name, text in headers.items():
            line.putheader(name, text)
        line.endheaders(rest[:most])
    line.close()


def _is_inexact(site: Site, field: Field, photo: bytes) -> int:
    """Whether the file is not there once, or its bytes are not those that the server wrote."""
    found = field.ask(
        "select a.stored_name, a.stored_sha256 from attachment a join declared_file d"
        " on d.attachment_id = a.id where a.sha256 = :sha256",
        sha256=hashlib.sha256(photo).hexdigest(),
    )
    if len(found) != 1:
        return 1
    [(name, digest)] = found
    return int(hashlib.sha256((site.attachments / name).read_bytes()).hexdigest() != digest)
