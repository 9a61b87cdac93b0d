"""The seconds of a piece of work: counted to its steps, and told what is left of them."""

from collections.abc import Callable, Iterator

import pytest

from optimizer.steps import Steps


def ticking(*moments: float) -> Callable[[], float]:
    """A clock that shows these moments in turn."""
    rest: Iterator[float] = iter(moments)
    return lambda: next(rest)


def test_each_step_is_told_with_all_its_turns() -> None:
    steps = Steps(10.0, ticking(100, 101, 103, 103, 104, 104, 106, 106))
    with steps.step("lay"):
        pass
    with steps.step("polish"):
        pass
    with steps.step("lay"):
        pass
    assert steps.stats() == {"seconds": 6, "lay_seconds": 4, "polish_seconds": 1}


def test_what_is_left_ends_at_the_deadline_less_what_is_kept() -> None:
    steps = Steps(10.0, ticking(100, 104, 104, 111))
    assert steps.left() == 6
    assert steps.left(keep=4) == 2
    assert steps.left() == 0


def test_a_step_that_fails_counts_as_well() -> None:
    steps = Steps(10.0, ticking(0, 1, 4))
    with pytest.raises(KeyError), steps.step("read"):
        raise KeyError("day")
    assert steps.spent == {"read": 3}
