"""A worker or scheduler as `truckroll` starts it, but with the test's job handlers and quick leases."""

from __future__ import annotations

import sys

import structlog

from dispatch import bootstrap, outbox, scheduling
from dispatch.cli import work
from dispatch.settings import Settings
from dispatch.sweeping import Sweeper
from tests.job_handlers import JOBS, QUICK


def load() -> None:
    """Load what the worker works with."""
    bootstrap.load_models()


def main(role: str, alone_after_seconds: str = "60") -> int:
    """Start like the command line and play the role."""
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    settings = Settings.from_environment()
    bootstrap.start(settings)
    outbox.register(JOBS, {}, timing=QUICK)
    sweeper = Sweeper(every_seconds=1.0, grace_seconds=1.0, alone_after_seconds=float(alone_after_seconds))
    if role == "scheduler":
        scheduling.tick()
        return 0
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    return work.work(settings, role, sweeper)
