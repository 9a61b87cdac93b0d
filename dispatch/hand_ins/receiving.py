"""
The cashier's side of a hand-in: counts again, and books once both have agreed (R-603).

The technician's signature under the hand-in holds for the same figures. Where the cashier counted otherwise,
the technician accepts or disputes; a supervisor who did not count decides a dispute.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, db, outbox, text
from dispatch.access.model import User
from dispatch.access.rules import Principal
from dispatch.events import DayClosed
from dispatch.hand_ins import queries, rules
from dispatch.hand_ins.model import HandIn, HandInReceipt, HandInWord, KeeperEntry
from dispatch.hand_ins.rules import Signature
from dispatch.parts import commands as parts
from dispatch.parts import counting
from dispatch.parts.queries import parts_named
from dispatch.parts.rules import VAN, Place
from dispatch.technicians.model import Technician
from dispatch.work_orders.rules import canonical, digest


def receive(
    session: Session,
    *,
    by: Principal,
    hand_in: HandIn,
    counted_minor: Mapping[str, int],
    currency: str,
    counted_stock: Mapping[str, int] | None = None,
    missing: Mapping[str, str] | None = None,
    reasons: Mapping[str, str] | None = None,
    note: str = "",
    signature_path: str | None = None,
    countersigned: tuple[str, str] | None = None,
) -> HandInReceipt:
    """
    Count a hand-in again; it is booked at once where the technician has signed the same or signs here.

    ``reasons`` are by method and part number, ``missing`` by number of sheet or voucher. ``countersigned`` is
    name and drawing of the technician at the counter.
    """
    if hand_in.state != rules.HANDED_IN:
        raise rules.DayClosed(f"the hand-in is {hand_in.state}")
    why = {text.code(name, "reason"): text.line(told, "reason") for name, told in (reasons or {}).items()}
    stock = counted_stock or {}
    parts_named(session, stock)
    absent = _missing(hand_in, missing or {})
    lost = rules.amount_of(hand_in.vouchers, {row["number"] for row in absent})
    money_rows = rules.receive_money(hand_in.money, counted_minor, currency, why, lost_minor=lost)
    van = queries.van_of(session, hand_in.technician_id)
    stock_rows = rules.receive_stock(hand_in.stock, stock, van, why)
    rules.check_explained(money_rows, stock_rows, note)
    shown = canonical(_shown(session, hand_in, money_rows, stock_rows, absent))
    receipt = HandInReceipt(
        hand_in_id=hand_in.id,
        received_by=by.user_id,
        received_at=clock.now(),
        money=money_rows,
        stock=stock_rows,
        missing=absent,
        note=note,
        signed_by_name=session.get_one(User, by.user_id).display_name,
        signature_path=_drawing(signature_path),
        shown=shown,
        shown_sha256=digest(shown),
    )
    session.add(receipt)
    hand_in.received_by, hand_in.state = by.user_id, rules.RECEIVED
    db.flush(session)
    if countersigned is not None:
        signature = Signature(*countersigned, receipt.shown_sha256)
        _say(session, hand_in, rules.ACCEPTED, by=None, signature=signature)
        close(session, by=by, hand_in=hand_in, receipt=receipt, stands=rules.CASHIER)
    elif rules.agrees(money_rows, stock_rows, len(absent)) and (
        hand_in.shown_sha256 is not None or not rules.differs(money_rows, stock_rows)
    ):
        close(session, by=by, hand_in=hand_in, receipt=receipt, stands=rules.CASHIER)
    return receipt


def answer(
    session: Session,
    *,
    by: Principal,
    hand_in: HandIn,
    accepts: bool,
    signature: Signature,
    reason: str = "",
    said_at: datetime | None = None,
    op_id: uuid.UUID | None = None,
) -> HandInWord:
    """The technician signs the cashier's count, or disputes it with a reason; a repetition finds it."""
    repeated = select(HandInWord).where(HandInWord.op_id == op_id)
    if op_id is not None and (known := session.scalars(repeated).one_or_none()) is not None:
        return known
    receipt = _counted(session, hand_in)
    if hand_in.state != rules.RECEIVED:
        raise rules.DayClosed(f"the hand-in is {hand_in.state}")
    if signature.shown_sha256 != receipt.shown_sha256:
        raise rules.HandInSignatureInvalid("another count was signed", present=receipt.shown_sha256)
    why = text.prose(reason, "reason", longest=500) if accepts else text.line(reason, "reason", longest=500)
    kind = rules.ACCEPTED if accepts else rules.DISPUTED
    word = _say(session, hand_in, kind, by=by, signature=signature, reason=why, at=said_at, op_id=op_id)
    if accepts:
        close(session, by=by, hand_in=hand_in, receipt=receipt, stands=rules.CASHIER)
    else:
        hand_in.state = rules.DISPUTED
        db.flush(session)
    return word


