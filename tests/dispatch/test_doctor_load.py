"""The week ahead under the load of the last four, and limits of resolution that nobody could keep."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from dispatch import doctor
from dispatch.contracts.model import Contract
from dispatch.customers.model import Site
from dispatch.doctor.findings import Finding
from dispatch.doctor.loaded_week import WEEKS, again, loaded_week
from dispatch.doctor.week import week
from dispatch.work_orders.model import WorkOrder
from tests.builders import (
    a_contract,
    a_customer,
    a_shift,
    a_site,
    a_skill,
    a_technician,
    a_template,
    a_territory,
    a_visit,
    an_order,
    at,
)
from tests.dispatch.conftest import MovableClock


class Place:
    """A territory with one customer and a contract, and nobody on duty yet; it is Monday, eight o'clock."""

    def __init__(self, session: Session) -> None:
        self.session, self.territory = session, a_territory(session)
        self.customer = a_customer(session)
        self.site: Site = a_site(session, customer=self.customer, territory=self.territory)

    def contract(self, **limits: Any) -> Contract:
        """Limits around the clock."""
        return a_contract(self.session, customer=self.customer, **{"response_minutes": None, **limits})

    def people(self, number: int, **fields: Any) -> None:
        """Technicians on duty on Monday from eight to four."""
        for _ in range(number):
            who = a_technician(self.session, territory=self.territory, **fields)
            a_shift(self.session, who, break_minutes=0, break_earliest=None, break_latest=None)

    def asked(self, hour: float, contract: Contract | None = None, **needs: Any) -> None:
        """A request on each of the last four Mondays."""
        for number in range(1, WEEKS + 1):
            self.order(contract, needs, requested_at=at(hour, days=-7 * number))

    def order(
        self, contract: Contract | None, needs: Mapping[str, Any] | None = None, **fields: Any
    ) -> WorkOrder:
        """An order with its first visit."""
        of = contract.id if contract else None
        order = an_order(self.session, site=self.site, contract_id=of, **fields)
        a_visit(self.session, order=order, **(needs or {}))
        self.session.flush()
        return order

    def found(self) -> list[Finding]:
        """What the loaded week says."""
        return list(loaded_week(self.session))


@pytest.fixture
def place(session: Session, now: MovableClock) -> Place:
    """Nobody on duty, nothing asked."""
    return Place(session)


def test_more_requests_than_hands_miss_their_limit(place: Place) -> None:
    """R-401: three at nine o'clock, an hour to be there, one technician: two of three are late."""
    contract = place.contract(response_minutes=60)
    place.people(1)
    for _ in range(3):
        place.asked(9, contract)
    [finding] = place.found()
    assert (finding.level, finding.code) == ("warning", "LIMIT_OVERLOADED")
    assert f"{contract.number}: " in finding.message
    assert "8 of 12 would miss a limit, first on Monday 09:00" in finding.message
    assert finding in list(doctor.examine(place.session))


def test_enough_hands_keep_it(place: Place) -> None:
    contract = place.contract(response_minutes=60)
    place.people(3)
    for _ in range(3):
        place.asked(9, contract)
    assert place.found() == []


def test_a_hand_without_the_skill_is_no_help(place: Place) -> None:
    contract = place.contract(response_minutes=60)
    a_skill(place.session, code="gas")
    place.people(2, skills={})
    place.people(1, skills={"gas": 2})
    place.asked(9, contract, skills={"gas": 2})
    place.asked(9.25, contract, skills={"gas": 2})
    [finding] = place.found()
    assert "4 of 8 would miss" in finding.message


def test_what_has_a_limit_goes_before_what_has_none(place: Place) -> None:
    """R-302: the technician is free at 10:20; two requests without a limit wait longer."""
    contract = place.contract(response_minutes=120)
    place.people(1)
    for _ in range(3):
        place.asked(9)
    place.asked(9.25, contract)
    assert place.found() == []


def test_a_fault_that_takes_too_long_misses_its_resolution(place: Place) -> None:
    """R-402: there in time, but not done: 20 minutes of driving and 60 of work within 75."""
    contract = place.contract(resolution_minutes=75)
    place.people(1)
    place.asked(9, contract)
    [finding] = place.found()
    assert "4 of 4 would miss" in finding.message


