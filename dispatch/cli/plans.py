"""``truckroll compare`` and ``truckroll explain``: questions about plans in files, without any service."""

import argparse
from pathlib import Path

from dispatch.cli.engine import add_format, add_problem, problem_in, problem_of, say, unusable
from optimizer import OptimizerError, Plan, Problem, check
from optimizer.alternatives import choices
from optimizer.compare import Move, Place, compare, moves
from optimizer.loosening import relaxations
from optimizer.planned import as_planned
from optimizer.units import clock
from optimizer.wire import MalformedInput, read_plan

TWO_PLANS = "name two plans, or their problem and two plans"


def add_parsers(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add both commands to the command line."""
    comparison = subparsers.add_parser("compare", help="put two plans side by side: prices and what differs")
    comparison.add_argument(
        "files", type=Path, nargs="+", metavar="FILE", help="two plans, before them their problem for prices"
    )
    add_format(comparison)
    comparison.set_defaults(run=run_compare)
    explanation = subparsers.add_parser(
        "explain", help="who could serve a visit and at what price, and what stands in the way"
    )
    add_problem(explanation)
    explanation.add_argument("plan", type=Path, metavar="PLAN.json")
    explanation.add_argument("visit", nargs="?", help="id of a visit; without it, all that are left out")
    explanation.set_defaults(run=run_explain)


def run_compare(args: argparse.Namespace) -> int:
    """
    Print every visit that moves, and with a problem the prices of both plans by term.

    Returns 2 when the input is unusable.
    """
    if len(args.files) not in {2, 3}:
        return unusable(MalformedInput("compare", "FILES", f"{len(args.files)} files", remedy=TWO_PLANS))
    *problems, first_file, second_file = args.files
    try:
        first, second = read_plan(first_file), read_plan(second_file)
        if problems:
            _print_prices(problem_in(problems[0], args), first, second)
    except OptimizerError as error:
        return unusable(error)
    found = moves(first, second)
    changed = sum(move.changes_technician for move in found)
    say(f"{len(found)} visits move, {changed} of them to another technician")
    for move in found:
        say(_moved(move))
    return 0


def _print_prices(problem: Problem, first: Plan, second: Plan) -> None:
    """Prices by term and rules broken, side by side."""
    found = compare(problem, first, second)
    broken = [len(check(problem, plan)) for plan in (first, second)]
    say(f"{'':<12} {'first':>12} {'second':>12} {'saved':>12}")
    for term in found.before:
        a, b = found.before[term], found.after[term]
        say(f"{term:<12} {a:>12} {b:>12} {a - b:>12}")
    say(f"{'total':<12} {sum(found.before.values()):>12} {sum(found.after.values()):>12} {found.saved:>12}")
    say(f"{'violations':<12} {broken[0]:>12} {broken[1]:>12}")


def _moved(move: Move) -> str:
    return f"{move.visit_id}: {_placed(move.before)} -> {_placed(move.after)}"


def _placed(place: Place | None) -> str:
    return f"{place.technician_id} {clock(place.start)}" if place else "left out"


def run_explain(args: argparse.Namespace) -> int:
    """Explain one visit, or each one that is left out; 2 when the input is unusable."""
    try:
        problem, plan = as_planned(problem_of(args)), read_plan(args.plan)
        served = {stop.visit_id for route in plan.routes for stop in route.stops}
        left_out = [visit.id for visit in problem.visits if visit.id not in served]
        for visit_id in [args.visit] if args.visit else left_out:
            _explain(problem, plan, visit_id)
    except OptimizerError as error:
        return unusable(error)
    if not args.visit and not left_out:
        say("every visit is served")
    return 0


def _explain(problem: Problem, plan: Plan, visit_id: str) -> None:
    able, refused = choices(problem, plan, visit_id)
    serving = {stop.visit_id: route.technician_id for route in plan.routes for stop in route.stops}
    say(f"visit {visit_id}: " + (f"served by {serving[visit_id]}" if visit_id in serving else "left out"))
    for choice in able:
        more = choice.extra_cost - able[0].extra_cost
        note = "cheapest" if more == 0 else f"{more} more than the cheapest"
        terms = ", ".join(f"{name} {cents:+}" for name, cents in choice.by_term.items())
        told = f"{choice.extra_cost} cents" + (f" ({terms})" if terms else "")
        say(f"  {choice.technician_id} at {clock(choice.start)}: {told}, {note}")
    for refusal in refused:
        say(f"  {refusal.technician_id} cannot: {refusal.code} · {refusal.sentence}")
    for looser in relaxations(problem, plan, visit_id):
        price = f"{looser.technician_id} could go for {looser.extra_cost} cents"
        price += f", {looser.saved} less" if looser.saved is not None else ""
        say(f"  loosen {looser.rule}: {looser.action}; {price}")
