"""Refusals of the document renderer."""

from __future__ import annotations

from dispatch.errors import DispatchError, Invalid


class SnapshotInvalid(Invalid):
    """A frozen snapshot lacks something its document must show, or holds what cannot be printed."""

    code = "SNAPSHOT_INVALID"
    remedy = "Correct the named field of the snapshot; the message gives its path and what is expected there."


class DocumentKindUnknown(Invalid):
    """There is no document of this kind, or not in this language."""

    code = "DOCUMENT_KIND_UNKNOWN"
    remedy = (
        "Use one of the kinds invoice, service_report, dispatch_sheet, handin, pick_list"
        " in the language zh or en."
    )


class RenderingFailed(DispatchError):
    """The typesetter refused a checked snapshot: a fault of the template, not of the request."""

    code = "RENDERING_FAILED"
    remedy = "Report the message with the number of the document; the stored snapshot is unharmed."
