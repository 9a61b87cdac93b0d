"""``truckroll doctor``: say what is wrong and how to mend it."""

from __future__ import annotations

import argparse
import sys

from sqlalchemy.exc import SQLAlchemyError

from dispatch import bootstrap, db, doctor
from dispatch.doctor.damage import damage_found
from dispatch.doctor.findings import Finding
from dispatch.embedded import services
from dispatch.errors import DispatchError
from dispatch.settings import Settings


def add_parsers(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command to the main parser."""
    parser = subparsers.add_parser("doctor", help="say what is wrong with this installation or its data")
    parser.add_argument(
        "--files",
        action="store_true",
        help="read every stored file and document as well, and name damaged ones",
    )
    parser.set_defaults(run=run_doctor)


def run_doctor(args: argparse.Namespace) -> int:
    """Print versions and findings; exit 1 when an error was found."""
    for name, found in doctor.versions():
        sys.stdout.write(f"  {name:<19}{found}\n")
    findings: list[Finding] = []
    try:
        settings = Settings.from_environment()
        findings += doctor.installation(settings)
        with services.attached_or_started(settings) as running:
            bootstrap.start(running.settings)
            with db.open_session() as session:
                findings += doctor.examine(session)
            if args.files:
                findings += damage_found(settings.attachments)
    except DispatchError as error:
        findings.append(Finding("error", error.code, error.message, error.remedy))
    except SQLAlchemyError as error:
        remedy = "See that PostgreSQL runs, DATABASE_URL is right and truckroll migrate has been run."
        findings.append(Finding("error", "DATABASE", type(error).__name__ + ": " + str(error)[:200], remedy))
    for finding in findings:
        sys.stdout.write(
            f"{finding.level:<8}{finding.code}  {finding.message}\n        -> {finding.remedy}\n"
        )
    errors = sum(1 for finding in findings if finding.level == "error")
    sys.stdout.write(f"{errors} errors, {len(findings) - errors} warnings\n")
    return 1 if errors else 0
