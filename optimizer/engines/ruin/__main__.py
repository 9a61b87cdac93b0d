"""Compile the loops ahead: ``python -m optimizer.engines.ruin``."""

import sys
import time

from optimizer.engines.ruin import warming

if __name__ == "__main__":
    if warming.BESIDE in sys.argv:
        warming.compile_beside()
    else:
        print("Compiling the planning engine (once, one to three minutes)", flush=True)  # noqa: T201
        began = time.monotonic()
        warming.compile_ahead()
        print(f"The planning engine is ready after {time.monotonic() - began:.0f} s.")  # noqa: T201
