"""What a check says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong: how bad (``error`` or ``warning``), a code, what, and how to mend it."""

    level: str
    code: str
    message: str
    remedy: str
