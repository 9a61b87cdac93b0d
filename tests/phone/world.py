"""A small company for the property machine: a desk, two technicians, phones that come and go."""

from __future__ import annotations

import random
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives import serialization
from sqlalchemy import Connection, select, text
from sqlalchemy.orm import Session

from dispatch import clock, db
from dispatch.access.model import Device
from dispatch.access.rules import Principal, Role
from dispatch.checklists.commands import pinned, write_checklist
from dispatch.simulation.phone_store import Kept
from dispatch.sync import commands as sync
from dispatch.sync import protocol
from dispatch.sync.model import Rejection
from dispatch.sync.overdue import decide_overdue, overdue
from dispatch.work_orders import commands as visits
from dispatch.work_orders.consenting import consent_digest
from dispatch.work_orders.lifecycle import Actor, VisitState
from dispatch.work_orders.model import Visit
from tests import builders
from tests.builders import MORNING, at
from tests.phone.direct import CURRENCY, DirectPhone, JudgedPhone, Line

QUESTION = {"key": "leak", "kind": "yes_no", "text_en": "Leak?", "text_zh": "漏水？", "is_required": True}
PIECE = 100
"""Bytes that a phone sends at once."""
BY_VISIT = "t.visit_id = any(:visits)"
BY_ORDER = "t.work_order_id in (select work_order_id from visit where id = any(:visits))"
BY_TECHNICIAN = "t.technician_id = any(:technicians)"
FACTS = {
    "finding": BY_VISIT,
    "part_use": BY_VISIT,
    "service_report": BY_VISIT,
    "consent": BY_VISIT,
    "checklist_answer": BY_VISIT,
    "declared_file": BY_VISIT,
    "contact_proposal": BY_VISIT,
    "withdrawal": BY_VISIT,
    "visit_event": BY_VISIT,
    "advised_work": BY_VISIT,
    "approval": BY_ORDER,
    "payment": BY_ORDER,
    "hand_in": BY_TECHNICIAN,
    "break_taken": BY_TECHNICIAN,
}
"""Tables that only grow, and which rows of them belong to a world."""


@dataclass
class Told:
    """What the desk decided last about a visit: the fields that belong to the dispatcher."""

    technician_id: uuid.UUID | None
    planned_start: datetime
    priority: int
    is_cancelled: bool = False


