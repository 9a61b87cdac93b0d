"""Programs from Debian packages that tests look at results with."""

from __future__ import annotations

import os
import shutil

import pytest


def debian_program(name: str, package: str) -> str:
    """Path of a program; without it the test is skipped with a clear word, and under CI=true it fails."""
    path = shutil.which(name)
    if path is not None:
        return path
    message = f"{name} is missing: apt-get install {package}"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)
