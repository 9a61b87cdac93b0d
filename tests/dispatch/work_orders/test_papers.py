"""Order sheet and service report, from facts to PDF, in both languages."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any, Literal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import documents
from dispatch.access.rules import Role
from dispatch.calls.model import RepairCall
from dispatch.checklists.commands import write_checklist
from dispatch.contracts.house_rules import change_house_rules
from dispatch.customers.contacts import add_contact
from dispatch.customers.model import Asset, Customer, Site
from dispatch.customers.rules import Person
from dispatch.documents.words import WORDS
from dispatch.errors import NotFound
from dispatch.money import Money
from dispatch.settings import Settings
from dispatch.technicians.model import BreakTaken, Technician
from dispatch.work_orders.advising import keep_advice
from dispatch.work_orders.commands import (
    Rest,
    answer_question,
    hand_over,
    preview,
    record_approval,
    record_consent,
    sign,
    waive,
)
from dispatch.work_orders.consenting import consent_digest
from dispatch.work_orders.model import ServiceReport, StoredDocument, Visit
from dispatch.work_orders.papers import dispatch_sheet, dispatch_sheet_snapshot, service_report_snapshot
from dispatch.work_orders.record import METHODS
from dispatch.work_orders.reporting import render_service_report
from dispatch.work_orders.rules import OrderKind
from tests import builders as b
from tests.builders import serial
from tests.dispatch.conftest import MovableClock
from tests.money_world import a_tariff

SETTINGS = Settings()
LANGUAGES: tuple[Literal["zh", "en"], ...] = ("en", "zh")


@pytest.fixture
def visit(session: Session, now: MovableClock) -> Visit:
    """A repeat repair with everything a paper can show."""
    customer = b.a_customer(session, name="王小明", language="zh", needs_home_service=True)
    site = b.a_site(session, customer=customer, access_notes="Code 1234", parking_minutes=5, access_minutes=3)
    asset = b.an_asset(session, site=site, accepted_on=date(2024, 2, 29), purchased_on=date(2024, 2, 1))
    ada = b.a_technician(session, skills={"gas": 3}, certificates={"gas_a": date(2026, 12, 31)})
    former = b.a_visit(
        session,
        order=b.an_order(session, asset=asset, state="closed"),
        state="closed",
        finished_at=b.at(10, days=-9),
    )
    b.findings(session, former, fault="Pump noisy", action="Greased")
    part = b.a_part(session, is_approved=False)
    order = b.an_order(
        session,
        asset=asset,
        call_id=b.a_call(session, site=site, asset=asset, description="又坏了").id,
        repeat_of_id=former.work_order_id,
        priority=5,
    )
    visit = b.a_visit(
        session,
        order=order,
        technician=ada,
        state="working",
        skills={"gas": 2},
        certificates=["gas_a", "lift"],
        parts={part.sku: 2},
        window_start=b.at(9),
        window_end=b.at(11),
        arrived_at=b.at(9),
        started_at=b.at(9.25),
        is_solved=True,
    )
    b.findings(
        session,
        visit,
        advised=["Flue is rusty"],
        measurements=[{"name": "p", "value": "1.5", "unit": ""}],
        documents_handed_over=["Manual"],
    )
    b.part_use(session, visit, part, serial="S1", unapproved_reason="none left")
    return visit


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_order_sheet_shows_where_to_go_what_to_take_and_what_was_done(
    session: Session, visit: Visit, language: Literal["zh", "en"]
) -> None:
    """R-502, R-510 and R-106: one number, printable, with the last repairs and the care needed."""
    snapshot = dispatch_sheet_snapshot(session, visit, language, SETTINGS)
    documents.check_snapshot("dispatch_sheet", snapshot)
    assert snapshot["number"] == visit.number
    assert snapshot["priority"] == "emergency"
    assert snapshot["needs_care"] is True
    assert "又坏了" in snapshot["problem"]
    assert [row["fault"] for row in snapshot["history"]] == ["Pump noisy"]
    assert snapshot["repeat_of"].startswith("WO-")
    assert snapshot["certificates"] == [
        {"name": "gas_a", "number": snapshot["certificates"][0]["number"], "valid_until": "2026-12-31"},
        {"name": "lift"},
    ]
    assert snapshot["asset"]["warranty_until"] == "2027-02-28"
    office = b.a_principal(Role.DISPATCHER)
    assert dispatch_sheet(session, office, visit.id, language, SETTINGS).startswith(b"%PDF-")


def test_a_chinese_paper_has_no_english_words_of_ours(session: Session, visit: Visit) -> None:
    """The kind of work, of equipment and of approval are codes; papers print the words of their language."""
    order = visit.work_order
    asset = session.get_one(Asset, order.asset_id)
    asset.product_kind, order.kind = "heat_pump", "quick_repair"
    record_approval(
        session, by=None, order=order, amount=Money(9_000, "EUR"), approved_by_name="王小明", method="phone"
    )
    sheet = {one: dispatch_sheet_snapshot(session, visit, one, SETTINGS) for one in LANGUAGES}
    assert [sheet[one]["kind"] for one in LANGUAGES] == ["Quick repair", "快速维修"]
    assert [sheet[one]["asset"]["name"] for one in LANGUAGES] == ["Heat pump", "热泵"]
    report = signed(session, visit)
    record = {one: service_report_snapshot(session, visit, report, one, SETTINGS) for one in LANGUAGES}
    assert [record[one]["asset"]["name"] for one in LANGUAGES] == ["Heat pump", "热泵"]
    assert [record[one]["approval"]["channel"] for one in LANGUAGES] == ["by phone", "电话"]
    asset.product_kind = "wine_cooler"
    assert dispatch_sheet_snapshot(session, visit, "zh", SETTINGS)["asset"]["name"] == "wine cooler"


def test_every_kind_of_work_has_its_words() -> None:
    assert {f"kind.{kind}" for kind in OrderKind} <= WORDS.keys()
    assert {f"channel.{method}" for method in METHODS} <= WORDS.keys()


def test_a_record_that_was_handed_over_says_so_in_the_language_of_the_paper(
    session: Session, visit: Visit
) -> None:
    visit.certificates = []
    by = b.of(session.get_one(Technician, visit.technician_id))
    hand_over(session, by=by, visit=visit, rest=Rest("the lift is stuck", 30))
    report = session.scalars(select(ServiceReport).where(ServiceReport.visit_id == visit.id)).one()
    shown = {one: service_report_snapshot(session, visit, report, one, SETTINGS) for one in LANGUAGES}
    documents.check_snapshot("service_report", shown["zh"])
    assert {one: shown[one]["signature"]["refused"] for one in LANGUAGES} == {
        "en": "A colleague goes on: the lift is stuck",
        "zh": "由同事继续：the lift is stuck",
    }


def test_an_order_sheet_says_what_solved_the_fault_on_other_equipment(session: Session, visit: Visit) -> None:
    """R-510: the same fixes as on the phone; the asset's own history alone is no help with a first fault."""
    order = visit.work_order
    order.fault_code = serial("F")
    assert dispatch_sheet_snapshot(session, visit, "en", SETTINGS)["solved_before"] == []
    elsewhere = b.an_order(session, asset=b.an_asset(session, model="Q 7"), fault_code=order.fault_code)
    fixed = b.a_visit(
        session, order=elsewhere, state="closed", finished_at=b.at(10, days=-40), is_solved=True
    )
    b.findings(session, fixed, cause="Air in the pump", action="Bled it")
    snapshot = dispatch_sheet_snapshot(session, visit, "en", SETTINGS)
    documents.check_snapshot("dispatch_sheet", snapshot)
    [row] = snapshot["solved_before"]
    assert (row["model"], row["cause"], row["action"]) == ("Q 7", "Air in the pump", "Bled it")
    assert row["date"] == (b.DAY - timedelta(days=40)).isoformat()