def decide(
    session: Session,
    *,
    by: Principal,
    hand_in: HandIn,
    stands: str,
    reason: str,
    expected_version: int | None = None,
) -> HandInWord:
    """Decide whose count stands where the technician disputes it, or does not answer."""
    hand_in.expect_version(expected_version)
    receipt = _counted(session, hand_in)
    if hand_in.state == rules.CLOSED:
        raise rules.DayClosed("the hand-in is closed")
    if by.user_id == receipt.received_by:
        raise rules.OwnCount("who counted does not decide")
    whose = text.choice(stands, "stands", rules.STANDS)
    why = text.line(reason, "reason", longest=500)
    word = _say(session, hand_in, rules.DECIDED, by=by, reason=why, stands=whose)
    close(session, by=by, hand_in=hand_in, receipt=receipt, stands=whose)
    return word


def close(session: Session, *, by: Principal, hand_in: HandIn, receipt: HandInReceipt, stands: str) -> None:
    """Book money and van by the count that stands; differences are the keeper's from now on."""
    reasons = {row["method"]: row["reason"] for row in receipt.money}
    for method, currency, amounts in rules.money_booked(receipt.money, hand_in.money, stands):
        for kind, amount in amounts.items():
            if amount:
                session.add(
                    KeeperEntry(
                        technician_id=hand_in.technician_id,
                        hand_in_id=hand_in.id,
                        kind=kind,
                        method=method,
                        currency=currency,
                        amount_minor=amount,
                        reason=(reasons[method] or receipt.note) if kind == rules.DIFFERENCE else "",
                        booked_by=by.user_id,
                        booked_at=clock.now(),
                        source=f"{kind}:{hand_in.id}:{method}",
                    )
                )
    _book_van(session, by, hand_in, receipt, stands)
    hand_in.state, hand_in.closed_at = rules.CLOSED, clock.now()
    db.flush(session)
    outbox.record(session, DayClosed(hand_in_id=str(hand_in.id)))


def _book_van(session: Session, by: Principal, hand_in: HandIn, receipt: HandInReceipt, stands: str) -> None:
    """
    Book what lacks or is over; what other counts have booked since then is booked already.

    Of an older count of the van that still waits for its second signature this is the newer one.
    """
    found = list(rules.stock_booked(receipt.stock, stands))
    known = parts_named(session, [sku for sku, _, _ in found])
    van = Place(VAN, hand_in.technician_id)
    for sku, difference, is_cashiers in found:
        moment = receipt.received_at if is_cashiers else hand_in.handed_in_at
        counting.overtake(session, place=van, part=known[sku], until=moment)
        record_id = receipt.id if is_cashiers else hand_in.id
        booked = counting.booked_since(session, van, known[sku].id, record_id)
        change = difference - booked if difference else 0
        if change:
            parts.move(
                session,
                by=by,
                technician_id=hand_in.technician_id,
                part_id=known[sku].id,
                change=change,
                reason="counted",
                source=f"hand_in:{hand_in.id}:{sku}",
            )


def _counted(session: Session, hand_in: HandIn) -> HandInReceipt:
    session.refresh(hand_in, with_for_update=True)
    receipt = queries.receipt_of(session, hand_in)
    if receipt is None:
        raise rules.NotReceived("the cashier has not counted yet")
    return receipt


def _missing(hand_in: HandIn, missing: Mapping[str, str]) -> list[dict[str, str]]:
    gone = {row["sheet"] for row in hand_in.sheets_missing}
    there = {*hand_in.sheets_expected, *(row["number"] for row in hand_in.vouchers)} - gone
    unknown = sorted(missing.keys() - there)
    if unknown:
        raise rules.PaperUnknown(f"{unknown[0][:64]} was not handed in", papers=unknown)
    return [
        {"number": number, "reason": text.line(reason, "reason", longest=500)}
        for number, reason in sorted(missing.items())
    ]


def _shown(
    session: Session,
    hand_in: HandIn,
    money: list[dict[str, object]],
    stock: list[dict[str, object]],
    missing: list[dict[str, str]],
) -> dict[str, Any]:
    return {
        "technician": session.get_one(Technician, hand_in.technician_id).number,
        "day": hand_in.day.isoformat(),
        "supplement": hand_in.supplement,
        "money": money,
        "stock": stock,
        "missing": missing,
    }


def _say(
    session: Session,
    hand_in: HandIn,
    kind: str,
    *,
    by: Principal | None,
    signature: Signature | None = None,
    reason: str = "",
    stands: str | None = None,
    at: datetime | None = None,
    op_id: uuid.UUID | None = None,
) -> HandInWord:
    signed = signature.checked() if signature else None
    word = HandInWord(
        hand_in_id=hand_in.id,
        kind=kind,
        said_by=by.user_id if by else None,
        said_at=at or clock.now(),
        stands=stands,
        reason=reason,
        signed_by_name=signed.name if signed else None,
        signature_path=signed.path if signed else None,
        op_id=op_id,
    )
    session.add(word)
    db.flush(session)
    return word


def _drawing(path: str | None) -> str | None:
    if path is not None and not text.is_drawing(path):
        raise rules.HandInSignatureInvalid("the drawing is no SVG path")
    return path
