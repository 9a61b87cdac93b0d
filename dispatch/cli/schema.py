"""``truckroll schema``: what problem and plan files look like, for programs that write or read them."""

import argparse
import json

from dispatch.cli.engine import say
from optimizer.schema import ROOTS, schema


def add_parsers(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser("schema", help="print the JSON Schema of problem or plan files")
    parser.add_argument("name", choices=list(ROOTS))
    parser.set_defaults(run=run_schema)


def run_schema(args: argparse.Namespace) -> int:
    """Print one schema."""
    say(json.dumps(schema(args.name), indent=1))
    return 0