@pytest.mark.parametrize("language", LANGUAGES)
def test_papers_name_the_contact_and_the_customers_own_order_number(
    session: Session, visit: Visit, language: Literal["zh", "en"]
) -> None:
    """R-103, R-502: whom to speak with on site, and what the customer's book-keeper looks for."""
    order = visit.work_order
    assert "contact" not in dispatch_sheet_snapshot(session, visit, language, SETTINGS)["customer"]
    customer = session.get_one(Customer, order.customer_id)
    li = Person(name="Li", role="物业", phone="+358501112222")
    contact = add_contact(session, by=None, customer=customer, person=li)
    session.get_one(RepairCall, order.call_id).contact_id = contact.id
    order.customer_reference = "PO-4711"
    session.flush()
    snapshot = dispatch_sheet_snapshot(session, visit, language, SETTINGS)
    documents.check_snapshot("dispatch_sheet", snapshot)
    assert snapshot["customer"]["contact"] == "Li, 物业, +358501112222"
    assert snapshot["customer_reference"] == "PO-4711"
    report = service_report_snapshot(session, visit, signed(session, visit), language, SETTINGS)
    documents.check_snapshot("service_report", report)
    assert report["customer_reference"] == "PO-4711"
    for kind, shown in (("dispatch_sheet", snapshot), ("service_report", report)):
        assert documents.render(kind, shown, language).startswith(b"%PDF")