@dataclass
class World:
    """Everything that acts, and what the desk said last."""

    desk: Principal
    territory_id: uuid.UUID
    technicians: list[uuid.UUID]
    checklist: str
    sku: str
    phones: list[JudgedPhone] = field(default_factory=list)
    retired: list[JudgedPhone] = field(default_factory=list)
    """Revoked ones."""
    revoked_at: dict[uuid.UUID, datetime] = field(default_factory=dict)
    gone_epochs: set[tuple[uuid.UUID | None, str | None]] = field(default_factory=set)
    """Installations that a backup has ended."""
    told: dict[uuid.UUID, Told] = field(default_factory=dict)
    dice: random.Random = field(default_factory=lambda: random.Random(1))
    offset: timedelta = timedelta(0)
    recorded: dict[str, datetime] = field(default_factory=dict)
    """When operations were recorded by the clock that nobody can set."""
    directory: tempfile.TemporaryDirectory[str] = field(default_factory=tempfile.TemporaryDirectory)
    """Where the server keeps files."""
    admitted: set[uuid.UUID] = field(default_factory=set)
    """Operations of lost phones that the desk has admitted."""
    papers: dict[str, list[bytes]] = field(default_factory=dict)
    """Documents that technicians have announced, by visit."""
    reader: Connection | None = None
    """What judges ask through, each question by itself; without one every question opens a transaction."""

    @classmethod
    def founded(cls) -> Self:
        """A company whose technicians have a phone each."""
        clock.set_source(lambda: MORNING)
        with db.transaction() as session:
            world = cls.hired(session)
            for technician_id in world.technicians:
                world.give_phone(session, technician_id)
        world.advance(timedelta(0))
        return world

    @classmethod
    def hired(cls, session: Session) -> Self:
        """A territory, two technicians, a part and a checklist; nobody has a phone yet."""
        first = builders.a_technician(session)
        territory = session.get_one(builders.Territory, first.territory_id)
        second = builders.a_technician(session, territory=territory, name="Bea")
        code = builders.serial("L")
        write_checklist(session, by=None, code=code, title_en="L", title_zh="L", questions=[QUESTION])
        desk = Principal(builders.a_user(session).id, Role.DISPATCHER, frozenset({territory.id}))
        return cls(desk, territory.id, [first.id, second.id], code, builders.a_part(session).sku)

    @property
    def files(self) -> Path:
        """Where the server keeps files."""
        return Path(self.directory.name)

    def begins(self, hour: int) -> datetime:
        """When a visit is planned to begin, by its number among those of a day."""
        return at(9) + timedelta(hours=hour)

    def now(self) -> datetime:
        """The server's time; it moves a little with every look."""
        self.offset += timedelta(milliseconds=1)
        return MORNING + self.offset

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self.offset += by
        clock.set_source(self.now)

    def give_phone(self, session: Session, technician_id: uuid.UUID) -> DirectPhone:
        """Register a new phone for a technician."""
        user = builders.a_user(session, Role.TECHNICIAN, technician_id=technician_id)
        device = Device(
            user_id=user.id,
            technician_id=technician_id,
            label="phone",
            public_key=uuid.uuid4().hex,
            registered_at=clock.now(),
        )
        session.add(device)
        session.flush()
        by = Principal(user.id, Role.TECHNICIAN, frozenset({self.territory_id}), technician_id, device.id)
        phone = DirectPhone(by, clock.now, Line(directory=self.files))
        self.phones.append(phone)
        return phone

    def revoke(self, phone: JudgedPhone) -> None:
        """The phone is lost; its technician gets another one."""
        with db.transaction() as session:
            device = session.get_one(Device, phone.by.device_id, with_for_update=True)
            device.revoked_at = clock.now()
            self.revoked_at[device.id] = device.revoked_at
            self.give_phone(session, device.technician_id)
        self.phones.remove(phone)
        self.retired.append(phone)

    def name_key(self, phone: JudgedPhone) -> None:
        """The server knows the key of this phone."""
        encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        with db.transaction() as session:
            device = session.get_one(Device, phone.by.device_id)
            device.public_key = phone._key().public_key().public_bytes(encoding, form).decode()

    def publish(self, technician: int, hour: int) -> uuid.UUID:
        """A new visit, given to a technician; every other one to equipment that was visited before."""
        again = self.dice.choice([*self.told]) if self.told and self.dice.random() < 0.5 else None
        with db.transaction() as session:
            order = builders.an_order(session, asset=self._equipment(session, of=again))
            visit = builders.a_visit(session, order=order, checklists=pinned(session, [self.checklist]))
            self._assign(session, visit, technician, hour)
            self.told[visit.id].priority = order.priority
            return visit.id

    def _equipment(self, session: Session, *, of: uuid.UUID | None) -> builders.Asset:
        if of is not None:
            return session.get_one(builders.Asset, session.get_one(Visit, of).work_order.asset_id)
        territory = session.get_one(builders.Territory, self.territory_id)
        return builders.an_asset(session, site=builders.a_site(session, territory=territory))

    def reassign(self, visit_id: uuid.UUID, technician: int, hour: int) -> None:
        """The desk gives a visit to somebody else, or moves it."""
        with db.transaction() as session:
            self._assign(session, self._locked(session, visit_id), technician, hour)

    def _assign(self, session: Session, visit: Visit, technician: int, hour: int) -> None:
        start = self.begins(hour)
        visits.assign(
            session,
            by=self.desk,
            visit=visit,
            technician_id=self.technicians[technician],
            planned_start=start,
            planned_end=start + timedelta(hours=1),
            knows_duty=True,
        )
        kept = self.told.get(visit.id)
        priority = kept.priority if kept else visit.work_order.priority
        self.told[visit.id] = Told(self.technicians[technician], start, priority)

    def cancel(self, visit_id: uuid.UUID) -> None:
        """The desk calls a visit off."""
        with db.transaction() as session:
            visits.take_step(
                session,
                visit=self._locked(session, visit_id),
                target=VisitState.CANCELLED,
                actor=Actor.DISPATCHER,
                by=self.desk,
                reason="no longer wanted",
            )
        self.told[visit_id].is_cancelled = True

    def amend(self, visit_id: uuid.UUID, priority: int) -> None:
        """The desk judges an order more or less urgent."""
        with db.transaction() as session:
            order = self._locked(session, visit_id).work_order
            visits.change_priority(session, by=self.desk, order=order, priority=priority)
            same = [one.id for one in order.visits if one.id in self.told]
        for one in same:
            self.told[one].priority = priority

    def decide_rejections(self, *, apply: bool) -> None:
        """The desk goes through what was rejected."""
        with db.transaction() as session:
            statement = select(Rejection).where(
                Rejection.decided_at.is_(None), Rejection.technician_id.in_(self.technicians)
            )
            for rejection in session.scalars(statement.order_by(Rejection.id).limit(1)).all():
                if apply:
                    sync.apply_anyway(session, by=self.desk, rejection=rejection, company_currency=CURRENCY)
                else:
                    sync.dismiss(session, by=self.desk, rejection=rejection, reason="no")

    def decide_held(self) -> None:
        """The hourly job: operations that waited for too long."""
        with db.transaction() as session:
            places = overdue(session)
        for device_id, name in places:
            with db.transaction() as session:
                decide_overdue(session, device_id, name, company_currency=CURRENCY)

    def a_paper(self) -> bytes:
        """A document of three pieces that no other is like."""
        return b"%PDF-1.4 " + self.dice.randbytes(3 * PIECE - 20)

    def known(self) -> dict[str, Any]:
        """Whose rows are this world's."""
        phones = (*self.phones, *self.retired)
        return {
            "visits": list(self.told),
            "devices": [phone.by.device_id for phone in phones],
            "technicians": self.technicians,
        }

    def ask_by_name(self, question: str, **values: Any) -> list[Mapping[str, Any]]:
        """Rows of a query, each by the names of its columns."""
        with self._asking() as asked:
            named = {name: value for name, value in values.items() if f":{name}" in question}
            return [dict(row) for row in asked.execute(text(question), named).mappings()]

    def ask(self, question: str, **values: Any) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        with self._asking() as asked:
            named = {name: value for name, value in values.items() if f":{name}" in question}
            return [tuple(row) for row in asked.execute(text(question), named)]

    @contextmanager
    def _asking(self) -> Iterator[Connection]:
        if self.reader is not None:
            yield self.reader
            return
        with db.transaction() as session:
            yield session.connection()

    def _locked(self, session: Session, visit_id: uuid.UUID) -> Visit:
        return session.get_one(Visit, visit_id, with_for_update=True)


