"""What can be done about operations: take them from a phone, decide about rejected ones."""

from __future__ import annotations

from dispatch.sync.push import Pushed, push
from dispatch.sync.rejections import Redecided, apply_anyway, dismiss

__all__ = ["Pushed", "Redecided", "apply_anyway", "dismiss", "push"]
