"""
Truckroll's planning engine: integers in, plan out.

>>> problem = Problem(day, technicians, visits, matrix)
>>> plan = solve(problem, Budget(seconds=20), seed=1, start=published).plan
>>> assert not check(problem, plan)

Importing this package loads no solver; an engine is loaded when ``solve`` is first called.
"""

from optimizer.check import check, cost
from optimizer.engines.base import Budget, Progress, Result
from optimizer.errors import OptimizerError
from optimizer.freezing import frozen
from optimizer.oracle import Offer, Refusal, insert, quote, refusals
from optimizer.plan import BreakTaken, Plan, Route, Stop, Unserved, Violation
from optimizer.problem import (
    Break,
    Certificate,
    Lock,
    Matrix,
    Policy,
    Problem,
    Technician,
    Visit,
    Window,
    matrix_of,
)
from optimizer.roads import FetchedRoads, Roads, StraightLine
from optimizer.solve import solve
from optimizer.validate import Finding, InvalidProblem, validate

__all__ = [
    "Break",
    "BreakTaken",
    "Budget",
    "Certificate",
    "FetchedRoads",
    "Finding",
    "InvalidProblem",
    "Lock",
    "Matrix",
    "Offer",
    "OptimizerError",
    "Plan",
    "Policy",
    "Problem",
    "Progress",
    "Refusal",
    "Result",
    "Roads",
    "Route",
    "Stop",
    "StraightLine",
    "Technician",
    "Unserved",
    "Violation",
    "Visit",
    "Window",
    "check",
    "cost",
    "frozen",
    "insert",
    "matrix_of",
    "quote",
    "refusals",
    "solve",
    "validate",
]
