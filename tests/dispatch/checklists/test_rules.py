"""Questions, answers and branching (R-505): examples at the limits, and generated lists and orders."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.checklists import rules
from dispatch.checklists.rules import Answered, AnswerInvalid, QuestionInvalid


def question(key: str = "q", kind: str = rules.YES_NO, **more: Any) -> dict[str, Any]:
    """A question with titles."""
    return {"key": key, "kind": kind, "text_en": f"{key}?", "text_zh": f"{key}？", **more}


CHOICES = [{"key": key, "text_en": key, "text_zh": key} for key in ("gas", "oil")]


@pytest.mark.parametrize(
    ("questions", "words"),
    [
        ([], "1 to 100"),
        ([question("Q")], "no new word"),
        ([question("a"), question("a")], "no new word"),
        ([question(kind="essay")], "no known kind"),
        ([question(kind=rules.NUMBER, least="x")], "no decimal"),
        ([question(kind=rules.NUMBER, least="2", most="1")], "reversed"),
        ([question(kind=rules.CHOICE)], "choices"),
        ([question(kind=rules.CHOICE, choices=[CHOICES[0], CHOICES[0]])], "same key"),
        ([question("b", only_if={"key": "a", "is": True}), question("a")], "before it"),
        ([question("a", rules.TEXT), question("b", only_if={"key": "a", "is": "x"})], "before it"),
        ([question("a"), question("b", only_if={"key": "a", "is": "yes"})], "does not have"),
        ([question("a"), question("b", only_if={"key": "a", "is": 1})], "does not have"),
        ([question("a"), question("b", only_if={"key": "a", "is": []})], "does not have"),
    ],
)
def test_a_wrong_question_is_named(questions: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(QuestionInvalid, match=words):
        rules.checked_questions(questions)


@pytest.mark.parametrize(
    ("kind", "more", "value", "kept"),
    [
        (rules.YES_NO, {}, False, False),
        (rules.CHOICE, {"choices": CHOICES}, "oil", "oil"),
        (rules.NUMBER, {}, "-1.50", "-1.50"),
        (rules.TEXT, {}, " two\nlines ", "two\nlines"),
        (rules.PHOTO, {}, "a" * 64, "a" * 64),
        (rules.SIGNATURE, {}, "M0 0L9 9", "M0 0L9 9"),
        (rules.SCAN, {}, " 0123 ", "0123"),
        (rules.DATE, {}, "2026-02-28", "2026-02-28"),
    ],
)
def test_every_kind_keeps_its_answer(kind: str, more: dict[str, Any], value: Any, kept: Any) -> None:
    (asked,) = rules.checked_questions([question(kind=kind, **more)])
    assert rules.checked_answer(asked, value) == (kept, False)


@pytest.mark.parametrize(
    ("kind", "more", "value"),
    [
        (rules.YES_NO, {}, "yes"),
        (rules.YES_NO, {}, 1),
        (rules.CHOICE, {"choices": CHOICES}, "coal"),
        (rules.NUMBER, {}, 1.5),
        (rules.NUMBER, {}, "NaN"),
        (rules.NUMBER, {}, "1e3"),
        (rules.NUMBER, {}, "1" * 41),
        (rules.PHOTO, {}, "a" * 63),
        (rules.SIGNATURE, {}, "<svg>"),
        (rules.DATE, {}, "2026-02-29"),
        (rules.SCAN, {}, True),
    ],
)
def test_an_answer_of_another_kind_is_refused(kind: str, more: dict[str, Any], value: Any) -> None:
    (asked,) = rules.checked_questions([question(kind=kind, **more)])
    with pytest.raises(AnswerInvalid):
        rules.checked_answer(asked, value)


@given(st.decimals(-100, 100, places=2), st.decimals(-100, 100, places=2), st.decimals(-100, 100, places=2))
def test_a_number_outside_its_limits_is_kept_and_flagged(least: Any, most: Any, measured: Any) -> None:
    least, most = sorted((least, most))
    (asked,) = rules.checked_questions([question(kind=rules.NUMBER, least=str(least), most=str(most))])
    kept, outside = rules.checked_answer(asked, str(measured))
    assert kept == str(measured)
    assert outside is not (least <= measured <= most)


def test_only_required_questions_that_are_asked_are_missed() -> None:
    asked = rules.checked_questions(
        [
            question("leak", is_required=True),
            question("where", rules.TEXT, is_required=True, only_if={"key": "leak", "is": True}),
            question("sure", is_required=True, only_if={"key": "leak", "is": [True, False]}),
            question("note", rules.TEXT),
        ]
    )
    for leak, wanted in [(None, ["leak"]), (True, ["where", "sure"]), (False, ["sure"])]:
        values: dict[str, list[Any]] = {} if leak is None else {"leak": [leak]}
        assert rules.missing(asked, values) == wanted
    assert rules.missing(asked, {"leak": [True, False], "sure": [True]}) == ["where"]


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from(["e1", "e2"]), st.booleans()), min_size=1, max_size=8
    )
)
def test_the_register_holds_each_persons_last_word(said: list[tuple[str, str, bool]]) -> None:
    """Two people both stand; of one person the highest seq of the newest installation counts."""
    seqs = itertools.count(1)
    answers = [Answered("q", value, who, (f"{who}{epoch}", next(seqs))) for who, epoch, value in said]
    standing = {one.technician: one for one in rules.register(answers)["q"]}
    assert standing == {who: [one for one in answers if one.technician == who][-1] for who, _, _ in said}


def test_a_late_older_answer_does_not_overwrite_a_newer_one() -> None:
    newer, older = Answered("q", True, "a", ("e", 9)), Answered("q", False, "a", ("e", 3))
    assert rules.register([newer, older])["q"] == [newer]
