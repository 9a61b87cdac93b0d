"""Render a frozen snapshot as a PDF in Chinese or English."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from dispatch.documents import shapes
from dispatch.documents.checking import check
from dispatch.documents.errors import DocumentKindUnknown
from dispatch.documents.figures import Figures
from dispatch.documents.typesetting import typeset
from dispatch.documents.views import dispatch_sheet, handin, invoice, pick_list, service_report
from dispatch.documents.words import LANGUAGES, Language

Kind = Literal["invoice", "service_report", "dispatch_sheet", "handin", "pick_list"]
KINDS: tuple[Kind, ...] = get_args(Kind)

DOCUMENTS: dict[Kind, tuple[Any, Callable[[Any, Figures], dict[str, Any]]]] = {
    "invoice": (shapes.InvoiceSnapshot, invoice.view),
    "service_report": (shapes.ServiceReportSnapshot, service_report.view),
    "dispatch_sheet": (shapes.DispatchSheetSnapshot, dispatch_sheet.view),
    "handin": (shapes.HandinSnapshot, handin.view),
    "pick_list": (shapes.PickListSnapshot, pick_list.view),
}


def render(kind: Kind, snapshot: Mapping[str, Any], language: Language) -> bytes:
    """
    Return the document as PDF bytes; the same snapshot and language always give the same bytes.

    Raises ``SnapshotInvalid`` naming the first field that is missing, wrong or does not add up.
    """
    view = _view(kind, snapshot, language)
    return typeset(kind, view, datetime.fromisoformat(snapshot["made_at"]))


def check_snapshot(kind: Kind, snapshot: Mapping[str, Any]) -> None:
    """Refuse a snapshot that could not be rendered, without rendering it: for use before freezing it."""
    _view(kind, snapshot, "en")


def _view(kind: Kind, snapshot: Mapping[str, Any], language: Language) -> dict[str, Any]:
    if kind not in DOCUMENTS or language not in LANGUAGES:
        raise DocumentKindUnknown(f"there is no document {kind!r:.40} in the language {language!r:.20}")
    shape, build = DOCUMENTS[kind]
    check(shape, snapshot, "snapshot")
    return build(snapshot, Figures(language, ZoneInfo(snapshot["time_zone"])))
