"""
The states of a visit and every step between them, as one table.

The same rows are loaded into the database, where a trigger refuses any other change of ``visit.state``.
A row names who may take the step; ``assignee`` is the technician the visit is published to.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from dispatch.errors import TransitionRefused


class VisitState(StrEnum):
    """Where a visit stands."""

    UNPLANNED = "unplanned"
    PLANNED = "planned"
    PUBLISHED = "published"
    ACCEPTED = "accepted"
    TRAVELLING = "travelling"
    ON_SITE = "on_site"
    WORKING = "working"
    PAUSED = "paused"
    DONE = "done"
    VERIFIED = "verified"
    CLOSED = "closed"
    NO_ACCESS = "no_access"
    CANCELLED = "cancelled"


class OrderState(StrEnum):
    """Where a work order stands; follows from its visits and its settlement."""

    DRAFT = "draft"
    OPEN = "open"
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    CLOSED = "closed"
    INVOICED = "invoiced"
    CANCELLED = "cancelled"


class Actor(StrEnum):
    """In which capacity a step is taken."""

    OPTIMISER = "optimiser"
    DISPATCHER = "dispatcher"
    ASSIGNEE = "assignee"
    CUSTOMER = "customer"
    SETTLEMENT = "settlement"
    AUTO_RULE = "auto_rule"
    HANDOVER = "handover"
    """A technician's part of the work ends, a colleague goes on with another visit."""
    CREW = "crew"
    """A crew's member follows its leader: called off with it, or before the same closed door."""
    CASE = "case"
    """The conflict path of the sync protocol: keeps a fact that physically happened."""


S, A = VisitState, Actor
BEFORE_DONE = (S.UNPLANNED, S.PLANNED, S.PUBLISHED, S.ACCEPTED, S.TRAVELLING, S.ON_SITE, S.WORKING, S.PAUSED)
ASSIGNED = BEFORE_DONE[2:]


@dataclass(frozen=True, slots=True)
class Step:
    """One permitted step; ``offline`` says whether a phone may record it without contact."""

    from_state: VisitState
    to_state: VisitState
    actor: Actor
    offline: bool = False


def _steps(
    sources: Iterable[VisitState], target: VisitState, actors: Iterable[Actor], *, offline: bool = False
) -> list[Step]:
    return [Step(source, target, actor, offline) for source in sources for actor in actors]


STEPS: tuple[Step, ...] = (
    *_steps([S.UNPLANNED], S.PLANNED, [A.OPTIMISER, A.DISPATCHER]),
    *_steps([S.PLANNED], S.PUBLISHED, [A.DISPATCHER]),
    *_steps([S.PLANNED], S.UNPLANNED, [A.DISPATCHER, A.OPTIMISER]),
    *_steps([S.PUBLISHED, S.ACCEPTED], S.UNPLANNED, [A.DISPATCHER]),
    *_steps([S.PUBLISHED], S.ACCEPTED, [A.ASSIGNEE], offline=True),
    *_steps([S.PUBLISHED], S.UNPLANNED, [A.ASSIGNEE], offline=True),
    *_steps([S.PUBLISHED, S.ACCEPTED], S.TRAVELLING, [A.ASSIGNEE], offline=True),
    *_steps([S.PUBLISHED, S.ACCEPTED, S.TRAVELLING], S.ON_SITE, [A.ASSIGNEE], offline=True),
    *_steps([S.ON_SITE], S.WORKING, [A.ASSIGNEE], offline=True),
    *_steps([S.WORKING], S.PAUSED, [A.ASSIGNEE], offline=True),
    *_steps([S.PAUSED], S.WORKING, [A.ASSIGNEE], offline=True),
    *_steps([S.WORKING, S.PAUSED], S.DONE, [A.ASSIGNEE], offline=True),
    *_steps([S.WORKING, S.PAUSED], S.DONE, [A.HANDOVER], offline=True),
    *_steps([S.TRAVELLING, S.ON_SITE], S.NO_ACCESS, [A.ASSIGNEE], offline=True),
    *_steps([S.TRAVELLING, S.ON_SITE], S.NO_ACCESS, [A.CREW]),
    *_steps(BEFORE_DONE, S.CANCELLED, [A.DISPATCHER, A.CREW]),
    *_steps([S.UNPLANNED, S.PLANNED, S.PUBLISHED, S.ACCEPTED], S.CANCELLED, [A.CUSTOMER]),
    *_steps(ASSIGNED, S.PUBLISHED, [A.DISPATCHER]),
    *_steps([S.DONE], S.WORKING, [A.ASSIGNEE], offline=True),
    *_steps([S.DONE], S.WORKING, [A.DISPATCHER]),
    *_steps([S.DONE], S.VERIFIED, [A.DISPATCHER, A.AUTO_RULE]),
    *_steps([S.VERIFIED], S.CLOSED, [A.SETTLEMENT]),
    *_steps([S.CANCELLED, *BEFORE_DONE[:4]], S.DONE, [A.CASE], offline=True),
)
_BY_EDGE = {(step.from_state, step.to_state, step.actor): step for step in STEPS}

ON_DUTY_STATES = frozenset({S.TRAVELLING, S.ON_SITE, S.WORKING, S.PAUSED})
FINISHED_STATES = frozenset({S.DONE, S.VERIFIED, S.CLOSED})
OPEN_STATES = frozenset(BEFORE_DONE)
NOT_SET_OUT = frozenset(BEFORE_DONE[:4])
FINISHED_ORDERS = frozenset({OrderState.CLOSED, OrderState.INVOICED, OrderState.CANCELLED})


def step(current: VisitState, target: VisitState, actor: Actor) -> Step:
    """Return the permitted step, or refuse it with the states that can be reached from here."""
    found = _BY_EDGE.get((current, target, actor))
    if found is None:
        possible = sorted({s.to_state.value for s in STEPS if s.from_state is current and s.actor is actor})
        raise TransitionRefused(
            f"a visit that is {current.value} cannot become {target.value} by {actor.value}",
            possible=possible,
        )
    return found


def order_state(visits: Iterable[VisitState]) -> OrderState:
    """Return what a work order's visits say of it; one that met a closed door waits for a new appointment."""
    every = list(visits)
    states = [state for state in every if state not in {S.CANCELLED, S.NO_ACCESS}]
    if not states:
        return OrderState.OPEN if S.NO_ACCESS in every else OrderState.CANCELLED
    if all(state is S.CLOSED for state in states):
        return OrderState.CLOSED
    if any(state in ON_DUTY_STATES for state in states):
        return OrderState.IN_PROGRESS
    if all(state in FINISHED_STATES for state in states):
        return OrderState.DONE
    if any(state in {S.PUBLISHED, S.ACCEPTED} for state in states):
        return OrderState.SCHEDULED
    return OrderState.OPEN
