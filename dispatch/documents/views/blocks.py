"""Blocks that several documents share: parties, assets, estimates, signatures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from dispatch.documents.figures import Figures
from dispatch.documents.shapes import Asset, Estimate, Frame, Party, Signature
from dispatch.documents.words import WORDS

Fact = list[str]
REACH = ("tax_id", "contact", "phone", "email")
BANK = ("bank", "bank_account")


def frame(kind: str, snapshot: Frame, figures: Figures) -> dict[str, Any]:
    """Return what every page shows: words, language, issuing company and the test mark."""
    return {
        "kind": kind,
        "language": figures.language,
        "words": {key: figures.word(key) for key in WORDS},
        "company": party(snapshot["company"], figures, REACH),
        "test": snapshot.get("test", False),
        "frozen": figures.full_moment(snapshot["made_at"]),
        "zone": snapshot["time_zone"],
    }


def party(who: Party, figures: Figures, shown: Sequence[str] = (*REACH, *BANK)) -> dict[str, Any]:
    """Return name, address lines and the labelled facts of a party."""
    return {
        "name": who["name"],
        "address": [line for line in who.get("address", []) if line.strip()],
        "facts": known(who, figures, shown),
    }


def other_site(site: Sequence[str], who: Party) -> list[str]:
    """Return the lines of the site, or nothing when it is the party's own address."""
    return [] if list(site) == who.get("address") else list(site)


def known(who: Party, figures: Figures, keys: Sequence[str]) -> list[Fact]:
    """Return label and value of the keys known of a party."""
    plain = cast("dict[str, str]", who)
    return [[figures.word(key), plain[key]] for key in keys if plain.get(key)]


def asset(thing: Asset | None, figures: Figures) -> dict[str, Any] | None:
    """Return the name and the labelled facts of an asset."""
    if thing is None:
        return None
    plain = cast("dict[str, str]", thing)
    texts = [[figures.word(key), plain[key]] for key in ("model", "serial", "location") if plain.get(key)]
    days = [
        [figures.word(key), figures.day(plain[key])]
        for key in ("purchased_on", "warranty_until")
        if key in plain
    ]
    return {"name": thing["name"], "facts": texts + days}


def estimate(told: Estimate | None, figures: Figures) -> list[Fact] | None:
    """Return labour, parts, travel and total of the estimate told before the work (R-204)."""
    if told is None:
        return None
    kinds = {"labour": told["labour_minor"], "parts": told["parts_minor"], "travel": told["travel_minor"]}
    rows = [[figures.word(kind), figures.money(minor, told["currency"])] for kind, minor in kinds.items()]
    return [*rows, [figures.word("total"), figures.money(sum(kinds.values()), told["currency"])]]


def signature(signed: Signature | None, figures: Figures) -> dict[str, Any] | None:
    """Return who signed when, with the strokes as a closed little SVG drawing."""
    if signed is None:
        return None
    return {
        "name": signed["name"],
        "role": signed.get("role", ""),
        "at": figures.full_moment(signed["signed_at"]),
        "refused": signed.get("refused", ""),
        "drawing": _drawing(signed),
    }


def _drawing(signed: Signature) -> str:
    strokes = signed.get("strokes", "")
    if not strokes.strip():
        return ""
    width, height = max(1, signed.get("width", 400)), max(1, signed.get("height", 150))
    pen = f'fill="none" stroke="#16324a" stroke-width="{width / 160:.2f}" stroke-linecap="round"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}"><path d="{strokes}" {pen} stroke-linejoin="round"/></svg>'
    )


def facts(figures: Figures, pairs: Iterable[tuple[str, str | None]]) -> list[Fact]:
    """Return label and value of every pair that has a value."""
    return [[figures.word(key), value] for key, value in pairs if value]


def optional(value: str | None, write: Callable[[str], str]) -> str | None:
    """Write a value where there is one."""
    return write(value) if value is not None else None
