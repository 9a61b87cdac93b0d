"""
VROOM's JSON input as a day: vehicles are technicians, jobs are optional visits, one cost unit is one cent.

Told: skills, several windows, one window per break, amounts, set-up at places that nobody else needs,
priorities, open starts and ends, matrices of one profile with its costs; descriptions are names. Times may be
seconds of any day or moments of the Unix epoch. Leaving a job out costs more than any detour, and the more
the higher its priority. Everything else in a file is refused with its name (``UntoldField``).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import zip_longest
from typing import Any

from optimizer.objectives.travel import leg_cents
from optimizer.problem import Break, Matrix, Policy, Problem, Technician, Visit, Window
from optimizer.readers.errors import UntoldField
from optimizer.readers.fields import REMEDY, Node, node, wholes, wrong
from optimizer.readers.vroom_places import Places, has_costs, has_lengths
from optimizer.units import DAY, HORIZON, Cents, Seconds
from optimizer.wire import MalformedInput, parse

PLACE_OF_JOB = {"location", "location_index"}
JOB = PLACE_OF_JOB | {
    "id", "description", "setup", "service", "delivery", "pickup", "skills", "priority", "time_windows",
}  # fmt: skip
PLACES_OF_VEHICLE = {"start", "start_index", "end", "end_index"}
VEHICLE = PLACES_OF_VEHICLE | {
    "id", "description", "profile", "type", "capacity", "costs", "skills", "time_window", "breaks",
}  # fmt: skip
JOB_UNTOLD: dict[str, Any] = {"setup_per_type": {}, "service_per_type": {}, "amount": []}
VEHICLE_UNTOLD: dict[str, Any] = {
    "speed_factor": 1,
    "max_tasks": None,
    "max_travel_time": None,
    "max_distance": None,
    "steps": [],
}
PRICES = {"fixed": 0, "per_hour": 3_600, "per_km": 0, "per_task_hour": 0}
"""What a vehicle costs when the file does not say."""
EPOCH = date(1970, 1, 1)
LATEST: Seconds = 100_000_000_000
"""Moments of the epoch that are still a day of the calendar."""
WORTH, WORTH_STEP = 100_000, 990_000
"""Cents lost by leaving out a job of priority 0, and what each further step of priority adds."""
PRIORITIES = 5
HIGHEST_PRIORITY = 100


def problem_from_text(text: str, name: str = "input") -> Problem:
    """A problem out of the text of a file."""
    return problem_from_json(parse(text, name=name))


def problem_from_json(found: Any) -> Problem:
    """
    A problem out of JSON values.

    Raises
    ------
    UntoldField
        When the file holds something our model cannot tell; ``field`` names it.
    MalformedInput
        When it is not as VROOM describes its input.
    """
    document = node(found, "")
    document.require_told(("jobs", "vehicles", "matrices"), {"shipments": []})
    jobs, vehicles = document.nodes("jobs"), document.nodes("vehicles")
    for job in jobs:
        job.require_told(JOB, JOB_UNTOLD)
    for vehicle in vehicles:
        vehicle.require_told(VEHICLE, VEHICLE_UNTOLD)
    profile = _profile(vehicles)
    places = Places(document, profile, jobs=jobs, vehicles=vehicles)
    origin = _origin(jobs, vehicles)
    rank = _ranks(jobs)
    size = _amount_size(jobs, vehicles)
    crew = tuple(_technician(vehicle, places, origin, size=size) for vehicle in vehicles)
    visits = tuple(_visits(jobs, places, origin, rank=rank, starts=[technician.start for technician in crew]))
    matrix = places.matrix()
    policy = _policy(document, profile, vehicles, priorities=tuple(rank))
    _require_worth(policy, matrix)
    return Problem(EPOCH + timedelta(seconds=origin), crew, visits, matrix, policy=policy)


def _technician(vehicle: Node, places: Places, origin: Seconds, *, size: int) -> Technician:
    """One vehicle."""
    number = vehicle.whole("id")
    shift = Window(0, HORIZON)
    if "time_window" in vehicle.fields:
        shift = _window(vehicle.fields["time_window"], vehicle.where("time_window"), origin)
    capacity = vehicle.wholes("capacity")
    return Technician(
        str(number),
        vehicle.text("description", f"vehicle {number}"),
        places.of_vehicle(vehicle, "start"),
        places.of_vehicle(vehicle, "end"),
        shift,
        breaks=tuple(_break(pause, shift, origin) for pause in vehicle.nodes("breaks")),
        skills={str(skill): 1 for skill in vehicle.wholes("skills")},
        stock={_load(at): capacity[at] for at in range(size)},
    )


def _break(pause: Node, shift: Window, origin: Seconds) -> Break:
    """One rest; without a window it may begin at any time of the shift."""
    pause.require_told(("id", "description", "service", "time_windows"), {"max_load": []})
    windows = _windows(pause, origin)
    length = pause.whole("service", 0)
    if len(windows) > 1:
        raise UntoldField(pause.where("time_windows"), "a rest has one window, not several")
    if not length:
        raise UntoldField(pause.where("service"), "a rest without length would only forbid a long service")
    window = windows[0] if windows else shift
    return Break(window.start, window.end, length)


def _visits(
    jobs: Sequence[Node], places: Places, origin: Seconds, *, rank: Mapping[int, int], starts: Sequence[int]
) -> Iterator[Visit]:
    """All jobs; set-up belongs to the work where nobody else's work or start is at the same place."""
    shared = Counter(places.of_job(job) for job in jobs) + Counter(starts)
    for job in jobs:
        setup, site = job.whole("setup", 0), places.of_job(job)
        if setup and shared[site] > 1:
            cause = "it would be saved after another job or a start at the same place"
            raise UntoldField(job.where("setup"), cause, "add it to the service, or take it out")
        amounts = zip_longest(job.wholes("delivery"), job.wholes("pickup"), fillvalue=0)
        yield Visit(
            str(job.whole("id")),
            site,
            setup + job.whole("service", 0),
            _windows(job, origin),
            skills={str(skill): 1 for skill in job.wholes("skills")},
            parts={_load(at): give + take for at, (give, take) in enumerate(amounts) if give or take},
            priority=rank[job.whole("priority", 0)],
        )


