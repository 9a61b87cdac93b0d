"""The words for what the loops cannot plan, and for setting up a day that nobody waits for any more."""

from optimizer.errors import OptimizerError

REFERENCE = "let the engine 'routing' plan it"


class Uncovered(OptimizerError):
    """The arrays cannot tell everything about the problem; the reference engine plans it."""

    code: str = "UNCOVERED"


class CalledOff(Exception):  # says what happened
    """Planning has been called off while the arrays were built."""