def test_who_is_not_on_duty_any_more_comes_to_nobody(place: Place) -> None:
    contract = place.contract(response_minutes=240)
    place.people(1)
    place.asked(9, contract)
    place.asked(20, contract)
    [finding] = place.found()
    assert "4 of 8 would miss a limit, first on Monday 20:00" in finding.message


def test_a_crew_needs_its_hands_at_once(place: Place) -> None:
    """R-501."""
    contract = place.contract(response_minutes=60)
    place.people(2)
    place.asked(9, contract, crew_size=2)
    assert place.found() == []
    place.asked(9, contract, crew_size=2)
    [finding] = place.found()
    assert "4 of 8 would miss" in finding.message


def test_a_week_without_limits_is_no_finding(place: Place) -> None:
    place.people(1)
    place.asked(9)
    assert place.found() == []


def test_what_was_asked_at_night_is_asked_at_night_again(place: Place) -> None:
    """R-101: clocks run from the request, whenever the office opened the order."""
    contract = place.contract(response_minutes=60)
    place.people(1)
    for number in range(1, WEEKS + 1):
        place.order(contract, requested_at=at(20, days=-7 * number), opened_at=at(9, days=1 - 7 * number))
    [finding] = place.found()
    assert "4 of 4 would miss a limit, first on Monday 20:00" in finding.message


def test_called_off_orders_are_no_load_and_further_visits_are(place: Place) -> None:
    """A visit that came back at nine keeps the one technician from the request of a quarter past."""
    contract = place.contract(response_minutes=60)
    place.people(1)
    place.asked(9.25, contract)
    for number in range(1, WEEKS + 1):
        place.order(None, requested_at=at(9, days=-7 * number), state="cancelled")
    assert place.found() == []
    for number in range(1, WEEKS + 1):
        before = place.order(None, requested_at=at(4, days=-7 * number))
        a_visit(place.session, order=before, planned_start=at(9, days=-7 * number))
    place.session.flush()
    [finding] = place.found()
    assert "4 of 4 would miss" in finding.message


@pytest.mark.parametrize("days", [7, 14, 21, 28, 35])
def test_the_first_moment_of_a_week_is_of_that_week(place: Place, now: MovableClock, days: int) -> None:
    """Midnight four weeks ago is in, five weeks ago is out."""
    now.set(at(0))
    contract = place.contract(response_minutes=60)
    place.people(1)
    place.order(contract, requested_at=at(0, days=-days))
    messages = [finding.message for finding in place.found()]
    assert [("1 of 1 would miss" in each, "Monday 00:00" in each) for each in messages] == (
        [(True, True)] if days <= 28 else []
    )


def test_a_request_keeps_its_minute_over_a_change_of_the_clocks() -> None:
    zone = ZoneInfo("Europe/Helsinki")
    asked = datetime(2026, 3, 25, 9, 30, tzinfo=zone)
    back, moment = again(asked, date(2026, 3, 30), zone)
    assert (back, moment.astimezone(zone)) == (0, datetime(2026, 4, 1, 9, 30, tzinfo=zone))
    assert moment - asked.astimezone(UTC) == timedelta(days=7, hours=-1)


def test_a_long_limit_hides_no_short_one(place: Place) -> None:
    """R-401: nobody is there within the hour, whatever is agreed on for the end."""
    contract = place.contract(response_minutes=60, resolution_minutes=15 * 24 * 60)
    [finding] = [each for each in week(place.session) if each.code == "LIMIT_UNSTAFFED"]
    assert f"{contract.number}: 60 minutes of response cannot be kept" in finding.message


def test_limits_of_resolution_shorter_than_any_work_are_counted(place: Place) -> None:
    """R-402: 60 minutes of work at least, and 75 from the request until it is solved."""
    place.people(1)
    a_template(place.session, duration_minutes=60)
    contract = place.contract(resolution_minutes=75)
    [finding] = [each for each in week(place.session) if each.code == "LIMIT_UNSTAFFED"]
    asked = 336 - 16
    assert f"{contract.number}: 75 minutes of resolution cannot be kept" in finding.message
    assert f"for {asked} of {asked} half hours of the next week" in finding.message
