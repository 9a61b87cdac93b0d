"""
The reference phone: records without contact, pushes until every operation has a receipt, pulls its visits.

Speaks HTTP only, as docs/reference/sync.md says; of the server it shares ``dispatch.sync.protocol`` and
``dispatch.sync.provisional``.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from dispatch.simulation.phone_answers import NothingDecided, json_of, undecided
from dispatch.simulation.phone_files import PIECE_BYTES, send_file
from dispatch.simulation.phone_keys import is_signed, proof_of
from dispatch.simulation.phone_overlay import overlaid, to_the_second
from dispatch.simulation.phone_store import PhoneStore
from dispatch.sync import protocol, provisional

TRY_AGAIN = frozenset({429, 502, 503, 504})
FIRST_PAUSE_SECONDS, PAUSE_SECONDS = 0.01, 0.3
"""Tried again nearly at once, then ever more slowly."""
PACKED = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
LOCKED_AFTER = timedelta(hours=72)
"""Without contact for so long, the phone shows nobody's personal data any more; operations stay."""
HANDED_AT_ONCE = 20
PAGE = frozenset({"changes", "cursor", "complete", "acked_seq"})


class Revoked(Exception):
    """The phone was revoked; it has deleted what it held."""


class Login(Protocol):
    """What the technician signs in with."""

    @property
    def username(self) -> str:
        """The user name."""

    @property
    def password(self) -> str:
        """The password."""


