"""Weeks under a policy, day by day."""

from __future__ import annotations

from collections.abc import Callable

from dispatch.simulation.replay.company import a_company, a_day
from dispatch.simulation.replay.day import Replay
from dispatch.simulation.replay.figures import Figures
from dispatch.simulation.replay.policy import ReplayPolicy


def replay(
    policy: ReplayPolicy,
    *,
    days: int,
    seed: int,
    technicians: int,
    calls: float,
    on_day: Callable[[int], None] = lambda done: None,
) -> Figures:
    """Replay generated days under a policy; the same seed gives every policy the same days."""
    company, total = a_company(technicians, seed), Figures()
    for number in range(days):
        plot = a_day(company, number, seed, calls_each=calls)
        total.add(Replay(company, plot, policy, Figures()).live())
        on_day(number + 1)
    return total
