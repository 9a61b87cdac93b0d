"""
Test vectors of the phone's protocol: what any client must compute, as the reference client does.

    python -m tests.phone.vectors

writes ``vectors.json`` anew. It is committed: a client in another language reads it and nothing else of ours.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from dispatch.simulation.phone import PhoneClient
from dispatch.sync import protocol
from dispatch.work_orders.rules import canonical
from tests.phone import exchanges

PAGE = Path(__file__).with_name("vectors.json")
VISIT = "0195a1b2-0000-7000-8000-000000000001"
MADE = tuple(f"0195a1b2-0000-7000-8000-00000000010{number}" for number in range(3))
FILES = ("a" * 64, "b" * 64)
AT = ("2026-03-02T09:00:00+02:00", "2026-03-02T09:05:30.900000+02:00", "2026-03-02T10:00:00+02:00")
RECORD: dict[str, Any] = {
    "order": "WO-001000",
    "sheet": "DS-005000",
    "customer": "李雷",
    "asset": None,
    "technician": "Ada",
    "fault_code": "E1",
    "fault": "",
    "cause": "",
    "action": "",
    "solved": None,
    "tested": False,
    "measurements": [],
    "advised": [],
    "dangers": [],
    "touched": [],
    "codes": {"fault": "", "cause": "", "action": ""},
    "answers": [{"checklist": "boiler", "question": "leak", "value": True}],
    "consents": [],
    "use_explained": False,
    "documents": [],
    "parts": [{"sku": "B", "direction": "in", "quantity": 1, "serial": "", "lot": ""}],
    "times": {"arrived_at": None, "started_at": None},
    "estimate": {"labour_minor": 7200, "parts_minor": 0, "travel_minor": 3500, "currency": "EUR"},
    "approvals": [],
}


def _op(kind: str, at: str = AT[0], **payload: Any) -> dict[str, Any]:
    return {"type": kind, "schema": protocol.SCHEMA, "visit_id": VISIT, "occurred_at": at, "payload": payload}


FOUND = {"fault": " Pump blocked ", "cause": "Kalk", "action": "gereinigt ✓", "is_solved": True}
OPERATIONS: Mapping[str, Sequence[dict[str, Any]]] = {
    "nothing recorded": [],
    "arrived and started": [_op("visit.travel"), _op("visit.arrive", AT[0]), _op("visit.start", AT[1])],
    "findings of schema 2": [
        _op(
            "finding.add",
            **FOUND,
            advised=[{"text": " flue leaks", "is_danger": True}, {"text": "descale"}],
            codes={"cause": "LIME"},
            touched=["Meter"],
            measurements=[{"name": "pressure", "value": "1.5"}],
        )
    ],
    "findings of schema 1": [_op("finding.add", **FOUND, advised=["descale "]) | {"schema": 1}],
    "later findings replace earlier ones": [
        _op("finding.add", **FOUND, advised=[{"text": "a", "is_danger": True}]),
        _op("finding.add", **{**FOUND, "is_solved": False}),
    ],
    "parts are sorted": [
        _op("part.add", sku="C", direction="in", quantity=2, lot="L2"),
        _op("part.add", sku="A", direction="out", quantity=1, serial=" 77 "),
        _op("part.add", sku="B", direction="in", quantity=1, lot="L1"),
    ],
    "approvals in smallest units": [
        _op("approval.add", amount="180.5", currency="EUR", approved_by_name=" 王芳 ", method="phone"),
        _op("approval.add", amount="12", currency="JPY", approved_by_name="B", method="signature"),
    ],
    "parts are taken back": [
        _op("part.add", sku=" B", direction="in", quantity=1) | {"op_id": MADE[0]},
        _op("part.add", sku="B", direction="in", quantity=1, lot="L1") | {"op_id": MADE[1]},
        _op("part.void", of=MADE[0], reason="counted twice"),
        _op("part.void", of=MADE[2], reason="names nothing that is known"),
    ],
    "findings are taken back": [
        _op("finding.add", **FOUND, codes={"cause": "LIME"}) | {"op_id": MADE[0]},
        _op("finding.void", of=MADE[0], reason="another flat"),
    ],
    "what was replaced is not taken back": [
        _op("finding.add", **FOUND) | {"op_id": MADE[0]},
        _op("finding.add", **{**FOUND, "fault": "Pump leaks"}) | {"op_id": MADE[1]},
        _op("finding.void", of=MADE[0], reason="another flat"),
    ],
    "findings that say what later ones say are taken back": [
        _op("finding.add", **FOUND) | {"op_id": MADE[0]},
        _op("finding.add", **FOUND) | {"op_id": MADE[1]},
        _op("finding.void", of=MADE[0], reason="said twice"),
    ],
    "contacts are corrected": [
        _op("contact.propose", fields={"phone": {"base": "+358401234567", "value": None}}),
        _op("contact.propose", fields={"access_notes": {"base": "", "value": "ring twice"}}, note="moved"),
    ],
    "answers are replaced": [
        _op("checklist.answer", checklist="boiler", question="pressure", value="1.50"),
        _op("checklist.answer", checklist="boiler", question="leak", value=False),
        _op("checklist.answer", checklist="attic", question="note", value=" dry "),
    ],
    "consents are added": [
        _op(
            "consent.add",
            equipment=" Meter",
            terms="…",
            shown_sha256="0",
            signed_by_name="C ",
            signature_path="M0 0",
        )
    ],
}
OPERATIONS = {
    **OPERATIONS,
    "approvals are taken back": [
        _op("approval.add", amount="180.5", currency="EUR", approved_by_name=" B", method="phone")
        | {"op_id": MADE[0]},
        _op("approval.add", amount="180.50", currency="EUR", approved_by_name="B", method="message")
        | {"op_id": MADE[1]},
        _op("approval.void", of=MADE[1], reason="another order"),
        _op("approval.void", of=MADE[2], reason="names nothing that is known"),
    ],
    "of equal approvals the first goes": [
        _op("approval.add", amount="180.5", currency="EUR", approved_by_name="B", method="phone")
        | {"op_id": MADE[0]},
        _op("approval.add", amount="20", currency="EUR", approved_by_name="B", method="phone"),
        _op("approval.add", amount="180.50", currency="EUR", approved_by_name="B", method="message")
        | {"op_id": MADE[1]},
        _op("approval.void", of=MADE[1], reason="another order"),
    ],
    "consents are taken back": [
        _op(
            "consent.add",
            equipment=" Meter",
            terms="…",
            shown_sha256="0",
            signed_by_name="C ",
            signature_path="M0 0",
        )
        | {"op_id": MADE[0]},
        _op("consent.void", of=MADE[0], reason="not asked for"),
    ],
    "a photograph is taken back": [
        _op("checklist.answer", checklist="boiler", question="plate", value=FILES[0]),
        _op("checklist.answer", checklist="boiler", question="flue", value=FILES[1]),
        _op("attachment.void", sha256=FILES[0], reason="another flat"),
    ],
    "a replaced answer does not come back": [
        _op("checklist.answer", checklist="boiler", question="plate", value=FILES[1]),
        _op("checklist.answer", checklist="boiler", question="plate", value=FILES[0]),
        _op("attachment.void", sha256=FILES[0], reason="another flat"),
    ],
    "a file is taken back by one who shows another": [
        _op("checklist.answer", checklist="boiler", question="plate", value=FILES[0]),
        _op("checklist.answer", checklist="boiler", question="plate", value=FILES[1]),
        _op("attachment.void", sha256=FILES[0], reason="blurred"),
    ],
}
CANONICAL: Sequence[dict[str, Any]] = (
    {"b": 1, "a": [True, None, "é\u2028"], "中": {"z": "", "a": '"\\/\n\t'}},
    {"": {}, "10": [], "9": -0, "large": 9007199254740993},
)


PAID: Mapping[str, Mapping[str, Any]] = {
    "cash with tax": {"payload": {"method": "cash", "amount": "50", "currency": "EUR", "reference": " 12 "}},
    "all that is left": {"payload": {"method": "qr", "amount": "132.68", "currency": "EUR"}},
    "after another one here": {
        "payload": {"method": "card", "amount": "30.00", "currency": "EUR"},
        "before": [_op("payment.add", method="cash", amount="20.00", currency="EUR")],
    },
    "beyond an approval": {
        "payload": {"method": "transfer", "amount": "0.01", "currency": "EUR", "reference": None},
        "before": [
            _op("approval.add", amount="200.00", currency="EUR", approved_by_name="B", method="phone"),
        ],
    },
    "another currency": {"payload": {"method": "cash", "amount": "700", "currency": "JPY"}},
    "nothing was estimated": {
        "payload": {"method": "cash", "amount": "5.00", "currency": "EUR"},
        "visit": {"estimate_minor": 0},
    },
    "what was paid is not shown": {
        "payload": {"method": "cash", "amount": "5.00", "currency": "EUR"},
        "visit": {"paid_minor": None, "record": None},
    },
    "no rate is known": {"payload": {"method": "cash", "amount": "5.00", "currency": "EUR"}, "rates": []},
    "nothing": {"payload": {"method": "cash", "amount": "0.00", "currency": "EUR"}},
    "no amount": {"payload": {"method": "cash", "amount": "ten", "currency": "EUR"}},
    "no way to pay": {"payload": {"method": "shells", "amount": "5.00", "currency": "EUR"}},
}
RATES = [
    {"valid_from": "2025-01-01", "tax_rate": "0.2000"},
    {"valid_from": "2026-03-02", "tax_rate": "0.2400"},
    {"valid_from": "2026-03-03", "tax_rate": "0.9000"},
]


class _Nobody:
    username = password = "nobody"


def phone_with(
    operations: Sequence[Mapping[str, Any]],
    acked: int,
    visit: Mapping[str, Any] | None = None,
    rates: Sequence[Mapping[str, str]] = RATES,
) -> PhoneClient:
    """A reference phone that pulled the visit and recorded these operations."""
    phone = PhoneClient("http://nowhere", _Nobody(), now=lambda: datetime.fromisoformat(AT[2]))
    body = {
        "id": VISIT,
        "version": 1,
        "number": RECORD["sheet"],
        "order_number": RECORD["order"],
        "estimate_minor": 10_700,
        "paid_minor": 0,
        "currency": "EUR",
        "state": "published",
        "planned_start": AT[0],
        "travelling_at": None,
        "arrived_at": None,
        "started_at": None,
        "record": RECORD,
        "customer": {"phone": "+358401234567"},
        "site": {"access_notes": "", "safety_notes": "dog"},
        "files": [{"sha256": one} for one in FILES],
        "checklists": [
            {"code": "boiler", "answers": [{"question": "plate", "value": FILES[0]}, {"value": True}]}
        ],
        **(visit or {}),
    }
    change = {"kind": "put", "id": VISIT, "body": body}
    for operation in operations:
        phone.store.add(operation)
    epoch = phone.store.install_epoch
    phone.store.apply_pull(
        [change], cursor="c", acked_seq={epoch: acked}, is_whole=True, catalogue={"tax_rates": list(rates)}
    )
    return phone


def receipts() -> list[dict[str, Any]]:
    """What is given for payments, each of a phone that pulled the visit and recorded what comes before."""
    made = []
    for name, told in PAID.items():
        visit, before, rates = told.get("visit", {}), list(told.get("before", [])), told.get("rates", RATES)
        phone = phone_with(before, 0, visit, rates)
        phone.store.set("install_epoch", exchanges.EPOCH)
        identity = {"op_id": MADE[0], "install_epoch": exchanges.EPOCH}
        operation = _op("payment.add", AT[1]) | {"payload": told["payload"]} | identity
        op_id = str(phone.store.add(operation, slip_of=phone.slip_of)["op_id"])
        asked = {"operation": operation, "before": before, "tax_rates": list(rates), "visit": visit}
        made.append({"name": name, **asked, "receipt": phone.provisional_receipt(op_id)})
        phone.close()
    return made


def made() -> dict[str, Any]:
    """Compute every vector with the reference client."""
    overlays = []
    for name, operations in OPERATIONS.items():
        for acked in range(len(operations) + 1):
            phone = phone_with(operations, acked)
            visit = phone.visit(VISIT) or {}
            overlays.append(
                {
                    "name": name,
                    "acked_seq": acked,
                    "operations": list(operations),
                    "state": visit["state"],
                    "times": phone.times(VISIT),
                    "contact": {**visit["customer"], **visit["site"]},
                    "paid_minor": visit["paid_minor"],
                    "files": [one["sha256"] for one in visit["files"]],
                    "answers": [one["value"] for one in visit["checklists"][0]["answers"]],
                    "shown": phone.shown(VISIT),
                    "shown_sha256": phone.shown_sha256(VISIT),
                }
            )
            phone.close()
    return {
        "schema": protocol.SCHEMA,
        "record": RECORD,
        "canonical": [{"value": value, "text": canonical(value)} for value in CANONICAL],
        "overlays": overlays,
        "receipts": receipts(),
        "exchanges": exchanges.made(),
    }


if __name__ == "__main__":
    PAGE.write_text(json.dumps(made(), ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
