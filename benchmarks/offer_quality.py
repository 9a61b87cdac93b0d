"""
What promising costs: every call of a generated day takes the first offer, against planning with hindsight.

``python -m benchmarks.offer_quality [--visits 300] [--technicians 40] [--seeds 5] [--first 1] [--seconds 60]
[--tidy-every N]``. The calls come one after the other; each is promised the first of the offers in the
product's order (R-303): price, what it does to others, the chance that it is kept, and how full the slot is,
in windows of two hours. Then the day is planned as promised; the same with a draft that is tidied after every
N calls, as an installation does after the calls of half a minute; and once more as if every call had been
known beforehand and customers took any window. Plans are compared only where they serve the same number of
visits. One row each.
"""

import argparse
import json
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path

from benchmarks.days import HOUR, field_day
from benchmarks.runs import tail
from dispatch.planning.chances import Spread
from dispatch.planning.days import Day
from dispatch.planning.load import Load
from dispatch.planning.problem import Built, Places
from dispatch.planning.questions import OpenDay, Question
from dispatch.planning.refusing import is_free
from dispatch.planning.rules import OfferPolicy
from dispatch.planning.slot_prices import Ledger
from dispatch.planning.tidying import ROUNDS
from dispatch.settings import Settings
from dispatch.travel import build_provider
from optimizer import Budget, Problem, cost, solve
from optimizer.booking import Quoting, open_oracle
from optimizer.oracle import Offer
from optimizer.plan import Plan
from optimizer.problem import Visit, Window

RESULTS = Path(__file__).parent / "results" / "offer-quality.jsonl"
WINDOWS = tuple(Window(hour * HOUR, (hour + 2) * HOUR) for hour in range(8, 18, 2))
SOURCE = build_provider(Settings(travel="geodesic"))
"""Asked for nothing: every site is on the day's roads."""
DESK_HOURS = 8
"""Hours over which the calls of a day come, evenly."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An offer as the product's order looks at it."""

    offer: Offer
    cost_minor: int
    chance: float
    load: float
    start: datetime
    meets_response: bool = True
    meets_resolution: bool = True
    """No call has a limit."""


def tidied_every(visits: int) -> int:
    """How many calls come between two tidyings of a draft, at least one."""
    wait = Settings().tidy_after_seconds
    return max(1, round(wait * visits / (DESK_HOURS * HOUR)))


def best_offer(desk: Quoting, visit: Visit, policy: OfferPolicy) -> Offer | None:
    """The first of the offers for a call; room is searched for where insertion finds none that will do."""
    day = Day(uuid.UUID(int=0), desk.problem.day, "UTC")
    built = Built(day, desk.problem, {}, frozenset(), Places((), ()), {})
    load = Load.of(desk.problem, desk.plan)
    opened = OpenDay(built, desk, SOURCE, load, desk.plan, is_free(desk.problem))
    asked = Question(opened, replace(visit, windows=()), built.places)
    ledger = Ledger(asked, Spread(), policy)

    def seen(offer: Offer) -> Seen:
        price, chance = ledger.judge(offer)
        return Seen(
            offer, price.total_minor, chance, load.share(offer.window), day.moment(offer.window.start)
        )

    quotes = asked.quote(WINDOWS)
    found = [one for offer in quotes if (one := seen(offer)).chance >= policy.least_chance]
    if not found:
        closed = [window for window in WINDOWS if window not in {offer.window for offer in quotes}]
        searched = (seen(offer) for offer in _searched(asked, closed, policy.searches))
        found = [one for one in searched if one.chance >= policy.least_chance]
    return min(found, key=policy.rank).offer if found else None


def _searched(asked: Question, windows: Sequence[Window], most: int) -> Iterator[Offer]:
    for window in islice(filter(asked.is_about_room, windows), most):
        if (offer := asked.reopen(window)) is not None:
            yield offer


def taken(day: Problem, *, tidy_every: int = 0) -> tuple[Problem, Plan, int]:
    """
    The day as it is promised call by call, its plan as booked, and how many calls got no offer.

    With ``tidy_every`` the draft is planned better after so many calls each.
    """
    desk, policy = open_oracle(replace(day, visits=()), Plan(())), OfferPolicy()
    turned_away = 0
    for number, visit in enumerate(day.visits, start=1):
        offer = best_offer(desk, visit, policy)
        if offer is None:
            turned_away += 1
        else:
            desk.commit(offer)
        if tidy_every and number % tidy_every == 0:
            better = solve(desk.problem, Budget(solutions=ROUNDS), start=desk.plan).plan
            desk = open_oracle(desk.problem, better)
    return desk.problem, desk.plan, turned_away


def measured(seed: int, visits: int, technicians: int, seconds: float, tidy_every: int) -> dict[str, object]:
    """Costs of one day: as booked, planned as promised, and with hindsight."""
    day = field_day(seed, visits, technicians)
    free = replace(day, visits=tuple(_any_window(visit) for visit in day.visits))
    since = time.perf_counter()
    promised, booked, turned_away = taken(free)
    asked = time.perf_counter() - since
    kept, improved, improved_turned_away = taken(free, tidy_every=tidy_every)
    planned = solve(promised, Budget(seconds=seconds), seed=seed, start=booked).plan
    kept_planned = solve(kept, Budget(seconds=seconds), seed=seed, start=improved).plan
    hindsight = solve(free, Budget(seconds=seconds), seed=seed).plan
    rows = {
        "booked": (promised, booked),
        "planned": (promised, planned),
        "improved": (kept, improved),
        "improved_planned": (kept, kept_planned),
        "hindsight": (free, hindsight),
    }
    found: dict[str, object] = {
        "seed": seed,
        "visits": visits,
        "technicians": technicians,
        "seconds": seconds,
        "tidy_every": tidy_every,
        "turned_away": turned_away,
        "improved_turned_away": improved_turned_away,
        "booking_seconds": round(asked, 2),
    }
    for name, (problem, plan) in rows.items():
        found[f"{name}_cents"] = sum(cost(problem, plan).values())
        found[f"{name}_served"] = sum(len(route.stops) for route in plan.routes)
    return found


def _any_window(visit: Visit) -> Visit:
    """A visit whose customer takes any of the windows."""
    return replace(visit, windows=WINDOWS, optional=False)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure every seed, write one row each and print the gap."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=300)
    parser.add_argument("--technicians", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--tidy-every", type=int, help="calls between two tidyings; usually those of 30 s")
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args(argv)
    every = args.tidy_every or tidied_every(args.visits)
    for seed in range(args.first, args.first + args.seeds):
        row = measured(seed, args.visits, args.technicians, args.seconds, every)
        with args.out.open("a", encoding="utf-8") as out:
            out.write(json.dumps({"measure": "offer quality", **row, **tail()}) + "\n")
        print(json.dumps(row), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
