"""What an order sheet [派工单] shows (R-502)."""

from __future__ import annotations

from datetime import date
from typing import Any

from dispatch.documents.figures import Figures
from dispatch.documents.shapes import CertificateRow, DispatchSheetSnapshot, SolvedRow, Stay
from dispatch.documents.views import blocks


def view(snapshot: DispatchSheetSnapshot, figures: Figures) -> dict[str, Any]:
    """Return the words and figures of the order sheet of one visit."""
    former = snapshot.get("repeat_of")
    return {
        **blocks.frame("dispatch_sheet", snapshot, figures),
        "title": figures.word("dispatch_sheet"),
        "number": snapshot["number"],
        "facts": _facts(snapshot, figures),
        "plan": _plan(snapshot, figures),
        "urgent": snapshot.get("priority") in {"emergency", "high"},
        "technician": blocks.party(snapshot["technician"], figures),
        "crew": snapshot.get("crew", []),
        "customer": blocks.party(snapshot["customer"], figures),
        "site": snapshot["site"]["address"],
        "entry": _entry(snapshot["site"], figures),
        "needs_care": snapshot.get("needs_care", False),
        "repeat": figures.word("repeat_of").format(number=former) if former else "",
        "problem": snapshot["problem"],
        "asset": blocks.asset(snapshot.get("asset"), figures),
        "history": [
            [figures.day(row["date"]), row["fault"], row["action"], row.get("technician", "")]
            for row in snapshot.get("history", [])
        ],
        "solved_before": [
            [" · ".join([figures.day(row["date"]), *filter(None, [row.get("model")])]), _fix(row)]
            for row in snapshot.get("solved_before", [])
        ],
        "skills": [
            {
                "text": row["name"],
                "more": figures.word("level").format(level=row["level"]) if "level" in row else "",
                "warn": False,
            }
            for row in snapshot["skills"]
        ],
        "certificates": [_certificate(row, snapshot["date"], figures) for row in snapshot["certificates"]],
        "parts": [
            [row["code"], row["name"], figures.quantity(row["quantity"]), row.get("place", "")]
            for row in snapshot["parts"]
        ],
        "checklist": snapshot["checklist"],
        "cautions": snapshot.get("cautions", []),
        "estimate": blocks.estimate(snapshot.get("estimate"), figures),
    }


def _fix(row: SolvedRow) -> str:
    return " → ".join(part for part in (row["cause"], row["action"]) if part)


def _facts(snapshot: DispatchSheetSnapshot, figures: Figures) -> list[blocks.Fact]:
    return blocks.facts(
        figures,
        [
            ("sheet_number", snapshot["number"]),
            ("order_number", snapshot["order_number"]),
            ("customer_reference", snapshot.get("customer_reference")),
            ("date", figures.day(snapshot["date"])),
            ("kind", snapshot.get("kind")),
        ],
    )


def _plan(snapshot: DispatchSheetSnapshot, figures: Figures) -> list[blocks.Fact]:
    start, end = snapshot.get("window_start"), snapshot.get("window_end")
    window = f"{figures.clock(start)} – {figures.clock(end)}" if start and end else None
    minutes, priority = snapshot.get("planned_minutes"), snapshot.get("priority")
    return blocks.facts(
        figures,
        [
            ("window", window),
            ("planned_start", blocks.optional(snapshot.get("planned_start"), figures.clock)),
            ("planned_minutes", figures.minutes(minutes) if minutes is not None else None),
            ("priority", figures.word(f"priority.{priority}") if priority else None),
        ],
    )


def _entry(site: Stay, figures: Figures) -> list[blocks.Fact]:
    facts: list[blocks.Fact] = []
    for key, minutes in (("access", site.get("access_minutes")), ("parking", site.get("parking_minutes"))):
        note = site.get("access", "") if key == "access" else site.get("parking", "")
        time = figures.minutes(minutes) if minutes is not None else ""
        text = " · ".join(part for part in (note, time) if part)
        if text:
            facts.append([figures.word(key), text])
    return facts


def _certificate(row: CertificateRow, day: str, figures: Figures) -> dict[str, Any]:
    until = row.get("valid_until")
    expired = until is not None and date.fromisoformat(until) < date.fromisoformat(day)
    more: list[str] = [row.get("number") or ""]
    if until is not None:
        more.append(figures.word("valid_until").format(day=figures.day(until)))
    if expired:
        more.append(figures.word("expires_before"))
    return {"text": row["name"], "more": " · ".join(part for part in more if part), "warn": expired}
