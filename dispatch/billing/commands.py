"""Everything billing can be asked to do."""

from __future__ import annotations

from dispatch.billing.amending import amend_times
from dispatch.billing.invoicing import issue, issue_what_waited
from dispatch.billing.paying import record_payment
from dispatch.billing.rendering import render
from dispatch.billing.settling import approve, prices_on, settle
from dispatch.billing.tariffs import add_tariff

__all__ = [
    "add_tariff",
    "amend_times",
    "approve",
    "issue",
    "issue_what_waited",
    "prices_on",
    "record_payment",
    "render",
    "settle",
]
