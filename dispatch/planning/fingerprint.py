"""What the day of routes is made of, as one text that differs as soon as any row of it does."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.planning import shares
from dispatch.planning.candidates import BEGUN, NOT_BEGUN
from dispatch.planning.days import Day
from dispatch.planning.supplying import DRAFTS_COUNT
from dispatch.work_orders.lifecycle import ON_DUTY_STATES
from optimizer.policy import policies

ROWS = {
    "technician": "select ctid, xmin from technician where territory_id = :territory_id",
    "skill": "select ctid, xmin from technician_skill where technician_id in (select id from crew)",
    "certificate": "select ctid, xmin from certificate where technician_id in (select id from crew)",
    "shift": (
        "select ctid, xmin from shift where technician_id in (select id from crew)"
        " and starts_at >= :begin and starts_at < :end"
    ),
    "absence": (
        "select ctid, xmin from absence where technician_id in (select id from crew) and ends_at > :begin"
    ),
    "territory": "select ctid, xmin from territory where id = :territory_id",
    "stock": "select ctid, xmin from van_stock where technician_id in (select id from crew)",
    "store": "select ctid, xmin from store_stock where territory_id = :territory_id",
    "handed": "select ctid, xmin from part_transfer where territory_id = :territory_id and state = 'handed'",
    "set_aside": (
        "select ctid, xmin from visit where technician_id in"
        " (select id from technician where territory_id = :territory_id) and state = any(:planned)"
        " and parts ?| array(select p.sku from store_stock s join part p on p.id = s.part_id"
        " where s.territory_id = :territory_id and s.quantity > 0)"
    ),
    "drafted": (
        "select s.ctid, s.xmin from plan_stop s join plan_head h on h.working_plan_id = s.plan_id"
        " join visit v on v.id = s.visit_id"
        " where h.territory_id = :territory_id and h.day >= :drafts_from and v.parts <> '{}'"
    ),
    "held_parts": (
        "select ctid, xmin from slot_hold where territory_id = :territory_id and released_at is null"
        " and visit_id is null and expires_at > :now and parts <> '{}'"
    ),
    "part": "select ctid, xmin from part",
    "earlier": (
        "select ctid, xmin from visit where technician_id in (select id from crew)"
        " and (planned_start < :midnight or id in (select visit_id from last_night))"
        " and state = any(:planned)"
    ),
    "worked": (
        "select ctid, xmin from visit where technician_id in (select id from crew)"
        " and planned_start >= :worked_from and planned_start < :midnight and finished_at is not null"
        " and exists (select 1 from territory where id = :territory_id and planning_policy = any(:fair))"
    ),
    "stop": "select ctid, xmin from plan_stop where plan_id = (select plan_id from head)",
    "visit": "select v.ctid, v.xmin from visit v join concerned c on c.id = v.id",
    "work_order": "select w.ctid, w.xmin from work_order w join concerned c on c.work_order_id = w.id",
    "site": (
        "select s.ctid, s.xmin from site s join work_order w on w.site_id = s.id"
        " join concerned c on c.work_order_id = w.id"
    ),
    "hold": "select ctid, xmin from held",
    "held_site": "select s.ctid, s.xmin from site s join held h on h.site_id = s.id",
    "lock": "select l.ctid, l.xmin from plan_lock l join concerned c on c.id = l.visit_id",
}
"""Every kind of row that a day of routes is built from; place and transaction tell one version of a row."""

_WITH = """
with head as (
    select version, coalesce(working_plan_id, published_plan_id) as plan_id
    from plan_head where territory_id = :territory_id and day = :day
), last_night as materialized (
    select visit_id from plan_stop where plan_id = (
        select coalesce(working_plan_id, published_plan_id)
        from plan_head where territory_id = :territory_id and day = :eve
    )
), crew as (
    select id from technician where territory_id = :territory_id and is_active
), held as materialized (
    select ctid, xmin, site_id from slot_hold where territory_id = :territory_id and day = :day
        and released_at is null and visit_id is null and expires_at > :now
), concerned as materialized (
    select v.id, v.work_order_id from visit v
    where v.id in (select visit_id from plan_stop where plan_id = (select plan_id from head))
    union
    select v.id, v.work_order_id from visit v
    where v.technician_id in (select id from crew) and v.state = any(:begun)
        and coalesce(v.started_at, v.arrived_at, v.planned_start) >= :midnight
        and coalesce(v.started_at, v.arrived_at, v.planned_start) < :latest
)
select concat_ws(' ', coalesce((select concat_ws(':', version, plan_id) from head), '-'), {digests})
"""
_DIGEST = (
    "(select coalesce(md5(string_agg(concat(t.ctid, t.xmin), ',' order by t.ctid)), '-') from ({rows}) t)"
)

_STATEMENT = text(_WITH.format(digests=", ".join(_DIGEST.format(rows=rows) for rows in ROWS.values())))


def fingerprint(session: Session, day: Day) -> str:
    """Return a text that names the versions of plan and rows of a day as this session sees them."""
    begin, end = clock.day_bounds(day.day, day.timezone)
    found = session.scalar(
        _STATEMENT,
        {
            "territory_id": day.territory_id,
            "day": day.day,
            "eve": day.day - timedelta(days=1),
            "now": clock.now(),
            "drafts_from": clock.now().date() - DRAFTS_COUNT,
            "begin": begin,
            "end": end,
            "midnight": day.midnight,
            "worked_from": day.midnight - shares.PERIOD,
            "fair": [name for name, prices in policies().items() if prices.fairness_cents],
            "latest": day.moment(day.LATEST),
            "begun": [str(state) for state in BEGUN],
            "planned": [str(state) for state in (*NOT_BEGUN, *ON_DUTY_STATES)],
        },
    )
    is_ahead = day.day > clock.business_day(clock.now(), day.timezone)
    return f"{day.timezone}{'+' if is_ahead else ''} {found}"
