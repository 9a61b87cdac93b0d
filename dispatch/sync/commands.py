"""What can be done about operations: take them from a phone, decide about rejected ones."""

from __future__ import annotations

from dispatch.sync.push import Pushed, push
from dispatch.sync.quarantine import Handover, admit, dismiss_quarantined, hand_over
from dispatch.sync.rejections import Redecided, apply_anyway, dismiss
from dispatch.sync.uploads import append, create_upload

__all__ = [
    "Handover",
    "Pushed",
    "Redecided",
    "admit",
    "append",
    "apply_anyway",
    "create_upload",
    "dismiss",
    "dismiss_quarantined",
    "hand_over",
    "push",
]
