"""Reasons without opening routes are those that opening them gives."""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import timedelta

import pytest

from dispatch.planning import open_days
from dispatch.planning.commands import book
from dispatch.planning.days import Day, day_of
from dispatch.planning.refusing import is_simple
from dispatch.planning.rules import SlotGone
from optimizer.problem import Window
from tests.builders import DAY, at
from tests.planning_world import Town


@pytest.mark.parametrize("seed", range(12))
def test_whoever_cannot_come_is_refused_for_the_same_rule_either_way(town: Town, seed: int) -> None:
    """Generated days, full and less full: every technician, every closed window."""
    chance = random.Random(seed)
    town.territory.emergency_reserve_percent = 0
    for _ in range(chance.randint(1, 4)):
        skills = {"gas": chance.randint(1, 2)} if chance.random() < 0.5 else {}
        town.technician((8, chance.choice([12, 16])), days=1, skills=skills)
    for visit in town.visits(chance.randint(0, 12), seed=seed, duration_minutes=chance.choice([60, 110])):
        hour = chance.choice([8, 10, 12, 14])
        start = at(hour, days=1)
        with suppress(SlotGone):
            book(
                town.session,
                by=None,
                visit=visit,
                start=start,
                end=start + timedelta(hours=2),
                channel="phone",
            )
    day = day_of(town.session, town.territory.id, DAY + timedelta(days=1))
    needs = {"gas": 2} if chance.random() < 0.5 else {}
    asked = open_days.question(town.session, day, town.visit(duration_minutes=45, skills=needs), exact=True)
    windows = [Window(Day.at_hour(day, hour), Day.at_hour(day, hour + 2)) for hour in range(8, 20, 2)]
    open_ = {offer.window for offer in asked.quote(windows)}
    closed = [window for window in windows if window not in open_]
    assert asked.day.is_free
    assert is_simple(asked.day.oracle.problem, asked.job)
    if not closed:
        return
    quick = [(found.technician_id, found.code, found.sentence) for found in asked.refusals(closed)]
    full = asked.day.oracle.refusals(asked.job, closed, site=asked.site)
    assert quick == [(found.technician_id, found.code, found.sentence) for found in full]
