"""``truckroll create-admin``: the first user of an installation, or a way back in."""

from __future__ import annotations

import argparse
import getpass
import sys

from sqlalchemy import select

from dispatch import bootstrap, db
from dispatch.access import commands
from dispatch.access.commands import UserWithSecret
from dispatch.access.hashing import Passwords
from dispatch.access.model import User
from dispatch.access.rules import Role
from dispatch.embedded import services
from dispatch.errors import DispatchError, NotFound
from dispatch.settings import Settings


def add_parsers(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command to the main parser."""
    parser = subparsers.add_parser("create-admin", help="create an administrator, who creates everybody else")
    parser.add_argument("username", help="name to log in with")
    parser.add_argument("--name", help="name to show; the user name when left out")
    parser.add_argument("--language", choices=("en", "zh"), default="en")
    parser.add_argument(
        "--reset", action="store_true", help="give an existing administrator a new password and code secret"
    )
    parser.set_defaults(run=run_create_admin)


def run_create_admin(args: argparse.Namespace) -> int:
    """Ask for a password (or read a line from a pipe) and show the secret of the one-time codes once."""
    try:
        settings = Settings.from_environment()
        password = _password()
        with services.attached_or_started(settings) as running:
            bootstrap.start(running.settings)
            try:
                made = _make(args, password, Passwords(settings.hash_cost))
            finally:
                bootstrap.stop()
    except DispatchError as error:
        sys.stderr.write(f"{error.code}  {error.message}\n  -> {error.remedy}\n")
        return 1
    sys.stdout.write(f"administrator {made.user.username} is ready\n")
    sys.stdout.write(f"secret for the authenticator app, shown this once: {made.code_secret}\n")
    sys.stdout.write(f"the same as an address: {made.code_address}\n")
    return 0


def _make(args: argparse.Namespace, password: str, passwords: Passwords) -> UserWithSecret:
    with db.transaction() as session:
        if not args.reset:
            return commands.create_user(
                session,
                by=None,
                username=args.username,
                display_name=args.name or args.username,
                password=password,
                role=Role.ADMIN,
                language=args.language,
                passwords=passwords,
            )
        wanted = (User.username == args.username.strip().lower(), User.role == Role.ADMIN.value)
        user = session.scalar(select(User).where(*wanted))
        if user is None:
            raise NotFound("there is no such administrator")
        user.is_active = True
        return commands.reset_user(
            session, by=None, user=user, expected_version=None, password=password, passwords=passwords
        )


def _password() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("Password (12 characters or more): ")
    return sys.stdin.readline().rstrip("\n")
