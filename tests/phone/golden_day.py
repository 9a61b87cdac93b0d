"""The day of the golden corpus, as the reference client records it: every operation kind once at least."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx

from dispatch import clock
from dispatch.sync import protocol
from dispatch.work_orders.consenting import consent_digest
from tests.builders import DAY
from tests.phone.direct import CURRENCY, DirectPhone
from tests.phone.golden_company import (
    ADA,
    BEA,
    CHECKLIST,
    DECLINED,
    HANDED_OVER,
    MAIN,
    SETTLED,
    SHUT,
    SKU,
    TOOLS,
    WAIVED,
    Company,
    known_id,
)

TERMS = "The customer answers for the meter's seal."
DRAWN = {"signed_by_name": "Customer", "signature_path": "M0 0L9 9"}


class RecordingPhone(DirectPhone):
    """A phone whose batches are kept as they were sent, with what was answered."""

    def __init__(self, name: str, company: Company, kept: list[dict[str, Any]], schema: int) -> None:
        super().__init__(company.people[name], lambda: company.moment)
        self.name, self.company, self.kept, self.schema = name, company, kept, schema

    def _push(self, options: Any) -> httpx.Response:
        batch = json.loads(gzip.decompress(options["content"]))
        answer = super()._push(options)
        receipts = answer.json()["receipts"]
        moment = self.company.moment.isoformat()
        self.kept.append({"who": self.name, "at": moment, "batch": batch, "receipts": receipts})
        return answer

    def does(self, kind: str, visit: int | None = None, **payload: Any) -> str:
        """Record an operation a minute after the last."""
        moment = self.company.goes_on()
        clock.set_source(lambda: moment)
        visit_id = str(known_id(100 + visit)) if visit else None
        return self.record(kind, visit_id=visit_id, payload=payload)


def batches_of_a_day(schema: int) -> list[dict[str, Any]]:
    """Record the day in the words of a schema; the database is as the migrations left it."""
    company, kept = Company.founded(), list[dict[str, Any]]()
    ada, bea = (RecordingPhone(name, company, kept, schema) for name in (ADA, BEA))
    ada.pull()
    for part in (_the_visit, _other_visits, _the_van, _the_day):
        part(ada, bea)
        for phone in (ada, bea):
            phone.push()
            phone.pull()
    bea.close()
    ada.close()
    return kept


def _the_visit(ada: RecordingPhone, bea: RecordingPhone) -> None:
    """One visit with everything that can be told of it."""
    advised: list[Any] = ["descale"] if ada.schema == 1 else [{"text": "flue leaks", "is_danger": True}]
    found = {"fault": "Pump blocked", "cause": "Lime", "action": "Cleaned", "is_solved": True}
    for kind in (protocol.ACCEPT, protocol.TRAVEL, protocol.ARRIVE, protocol.START):
        ada.does(kind, MAIN)
    ada.does(protocol.PAUSE, MAIN, reason="fetching a seal")
    ada.does(protocol.RESUME, MAIN)
    ada.does(protocol.EXPECT, MAIN, remaining_minutes=30)
    ada.does(protocol.ANSWER, MAIN, checklist=CHECKLIST, question="leak", value=False)
    shown = consent_digest("Meter", TERMS)
    ada.does(protocol.CONSENT, MAIN, equipment="Meter", terms=TERMS, shown_sha256=shown, **DRAWN)
    wrong = ada.does(protocol.FINDING, MAIN, **found | {"fault": "Valve"})
    ada.does(protocol.FINDING_VOID, MAIN, of=wrong, reason="another flat")
    ada.does(protocol.FINDING, MAIN, **found, is_tested=True, touched=["Meter"], advised=advised)
    twice = ada.does(protocol.PART, MAIN, sku=SKU, direction="in", quantity=1)
    ada.does(protocol.PART_VOID, MAIN, of=twice, reason="counted twice")
    ada.does(protocol.PART, MAIN, sku=SKU, direction="in", quantity=2, lot="L1")
    agreed = {"amount": "180.50", "currency": CURRENCY, "approved_by_name": "Customer", "method": "phone"}
    ada.does(protocol.APPROVAL, MAIN, **agreed)
    ada.does(protocol.DECLARE, MAIN, sha256="0a" * 32, bytes=9, mime="image/jpeg", purpose="after")
    _taken_back(ada)
    main = str(known_id(100 + MAIN))
    ada.does(protocol.SIGN, MAIN, shown_sha256=ada.shown_sha256(main), **DRAWN)
    ada.does(protocol.FINISH, MAIN, is_solved=True, rating=5)
    ada.does(protocol.PAYMENT, MAIN, method="cash", amount="180.50", currency=CURRENCY, reference="R1")
    number = {"base": f"+35840000000{MAIN}", "value": "+358409999999"}
    ada.does(protocol.PROPOSE, MAIN, fields={"phone": number}, note="moved")


def _taken_back(ada: RecordingPhone) -> None:
    """A consent, an approval and a photograph that are taken back at once."""
    shown, photo = consent_digest("Boiler", TERMS), "0c" * 32
    wrong = ada.does(protocol.CONSENT, MAIN, equipment="Boiler", terms=TERMS, shown_sha256=shown, **DRAWN)
    ada.does(protocol.CONSENT_VOID, MAIN, of=wrong, reason="not asked for")
    less = {"amount": "90.00", "currency": CURRENCY, "approved_by_name": "Customer", "method": "phone"}
    ada.does(protocol.APPROVAL_VOID, MAIN, of=ada.does(protocol.APPROVAL, MAIN, **less), reason="misread")
    ada.does(protocol.DECLARE, MAIN, sha256=photo, bytes=9, mime="image/jpeg", purpose="after")
    ada.does(protocol.FILE_VOID, MAIN, sha256=photo, reason="another flat")


def _other_visits(ada: RecordingPhone, bea: RecordingPhone) -> None:
    """Visits that end otherwise."""
    begun = (protocol.TRAVEL, protocol.ARRIVE, protocol.START)
    ada.does(protocol.DECLINE, DECLINED, reason="no ladder")
    ada.does(protocol.TRAVEL, SHUT)
    ada.does(protocol.DECLARE, SHUT, sha256="0b" * 32, bytes=9, mime="image/jpeg", purpose="no_access")
    ada.does(protocol.NO_ACCESS, SHUT, reason="nobody opened")
    for visit in (WAIVED, HANDED_OVER, SETTLED):
        for kind in begun:
            ada.does(kind, visit)
        if visit == HANDED_OVER:
            ada.does(protocol.HAND_OVER, visit, note="called to an emergency", remaining_minutes=40)
            continue
        if visit == SETTLED:
            ada.does(protocol.SETTLE, visit, advice_id=str(known_id(200)), result="done", note="sealed")
        ada.does(protocol.FINDING, visit, fault="Pump", cause="Lime", action="Cleaned", is_solved=True)
        ada.does(protocol.WAIVE, visit, reason="not at home")
        ada.does(protocol.FINISH, visit)


def _the_van(ada: RecordingPhone, bea: RecordingPhone) -> None:
    """Parts and tools from hand to hand, a pick list, a count."""
    ends = {"sku": SKU, "giver_id": str(ada.by.technician_id), "taker_id": str(bea.by.technician_id)}
    for number in (400, 401):
        ada.does(protocol.TRANSFER_ASK, transfer_id=str(known_id(number)), quantity=2, **ends)
    ada.does(protocol.TRANSFER_HAND_OVER, transfer_id=str(known_id(400)))
    ada.does(protocol.TRANSFER_DECLINE, transfer_id=str(known_id(401)), reason="one is enough")
    for number, serial in enumerate(TOOLS, start=500):
        handover = {"handover_id": str(known_id(number)), "serial": serial}
        ada.does(protocol.TOOL_HAND_OVER, **handover, taker_id=str(bea.by.technician_id))
    ada.push()
    bea.does(protocol.TRANSFER_CONFIRM, transfer_id=str(known_id(400)))
    bea.does(protocol.TOOL_ACCEPT, handover_id=str(known_id(500)))
    bea.does(protocol.TOOL_DECLINE, handover_id=str(known_id(501)), reason="broken")
    bea.push()
    ada.does(protocol.PICK, day=DAY.isoformat(), picked={})
    ada.does(protocol.COUNT, sku=SKU, counted=5)


def _the_day(ada: RecordingPhone, bea: RecordingPhone) -> None:
    """Breaks, positions, a day handed in, a count answered."""
    ada.does(protocol.BREAK_START)
    ada.does(protocol.BREAK_END)
    ada.does(protocol.SWITCH_POSITIONS, is_on=False, reason="doctor")
    ada.does(protocol.SWITCH_POSITIONS, is_on=True)
    place = {"latitude": "60.17123", "longitude": "24.94123", "accuracy_metres": 12}
    ada.does(protocol.POSITIONS, fixes=[{"at": ada.company.moment.isoformat(), **place}])
    seen = {"hand_in_id": str(known_id(300)), "shown_sha256": ada.company.count_sha256}
    ada.does(protocol.ANSWER_COUNT, **seen, accepts=True, **DRAWN)
    day: dict[str, Any] = {"day": DAY.isoformat(), "sheets": [], "reasons": {}, "counted": {}}
    day |= {"currency": CURRENCY, "stock": {SKU: 2}, "note": "a quiet day"}
    signed = {"shown_sha256": protocol.record_digest(protocol.handed_in_shown(day)), **DRAWN}
    bea.does(protocol.HAND_IN, **day, **signed)
