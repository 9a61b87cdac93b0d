"""Compile the loops ahead: ``python -m optimizer.engines.ruin``."""

from optimizer.engines.base import DEFAULT, warm_up

if __name__ == "__main__":
    print("Compiling the planning engine (once, about a minute)", flush=True)  # noqa: T201
    print(f"The planning engine is ready after {warm_up(DEFAULT):.0f} s.")  # noqa: T201
