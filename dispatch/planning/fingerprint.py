"""What days of routes are made of: one text for each day that differs as soon as any row of it does."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.planning import shares
from dispatch.planning.candidates import BEGUN, NOT_BEGUN
from dispatch.planning.days import Day
from dispatch.planning.supplying import DRAFTS_COUNT
from dispatch.work_orders.lifecycle import ON_DUTY_STATES
from optimizer.policy import policies

OF_THE_TERRITORY = {
    "technician": "technician t where t.territory_id = :territory_id",
    "skill": "technician_skill t where t.technician_id in (select id from crew)",
    "certificate": "certificate t where t.technician_id in (select id from crew)",
    "territory": "territory t where t.id = :territory_id",
    "stock": "van_stock t where t.technician_id in (select id from crew)",
    "store": "store_stock t where t.territory_id = :territory_id",
    "handed": "part_transfer t where t.territory_id = :territory_id and t.state = 'handed'",
    "set_aside": (
        "visit t where exists (select 1 from store_stock where territory_id = :territory_id and quantity > 0)"
        " and t.technician_id in (select id from technician where territory_id = :territory_id)"
        " and t.state = any(:planned)"
        " and t.parts ?| array(select p.sku from store_stock s join part p on p.id = s.part_id"
        " where s.territory_id = :territory_id and s.quantity > 0)"
    ),
    "drafted": (
        "plan_stop t join plan_head h on h.working_plan_id = t.plan_id join visit v on v.id = t.visit_id"
        " where h.territory_id = :territory_id and h.day >= :drafts_from and v.parts <> '{}'"
    ),
    "held_parts": (
        "slot_hold t where t.territory_id = :territory_id and t.released_at is null"
        " and t.visit_id is null and t.expires_at > :now and t.parts <> '{}'"
    ),
    "part": "part t",
}
"""Rows that every day of a territory is built from."""

OF_THE_DAY = {
    "shift": (
        "shift t where t.technician_id in (select id from crew)"
        " and t.starts_at >= asked.begins and t.starts_at < asked.ends"
    ),
    "absence": "absence t where t.technician_id in (select id from crew) and t.ends_at > asked.begins",
    "earlier": (
        "visit t where t.technician_id in (select id from crew)"
        " and (t.planned_start < asked.midnight or t.id in (select visit_id from last_night))"
        " and t.state = any(:planned)"
    ),
    "worked": (
        "visit t where t.technician_id in (select id from crew)"
        " and t.planned_start >= asked.worked_from and t.planned_start < asked.midnight"
        " and t.finished_at is not null"
        " and exists (select 1 from territory where id = :territory_id and planning_policy = any(:fair))"
    ),
    "stop": "plan_stop t where t.plan_id = (select plan_id from head)",
    "hold": "held h join slot_hold t on t.id = h.id",
    "held_site": "site t where t.id in (select site_id from held)",
    "lock": "plan_lock t join concerned c on c.id = t.visit_id",
}
"""Rows that one day of routes is built from, besides ``VISITS``."""
VISITS = (
    "concerned c join visit v on v.id = c.id"
    " join work_order w on w.id = v.work_order_id join site s on s.id = w.site_id"
)
"""The day's visits with their orders and sites, read together as these are many."""

_DIGEST = "(select concat(count(*), ':', bit_xor(hashtextextended(concat({version}), 0))) from {rows})"
"""
Names the versions of some rows; place and transaction tell one version of a row.

No row may come twice: what stands there a second time is taken out again by xor.
"""

_WITH = """
with crew as materialized (
    select id from technician where territory_id = :territory_id and is_active
), shared as materialized (
    select concat_ws(' ', {of_the_territory}) as marks
)
select concat_ws(' ', (select marks from shared), found.marks)
from unnest(
    cast(:days as date[]), cast(:begins as timestamptz[]), cast(:ends as timestamptz[]),
    cast(:midnights as timestamptz[]), cast(:worked_from as timestamptz[]), cast(:latest as timestamptz[])
) with ordinality as asked(day, begins, ends, midnight, worked_from, latest, place),
lateral (
    with head as (
        select version, coalesce(working_plan_id, published_plan_id) as plan_id
        from plan_head where territory_id = :territory_id and day = asked.day
    ), last_night as materialized (
        select visit_id from plan_stop where plan_id = (
            select coalesce(working_plan_id, published_plan_id)
            from plan_head where territory_id = :territory_id and day = asked.day - 1
        )
    ), held as materialized (
        select id, site_id from slot_hold where territory_id = :territory_id and day = asked.day
            and released_at is null and visit_id is null and expires_at > :now
    ), concerned as materialized (
        select visit_id as id from plan_stop where plan_id = (select plan_id from head)
        union
        select v.id from visit v
        where v.technician_id in (select id from crew) and v.state = any(:begun)
            and coalesce(v.started_at, v.arrived_at, v.planned_start) >= asked.midnight
            and coalesce(v.started_at, v.arrived_at, v.planned_start) < asked.latest
    )
    select concat_ws(
        ' ', coalesce((select concat_ws(':', version, plan_id) from head), '-'), {of_the_day},
        {visits}
    ) as marks
) found
order by asked.place
"""


def _digests(of: dict[str, str]) -> str:
    return ", ".join(_DIGEST.format(version="t.ctid, t.xmin", rows=rows) for rows in of.values())


_STATEMENT = text(
    _WITH.format(
        of_the_territory=_digests(OF_THE_TERRITORY),
        of_the_day=_digests(OF_THE_DAY),
        visits=_DIGEST.format(version="v.ctid, v.xmin, w.ctid, w.xmin, s.ctid, s.xmin", rows=VISITS),
    )
)


def fingerprint(session: Session, day: Day) -> str:
    """Return a text that names the versions of plan and rows of a day as this session sees them."""
    return fingerprints(session, [day])[0]


def fingerprints(session: Session, days: Sequence[Day]) -> list[str]:
    """Return the fingerprint of each of some days of one territory, from one look at the database."""
    if not days:
        return []
    now, first = clock.now(), days[0]
    bounds = [clock.day_bounds(day.day, day.timezone) for day in days]
    found = session.scalars(
        _STATEMENT,
        {
            "territory_id": first.territory_id,
            "days": [day.day for day in days],
            "now": now,
            "drafts_from": now.date() - DRAFTS_COUNT,
            "begins": [begins for begins, _ in bounds],
            "ends": [ends for _, ends in bounds],
            "midnights": [day.midnight for day in days],
            "worked_from": [day.midnight - shares.PERIOD for day in days],
            "fair": [name for name, prices in policies().items() if prices.fairness_cents],
            "latest": [day.moment(day.LATEST) for day in days],
            "begun": [str(state) for state in BEGUN],
            "planned": [str(state) for state in (*NOT_BEGUN, *ON_DUTY_STATES)],
        },
    ).all()
    today = clock.business_day(now, first.timezone)
    return [
        f"{day.timezone}{'+' if day.day > today else ''} {mark}"
        for day, mark in zip(days, found, strict=True)
    ]
