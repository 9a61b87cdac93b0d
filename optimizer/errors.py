"""What the planning engine raises: every error carries a code, a cause and a remedy."""


class OptimizerError(Exception):
    """Base of all errors of the planning engine."""

    code: str = "OPTIMIZER"

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(f"{self.code} · {cause} · {remedy}")
        self.cause = cause
        self.remedy = remedy


class UnknownSubject(OptimizerError):
    """A plan or a question names a visit or technician that the problem does not hold."""

    code: str = "UNKNOWN_SUBJECT"


class UnknownEngine(OptimizerError):
    """No engine of this name is installed."""

    code: str = "UNKNOWN_ENGINE"


class EngineLacks(OptimizerError):
    """The problem uses a constraint that the chosen engine does not know; it is refused, never ignored."""

    code: str = "ENGINE_LACKS"


class EngineFault(OptimizerError):
    """An engine returned a plan that the independent checker refuses; the plan is thrown away."""

    code: str = "ENGINE_FAULT"


class OfferGone(OptimizerError):
    """An offer no longer fits: the plan has changed since it was quoted."""

    code: str = "OFFER_GONE"


class InfeasibleRoute(OptimizerError):
    """A sequence of stops that the technician cannot drive within windows, breaks and shift."""

    code: str = "INFEASIBLE_ROUTE"

    def __init__(self, rule: str, subject: str, cause: str) -> None:
        super().__init__(cause, "take a stop out or change the order")
        self.rule = rule
        self.subject = subject
