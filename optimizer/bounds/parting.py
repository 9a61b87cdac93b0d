"""Cut a part of all plans in two where its master is of two minds."""

from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

import numpy as np

from optimizer.bounds.master import Branch, Limit, Master
from optimizer.bounds.ways import Sight

WHOLE = 0.02
"""A figure so near to a whole number counts as one."""


def parted(sight: Sight, branch: Branch, master: Master) -> list[Branch] | None:
    """
    Two parts that hold all plans of the given one; none when its master is a plan, so that its bound stands.

    First how many visits are left out, then who serves a visit, then which drives are made. None (the value)
    when no way to part it is known.
    """
    return by_count(sight, branch, master) or _by_kind(branch, master) or _by_drive(branch, master)


def _open(share: float) -> float:
    """How far a figure is from a whole number."""
    return abs(share - round(share))


def by_count(sight: Sight, branch: Branch, master: Master) -> list[Branch]:
    """Part by the number of visits left out, of all or of those of one price."""
    left = np.array(master.left_out())
    prices = sight.left_out
    groups = [tuple(range(left.size))]
    groups += [tuple(np.flatnonzero(prices == price).tolist()) for price in sorted(set(prices.tolist()))[1:]]
    worst = max(groups, key=lambda group: (_open(float(left[list(group)].sum())), -len(group)), default=())
    total = float(left[list(worst)].sum()) if worst else 0.0
    if _open(total) < WHOLE:
        return []
    low, high = 0, len(worst)
    for limit in branch.limits:
        if limit.group == worst:
            low, high = max(low, limit.low), min(high, limit.high)
    others = tuple(limit for limit in branch.limits if limit.group != worst)
    under, over = int(np.floor(total)), int(np.ceil(total))
    return [
        replace(branch, limits=(*others, Limit(worst, low, under)), centre=None),
        replace(branch, limits=(*others, Limit(worst, over, high)), centre=None),
    ]


def _by_kind(branch: Branch, master: Master) -> list[Branch]:
    """Part by whether a kind of technician serves a visit."""
    shares: dict[tuple[int, int], float] = defaultdict(float)
    for column, share in master.shares():
        for visit in column.visits:
            shares[column.kind, visit] += share
    pick = max(shares, key=lambda pair: (_open(shares[pair]), pair), default=None)
    if pick is None or _open(shares[pick]) < WHOLE:
        return []
    kind, visit = pick
    without, alone = branch.banned.copy(), branch.banned.copy()
    without[kind, :, visit] = True
    alone[:, :, visit] = True
    alone[kind, :, visit] = branch.banned[kind, :, visit]
    return [replace(branch, banned=without), replace(branch, banned=alone, served=branch.served | {visit})]


def _by_drive(branch: Branch, master: Master) -> list[Branch] | None:
    """Part by whether a drive between two visits is made; no part when every way is used whole."""
    shares: dict[tuple[int, int], float] = defaultdict(float)
    whole = True
    for column, share in master.shares():
        whole = whole and _open(share) < WHOLE and len(set(column.visits)) == len(column.visits)
        for drive in pairwise(column.visits):
            shares[drive] += share
    pick = max(shares, key=lambda drive: (_open(shares[drive]), drive), default=None)
    if pick is None or _open(shares[pick]) < WHOLE:
        return [] if whole else None
    origin, target = pick
    without, alone = branch.banned.copy(), branch.banned.copy()
    without[:, origin, target] = True
    alone[:, origin, :] = True
    alone[:, :, target] = True
    alone[:, origin, target] = branch.banned[:, origin, target]
    return [replace(branch, banned=without), replace(branch, banned=alone, served=branch.served | {*pick})]
