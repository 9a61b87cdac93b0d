"""How a company promises and replans: read from a file, or shipped."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path

from dispatch.errors import Invalid
from dispatch.planning.rules import OfferPolicy, SlotGrid
from optimizer.policy import policies

SHIPPED = ("careful", "tight")
REPLANS = ("never", "trouble", "danger")
RANGES: dict[str, tuple[float, float]] = {
    "window_hours": (1, 8),
    "least_chance": (0, 1),
    "broken_promise_minor": (0, 1_000_000),
    "full_slot_minor": (0, 1_000_000),
    "reserve_percent": (0, 50),
    "iterations": (50, 100_000),
}


class ReplayPolicyInvalid(Invalid):
    """A policy of a simulation cannot be read, or holds what no policy may."""

    code = "REPLAY_POLICY_INVALID"
    remedy = "Start from `truckroll simulate --show careful`, and keep names and ranges."


@dataclass(frozen=True, slots=True)
class ReplayPolicy:
    """
    How windows are promised, and when a day is planned anew.

    prices
        Name of the planning engine's policy.
    window_hours, least_chance, broken_promise_minor, full_slot_minor
        Which windows are offered, and which come first (R-303).
    reserve_percent
        R-308: share of the day that only emergencies are offered.
    replan
        ``never``; ``trouble``: when an emergency comes or somebody falls ill; ``danger``: also when a promise
        will probably break.
    iterations
        How long the engine thinks, so that the same seed gives the same figures.
    """

    name: str
    meaning: str
    prices: str = "standard"
    window_hours: int = 2
    least_chance: float = 0.6
    broken_promise_minor: int = 5_000
    full_slot_minor: int = 500
    reserve_percent: int = 15
    replan: str = "danger"
    iterations: int = 1_000

    @property
    def offers(self) -> OfferPolicy:
        """Which windows are offered."""
        grid = SlotGrid(8, 18, self.window_hours)
        return OfferPolicy(self.least_chance, self.broken_promise_minor, self.full_slot_minor, grid)


def read_policy(named: str) -> ReplayPolicy:
    """Read a shipped policy by name, or a file; ``ReplayPolicyInvalid`` names what is wrong."""
    if named in SHIPPED:
        return _parsed(shipped_text(named), named)
    path = Path(named)
    try:
        return _parsed(path.read_text(encoding="utf-8"), path.stem)
    except (OSError, UnicodeDecodeError) as error:
        raise ReplayPolicyInvalid(f"{named[:200]} cannot be read") from error


def shipped_text(name: str) -> str:
    """Return the file of a shipped policy, to start an own one from."""
    return (files("dispatch.simulation.replay") / f"{name}.toml").read_text(encoding="utf-8")


def _parsed(text: str, name: str) -> ReplayPolicy:
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ReplayPolicyInvalid(f"{name}: {error}") from error
    known = {field.name: field for field in fields(ReplayPolicy)}
    for key, value in given.items():
        if key not in known or key == "name":
            raise ReplayPolicyInvalid(f"{name}: there is no {key[:64]!r} in a policy")
        _check(name, key, value)
    return ReplayPolicy(**{"meaning": "", **given, "name": name})


def _check(name: str, key: str, value: object) -> None:
    if key in RANGES:
        least, most = RANGES[key]
        kinds = (int, float) if key == "least_chance" else (int,)
        is_number = isinstance(value, kinds) and not isinstance(value, bool)
        if not is_number or not least <= float(str(value)) <= most:
            raise ReplayPolicyInvalid(f"{name}: {key} takes {least:g} to {most:g}")
        return
    allowed = {"replan": REPLANS, "prices": tuple(policies())}.get(key)
    if not isinstance(value, str) or (allowed is not None and value not in allowed):
        raise ReplayPolicyInvalid(f"{name}: {key} takes {', '.join(allowed or ('a text',))}")
