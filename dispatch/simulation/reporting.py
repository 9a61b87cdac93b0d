"""What a demo day came to: read from the database and the API, told in one screen, kept as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch import db
from dispatch.billing.model import Allocation, CreditNote, Invoice, Payment, Settlement
from dispatch.calls.model import Assessment, RepairCall
from dispatch.customers.model import Customer, Site
from dispatch.hand_ins.model import HandIn
from dispatch.messages.model import Message
from dispatch.money import Money
from dispatch.outbox import JobRun
from dispatch.performance.model import DailyLog
from dispatch.planning.model import DayPlan, PlanStop, PlanUnserved
from dispatch.promises.model import Promise
from dispatch.simulation import traffic
from dispatch.simulation.fault_proxy import CUT, DROPPED, LOST, REPEATED
from dispatch.simulation.loan_report import loan_lines, loans_told
from dispatch.simulation.promise_report import counted, promises_told, singled_out
from dispatch.simulation.running import DemoDay
from dispatch.sync.model import Operation
from dispatch.technicians.model import Technician
from dispatch.work_orders.model import ServiceReport, Visit, WorkOrder


def summarise(demo: DemoDay, seconds: float) -> dict[str, Any]:
    """Return everything the report prints, as plain JSON values."""
    with db.transaction() as session:
        return {
            "seed": demo.day.seed,
            "day": demo.day.day.isoformat(),
            "seconds": round(seconds, 1),
            "technicians": len(demo.day.technicians),
            "chain": _chain(session),
            "plan": _plan(session, demo),
            "promises": promises_told(session, demo.day.day, demo.day.timezone),
            "crews": _crews(session),
            "loans": loans_told(session, demo.day.day, demo.day.timezone),
            "money": _money(session, demo.day.currency),
            "indicators": _indicators(session, demo.day.day),
            "unserved": _unserved(session, demo),
            "sync": _sync(session, demo),
            "jobs": _counts(session, JobRun.state),
            "messages": _counts(session, Message.state),
        }


def _count(session: Session, column: Any) -> int:
    return int(session.scalar(select(func.count(column))) or 0)


def _counts(session: Session, column: Any) -> dict[str, int]:
    rows = session.execute(select(column, func.count()).group_by(column).order_by(column))
    return {str(name): int(count) for name, count in rows}


def _chain(session: Session) -> dict[str, int]:
    """Count what each of the eleven steps left behind."""
    repeats = select(func.count(WorkOrder.id)).where(WorkOrder.repeat_of_id.is_not(None))
    attended = select(func.count(Visit.id)).where(
        Visit.arrived_at.is_not(None), Visit.travelling_at.is_not(None)
    )
    return {
        "1_calls": _count(session, RepairCall.id),
        "2_promised_windows": _count(session, Promise.id),
        "3_assessments": _count(session, Assessment.id),
        "4_visits_attended": int(session.scalar(attended) or 0),
        "5_visits_done": int(
            session.scalar(
                select(func.count(Visit.id)).where(
                    Visit.travelling_at.is_not(None), Visit.finished_at.is_not(None)
                )
            )
            or 0
        ),
        "6_repeat_orders": int(session.scalar(repeats) or 0),
        "7_signed_reports": _count(session, ServiceReport.id),
        "8_settlements": _count(session, Settlement.id),
        "9_invoices": _count(session, Invoice.id),
        "9_payments": _count(session, Payment.id),
        "10_hand_ins": _count(session, HandIn.id),
        "11_daily_logs": _count(session, DailyLog.id),
    }


def _plan(session: Session, demo: DemoDay) -> dict[str, Any]:
    last = session.scalars(
        select(DayPlan).where(DayPlan.day == demo.day.day, DayPlan.state == "published")
    ).one()
    travel = [stop.travel_seconds for stop in last.stops]
    return {
        "revision": last.revision,
        "stops": len(last.stops),
        "unserved": len(last.unserved),
        "travel_minutes": sum(travel) // 60,
        "travel_km": sum(stop.travel_metres for stop in last.stops) // 1000,
        "publications": demo.desk.tally.publications,
        "replans": demo.desk.tally.replans,
    }


def _money(session: Session, currency: str) -> dict[str, Any]:
    def total(column: Any, *where: Any) -> str:
        amount = session.scalar(select(func.coalesce(func.sum(column), 0)).where(*where))
        return str(Money(int(amount or 0), currency))

    methods = session.execute(select(Payment.method, func.sum(Payment.amount_minor)).group_by(Payment.method))
    return {
        "currency": currency,
        "invoiced_to_customers": total(Invoice.gross_minor, Invoice.payer == "customer"),
        "invoiced_to_makers": total(Invoice.gross_minor, Invoice.payer == "maker"),
        "credited": total(CreditNote.gross_minor),
        "collected": total(Payment.amount_minor),
        "allocated": total(Allocation.amount_minor),
        "by_method": {method: str(Money(int(amount), currency)) for method, amount in sorted(methods)},
        "hand_in_differences": _differences(session),
    }


def _differences(session: Session) -> list[dict[str, str]]:
    statement = (
        select(HandIn, Technician)
        .join(Technician, Technician.id == HandIn.technician_id)
        .order_by(Technician.number)
    )
    return [
        {
            "technician": f"{technician.number} {technician.name}",
            "day": record.day.isoformat(),
            "method": money["method"],
            **{
                name: str(Money(money[f"{name}_minor"], money["currency"]))
                for name in ("counted", "expected", "difference")
            },
        }
        for record, technician in session.execute(statement)
        for money in record.money
        if money["difference_minor"]
    ]


def _indicators(session: Session, day: date) -> dict[str, dict[str, str | None]]:
    log = session.scalars(
        select(DailyLog).where(DailyLog.day == day, DailyLog.scope == "company")
    ).one_or_none()
    found: dict[str, dict[str, str | None]] = {}
    for row in log.indicators if log else ():
        value = row.numerator / row.denominator if row.denominator else None
        found[row.name] = {
            "numerator": _plain(row.numerator),
            "denominator": _plain(row.denominator),
            "value": f"{value:.4f}" if value is not None else None,
        }
    return found


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _unserved(session: Session, demo: DemoDay) -> list[dict[str, str]]:
    statement = (
        select(PlanUnserved, Visit)
        .join(DayPlan, DayPlan.id == PlanUnserved.plan_id)
        .join(Visit, Visit.id == PlanUnserved.visit_id)
        .where(DayPlan.day == demo.day.day, DayPlan.state == "published")
        .order_by(Visit.serial)
    )
    return [
        {"sheet": visit.number, "reason": left.reason, "sentence": left.sentence, "action": left.action}
        for left, visit in session.execute(statement)
    ]


def _crews(session: Session) -> dict[str, int]:
    """Visits for several people that were begun, and how many of them were planned for all at one moment."""
    statement = (
        select(func.count(), func.count(Visit.planned_start.distinct()), func.max(Visit.crew_size))
        .where(Visit.crew_size > 1, Visit.arrived_at.is_not(None))
        .group_by(func.coalesce(Visit.leader_id, Visit.id))
    )
    rows = session.execute(statement).all()
    whole = sum(people == size and moments == 1 for people, moments, size in rows)
    return {"visits of crews": len(rows), "planned for all at once": whole}


def _sync(session: Session, demo: DemoDay) -> dict[str, int]:
    """What the phones recorded, what passed the line, and what the database says of it ."""
    by_phones = ~Operation.install_epoch.startswith("office-")
    decided = session.execute(select(Operation.op_id, Operation.state).where(by_phones))
    return {
        **demo.count.told(),
        **traffic.compared(demo.phones.values(), {str(op_id): state for op_id, state in decided}),
        **{f"decided_{state}": count for state, count in _counts(session, Operation.state).items()},
        "pushes_without_connection": sum(item.work.offline_pushes for item in demo.field),
        **{f"requests_{fate}": demo.line.fates[fate] for fate in (DROPPED, LOST, REPEATED, CUT)},
    }


def plan_rows(session: Session, plan: DayPlan, zone: str) -> list[dict[str, Any]]:
    """Return the stops of a plan as a dispatcher reads them, route by route, times in a zone."""
    statement = (
        select(PlanStop, Technician, Visit, Customer.name, Site.address)
        .join(Technician, Technician.id == PlanStop.technician_id)
        .join(Visit, Visit.id == PlanStop.visit_id)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .join(Customer, Customer.id == WorkOrder.customer_id)
        .join(Site, Site.id == WorkOrder.site_id)
        .where(PlanStop.plan_id == plan.id)
        .order_by(Technician.number, PlanStop.position)
    )
    rows = session.execute(statement)
    return [
        {
            "technician": f"{technician.number} {technician.name}",
            "sheet": visit.number,
            "customer": customer,
            "address": address,
            **_stop_row(stop, ZoneInfo(zone)),
            "technician_id": str(stop.technician_id),
            "visit_id": str(stop.visit_id),
        }
        for stop, technician, visit, customer, address in rows
    ]


def _stop_row(stop: PlanStop, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "position": stop.position,
        "arrival": stop.arrival.astimezone(zone).isoformat(),
        "start": stop.start.astimezone(zone).isoformat(),
        "end": stop.end.astimezone(zone).isoformat(),
        "travel_seconds": stop.travel_seconds,
        "travel_metres": stop.travel_metres,
    }


PERCENT = (
    ("promise_kept_first", "Promise kept (first window)"),
    ("promise_kept_last", "Promise kept (last window)"),
    ("punctual_within_band", "Within the 15-minute band"),
    ("sla_response_kept", "Contracted response kept"),
    ("first_time_fix", "First-time fix"),
    ("schedule_adherence", "Schedule adherence"),
    ("utilisation", "Utilisation"),
    ("wrench_time", "Wrench time"),
    ("travel_share", "Travel share"),
    ("repeat_rate", "Repeat rate"),
    ("answers_in_time", "Answered in time"),
)


def as_text(summary: dict[str, Any]) -> str:
    """Return the report for a terminal."""
    lines = [
        "",
        _headline(summary),
        "",
        "The chain",
        *(f"  {name.replace('_', ' '):<28}{count:>8}" for name, count in summary["chain"].items()),
        "",
        "The plan",
        *(f"  {name.replace('_', ' '):<28}{value:>8}" for name, value in summary["plan"].items()),
        "",
        "The promises",
        *(f"  {name:<28}{value:>8}" for name, value in counted(summary["promises"]).items()),
        *(f"    {line}" for line in singled_out(summary["promises"])),
        *(f"  {name:<28}{value:>8}" for name, value in summary["crews"].items()),
        "",
        "The loaners",
        *(f"  {line}" for line in loan_lines(summary["loans"])),
        "",
        "Indicators of the day",
        *_indicator_lines(summary["indicators"]),
        "",
        "Money",
        *_money_lines(summary["money"]),
        "",
        "Phones",
        *(f"  {name.replace('_', ' '):<28}{value:>8}" for name, value in summary["sync"].items()),
        "",
        *_unserved_lines(summary["unserved"]),
    ]
    return "\n".join(lines)


def _headline(summary: dict[str, Any]) -> str:
    size = f"{summary['technicians']} technicians, {summary['chain']['1_calls']} calls"
    return f"Truckroll demo day {summary['day']}, seed {summary['seed']}: {size}, {summary['seconds']} s"


def _indicator_lines(indicators: dict[str, dict[str, str | None]]) -> list[str]:
    lines = []
    for name, title in PERCENT:
        row = indicators.get(name)
        if row is None or row["value"] is None:
            lines.append(f"  {title:<28}undefined")
            continue
        share = f"{Decimal(row['value']) * 100:.1f} %"
        lines.append(f"  {title:<28}{share:>8}   ({row['numerator']} / {row['denominator']})")
    return lines


def _money_lines(money: dict[str, Any]) -> list[str]:
    currency = money["currency"]
    rows = [
        (name.replace("_", " "), money[name])
        for name in ("invoiced_to_customers", "invoiced_to_makers", "collected", "allocated")
    ]
    rows += [(f"collected by {method}", amount) for method, amount in money["by_method"].items()]
    lines = [f"  {name:<28}{amount:>12} {currency}" for name, amount in rows]
    return [*lines, f"  {'hand-ins with a difference':<28}{len(money['hand_in_differences']):>12}"]


def _unserved_lines(unserved: Sequence[dict[str, str]]) -> list[str]:
    if not unserved:
        return ["No visit of the day was left unserved."]
    rows = [f"  {item['sheet']}  {item['reason']}: {item['sentence']}" for item in unserved]
    return ["Unserved, with reasons", *rows]
