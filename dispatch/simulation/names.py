"""
Names of generated customers and technicians, drawn from shipped lists of common names.

Nobody made here is real. Phone numbers come from the range 01 99 00 00 00 to 01 99 00 99 99 that the French
regulator keeps free for fiction, e-mail addresses from ``example.org``, which nobody can own.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

GENERATED = "Generated for the demo; nobody real."
PHONES = 10_000


@dataclass(frozen=True, slots=True)
class GeneratedName:
    """A name as written, and in plain Latin letters for an e-mail address."""

    written: str
    latin: str


@cache
def _lists() -> dict[str, Any]:
    shipped: dict[str, Any] = json.loads((Path(__file__).parent / "names.json").read_text("utf-8"))
    return shipped


def person(chance: Random, language: str) -> GeneratedName:
    """A person: Chinese characters for ``zh``, else a Finnish name."""
    if language == "zh":
        family, given = chance.choice(_lists()["chinese_family"]), chance.choice(_lists()["chinese_given"])
        return GeneratedName(family[0] + given[0], f"{given[1]}.{family[1]}".lower())
    family, given = chance.choice(_lists()["finnish_family"]), chance.choice(_lists()["finnish_given"])
    return GeneratedName(f"{given} {family}", plain(f"{given}.{family}"))


def business(chance: Random, language: str) -> GeneratedName:
    """A small business: a family name and a trade."""
    if language == "zh":
        family = chance.choice(_lists()["chinese_family"])
        return GeneratedName(
            f"{family[0]}家{chance.choice(_lists()['trade_zh'])}", f"{family[1]}.shop".lower()
        )
    family = chance.choice(_lists()["finnish_family"])
    trade = chance.choice(_lists()["trade_en"])
    return GeneratedName(f"{family} {trade}", plain(f"{family}.{trade.replace(' ', '-')}"))


def plain(text: str) -> str:
    """Lower case without accents."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(mark for mark in decomposed if not unicodedata.combining(mark))


def phone(number: int) -> str:
    """The n-th fictitious phone number, E.164."""
    return f"+3319900{number % PHONES:04d}"


def email(name: GeneratedName, number: int) -> str:
    """A mailbox that cannot exist, different for every number."""
    return f"{name.latin}.{number}@example.org"
