"""One technician in the field, with helpers that speak the protocol without HTTP."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select, text

from dispatch import clock, db
from dispatch.access.model import Device
from dispatch.access.rules import Principal, Role
from dispatch.sync import commands, protocol, queries
from dispatch.sync.model import Operation
from dispatch.work_orders import commands as visits
from dispatch.work_orders.lifecycle import Actor, VisitState
from dispatch.work_orders.model import Visit
from tests import builders
from tests.as_described import pulled_as_described, receipts_as_described
from tests.builders import MORNING, at

SIGNED = {"signed_by_name": "Customer", "signature_path": "M0 0L9 9", "times": {}}
KEY = b"a key of tests alone"
FINDINGS = {
    "fault": "Pump blocked",
    "cause": "Lime",
    "action": "Cleaned",
    "is_solved": True,
    "is_tested": True,
}


@dataclass
class Field:
    """A technician, a phone, a desk; every visit is committed."""

    technician_id: uuid.UUID
    territory_id: uuid.UUID
    by: Principal
    desk: Principal
    epoch: str = "phone-1"
    _seq: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @classmethod
    def prepared(cls) -> Field:
        """Write a technician with a user and a phone."""
        with db.transaction() as session:
            technician = builders.a_technician(session)
            by, desk = cls.person(session, technician)
            return cls(technician.id, technician.territory_id, by, desk)

    @staticmethod
    def person(session: Any, technician: Any) -> tuple[Principal, Principal]:
        """A user with a phone for a technician, and a dispatcher of the same territory."""
        user = builders.a_user(session, Role.TECHNICIAN, technician_id=technician.id)
        device = Device(
            user_id=user.id,
            technician_id=technician.id,
            label="phone",
            public_key=uuid.uuid4().hex,
            registered_at=clock.now(),
        )
        session.add(device)
        session.flush()
        seen = frozenset({technician.territory_id})
        by = Principal(user.id, Role.TECHNICIAN, seen, technician.id, device.id)
        office = builders.a_user(session, Role.DISPATCHER)
        return by, Principal(office.id, Role.DISPATCHER, seen)

    def colleague(self) -> Field:
        """Another technician of the same territory."""
        with db.transaction() as session:
            territory = session.get_one(builders.Territory, self.territory_id)
            technician = builders.a_technician(session, territory=territory, name="Bea")
            by, _ = self.person(session, technician)
        return replace(self, technician_id=technician.id, by=by, _seq=itertools.count(1))

    def visit(self, **fields: Any) -> uuid.UUID:
        """A visit published to the technician by the commands that planning uses."""
        with db.transaction() as session:
            territory = session.get_one(builders.Territory, self.territory_id)
            site = builders.a_site(session, territory=territory)
            order = builders.an_order(session, asset=builders.an_asset(session, site=site))
            start = fields.pop("planned_start", at(9))
            visit = builders.a_visit(session, order=order, **fields)
            self._publish(session, visit, start)
            return visit.id

    def _publish(self, session: Any, visit: Visit, start: Any) -> None:
        technician = session.get_one(builders.Technician, self.technician_id)
        hours = {"starts_at": start - timedelta(hours=2), "ends_at": start + timedelta(hours=8)}
        builders.a_shift(
            session, technician, **hours, break_earliest=None, break_latest=None, break_minutes=0
        )
        visits.assign(
            session,
            by=self.desk,
            visit=visit,
            technician_id=self.technician_id,
            planned_start=start,
            planned_end=start + timedelta(hours=1),
        )

    def reassign(self, visit_id: uuid.UUID) -> None:
        """The desk gives a visit to this technician."""
        with db.transaction() as session:
            self._publish(session, session.get_one(Visit, visit_id), at(9))

    def cancel(self, visit_id: uuid.UUID) -> None:
        """The desk calls a visit off."""
        with db.transaction() as session:
            visits.take_step(
                session,
                visit=session.get_one(Visit, visit_id),
                target=VisitState.CANCELLED,
                actor=Actor.DISPATCHER,
                by=self.desk,
                reason="no longer wanted",
            )

    def op(self, kind: str, visit_id: uuid.UUID | None = None, **payload: Any) -> dict[str, Any]:
        """An operation with the next seq, recorded now."""
        return {
            "op_id": str(uuid.uuid4()),
            "install_epoch": self.epoch,
            "seq": next(self._seq),
            "type": kind,
            "schema": 1,
            "visit_id": str(visit_id) if visit_id else None,
            "occurred_at": clock.now().isoformat(),
            "mono_ms": 1000,
            "boot_id": "boot",
            "payload": payload,
        }

    def push(self, *ops: Mapping[str, Any], by: Principal | None = None) -> list[dict[str, Any]]:
        """Push operations; return the receipts."""
        return [json.loads(receipt) for receipt in self.push_raw(ops, by=by)]

    def push_raw(self, ops: Iterable[Mapping[str, Any]], *, by: Principal | None = None) -> list[str]:
        """Push operations; return the receipts as bytes came."""
        return list(self.pushed(ops, by=by).receipts)

    def pushed(
        self, ops: Iterable[Mapping[str, Any]], *, by: Principal | None = None, **extra: Any
    ) -> commands.Pushed:
        """Push operations and commit; return all that was answered."""
        wall = clock.now().isoformat()
        batch = {"clock": {"wall": wall, "mono_ms": 1000, "boot_id": "boot"}, "ops": list(ops)} | extra
        with db.transaction() as session:
            told = commands.push(session, by=by or self.by, batch=batch, company_currency="EUR")
        receipts_as_described(told.receipts)
        return told

    def pull(
        self, cursor: str | None = None, *, page: int = protocol.PAGE, catalogue: str | None = None
    ) -> queries.Pulled:
        """Pull one page."""
        with db.transaction() as session:
            told = queries.pull(session, self.by, cursor=cursor, key=KEY, page=page, catalogue=catalogue)
        return pulled_as_described(told)

    def record_of(self, visit_id: uuid.UUID) -> dict[str, Any]:
        """The record as pulled."""
        with db.transaction() as session:
            return dict(json.loads(visits.preview(session, session.get_one(Visit, visit_id)).text))

    def signature(self, visit_id: uuid.UUID, *ops: Mapping[str, Any]) -> dict[str, Any]:
        """A signature under the record as pulled with these operations on top."""
        shown = protocol.shown_after(self.record_of(visit_id), ops, {})
        sha256 = protocol.record_digest(shown)
        return self.op(protocol.SIGN, visit_id, **SIGNED, shown_sha256=sha256)

    def whole_visit(self, visit_id: uuid.UUID) -> list[dict[str, Any]]:
        """Every operation from setting out to the finished visit."""
        begun = [self.op(kind, visit_id) for kind in (protocol.TRAVEL, protocol.ARRIVE, protocol.START)]
        found = self.op(protocol.FINDING, visit_id, **FINDINGS)
        return [
            *begun,
            found,
            self.signature(visit_id, found),
            self.op(protocol.FINISH, visit_id, is_solved=True, rating=5),
        ]

    def state(self, visit_id: uuid.UUID) -> str:
        """Where the visit stands."""
        return str(self.ask("select state from visit where id = :id", id=visit_id)[0][0])

    def ask(self, question: str, **values: Any) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        with db.transaction() as session:
            return [tuple(row) for row in session.execute(text(question), values)]

    def stored(self, op: Mapping[str, Any]) -> Operation:
        """What is kept of an operation."""
        with db.transaction() as session:
            return session.scalars(select(Operation).where(Operation.op_id == uuid.UUID(op["op_id"]))).one()


def results(receipts: Iterable[Mapping[str, Any]]) -> list[str]:
    """Result and code of each receipt."""
    return [":".join(filter(None, (receipt["result"], receipt.get("code")))) for receipt in receipts]


def paid(amount: str, currency: str = "EUR") -> dict[str, Any]:
    """A payment in cash."""
    return {"method": "cash", "amount": amount, "currency": currency}


def payments(field: Field, visit: uuid.UUID) -> list[tuple[Any, ...]]:
    """Amounts paid for the visit's order."""
    return field.ask(
        "select p.amount_minor from payment p join visit v on v.work_order_id = p.work_order_id"
        " where v.id = :id order by 1",
        id=visit,
    )


__all__ = ["FINDINGS", "MORNING", "Field", "paid", "payments", "results"]
