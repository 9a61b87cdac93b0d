"""The money account of a technician: in custody, handed in, owed, settled (R-603)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch import clock, db, text
from dispatch.access.rules import Principal
from dispatch.billing.model import Payment
from dispatch.hand_ins import rules
from dispatch.hand_ins.model import KeeperEntry
from dispatch.money import METHODS, Money
from dispatch.paging import USUAL, Page, cut
from dispatch.technicians.model import Technician


@dataclass(frozen=True, slots=True)
class Balance:
    """One method and currency of a technician's account, in minor units."""

    method: str
    currency: str
    collected_minor: int
    handed_in_minor: int
    voucher_minor: int
    difference_minor: int
    settled_minor: int

    @property
    def custody_minor(self) -> int:
        """Collected and not yet counted by a cashier, in money or in vouchers."""
        return self.collected_minor - self.handed_in_minor - self.voucher_minor - self.difference_minor

    @property
    def owed_minor(self) -> int:
        """Differences that are not settled."""
        return self.difference_minor - self.settled_minor


def balances(session: Session, technician_id: uuid.UUID) -> Sequence[Balance]:
    """Return a technician's account by method and currency."""
    collected = session.execute(
        select(Payment.method, Payment.currency, func.sum(Payment.amount_minor))
        .where(Payment.collected_by_technician_id == technician_id)
        .group_by(Payment.method, Payment.currency)
    )
    sums: dict[tuple[str, str], dict[str, int]] = {}
    for method, currency, total in collected:
        sums.setdefault((method, currency), {})["collected"] = int(total)
    booked = session.execute(
        select(KeeperEntry.method, KeeperEntry.currency, KeeperEntry.kind, func.sum(KeeperEntry.amount_minor))
        .where(KeeperEntry.technician_id == technician_id)
        .group_by(KeeperEntry.method, KeeperEntry.currency, KeeperEntry.kind)
    )
    for method, currency, kind, total in booked:
        sums.setdefault((method, currency), {})[kind] = int(total)
    return [
        Balance(*key, *(found.get(name, 0) for name in ("collected", *rules.ENTRIES)))
        for key, found in sorted(sums.items())
    ]


def entries(
    session: Session, technician_id: uuid.UUID, *, cursor: str | None = None, limit: int = USUAL
) -> Page[KeeperEntry]:
    """Return what was booked on a technician's account, newest first."""
    statement = select(KeeperEntry).where(KeeperEntry.technician_id == technician_id)
    return cut(session, statement, KeeperEntry.id, cursor=cursor, limit=limit)


def settle(
    session: Session,
    *,
    by: Principal,
    technician: Technician,
    method: str,
    amount: Money,
    how: str,
    note: str,
) -> KeeperEntry:
    """Settle a difference, wholly or in part: paid in, withheld from pay, or written off; with a reason."""
    session.execute(select(Technician.id).where(Technician.id == technician.id).with_for_update())
    text.choice(method, "method", METHODS)
    open_minor = next(
        (
            one.owed_minor
            for one in balances(session, technician.id)
            if (one.method, one.currency) == (method, amount.currency)
        ),
        0,
    )
    fits = 0 < amount.minor <= open_minor or open_minor <= amount.minor < 0
    if not fits:
        raise rules.SettlementInvalid(f"{amount} of {open_minor} open", open_minor=open_minor)
    entry = KeeperEntry(
        id=db.new_id(),
        technician_id=technician.id,
        kind=rules.SETTLED,
        method=method,
        currency=amount.currency,
        amount_minor=amount.minor,
        reason=f"{text.choice(how, 'how', rules.SETTLEMENTS)}: {text.line(note, 'reason', longest=500)}",
        booked_by=by.user_id,
        booked_at=clock.now(),
    )
    entry.source = f"settled:{entry.id}"
    session.add(entry)
    db.flush(session)
    return entry
