"""Phones of the reference client under load, the work that they do, and what must be left of it."""

from __future__ import annotations

import io
import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from PIL import Image
from sqlalchemy import bindparam, select, text, update

from benchmarks.company import fill
from dispatch import db
from dispatch.parts.model import Part
from dispatch.simulation.phone import PhoneClient
from dispatch.sync import protocol
from dispatch.technicians.model import Technician
from dispatch.work_orders.model import Visit
from tests.phone.logins import Login, sign_up

SKU = "PUMP"
OF_A_VISIT = 10
"""Operations of one visit, photographs apart."""
PHOTO_SIDE = 860
"""Gives JPEG files of about 300 KB."""
FINDING = {
    "fault": "pump blocked",
    "cause": "lime",
    "action": "cleaned and tested",
    "is_solved": True,
    "is_tested": True,
    "measurements": [{"name": "pressure", "value": "1.5", "unit": "bar"}],
}


@dataclass(frozen=True, slots=True)
class Technicians:
    """A company whose technicians hold published visits for today."""

    usernames: Sequence[str]

    @classmethod
    def hired(cls, count: int, visits: int, midnight: datetime, *, seed: int) -> Technicians:
        """Write the company: each technician has so many visits, one after the other."""
        with db.transaction() as session:
            region = fill(session, midnight, visits=count * visits, technicians=count, seed=seed)
            session.add(Part(sku=SKU, name_en="Pump", name_zh="水泵", price_minor=9_000, currency="EUR"))
            people = session.scalars(select(Technician.id).order_by(Technician.number)).all()
            waiting = session.scalars(select(Visit.id).order_by(Visit.id)).all()
            step = timedelta(hours=20) / visits
            session.connection().execute(
                update(Visit.__table__)  # type: ignore[arg-type]
                .where(Visit.id == bindparam("of_visit"))
                .values(
                    state="planned",
                    technician_id=bindparam("who"),
                    planned_start=bindparam("start"),
                    planned_end=bindparam("end"),
                ),
                [
                    {
                        "of_visit": visit,
                        "who": people[number // visits],
                        "start": midnight + step * (number % visits),
                        "end": midnight + step * (number % visits + 1),
                    }
                    for number, visit in enumerate(waiting)
                ],
            )
            session.execute(update(Visit).values(state="published"))
            names = [f"phone{number}" for number in range(count)]
            for name, who in zip(names, people, strict=True):
                sign_up(session, name, who, region)
        return cls(names)

    def phones(self, url: str, folder: Path) -> Iterator[PhoneClient]:
        """Give everybody a phone, signed in, which holds the visits."""
        for name in self.usernames:
            phone = PhoneClient(url, Login(name), folder / f"{name}.sqlite", patience_seconds=20)
            phone.sign_in()
            phone.pull()
            yield phone


def record_visit(phone: PhoneClient, visit_id: str, photos: Sequence[bytes] = ()) -> None:
    """Do a visit without contact, from accepting to the payment."""
    for kind in (protocol.ACCEPT, protocol.TRAVEL, protocol.ARRIVE, protocol.START):
        phone.record(kind, visit_id=visit_id)
    for content in photos:
        phone.attach(visit_id, content, "image/jpeg", purpose="after")
    phone.record(protocol.FINDING, visit_id=visit_id, payload=FINDING)
    fitted = {"sku": SKU, "direction": "in", "quantity": 1, "lot": "L1"}
    phone.record(protocol.PART, visit_id=visit_id, payload=fitted)
    agreed = {"amount": "190.00", "currency": "EUR", "approved_by_name": "Customer", "method": "signature"}
    phone.record(protocol.APPROVAL, visit_id=visit_id, payload=agreed)
    signed = {"shown_sha256": phone.shown_sha256(visit_id), "signed_by_name": "Customer"}
    phone.record(protocol.SIGN, visit_id=visit_id, payload=signed | {"signature_path": "M0 0L9 9"})
    phone.record(protocol.FINISH, visit_id=visit_id, payload={"is_solved": True, "rating": 5})
    paid = {"method": "cash", "amount": "190.00", "currency": "EUR", "reference": visit_id}
    phone.record(protocol.PAYMENT, visit_id=visit_id, payload=paid)


class Photographs:
    """Real JPEG files; each differs from all others by a comment, so that they are quickly made."""

    def __init__(self, chance: random.Random, *, side: int = PHOTO_SIDE, kinds: int = 8) -> None:
        self._kinds = [_jpeg(chance, side) for _ in range(kinds)]
        self._chance = chance

    def take(self) -> bytes:
        """Return another photograph."""
        whole, comment = self._chance.choice(self._kinds), uuid.UUID(int=self._chance.getrandbits(128)).bytes
        return whole[:2] + b"\xff\xfe" + (2 + len(comment)).to_bytes(2) + comment + whole[2:]


def _jpeg(chance: random.Random, side: int) -> bytes:
    coarse = Image.frombytes("RGB", (side // 4, side // 4), chance.randbytes(3 * (side // 4) ** 2))
    written = io.BytesIO()
    coarse.resize((side, side)).save(written, "JPEG", quality=85)
    return written.getvalue()


EFFECTS = {
    "payments": "select reference, count(*) from payment group by 1",
    "findings": "select visit_id::text, count(*) from finding group by 1",
    "parts": "select visit_id::text, sum(quantity) from part_use group by 1",
    "approvals": "select work_order_id::text, count(*) from approval group by 1",
    "signatures": "select visit_id::text, count(*) from service_report group by 1",
    "arrivals": "select visit_id::text, count(*) from visit_event where to_state = 'on_site' group by 1",
    "completions": "select visit_id::text, count(*) from visit_event where to_state = 'done' group by 1",
}
"""What one visit leaves exactly once, counted without looking at operations."""


def effects_of(visits: int, photos: int) -> dict[str, int]:
    """Count effects that are missing and those that are there more than once."""
    lost = doubled = 0
    with db.transaction() as session:
        for question in EFFECTS.values():
            counts = [int(count) for _, count in session.execute(text(question))]
            lost += max(0, visits - len(counts))
            doubled += sum(count - 1 for count in counts)
        arrived, files = session.execute(
            text("select count(distinct sha256), count(*) from declared_file where attachment_id is not null")
        ).one()
    return {
        "effects_lost": lost,
        "effects_doubled": doubled,
        "photos_lost": max(0, photos - int(arrived)),
        "photos_doubled": int(files) - int(arrived),
    }
