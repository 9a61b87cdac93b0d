"""``truckroll optimise`` and ``truckroll check``: the planning engine on files, without any service."""

import argparse
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Timer

from optimizer import (
    Budget,
    InvalidProblem,
    OptimizerError,
    Plan,
    Problem,
    Progress,
    Result,
    check,
    cost,
    readers,
    solve,
    validate,
)
from optimizer.engines.base import DEFAULT, engine_names, warm_up
from optimizer.planned import as_planned
from optimizer.policy import policies, policy
from optimizer.wire import MalformedInput, plan_to_json, read_plan, write

PATIENCE_SECONDS = 3.0
UNUSABLE = 2
"""Exit code when a file cannot be read or planned."""


def add_parsers(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add both commands to the command line."""
    optimise = subparsers.add_parser("optimise", help="plan a day from a problem file")
    add_problem(optimise)
    optimise.add_argument("--seconds", type=_positive, default=10.0, help="wall clock (default 10)")
    optimise.add_argument("--solutions", type=_count, help="stop after so many plans; repeatable by seed")
    optimise.add_argument("--target", type=int, metavar="CENTS", help="a plan of this cost is good enough")
    optimise.add_argument("--processes", type=_count, default=1, help="so many search at once")
    optimise.add_argument("--seed", type=int, default=0)
    optimise.add_argument("--engine", default=DEFAULT, help=f"one of: {', '.join(engine_names())}")
    optimise.add_argument("--start", type=Path, metavar="PLAN.json", help="plan to begin from")
    optimise.add_argument(
        "--prove",
        type=_positive,
        metavar="SECONDS",
        help="then prove how far the plan is from the best",
    )
    optimise.add_argument("--out", type=Path, required=True, metavar="PLAN.json")
    optimise.set_defaults(run=run_optimise)
    judge = subparsers.add_parser("check", help="judge a plan: rules broken and exact cost")
    add_problem(judge)
    judge.add_argument("plan", type=Path, metavar="PLAN.json")
    judge.set_defaults(run=run_check)


def add_problem(parser: argparse.ArgumentParser) -> None:
    """The problem file and the format it is written in."""
    parser.add_argument("problem", type=Path, metavar="PROBLEM", help="a file in one of the formats")
    add_format(parser)


def add_format(parser: argparse.ArgumentParser) -> None:
    """The format of a problem file, and other prices than those in it."""
    parser.add_argument("--format", choices=readers.FORMATS, help="by default the file itself tells")
    parser.add_argument("--policy", choices=list(policies()), help="prices in place of those in the file")


def problem_of(args: argparse.Namespace) -> Problem:
    """The problem file, with the prices asked for."""
    return problem_in(args.problem, args)


def problem_in(path: Path, args: argparse.Namespace) -> Problem:
    """The problem in a file, with the prices asked for."""
    problem = readers.read(path, args.format)
    return problem if args.policy is None else replace(problem, policy=policy(args.policy))


def _positive(text: str) -> float:
    """A number of seconds above nothing."""
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < 1_000_000:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is not a positive number of seconds")
    return found


def _count(text: str) -> int:
    """A whole number above nothing."""
    if not text.isdecimal() or not 0 < int(text[:10]) < 1_000_000_000:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is not a positive whole number")
    return int(text)


def run_optimise(args: argparse.Namespace) -> int:
    """Plan the problem and write the plan; 2 when the input cannot be used."""
    try:
        problem = problem_of(args)
        start = read_plan(args.start) if args.start is not None else None
        _warned(problem)
        budget = Budget(args.seconds, args.solutions, args.processes, args.target)
        if not args.out.parent.is_dir() or args.out.is_dir():
            remedy = "name a file in an existing directory"
            raise MalformedInput(str(args.out), "UNWRITABLE_FILE", "no such place", remedy=remedy)
        _compile(args.engine)
        with _interruptible() as interrupted:
            result = solve(
                problem,
                budget,
                seed=args.seed,
                start=start,
                engine=args.engine,
                on_progress=_show_progress,
                cancel=interrupted.is_set,
                prove_seconds=args.prove,
            )
            write(args.out, plan_to_json(result.plan))
    except OptimizerError as error:
        return unusable(error)
    if interrupted.is_set():
        say("interrupted: this is the best plan found until then")
    say(f"{args.out}: {_summary(problem, result.plan)} in {result.stats['seconds']} s")
    if "instead_of" in result.stats:
        because = result.stats.get("because", "a library that it needs is not installed")
        say(f"planned by engine {result.stats['engine']} instead of {result.stats['instead_of']}: {because}")
    _print_cost(result.cost_by_term)
    _print_proof(result)
    for left in result.plan.unserved:
        say(f"unserved {left.visit_id}: {left.reason} · {left.sentence} · {left.action}")
    return 0


def _warned(problem: Problem) -> None:
    """Refuse what cannot be planned, and say what is doubtful: locks that a plan keeps against rules, too."""
    findings = validate(problem)
    if any(finding.severity == "error" for finding in findings):
        raise InvalidProblem(findings)
    for finding in findings:
        _complain(f"warning: {finding}")


@contextmanager
def _interruptible() -> Iterator[Event]:
    """
    Let the first Ctrl-C end the search, so that its best plan is written; the second ends everything.

    Who was started deaf to it, as by a shell in the background, stays so.
    """
    interrupted = Event()
    former = signal.getsignal(signal.SIGINT)
    if former is signal.SIG_IGN:
        yield interrupted
        return

    def interrupt(number: int, frame: object) -> None:
        del number, frame
        signal.signal(signal.SIGINT, former)
        interrupted.set()
        _complain("ending with the best plan so far; Ctrl-C once more ends without any")

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, former)


def _compile(name: str) -> None:
    """Compile the engine before its clock runs, and say so where that takes a while."""
    said = Timer(PATIENCE_SECONDS, _complain, ["compiling the planning engine, once, about a minute …"])
    said.start()
    try:
        warm_up(name)
    finally:
        said.cancel()


def run_check(args: argparse.Namespace) -> int:
    """
    Print every violation and the cost by term; 1 when a rule is broken, 2 when the input is unusable.

    What a lock stands against is no violation, and a warning.
    """
    try:
        problem = problem_of(args)
        plan = read_plan(args.plan)
        _warned(problem)
    except OptimizerError as error:
        return unusable(error)
    violations = check(problem, plan)
    for violation in violations:
        say(f"violation {violation.code} · {violation.subject}: {violation.message}")
    say(f"{_summary(problem, plan)}, {len(violations)} violations")
    _print_cost(cost(problem, plan))
    return 1 if violations else 0


def _summary(problem: Problem, plan: Plan) -> str:
    """What a plan does, in one line."""
    served = sum(len(route.stops) for route in plan.routes)
    used = sum(1 for route in plan.routes if route.stops)
    visits = len(as_planned(problem).visits)
    return f"{served} of {visits} visits on {used} of {len(problem.technicians)} routes"


def _print_cost(terms: Mapping[str, int]) -> None:
    """One line per term and the sum, in cents."""
    for name, cents in terms.items():
        say(f"cost {name:<10} {cents:>12} cents")
    say(f"cost {'total':<10} {sum(terms.values()):>12} cents")


def _print_proof(result: Result) -> None:
    """What is proved about the plan, if that was asked for, and what the proof does not see."""
    if "proof" in result.stats:
        bound = "" if result.bound is None else f": no plan costs less than {result.bound} cents"
        say(f"{result.stats['proof']}{bound}")
    if "proof_without" in result.stats:
        say(f"the proof leaves out of sight: {result.stats['proof_without']}")


def _show_progress(progress: Progress) -> None:
    """A line per better plan, for a person who waits."""
    if sys.stderr.isatty():
        _complain(f"{progress.seconds:8.2f} s  {progress.cost} cents")


def unusable(error: OptimizerError) -> int:
    """Say what is wrong with the input, one line each."""
    lines = map(str, error.findings) if isinstance(error, InvalidProblem) else (str(error),)
    for line in lines:
        _complain(f"error: {line}")
    return UNUSABLE


def say(line: str) -> None:
    """One line of output; characters the terminal cannot show are written as escapes."""
    encoding = sys.stdout.encoding or "utf-8"
    print(line.encode(encoding, "backslashreplace").decode(encoding))


def _complain(line: str) -> None:
    """One line for a person, beside the output."""
    print(line, file=sys.stderr)
