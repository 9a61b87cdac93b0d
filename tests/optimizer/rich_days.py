"""
Seeded days in which every part of the model is used somewhere, of three kinds.

*tight*: short shifts, narrow windows, scarce parts; *loose*: most of it fits; *absurd*: what nobody means to
write, yet nothing that validation refuses.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from hypothesis import strategies as st

from optimizer import Break, Certificate, Matrix, Problem, Technician, Visit, Window
from optimizer.policy import Lateness, Policy, policies
from optimizer.problem import After, Depot, Traffic
from optimizer.units import DAY, HORIZON
from tests.optimizer.rich_locks import locks_of

TIGHT, LOOSE, ABSURD = "tight", "loose", "absurd"
KINDS = (TIGHT, LOOSE, ABSURD)
MINUTE, HOUR = 60, 3600
SKILLS = ("gas", "cooling", "electric")
PARTS = ("pump", "filter", "valve")
PAPERS = ("F-gas", "lift")
AREAS = ("north", "south")
ZONES = (
    (date(2026, 3, 2), None),
    (date(2026, 3, 28), "Europe/Helsinki"),
    (date(2026, 10, 24), "Europe/Berlin"),
)
"""A plain day, the eve of a day of 23 hours, and the eve of one of 25."""


def rich_day(seed: int, *, kind: str = TIGHT, visits: int = 12, technicians: int = 4) -> Problem:
    """A day of a kind with so many visits and shifts."""
    rng = random.Random(f"{seed}/{kind}/{visits}/{technicians}")
    return _Maker(rng, kind, visits, technicians).day()


def rich_days(*, most_visits: int = 16, most_technicians: int = 5) -> st.SearchStrategy[Problem]:
    """Days of all kinds, for hypothesis."""
    return st.builds(
        lambda seed, kind, visits, technicians: rich_day(
            seed, kind=kind, visits=visits, technicians=technicians
        ),
        seed=st.integers(0, 10**9),
        kind=st.sampled_from(KINDS),
        visits=st.integers(5, most_visits),
        technicians=st.integers(1, most_technicians),
    )


class _Maker:
    """One day in the making."""

    def __init__(self, rng: random.Random, kind: str, visits: int, technicians: int) -> None:
        self.rng, self.kind = rng, kind
        self.visits, self.shifts = visits, technicians
        self.first_day, self.zone = rng.choice(ZONES)
        self.days = rng.choice([1, 1, 2, 3])
        self.sites = max(2, int(visits * rng.choice([0.6, 0.9])))
        self.homes = max(1, technicians)
        self.depots = rng.choice([0, 1, 2])
        self.size = 1 + self.homes + self.depots + self.sites

    def chance(self, share: float) -> bool:
        """Whether something of this share happens."""
        return self.rng.random() < share

    def day(self) -> Problem:
        """The whole problem."""
        self.empty = Problem(self.first_day, (), (), Matrix((), ()), zone=self.zone)
        crew = tuple(self._crew())
        problem = Problem(
            self.first_day,
            crew,
            self._tied(tuple(self._visit(number, crew) for number in range(self.visits)), crew),
            self._roads(),
            policy=self._policy(),
            depots=tuple(self._depot(number) for number in range(self.depots)),
            traffic=self._traffic() if self.chance(0.3) else None,
            zone=self.zone,
        )
        return problem.with_locks(locks_of(self.rng, problem, is_wild=self.kind == ABSURD))

    def _roads(self) -> Matrix:
        """Asymmetric travel; some places lie on top of one another, absurd ones a day away."""
        rng = self.rng
        points = [(rng.randrange(30), rng.randrange(30)) for _ in range(self.size)]
        seconds = [
            [
                0 if a == b else 45 * (abs(p[0] - q[0]) + abs(p[1] - q[1])) + rng.randrange(90)
                for b, q in enumerate(points)
            ]
            for a, p in enumerate(points)
        ]
        if self.kind == ABSURD:
            for _ in range(self.size):
                a, b = rng.randrange(self.size), rng.randrange(self.size)
                seconds[a][b] = rng.choice([0, 0, 5 * HOUR, DAY, HORIZON])
        metres = [[min(cell * rng.randrange(8, 14), 40_000_000) for cell in row] for row in seconds]
        return Matrix(seconds, metres)  # type: ignore[arg-type]  # rows become tuples

    def _traffic(self) -> Traffic:
        """Two or three zones whose ways are slow in the morning and in the afternoon."""
        rng = self.rng
        zones = rng.choice([1, 2, 3])
        hours = []
        for hour in range(24):
            base = 150 if hour in {7, 8, 16, 17} else 100
            hours.append(
                tuple(tuple(base + rng.randrange(-25, 60) for _ in range(zones)) for _ in range(zones))
            )
        return Traffic(tuple(rng.randrange(zones) for _ in range(self.size)), tuple(hours))

    def _policy(self) -> Policy:
        """One of the product's policies, now and then with prices of its own."""
        rng = self.rng
        chosen = policies()[rng.choice(sorted(policies()))]
        if self.kind == ABSURD and self.chance(0.3):
            return replace(
                chosen,
                travel_cents_per_hour=rng.choice([0, 50_000]),
                travel_cents_per_km=rng.choice([0, 7]),
                overtime_cents_per_minute=rng.choice([0, 7, 1_000]),
                lateness=rng.choice([(), (Lateness(60, 11), Lateness(0, 7))]),
                unserved_cents_by_priority=rng.choice([(0, 0, 0, 0, 0), (1, 2, 3, 4, 5)]),
            )
        return replace(chosen, fairness_cents=rng.choice([0, 60, 77])) if self.chance(0.3) else chosen

    def _depot(self, number: int) -> Depot:
        rng = self.rng
        most = {TIGHT: 5, LOOSE: 12, ABSURD: 1}[self.kind]
        stock = {part: rng.randrange(most + 1) for part in PARTS if self.chance(0.8)}
        return Depot(f"d{number}", 1 + self.homes + number, rng.choice([0, 5, 12]) * MINUTE, stock)

    def _crew(self) -> Iterator[Technician]:
        """Shifts of people who work once, twice a day, or on several days."""
        number = person = 0
        while number < self.shifts:
            home = 1 + person % self.homes
            plain = self._person(person, home)
            spells = list(self._spells())[: self.shifts - number]
            for spell, (begin, end) in enumerate(spells):
                name = plain.id if len(spells) == 1 and self.chance(0.7) else f"{plain.id}.{spell}"
                yield self._shift(
                    replace(plain, id=name, person=plain.id if name != plain.id else None), begin, end
                )
                number += 1
            person += 1

    def _spells(self) -> Iterator[tuple[int, int]]:
        """Beginning and end of one person's shifts."""
        rng = self.rng
        for number in sorted(rng.sample(range(self.days), rng.randrange(1, self.days + 1))):
            begin = self.empty.midnight(number) + 7 * HOUR + 30 * MINUTE * rng.randrange(4)
            long = {
                TIGHT: rng.randrange(5, 9),
                LOOSE: rng.randrange(7, 11),
                ABSURD: rng.choice([0, 1, 9, 20]),
            }
            end = begin + long[self.kind] * HOUR
            if self.chance(0.25) and end - begin >= 3 * HOUR:
                noon = (begin + end) // 2
                yield begin, noon
                yield noon + rng.choice([0, 1, 2]) * HOUR, end + HOUR
            else:
                yield begin, end

    def _person(self, number: int, home: int) -> Technician:
        """What all shifts of one person share."""
        rng = self.rng
        until = self.first_day + timedelta(rng.choice([-2, 0, 1, 40]))
        papers = [Certificate(code, date(2026, 1, 1), until) for code in PAPERS if self.chance(0.7)]
        return Technician(
            f"t{number}",
            f"Technician {number}",
            home,
            rng.choice([0, home, home]),
            Window(0, 0),
            skills={skill: rng.randrange(4) for skill in SKILLS},
            certificates=tuple(papers),
            stock={part: rng.randrange({TIGHT: 4, LOOSE: 6, ABSURD: 2}[self.kind]) for part in PARTS},
            territories=frozenset(rng.choice([(), (), ("north",), AREAS])),
            longest_way=rng.choice([None, None, None, 30 * MINUTE, 60 * MINUTE]),
            worked=rng.choice([0, 5, 20]) * HOUR,
        )

    def _shift(self, plain: Technician, begin: int, end: int) -> Technician:
        """One shift with its breaks."""
        rng = self.rng
        breaks: list[Break] = []
        if end - begin >= 4 * HOUR and self.chance(0.6):
            first = begin + 2 * HOUR
            breaks.append(
                Break(first, first + rng.choice([0, 1, 2]) * HOUR, rng.choice([20, 30, 45]) * MINUTE)
            )
            if self.chance(0.4):
                tea = first + 3 * HOUR
                breaks.append(Break(tea, tea + rng.choice([0, 40]) * MINUTE, 15 * MINUTE))
        return replace(
            plain,
            shift=Window(begin, end),
            overtime=rng.choice([0, 0, HOUR]),
            breaks=tuple(breaks),
            earliest_departure=begin + 45 * MINUTE if self.chance(0.15) else None,
        )

    def _windows(self) -> tuple[Window, ...]:
        """None to three intervals on the days of the plan."""
        rng = self.rng
        widths = {TIGHT: [1, 2], LOOSE: [3, 5, 9], ABSURD: [0, 1, 30]}[self.kind]
        found = []
        for _ in range(rng.choice({TIGHT: [1, 1, 2, 3], LOOSE: [0, 0, 1, 2], ABSURD: [0, 1, 3]}[self.kind])):
            hours = [7, 11, 15] if self.kind == LOOSE else list(range(7, 15))
            hours = [0, 8, 14, 23] if self.kind == ABSURD else hours
            opens = self.empty.midnight(rng.randrange(self.days)) + rng.choice(hours) * HOUR
            found.append(Window(opens, opens + rng.choice(widths) * HOUR))
        return tuple(found)

    def _visit(self, number: int, crew: tuple[Technician, ...]) -> Visit:
        """One visit without what ties it to others."""
        rng = self.rng
        names = sorted({technician.id for technician in crew} | {technician.who for technician in crew})
        length = rng.randrange(10, 75) * MINUTE
        if self.kind == ABSURD:
            length = rng.choice([0, length, length, 11 * HOUR])
        late = self.empty.midnight(rng.randrange(self.days)) + rng.randrange(8, 18) * HOUR
        return Visit(
            f"v{number}",
            1 + self.homes + self.depots + rng.randrange(self.sites),
            length,
            self._windows(),
            window_end=rng.choice(["start", "start", "arrival", "finish"]),
            durations={rng.choice(names): length // 2 + MINUTE} if self.chance(0.2) else {},
            setup=rng.choice([0, 0, 5, 10]) * MINUTE,
            skills={rng.choice(SKILLS): rng.randrange(1, 3)} if self.chance(0.3) else {},
            certificates=frozenset({rng.choice(PAPERS)} if self.chance(0.1) else ()),
            parts={rng.choice(PARTS): rng.randrange(1, 3) for _ in range(2)} if self.chance(0.25) else {},
            territory=rng.choice([None, None, *AREAS]),
            priority=rng.randrange(1, 6),
            optional=self.chance(0.9),
            courtesy=self.chance(0.08),
            respond_by=late if self.chance(0.15) else None,
            resolve_by=late + HOUR if self.chance(0.15) else None,
            excluded_technicians=frozenset({rng.choice(names)} if self.chance(0.1) else ()),
            required_technician=rng.choice(names) if self.chance(0.06) else None,
            preferred_technicians=frozenset([rng.choice(names)] if self.chance(0.2) else ()),
            previous_technician=rng.choice(names) if self.chance(0.3) else None,
            announced=late + rng.randrange(120) * MINUTE if self.chance(0.2) else None,
        )

    def _tied(self, visits: tuple[Visit, ...], crew: tuple[Technician, ...]) -> tuple[Visit, ...]:
        """The visits with teams, precedence and groups of one hand; no visit is in two of them."""
        rng, found = self.rng, list(visits)
        free = list(range(len(found)))
        rng.shuffle(free)
        people = len({technician.who for technician in crew})
        for name in range(rng.choice([0, 1, 1, 2])):
            size = min(rng.choice([2, 2, 3]), people)
            if size < 2 or len(free) < size:
                break
            members = [free.pop() for _ in range(size)]
            first = found[members[0]]
            needed = {rng.choice(SKILLS): rng.randrange(1, 4)} if self.chance(0.5) else {}
            # By dice of its own, so that the rest of the day stays what it was before teams had a lead.
            dice = random.Random(f"lead {self.size}/{first.id}/{name}")
            papers = frozenset(code for code in PAPERS if dice.random() < 0.3)
            for at in members:
                same = {"location": first.location, "windows": first.windows} if self.chance(0.8) else {}
                found[at] = replace(
                    found[at], team=f"team {name}", team_skills=needed, lead_certificates=papers, **same
                )
        for _ in range(rng.choice([0, 1, 2])):
            if len(free) >= 2:
                first_at, then_at = sorted((free.pop(), free.pop()))
                wait = After(found[first_at].id, rng.choice([0, 20, 90]) * MINUTE, next_day=self.chance(0.2))
                found[then_at] = replace(found[then_at], after=(wait,))
        for name in range(rng.choice([0, 1])):
            for at in [free.pop() for _ in range(min(len(free), rng.choice([2, 3])))]:
                found[at] = replace(found[at], same_technician=f"hand {name}")
        return tuple(found)
