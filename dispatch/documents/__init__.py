"""
Documents on paper: invoice, service report, order sheet and hand-in sheet as PDF, in Chinese and English.

A low layer: a frozen snapshot goes in, bytes come out; nothing is read from or written to anywhere else.
"""

from __future__ import annotations

from dispatch.documents.errors import DocumentKindUnknown, RenderingFailed, SnapshotInvalid
from dispatch.documents.rendering import KINDS, Kind, check_snapshot, render
from dispatch.documents.warming import warm
from dispatch.documents.words import LANGUAGES, Language

__all__ = [
    "KINDS",
    "LANGUAGES",
    "DocumentKindUnknown",
    "Kind",
    "Language",
    "RenderingFailed",
    "SnapshotInvalid",
    "check_snapshot",
    "render",
    "warm",
]
