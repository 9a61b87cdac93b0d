"""Where log lines go. Nothing may fail because of its log: a line that a full disk does not take is lost."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TextIO

import structlog


class Lines:
    """A logger of structlog that writes whole lines and never raises."""

    def __init__(self, file: TextIO | None = None) -> None:
        self._file = file

    def msg(self, line: str) -> None:
        """Write one line, to standard output if no file was named."""
        with suppress(OSError, ValueError):
            file = self._file or sys.stdout
            file.write(f"{line}\n")
            file.flush()

    log = debug = info = warn = warning = fatal = failure = err = error = critical = exception = msg


def configure() -> None:
    """Let this process log by lines, unless something else was chosen before."""
    if not structlog.is_configured():
        structlog.configure(logger_factory=lambda *_: Lines())
