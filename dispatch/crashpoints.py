"""Places where a test may kill the process, to prove that nothing is lost or done twice."""

from __future__ import annotations

import os
import signal
from pathlib import Path


def crashpoint(name: str) -> None:
    """
    Kill this process if the environment names this place.

    TRUCKROLL_CRASH_AT is the place, or several with blanks between them. TRUCKROLL_CRASH_ONCE, if set, is the
    beginning of a file's name that the first kill at a place creates and that prevents all later ones there.
    """
    if name not in os.environ.get("TRUCKROLL_CRASH_AT", "").split():
        return
    once = os.environ.get("TRUCKROLL_CRASH_ONCE")
    if once:
        try:
            Path(f"{once}.{name}").touch(exist_ok=False)
        except FileExistsError:
            return
    os.kill(os.getpid(), signal.SIGKILL)
