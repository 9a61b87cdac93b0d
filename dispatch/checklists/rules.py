"""
What a question is, what answers it, and when it is asked; pure.

A question is a JSON object, so that phones get it as it is written:
``{"key", "kind", "text_en", "text_zh", "is_required"}``, for a number ``unit``, ``least``, ``most`` (decimal
texts), for a choice ``choices`` (``{"key", "text_en", "text_zh"}`` each), and ``only_if`` (``{"key", "is"}``)
when it is asked only after certain answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from dispatch import text
from dispatch.errors import Conflict, Invalid

YES_NO, CHOICE, NUMBER, TEXT = "yes_no", "choice", "number", "text"
PHOTO, SIGNATURE, SCAN, DATE = "photo", "signature", "scan", "date"
KINDS = (YES_NO, CHOICE, NUMBER, TEXT, PHOTO, SIGNATURE, SCAN, DATE)
BRANCHING = frozenset({YES_NO, CHOICE})
MOST_QUESTIONS = 100
MOST_CHOICES = 50
KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")
PLAIN = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,18})?")
FIELDS = frozenset(
    {"key", "kind", "text_en", "text_zh", "is_required", "unit", "least", "most", "choices", "only_if"}
)


class QuestionInvalid(Invalid):
    """A question of a checklist is incomplete or contradicts another one."""

    code = "QUESTION_INVALID"
    remedy = "Correct the question named in the message; see the reference of checklists."


class AnswerInvalid(Invalid):
    """The answer is not of the kind that the question asks for."""

    code = "ANSWER_INVALID"
    remedy = "Answer with the kind of value that the question names."


class QuestionUnknown(Invalid):
    """The visit has no such checklist, or the checklist no such question."""

    code = "QUESTION_UNKNOWN"
    remedy = "Use a question of the checklists that the visit carries, in their revision."


class ChecklistIncomplete(Conflict):
    """Required questions of the visit's checklists have no answer yet."""

    code = "CHECKLIST_INCOMPLETE"
    remedy = "Answer the questions named in the message, then finish the visit."


@dataclass(frozen=True, slots=True)
class Answered:
    """One given answer and whose it is; ``place`` is its place in the technician's own order."""

    question: str
    value: Any
    technician: str
    place: tuple[str, int]
    is_out_of_limits: bool = False
    at: datetime | None = None
    """When it was given; orders the answers of several installations."""
    is_withdrawn: bool = False
    """It names what was taken back since: no answer, and none that it replaced."""