class PhoneClient:
    """
    A technician's phone; ``store_path`` is its file, ``now`` its wall clock.

    ``patience_seconds`` is how long it tries again while nobody answers; a real phone goes on for ever.
    """

    def __init__(
        self,
        base_url: str,
        login: Login,
        store_path: Path | str = ":memory:",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        http: httpx.Client | None = None,
        patience_seconds: float = 90.0,
    ) -> None:
        self.store = PhoneStore(store_path)
        self.boot_id = uuid.uuid4().hex
        self.schema = protocol.SCHEMA
        self._now = now
        self._login = login
        self._http = http or httpx.Client(base_url=base_url, timeout=30.0)
        self._patience_seconds = patience_seconds

    def close(self) -> None:
        """Hang up and close the file."""
        self._http.close()
        self.store.close()

    def sign_in(self) -> None:
        """Log in and bind this login to the key of this phone."""
        login = {"username": self._login.username, "password": self._login.password}
        tokens = self._expect(200, "POST", "/v1/auth/login", json=login)
        self._keep(tokens)
        key = self._key()
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        pem = key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()
        body = {
            "label": f"phone of {self._login.username}"[:100],
            "public_key": pem,
            "proof": proof_of(key, "truckroll-device-v1", tokens["access_token"]),
        }
        key_header = {"Idempotency-Key": uuid.uuid4().hex}
        device = self._expect(201, "POST", "/v1/auth/devices", json=body, headers=key_header)
        self.store.set("device_id", device["id"])
        self.store.set("notice_key", device["notice_key"])

    def record(
        self,
        kind: str,
        *,
        visit_id: str | None = None,
        payload: Mapping[str, Any] | None = None,
        at: datetime | None = None,
        content: bytes | None = None,
    ) -> str:
        """
        Record that something happened; it is on the disk before this returns the op_id.

        ``content`` are the bytes of the file that an ``attachment.declare`` announces.
        """
        moment = at or self._now()
        held = self.store.visit(visit_id) if visit_id else None
        told = dict(payload or {})
        if kind == protocol.SIGN and visit_id:
            told.setdefault("times", self.times(visit_id))
        operation = {
            "type": kind,
            "schema": self.schema,
            "visit_id": visit_id,
            "base_version": held["version"] if held else None,
            "occurred_at": moment.isoformat(),
            "mono_ms": _mono_ms(moment),
            "boot_id": self.boot_id,
            "payload": told,
        }
        slip_of = self.slip_of if kind == protocol.PAYMENT else None
        return str(self.store.add(operation, content, slip_of)["op_id"])

    def provisional_receipt(self, op_id: str) -> dict[str, Any] | None:
        """What the customer was given when a payment was recorded; the same whenever it is asked for."""
        return self.store.slip(op_id)

    def slip_of(self, operation: Mapping[str, Any]) -> dict[str, Any] | None:
        """Write the receipt of a payment before it is kept, from what the phone holds (Receipt 1)."""
        visit = self.store.visit(operation["visit_id"]) if operation["visit_id"] else None
        is_shown = visit is not None and visit.get("record") is not None and not self.is_locked
        of_order = {
            one["id"] for one in self.store.visits() if visit and one["order_number"] == visit["order_number"]
        }
        taken = [
            one.body["payload"]
            for one in self.store.operations(only_unacked=True)
            if one.is_alive and one.body["type"] == protocol.PAYMENT and one.body["visit_id"] in of_order
        ]
        record = self.shown(operation["visit_id"]) if is_shown else None
        rates = self.store.catalogue().get("tax_rates", [])
        return provisional.receipt_of(operation, visit, record, taken, rates)

    def attach(
        self, visit_id: str, content: bytes, media_type: str, *, purpose: str, caption: str = ""
    ) -> str:
        """Announce a file and keep its bytes until they are sent; return the announcement's op_id."""
        payload = {
            "sha256": hashlib.sha256(content).hexdigest(),
            "bytes": len(content),
            "mime": media_type,
            "purpose": purpose,
            "caption": caption,
        }
        return self.record(protocol.DECLARE, visit_id=visit_id, payload=payload, content=content)

    def send_files(self, *, piece_bytes: int = PIECE_BYTES) -> int:
        """Send what is announced and not there yet; return how many files arrived whole."""
        return sum(send_file(self, kept, piece_bytes) for kept in self.store.files_to_send())

    def shown(self, visit_id: str) -> dict[str, Any]:
        """Return the record as the customer sees it now."""
        visit = self.store.visit(visit_id)
        if visit is None or visit["record"] is None:
            raise LookupError("the visit is not held in full")
        own = self._own(visit_id)
        earlier = [one.body for one in self.store.operations() if one.is_alive and not one.is_blank]
        return protocol.shown_after(visit["record"], own, self.times(visit_id), earlier)

    def shown_sha256(self, visit_id: str) -> str:
        """Return the hash of what the customer sees before signing."""
        return protocol.record_digest(self.shown(visit_id))

    def times(self, visit_id: str) -> dict[str, str | None]:
        """Arrival and start as the phone shows them: its own words first, then the server's."""
        visit = self.visit(visit_id) or {}
        return {name: to_the_second(visit.get(name)) for name in ("arrived_at", "started_at")}

    def visit(self, visit_id: str) -> dict[str, Any] | None:
        """A visit as the technician sees it: as pulled, with what was recorded since."""
        visit = self.store.visit(visit_id)
        if visit is None:
            return None
        return overlaid(visit, self._own(visit_id), is_locked=self.is_locked)

    @property
    def is_locked(self) -> bool:
        """No contact for 72 hours: whoever holds the phone now sees no customer."""
        last = self.store.setting("last_contact")
        return last is not None and self._now() - datetime.fromisoformat(last) > LOCKED_AFTER

    def visits(self) -> list[dict[str, Any]]:
        """All visits as the technician sees them, in the planned order."""
        return [self.visit(pulled["id"]) or pulled for pulled in self.store.visits()]

    def _own(self, visit_id: str) -> list[Mapping[str, Any]]:
        """Operations of a visit that the pulled data does not include yet."""
        kept = self.store.operations(only_unacked=True)
        return [one.body for one in kept if one.is_alive and one.body["visit_id"] == visit_id]

    def push(self) -> list[dict[str, Any]]:
        """Push until nothing more can be sent; return the receipts."""
        receipts: list[dict[str, Any]] = []
        while batch := self.store.unsent(protocol.MOST_OPERATIONS):
            taken = self.send(batch)
            receipts += taken
            if all(receipt["result"] == protocol.HELD for receipt in taken):
                break
        return receipts

    def send(self, operations: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Send one batch and keep its receipts; ``NothingDecided`` leaves everything to be sent again."""
        batch = {"clock": self._clocks(), "ops": list(operations)}
        body = gzip.compress(json.dumps(batch).encode("ascii"), 6)
        answer = self._ask("POST", "/v1/sync/push", content=body, headers=PACKED)
        receipts: list[dict[str, Any]] = answer.get("receipts", [])
        if not {one["op_id"] for one in operations} <= {one["op_id"] for one in receipts}:
            raise NothingDecided("an answer to something else, such as a proxy has kept", status=200)
        self.store.take_receipts(receipts)
        return receipts

    def pull(self) -> None:
        """Take every page, then apply all at once."""
        start = cursor = self.store.setting("cursor")
        changes: list[Mapping[str, Any]] = []
        listed = {"catalogue": self.store.catalogue().get("revision", "none")}
        while True:
            try:
                where = {"cursor": cursor} if cursor else {}
                page = self._ask("GET", "/v1/sync/pull", params=listed | where)
            except NothingDecided as why:
                if why.status != 410 or cursor is None:
                    raise
                start, cursor, changes = None, None, []
                continue
            if not page.keys() >= PAGE:
                raise NothingDecided("an answer to something else, such as a proxy has kept", status=200)
            changes += page["changes"]
            cursor = page["cursor"]
            if page["complete"]:
                break
        self.store.apply_pull(
            changes,
            cursor=page["cursor"],
            acked_seq=page["acked_seq"],
            is_whole=start is None,
            van=page.get("van"),
            files_wanted=page.get("files_wanted"),
            catalogue=page.get("catalogue"),
            notices=page.get("notices"),
        )

    def _ask(self, method: str, address: str, **options: Any) -> dict[str, Any]:
        """Send a request; believe only answers that carry the marker."""
        response = self.ask(method, address, **options)
        if response.status_code != 200:
            refused = undecided(response)
            if refused.code == "device_revoked" and self._is_ours(refused.cause):
                self.store.wipe()
                raise Revoked
            raise refused
        answer = json_of(response)
        if not isinstance(answer, dict) or answer.get(protocol.MARKER) != protocol.MARKER_VALUE:
            raise NothingDecided("somebody else answered, such as a captive portal", status=200)
        self.store.set("last_contact", self._now().isoformat())
        return answer

    def _is_ours(self, notice: Mapping[str, Any]) -> bool:
        """Tell whether an order to delete everything was signed by our server for this phone."""
        told = (str(notice.get("device_id")), str(notice.get("revoked_at")))
        key = self.store.setting("notice_key")
        if key is None or told[0] != self.store.setting("device_id"):
            return False
        return is_signed(key, "truckroll-wipe-v1", told, str(notice.get("signature")))

    def surrender(self) -> int:
        """Hand unsent operations of a revoked phone to quarantine, in small batches; return how many."""
        handed = 0
        while unsent := self.store.unsent(HANDED_AT_ONCE):
            batch = json.dumps({"clock": self._clocks(), "ops": unsent})
            body = {
                "device_id": self.store.setting("device_id"),
                "batch": batch,
                "proof": proof_of(self._key(), "truckroll-quarantine-v1", batch),
            }
            self._expect(201, "POST", "/v1/sync/quarantine", json=body)
            self.store.hand_over([one["op_id"] for one in unsent])
            handed += len(unsent)
        return handed

    def begin_anew(self) -> None:
        """Register a revoked phone that was given out again: a new key and a new installation."""
        if self.store.unsent(1):
            raise ValueError("unsent work is to be handed over first, with the key it was recorded under")
        self.store.restored()
        self.store.set("device_key", None)
        self.sign_in()

    def _clocks(self) -> dict[str, Any]:
        now = self._now()
        return {"wall": now.isoformat(), "mono_ms": _mono_ms(now), "boot_id": self.boot_id}

    def ask(self, method: str, address: str, **options: Any) -> httpx.Response:
        """Send a request; refresh the login once if it lapsed."""
        response = self._send(method, address, **options)
        if response.status_code == 401:
            self.refresh()
            response = self._send(method, address, **options)
        return response

    def expect(self, status: int, method: str, address: str, **options: Any) -> httpx.Response:
        """Send a request; any other status than the expected one decides nothing."""
        response = self.ask(method, address, **options)
        if response.status_code != status:
            raise undecided(response)
        return response

    def _send(self, method: str, address: str, **options: Any) -> httpx.Response:
        """Send a request; while nobody is there to answer, try again until patience ends."""
        deadline = time.monotonic() + self._patience_seconds
        headers = self._headers() | options.pop("headers", {})
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                response = self._http.request(method, address, headers=headers, **options)
            except httpx.TransportError as error:
                if time.monotonic() >= deadline:
                    raise NothingDecided(f"no contact: {error!r}") from error
            else:
                if response.status_code not in TRY_AGAIN or time.monotonic() >= deadline:
                    return response
            time.sleep(pause)
            pause = min(2 * pause, PAUSE_SECONDS)

    def _expect(self, status: int, method: str, address: str, **options: Any) -> dict[str, Any]:
        response = self._send(method, address, **options)
        if response.status_code != status:
            raise undecided(response)
        answer: dict[str, Any] = response.json()
        return answer

    def refresh(self) -> None:
        """Exchange the refresh token; when that is not accepted any more, log in again."""
        token = self.store.setting("refresh_token")
        if token is not None:
            body = {"refresh_token": token, "proof": proof_of(self._key(), "truckroll-refresh-v1", token)}
            response = self._send("POST", "/v1/auth/refresh", json=body)
            if response.status_code == 200:
                self._keep(response.json())
                return
        self.sign_in()

    def _headers(self) -> dict[str, str]:
        token = self.store.setting("access_token")
        known = {protocol.SCHEMA_HEADER: str(self.schema)}
        return known | ({"Authorization": f"Bearer {token}"} if token else {})

    def _keep(self, tokens: Mapping[str, Any]) -> None:
        self.store.set("access_token", tokens["access_token"])
        self.store.set("refresh_token", tokens["refresh_token"])

    def _key(self) -> ec.EllipticCurvePrivateKey:
        """The key of this phone; a real one lives in the phone's key store and never leaves it."""
        kept = self.store.setting("device_key")
        if kept is None:
            made = ec.generate_private_key(ec.SECP256R1())
            plain = serialization.NoEncryption()
            encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
            kept = made.private_bytes(encoding, form, plain).decode()
            self.store.set("device_key", kept)
        key = serialization.load_pem_private_key(kept.encode(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("the kept key is not of an elliptic curve")
        return key


def _mono_ms(moment: datetime) -> int:
    """Milliseconds on the clock that nobody can set; in a simulation it runs with the simulated time."""
    return int(moment.timestamp() * 1000)
