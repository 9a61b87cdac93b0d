"""Days as large as a region: the company is plannable, and what is measured is judged."""

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from benchmarks.company import TOWNS, fill
from benchmarks.page import ASIDE
from benchmarks.scale import one
from dispatch import travel
from dispatch.planning import problem
from dispatch.planning.days import day_of
from dispatch.settings import Settings
from optimizer import validate
from optimizer.decompose import cut
from tests.dispatch.conftest import MovableClock, now

__all__ = ["now"]


def test_a_company_of_four_towns_is_cut_into_its_towns(session: Session, now: MovableClock) -> None:
    midnight = datetime(2026, 3, 3, tzinfo=UTC)
    region = fill(session, midnight, visits=80, technicians=24, seed=1)
    travel.configure(Settings(travel="geodesic"))
    day = problem.build(session, day_of(session, region, midnight.date()), travel.times()).problem
    assert (len(day.visits), len(day.technicians)) == (80, 24)
    assert [finding for finding in validate(day) if finding.severity == "error"] == []
    parts = cut(day, 20)
    assert [(len(part.visits), len(part.technicians)) for part in parts] == [(20, 6)] * len(TOWNS)


def test_a_day_in_one_process_is_measured_and_judged() -> None:
    row = one(60, 8, seconds=1.0, seed=1)
    assert row["violations"] == 0
    assert row["served"] > 40
    assert 0 <= row["first_plan_seconds"] <= row["wall_seconds"]
    assert row["rss_mb"] > 50


def test_rows_of_scale_stay_off_the_page_of_contests() -> None:
    assert "scale" in ASIDE
