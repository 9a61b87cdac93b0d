"""Applies one operation by the same commands that the office uses, or keeps it as a case."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from dispatch.checklists.queries import lacking, lacking_before_work
from dispatch.errors import TransitionRefused
from dispatch.sync import conflicts, protocol
from dispatch.sync.breaks import begin_break, end_break
from dispatch.sync.closing_day import answer_count, hand_in_day
from dispatch.sync.conflicts import Applied, Reported
from dispatch.sync.custody import accept_tool, decline_tool, hand_tool_over
from dispatch.sync.facts import rating_of, record
from dispatch.sync.payloads import Payload
from dispatch.sync.refusals import OperationInvalid, OperationUnknown
from dispatch.sync.van import (
    ask_for_parts,
    confirm_parts,
    confirm_picked,
    count_part,
    decline_parts,
    hand_parts_over,
)
from dispatch.sync.whereabouts import keep_positions, metres_from_site, switch_positions
from dispatch.work_orders import commands as visits
from dispatch.work_orders.declaring import is_door_proven
from dispatch.work_orders.guards import outdate_reports
from dispatch.work_orders.lifecycle import FINISHED_STATES, Actor, VisitState
from dispatch.work_orders.model import Visit
from dispatch.work_orders.queries import find_visit_ever_held
from dispatch.work_orders.refusals import NotYourVisit

S = VisitState
AFTER_ACCEPTED = frozenset({S.ACCEPTED, S.TRAVELLING, S.ON_SITE, S.WORKING, S.PAUSED}) | FINISHED_STATES


@dataclass(frozen=True, slots=True)
class Move:
    """A step that a phone reports; a physical one happened, whatever the office did meanwhile."""

    target: VisitState
    is_physical: bool = True
    already: frozenset[VisitState] = frozenset()
    """States of the technician's own visit in which the step changes nothing any more."""


MOVES: Mapping[str, Move] = {
    protocol.ACCEPT: Move(S.ACCEPTED, is_physical=False, already=AFTER_ACCEPTED),
    protocol.DECLINE: Move(S.UNPLANNED, is_physical=False),
    protocol.TRAVEL: Move(S.TRAVELLING, already=frozenset({S.TRAVELLING})),
    protocol.ARRIVE: Move(S.ON_SITE, already=frozenset({S.ON_SITE})),
    protocol.START: Move(S.WORKING, already=frozenset({S.WORKING})),
    protocol.PAUSE: Move(S.PAUSED, already=frozenset({S.PAUSED})),
    protocol.RESUME: Move(S.WORKING, already=frozenset({S.WORKING})),
    protocol.FINISH: Move(S.DONE, already=FINISHED_STATES),
    protocol.NO_ACCESS: Move(S.NO_ACCESS, already=frozenset({S.NO_ACCESS})),
}
ANSWERS_SINCE = 2
"""Phones of earlier schemas cannot answer checklists: what they finish is looked at instead of refused."""
TIMED = frozenset(
    {
        protocol.TRAVEL,
        protocol.ARRIVE,
        protocol.START,
        protocol.PAUSE,
        protocol.RESUME,
        protocol.FINISH,
    }
)
"""Steps whose time is billed or judged, so that an unverified one needs a look."""


OF_A_DAY: Mapping[str, Callable[[Session, Reported], Mapping[str, Any] | Applied]] = {
    protocol.HAND_IN: hand_in_day,
    protocol.ANSWER_COUNT: answer_count,
    protocol.BREAK_START: begin_break,
    protocol.BREAK_END: end_break,
    protocol.TRANSFER_ASK: ask_for_parts,
    protocol.TRANSFER_HAND_OVER: hand_parts_over,
    protocol.TRANSFER_CONFIRM: confirm_parts,
    protocol.TRANSFER_DECLINE: decline_parts,
    protocol.PICK: confirm_picked,
    protocol.COUNT: count_part,
    protocol.POSITIONS: keep_positions,
    protocol.SWITCH_POSITIONS: switch_positions,
    protocol.TOOL_HAND_OVER: hand_tool_over,
    protocol.TOOL_ACCEPT: accept_tool,
    protocol.TOOL_DECLINE: decline_tool,
}


