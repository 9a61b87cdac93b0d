"""Waiting for a database that is being restarted under the demo's feet."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import OperationalError

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

PATIENCE_SECONDS = 90.0


def enduring(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Repeat a function whose whole effect is one transaction until the database answers again."""

    @wraps(function)
    def patient(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return function(*args, **kwargs)
            except OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.3)

    return patient
