"""One thing of every kind in a territory, written directly, for tests of who may reach what."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from dispatch import clock, db
from dispatch.access.model import Device, User
from dispatch.billing.model import CreditNote, Invoice, NumberSeries, Settlement
from dispatch.calls.model import Assessment
from dispatch.customers.contacts import add_contact
from dispatch.customers.rules import Person
from dispatch.hand_ins.model import HandIn
from dispatch.loaners.model import Loan, LoanerUnit
from dispatch.outbox import JobRun
from dispatch.planning.model import DayPlan, Scenario
from dispatch.promises.model import Compensation, Promise, PromiseAlarm, SlotHold
from dispatch.sync.model import Operation, Rejection
from dispatch.technicians.model import Technician
from dispatch.territories.model import Territory
from dispatch.work_orders.model import Attachment, ReviewCase, Visit, WorkOrder
from tests import builders
from tests.api.company import Company
from tests.api.intake_holdings import (
    a_calendar,
    a_chaser,
    a_declared_file,
    a_mark,
    a_proposal,
    a_quarantined_work,
    a_question,
    a_source,
    an_advice,
    an_inquiry,
)
from tests.api.stock_holdings import stock_of

DAY = date(2026, 3, 2)


@dataclass
class Holdings:
    """Ids by the name of the address's parameter."""

    ids: dict[str, str]

    @classmethod
    def of(cls, company: Company, where: str) -> Holdings:
        """Write one thing of every kind in a territory."""
        with db.transaction() as session:
            territory = session.get_one(Territory, company.territories[where])
            technician = session.get_one(Technician, company.technicians[where])
            things = {
                **_orders(session, territory, technician),
                **_plans(session, territory),
                **_people(session, technician),
            }
            things["day"] = things["first_day"] = DAY.isoformat()
            return cls({name: str(value) for name, value in things.items()})


def a_shift_id(technician_id: str) -> str:
    """The id of a new shift, to be removed."""
    with db.transaction() as session:
        return str(builders.a_shift(session, session.get_one(Technician, uuid.UUID(technician_id))).id)


def an_absence_id(technician_id: str) -> str:
    """The id of a new absence, to be taken back."""
    with db.transaction() as session:
        return str(builders.an_absence(session, session.get_one(Technician, uuid.UUID(technician_id))).id)


def _orders(session: Session, territory: Territory, technician: Technician) -> dict[str, Any]:
    site = builders.a_site(session, territory=territory)
    asset = builders.an_asset(session, site=site)
    call = builders.a_call(session, site=site, asset=asset)
    order = builders.an_order(session, site=site, asset=asset, call_id=call.id)
    visit = builders.a_visit(session, order=order, technician=technician, state="done")
    builders.findings(session, visit)
    case = ReviewCase(visit_id=visit.id, kind="illegal_transition", detail={}, opened_at=clock.now())
    attachment = Attachment(
        visit_id=visit.id,
        sha256="0" * 64,
        media_type="image/png",
        size_bytes=1,
        stored_name="gone.png",
        uploaded_at=clock.now(),
    )
    session.add_all([case, attachment, _assessment(call.id, order.id)])
    session.flush()
    customer = session.get_one(builders.Customer, site.customer_id)
    person = Person(name="Li", phone="+358501112222")
    return {
        "contact_id": add_contact(session, by=None, customer=customer, person=person).id,
        "site_id": site.id,
        "customer_id": site.customer_id,
        "asset_id": asset.id,
        "call_id": call.id,
        "order_id": order.id,
        "visit_id": visit.id,
        "case_id": case.id,
        "attachment_id": attachment.id,
        **_alarm(session, territory, visit),
        "part_use_id": builders.part_use(session, visit, builders.a_part(session)).id,
        "contract_id": builders.a_contract(session, customer=customer).id,
        "calendar_id": a_calendar(session).id,
        **_loans(session, territory, order),
        "mark_id": a_mark(session, visit).id,
        "question_id": a_question(session, visit).id,
        "chaser_id": a_chaser(session, order).id,
        "advice_id": an_advice(session, visit).id,
        "proposal_id": a_proposal(session, visit).id,
        "declared_id": a_declared_file(session, visit).id,
        **an_inquiry(session, territory),
        "source_id": a_source(session).id,
        **_money(session, order),
    }


