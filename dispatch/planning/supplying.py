"""
Where the parts of planned visits come from: the van first, then the store of the territory (R-304, R-511).

What the store has set aside follows from the visits that are planned now, in the order in which they begin:
it moves with every plan and ends when a visit is done or called off. Nothing of it is stored.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Text, bindparam, func, or_, select, type_coerce
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.parts.model import Part, PartTransfer, StoreStock, VanStock
from dispatch.parts.rules import HANDED
from dispatch.planning.candidates import ANNOUNCED, NOT_BEGUN, on_plan_of
from dispatch.planning.days import Day
from dispatch.planning.dealing import Demand, deal
from dispatch.planning.model import DayPlan, PlanHead, PlanStop
from dispatch.promises.model import SlotHold
from dispatch.technicians.model import Technician
from dispatch.work_orders.lifecycle import ON_DUTY_STATES
from dispatch.work_orders.model import Visit
from dispatch.work_orders.queries import fitted

Vans = dict[uuid.UUID, dict[str, int]]
Pieces = Counter[tuple[uuid.UUID | None, str]]
"""By technician and part number; None is the store."""
Need = tuple[uuid.UUID, Mapping[str, int]]
"""A technician, and pieces by part number."""


@dataclass(frozen=True, slots=True)
class Share:
    """Pieces of one part for one planned visit: on the van, set aside in the store, or nowhere."""

    visit_id: uuid.UUID
    technician_id: uuid.UUID
    start: datetime
    sku: str
    from_van: int
    from_store: int
    missing: int


@dataclass(frozen=True, slots=True)
class _Planned:
    """Who needs which parts when; a held window is named by its own id."""

    visit_id: uuid.UUID
    technician_id: uuid.UUID
    start: datetime
    parts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Pick:
    """Pieces of one part that a technician loads from the store before setting out."""

    part: Part
    quantity: int
    visit_ids: tuple[uuid.UUID, ...]


DRAFTS_COUNT = timedelta(days=2)
"""How old the day of a draft may be, whatever the zone; what was never published by then is none any more."""


def keep_store(session: Session, territory_id: uuid.UUID, parts: Collection[str]) -> None:
    """
    Let whoever promises pieces of the store wait for each other, whatever the day; until the end.

    After the days' heads, part by part in one order. Movements of stock are facts and wait for nobody.
    """
    stored = (
        select(Part.sku)
        .join(StoreStock, StoreStock.part_id == Part.id)
        .where(StoreStock.territory_id == territory_id, Part.sku.in_(parts))
    )
    for sku in sorted(session.scalars(stored)) if parts else ():
        key = func.hashtextextended(f"store {territory_id} {sku}", 0)
        session.execute(select(func.pg_advisory_xact_lock(key)))


def shares(
    session: Session, territory_id: uuid.UUID, *, drafted: bool = False, skus: Collection[str] | None = None
) -> list[Share]:
    """
    Return where the parts of all planned visits of a territory come from, in the order of their begin.

    ``drafted`` takes visits as drafts have them, and windows held for callers as visits; ``skus`` are the
    parts asked about, otherwise all.
    """
    needing = _needing(skus)
    planned = _planned(session, territory_id, needing)
    if drafted:
        planned = [*_as_drafted(session, territory_id, planned, needing), *_held(session, territory_id)]
    if not planned:
        return []
    store, used = store_of(session, territory_id), fitted(session, [row.visit_id for row in planned])
    vans = _vans(session, {row.technician_id for row in planned})
    vans.update(_under_way(session, territory_id))
    found = []
    for row in sorted(planned, key=lambda row: (row.start, row.visit_id)):
        for sku, wanted in sorted(row.parts.items()):
            count = max(0, int(wanted) - used[row.visit_id, sku])
            on_van = min(count, max(0, vans[row.technician_id, sku]))
            vans[row.technician_id, sku] -= on_van
            in_store = min(count - on_van, max(0, store.get(sku, 0)))
            store[sku] = store.get(sku, 0) - in_store
            missing = count - on_van - in_store
            found.append(Share(row.visit_id, row.technician_id, row.start, sku, on_van, in_store, missing))
    return found


def _needing(skus: Collection[str] | None) -> ColumnElement[bool]:
    if skus is None:
        return Visit.parts != {}
    found: ColumnElement[bool] = type_coerce(Visit.parts, JSONB).has_any(
        bindparam(None, sorted(skus), ARRAY(Text))
    )
    return found


def _planned(session: Session, territory_id: uuid.UUID, needing: ColumnElement[bool]) -> list[_Planned]:
    crew = select(Technician.id).where(Technician.territory_id == territory_id)
    statement = select(Visit.id, Visit.technician_id, Visit.planned_start, Visit.parts).where(
        Visit.technician_id.in_(crew),
        Visit.planned_start.is_not(None),
        Visit.state.in_([*NOT_BEGUN, *ON_DUTY_STATES]),
        needing,
    )
    return [_Planned(*row) for row in session.execute(statement)]


def _as_drafted(
    session: Session, territory_id: uuid.UUID, planned: Sequence[_Planned], needing: ColumnElement[bool]
) -> list[_Planned]:
    """Return planned visits where drafts have them, and what only a draft has; the latest day's counts."""
    statement = (
        select(Visit.id, PlanStop.technician_id, PlanStop.start, Visit.parts)
        .join(PlanStop, PlanStop.visit_id == Visit.id)
        .join(PlanHead, PlanHead.working_plan_id == PlanStop.plan_id)
        .where(PlanHead.territory_id == territory_id, Visit.state.in_(NOT_BEGUN), needing)
        .where(PlanHead.day >= clock.now().date() - DRAFTS_COUNT)
        .order_by(PlanHead.day)
    )
    drafts = {row.id: _Planned(*row) for row in session.execute(statement)}
    return list(({row.visit_id: row for row in planned} | drafts).values())


