"""
What phone and server agree on (docs/reference/sync.md): limits, names, and the record that a customer signs.

Pure: the reference phone imports this module and nothing else of the server. Another client rebuilds it from
the reference page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dispatch.errors import DispatchError
from dispatch.money import Money
from dispatch.work_orders.rules import canonical, digest

SCHEMA = 2
FIRST_SCHEMA = 1
"""What a phone speaks that does not say."""
DETAIL = 5
"""Raised whenever visits are told otherwise, in more detail or less: phones ask for all anew (Pull 11)."""
SCHEMA_HEADER = "Sync-Schema"
PUSH_SCHEMAS = frozenset({1, 2})
"""Every schema ever shipped; it only grows."""
PULL_SCHEMAS = frozenset({1, 2})
"""The newest three."""
MARKER = "truckroll_sync"
"""Member of every answer of ours; a 200 without it came from somebody else, such as a captive portal."""
MARKER_VALUE = 1
MOST_OPERATIONS = 200
MOST_BYTES = 1_048_576
MOST_UNPACKED_BYTES = 8 * MOST_BYTES
"""Of a body compressed by gzip."""
PAGE = 500
LARGEST_SEQ = 2**31 - 1

ACCEPT, DECLINE = "visit.accept", "visit.decline"
TRAVEL, ARRIVE, START = "visit.travel", "visit.arrive", "visit.start"
PAUSE, RESUME, FINISH, NO_ACCESS = "visit.pause", "visit.resume", "visit.finish", "visit.no_access"
FINDING, PART, APPROVAL = "finding.add", "part.add", "approval.add"
SIGN, WAIVE = "report.sign", "report.waive"
FINDING_VOID, PART_VOID = "finding.void", "part.void"
APPROVAL_VOID, CONSENT_VOID, FILE_VOID = "approval.void", "consent.void", "attachment.void"
PAYMENT = "payment.add"
DECLARE = "attachment.declare"
ANSWER, CONSENT, SETTLE = "checklist.answer", "consent.add", "advice.settle"
HAND_OVER = "visit.hand_over"
PROPOSE = "contact.propose"
EXPECT = "visit.expect"
BREAK_START, BREAK_END = "break.start", "break.end"
BREAKS = frozenset({BREAK_START, BREAK_END})
HAND_IN, ANSWER_COUNT = "day.hand_in", "day.answer"
TRANSFER_ASK, TRANSFER_HAND_OVER = "transfer.ask", "transfer.hand_over"
TRANSFER_CONFIRM, TRANSFER_DECLINE = "transfer.confirm", "transfer.decline"
PICK, COUNT = "pick.confirm", "stock.count"
POSITIONS, SWITCH_POSITIONS = "location.report", "location.switch"
TOOL_HAND_OVER, TOOL_ACCEPT, TOOL_DECLINE = "tool.hand_over", "tool.accept", "tool.decline"

STEPS_OF_A_VISIT = frozenset({ACCEPT, DECLINE, TRAVEL, ARRIVE, START, PAUSE, RESUME, FINISH, NO_ACCESS})
OF_A_VAN = frozenset(
    {TRANSFER_ASK, TRANSFER_HAND_OVER, TRANSFER_CONFIRM, TRANSFER_DECLINE, PICK, COUNT}
) | frozenset({TOOL_HAND_OVER, TOOL_ACCEPT, TOOL_DECLINE})
OF_THE_WAY = frozenset({POSITIONS, SWITCH_POSITIONS})
OF_A_DAY = frozenset({HAND_IN, ANSWER_COUNT}) | BREAKS | OF_A_VAN | OF_THE_WAY
"""Operations that belong to no visit."""
FACTS_OF_A_VISIT = frozenset(
    {FINDING, PART, APPROVAL, SIGN, WAIVE, PAYMENT, DECLARE, ANSWER, CONSENT, SETTLE, HAND_OVER}
) | frozenset({FINDING_VOID, PART_VOID, APPROVAL_VOID, CONSENT_VOID, FILE_VOID, PROPOSE, EXPECT})
TYPES = STEPS_OF_A_VISIT | FACTS_OF_A_VISIT | OF_A_DAY

APPLIED, CONFLICT, REJECTED, HELD = "applied", "applied_conflict", "rejected", "held"

NEVER_BLOCKED = frozenset({PAYMENT, DECLARE, FILE_VOID, SETTLE, PROPOSE, EXPECT}) | OF_A_DAY
BLOCKING = TYPES - NEVER_BLOCKED - {ACCEPT, DECLINE}
"""A rejected one of these blocks later operations of its visit that were recorded in ignorance of it."""


def record_digest(shown: Mapping[str, Any]) -> str:
    """Return the hash that a signature is bound to: SHA-256 of the canonical text of what was shown."""
    return digest(canonical(shown))


def operation_digest(operation: Mapping[str, Any]) -> str:
    """Return the hash by which two deliveries of one operation are found to be the same."""
    return digest(canonical(operation))


def handed_in_shown(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a technician signs: the payload of ``day.hand_in`` without the signature."""
    return {
        "day": payload["day"],
        "sheets": sorted(payload.get("sheets") or []),
        "reasons": dict(payload.get("reasons") or {}),
        "counted": dict(payload.get("counted") or {}),
        "currency": payload["currency"],
        "stock": dict(payload.get("stock") or {}),
        "vouchers": [dict(one) for one in payload.get("vouchers") or []],
        "note": payload.get("note") or "",
    }


