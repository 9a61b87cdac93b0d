"""Places where a test may kill the process, to prove that nothing is lost or done twice."""

from __future__ import annotations

import os
import signal
from pathlib import Path


def crashpoint(name: str) -> None:
    """
    Kill this process if the environment names this place.

    TRUCKROLL_CRASH_AT is the place. TRUCKROLL_CRASH_ONCE, if set, is a file that the first kill creates and
    that prevents all later ones.
    """
    if os.environ.get("TRUCKROLL_CRASH_AT") != name:
        return
    once = os.environ.get("TRUCKROLL_CRASH_ONCE")
    if once:
        try:
            Path(once).touch(exist_ok=False)
        except FileExistsError:
            return
    os.kill(os.getpid(), signal.SIGKILL)