def _held(session: Session, territory_id: uuid.UUID) -> list[_Planned]:
    """Return what windows held for callers will need, whatever their day."""
    statement = (
        select(SlotHold.id, SlotHold.technician_id, SlotHold.expected_start, SlotHold.parts)
        .where(SlotHold.territory_id == territory_id, SlotHold.expires_at > clock.now())
        .where(SlotHold.released_at.is_(None), SlotHold.visit_id.is_(None))
    )
    return [_Planned(*row) for row in session.execute(statement) if row.parts]


def shares_on(session: Session, territory_id: uuid.UUID, day: date) -> list[Share]:
    """Return where the parts of the visits of a day's published plan come from."""
    published = (
        select(PlanStop.visit_id, PlanStop.technician_id, PlanStop.start)
        .join(DayPlan, DayPlan.id == PlanStop.plan_id)
        .join(PlanHead, PlanHead.published_plan_id == DayPlan.id)
        .where(PlanHead.territory_id == territory_id, PlanHead.day == day)
    )
    stops = {row.visit_id: (row.technician_id, row.start) for row in session.execute(published)}
    return [
        share
        for share in shares(session, territory_id)
        if stops.get(share.visit_id) == (share.technician_id, share.start)
    ]


def pick_list(session: Session, technician: Technician, day: date) -> list[Pick]:
    """Return what a technician has to load from the store for a day's published visits, by part number."""
    wanted: dict[str, list[Share]] = defaultdict(list)
    for share in shares_on(session, technician.territory_id, day):
        if share.technician_id == technician.id and share.from_store:
            wanted[share.sku].append(share)
    open_ = {share.visit_id for found in wanted.values() for share in found}
    told = set(session.scalars(select(Visit.id).where(Visit.id.in_(open_), Visit.state.in_(ANNOUNCED))))
    parts = {part.sku: part for part in session.scalars(select(Part).where(Part.sku.in_(wanted)))}
    picks = []
    for sku, found in sorted(wanted.items()):
        ahead = [share for share in found if share.visit_id in told]
        if ahead:
            pieces = sum(share.from_store for share in ahead)
            picks.append(Pick(parts[sku], pieces, tuple(share.visit_id for share in ahead)))
    return picks


def store_of(session: Session, territory_id: uuid.UUID) -> dict[str, int]:
    """Return what lies in the store of a territory, by part number; what is handed out lies there no more."""
    statement = (
        select(Part.sku, StoreStock.quantity)
        .join(StoreStock, StoreStock.part_id == Part.id)
        .where(StoreStock.territory_id == territory_id, StoreStock.quantity > 0)
    )
    stored = {row.sku: row.quantity for row in session.execute(statement)}
    way = _under_way(session, territory_id) if stored else {}
    out = {sku: min(0, pieces) for (who, sku), pieces in way.items() if who is None}
    return {sku: left for sku, pieces in stored.items() if (left := pieces + out.get(sku, 0)) > 0}


def _under_way(session: Session, territory_id: uuid.UUID) -> Pieces:
    """Return what each place was handed, less what it handed over, while nobody has confirmed it."""
    statement = (
        select(PartTransfer.giver_id, PartTransfer.taker_id, Part.sku, PartTransfer.quantity)
        .join(Part, Part.id == PartTransfer.part_id)
        .where(PartTransfer.territory_id == territory_id, PartTransfer.state == HANDED)
    )
    found: Pieces = Counter()
    for giver_id, taker_id, sku, quantity in session.execute(statement):
        found[taker_id, sku] += quantity
        found[giver_id, sku] -= quantity
    return found