def shown_after(
    record: Mapping[str, Any],
    operations: Iterable[Mapping[str, Any]],
    times: Mapping[str, str | None],
    earlier: Iterable[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """
    Return the record as the customer sees it: as pulled, plus own operations that the pull does not hold yet.

    ``operations`` are of this visit and in the order of their seq; ``times`` are ``arrived_at`` and
    ``started_at`` as the phone shows them; ``earlier`` are own operations that the pull holds, of which one
    may be taken back. ``record_digest`` of the result is what is signed.
    """
    shown = dict(record)
    shown["parts"] = list(record["parts"])
    for name in ("approvals", "answers", "consents"):
        shown[name] = list(record.get(name, []))
    told = {one["op_id"]: one for one in earlier if "op_id" in one}
    for operation in operations:
        told[operation.get("op_id")] = operation
        change = _CHANGES.get(operation["type"])
        if operation["type"] in VOIDS:
            named = told.get(operation["payload"]["of"])
            if named is not None and _may_be_shown(named, told.values(), VOIDS[operation["type"]]):
                _TAKES_BACK[named["type"]](shown, named["payload"])
        elif change is not None:
            change(shown, operation["payload"])
    shown["parts"].sort(
        key=lambda row: (row["sku"], row["direction"], row["serial"], row["lot"], row["quantity"])
    )
    shown["times"] = {name: times.get(name) or None for name in ("arrived_at", "started_at")}
    return shown


def _may_be_shown(named: Mapping[str, Any], told: Iterable[Mapping[str, Any]], kind: str) -> bool:
    """Tell whether what an operation recorded can be in the record; findings replace those of before."""
    if named["type"] != kind:
        return False
    known = [one for one in told if one["type"] == kind and one.get("visit_id") == named.get("visit_id")]
    return kind != FINDING or known[-1] is named


def _found(shown: dict[str, Any], payload: Mapping[str, Any]) -> None:
    for name in ("fault", "cause", "action"):
        shown[name] = payload[name].strip()
    shown["solved"] = payload["is_solved"]
    shown["tested"] = payload.get("is_tested", False)
    shown["use_explained"] = payload.get("use_explained", False)
    advised = [_advice(entry) for entry in payload.get("advised", [])]
    shown["advised"] = [text for text, _ in advised]
    shown["dangers"] = [text for text, is_danger in advised if is_danger]
    shown["touched"] = [text.strip() for text in payload.get("touched", [])]
    codes = payload.get("codes") or {}
    shown["codes"] = {kind: codes.get(kind, "").strip() for kind in ("fault", "cause", "action")}
    shown["documents"] = [text.strip() for text in payload.get("documents_handed_over", [])]
    shown["measurements"] = [
        {name: measured.get(name, "").strip() for name in ("name", "value", "unit")}
        for measured in payload.get("measurements", [])
    ]


def _advice(entry: str | Mapping[str, Any]) -> tuple[str, bool]:
    """Schema 1 has texts, schema 2 objects with a mark for dangers."""
    if isinstance(entry, str):
        return entry.strip(), False
    return str(entry["text"]).strip(), bool(entry.get("is_danger", False))


def _answered(shown: dict[str, Any], payload: Mapping[str, Any]) -> None:
    value = payload["value"]
    row = {
        "checklist": payload["checklist"].strip(),
        "question": payload["question"],
        "value": value.strip() if isinstance(value, str) else value,
    }
    place = (row["checklist"], row["question"])
    others = [one for one in shown["answers"] if (one["checklist"], one["question"]) != place]
    shown["answers"] = sorted([*others, row], key=lambda one: (one["checklist"], one["question"]))


def _consented(shown: dict[str, Any], payload: Mapping[str, Any]) -> None:
    shown["consents"].append(
        {"equipment": payload["equipment"].strip(), "by": payload["signed_by_name"].strip()}
    )


def _fitted(shown: dict[str, Any], payload: Mapping[str, Any]) -> None:
    shown["parts"].append(
        {
            "sku": payload["sku"].strip(),
            "direction": payload["direction"],
            "quantity": payload["quantity"],
            "serial": (payload.get("serial") or "").strip(),
            "lot": (payload.get("lot") or "").strip(),
        }
    )


def _not_fitted(shown: dict[str, Any], payload: Mapping[str, Any]) -> None:
    gone: dict[str, Any] = {"parts": []}
    _fitted(gone, payload)
    if gone["parts"][0] in shown["parts"]:
        shown["parts"].remove(gone["parts"][0])


def _not_found(shown: dict[str, Any], payload: Mapping[str, Any]) -> None:
    """The record is without findings if the one taken back is the one it shows."""
    gone: dict[str, Any] = {}
    _found(gone, payload)
    if all(shown.get(name) == value for name, value in gone.items() if name != "solved"):
        _found(shown, {"fault": "", "cause": "", "action": "", "is_solved": None})


def _agreed(shown: dict[str, Any], payload: Mapping[str, Any]) -> None:
    """An amount that cannot be read is not shown: the server will refuse it."""
    try:
        agreed = Money.parse(payload["amount"], payload["currency"])
    except DispatchError:
        return
    shown["approvals"].append(
        {"amount_minor": agreed.minor, "currency": agreed.currency, "by": payload["approved_by_name"].strip()}
    )


def _not_agreed(shown: dict[str, Any], payload: Mapping[str, Any]) -> None:
    gone: dict[str, Any] = {"approvals": []}
    _agreed(gone, payload)
    for row in gone["approvals"]:
        if row in shown["approvals"]:
            shown["approvals"].remove(row)


def _not_consented(shown: dict[str, Any], payload: Mapping[str, Any]) -> None:
    gone: dict[str, Any] = {"consents": []}
    _consented(gone, payload)
    if gone["consents"][0] in shown["consents"]:
        shown["consents"].remove(gone["consents"][0])


def _not_announced(shown: dict[str, Any], payload: Mapping[str, Any]) -> None:
    """An answer that names the file is none any more; what it had replaced does not come back."""
    shown["answers"] = [one for one in shown["answers"] if one["value"] != payload["sha256"]]


_CHANGES = {
    FINDING: _found,
    PART: _fitted,
    APPROVAL: _agreed,
    ANSWER: _answered,
    CONSENT: _consented,
    FILE_VOID: _not_announced,
}
VOIDS = {FINDING_VOID: FINDING, PART_VOID: PART, APPROVAL_VOID: APPROVAL, CONSENT_VOID: CONSENT}
"""What each of them takes back, by the operation that recorded it; a file is named by its hash."""
_TAKES_BACK = {FINDING: _not_found, PART: _not_fitted, APPROVAL: _not_agreed, CONSENT: _not_consented}
