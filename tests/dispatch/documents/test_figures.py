"""Amounts, days and quantities are written exactly and in the manner of the language."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from dispatch.documents.figures import Figures, in_capitals
from dispatch.documents.words import UNITS, WORDS

ZH = Figures("zh", ZoneInfo("Asia/Shanghai"))
EN = Figures("en", ZoneInfo("Europe/Monaco"))


@pytest.mark.parametrize(
    ("minor", "capitals"),
    [
        (0, "零元整"),
        (5, "伍分"),
        (50, "伍角整"),
        (100, "壹元整"),
        (1005, "壹拾元零伍分"),
        (1050, "壹拾元伍角整"),
        (10_000, "壹佰元整"),
        (10_100, "壹佰零壹元整"),
        (140_950, "壹仟肆佰零玖元伍角整"),
        (600_714, "陆仟零柒元壹角肆分"),
        (1_000_000, "壹万元整"),
        (10_000_500, "壹拾万零伍元整"),
        (10_700_053, "壹拾万柒仟元伍角叁分"),
        (10_000_000_000, "壹亿元整"),
        (10_000_000_100, "壹亿零壹元整"),
        (123_456_789_012_345, "壹万贰仟叁佰肆拾伍亿陆仟柒佰捌拾玖万零壹佰贰拾叁元肆角伍分"),
        (-66_444, "负陆佰陆拾肆元肆角肆分"),
    ],
)
def test_renminbi_are_written_in_capitals(minor: int, capitals: str) -> None:
    assert in_capitals(minor) == capitals


@pytest.mark.parametrize(
    ("minor", "currency", "plain", "english", "chinese"),
    [
        (123_456, "CNY", "1,234.56", "CN¥1,234.56", "¥1,234.56"),
        (123_456, "JPY", "123,456", "JP¥123,456", "JP¥123,456"),
        (-5, "EUR", "-0.05", "-€0.05", "-€0.05"),
        (
            999_999_999_999_999,
            "EUR",
            "9,999,999,999,999.99",
            "€9,999,999,999,999.99",
            "€9,999,999,999,999.99",
        ),
    ],
)
def test_amounts_have_the_decimals_of_their_currency(
    minor: int, currency: str, plain: str, english: str, chinese: str
) -> None:
    assert EN.amount(minor, currency) == ZH.amount(minor, currency) == plain
    assert EN.money(minor, currency) == english
    assert ZH.money(minor, currency) == chinese


def test_quantities_and_rates_lose_superfluous_zeros_but_no_digit() -> None:
    assert [EN.quantity(text) for text in ("1.50", "100", "0.000125", "1E+3")] == [
        "1.5",
        "100",
        "0.000125",
        "1,000",
    ]
    assert [EN.rate(text) for text in ("0.13", "0.055", "0", "0.2")] == ["13%", "5.5%", "0%", "20%"]


def test_days_and_times_follow_language_and_zone() -> None:
    assert EN.day("2026-03-05") == "5 March 2026"
    assert ZH.day("2026-03-05") == "2026年3月5日"
    assert EN.clock("2026-03-29T01:30:00Z") == "03:30"
    assert ZH.full_moment("2026-03-05T20:00:00+00:00") == "2026年3月6日 04:00"
    assert [EN.minutes(count).replace("\u00a0", " ") for count in (0, 45, 60, 95)] == [
        "0 min",
        "45 min",
        "1 h",
        "1 h 35 min",
    ]


def test_units_are_words_and_unknown_ones_stay() -> None:
    assert (ZH.unit("HUR"), EN.unit("HUR"), EN.unit("bag")) == ("小时", "h", "bag")


def test_every_printed_word_exists_in_both_languages() -> None:
    assert [key for key, pair in {**WORDS, **UNITS}.items() if not all(text.strip() for text in pair)] == []
