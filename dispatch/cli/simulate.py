"""``truckroll simulate``: replay generated weeks under a policy, to choose one by evidence."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from dispatch.errors import DispatchError
from dispatch.simulation.replay.policy import SHIPPED, read_policy, shipped_text


def add_parsers(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command to the main parser."""
    parser = subparsers.add_parser(
        "simulate", help="replay generated weeks under a policy: promises kept, overtime, kilometres, calls"
    )
    parser.add_argument("--days", type=int, default=20, help="working days (default 20)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same weeks")
    parser.add_argument("--technicians", type=int, default=8, help="size of the company, 2 to 20")
    parser.add_argument("--calls", type=float, default=5.0, help="calls a day for each technician")
    parser.add_argument(
        "--policy",
        action="append",
        metavar="FILE",
        help=f"a file, or {' or '.join(SHIPPED)}; several are put side by side (default: both shipped)",
    )
    parser.add_argument("--show", choices=SHIPPED, help="print a shipped policy, to start an own one from")
    parser.set_defaults(run=run_simulate)


def run_simulate(args: argparse.Namespace) -> int:
    """Print the figures of each policy side by side; 2 when an argument or a file is no good."""
    if args.show:
        sys.stdout.write(shipped_text(args.show))
        return 0
    if not (1 <= args.days <= 1_000 and 2 <= args.technicians <= 20 and 0.1 <= args.calls <= 20):
        sys.stderr.write("error: 1 to 1000 days, 2 to 20 technicians, 0.1 to 20 calls each\n")
        return 2
    try:
        chosen = [read_policy(name) for name in args.policy or SHIPPED]
    except DispatchError as error:
        sys.stderr.write(f"error: {error}\n       -> {error.remedy}\n")
        return 2
    from dispatch.simulation.replay.running import replay

    columns = []
    for policy in chosen:
        figures = replay(
            policy,
            days=args.days,
            seed=args.seed,
            technicians=args.technicians,
            calls=args.calls,
            on_day=_show_progress(policy.name, args.days),
        )
        columns.append(figures.rows())
    _print(args, [policy.name for policy in chosen], columns)
    return 0


def _print(args: argparse.Namespace, names: Sequence[str], columns: Sequence[list[tuple[str, str]]]) -> None:
    sys.stdout.write(
        f"{args.technicians} technicians, {args.calls:g} calls each a day, seed {args.seed}\n"
        f"{'':<26}" + "".join(f"{name[:18]:>20}" for name in names) + "\n"
    )
    for at, (label, _) in enumerate(columns[0]):
        sys.stdout.write(f"{label:<26}" + "".join(f"{rows[at][1]:>20}" for rows in columns) + "\n")


def _show_progress(name: str, days: int) -> Callable[[int], None]:
    def show(done: int) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{name}: day {done} of {days} ")
            if done == days:
                sys.stderr.write("\n")

    return show