def test_papers_print_the_warranty_that_settlements_count(session: Session, visit: Visit) -> None:
    """R-404: one function and one term, the tariff's, for paper and payer; the first day is a rule."""
    a_tariff(session, code="SHORT", valid_from=b.DAY, warranty_days=730)
    asset = session.get_one(Asset, visit.work_order.asset_id)
    assert asset.accepted_on is not None
    shown = dispatch_sheet_snapshot(session, visit, "en", SETTINGS)["asset"]["warranty_until"]
    assert shown == (asset.accepted_on + timedelta(days=730)).isoformat()
    change_house_rules(session, by=b.a_principal(), changes={"warranty_counts_acceptance_day": True})
    shown = dispatch_sheet_snapshot(session, visit, "en", SETTINGS)["asset"]["warranty_until"]
    assert shown == (asset.accepted_on + timedelta(days=729)).isoformat()
    order, own = visit.work_order, {"warranty_counts_acceptance_day": False}
    customer = session.get_one(Customer, order.customer_id)
    order.contract_id = b.a_contract(session, customer=customer, house_rules=own).id
    session.flush()
    shown = dispatch_sheet_snapshot(session, visit, "en", SETTINGS)["asset"]["warranty_until"]
    assert shown == (asset.accepted_on + timedelta(days=730)).isoformat()


def test_an_order_sheet_is_printed_for_whoever_may_see_the_visit(session: Session, visit: Visit) -> None:
    with pytest.raises(NotFound):
        dispatch_sheet(session, b.of(b.a_technician(session)), visit.id, "en", SETTINGS)


def signed(session: Session, visit: Visit) -> Any:
    """The report of a signed visit."""
    return sign(
        session, by=None, visit=visit, shown_sha256=preview(session, visit).sha256,
        signed_by_name="王小明", signature_path="M0 0L9 9", rating=4,
    )  # fmt: skip


def test_a_service_report_tells_breaks_apart_from_way_and_work(session: Session, visit: Visit) -> None:
    """R-509: a quarter of an hour on the way, ten minutes at work."""
    report = signed(session, visit)
    visit.finished_at = b.at(10)
    visit.travelling_at, visit.arrived_at = b.at(8.25), b.at(8.75)
    for start, minutes in ((8.25, 15), (9.5, 10)):
        ended_at = b.at(start) + timedelta(minutes=minutes)
        session.add(BreakTaken(technician_id=visit.technician_id, started_at=b.at(start), ended_at=ended_at))
    session.flush()
    snapshot = service_report_snapshot(session, visit, report, "zh", SETTINGS)
    documents.check_snapshot("service_report", snapshot)
    times = snapshot["times"]
    assert (times["travel_minutes"], times["work_minutes"], times["break_minutes"]) == (15, 35, 25)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_service_report_shows_the_record_and_the_hash_that_was_signed(
    session: Session, visit: Visit, language: Literal["zh", "en"]
) -> None:
    """R-509."""
    report = signed(session, visit)
    visit.finished_at = b.at(10)
    visit.travelling_at, visit.arrived_at = b.at(8.25), b.at(8.75)
    snapshot = service_report_snapshot(session, visit, report, language, SETTINGS)
    documents.check_snapshot("service_report", snapshot)
    assert (snapshot["shown_sha256"], snapshot["rating"], snapshot["result"]) == (
        report.shown_sha256,
        4,
        "solved",
    )
    assert (snapshot["times"]["travel_minutes"], snapshot["times"]["work_minutes"]) == (30, 45)
    assert snapshot["parts"][0]["origin"] == "other"
    assert snapshot["signature"]["strokes"] == "M0 0L9 9"
    stored = render_service_report(session, visit, report, language, SETTINGS)
    assert stored.content.startswith(b"%PDF-")


def test_a_waived_signature_is_printed_with_its_reason(session: Session, visit: Visit) -> None:
    report = waive(session, by=None, visit=visit, reason="had to leave")
    snapshot = service_report_snapshot(session, visit, report, "en", SETTINGS)
    documents.check_snapshot("service_report", snapshot)
    assert snapshot["signature"]["refused"] == "had to leave"


def test_a_report_is_printed_once_per_revision_and_language(session: Session, visit: Visit) -> None:
    report = signed(session, visit)
    printed = {render_service_report(session, visit, report, "zh", SETTINGS).id for _ in range(2)}
    assert len(printed) == 1
    assert len(session.scalars(select(StoredDocument)).all()) == 1


def test_the_barest_visit_has_its_papers(session: Session, now: MovableClock) -> None:
    visit = b.a_visit(session, state="done", is_solved=False, arrived_at=None, started_at=None)
    report = waive(session, by=None, visit=visit, reason="nobody there")
    documents.check_snapshot(
        "service_report", service_report_snapshot(session, visit, report, "en", SETTINGS)
    )
    documents.check_snapshot(
        "dispatch_sheet", dispatch_sheet_snapshot(session, b.a_visit(session), "zh", SETTINGS)
    )