def carried(
    session: Session,
    day: Day,
    technician_ids: Collection[uuid.UUID],
    *,
    without: uuid.UUID | None = None,
) -> Vans:
    """
    Return what the vans can use on a day: what they carry, less what is planned before or under way.

    What a van was handed is there, though nobody has confirmed it yet; what it handed over is not. The visit
    ``without`` may leave its place for another.
    """
    vans = _vans(session, technician_ids)
    vans.update(_under_way(session, day.territory_id))
    earlier = select(Visit.id, Visit.technician_id, Visit.parts).where(
        Visit.technician_id.in_(technician_ids),
        or_(
            Visit.planned_start < day.midnight,
            Visit.id.in_(on_plan_of(day.later(-1))),
            Visit.state.in_(ON_DUTY_STATES),
        ),
        Visit.state.in_([*NOT_BEGUN, *ON_DUTY_STATES]),
    )
    rows = [row for row in session.execute(earlier) if row.parts and row.id != without]
    used = fitted(session, [row.id for row in rows]) if rows else Counter()
    for row in rows:
        for sku, wanted in row.parts.items():
            vans[row.technician_id, sku] -= max(0, int(wanted) - used[row.id, sku])
    for held in _held(session, day.territory_id):
        for sku, wanted in held.parts.items() if held.start < day.midnight else ():
            vans[held.technician_id, sku] -= int(wanted)
    found: Vans = {who: {} for who in technician_ids}
    for (who, sku), pieces in vans.items():
        if who is not None and pieces > 0 and who in found:
            found[who][sku] = pieces
    return found


def with_store(
    session: Session,
    day: Day,
    vans: Vans,
    *,
    of_day: Collection[uuid.UUID],
    routes: Iterable[Need],
    open_needs: Sequence[Demand] | None,
) -> Vans:
    """
    Return what vans can have on a day: their own, and what the store can give before they set out.

    What other days' visits and held windows have set aside stays theirs, drafts included: ``of_day`` names
    those of this day. The visits on the day's ``routes`` have theirs too; the rest is for whoever is asked
    for one more visit, but for no visit of today: nobody drives back for it. A plan made anew gives
    ``open_needs``, what every visit of the day needs: where the store cannot give all of it, its pieces are
    dealt out over the vans, so that no piece is promised twice.
    """
    rest = Counter(store_of(session, day.territory_id))
    if not rest:
        return vans
    own = set(of_day)
    for share in shares(session, day.territory_id, drafted=True, skus=rest):
        if share.visit_id not in own:  # a later visit may live on what a van has beside this day's
            rest[share.sku] -= share.from_store
    whole = rest.copy()
    given: dict[uuid.UUID, Counter[str]] = {who: Counter(stock) for who, stock in vans.items()}
    left = {who: Counter(stock) for who, stock in given.items()}
    for who, parts in routes:
        if who not in given:
            continue
        for sku, count in parts.items():
            lacking = max(0, int(count) - max(0, left[who][sku]))
            left[who][sku] -= int(count) - lacking
            fetched = min(lacking, max(0, rest[sku]))
            rest[sku] -= fetched
            given[who][sku] += fetched
    if day.day > clock.business_day(clock.now(), day.timezone):
        _share_out(given, vans, rest, whole, open_needs)
    return {who: {sku: pieces for sku, pieces in stock.items() if pieces > 0} for who, stock in given.items()}


def _share_out(
    given: dict[uuid.UUID, Counter[str]],
    vans: Vans,
    rest: Counter[str],
    whole: Counter[str],
    open_needs: Sequence[Demand] | None,
) -> None:
    """Give the rest to every van where it is enough for all, else to those who can serve what needs it."""
    wanted: Counter[str] = Counter()
    for demand in open_needs or ():
        wanted.update({sku: int(count) for sku, count in demand.parts.items()})
    crew = sorted(given, key=str)
    for sku in whole:
        if open_needs is not None and wanted[sku] > whole[sku]:
            held = {who: given[who][sku] for who in crew}
            for who, pieces in deal(sku, max(0, rest[sku]), held, open_needs).items():
                given[who][sku] += pieces
        elif open_needs is not None:
            for who in crew:
                given[who][sku] = max(0, vans[who].get(sku, 0)) + max(0, whole[sku])
        else:
            for who in crew:
                given[who][sku] += max(0, rest[sku])


def _vans(session: Session, keepers: Collection[uuid.UUID]) -> Pieces:
    statement = (
        select(VanStock.technician_id, Part.sku, VanStock.quantity)
        .join(Part, Part.id == VanStock.part_id)
        .where(VanStock.technician_id.in_(keepers))
    )
    return Counter({(who, sku): quantity for who, sku, quantity in session.execute(statement)})
