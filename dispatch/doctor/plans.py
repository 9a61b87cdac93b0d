"""Plans of today and the days after that keep something against a rule: their stops alone do not show it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.doctor.findings import Finding
from dispatch.planning.model import DayPlan, PlanHead
from dispatch.territories.model import Territory

REMEDY = "Read the doubts of the plan; loosen the lock, or change the shift, the skill or the stock."


def doubtful_plans(session: Session) -> Iterator[Finding]:
    """Look for drafts and published plans with doubts."""
    in_force = func.coalesce(PlanHead.working_plan_id, PlanHead.published_plan_id)
    active = select(Territory).where(Territory.is_active).order_by(Territory.code)
    for territory in session.scalars(active).all():
        try:
            today = clock.business_day(clock.now(), territory.timezone)
        except (KeyError, ValueError):
            continue  # a finding of its own
        rows = session.execute(
            select(DayPlan.day, DayPlan.doubts)
            .join(PlanHead, in_force == DayPlan.id)
            .where(DayPlan.territory_id == territory.id, DayPlan.day >= today)
            .where(func.jsonb_array_length(DayPlan.doubts) > 0)
            .order_by(DayPlan.day)
        )
        for day, doubts in rows:
            others = f", and {len(doubts) - 1} more" if len(doubts) > 1 else ""
            message = f"{territory.code}, {day}: {doubts[0]['sentence_en']} ({doubts[0]['cause']}){others}"
            yield Finding("warning", "PLAN_DOUBTFUL", message, REMEDY)
