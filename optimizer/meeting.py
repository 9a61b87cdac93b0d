"""
Room for a crew on a day's routes: several people who begin together, each on a route of their own (R-501).

Everybody's cheapest places are asked of the booking oracle at the moments at which somebody could be there;
of each moment the cheapest different people who hold the skills together go.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from optimizer.constraints.team import lacking
from optimizer.errors import OfferGone
from optimizer.offers import Quoting, SiteTravel
from optimizer.oracle import Offer
from optimizer.plan import Plan
from optimizer.problem import Problem, Technician, Visit, Window
from optimizer.units import Cents, Seconds

PIECE, MOST_PIECES = 900, 24
"""Seconds of a window in which everybody's first start is asked for, and at most so many pieces of one."""
MOST_MOMENTS = 48
"""Moments tried in one window, spread over those at which somebody could begin."""
CHEAPEST = 6
"""So many of the cheapest people are tried for a seat, and so many who hold each skill that is wanted."""


@dataclass(frozen=True, slots=True)
class CrewOffer(Offer):
    """
    An offer for a whole crew: technician, place and times are the leader's, the cost is everybody's.

    seats
        The offers of all, the leader's first, each for the very moment at which they meet.
    """

    seats: tuple[Offer, ...] = ()


@dataclass(frozen=True, slots=True)
class Crew:
    """
    Who is wanted: visits of one place and length without skills of their own, the leader's first.

    skills
        Skill to the level that somebody of the crew must hold.
    """

    seats: tuple[Visit, ...]
    skills: Mapping[str, int]


def quote(
    desk: Quoting, crew: Crew, windows: Sequence[Window], *, site: SiteTravel | None = None
) -> list[CrewOffer]:
    """Return the cheapest way for a crew to meet in each window, dearest last; none where it cannot."""
    pieces = [piece for window in windows for piece in _pieces(window)]
    firsts = _offers(desk, _stand_ins(crew), pieces, site)
    starts = {offer.start for offers in firsts.values() for offer in offers}
    found = []
    for window in windows:
        moments = _spread(sorted(at for at in starts if window.start <= at <= window.end))
        best = _best(desk, crew, [Window(at, at) for at in moments], site)
        if best is not None:
            found.append(_offer(window, best))
    return sorted(found, key=lambda offer: (offer.extra_cost, offer.start, offer.window.start))


def seats_of(offer: Offer) -> tuple[Offer, ...]:
    """Return the offers of everybody who goes, the leader's first."""
    return offer.seats if isinstance(offer, CrewOffer) else (offer,)


def taken(desk: Quoting, offer: CrewOffer, *, site: SiteTravel | None = None) -> Quoting:
    """
    Return the oracle with a crew's offer taken; the one that was asked stays as it is.

    Raises ``OfferGone`` when the routes have changed since.
    """
    changed = desk.copy()
    new = len(desk.problem.matrix.seconds)
    for number, seat in enumerate(offer.seats):
        if seat.visit is None:
            raise OfferGone("the offer names no visit", "commit an offer that quote returned")
        if site is None or number == 0:
            changed.commit(seat, site=site)
        else:  # the first one has put the address into the problem
            changed.commit(replace(seat, visit=replace(seat.visit, location=new)))
    return changed


def plan_with(desk: Quoting, offer: CrewOffer, *, site: SiteTravel | None = None) -> tuple[Problem, Plan]:
    """Return problem and plan with a crew's offer taken."""
    changed = taken(desk, offer, site=site)
    return changed.problem, changed.plan


def _stand_ins(crew: Crew) -> list[Visit]:
    """Return for each seat the visit that is asked about: members who want the same are asked about once."""
    lead, *members = crew.seats
    asked: dict[object, Visit] = {}
    return [lead, *(asked.setdefault(_wish(seat), seat) for seat in members)]


def _wish(seat: Visit) -> object:
    return seat.required_technician, seat.certificates, tuple(sorted(seat.parts.items()))


def _offers(
    desk: Quoting, seats: Sequence[Visit], windows: Sequence[Window], site: SiteTravel | None
) -> dict[str, list[Offer]]:
    """Everybody's offers in each window, by the visit asked about."""
    different = {seat.id: seat for seat in seats}
    return {
        name: desk.quote(seat, windows, site=site, each_technician=True) for name, seat in different.items()
    }


