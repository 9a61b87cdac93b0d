"""Work that has so many seconds: how long each of its steps took, and what is left for the next."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Steps:
    """
    Steps of one piece of work, against the time that it was given.

    seconds
        Wall clock for the whole.
    now
        The clock, in seconds since any moment.
    spent
        Seconds of each step so far.
    """

    seconds: float
    now: Callable[[], float] = time.monotonic
    spent: dict[str, float] = field(default_factory=dict)
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.now()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Count the time of a block to a step; a step may come several times."""
        since = self.now()
        try:
            yield
        finally:
            self.spent[name] = self.spent.get(name, 0.0) + self.now() - since

    def left(self, *, keep: float = 0.0) -> float:
        """Seconds that are left, some kept for later; never negative."""
        return max(0.0, self.began + self.seconds - keep - self.now())

    def stats(self) -> dict[str, float]:
        """Seconds of the whole so far and of each step, to the millisecond."""
        told = {f"{name}_seconds": round(spent, 3) for name, spent in self.spent.items()}
        return {"seconds": round(self.now() - self.began, 3), **told}
