"""What papers print of checklists, consents, dangers and codes (R-505, R-506, R-509)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from dispatch.checklists import rules as questions
from dispatch.checklists.queries import Standing, standing
from dispatch.customers.model import Site
from dispatch.documents.words import Language
from dispatch.work_orders.advising import concerning, open_advice
from dispatch.work_orders.consenting import consents_of
from dispatch.work_orders.model import Finding, Visit, WorkOrder

ALWAYS = {
    "en": [
        "First inspection",
        "Repair",
        "Full test",
        "Hidden dangers listed",
        "Use explained",
        "Record signed",
    ],
    "zh": ["初步检测", "维修", "全面测试", "列出隐患", "讲解使用", "客户签字"],
}
"""R-505, on every order sheet, before the checklists of the visit."""
YES, NO = {"en": "yes", "zh": "是"}, {"en": "no", "zh": "否"}
THERE = {
    questions.PHOTO: {"en": "photograph", "zh": "照片"},
    questions.SIGNATURE: {"en": "signed", "zh": "已签字"},
}
DANGER, ADVISED = {"en": "Danger", "zh": "隐患"}, {"en": "Advised before", "zh": "曾建议"}


def to_check(session: Session, visit: Visit, language: Language) -> list[str]:
    """Return what an order sheet asks to be looked at."""
    asked = standing(session, visit.id, visit.checklists)
    return [*ALWAYS[language], *(_text(one.question, language) for one in asked)]


def cautions(session: Session, visit: Visit, site: Site, language: Language) -> list[str]:
    """Return what whoever goes there should know first: safety notes, open dangers, work advised before."""
    order = visit.work_order
    open_work = concerning(visit, order, open_advice(session, [order.site_id]).get(order.site_id, []))
    notes = [line.strip() for line in site.safety_notes.splitlines() if line.strip()]
    return notes + [f"{(DANGER if one.is_danger else ADVISED)[language]}: {one.words}" for one in open_work]


def answered(session: Session, visit: Visit, language: Language) -> list[dict[str, Any]]:
    """Return each question of the visit that was answered, or had to be, as a row of a service report."""
    return [
        _row(one, language)
        for one in standing(session, visit.id, visit.checklists)
        if one.answers or (one.question.get("is_required") and not one.question.get("only_if"))
    ]


def consents(session: Session, visit: Visit, language: Language) -> list[str]:
    """Return what the customer allowed in writing, and by whom."""
    by = "客户" if language == "zh" else "by"
    return [
        f"{one.equipment} ({by} {one.signed_by_name})"
        for one in consents_of(session, [visit.id]).get(visit.id, [])
    ]


def codes(order: WorkOrder, finding: Finding | None) -> dict[str, str]:
    """Return the codes of fault, cause and action; the fault's is the order's where nobody named another."""
    named = {
        "fault_code": (finding.fault_code if finding else None) or order.fault_code,
        "cause_code": finding.cause_code if finding else None,
        "action_code": finding.action_code if finding else None,
    }
    return {name: code for name, code in named.items() if code}


def _row(one: Standing, language: Language) -> dict[str, Any]:
    row: dict[str, Any] = {"text": _text(one.question, language)}
    if one.answers:
        values = dict.fromkeys(_value(one.question, answer.value, language) for answer in one.answers)
        row["note"] = " / ".join(values)
    if one.question["kind"] == questions.NUMBER and one.answers:
        row["passed"] = not any(answer.is_out_of_limits for answer in one.answers)
    return row


def _text(question: Mapping[str, Any], language: Language) -> str:
    return str(question[f"text_{language}"] or question["text_en"])


def _value(question: Mapping[str, Any], value: Any, language: Language) -> str:
    kind = question["kind"]
    if kind == questions.YES_NO:
        return (YES if value else NO)[language]
    if kind in THERE:
        return THERE[kind][language]
    if kind == questions.CHOICE:
        found = next((one for one in question["choices"] if one["key"] == value), None)
        return _text(found, language) if found else str(value)
    unit = question.get("unit") or ""
    return f"{value} {unit}".strip()
