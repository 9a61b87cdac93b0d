"""Places on a plane, worked out of travel times alone: near by road is near on the plane."""

import numpy as np
from numpy.typing import NDArray

from optimizer.problem import Problem
from optimizer.roads import Cells

Spots = NDArray[np.float64]
"""(n, 2) seconds on a plane."""

LANDMARKS = 12
FARTHEST_TIMES = 3.0
"""A way longer than so many times the median counts as so long; unreachable places would bend the plane."""


def spots(problem: Problem) -> Spots:
    """
    Where every location of a problem lies.

    The travel times from a dozen landmarks fix a plane (landmark multidimensional scaling), so that neither
    coordinates nor the whole table are needed.
    """
    size = len(problem.matrix.seconds)
    if not size:
        return np.zeros((0, 2))
    marks, rows = _landmarks(problem, size)
    away = rows.astype(np.float64)
    away = np.minimum(away, FARTHEST_TIMES * max(1.0, float(np.median(away))))
    square = away * away
    between = square[:, marks]
    between = (between + between.T) / 2
    centred = between - between.mean(axis=0) - between.mean(axis=1)[:, None] + between.mean()
    values, vectors = np.linalg.eigh(-centred / 2)
    axes = vectors[:, ::-1][:, :2]
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    lengths = np.sqrt(np.maximum(values[::-1][:2], 1e-9))
    found = (between.mean(axis=1)[:, None] - square).T @ (axes * np.where(signs < 0, -1, 1) / (2 * lengths))
    plane = np.zeros((size, 2))
    plane[:, : found.shape[1]] = found
    return plane


def _landmarks(problem: Problem, size: int) -> tuple[list[int], Cells]:
    """Places far from one another, and the travel times from each to all places."""
    every = np.arange(size)
    marks = [0]
    rows = [problem.matrix.block(marks, every)[0][0]]
    nearest = rows[0].copy()
    while len(marks) < min(LANDMARKS, size) and nearest.max() > 0:
        marks.append(int(nearest.argmax()))
        rows.append(problem.matrix.block(marks[-1:], every)[0][0])
        nearest = np.minimum(nearest, rows[-1])
        nearest[marks] = 0
    return marks, np.stack(rows)
