"""A planning worker with the real jobs and quick leases."""

from __future__ import annotations

import sys

import structlog

from dispatch import bootstrap, outbox
from dispatch.cli import work
from dispatch.settings import Settings
from dispatch.sweeping import Sweeper
from tests.job_handlers import QUICK


def load() -> None:
    """Load what the worker works with."""
    bootstrap.load_models()
    outbox.register(bootstrap.JOBS, {}, timing=QUICK)
    outbox.load_handlers("planning")


def main() -> int:
    """Start like the command line and serve the planning queue."""
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    settings = Settings.from_environment()
    bootstrap.start(settings)
    outbox.register(bootstrap.JOBS, {}, timing=QUICK)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    return work.work(settings, "planning", Sweeper(every_seconds=0.5, grace_seconds=0.5))
