"""
How drives and repairs of the last months differed from what was planned: the spread that chances rest on.

Means and deviations are drawn towards usual ones until there are enough visits, so that a young company's
first odd days do not rule its promises.
"""

from __future__ import annotations

import time
import uuid
from datetime import datetime, timedelta
from threading import Lock

from sqlalchemy import text
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.planning.chances import Spread

MEASURED_DAYS = 90
WEIGHT = 40
"""So many visits weigh as much as what is usual."""
FRESH_SECONDS = 900.0
LEAST_FACTOR, MOST_FACTOR = 0.1, 5.0
"""Factors outside are slips of a finger, not work."""

_STATEMENT = text("""
with seen as (
    select extract(epoch from v.finished_at - v.started_at) - v.paused_seconds as worked,
        60.0 * v.duration_minutes as planned, extract(epoch from v.arrived_at - v.travelling_at) as driven,
        s.travel_seconds as way
    from visit v join work_order w on w.id = v.work_order_id
    left join lateral (
        select p.travel_seconds from plan_stop p join day_plan d on d.id = p.plan_id
        where p.visit_id = v.id and p.technician_id = v.technician_id and d.published_at is not null
        order by d.published_at desc limit 1
    ) s on true
    where w.territory_id = :territory_id and v.finished_at >= :since and v.started_at is not null
), factors as (
    select case when planned > 0 then worked / planned end as work,
        case when way >= 120 then driven / way end as travel from seen
)
select count(work) filter (where work between :least and :most),
    avg(work) filter (where work between :least and :most),
    var_pop(work) filter (where work between :least and :most),
    count(travel) filter (where travel between :least and :most),
    avg(travel) filter (where travel between :least and :most),
    var_pop(travel) filter (where travel between :least and :most)
from factors
""")

_lock = Lock()
_known: dict[uuid.UUID, tuple[float, datetime, Spread]] = {}


def measured(session: Session, territory_id: uuid.UUID) -> Spread:
    """Return the spread of a territory's last ninety days; asked once in a quarter of an hour per process."""
    now = clock.now()
    with _lock:
        kept = _known.get(territory_id)
    if kept and time.monotonic() - kept[0] < FRESH_SECONDS and abs(now - kept[1]) < timedelta(days=1):
        return kept[2]
    found = _measure(session, territory_id, now - timedelta(days=MEASURED_DAYS))
    with _lock:
        _known[territory_id] = time.monotonic(), now, found
    return found


def forget() -> None:
    """Measure anew at the next question."""
    with _lock:
        _known.clear()


def _measure(session: Session, territory_id: uuid.UUID, since: datetime) -> Spread:
    words = {"territory_id": territory_id, "since": since, "least": LEAST_FACTOR, "most": MOST_FACTOR}
    works, work, work_variance, drives, drive, drive_variance = session.execute(_STATEMENT, words).one()
    usual = Spread()
    travel_mean, travel_deviation = blended(
        int(drives), drive, drive_variance, usual.travel_mean, usual.travel_deviation
    )
    work_mean, work_deviation = blended(
        int(works), work, work_variance, usual.work_mean, usual.work_deviation
    )
    return Spread(travel_mean, travel_deviation, work_mean, work_deviation)


def blended(
    count: int, mean: float | None, variance: float | None, usual_mean: float, usual_deviation: float
) -> tuple[float, float]:
    """Return mean and deviation of what was seen together with ``WEIGHT`` usual visits."""
    if not count:
        return usual_mean, usual_deviation
    seen, spread = float(mean or 0.0), float(variance or 0.0)
    whole = count + WEIGHT
    both = (count * seen + WEIGHT * usual_mean) / whole
    second = (count * (spread + seen**2) + WEIGHT * (usual_deviation**2 + usual_mean**2)) / whole
    return both, float(max(0.0, second - both**2) ** 0.5)
