"""The rule book, the code and the tests speak of the same rules."""

from __future__ import annotations

import pytest

from docs.generate import citations, rule_status

BOOK = {
    *(f"R-{number}" for number in (*range(101, 107), *range(201, 205), *range(301, 310), *range(401, 410))),
    *(f"R-{number}" for number in (*range(501, 512), *range(601, 606), *range(701, 705), *range(801, 807))),
    *(f"R-{number}" for number in range(901, 904)),
}
STATUS = rule_status()
CLAIMED = sorted(rule for rule, row in STATUS.items() if row["status"] in {"built", "thin"})


def test_the_status_list_holds_every_rule_of_the_book_and_no_other() -> None:
    assert set(STATUS) == BOOK


def test_a_status_is_built_thin_or_later_and_a_thin_one_says_what_is_missing() -> None:
    assert {row["status"] for row in STATUS.values()} <= {"built", "thin", "later"}
    assert [rule for rule, row in STATUS.items() if row["status"] == "thin" and not row.get("note")] == []


@pytest.mark.parametrize("rule", CLAIMED)
def test_a_rule_that_is_claimed_is_cited_by_code_and_by_a_test(rule: str) -> None:
    assert citations("dispatch", "optimizer", "api").get(rule), f"no code cites {rule}"
    assert citations("tests").get(rule), f"no test cites {rule}"


def test_every_rule_that_code_cites_is_cited_by_a_test() -> None:
    in_code, in_tests = citations("dispatch", "optimizer", "api"), citations("tests")
    assert sorted(set(in_code) - set(in_tests)) == []


def test_code_and_tests_cite_only_rules_of_the_book() -> None:
    cited = {**citations("dispatch", "optimizer", "api"), **citations("tests")}
    assert {rule: places for rule, places in cited.items() if rule not in BOOK} == {}
