"""The technician hands a day in (chain step 10, R-603)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, outbox, text
from dispatch.access.rules import Principal
from dispatch.contracts.house_rules import house_rules
from dispatch.events import DayHandedIn
from dispatch.hand_ins import queries, rules
from dispatch.hand_ins.model import HandIn, HandInPayment
from dispatch.hand_ins.rules import (
    AlreadyHandedIn,
    CountInvalid,
    DayClosed,
    DayNotBegun,
    Signature,
    VisitUnderWay,
    Voucher,
    VoucherCounted,
)
from dispatch.money import exponent
from dispatch.parts.queries import parts_named
from dispatch.parts.rules import checked_count
from dispatch.technicians.model import Technician
from dispatch.territories.queries import zone_of


def hand_in(
    session: Session,
    *,
    by: Principal | None,
    technician: Technician,
    day: date,
    sheets: Sequence[str],
    reasons: Mapping[str, str],
    counted_minor: Mapping[str, int],
    currency: str,
    counted_stock: Mapping[str, int] | None = None,
    vouchers: Sequence[Voucher] = (),
    note: str = "",
    signature: Signature | None = None,
    op_id: uuid.UUID | None = None,
) -> HandIn:
    """
    Record sheets, vouchers, money and, if counted, van stock of one day; the cashier counts after that.

    ``counted_minor`` maps payment method to minor units; vouchers lower what is expected in cash. Why a van
    was not counted stands under ``van`` of ``reasons``; else it is refused or chased, as the house says. Of a
    day that is handed in, what came later is a supplement, even a voucher alone. A repeated ``op_id`` returns
    the hand-in that exists.
    """
    session.execute(select(Technician.id).where(Technician.id == technician.id).with_for_update())
    repeated = select(HandIn).where(HandIn.op_id == op_id)
    if op_id is not None and (known := session.scalars(repeated).one_or_none()) is not None:
        return known
    due = queries.expected(session, technician, day)
    earlier = session.scalars(select(HandIn).filter_by(technician_id=technician.id, day=day)).all()
    if earlier:
        _check_supplement(technician, day, due, counted_minor, counted_stock or {}, vouchers=vouchers)
    _check_closable(session, technician, day, due, currency)
    counted = {} if earlier else _van(session, technician, day, due, counted_stock or {}, reasons)
    record = HandIn(
        technician_id=technician.id,
        day=day,
        supplement=len(earlier),
        state=rules.HANDED_IN,
        handed_in_at=clock.now(),
        sheets_expected=list(due.sheets),
        sheets_missing=rules.missing_sheets(due.sheets, sheets, reasons),
        vouchers=_new_vouchers(session, technician, vouchers),
        money=rules.count_money(
            due.money_minor, counted_minor, currency, sum(one.amount_minor for one in vouchers)
        ),
        note=note,
        op_id=op_id,
        **counted,
        **_signed(signature),
    )
    session.add(record)
    session.flush()
    session.add_all(HandInPayment(payment_id=one, hand_in_id=record.id) for one in due.payment_ids)
    session.flush()
    outbox.record(session, DayHandedIn(hand_in_id=str(record.id)))
    return record


def _check_supplement(
    technician: Technician,
    day: date,
    due: queries.Expected,
    counted_minor: Mapping[str, int],
    counted_stock: Mapping[str, int],
    *,
    vouchers: Sequence[Voucher],
) -> None:
    """Refuse to count again what is counted; only what came later is handed in."""
    if not due.sheets and not due.money_minor and not vouchers:
        raise AlreadyHandedIn(f"{day.isoformat()} of {technician.number} is handed in")
    again = sorted(name for name, amount in counted_minor.items() if amount and name not in due.money_minor)
    if again or counted_stock:
        raise DayClosed(f"{day.isoformat()} is counted", counted=[*again, *sorted(counted_stock)])


def _new_vouchers(
    session: Session, technician: Technician, vouchers: Sequence[Voucher]
) -> list[dict[str, object]]:
    """Refuse vouchers that were handed in before; what the cashier did not find then may come again."""
    rows = rules.checked_vouchers(vouchers)
    before = queries.vouchers_of(session, technician.id) if rows else []
    again = sorted(str(row["number"]) for row in rows if row in before)
    if again:
        raise VoucherCounted(f"{again[0]} was handed in before", vouchers=again)
    return rows


def _van(  # noqa: PLR0917 - whose day, what was due, what was said
    session: Session,
    technician: Technician,
    day: date,
    due: queries.Expected,
    counted: Mapping[str, int],
    reasons: Mapping[str, str],
) -> dict[str, Any]:
    """
    Return what was counted on the van, what nobody counted on this day, and why.

    Refuses a van that was neither counted nor explained where the house demands it.
    """
    rows = rules.count_stock(due.stock, counted)
    parts_named(session, counted)
    for pieces in counted.values():
        checked_count(pieces)
    start, _ = clock.day_bounds(day, zone_of(session, technician.territory_id))
    left = rules.uncounted(due.stock, {*counted, *queries.parts_counted(session, technician.id, start)})
    why = text.prose(reasons.get(rules.VAN, ""), "reason", longest=500)
    rules.check_van(left, why, is_demanded=house_rules(session).van_count_demanded)
    return {"stock": rows, "van_uncounted": left, "van_reason": why}


def _signed(signature: Signature | None) -> dict[str, str]:
    if signature is None:
        return {}
    signed = signature.checked()
    return {
        "signed_by_name": signed.name,
        "signature_path": signed.path,
        "shown_sha256": signed.shown_sha256,
    }


def _check_closable(
    session: Session, technician: Technician, day: date, due: queries.Expected, currency: str
) -> None:
    """Refuse a day that has not begun, visits still under way, and a count in another currency."""
    zone = zone_of(session, technician.territory_id)
    if day > clock.business_day(clock.now(), zone):
        raise DayNotBegun(f"{day.isoformat()} has not begun")
    if due.under_way:
        raise VisitUnderWay(f"{len(due.under_way)} visits are under way", sheets=list(due.under_way))
    exponent(currency)
    if due.currencies - {currency}:
        raise CountInvalid(f"money was collected in {', '.join(sorted(due.currencies))}, not {currency}")
