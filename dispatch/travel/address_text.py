"""How addresses are written: the same street and number in many spellings, compared by characters."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

LEAST_LIKENESS = 0.35
"""Below this a street is not worth suggesting."""

LAST_ALPHABETIC = "\u2e7f"
"""Characters after this one are words or syllables of their own."""

FAR = 1_000_000
_NUMBER = re.compile(r"(\d+(?:-\d+)?) ?(?:([a-z])(?![a-z]))?")
_LANE = re.compile(r"(\d+)[弄巷](\d+)号?")
_RANGE = re.compile(r"(?<=\d)\s*[-\u2010-\u2015/]\s*(?=\d)")
_GAP = re.compile(r"(?<=\d)[\s,.;]+(?=\d)")


def squeezed(text: str) -> str:
    """
    Lower case without accents, spaces and punctuation; full-width digits become plain ones.

    Between two numbers a dash stays a dash and a gap a blank: ``1-3`` and ``1 3`` are not ``13``.
    """
    plain = _GAP.sub(" ", _RANGE.sub("-", unicodedata.normalize("NFKD", text).casefold()))
    kept = []
    for at, mark in enumerate(plain):
        is_between = mark in " -" and 0 < at < len(plain) - 1 and (plain[at - 1] + plain[at + 1]).isdecimal()
        if mark.isalnum() or is_between:
            kept.append(mark)
    return "".join(kept)


def house_numbers(written: str) -> list[str]:
    """Spellings a house number answers to: ``12-14`` also to ``12`` and ``14``, ``12 B`` to ``12b``."""
    whole = squeezed(written)
    lane = _LANE.search(whole)
    if lane:
        return [f"{lane[1]}弄{lane[2]}"]
    ends = re.findall(r"\d+", whole) if "-" in whole else []
    return list(dict.fromkeys([whole.removesuffix("号"), *ends]))


def written_numbers(rest: str) -> list[str]:
    """House numbers a remaining text may mean, most exact first: ``12b14`` gives ``12b`` and ``12``."""
    lane = _LANE.search(rest)
    if lane:
        return [f"{lane[1]}弄{lane[2]}"]
    found = _NUMBER.search(rest)
    if not found:
        return []
    number, letter = found[1], found[2] or ""
    return list(dict.fromkeys([number + letter, number, number.partition("-")[0]]))


def first_number(text: str) -> int | None:
    """The first number in the text, if there is one."""
    found = re.search(r"\d+", text)
    return int(found[0]) if found else None


def number_gap(house_number: str, wanted: int | None) -> int:
    """How far two house numbers lie apart; numbers without digits are far."""
    own = first_number(house_number)
    if wanted is None:
        return 0 if own is None else own
    return FAR if own is None else abs(own - wanted)


def without_numbers(text: str) -> str:
    """The text without digits, letters after them, and blanks: what is left of a street."""
    return re.sub(r"\d+[a-z]?(?![a-z])|[\s\d号-]", "", text)


def likeness(wanted: str, street: str) -> float:
    """Share of common character pairs, 0 to 1; single characters for Chinese and very short words."""
    if not wanted or not street:
        return 0.0
    is_short = min(len(wanted), len(street)) <= 2
    width = 1 if is_short or max(street) > LAST_ALPHABETIC else 2
    left, right = _pieces(wanted, width), _pieces(street, width)
    common = sum((left & right).values())
    return 2 * common / (sum(left.values()) + sum(right.values()))


def _pieces(text: str, width: int) -> Counter[str]:
    return Counter(text[at : at + width] for at in range(len(text) - width + 1))
