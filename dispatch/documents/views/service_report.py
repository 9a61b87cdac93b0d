"""What a service report shows (R-509)."""

from __future__ import annotations

from typing import Any

from dispatch.documents.figures import Figures
from dispatch.documents.shapes import PartMoved, ServiceReportSnapshot
from dispatch.documents.views import blocks


def view(snapshot: ServiceReportSnapshot, figures: Figures) -> dict[str, Any]:
    """Return the words and figures of the record of one visit."""
    return {
        **blocks.frame("service_report", snapshot, figures),
        "title": figures.word("service_report"),
        "number": snapshot["number"],
        "facts": _facts(snapshot, figures),
        "customer": blocks.party(snapshot["customer"], figures),
        "site": blocks.other_site(snapshot.get("site", []), snapshot["customer"]),
        "asset": blocks.asset(snapshot.get("asset"), figures),
        "result": figures.word(f"result.{snapshot['result']}"),
        "solved": snapshot["result"] == "solved",
        "findings": _findings(snapshot, figures),
        "parts": [_part(part, figures) for part in snapshot["parts"]],
        "measurements": _measurements(snapshot, figures),
        "checklist": _checklist(snapshot, figures),
        "consents": snapshot.get("consents", []),
        "advised": snapshot.get("advised", []),
        "times": _times(snapshot, figures),
        "handover": _handover(snapshot, figures),
        "rating": snapshot.get("rating", 0),
        "rating_comment": snapshot.get("rating_comment", ""),
        "estimate": blocks.estimate(snapshot.get("estimate"), figures),
        **_approval(snapshot, figures),
        "signature": blocks.signature(snapshot.get("signature"), figures),
        "digest": snapshot["shown_sha256"],
    }


def _facts(snapshot: ServiceReportSnapshot, figures: Figures) -> list[blocks.Fact]:
    many = "technicians" if len(snapshot["technicians"]) > 1 else "technician"
    return blocks.facts(
        figures,
        [
            ("report_number", snapshot["number"]),
            ("date", figures.day(snapshot["date"])),
            ("order_number", snapshot["order_number"]),
            ("customer_reference", snapshot.get("customer_reference")),
            ("sheet_number", snapshot["sheet_number"]),
            (many, figures.listed(snapshot["technicians"])),
        ],
    )


def _findings(snapshot: ServiceReportSnapshot, figures: Figures) -> list[list[str]]:
    return [
        [figures.word("problem"), snapshot["problem"]],
        [figures.word("fault"), _coded(snapshot["fault"], snapshot.get("fault_code"), figures)],
        [figures.word("cause"), _coded(snapshot["cause"], snapshot.get("cause_code"), figures)],
        [figures.word("action"), _coded(snapshot["action"], snapshot.get("action_code"), figures)],
    ]


def _coded(words: str, code: str | None, figures: Figures) -> str:
    if not code:
        return words
    return f"{words} ({code})" if figures.language == "en" else f"{words}（{code}）"


def _part(part: PartMoved, figures: Figures) -> dict[str, str]:
    origin = part.get("origin")
    return {
        "direction": part["direction"],
        "moved": figures.word(f"moved.{part['direction']}"),
        "code": part["code"],
        "name": part["name"],
        "note": part.get("note", ""),
        "quantity": figures.quantity(part["quantity"]),
        "serial": " / ".join(value for value in (part.get("serial"), part.get("lot")) if value),
        "origin": figures.word(f"origin.{origin}") if origin else "",
    }


def _measurements(snapshot: ServiceReportSnapshot, figures: Figures) -> list[dict[str, str]]:
    return [
        {
            "name": row["name"],
            "value": " ".join(text for text in (row["value"], row.get("unit", "")) if text),
            "limits": row.get("limits", ""),
            **_verdict(row.get("passed"), figures, ""),
        }
        for row in snapshot["measurements"]
    ]


def _checklist(snapshot: ServiceReportSnapshot, figures: Figures) -> list[dict[str, str]]:
    return [
        {
            "text": row["text"],
            "note": row.get("note", ""),
            **_verdict(row.get("passed"), figures, "" if row.get("note") else "not_done"),
        }
        for row in snapshot.get("checklist", [])
    ]


def _verdict(passed: bool | None, figures: Figures, unknown: str) -> dict[str, str]:
    if passed is None:
        return {"state": "open", "verdict": figures.word(unknown) if unknown else ""}
    return {"state": "good" if passed else "bad", "verdict": figures.word("passed" if passed else "failed")}


def _times(snapshot: ServiceReportSnapshot, figures: Figures) -> list[blocks.Fact]:
    times = snapshot["times"]
    minutes = {key: times.get(key) for key in ("travel_minutes", "work_minutes", "break_minutes")}
    return blocks.facts(
        figures,
        [
            ("departed_at", blocks.optional(times.get("departed_at"), figures.moment)),
            ("arrived_at", figures.moment(times["arrived_at"])),
            ("started_at", blocks.optional(times.get("started_at"), figures.moment)),
            ("finished_at", figures.moment(times["finished_at"])),
            *((key, figures.minutes(count)) for key, count in minutes.items() if isinstance(count, int)),
        ],
    )


def _handover(snapshot: ServiceReportSnapshot, figures: Figures) -> list[blocks.Fact]:
    papers = snapshot["documents_handed_over"]
    return [
        [figures.word("use_explained"), figures.word("yes" if snapshot["use_explained"] else "no")],
        [figures.word("documents"), figures.listed(papers) if papers else figures.word("none")],
    ]


def _approval(snapshot: ServiceReportSnapshot, figures: Figures) -> dict[str, str]:
    given = snapshot.get("approval")
    if given is None:
        return {"approval": "", "approval_note": ""}
    sentence = figures.word("approved").format(
        name=given["by"],
        amount=figures.money(given["amount_minor"], given["currency"]),
        time=figures.full_moment(given["at"]),
    )
    channel = given.get("channel")
    return {
        "approval": f"{sentence} · {channel}" if channel else sentence,
        "approval_note": given.get("note", ""),
    }
