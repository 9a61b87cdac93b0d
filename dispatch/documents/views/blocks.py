"""Blocks that several documents share: parties, assets, estimates, signatures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

from dispatch.documents.figures import Figures
from dispatch.documents.shapes import Asset, Estimate, Frame, Party, Signature
from dispatch.documents.words import WORDS

Fact = list[str]


def frame(kind: str, snapshot: Frame, figures: Figures) -> dict[str, Any]:
    """Return what every page shows: words, language, issuing company and the test mark."""
    return {
        "kind": kind,
        "language": figures.language,
        "words": {key: figures.word(key) for key in WORDS},
        "company": party(snapshot["company"], figures),
        "test": snapshot.get("test", False),
        "frozen": figures.full_moment(snapshot["made_at"]),
        "zone": snapshot["time_zone"],
    }


def party(who: Party, figures: Figures) -> dict[str, Any]:
    """Return name, address lines and the labelled facts of a party."""
    keys = ("tax_id", "contact", "phone", "email", "bank", "bank_account")
    return {
        "name": who["name"],
        "address": [line for line in who.get("address", []) if line.strip()],
        "facts": [[figures.word(key), str(who[key])] for key in keys if who.get(key)],  # type: ignore[literal-required]
    }


def asset(thing: Asset | None, figures: Figures) -> dict[str, Any] | None:
    """Return the name and the labelled facts of an asset."""
    if thing is None:
        return None
    facts = [
        [figures.word(key), str(thing[key])] for key in ("model", "serial", "location") if thing.get(key)
    ]  # type: ignore[literal-required]
    for key in ("purchased_on", "warranty_until"):
        if thing.get(key):
            facts.append([figures.word(key), figures.day(cast("dict[str, str]", thing)[key])])
    return {"name": thing["name"], "facts": facts}


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
    width, height = (max(1, signed.get(side, default)) for side, default in (("width", 400), ("height", 150)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}"><path d="{strokes}" fill="none" stroke="#16324a" stroke-width="{width / 160:.2f}" '
        'stroke-linecap="round" stroke-linejoin="round"/></svg>'
    )


def facts(figures: Figures, pairs: Iterable[tuple[str, str | None]]) -> list[Fact]:
    """Return label and value of every pair that has a value."""
    return [[figures.word(key), value] for key, value in pairs if value]


def optional(value: str | None, write: Callable[[str], str]) -> str | None:
    """Write a value where there is one."""
    return write(value) if value is not None else None