def own_of(phone: JudgedPhone, visit_id: str, kind: str) -> list[Kept]:
    """What the phone recorded of a kind at a visit, and still has the words of."""
    return [
        kept
        for kept in phone.store.operations()
        if kept.body["visit_id"] == visit_id and kept.body["type"] == kind and not kept.is_blank
    ]


def payload_of(world: World, phone: JudgedPhone, kind: str, visit_id: str) -> dict[str, Any]:
    """A payload that a technician could mean; now and then one that no server takes."""
    broken, is_danger = world.dice.random() < 0.05, world.dice.random() < 0.5
    made: dict[str, dict[str, Any]] = {
        protocol.FINDING: {
            "fault": "Pump",
            "cause": "Lime",
            "action": "" if broken else "Cleaned",
            "is_solved": world.dice.random() < 0.8,
            "advised": ["descale"] if phone.schema == 1 else [{"text": "descale", "is_danger": is_danger}],
        },
        protocol.PART: {"sku": "NONE" if broken else world.sku, "direction": "in", "quantity": 1},
        protocol.APPROVAL: {
            "amount": "10.00",
            "currency": "no money" if broken else CURRENCY,
            "approved_by_name": "Customer",
            "method": "phone",
        },
        protocol.ANSWER: {
            "checklist": world.checklist,
            "question": "leak",
            "value": "no" if broken else world.dice.random() < 0.5,
        },
        protocol.WAIVE: {"reason": "not at home"},
        protocol.PAYMENT: {
            "method": "cash",
            "amount": "-1.00" if broken else "5.00",
            "currency": CURRENCY,
        },
        protocol.DECLARE: {"sha256": f"{world.dice.getrandbits(256):064x}", "bytes": 9, "mime": "image/jpeg"},
        protocol.CONSENT: {
            "equipment": "Meter",
            "terms": "The customer answers for it.",
            "shown_sha256": consent_digest("Meter", "another" if broken else "The customer answers for it."),
            "signed_by_name": "Customer",
            "signature_path": "M0 0L9 9",
        },
        protocol.FINISH: {"is_solved": True},
        protocol.HAND_OVER: {"note": "" if broken else "Called away.", "remaining_minutes": 40},
        protocol.EXPECT: {"remaining_minutes": 0 if broken else world.dice.randrange(1, 200)},
    }
    if kind == protocol.SIGN:
        return {
            "shown_sha256": phone.shown_sha256(visit_id),
            "signed_by_name": "Customer",
            "signature_path": "M0 0L9 9",
        }
    if kind == protocol.DECLARE and world.dice.random() < 0.3:
        again = [kept.body["payload"] for kept in own_of(phone, visit_id, protocol.DECLARE)]
        return dict(world.dice.choice([one for one in again if "purpose" not in one] or [made[kind]]))
    if kind == protocol.PROPOSE:
        held = phone.store.visit(visit_id) or {}
        read = None if broken else (held.get("customer") or {}).get("phone")
        number = f"+35840{world.dice.randrange(1_000_000, 10_000_000)}"
        return {"fields": {"phone": {"base": read, "value": number}}}
    if kind in {protocol.SETTLE, protocol.FILE_VOID, *protocol.VOIDS}:
        return _about_another(world, phone, kind, visit_id)
    reasons = {protocol.DECLINE, protocol.PAUSE, protocol.NO_ACCESS, protocol.RESUME}
    return made.get(kind, {"reason": "so it was"} if kind in reasons else {})


def _about_another(world: World, phone: JudgedPhone, kind: str, visit_id: str) -> dict[str, Any]:
    """Name advice, a file or an operation, or what nobody knows."""
    if kind == protocol.SETTLE:
        advice = [one["id"] for one in (phone.store.visit(visit_id) or {}).get("advice", ())]
        result = world.dice.choice(("done", "declined"))
        return {"advice_id": world.dice.choice(advice) if advice else str(uuid.uuid4()), "result": result}
    if kind == protocol.FILE_VOID:
        files = [kept.body["payload"]["sha256"] for kept in own_of(phone, visit_id, protocol.DECLARE)]
        return {"sha256": world.dice.choice(files) if files else "0" * 64, "reason": "by mistake"}
    named = [kept.body["op_id"] for kept in own_of(phone, visit_id, protocol.VOIDS[kind])]
    return {"of": world.dice.choice(named) if named else str(uuid.uuid4()), "reason": "by mistake"}