def _amount_size(jobs: Sequence[Node], vehicles: Sequence[Node]) -> int:
    """Kinds of load; each is either delivered or picked up, so that a van's space is used up job by job."""
    lists = [(vehicle, "capacity") for vehicle in vehicles]
    lists += [(job, name) for job in jobs for name in ("delivery", "pickup") if name in job.fields]
    size = max((len(holder.items(name)) for holder, name in lists), default=0)
    for holder, name in lists:
        if len(holder.items(name)) != size:
            cause = f"{len(holder.items(name))} amounts where others have {size}"
            raise MalformedInput(holder.where(name), "AMOUNT_LENGTH", cause, remedy="give all of them")
    for at in range(size):
        brought = any(job.wholes("delivery")[at] for job in jobs if "delivery" in job.fields)
        for job in jobs:
            if brought and "pickup" in job.fields and job.wholes("pickup")[at]:
                cause = "a load that others deliver is picked up; space that comes free is not counted"
                raise UntoldField(job.where("pickup"), cause)
    return size


def _load(at: int) -> str:
    """Name of a kind of load."""
    return f"load {at}"


def _profile(vehicles: Sequence[Node]) -> str:
    """The one profile of all vehicles."""
    first = vehicles[0].text("profile", "car") if vehicles else "car"
    for vehicle in vehicles:
        if vehicle.text("profile", "car") != first:
            raise UntoldField(vehicle.where("profile"), "all vehicles must drive by one matrix")
    return first


