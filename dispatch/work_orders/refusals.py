"""Why a step, a record or a signature is refused."""

from __future__ import annotations

from dispatch.errors import Conflict, Forbidden, Invalid


class LeaderDecides(Conflict):
    """A crew's member goes where and when its leader goes; this is asked of the leader's visit (R-203)."""

    code = "LEADER_DECIDES"
    remedy = "Ask it of the visit that leads the crew."


class ReasonMissing(Invalid):
    """The step needs a reason, which customers, colleagues and statistics will ask for."""

    code = "REASON_MISSING"
    remedy = "Send the step again with its reason."


class NotYourVisit(Forbidden):
    """Only the technician the visit is assigned to may do this."""

    code = "NOT_YOUR_VISIT"
    remedy = "Synchronise; the visit may have been given to somebody else."


class NotRevealed(Forbidden):
    """
    A technician reads a visit in full from 18:00 of the day before until 48 hours after its end (R-903).

    Where the house rule ``drip_feed`` is on, a visit that waits behind the next one is not shown at all.
    """

    code = "NOT_REVEALED"
    remedy = "Read it from the evening before, or ask the desk for what you need now."


class FindingsMissing(Conflict):
    """A visit cannot be done before its findings are recorded (R-509)."""

    code = "FINDINGS_MISSING"
    remedy = "Record fault, cause and action, then finish the visit."


class SignatureMissing(Conflict):
    """The record is not signed in its present form, and no waiver says why (R-509)."""

    code = "SIGNATURE_MISSING"
    remedy = "Show the record and have it signed, or record why it cannot be signed."


class SignatureMismatch(Conflict):
    """The signature names another text than the record as it stands; it would bind nobody (R-509)."""

    code = "SIGNATURE_MISMATCH"
    remedy = "Show the present record again and have it signed."


class SignatureInvalid(Invalid):
    """The drawing is no path of lines and curves, or too large."""

    code = "SIGNATURE_INVALID"
    remedy = "Send the path of the strokes as SVG path data of at most 200,000 characters."


class RecordLocked(Conflict):
    """The record was verified; later facts are adjustments, not edits."""

    code = "RECORD_LOCKED"
    remedy = "Open a follow-up visit, or ask finance for an adjustment."


class TimeNotTold(Conflict):
    """Nobody has told this time, nor a later one, so there is nothing to amend."""

    code = "TIME_NOT_TOLD"
    remedy = "Wait for the technician's phone; amend times of what has happened."


class TimesContradict(Invalid):
    """The times of a visit would not follow one another, lie a month apart, or one lies ahead."""

    code = "TIMES_CONTRADICT"
    remedy = (
        "Send all times that were wrong together: setting out, arrival, begin, end, each not before the last."
    )


class ReopenTooLate(Conflict):
    """A technician may reopen a visit only within two hours of finishing it."""

    code = "REOPEN_TOO_LATE"
    remedy = "Ask a dispatcher to reopen the visit."


class CaseStillOpen(Conflict):
    """Somebody has to decide a review case before the visit can be verified."""

    code = "CASE_STILL_OPEN"
    remedy = "Decide the open cases of this visit first."


class CaseDecided(Conflict):
    """The review case was decided already."""

    code = "CASE_DECIDED"
    remedy = "Read the case; a new doubt needs a new case."


class BytesMissing(Conflict):
    """A file was announced for the visit and its bytes have not arrived; settlement waits for them."""

    code = "BYTES_MISSING"
    remedy = "Wait for the phone's upload, or give the file up with a reason if it will never come."


class BillingHeld(Conflict):
    """Billing of this visit is on hold, so it cannot be verified."""

    code = "BILLING_HELD"
    remedy = "Decide the case that put billing on hold."


class PartNotApproved(Conflict):
    """A part that is neither original nor approved needs a reason and an approver (R-507)."""

    code = "PART_NOT_APPROVED"
    remedy = "Fit an approved part, or name the reason and the supervisor who approved it."


class ApproverDecides(Forbidden):
    """Who was named as approver of a part says whether it is so; nobody says it in their place (R-507)."""

    code = "APPROVER_DECIDES"
    remedy = "Have the named approver, or an administrator, confirm or refuse the part."


class CoreNotOpen(Conflict):
    """No old part is expected for this one: it has no core, was recorded by mistake, or the core is back."""

    code = "CORE_NOT_OPEN"
    remedy = "Read the list of open cores."


class PartLotRefused(Conflict):
    """The part comes from a lot that failed at this asset before (R-508)."""

    code = "PART_LOT_REFUSED"
    remedy = "Fit a part of another lot."


class PartLotNeeded(Invalid):
    """A part of the kind that failed at this asset before is fitted without its lot (R-508)."""

    code = "PART_LOT_NEEDED"
    remedy = "Send the lot that is on the part or its package; where none is printed, say so in its place."


class SerialNeedsOne(Invalid):
    """A serial number belongs to exactly one piece."""

    code = "SERIAL_NEEDS_ONE"
    remedy = "Record pieces with serial numbers one by one."


class TechnicianExcluded(Conflict):
    """This technician repaired the same fault before and is not sent again (R-508)."""

    code = "TECHNICIAN_EXCLUDED"
    remedy = "Choose another technician, or have a supervisor overrule with a reason and another part lot."


class TechnicianInactive(Conflict):
    """The technician no longer works here."""

    code = "TECHNICIAN_INACTIVE"
    remedy = "Choose another technician."


class OrderFinished(Conflict):
    """The work order is settled, invoiced or cancelled."""

    code = "ORDER_FINISHED"
    remedy = "Register a new call for further work."


class FollowUpNotNeeded(Conflict):
    """The visit was solved, is still open, or has a follow-up already."""

    code = "FOLLOW_UP_NOT_NEEDED"
    remedy = "Read the order's visits; only an unsolved or failed visit gets a follow-up."


class FollowUpExists(FollowUpNotNeeded):
    """Another visit of the order is still open, so no further one is made."""

    code = "FOLLOW_UP_EXISTS"
    remedy = "Use the order's open visit."


class HandoverImpossible(Conflict):
    """Work that nobody has begun, or that is over, cannot be handed to a colleague."""

    code = "HANDOVER_IMPOSSIBLE"
    remedy = "Give a visit that has not begun to somebody else by planning it; reopen a finished one first."


class NotUnderWay(Conflict):
    """Nobody is at work there, so there is no end of it to expect."""

    code = "NOT_UNDER_WAY"
    remedy = "Say how long it takes between arrival and finish; before, change the needs of the visit."


class OverruleIncomplete(Invalid):
    """Sending the former technician again needs a reason and another part lot (R-508)."""

    code = "OVERRULE_INCOMPLETE"
    remedy = "Name the reason and the part lots that must not be fitted again."


class OverruleForbidden(Forbidden):
    """Only a supervisor may send the former technician to a repeat repair (R-508)."""

    code = "OVERRULE_FORBIDDEN"
    remedy = "Ask a supervisor."


class QuestionAnswered(Conflict):
    """The question from the field has its definite answer already."""

    code = "QUESTION_ANSWERED"
    remedy = "Read the answer; ask again if something new has come up."
