"""The problem as plans name its visits and as rules are judged: long visits cut, locks conceded to."""

from optimizer.concessions import conceded
from optimizer.long_visits import split_long
from optimizer.problem import Problem


def as_planned(problem: Problem) -> Problem:
    """The problem that engines plan and the checker judges; itself where nothing is cut or conceded."""
    if problem.is_planned:
        return problem
    return conceded(split_long(problem)[0])[0].taken_as_planned()
