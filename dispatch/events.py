"""
Everything that happens and that somebody else may react to: past tense, ids only.

A command records an event in its own transaction; ``bootstrap.SUBSCRIPTIONS`` says which jobs follow.
Events carry ids (as text) and never personal data, since they become job payloads.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events."""

    def payload(self) -> dict[str, str]:
        """Return the ids as a plain mapping, fit for JSON."""
        return {name: str(value) for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRegistered(Event):
    """A repair call was taken (chain step 2)."""

    call_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallClosedRemotely(Event):
    """A use fault was solved by guidance without a visit (R-202)."""

    call_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkOrderOpened(Event):
    """The supervisor's assessment became a work order with its first visit (chain step 3)."""

    work_order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitPromised(Event):
    """An arrival window was told to the customer (R-309)."""

    visit_id: str
    promise_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseInDanger(Event):
    """A promise will hardly be kept, and its customer is to be told (R-503)."""

    visit_id: str
    promise_id: str
    alarm_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensationGranted(Event):
    """A customer gets something for a broken promise and has not been told so (R-802)."""

    compensation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TechnicianReleased(Event):
    """Somebody else may come than the technician whom the customer was promised by name (R-306)."""

    visit_id: str
    promise_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPublished(Event):
    """A day's plan became binding for technicians."""

    plan_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitScheduled(Event):
    """A visit was published to a technician; recorded once per change of technician or promise."""

    visit_id: str
    plan_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TechnicianOnTheWay(Event):
    """The technician set out for the visit (R-801)."""

    visit_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TechnicianArrived(Event):
    """The technician is on site."""

    visit_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitCompleted(Event):
    """The technician finished; the record is not verified yet."""

    visit_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitVerified(Event):
    """The record is complete and nothing is open: the gate to settlement (decision 3)."""

    visit_id: str
    work_order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitDeclined(Event):
    """A technician declined a published visit; it needs somebody else."""

    visit_id: str
    step_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitAdjusted(Event):
    """What came after a visit was verified is decided; at that version, settlement looks at it again."""

    visit_id: str
    work_order_id: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitTimesChanged(Event):
    """Other times of a visit count than before: they were confirmed or amended, all of one change."""

    visit_id: str
    change_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatGivenUp(Event):
    """Somebody of a crew is not needed any more; an order that waited for them may be settled."""

    visit_id: str
    work_order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitFailed(Event):
    """Nobody let the technician in."""

    visit_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitCancelled(Event):
    """A visit was called off."""

    visit_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingForPart(Event):
    """A work order waits for a part (R-801, decision 15)."""

    work_order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyRaised(Event):
    """A visit of emergency priority needs a place in today's plan."""

    visit_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitHandedOver(Event):
    """A technician cannot go on: another visit of the order needs the earliest place."""

    visit_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondBookingOpened(Event):
    """Nobody was there, and the customer is offered another appointment at once (R-305)."""

    visit_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolutionMissed(Event):
    """A contract's limit of resolution has passed without a solution (R-402)."""

    work_order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanerLent(Event):
    """A loaner unit is reserved and will be brought (R-402)."""

    loan_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanerOverdue(Event):
    """A loaner is still with its customer although the original is repaired."""

    loan_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TechnicianAbsent(Event):
    """A technician cannot come for a while; days planned with them need another plan."""

    absence_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementApproved(Event):
    """The lines of a work order are settled and may be invoiced."""

    settlement_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceIssued(Event):
    """An invoice got its number and is frozen."""

    invoice_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceRendered(Event):
    """The invoice's documents exist and can be sent."""

    invoice_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerFileChanged(Event):
    """A customer, one of the sites or the equipment there was corrected: which of them, and its version."""

    customer_id: str
    thing_id: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteLocated(Event):
    """A site that was entered approximately has been put where it really is."""

    site_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNoteIssued(Event):
    """An invoice was taken back as a whole."""

    credit_note_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNoteRendered(Event):
    """The credit note's document exists and can be sent."""

    credit_note_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReceived(Event):
    """Money arrived, on site or at the office."""

    payment_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DayHandedIn(Event):
    """A technician handed in sheets and money of a day (R-603)."""

    hand_in_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DayClosed(Event):
    """A hand-in was agreed to or decided about, and booked (R-603)."""

    hand_in_id: str
