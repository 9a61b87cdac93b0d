"""How the loops are compiled, and that changed loops are compiled again."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numba import njit

Loop = TypeVar("Loop", bound=Callable[..., Any])


def compiled(function: Loop) -> Loop:
    """Compile a function that Python calls."""
    return _compile(function, no_cfunc_wrapper=True)


def inner(function: Loop) -> Loop:
    """Compile a function that only other compiled ones call; without wrappers that takes half the time."""
    return _compile(function, no_cfunc_wrapper=True, no_cpython_wrapper=True)


def flat(function: Loop) -> Loop:
    """Compile a small function into each of its callers, which saves passing its arrays."""
    return _compile(function, no_cfunc_wrapper=True, no_cpython_wrapper=True, forceinline=True)


def _compile(function: Loop, **wrappers: bool) -> Loop:
    """Without counting references (``_nrt``), which took most of the time; so no loop may make an array."""
    loop: Loop = njit(cache=True, nogil=True, _nrt=False, **wrappers)(function)  # type: ignore[call-overload]
    return loop


@flat
def wide(number: int) -> int:
    """A number out of a narrow array in the width of all others, so that each loop is compiled once."""
    return np.int64(number)  # type: ignore[return-value]


def forget_outdated() -> None:
    """
    Throw stored loops away when any of their files has changed.

    numba looks only at the file of a function, not at those of the functions that it calls.
    """
    folder = Path(__file__).parent
    sources = b"".join(file.read_bytes() for file in sorted(folder.glob("*.py")))
    digest = hashlib.sha256(sources).hexdigest()
    store = folder / "__pycache__"
    stamp = store / "loops.sha256"
    with suppress(OSError):
        if stamp.is_file() and stamp.read_text() == digest:
            return
        for pattern in ("*.nbi", "*.nbc"):
            for stored in store.glob(pattern):
                stored.unlink(missing_ok=True)
        store.mkdir(exist_ok=True)
        stamp.write_text(digest)


forget_outdated()
