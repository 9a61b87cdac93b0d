"""The command line: ``truckroll COMMAND``."""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import sys
from importlib.metadata import version

COMMANDS = {
    "up": "dispatch.cli.up",
    "demo": "dispatch.cli.demo",
    "doctor": "dispatch.cli.doctor",
    "worker": "dispatch.cli.work",
    "scheduler": "dispatch.cli.work",
    "jobs": "dispatch.cli.work",
    "optimise": "dispatch.cli.engine",
    "check": "dispatch.cli.engine",
    "compare": "dispatch.cli.plans",
    "explain": "dispatch.cli.plans",
    "simulate": "dispatch.cli.simulate",
    "schema": "dispatch.cli.schema",
    "create-admin": "dispatch.cli.access",
    "migrate": "dispatch.cli.migrate",
}
"""Command to the module that describes it; only the module in question is loaded."""


def parser_for(command: str | None) -> argparse.ArgumentParser:
    """Return a parser that knows one command, or all of them for the overview."""
    parser = argparse.ArgumentParser(prog="truckroll", description="Field-service dispatch, self-hosted.")
    parser.add_argument("--version", action="version", version=f"truckroll {version('truckroll')}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    modules = [COMMANDS[command]] if command in COMMANDS else dict.fromkeys(COMMANDS.values())
    for name in modules:
        importlib.import_module(name).add_parsers(subparsers)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 refused or found wanting, 2 wrong use."""
    gc.set_threshold(20_000, 20, 50)  # loading a program makes many objects and no rubbish
    words = sys.argv[1:] if argv is None else argv
    args = parser_for(words[0] if words else None).parse_args(words)
    try:
        code: int = args.run(args)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return code


if __name__ == "__main__":
    sys.exit(main())
