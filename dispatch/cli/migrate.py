"""``truckroll migrate``: bring a database to this version's schema, or back."""

from __future__ import annotations

import argparse
import sys

from dispatch import migrating
from dispatch.embedded import services
from dispatch.settings import Settings


def add_parsers(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command to the main parser."""
    parser = subparsers.add_parser("migrate", help="bring the database's schema to this version")
    parser.add_argument(
        "--down-to", metavar="REVISION", help="go back to a revision instead; base empties it"
    )
    parser.set_defaults(run=run_migrate)


def run_migrate(args: argparse.Namespace) -> int:
    """Apply revisions; says where the schema was and is."""
    settings = Settings.from_environment()
    with services.attached_or_started(settings) as running:
        before = migrating.current_revision(running.database_url)
        if args.down_to:
            migrating.downgrade(running.database_url, args.down_to)
        else:
            migrating.upgrade(running.database_url)
        after = migrating.current_revision(running.database_url)
    sys.stdout.write(f"schema revision {before or 'none'} -> {after or 'none'}\n")
    return 0