def _loans(session: Session, territory: Territory, order: WorkOrder) -> dict[str, Any]:
    unit = LoanerUnit(
        territory_id=territory.id,
        product_kind="boiler",
        model="B 20",
        serial=builders.serial("L"),
        charge_minor=50_000,
        currency="EUR",
        state="out",
    )
    session.add(unit)
    session.flush()
    loan = Loan(work_order_id=order.id, unit_id=unit.id, state="out", wanted_at=clock.now())
    session.add(loan)
    session.flush()
    return {"unit_id": unit.id, "loan_id": loan.id}


def _alarm(session: Session, territory: Territory, visit: Visit) -> dict[str, Any]:
    now = clock.now()
    promise = Promise(
        visit_id=visit.id,
        ordinal=1,
        window_start=now,
        window_end=now + timedelta(hours=2),
        promised_at=now,
        channel="phone",
        slot_cost_minor=0,
        reason="first",
        is_reservation=False,
    )
    session.add(promise)
    session.flush()
    alarm = PromiseAlarm(
        promise_id=promise.id,
        visit_id=visit.id,
        territory_id=territory.id,
        day=DAY,
        reason="delay",
        seen_at=now,
        expected_arrival=now + timedelta(hours=3),
    )
    owed = Compensation(
        promise_id=promise.id,
        work_order_id=visit.work_order_id,
        rule="late_arrival",
        amount_minor=5_000,
        currency="EUR",
        state="proposed",
        created_at=now,
    )
    session.add_all([alarm, owed])
    session.flush()
    return {"alarm_id": alarm.id, "compensation_id": owed.id}


def _assessment(call_id: uuid.UUID, order_id: uuid.UUID) -> Assessment:
    return Assessment(
        call_id=call_id,
        assessed_at=clock.now(),
        fault_class="product",
        kind="simple_repair",
        fault_code="NO_HEAT",
        skills={},
        certificates=[],
        parts={},
        crew_size=1,
        duration_minutes=60,
        priority=3,
        estimate_labour_minor=0,
        estimate_parts_minor=0,
        estimate_travel_minor=0,
        currency="EUR",
        is_accepted_by_customer=True,
        resolution="visit",
        work_order_id=order_id,
    )


def _money(session: Session, order: WorkOrder) -> dict[str, Any]:
    settlement = Settlement(
        work_order_id=order.id,
        state="invoiced",
        currency="EUR",
        rule_version="1",
        input_sha256="0" * 64,
        settled_at=clock.now(),
        lines=[],
    )
    series = f"invoice:{order.serial}"
    session.add_all([settlement, NumberSeries(code=series, next_number=2)])
    session.flush()
    invoice = Invoice(
        series=series,
        ordinal=1,
        number=f"INV-{order.serial}",
        settlement_id=settlement.id,
        work_order_id=order.id,
        customer_id=order.customer_id,
        payer="customer",
        currency="EUR",
        net_minor=100,
        tax_minor=int(Decimal(20)),
        gross_minor=120,
        issued_on=DAY,
        due_on=DAY,
        issued_at=clock.now(),
        language="en",
        snapshot={},
        snapshot_sha256="0" * 64,
    )
    session.add(invoice)
    session.flush()
    note = _credit_note(session, invoice)
    return {"settlement_id": settlement.id, "invoice_id": invoice.id, "credit_note_id": note.id}


