"""
What a plan does against a rule because somebody decided so, kept with the plan in words for its readers.

A lock is kept whatever it stands against (``optimizer.concessions``), so a shift may be lengthened, a break
laid aside, a part counted on that no van has. Nobody finds that out from the stops alone.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.planning.problem import Built
from dispatch.work_orders.model import Visit
from optimizer.doubts import about_decisions, against_rules

ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
AGAINST = "LOCK_AGAINST_RULE"
SOMEBODY = ("its technician", "其技术员")
HELD = "a window held for a caller"

SENTENCES = {
    "LOCKS_CLASH": (
        "two visits held to {who} are at one time; one of them cannot be served",
        "固定给{who}的两次上门时间冲突,其中一次无法安排",
    ),
    "LOCK_OUTSIDE_WINDOW": (
        "the visit is held to a time outside the customer's window or in their peak hours",
        "上门固定的时间不在客户的时段内,或在客户的高峰时段",
    ),
    "TEAM_OF_ONE": ("only one visit of the crew is on this day", "该组上门当天只有一次"),
    "TEAM_TOO_LARGE": (
        "the crew needs more people than are on duty",
        "该组上门所需人数超过当班人数",
    ),
}
"""What else looks like a mistake, in English and Chinese."""

RULES = {
    "ARRIVAL_WINDOW": ("{who} could not be there in time within the shift", "{who}在班次内无法按时到达"),
    "BREAK": ("{who} has no room left for a break", "{who}没有休息时间"),
    "CERTIFICATE": ("{who} has no valid certificate for it", "{who}没有所需的有效证书"),
    "EXCLUDED_TECHNICIAN": ("{who} was not to be sent there", "{who}不应被派往该处"),
    "LOCK": ("another lock wants it otherwise", "与另一项固定安排不符"),
    "LONGEST_WAY": ("{who} has further to drive than agreed", "{who}的路程超过约定"),
    "PARTS": ("the van of {who} lacks parts for it", "{who}的车上缺少所需配件"),
    "PRECEDENCE": ("another visit was to be over before", "应在另一次上门结束之后进行"),
    "REQUIRED_TECHNICIAN": ("somebody else was asked for", "指定的是另一名技术员"),
    "SAME_TECHNICIAN": ("visits for one hand go to several", "应由同一人完成的上门分给了多人"),
    "SERVED_ONCE": ("it is served more than once", "重复安排"),
    "SHIFT": ("{who} works beyond shift and overtime", "{who}的工作超出班次和允许的加班"),
    "SKILL": ("{who} lacks a skill for it", "{who}不具备所需技能"),
    "TEAM": ("the crew cannot begin together", "该组无法同时开始"),
    "TERRITORY": ("{who} works in another territory", "{who}属于其他区域"),
    "TIMETABLE": ("its times do not follow from the way there", "时间与路程不符"),
}
"""What a lock stands against, by the rule, in English and Chinese."""
KEPT = ("kept as decided, though {}", "按既定安排保留,但{}")


@dataclass(frozen=True, slots=True)
class _Found:
    """A doubt as the engine has it, with its own names."""

    code: str
    name: str
    cause: str
    rule: str | None = None


def doubts_of(session: Session, built: Built) -> list[dict[str, Any]]:
    """Return what is doubtful about a day's locks and crews, as it is kept with its plan."""
    found = list(_found(built))
    people = {technician.id: technician.name for technician in built.problem.technicians}
    numbers = _numbers(session, found, people)
    rows: list[dict[str, Any]] = []
    for one in found:
        lock = built.problem.lock(one.name)
        who = lock.technician_id if lock is not None else None
        names = (people[who], people[who]) if who in people else SOMEBODY
        english, chinese = SENTENCES[one.code] if one.rule is None else RULES[one.rule]
        if one.rule is not None:
            english, chinese = KEPT[0].format(english), KEPT[1].format(chinese)
        rows.append(
            {
                "code": one.code,
                "rule": one.rule,
                "visit_id": one.name if one.name in numbers else None,
                "technician_id": who if who in people else None,
                "cause": _in_words(one.cause, people | numbers),
                "sentence_en": english.format(who=names[0]),
                "sentence_zh": chinese.format(who=names[1]),
            }
        )
    return rows


def _found(built: Built) -> Iterator[_Found]:
    for against in (*built.concessions, *against_rules(built.problem)):
        yield _Found(AGAINST, against.visit_id, against.cause, against.rule)
    for finding in about_decisions(built.problem):
        name = finding.subject.partition(" ")[2]
        if not built.problem.is_begun(name):  # what has happened is no decision
            yield _Found(finding.code, name, finding.cause)


def _numbers(session: Session, found: Iterable[_Found], people: dict[str, str]) -> dict[str, str]:
    """The numbers of all visits that are named, by id."""
    named = {name for one in found for name in ID.findall(f"{one.name} {one.cause}")} - people.keys()
    rows = session.scalars(select(Visit).where(Visit.id.in_(map(uuid.UUID, named)))) if named else ()
    return {str(visit.id): visit.number for visit in rows}


def _in_words(cause: str, names: dict[str, str]) -> str:
    """The engine's cause with names and numbers in place of ids."""
    return ID.sub(lambda found: names.get(found[0], HELD), cause)
