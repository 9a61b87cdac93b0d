"""The table of steps: every cell of states x states x actors, and histories that walk it (S5)."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.errors import TransitionRefused
from dispatch.work_orders.lifecycle import STEPS, Actor, OrderState, VisitState, order_state, step

S, A = VisitState, Actor

TABLE = """
unplanned  > planned   : optimiser dispatcher
planned    > published : dispatcher
planned    > unplanned : dispatcher optimiser
published  > unplanned : dispatcher assignee
accepted   > unplanned : dispatcher
published  > accepted  : assignee
published  > travelling: assignee
accepted   > travelling: assignee
published  > on_site   : assignee
accepted   > on_site   : assignee
travelling > on_site   : assignee
on_site    > working   : assignee
working    > paused    : assignee
paused     > working   : assignee
working    > done      : assignee handover
paused     > done      : assignee handover
travelling > no_access : assignee crew
on_site    > no_access : assignee crew
unplanned  > cancelled : dispatcher customer crew
planned    > cancelled : dispatcher customer crew
published  > cancelled : dispatcher customer crew
accepted   > cancelled : dispatcher customer crew
travelling > cancelled : dispatcher crew
on_site    > cancelled : dispatcher crew
working    > cancelled : dispatcher crew
paused     > cancelled : dispatcher crew
published  > published : dispatcher
accepted   > published : dispatcher
travelling > published : dispatcher
on_site    > published : dispatcher
working    > published : dispatcher
paused     > published : dispatcher
done       > working   : assignee dispatcher
done       > verified  : dispatcher auto_rule
verified   > closed    : settlement
cancelled  > done      : case
unplanned  > done      : case
planned    > done      : case
published  > done      : case
accepted   > done      : case
"""
"""Written out by hand from the design, so that code and design are compared, not code and itself."""


def permitted() -> set[tuple[VisitState, VisitState, Actor]]:
    """The cells of the table above."""
    cells = set()
    for row in TABLE.strip().splitlines():
        edge, _, actors = row.partition(":")
        source, _, target = edge.partition(">")
        cells |= {(S(source.strip()), S(target.strip()), A(actor)) for actor in actors.split()}
    return cells


def test_every_cell_of_the_state_machine_is_as_the_design_says() -> None:
    """13 states x 13 states x 9 capacities: 1,521 cells, each permitted or refused."""
    allowed, seen = permitted(), Counter[str]()
    for source in S:
        for target in S:
            for actor in A:
                is_allowed = True
                try:
                    taken = step(source, target, actor)
                    assert (taken.from_state, taken.to_state, taken.actor) == (source, target, actor)
                except TransitionRefused:
                    is_allowed = False
                assert is_allowed is ((source, target, actor) in allowed), (source, target, actor)
                seen["permitted" if is_allowed else "refused"] += 1
    assert seen == {"permitted": len(allowed), "refused": 1521 - len(allowed)}


def test_a_refusal_names_the_states_that_can_be_reached() -> None:
    with pytest.raises(TransitionRefused) as refused:
        step(S.PUBLISHED, S.DONE, A.ASSIGNEE)
    assert refused.value.detail["possible"] == ["accepted", "on_site", "travelling", "unplanned"]


def test_only_technicians_and_the_conflict_path_act_without_contact() -> None:
    assert {taken.actor for taken in STEPS if taken.offline} == {A.ASSIGNEE, A.CASE, A.HANDOVER}


def test_nothing_leaves_a_closed_visit() -> None:
    assert [taken for taken in STEPS if taken.from_state is S.CLOSED] == []


@given(st.lists(st.tuples(st.sampled_from(S), st.sampled_from(A)), max_size=60))
@settings(max_examples=300, deadline=None)
def test_every_history_is_a_path_of_the_table(wishes: list[tuple[VisitState, Actor]]) -> None:
    """P6: whatever is asked in whatever order, what happened walks permitted cells only."""
    allowed, current, walked = permitted(), S.UNPLANNED, []
    for target, actor in wishes:
        try:
            step(current, target, actor)
        except TransitionRefused:
            continue
        walked.append((current, target, actor))
        current = target
    assert all(cell in allowed for cell in walked)
    states = [S.UNPLANNED, *(target for _, target, _ in walked)]
    assert all(earlier is not S.CLOSED for earlier in states[:-1])


@pytest.mark.parametrize(
    ("visits", "expected"),
    [
        ([S.UNPLANNED], OrderState.OPEN),
        ([S.PLANNED], OrderState.OPEN),
        ([S.PUBLISHED], OrderState.SCHEDULED),
        ([S.ACCEPTED, S.UNPLANNED], OrderState.SCHEDULED),
        ([S.TRAVELLING], OrderState.IN_PROGRESS),
        ([S.PAUSED, S.UNPLANNED], OrderState.IN_PROGRESS),
        ([S.DONE], OrderState.DONE),
        ([S.DONE, S.VERIFIED], OrderState.DONE),
        ([S.DONE, S.UNPLANNED], OrderState.OPEN),
        ([S.CLOSED, S.CANCELLED], OrderState.CLOSED),
        ([S.CANCELLED], OrderState.CANCELLED),
        ([S.NO_ACCESS], OrderState.OPEN),
        ([S.NO_ACCESS, S.PUBLISHED], OrderState.SCHEDULED),
        ([S.NO_ACCESS, S.CANCELLED], OrderState.OPEN),
    ],
)
def test_the_state_of_an_order_follows_from_its_visits(
    visits: list[VisitState], expected: OrderState
) -> None:
    assert order_state(visits) is expected