def _credit_note(session: Session, invoice: Invoice) -> CreditNote:
    series = f"credit:{invoice.ordinal}:{invoice.series}"
    session.add(NumberSeries(code=series, next_number=2))
    session.flush()
    note = CreditNote(
        series=series,
        ordinal=1,
        number=f"CRN-{invoice.number}",
        invoice_id=invoice.id,
        work_order_id=invoice.work_order_id,
        customer_id=invoice.customer_id,
        reason="taken back",
        currency="EUR",
        net_minor=100,
        tax_minor=20,
        gross_minor=120,
        issued_on=DAY,
        issued_at=clock.now(),
        language="en",
        snapshot={},
        snapshot_sha256="0" * 64,
    )
    session.add(note)
    session.flush()
    return note


def _plans(session: Session, territory: Territory) -> dict[str, Any]:
    plan = DayPlan(
        territory_id=territory.id,
        day=DAY,
        state="superseded",
        base_version=0,
        reason="optimise",
        created_at=clock.now(),
    )
    run = JobRun(
        kind="planning.optimise_day",
        key=f"planning.optimise_day:{territory.id}",
        queue="planning",
        payload={"territory_id": str(territory.id), "day": DAY.isoformat()},
        state="done",
    )
    hold = _hold(session, territory)
    scenario = Scenario(
        territory_id=territory.id,
        day=DAY,
        title="A van is late",
        assumptions={},
        seed=1,
        seconds=1.0,
        created_at=clock.now(),
    )
    session.add_all([plan, run, hold, scenario])
    session.flush()
    return {
        "territory_id": territory.id,
        "plan_id": plan.id,
        "run_id": run.id,
        "hold_id": hold.id,
        "scenario_id": scenario.id,
        "other_scenario_id": scenario.id,
    }


def _hold(session: Session, territory: Territory) -> SlotHold:
    now = clock.now()
    who = builders.a_technician(session, territory=territory)
    return SlotHold(
        territory_id=territory.id,
        day=DAY,
        site_id=builders.a_site(session, territory=territory).id,
        window_start=now,
        window_end=now + timedelta(hours=2),
        duration_minutes=60,
        priority=3,
        technician_id=who.id,
        expected_start=now,
        cost_minor=0,
        held_at=now,
        expires_at=now + timedelta(minutes=5),
    )


def _people(session: Session, technician: Technician) -> dict[str, Any]:
    user = builders.a_user(session, builders.Role.TECHNICIAN, technician_id=technician.id)
    user.territories = [_membership(user, technician)]
    session.flush()
    device = Device(
        user_id=user.id,
        technician_id=technician.id,
        label="Phone",
        public_key="-",
        registered_at=clock.now(),
    )
    hand_in = HandIn(
        technician_id=technician.id,
        day=DAY,
        handed_in_at=clock.now(),
        sheets_expected=[],
        sheets_missing=[],
        money=[],
    )
    session.add_all([device, hand_in])
    session.flush()
    return {
        "technician_id": technician.id,
        "shift_id": builders.a_shift(session, technician).id,
        "absence_id": builders.an_absence(session, technician).id,
        "user_id": user.id,
        "device_id": device.id,
        "hand_in_id": hand_in.id,
        **stock_of(session, technician, user.id),
        "rejection_id": _rejection(session, device, technician),
        "work_id": a_quarantined_work(session, device),
    }


def _membership(user: User, technician: Technician) -> Any:
    kind = User.territories.property.mapper.class_
    return kind(user_id=user.id, territory_id=technician.territory_id)


def _rejection(session: Session, device: Device, technician: Technician) -> uuid.UUID:
    now = clock.now()
    operation = Operation(
        op_id=db.new_id(),
        device_id=device.id,
        install_epoch="e",
        seq=1,
        type="visit.step",
        schema=1,
        body={"payload": {}},
        body_sha256="0" * 64,
        state="rejected",
        receipt="{}",
        occurred_at_device=now - timedelta(minutes=1),
        occurred_at=now,
        clock_quality="mono",
        received_at=now,
    )
    session.add(operation)
    session.flush()
    rejection = Rejection(
        op_id=operation.op_id, technician_id=technician.id, code="X", reason="x", rejected_at=now
    )
    session.add(rejection)
    session.flush()
    return rejection.id
