"""The word for what the loops cannot plan."""

from optimizer.errors import OptimizerError

REFERENCE = "let the engine 'routing' plan it"


class Uncovered(OptimizerError):
    """The arrays cannot tell everything about the problem; the reference engine plans it."""

    code: str = "UNCOVERED"