def test_the_job_prints_in_the_customers_language_and_once(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run and its document are committed together; a second run prints nothing new."""
    from dispatch import clock, db, outbox
    from dispatch.bootstrap import JOBS, SUBSCRIPTIONS
    from dispatch.work_orders.jobs import render_report

    monkeypatch.setenv("TRUCKROLL_ENV", "test")
    engine = db.connect(database_url)
    db.configure(db.sessions(engine))
    outbox.register(JOBS, SUBSCRIPTIONS)
    clock.set_source(b.frozen_clock())
    try:
        with db.transaction() as session:
            visit = b.a_visit(session, state="done")
            session.get_one(b.Customer, visit.work_order.customer_id).language = "zh"
            b.findings(session, visit)
            waive(session, by=None, visit=visit, reason="had to leave")
            runs = [
                outbox.request(
                    session, "work_orders.render_report", f"{visit.id}:{n}", {"visit_id": str(visit.id)}
                )
                for n in range(2)
            ]
        for run in runs:
            assert isinstance(run, uuid.UUID)
            lease = outbox.take(run)
            assert lease is not None
            render_report([lease])
        with db.open_session() as session:
            stored = session.scalars(select(StoredDocument)).all()
            assert [(row.language, row.subject_id) for row in stored] == [("zh", visit.id)]
    finally:
        clock.set_source(None)
        outbox.register((), {})
        engine.dispose()


QUESTIONS = [
    {"key": "leak", "kind": "yes_no", "text_en": "Leak?", "text_zh": "漏水？", "is_required": True},
    {"key": "bar", "kind": "number", "text_en": "Pressure", "text_zh": "压力", "unit": "bar", "most": "2.5"},
    {"key": "seal", "kind": "text", "text_en": "Seal", "text_zh": "封条", "is_required": True},
]


@pytest.fixture
def checked(session: Session, visit: Visit) -> Visit:
    """The visit with a checklist of which two questions are answered, a consent and codes."""
    checklist = write_checklist(
        session, by=None, code=b.serial("L"), title_en="Boiler", title_zh="锅炉", questions=QUESTIONS
    )
    visit.checklists = [{"code": checklist.code, "revision": checklist.revision}]
    for question, value in (("leak", False), ("bar", "3.1")):
        answer_question(
            session, by=None, visit=visit, checklist=checklist.code, question=question, value=value
        )
    digest = consent_digest("Neighbour's meter", "At the customer's risk.")
    record_consent(
        session, by=None, visit=visit, equipment="Neighbour's meter", terms="At the customer's risk.",
        shown_sha256=digest, signed_by_name="王小明", signature_path="M0 0L9 9", signed_at=b.at(9.5),
    )  # fmt: skip
    return visit


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_order_sheet_asks_the_questions_and_warns_of_dangers(
    session: Session, checked: Visit, language: Literal["zh", "en"]
) -> None:
    """R-502, R-505: safety notes of the site, dangers nobody settled, and what is to be checked."""
    order = checked.work_order
    site = session.get_one(Site, order.site_id)
    site.safety_notes = "Dog in the yard\n\nAsbestos behind the boiler"
    former = b.a_visit(session, order=b.an_order(session, asset=session.get_one(Asset, order.asset_id)))
    keep_advice(session, former, b.findings(session, former, advised=["Flue leaks"], dangers=["Flue leaks"]))
    snapshot = dispatch_sheet_snapshot(session, checked, language, SETTINGS)
    documents.check_snapshot("dispatch_sheet", snapshot)
    danger = {"en": "Danger: Flue leaks", "zh": "隐患: Flue leaks"}[language]
    assert snapshot["cautions"] == ["Dog in the yard", "Asbestos behind the boiler", danger]
    asked = {"en": ["Leak?", "Pressure", "Seal"], "zh": ["漏水？", "压力", "封条"]}[language]
    assert snapshot["checklist"][-3:] == asked


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_service_report_prints_answers_consents_and_codes(
    session: Session, checked: Visit, language: Literal["zh", "en"]
) -> None:
    """R-505, R-506, R-509: an answer out of its limits fails, a required one that is missing is not done."""
    b.findings(session, checked, cause_code="LIME", action_code="CLEAN")
    report = signed(session, checked)
    snapshot = service_report_snapshot(session, checked, report, language, SETTINGS)
    documents.check_snapshot("service_report", snapshot)
    no = {"en": "no", "zh": "否"}[language]
    rows = [(row.get("note"), row.get("passed")) for row in snapshot["checklist"]]
    assert rows == [(no, None), ("3.1 bar", False), (None, None)]
    by = {"en": "by", "zh": "客户"}[language]
    assert snapshot["consents"] == [f"Neighbour's meter ({by} 王小明)"]
    assert (snapshot["cause_code"], snapshot["action_code"]) == ("LIME", "CLEAN")
    stored = render_service_report(session, checked, report, language, SETTINGS)
    assert stored.content.startswith(b"%PDF-")