def checked_questions(given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the questions as they are kept, or refuse the first one that is wrong."""
    if not 1 <= len(given) <= MOST_QUESTIONS:
        raise QuestionInvalid(f"a checklist has 1 to {MOST_QUESTIONS} questions")
    known: dict[str, dict[str, Any]] = {}
    for question in given:
        checked = _checked(question, known)
        known[checked["key"]] = checked
    return list(known.values())


def _checked(given: Mapping[str, Any], before: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    text.only_known(given, FIELDS)
    key, kind = str(given.get("key", "")), str(given.get("kind", ""))
    if not KEY.fullmatch(key) or key in before:
        raise QuestionInvalid(f"key {key[:40]!r} is no new word of small letters, digits and _")
    if kind not in KINDS:
        raise QuestionInvalid(f"question {key} has no known kind", known=list(KINDS))
    checked: dict[str, Any] = {
        "key": key,
        "kind": kind,
        "text_en": text.line(str(given.get("text_en", "")), f"text_en of {key}", longest=300),
        "text_zh": text.line(str(given.get("text_zh", "")), f"text_zh of {key}", longest=300),
        "is_required": given.get("is_required", False) is True,
    }
    if kind == NUMBER:
        checked |= _limits(given, key)
    if kind == CHOICE:
        checked["choices"] = _choices(given, key)
    if given.get("only_if") is not None:
        checked["only_if"] = _condition(given["only_if"], key, before)
    return checked


def _limits(given: Mapping[str, Any], key: str) -> dict[str, str]:
    found = {"unit": text.prose(str(given.get("unit", "")), f"unit of {key}", longest=text.CODE)}
    for name in ("least", "most"):
        if given.get(name) is not None:
            found[name] = str(_decimal(given[name], QuestionInvalid(f"{name} of {key} is no decimal text")))
    if "least" in found and "most" in found and Decimal(found["least"]) > Decimal(found["most"]):
        raise QuestionInvalid(f"the limits of {key} are reversed")
    return found


def _choices(given: Mapping[str, Any], key: str) -> list[dict[str, str]]:
    choices = given.get("choices")
    if not isinstance(choices, Sequence) or isinstance(choices, str) or not 2 <= len(choices) <= MOST_CHOICES:
        raise QuestionInvalid(f"question {key} needs 2 to {MOST_CHOICES} choices")
    found: dict[str, dict[str, str]] = {}
    for choice in choices:
        if not isinstance(choice, Mapping) or not KEY.fullmatch(str(choice.get("key", ""))):
            raise QuestionInvalid(f"a choice of {key} has no key")
        found[str(choice["key"])] = {
            "key": str(choice["key"]),
            "text_en": text.line(str(choice.get("text_en", "")), f"choice of {key}"),
            "text_zh": text.line(str(choice.get("text_zh", "")), f"choice of {key}"),
        }
    if len(found) != len(choices):
        raise QuestionInvalid(f"two choices of {key} have the same key")
    return list(found.values())


def _condition(given: Any, key: str, before: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    other = before.get(str(given.get("key"))) if isinstance(given, Mapping) else None
    if other is None or other["kind"] not in BRANCHING:
        raise QuestionInvalid(f"{key} depends on no yes-no or choice question before it")
    wanted = given.get("is")
    values = list(wanted) if isinstance(wanted, list) else [wanted]
    known = {True, False} if other["kind"] == YES_NO else {choice["key"] for choice in other["choices"]}
    if not values or any(
        isinstance(value, dict | list)
        or value not in known
        or isinstance(value, bool) != (other["kind"] == YES_NO)
        for value in values
    ):
        raise QuestionInvalid(f"{key} depends on answers that {other['key']} does not have")
    return {"key": other["key"], "is": values}


def checked_answer(question: Mapping[str, Any], value: Any) -> tuple[Any, bool]:
    """Return the answer as it is kept, and whether a number lies outside the question's limits."""
    kind, refused = (
        question["kind"],
        AnswerInvalid(f"this is no answer of kind {question['kind']}", kind=question["kind"]),
    )
    if kind == YES_NO:
        if not isinstance(value, bool):
            raise refused
        return value, False
    if not isinstance(value, str):
        raise refused
    if kind == NUMBER:
        number = _decimal(value, refused)
        outside = ("least" in question and number < Decimal(question["least"])) or (
            "most" in question and number > Decimal(question["most"])
        )
        return value, outside
    return _checked_text(question, value, refused), False


def _checked_text(question: Mapping[str, Any], value: str, refused: AnswerInvalid) -> str:
    kind = question["kind"]
    if kind == CHOICE:
        if value not in {choice["key"] for choice in question["choices"]}:
            raise refused
    elif kind == PHOTO:
        if not text.is_sha256(value):
            raise refused
    elif kind == SIGNATURE:
        if not text.is_drawing(value):
            raise refused
    elif kind == DATE:
        try:
            is_plain = date.fromisoformat(value).isoformat() == value
        except ValueError:
            raise refused from None
        if not is_plain:
            raise refused
    else:
        return (
            text.line(value, "value", longest=500)
            if kind == SCAN
            else text.prose(value, "value", longest=4_000)
        )
    return value


def register(answers: Iterable[Answered]) -> dict[str, list[Answered]]:
    """
    Return the standing answers by question: one for each technician, the last of the own order.

    ``answers`` come in the order they were recorded; between installations of a phone the time decides.
    """
    standing: dict[str, dict[str, Answered]] = {}
    for answer in answers:
        held = standing.setdefault(answer.question, {}).get(answer.technician)
        is_older = held is not None and _is_before(answer, held)
        if not is_older:
            standing[answer.question].pop(answer.technician, None)
            standing[answer.question][answer.technician] = answer
    return {
        question: [one for one in by.values() if not one.is_withdrawn] for question, by in standing.items()
    }


def _is_before(answer: Answered, held: Answered) -> bool:
    """Tell whether an answer was given before another one: by the own order, else by the time."""
    if answer.place[0] == held.place[0]:
        return answer.place[1] < held.place[1]
    return answer.at is not None and held.at is not None and answer.at < held.at


def is_asked(question: Mapping[str, Any], values: Mapping[str, Sequence[Any]]) -> bool:
    """Tell whether a question is asked: always, or after the answers that it names."""
    condition = question.get("only_if")
    if condition is None:
        return True
    return any(value == wanted for value in values.get(condition["key"], ()) for wanted in condition["is"])


def missing(questions: Sequence[Mapping[str, Any]], values: Mapping[str, Sequence[Any]]) -> list[str]:
    """Return the keys of required questions that are asked and have no answer."""
    asked: dict[str, Sequence[Any]] = {}
    lacking = []
    for question in questions:
        if not is_asked(question, asked):
            continue
        given = values.get(question["key"], ())
        asked[question["key"]] = given
        if question["is_required"] and not any(value != "" for value in given):
            lacking.append(question["key"])
    return lacking


def _decimal(value: Any, refused: Invalid) -> Decimal:
    if not isinstance(value, str) or not PLAIN.fullmatch(value):
        raise refused
    return Decimal(value)