def _pieces(window: Window) -> list[Window]:
    """A window cut into pieces, so that each one tells when somebody could begin in it."""
    step = max(PIECE, -(-(window.end - window.start) // MOST_PIECES))
    starts = range(window.start, max(window.end, window.start + 1), step)
    return [Window(at, window.end if at == starts[-1] else at + step - 1) for at in starts]


def _spread(starts: Sequence[Seconds]) -> list[Seconds]:
    """At most so many moments as are tried, the first and the last among them."""
    if len(starts) <= MOST_MOMENTS:
        return list(starts)
    step = (len(starts) - 1) / (MOST_MOMENTS - 1)
    return [starts[round(number * step)] for number in range(MOST_MOMENTS)]


def _best(
    desk: Quoting, crew: Crew, moments: Sequence[Window], site: SiteTravel | None
) -> tuple[Offer, ...] | None:
    """The cheapest crew at any of some moments, the earliest of equals."""
    if not moments:
        return None
    seats = _stand_ins(crew)
    offers = {
        seat.id: desk.quote(seat, moments, site=site, each_technician=True)
        for seat in {s.id: s for s in seats}.values()
    }
    best: tuple[Cents, Seconds, tuple[Offer, ...]] | None = None
    for moment in moments:
        there = [
            [replace(offer, visit=seat) for offer in offers[asked.id] if offer.window == moment]
            for seat, asked in zip(crew.seats, seats, strict=True)
        ]
        found = _gathered(desk.problem, crew, there)
        cost = sum(offer.extra_cost for offer in found) if found else 0
        if found and (best is None or cost < best[0]):
            best = (cost, moment.start, found)
    return best[2] if best is not None else None


def _gathered(problem: Problem, crew: Crew, there: Sequence[Sequence[Offer]]) -> tuple[Offer, ...] | None:
    """The cheapest different people at one moment who hold the skills together, by branch and bound."""
    people = {technician.id: technician for technician in problem.technicians}
    wanted = replace(crew.seats[0], team_skills=crew.skills)
    everybody = {offer.technician_id for offers in there for offer in offers}
    if lacking(problem, [people[name] for name in sorted(everybody)], [wanted]):
        return None
    choices = [_few(offers, people, crew.skills) for offers in there]
    best: tuple[Cents, tuple[Offer, ...]] | None = None
    stack: list[tuple[Cents, tuple[Offer, ...]]] = [(0, ())]
    while stack:
        cost, chosen = stack.pop()
        if best is not None and cost >= best[0]:
            continue
        if len(chosen) == len(there):
            if not lacking(problem, [people[offer.technician_id] for offer in chosen], [wanted]):
                best = (cost, chosen)
            continue
        busy = {people[offer.technician_id].who for offer in chosen}
        free = [o for o in choices[len(chosen)] if people[o.technician_id].who not in busy]
        stack += [(cost + offer.extra_cost, (*chosen, offer)) for offer in reversed(free)]
    return best[1] if best is not None else None


def _few(offers: Sequence[Offer], people: Mapping[str, Technician], skills: Mapping[str, int]) -> list[Offer]:
    """The cheapest offers, and the cheapest of those who hold each skill, in order of price."""
    ordered = sorted(offers, key=lambda offer: (offer.extra_cost, offer.technician_id))
    kept = ordered[:CHEAPEST]
    for skill, level in sorted(skills.items()):
        able = [o for o in ordered if people[o.technician_id].skills.get(skill, 0) >= level]
        kept += [offer for offer in able[:CHEAPEST] if offer not in kept]
    return sorted(kept, key=lambda offer: (offer.extra_cost, offer.technician_id))


def _offer(window: Window, seats: tuple[Offer, ...]) -> CrewOffer:
    lead = seats[0]
    cost = sum(seat.extra_cost for seat in seats)
    return CrewOffer(
        window, cost, lead.technician_id, lead.position, lead.arrival, lead.start, 0, lead.visit, seats
    )
