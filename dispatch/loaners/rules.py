"""What may be lent, and to whom."""

from __future__ import annotations

from dispatch.errors import Conflict, Invalid

UNIT_STATES = ("available", "reserved", "out", "lost", "retired")
LOAN_STATES = ("wanted", "reserved", "out", "returning", "returned", "lost", "cancelled")
DELIVERY, PICKUP = "LOANER_DELIVERY", "LOANER_PICKUP"
"""Fault codes of the orders that bring and fetch a unit."""
MINUTES = 30
"""How long bringing or fetching takes on site."""
WHY = "R-402: a loaner is brought and fetched at our cost"

CAME_BACK = "R-402: the loaner came back after it was charged"


class LoanExists(Conflict):
    """A loaner is on its way for this order, or with its customer."""

    code = "LOAN_EXISTS"
    remedy = "Read the order's loan; it ends when the original is repaired."


class LoanNotPossible(Conflict):
    """The order has no equipment that a loaner could stand in for, or it is finished."""

    code = "LOAN_NOT_POSSIBLE"
    remedy = "Name the equipment of the order, or leave it without a loaner."


class LoanOver(Conflict):
    """The loan has ended already."""

    code = "LOAN_OVER"
    remedy = "Read the loan; lend again if a unit is still needed."


class SerialTaken(Conflict):
    """Another unit has this serial number."""

    code = "LOANER_SERIAL_TAKEN"
    remedy = "Check the number; each unit is entered once."


class UnitBusy(Conflict):
    """The unit is reserved or with a customer."""

    code = "LOANER_BUSY"
    remedy = "Take the unit back first."


class UnitInvalid(Invalid):
    """A unit that nobody could lend or charge."""

    code = "LOANER_INVALID"
    remedy = "Give kind, model and serial number, and a charge of at least zero in the company's currency."