def _ranks(jobs: Sequence[Node]) -> dict[int, int]:
    """Priorities of the file, in order, as our priorities from 1."""
    found: dict[int, Node] = {}
    for job in jobs:
        priority = job.whole("priority", 0)
        if not 0 <= priority <= HIGHEST_PRIORITY:
            raise wrong(job.where("priority"), f"0 to {HIGHEST_PRIORITY}")
        found.setdefault(priority, job)
    if len(found) > PRIORITIES:
        last = list(found.values())[PRIORITIES]
        raise UntoldField(last.where("priority"), f"more than {PRIORITIES} different priorities")
    return {priority: rank for rank, priority in enumerate(sorted(found), 1)}


def _policy(document: Node, profile: str, vehicles: Sequence[Node], *, priorities: tuple[int, ...]) -> Policy:
    """Prices of ways, one for all vehicles, and of jobs left out."""
    prices = [_prices(vehicle) for vehicle in vehicles] or [PRICES]
    for vehicle, price in zip(vehicles, prices, strict=False):
        if price != prices[0]:
            raise UntoldField(vehicle.where("costs"), "all vehicles must have the same prices")
        if "costs" in vehicle.fields and has_costs(document, profile):
            raise UntoldField(vehicle.where("costs"), "the matrices already hold the costs of every way")
    per_km, per_hour = prices[0]["per_km"], prices[0]["per_hour"]
    if has_costs(document, profile):
        per_km, per_hour = 1_000, 0
    elif per_km and not has_lengths(document, profile):
        raise UntoldField(vehicles[0].where("costs.per_km"), "no lengths are known", "add distances")
    worth = [WORTH + WORTH_STEP * priority for priority in priorities or (0,)]
    worth += worth[-1:] * (PRIORITIES - len(worth))
    return Policy(
        travel_cents_per_km=per_km, travel_cents_per_hour=per_hour, unserved_cents_by_priority=tuple(worth)
    )


def _prices(vehicle: Node) -> dict[str, Cents]:
    """What a vehicle costs by name of the price."""
    costs = vehicle.node("costs")
    costs.require_told(("per_hour", "per_km"), {"fixed": 0, "per_task_hour": 0})
    return {name: costs.whole(name, default) for name, default in PRICES.items()}


def _require_worth(policy: Policy, matrix: Matrix) -> None:
    """Refuse ways so dear that a job might be left out to save one."""
    longest = max((max(row, default=0) for row in matrix.seconds), default=0)
    farthest = max((max(row, default=0) for row in matrix.metres), default=0)
    if 2 * leg_cents(policy, longest, farthest) >= WORTH:
        cause = f"a way may cost more than {WORTH // 2}, so that leaving a job out could be cheaper"
        raise UntoldField("matrices", cause, "leave places out that cannot be reached, or scale costs down")


def _origin(jobs: Sequence[Node], vehicles: Sequence[Node]) -> Seconds:
    """Midnight of the first moment, when moments are too late to be seconds of one plan day."""
    windows = [window for holder in jobs for window in _windows(holder, 0)]
    for vehicle in vehicles:
        windows += [window for pause in vehicle.nodes("breaks") for window in _windows(pause, 0)]
        if "time_window" in vehicle.fields:
            windows.append(_window(vehicle.fields["time_window"], vehicle.where("time_window"), 0))
    if max((window.end for window in windows), default=0) <= HORIZON:
        return 0
    origin = min(window.start for window in windows) // DAY * DAY
    if not 0 <= origin <= LATEST:
        raise MalformedInput("time_windows", "TIME_OUT_OF_RANGE", f"{origin} is no moment", remedy=REMEDY)
    return origin


def _windows(holder: Node, origin: Seconds) -> tuple[Window, ...]:
    """The windows of a job or a rest."""
    path = holder.where("time_windows")
    return tuple(
        _window(pair, f"{path}[{at}]", origin) for at, pair in enumerate(holder.items("time_windows"))
    )


def _window(pair: Any, path: str, origin: Seconds) -> Window:
    """One window, a list of two moments."""
    moments = wholes(pair, path)
    if len(moments) != 2:
        raise wrong(path, "two moments")
    return Window(moments[0] - origin, moments[1] - origin)
