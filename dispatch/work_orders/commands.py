"""All that can be done with a work order and its visits."""

from __future__ import annotations

from dispatch.work_orders.advising import advice_at, settle_advice
from dispatch.work_orders.amending import amend_times, contradicts_amended
from dispatch.work_orders.answering import answer_question, check_answered
from dispatch.work_orders.approving import decide_part
from dispatch.work_orders.assigning import assign, place, release
from dispatch.work_orders.attachments import store_attachment
from dispatch.work_orders.coding import write_service_code
from dispatch.work_orders.consenting import record_consent
from dispatch.work_orders.declaring import declare_file, give_up
from dispatch.work_orders.expecting import expect_end
from dispatch.work_orders.handing_over import Rest, hand_over
from dispatch.work_orders.helping import attach_helper
from dispatch.work_orders.office_steps import cancel_visit, reopen_visit, verify_visit
from dispatch.work_orders.opening import (
    cancel_order,
    change_needs,
    change_priority,
    change_reference,
    follow_up,
    open_order,
    stop_waiting,
    wait_for,
)
from dispatch.work_orders.proposing import decide_proposal, propose
from dispatch.work_orders.record import (
    Findings,
    record_approval,
    record_findings,
    use_part,
    void_finding,
    void_part_use,
)
from dispatch.work_orders.remaining import note_rest
from dispatch.work_orders.signing import Shown, preview, sign, waive
from dispatch.work_orders.steps import Assignment, take_step
from dispatch.work_orders.timekeeping import note_times
from dispatch.work_orders.verifying import (
    close,
    decide_case,
    lift_review,
    mark_invoiced,
    open_case,
    verify,
    verify_if_complete,
)
from dispatch.work_orders.withdrawing import withdraw_approval, withdraw_consent, withdraw_file

__all__ = [
    "Assignment",
    "Findings",
    "Rest",
    "Shown",
    "advice_at",
    "amend_times",
    "answer_question",
    "assign",
    "attach_helper",
    "cancel_order",
    "cancel_visit",
    "change_needs",
    "change_priority",
    "change_reference",
    "check_answered",
    "close",
    "contradicts_amended",
    "decide_case",
    "decide_part",
    "decide_proposal",
    "declare_file",
    "expect_end",
    "follow_up",
    "give_up",
    "hand_over",
    "lift_review",
    "mark_invoiced",
    "note_rest",
    "note_times",
    "open_case",
    "open_order",
    "place",
    "preview",
    "propose",
    "record_approval",
    "record_consent",
    "record_findings",
    "release",
    "reopen_visit",
    "settle_advice",
    "sign",
    "stop_waiting",
    "store_attachment",
    "take_step",
    "use_part",
    "verify",
    "verify_if_complete",
    "verify_visit",
    "void_finding",
    "void_part_use",
    "wait_for",
    "waive",
    "withdraw_approval",
    "withdraw_consent",
    "withdraw_file",
    "write_service_code",
]
