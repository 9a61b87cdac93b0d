"""All that can be done with a repair call."""

from __future__ import annotations

from dispatch.calls.asking import wanted_at
from dispatch.calls.assessing import assess, cancel
from dispatch.calls.registering import register
from dispatch.calls.templates import create_template, update_template

__all__ = ["assess", "cancel", "create_template", "register", "update_template", "wanted_at"]
