"""A visit as the technician sees it: as pulled, with what was recorded on the phone since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from dispatch.sync import protocol, provisional

STATES = {
    protocol.ACCEPT: "accepted",
    protocol.DECLINE: "unplanned",
    protocol.TRAVEL: "travelling",
    protocol.ARRIVE: "on_site",
    protocol.START: "working",
    protocol.PAUSE: "paused",
    protocol.HAND_OVER: "done",
    protocol.RESUME: "working",
    protocol.FINISH: "done",
    protocol.NO_ACCESS: "no_access",
}
TIMES = {protocol.TRAVEL: "travelling_at", protocol.ARRIVE: "arrived_at", protocol.START: "started_at"}
PERSONAL = ("customer", "contact", "customer_reference", "site", "problem", "record", "hints")
PERSONAL_LISTS = ("files", "before", "advice")


def overlaid(visit: dict[str, Any], own: Iterable[Mapping[str, Any]], *, is_locked: bool) -> dict[str, Any]:
    """Put own operations that the pulled data does not include on top of a visit."""
    if is_locked:
        visit |= _locked(visit)
    for operation in own:
        visit["state"] = STATES.get(operation["type"], visit["state"])
        if operation["type"] == protocol.PROPOSE:
            _propose(visit, operation["payload"].get("fields", {}))
        if operation["type"] == protocol.PAYMENT:
            _pay(visit, operation["payload"])
        if operation["type"] == protocol.FILE_VOID:
            _take_back(visit, operation["payload"].get("sha256"))
        if operation["type"] in TIMES:
            visit[TIMES[operation["type"]]] = operation["occurred_at"]
    return visit


def _locked(visit: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in place of the personal data of a visit while the phone is locked."""
    asked = [{**checklist, "answers": []} for checklist in visit.get("checklists", [])]
    return {**dict.fromkeys(PERSONAL), **{name: [] for name in PERSONAL_LISTS}, "checklists": asked}


def to_the_second(moment: str | None) -> str | None:
    """A moment as the record shows it."""
    if moment is None:
        return None
    return datetime.fromisoformat(moment).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _pay(visit: dict[str, Any], payload: Mapping[str, Any]) -> None:
    """Count money that was taken here and of which the office has not told yet."""
    amount = provisional.amount_of(payload)
    if amount is not None and visit.get("paid_minor") is not None and amount.currency == visit["currency"]:
        visit["paid_minor"] += amount.minor


def _take_back(visit: dict[str, Any], sha256: str | None) -> None:
    """A file that was taken back is not shown, and an answer that names it is none."""
    visit["files"] = [one for one in visit.get("files", []) if one["sha256"] != sha256]
    visit["checklists"] = [
        {**one, "answers": [answer for answer in one["answers"] if answer["value"] != sha256]}
        for one in visit.get("checklists", [])
    ]


def _propose(visit: dict[str, Any], changes: Mapping[str, Mapping[str, str | None]]) -> None:
    """Show a contact as the technician corrected it; the server may merge it or keep its own."""
    for name, change in changes.items():
        holder = "customer" if name in (visit.get("customer") or {}) else "site"
        if visit.get(holder) and name in visit[holder]:
            visit[holder] = {**visit[holder], name: change.get("value")}
