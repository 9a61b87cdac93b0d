"""What is put to a day's booking oracle: a visit, or a crew; and the open day that answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from dispatch.planning import crews
from dispatch.planning.load import Load
from dispatch.planning.places import Places
from dispatch.planning.problem import Built
from dispatch.planning.refusing import Closed, is_simple
from dispatch.travel import TravelTimes
from optimizer import meeting
from optimizer.booking import Effort, Quoting, SiteTravel
from optimizer.meeting import Crew, CrewOffer
from optimizer.offers import asked, with_site
from optimizer.oracle import Offer, Refusal
from optimizer.plan import Plan
from optimizer.problem import Problem, Window
from optimizer.problem import Visit as Job

MAKING_ROOM = Effort(rounds=2_000)
"""How long room is searched for: in iterations, so that the same day gives the same answer."""


@dataclass(frozen=True, slots=True)
class OpenDay:
    """A day's routes, read once: what waits without any route is not among its visits."""

    built: Built
    oracle: Quoting
    source: TravelTimes
    """Where its travel times come from, told apart by identity."""
    load: Load
    stored: Plan
    """The routes as the database holds them: nothing held is on them, nor changed to make room for it."""
    is_free: bool
    """Whether rules and room are all that can stand in the way of a visit."""


@dataclass(frozen=True, slots=True)
class Question:
    """A visit put to the oracle of a day; ``site`` when the day does not know its address yet."""

    day: OpenDay
    job: Job
    places: Places
    site: SiteTravel | None = None
    closed: Closed = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        read = partial(with_site, self.day.oracle.problem, self.job, self.site)
        object.__setattr__(self, "closed", Closed(read))

    @property
    def people(self) -> int:
        """How many it takes."""
        return 1

    def quote(self, windows: Sequence[Window]) -> Sequence[Offer]:
        """Return the cheapest offer per window."""
        return self.day.oracle.quote(self.job, windows, site=self.site)

    def reopen(self, window: Window) -> Offer | None:
        """Make room in a window by changing the nearest routes, all their visits kept; None where none is."""
        return self.day.oracle.reopen(self.job, window, site=self.site, effort=MAKING_ROOM)

    def is_about_room(self, window: Window) -> bool:
        """Tell whether no rule keeps everybody away, so that it may be worth looking for room."""
        return self.closed.is_about_room(window)

    def closed_because(self, window: Window) -> list[Refusal]:
        """Return why each technician cannot come in a window that has no quote, without opening any route."""
        return self.closed.because([window])

    def refusals(self, windows: Sequence[Window]) -> list[Refusal]:
        """Return why each technician cannot come in any of the windows, for which there was no quote."""
        if self.day.is_free and is_simple(self.closed.problem, self.closed.visit):
            return self.closed.because(windows)
        return self.day.oracle.refusals(self.job, windows, site=self.site)

    def taken(self, offer: Offer) -> Plan:
        """Return the day's plan with the offer taken; the open day stays as it is."""
        return self.day.oracle.taken(offer, site=self.site)

    def problem_with(self, offer: Offer) -> Problem:
        """Return the day's problem with the visit in the window offered."""
        return asked(self.closed.problem, self.closed.visit, offer.window)[0]


@dataclass(frozen=True, slots=True)
class CrewQuestion(Question):
    """
    A crew put to the oracle of a day; ``job`` is its leader's, ``crew`` everybody's.

    No routes are changed for it: it meets where there is room as the day stands, or in a new plan.
    """

    crew: Crew = field(kw_only=True)

    @property
    def people(self) -> int:
        """How many it takes."""
        return len(self.crew.seats)

    def quote(self, windows: Sequence[Window]) -> Sequence[Offer]:
        """Return the cheapest way to meet per window."""
        return meeting.quote(self.day.oracle, self.crew, windows, site=self.site)

    def reopen(self, window: Window) -> Offer | None:
        """Return None: no room is made for a crew by moving others."""
        del window
        return None  # the answer, not the lack of one

    def is_about_room(self, window: Window) -> bool:
        """Tell that a search would find nothing."""
        del window
        return False

    def closed_because(self, window: Window) -> list[Refusal]:
        """Return why nobody leads it, and who has no room when the rest has."""
        return crews.nobody_along(self.closed.problem, self.closed.because([window]))

    def refusals(self, windows: Sequence[Window]) -> list[Refusal]:
        """Return why nobody leads it, and who has no room when the rest has."""
        return crews.nobody_along(
            self.closed.problem, self.day.oracle.refusals(self.job, windows, site=self.site)
        )

    def taken(self, offer: Offer) -> Plan:
        """Return the day's plan with everybody on it; the open day stays as it is."""
        return self._with(offer)[1]

    def problem_with(self, offer: Offer) -> Problem:
        """Return the day's problem with everybody at the moment offered."""
        return self._with(offer)[0]

    def _with(self, offer: Offer) -> tuple[Problem, Plan]:
        if not isinstance(offer, CrewOffer):
            raise TypeError("a crew takes offers that were made to a crew")
        return meeting.plan_with(self.day.oracle, offer, site=self.site)


def put(opened: OpenDay, jobs: Sequence[Job], places: Places, site: SiteTravel | None) -> Question:
    """Put one visit, or those of a crew with the leader's first."""
    if len(jobs) == 1:
        return Question(opened, jobs[0], places, site)
    crew = crews.asked_for(jobs)
    return CrewQuestion(opened, crew.seats[0], places, site, crew=crew)


def asking_for(question: Question, technician_id: str) -> Question:
    """Return a question about one technician alone, who leads it where it takes a crew (R-306)."""
    job = replace(question.job, required_technician=technician_id)
    if not isinstance(question, CrewQuestion):
        return replace(question, job=job)
    crew = replace(question.crew, seats=(job, *question.crew.seats[1:]))
    return replace(question, job=job, crew=crew)
