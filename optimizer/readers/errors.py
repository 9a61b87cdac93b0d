"""What a reader refuses: a field that our model has no words for."""

from optimizer.errors import OptimizerError

REMEDY = "take the field out where it plans nothing, or plan this file with the program it was written for"


class UntoldField(OptimizerError):
    """A field of another program's file that our model cannot tell; it is refused, never ignored."""

    code: str = "UNTOLD_FIELD"

    def __init__(self, field: str, cause: str, remedy: str = REMEDY) -> None:
        self.field = field
        super().__init__(f"{field}: {cause}", remedy)
