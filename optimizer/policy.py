"""What things cost: the named settings of a policy, and the policies that come with the product."""

import tomllib
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Any

from optimizer.errors import OptimizerError
from optimizer.units import Cents, Seconds

FILE = "policies.toml"


class UnknownPolicy(OptimizerError):
    """A policy is asked for that does not exist."""

    code: str = "UNKNOWN_POLICY"


@dataclass(frozen=True, slots=True)
class Lateness:
    """
    What an hour of lateness costs from some lateness on, beyond what it costs before.

    after
        Lateness from which it counts.
    cents_per_hour
        Price of an hour, on top of the prices that begin earlier.
    """

    after: Seconds
    cents_per_hour: Cents


@dataclass(frozen=True, slots=True)
class Policy:
    """
    What things cost, in cents; the engine makes the sum as small as it can.

    travel_cents_per_km
        Vehicle cost of a kilometre.
    travel_cents_per_hour
        Cost of an hour on the road.
    overtime_cents_per_minute
        Surcharge for a minute after the end of the shift.
    unserved_cents_by_priority
        Price of leaving out a visit of priority 1, 2, 3, 4, 5.
    mandatory_unserved_cents
        Price of leaving out a mandatory or locked visit, beyond that of its priority; above all others.
    courtesy_cents
        Worth of a courtesy call, that is, the dearest detour it may take.
    changed_technician_cents
        Price of sending another technician than the published plan named.
    retold_cents
        Price of telling a customer another time than announced.
    retold_after
        How far service may move from the announced time without telling the customer (R-302).
    lateness
        Price of each visit's lateness beyond its limits of response and resolution, step on step.
    not_preferred_cents
        Price of sending somebody else than a preferred technician.
    overqualified_cents
        Price of each level of a required skill that the technician holds beyond what the visit demands.
    fairness_cents
        Price of working hours by their square: from 5 to 6 hours 11 times this price.
    """

    travel_cents_per_km: Cents = 30
    travel_cents_per_hour: Cents = 3_000
    overtime_cents_per_minute: Cents = 100
    unserved_cents_by_priority: tuple[Cents, ...] = (20_000, 40_000, 80_000, 200_000, 600_000)
    mandatory_unserved_cents: Cents = 5_000_000
    courtesy_cents: Cents = 1_000
    changed_technician_cents: Cents = 2_000
    retold_cents: Cents = 1_500
    retold_after: Seconds = 900
    lateness: tuple[Lateness, ...] = (Lateness(0, 6_000), Lateness(3_600, 12_000))
    not_preferred_cents: Cents = 1_000
    overqualified_cents: Cents = 100
    fairness_cents: Cents = 0


@cache
def policies() -> dict[str, Policy]:
    """The policies that come with the product, by name."""
    found = tomllib.loads(files("optimizer").joinpath(FILE).read_text(encoding="utf-8"))
    return {name: _policy(values) for name, values in found.items()}


def policy(name: str) -> Policy:
    """Return a policy of the product; raises ``UnknownPolicy``."""
    if name not in policies():
        raise UnknownPolicy(f"no policy is called {name!r}", f"use one of: {', '.join(policies())}")
    return policies()[name]


def _policy(values: dict[str, Any]) -> Policy:
    """One table of the file; every setting must be there, so that a file says all that counts."""
    values = {key: value for key, value in values.items() if key != "meaning"}
    values["unserved_cents_by_priority"] = tuple(values["unserved_cents_by_priority"])
    values["lateness"] = tuple(Lateness(**step) for step in values["lateness"])
    if missing := {spec.name for spec in fields(Policy)} - values.keys():
        raise ValueError(f"{FILE} lacks {', '.join(sorted(missing))}")
    return Policy(**values)


def meanings() -> dict[str, str]:
    """What each policy is for."""
    found = tomllib.loads(files("optimizer").joinpath(FILE).read_text(encoding="utf-8"))
    return {name: str(values["meaning"]) for name, values in found.items()}
