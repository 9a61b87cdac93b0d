"""
Vectors of the outbox: what a phone sends, and what it keeps, after each answer that it may get.

Each is a story of steps. A client in another language takes the same steps with the same answers, and must
send what ``asked`` says, in that order, and hold what ``kept`` says.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from dispatch.simulation.phone import PhoneClient, Revoked
from dispatch.simulation.phone_answers import NothingDecided
from dispatch.sync import protocol

Step = dict[str, Any]
EPOCH, NEXT_EPOCH, DEVICE = "epoch-1", "epoch-2", "device-1"
VISIT, OTHER = "0195a1b2-0000-7000-8000-000000000001", "0195a1b2-0000-7000-8000-000000000002"
REVOKED_AT = "2026-03-02T08:00:00+00:00"
SERVER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
"""The key of a server of these vectors; what it signs is always the same."""


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _wipe(signed_for: str = DEVICE) -> Step:
    """An order to delete everything, signed for a phone."""
    signature = SERVER.sign(f"truckroll-wipe-v1\n{signed_for}\n{REVOKED_AT}".encode())
    cause = {"device_id": DEVICE, "revoked_at": REVOKED_AT, "signature": _text(signature)}
    return {"status": 403, "body": {"code": "device_revoked", "cause": cause}}


def op_id(number: int) -> str:
    """The identity of the operation of this number."""
    return f"0195a1b2-0000-7000-8000-0000000001{number:02}"


def record(*numbers: int, visit: str | None = VISIT) -> list[Step]:
    """Steps that record operations."""
    return [
        {
            "do": "record",
            "operation": {
                "op_id": op_id(number),
                "type": "finding.add",
                "schema": protocol.SCHEMA,
                "visit_id": visit,
                "occurred_at": "2026-03-02T09:00:00+02:00",
                "payload": {"fault": f"fault {number}"},
            },
        }
        for number in numbers
    ]


def ours(**members: Any) -> Step:
    """An answer with the marker."""
    return {"status": 200, "body": {protocol.MARKER: protocol.MARKER_VALUE, **members}}


def receipts(**results: str) -> Step:
    """An answer that decides operations: ``_1="applied"``."""
    told = [{"op_id": op_id(int(name[1:])), "result": result} for name, result in results.items()]
    return ours(receipts=told)


def push(*answers: Step) -> Step:
    return {"do": "push", "answers": list(answers)}


def pull(*answers: Step) -> Step:
    return {"do": "pull", "answers": list(answers)}


def page(*changes: Step, cursor: str, acked: int | None = None, complete: bool = True) -> Step:
    """A page of a pull."""
    told = {} if acked is None else {EPOCH: acked}
    return ours(changes=list(changes), cursor=cursor, complete=complete, acked_seq=told)


def put(visit: str, *, is_revealed: bool = True) -> Step:
    body = {
        "id": visit,
        "version": 1,
        "planned_start": "2026-03-02T09:00:00+02:00",
        "is_revealed": is_revealed,
    }
    return {"kind": "put", "id": visit, "body": body}


def evict(visit: str) -> Step:
    return {"kind": "evict", "id": visit}


PORTAL: Step = {"status": 200, "html": "<html>Please accept the terms of this network.</html>"}
NOTHING: Step = {"status": 0}
"""The connection breaks before an answer."""

STORIES: Mapping[str, Sequence[Step]] = {
    "decided operations are not sent again": [
        *record(1, 2),
        push(receipts(_1="applied", _2="rejected")),
        *record(3),
        push(receipts(_3="applied_conflict")),
        push(),
    ],
    "a lost answer: the same is sent again": [
        *record(1, 2),
        push(NOTHING),
        *record(3),
        push(receipts(_1="duplicate", _2="duplicate", _3="applied")),
    ],
    "what is held stays": [
        *record(1, 2),
        push(receipts(_1="held", _2="held")),
        push(receipts(_1="applied", _2="applied")),
    ],
    "a captive portal decides nothing": [
        *record(1),
        push(PORTAL),
        push(ours()),
        push(receipts(_1="applied")),
    ],
    "an answer of a proxy to an earlier push decides nothing": [
        *record(1),
        push(receipts(_1="applied")),
        *record(2),
        push(receipts(_1="applied")),
        push(receipts(_2="applied")),
    ],
    "a busy, a broken and a strict server decide nothing": [
        *record(1),
        *(push({"status": status, "body": {"code": "ANY"}}) for status in (400, 413, 426, 429, 500, 503)),
        push(receipts(_1="applied")),
    ],
    "a pull is taken whole or not at all": [
        pull(page(put(VISIT), cursor="c1", complete=False), NOTHING),
        pull(page(put(VISIT), cursor="c1", complete=False), page(put(OTHER), cursor="c2", acked=0)),
        pull(page(evict(VISIT), cursor="c3", complete=False), PORTAL),
        pull(receipts(_1="applied")),
        pull(page(evict(VISIT), cursor="c3")),
    ],
    "a cursor that is not taken any more": [
        pull(page(put(VISIT), put(OTHER), cursor="c1")),
        pull({"status": 410, "body": {"code": "CURSOR_GONE"}}, page(put(OTHER), cursor="d1")),
        pull(page(cursor="d2")),
    ],
    "an evicted visit leaves no words of acknowledged operations": [
        *record(1, 2),
        pull(page(put(VISIT), cursor="c1", acked=0)),
        push(receipts(_1="applied", _2="held"), receipts(_2="held")),
        pull(page(evict(VISIT), cursor="c2", acked=1)),
        push(receipts(_2="applied")),
        pull(page(cursor="c3", acked=2)),
    ],
    "a masked visit leaves none either, another's stay": [
        *record(1),
        *record(2, visit=OTHER),
        *record(3, visit=None),
        push(receipts(_1="applied", _2="applied", _3="applied")),
        pull(page(put(VISIT, is_revealed=False), put(OTHER), cursor="c1", acked=3)),
    ],
    "a number once acknowledged does not fall": [
        *record(1, 2),
        push(receipts(_1="applied", _2="applied")),
        pull(page(put(VISIT), cursor="c1", acked=2)),
        pull(page(cursor="c2", acked=1)),
    ],
    "a phone restored from a backup counts anew": [
        *record(1, 2),
        push(receipts(_1="applied", _2="held"), receipts(_2="held")),
        pull(page(put(VISIT), cursor="c1", acked=1)),
        {"do": "restore", "install_epoch": NEXT_EPOCH},
        *record(3),
        push(receipts(_2="duplicate", _3="applied")),
        pull(page(put(VISIT), cursor="d1", acked=2)),
    ],
    "a revoked phone deletes, and hands over what it has not sent": [
        *record(1, 2),
        push(receipts(_1="applied", _2="held"), receipts(_2="held")),
        pull(page(put(VISIT), cursor="c1", acked=0)),
        push(_wipe()),
        {"do": "hand over", "answers": [{"status": 201, "body": {}}]},
        push(),
    ],
    "an order to delete that is not signed for this phone is not obeyed": [
        *record(1),
        pull(page(put(VISIT), cursor="c1", acked=0)),
        push(_wipe(signed_for="device-2")),
        push({"status": 403, "body": {"code": "device_revoked"}}),
        pull(_wipe()),
    ],
}


class _Nobody:
    username = password = "nobody"


class _Script:
    """Gives the answers of a step in their order, and notes what was asked."""

    def __init__(self) -> None:
        self.answers: Iterator[Step] = iter(())
        self.asked: list[Any] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(_asked(request))
        answer = next(self.answers)
        if answer == NOTHING:
            raise httpx.ReadError("the connection broke")
        if "html" in answer:
            return httpx.Response(answer["status"], html=answer["html"])
        return httpx.Response(answer["status"], json=answer["body"])


def _asked(request: httpx.Request) -> Any:
    if request.url.path.endswith("/pull"):
        return {"cursor": request.url.params.get("cursor")}
    content = request.read()
    if request.url.path.endswith("/push"):
        sent = json.loads(gzip.decompress(content))["ops"]
    else:
        sent = json.loads(json.loads(content)["batch"])["ops"]
    return [{name: one.get(name) for name in ("op_id", "install_epoch", "seq", "known_seq")} for one in sent]


def _done(phone: PhoneClient, step: Step) -> str:
    """Take a step; what came of it."""
    try:
        if step["do"] == "record":
            phone.store.add(step["operation"])
        elif step["do"] == "restore":
            phone.store.restored()
            phone.store.set("install_epoch", step["install_epoch"])
        else:
            {"push": phone.push, "pull": phone.pull, "hand over": phone.surrender}[step["do"]]()
    except NothingDecided:
        return "nothing decided"
    except Revoked:
        return "revoked"
    return "done"


def _kept(phone: PhoneClient) -> dict[str, Any]:
    return {
        "operations": [
            {
                "op_id": one.body["op_id"],
                "install_epoch": one.body["install_epoch"],
                "seq": one.seq,
                "result": one.result,
                "has_payload": not one.is_blank,
            }
            for one in phone.store.operations()
        ],
        "to_send": [one["op_id"] for one in phone.store.unsent(protocol.MOST_OPERATIONS)],
        "visits": [visit["id"] for visit in phone.store.visits()],
        "cursor": phone.store.setting("cursor"),
        "acked_seq": phone.store.acked_seq,
    }


def made() -> list[dict[str, Any]]:
    """Every story as the reference client lives it."""
    told = []
    for name, steps in STORIES.items():
        script = _Script()
        http = httpx.Client(transport=httpx.MockTransport(script), base_url="http://nowhere")
        phone = PhoneClient("", _Nobody(), http=http, patience_seconds=0)
        public = SERVER.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        for key, value in (("install_epoch", EPOCH), ("device_id", DEVICE), ("notice_key", _text(public))):
            phone.store.set(key, value)
        lived = []
        for step in steps:
            script.answers, script.asked = iter(step.get("answers", ())), []
            outcome = _done(phone, step)
            lived.append(step | {"asked": script.asked, "outcome": outcome, "kept": _kept(phone)})
            if next(script.answers, None) is not None:
                raise AssertionError(f"{name}: an answer was not asked for")
        phone.close()
        told.append({"name": name, "notice_key": _text(public), "device_id": DEVICE, "steps": lived})
    return told
