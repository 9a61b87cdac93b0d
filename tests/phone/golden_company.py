"""The company of the golden corpus: with the same ids each time, so that operations find what they name."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from dispatch import clock, db
from dispatch.access.model import Device
from dispatch.access.rules import Principal, Role
from dispatch.checklists.commands import pinned, write_checklist
from dispatch.hand_ins import receiving
from dispatch.hand_ins.model import HandIn
from dispatch.tools.model import Tool
from dispatch.work_orders import commands as visits
from dispatch.work_orders.on_site_model import AdvisedWork
from tests import builders
from tests.builders import DAY, MORNING, at
from tests.phone.direct import CURRENCY

SKU, CHECKLIST, TOOLS = "GOLD-PUMP", "GOLD-BOILER", ("GOLD-GAUGE", "GOLD-METER")
QUESTION = {"key": "leak", "kind": "yes_no", "text_en": "Leak?", "text_zh": "漏水？", "is_required": True}
MINUTE = timedelta(minutes=1)
SIGNED_FOR = {
    "fault_code": "NO_HEAT",
    "estimate_labour_minor": 6_000,
    "estimate_parts_minor": 1_250,
    "estimate_travel_minor": 2_000,
    "currency": CURRENCY,
}
"""What an order puts into the record that the customer signs."""
MAIN, DECLINED, SHUT, WAIVED, HANDED_OVER, SETTLED = range(1, 7)
ADA, BEA = "ada", "bea"


def known_id(number: int) -> uuid.UUID:
    """An id that is the same in every world, so that recorded operations find what they name."""
    return uuid.UUID(f"0195a1b2-0000-7000-8000-{number:012d}")


@dataclass
class Company:
    """The company of the corpus: two technicians, a desk, and what a day needs."""

    people: dict[str, Principal]
    desk: Principal
    territory_id: uuid.UUID
    count_sha256: str = ""
    """What the cashier counted of Ada's day before."""
    moment: datetime = field(default=MORNING)

    @classmethod
    def founded(cls) -> Company:
        """Write it, at eight in the morning of the test day."""
        clock.set_source(lambda: MORNING)
        with db.transaction() as session:
            territory = builders.a_territory(session, code="GOLD")
            seen = frozenset({territory.id})
            people = {
                name: _person(session, territory, name, known_id(10 * place))
                for place, name in enumerate((ADA, BEA), start=1)
            }
            desk = Principal(builders.a_user(session).id, Role.DISPATCHER, seen)
            made = cls(people, desk, territory.id)
            _stocked(session, territory, people)
            write_checklist(
                session, by=None, code=CHECKLIST, title_en="Boiler", title_zh="锅炉", questions=[QUESTION]
            )
            for number in (MAIN, DECLINED, SHUT, WAIVED, HANDED_OVER, SETTLED):
                _published(session, made, number)
            made.count_sha256 = _counted_day(session, made)
        return made

    def goes_on(self) -> datetime:
        """Let a minute pass."""
        self.moment += MINUTE
        return self.moment


def _person(session: Session, territory: builders.Territory, name: str, device_id: uuid.UUID) -> Principal:
    who = builders.a_technician(
        session, territory=territory, number=f"T-{name}", name=name.title(), id=known_id(device_id.int % 1000)
    )
    hours = {"starts_at": at(6), "ends_at": at(22), "break_minutes": 0}
    builders.a_shift(session, who, **hours, break_earliest=None, break_latest=None)
    user = builders.a_user(session, Role.TECHNICIAN, technician_id=who.id)
    session.add(
        Device(
            id=device_id,
            user_id=user.id,
            technician_id=who.id,
            label="phone",
            public_key=name,
            registered_at=clock.now(),
        )
    )
    session.flush()
    return Principal(user.id, Role.TECHNICIAN, frozenset({territory.id}), who.id, device_id)


def _stocked(session: Session, territory: builders.Territory, people: Mapping[str, Principal]) -> None:
    """Pieces on Ada's van and in the store, and tools that Ada keeps."""
    ada = session.get_one(builders.Technician, people[ADA].technician_id)
    part = builders.a_part(session, sku=SKU, name_en="Pump", name_zh="水泵", price_minor=9_000)
    builders.van_stock(session, ada, part, 9)
    for serial in TOOLS:
        session.add(
            Tool(territory_id=territory.id, serial=serial, name_en="Gauge", name_zh="表", keeper_id=ada.id)
        )
    session.flush()


def _published(session: Session, company: Company, number: int) -> None:
    """A visit of the day for Ada; at one site something was advised before."""
    territory = session.get_one(builders.Territory, company.territory_id)
    customer = builders.a_customer(session, name=f"Customer {number}", phone=f"+35840000000{number}")
    site = builders.a_site(session, customer=customer, territory=territory)
    asset = builders.an_asset(
        session, site=site, product_kind="boiler", model="Kattila 20", serial=f"GOLD-{number}"
    )
    order = builders.an_order(session, asset=asset, **SIGNED_FOR)
    lists = pinned(session, [CHECKLIST]) if number == MAIN else []
    visit = builders.a_visit(session, order=order, id=known_id(100 + number), checklists=lists)
    start = at(8 + number)
    visits.assign(
        session,
        by=company.desk,
        visit=visit,
        technician_id=company.people[ADA].technician_id,
        planned_start=start,
        planned_end=start + timedelta(hours=1),
    )
    if number == SETTLED:
        session.add(
            AdvisedWork(
                id=known_id(200), visit_id=visit.id, site_id=site.id, words="flue leaks", is_danger=True,
                advised_at=clock.now(),
            )
        )  # fmt: skip
        session.flush()


def _counted_day(session: Session, company: Company) -> str:
    """Ada handed the day before in without money, and the cashier found a euro."""
    cash = {"method": "cash", "currency": CURRENCY, "expected_minor": 0, "counted_minor": 0}
    record = HandIn(
        id=known_id(300), technician_id=company.people[ADA].technician_id, day=DAY - timedelta(days=1),
        handed_in_at=clock.now(), sheets_expected=[], sheets_missing=[],
        money=[cash | {"difference_minor": 0, "vouchers_minor": 0}],
    )  # fmt: skip
    session.add(record)
    session.flush()
    given = {"counted_minor": {"cash": 100}, "currency": CURRENCY, "reasons": {"cash": "found in the van"}}
    return receiving.receive(session, by=company.desk, hand_in=record, **given).shown_sha256
