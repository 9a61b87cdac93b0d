"""Refusals of billing."""

from __future__ import annotations

from dispatch.errors import Conflict, DispatchError, NotFound


class NoTariff(Conflict):
    """No tariff is valid on the day of the work, so nothing can be priced."""

    code = "NO_TARIFF"
    remedy = "Add a tariff whose first day lies on or before the day of the work."


class SettlementNotInReview(Conflict):
    """Only a settlement that waits for review can be approved."""

    code = "SETTLEMENT_NOT_IN_REVIEW"


class BillingOnHold(Conflict):
    """A visit of the order has a case that holds its bill."""

    code = "BILLING_ON_HOLD"
    remedy = "Decide the visit's cases first; the order is settled anew where that changes anything."


class SettlementNotApproved(Conflict):
    """Only an approved settlement can be invoiced."""

    code = "SETTLEMENT_NOT_APPROVED"
    remedy = "Review and approve the settlement first."


class InvoiceNotRendered(NotFound):
    """The invoice is issued, its PDF is still being made."""

    code = "INVOICE_NOT_RENDERED"
    remedy = "Ask again in a few seconds."


class PaymentRepeated(Conflict):
    """A payment with the same key but other content was recorded before."""

    code = "PAYMENT_REPEATED"
    remedy = "Use a new key for a new payment."


class PaymentInvalid(DispatchError):
    """The payment's amount, currency or method cannot be accepted."""

    code = "PAYMENT_INVALID"
    remedy = "Give a positive amount in the company's currency and a known method."