def apply(session: Session, reported: Reported) -> Applied:
    """Apply one operation, or raise why it is rejected; the caller holds a savepoint."""
    kind = reported.op.type
    if kind not in protocol.TYPES or reported.op.schema not in protocol.PUSH_SCHEMAS:
        raise OperationUnknown(f"{kind} of schema {reported.op.schema} is not known here")
    if kind in protocol.OF_A_DAY:
        told = OF_A_DAY[kind](session, reported)
        return told if isinstance(told, Applied) else Applied(effect=told)
    visit_id = reported.op.visit_id
    if visit_id is None:
        raise OperationInvalid("visit_id is missing", field="visit_id")
    visit = reported.visits.get(visit_id) or find_visit_ever_held(session, reported.by, visit_id)
    applied = _move(session, reported, visit) if kind in MOVES else record(session, reported, visit)
    visits.verify_if_complete(session, visit=visit)
    return applied


def _move(session: Session, reported: Reported, visit: Visit) -> Applied:
    kind = reported.op.type
    move = MOVES[kind]
    payload = Payload(reported.payload, _ALLOWED.get(kind, frozenset()))
    reason = payload.optional_text("reason")
    is_mine = visit.technician_id == reported.by.technician_id
    if is_mine and S(visit.state) in move.already:
        return Applied(effect={"unchanged": True})
    if kind == protocol.FINISH:
        _note_result(session, reported, visit, payload)
        if is_mine and reported.op.schema >= ANSWERS_SINCE and S(visit.state) in {S.WORKING, S.PAUSED}:
            visits.check_answered(session, visit)
    try:
        visits.take_step(
            session,
            visit=visit,
            target=move.target,
            actor=Actor.ASSIGNEE,
            by=reported.by,
            occurred_at=reported.at.moment,
            bound=reported.at.bound,
            op_id=reported.op_id,
            device_id=reported.by.device_id,
            reason=reason,
        )
    except (TransitionRefused, NotYourVisit):
        if not move.is_physical:
            raise
        return Applied(conflicts.keep_fact(session, reported, visit, move.target).id)
    cases = [conflicts.flag(session, reported, visit, doubt) for doubt in _doubts(session, reported, visit)]
    away = metres_from_site(session, reported, visit) if kind == protocol.ARRIVE else None
    if away is not None:
        told = {conflicts.DISTANCE: away}
        cases.append(conflicts.flag(session, reported, visit, conflicts.FAR, beside=told))
    return Applied(cases[0].id if cases else None)


def _doubts(session: Session, reported: Reported, visit: Visit) -> Iterator[str]:
    """Give the kinds of cases that a step which was taken leaves for somebody to look at."""
    kind = reported.op.type
    yield from conflicts.doubts(session, reported, visit, is_timed=kind in TIMED)
    if (
        kind == protocol.FINISH
        and reported.op.schema < ANSWERS_SINCE
        and lacking(session, visit.id, visit.checklists)
    ):
        yield conflicts.UNANSWERED
    if kind == protocol.START and not _is_safe(session, reported, visit):
        yield conflicts.UNSAFE
    if kind == protocol.NO_ACCESS and not is_door_proven(session, visit):
        yield conflicts.NO_PROOF


def _is_safe(session: Session, reported: Reported, visit: Visit) -> bool:
    """Tell whether what comes before work was answered, of a crew by its leader, or the begin explained."""
    reason = Payload(reported.payload, _ALLOWED[protocol.START]).optional_text("reason")
    if visit.leader_id is not None or (reason or "").strip():
        return True
    return not lacking_before_work(session, visit.id, visit.checklists)


def _note_result(session: Session, reported: Reported, visit: Visit, payload: Payload) -> None:
    """Keep the result and the rating; another result than the signed one needs another signature."""
    if visit.technician_id != reported.by.technician_id and S(visit.state) not in {
        *conflicts.NOT_STARTED,
        S.CANCELLED,
    }:
        return  # somebody else is at it: what this technician says stays in the case
    is_solved, rating = payload.optional_flag("is_solved"), payload.optional_whole("rating")
    if visit.leader_id is not None:  # the leader tells what became of it
        return
    visits.note_rest(
        session,
        visit=visit,
        minutes=payload.optional_whole("remaining_minutes"),
        missing_parts=payload.whole_by_name("missing_parts"),
    )
    if is_solved is not None and visit.is_solved is not is_solved:
        visit.is_solved = is_solved
        outdate_reports(session, visit)
    if rating is not None:
        visit.rating = rating_of(rating)


_ALLOWED: Mapping[str, frozenset[str]] = {
    protocol.ARRIVE: frozenset({"position"}),
    protocol.START: frozenset({"reason"}),
    protocol.DECLINE: frozenset({"reason"}),
    protocol.PAUSE: frozenset({"reason"}),
    protocol.RESUME: frozenset({"reason"}),
    protocol.NO_ACCESS: frozenset({"reason"}),
    protocol.FINISH: frozenset({"is_solved", "rating", "remaining_minutes", "missing_parts"}),
}
