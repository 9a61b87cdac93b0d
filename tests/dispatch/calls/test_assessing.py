"""Chain step 3: the supervisor's assessment (R-201 to R-204) and the repeat repair (R-508)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import events
from dispatch.access.rules import Role
from dispatch.calls import rules
from dispatch.calls.commands import assess
from dispatch.calls.model import Assessment, ProblemTemplate, RepairCall
from dispatch.calls.rules import Judgement, Told
from dispatch.contracts.house_rules import change_house_rules
from dispatch.customers.model import Asset, Customer
from dispatch.errors import NotFound, Stale
from dispatch.events import Event
from dispatch.money import AmountInvalid, CurrencyMismatch, Money
from dispatch.parts.rules import PartUnknown, QuantityInvalid
from dispatch.technicians.rules import CertificateUnknown, SkillUnknown
from dispatch.text import ChoiceUnknown, NumberOutOfRange
from dispatch.work_orders import refusals
from dispatch.work_orders.model import WorkOrder
from tests import builders as b
from tests.dispatch.conftest import MovableClock

SUPERVISOR = b.a_principal(Role.SUPERVISOR)


def euros(minor: int) -> Money:
    """An amount."""
    return Money(minor, "EUR")


TOLD = Told(labour=euros(6000), travel=euros(2000), told_at=b.MORNING, is_accepted=True)


@pytest.fixture
def call(session: Session, now: MovableClock) -> RepairCall:
    """A registered call about a boiler whose template asks for gas, a certificate and a part."""
    b.a_technician(session, certificates={"gas_a": date(2030, 1, 1)})
    part = b.a_part(session, price_minor=1250)
    template = b.a_template(
        session, skills={"gas": 2}, certificates=["gas_a"], parts={part.sku: 2}, duration_minutes=75
    )
    asset = b.an_asset(session)
    return b.a_call(
        session,
        site=session.get_one(b.Site, asset.site_id),
        asset=asset,
        template=template,
        requested_at=b.at(7),
        received_at=b.at(8),
    )


def judged(session: Session, call: RepairCall, **given: Any) -> Assessment:
    """Assess a call in euros, told and accepted."""
    return assess(
        session, **{"by": SUPERVISOR, "call": call, "told": TOLD, "company_currency": "EUR", **given}
    )


def order_of(session: Session, assessment: Assessment) -> WorkOrder:
    """The order an assessment opened."""
    return session.get_one(WorkOrder, assessment.work_order_id)


def test_the_template_prefills_and_the_order_gets_its_first_visit(
    session: Session, call: RepairCall, recorded: list[Event]
) -> None:
    """R-201, R-203, R-204: class, kind, needs, price, and one visit that planning can use."""
    found = judged(session, call)
    order = order_of(session, found)
    assert (order.labour_norm_minutes, order.parts_norm_minor) == (60, None)
    (visit,) = order.visits
    assert (visit.state, visit.duration_minutes, visit.skills, visit.certificates) == (
        "unplanned", 75, {"gas": 2}, ["gas_a"],
    )  # fmt: skip
    assert (order.fault_class, order.kind, order.fault_code) == ("product", "simple_repair", "NO_HEAT")
    assert (order.estimate_labour_minor, order.estimate_parts_minor, order.estimate_minor) == (
        6000,
        2500,
        10500,
    )
    assert (order.requested_at, order.call_id, call.state) == (b.at(7), call.id, "assessed")
    assert (found.told_to_customer_at, found.is_accepted_by_customer) == (b.MORNING, True)
    assert recorded == [events.WorkOrderOpened(work_order_id=str(order.id))]


def test_the_supervisor_overrides_what_the_template_says(session: Session, call: RepairCall) -> None:
    """R-203."""
    b.a_skill(session, "electric")
    said = Judgement(
        fault_class="service", kind="rework", fault_code="LEAK", skills={"electric": 1}, certificates=(),
        parts={}, crew_size=1, duration_minutes=30, priority=4,
    )  # fmt: skip
    order = order_of(session, judged(session, call, judgement=said))
    (visit,) = order.visits
    assert (order.fault_class, order.kind, order.fault_code, order.priority) == (
        "service",
        "rework",
        "LEAK",
        4,
    )
    assert (visit.skills, visit.certificates, visit.parts, visit.crew_size) == ({"electric": 1}, [], {}, 1)
    assert order.estimate_parts_minor == 0


def test_a_use_fault_is_solved_by_guidance_without_a_visit(
    session: Session, call: RepairCall, recorded: list[Event]
) -> None:
    """R-202."""
    told = Told(labour=euros(0), travel=euros(0))
    found = judged(session, call, resolution="guidance", told=told, judgement=Judgement(fault_class="use"))
    assert (call.state, found.resolution, found.work_order_id) == ("closed_remotely", "guidance", None)
    assert recorded == [events.CallClosedRemotely(call_id=str(call.id))]
    assert session.scalars(select(WorkOrder)).all() == []


def test_guidance_needs_something_to_say(session: Session, call: RepairCall) -> None:
    """R-202."""
    template = session.get_one(ProblemTemplate, call.template_code)
    template.guidance_en = template.guidance_zh = None
    with pytest.raises(rules.GuidanceMissing):
        judged(session, call, resolution="guidance")


def test_who_needs_service_at_home_is_not_left_with_guidance(session: Session, call: RepairCall) -> None:
    """R-106: always served at home; the call waits for its visit."""
    session.get_one(Customer, call.customer_id).needs_home_service = True
    with pytest.raises(rules.ServedAtHome, match=call.number):
        judged(session, call, resolution="guidance", judgement=Judgement(fault_class="use"))
    assert call.state == "registered"
    assert judged(session, call).work_order_id is not None


@pytest.mark.parametrize("told", [{"told_at": None}, {"is_accepted": False}])
def test_the_price_is_told_and_accepted_before_the_work(
    session: Session, call: RepairCall, told: dict[str, Any]
) -> None:
    """R-204."""
    given = {"labour": euros(1), "travel": euros(1), "told_at": b.MORNING, "is_accepted": True, **told}
    with pytest.raises(rules.EstimateNotTold):
        judged(session, call, told=Told(**given))
    assert (call.state, session.scalars(select(WorkOrder)).all()) == ("registered", [])


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"skills": {"no_such": 1}}, SkillUnknown),
        ({"skills": {"gas": 6}}, NumberOutOfRange),
        ({"certificates": ("no_such",)}, CertificateUnknown),
        ({"parts": {"NO-SUCH": 1}}, PartUnknown),
        ({"parts": {"KNOWN": 0}}, QuantityInvalid),
        ({"duration_minutes": 0}, NumberOutOfRange),
        ({"crew_size": 5}, NumberOutOfRange),
        ({"priority": 0}, NumberOutOfRange),
        ({"fault_class": "weather"}, ChoiceUnknown),
        ({"kind": "magic"}, ChoiceUnknown),
        ({"required_technician_id": b.uuid.uuid4()}, NotFound),
    ],
)
def test_needs_that_nobody_could_meet_are_refused(
    session: Session, call: RepairCall, given: dict[str, Any], refusal: type[Exception]
) -> None:
    """R-203."""
    b.a_part(session, sku="KNOWN")
    with pytest.raises(refusal):
        judged(session, call, judgement=Judgement(**given))
    session.flush()
    assert call.state == "registered"
    assert session.scalars(select(Assessment)).all() == []


def test_a_template_for_two_opens_a_visit_for_each(session: Session, call: RepairCall) -> None:
    """R-203: the template's crew is what the supervisor begins with; the judgement may say otherwise."""
    template = session.get_one(ProblemTemplate, call.template_code)
    template.crew_size = 2
    judged(session, call)
    order = session.scalars(select(WorkOrder)).one()
    assert [(visit.seat, visit.crew_size) for visit in order.visits] == [(0, 2), (1, 2)]


@pytest.mark.parametrize(
    ("told", "refusal"),
    [
        (Told(labour=Money(1, "USD"), travel=euros(1)), CurrencyMismatch),
        (Told(labour=euros(-1), travel=euros(1)), AmountInvalid),
        (Told(labour=euros(1), travel=euros(3_000_000_000)), AmountInvalid),
    ],
)
def test_a_price_is_in_the_companys_currency(
    session: Session, call: RepairCall, told: Told, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        judged(session, call, told=told)


def test_a_call_is_assessed_once_and_on_its_newest_version(session: Session, call: RepairCall) -> None:
    with pytest.raises(Stale):
        judged(session, call, expected_version=call.version + 1)
    judged(session, call, expected_version=call.version)
    with pytest.raises(rules.CallDecided):
        judged(session, call)


def test_the_contract_sets_the_due_times_from_the_request(session: Session, call: RepairCall) -> None:
    """R-201, R-401 and R-402: looked up before anything else, running from the moment of the request."""
    contract = b.a_contract(session, customer=session.get_one(Customer, call.customer_id))
    order = order_of(session, judged(session, call))
    assert (order.contract_id, order.response_due_at, order.resolution_due_at) == (
        contract.id, b.at(8), b.at(19),
    )  # fmt: skip


def repaired_before(session: Session, call: RepairCall, *, days: int, lot: str | None = None) -> Any:
    """A finished repair of the same fault on the same asset, some days ago, by the technician returned."""
    asset = session.get_one(Asset, call.asset_id)
    ada = b.a_technician(session)
    order = b.an_order(session, asset=asset, state="invoiced")
    visit = b.a_visit(session, order=order, technician=ada, state="closed", finished_at=b.at(7, days=-days))
    if lot:
        b.part_use(session, visit, b.a_part(session), lot=lot)
    return ada, order


def test_a_repeat_repair_goes_to_another_technician(session: Session, call: RepairCall) -> None:
    """R-508."""
    ada, former = repaired_before(session, call, days=30)
    order = order_of(session, judged(session, call))
    assert (order.repeat_of_id, order.excluded_technicians) == (former.id, [str(ada.id)])
    assert order.kind == "rework"


def test_every_technician_of_the_last_thirty_days_stays_away(session: Session, call: RepairCall) -> None:
    """R-508: also whoever repaired it before the last one."""
    ada, _ = repaired_before(session, call, days=20)
    ben, latest = repaired_before(session, call, days=3)
    order = order_of(session, judged(session, call))
    assert order.repeat_of_id == latest.id
    assert set(order.excluded_technicians) == {str(ada.id), str(ben.id)}


def test_an_old_repair_or_another_fault_is_no_repeat(session: Session, call: RepairCall) -> None:
    """R-508."""
    repaired_before(session, call, days=31)
    _, other = repaired_before(session, call, days=2)
    other.fault_code = "OTHER"
    session.flush()
    order = order_of(session, judged(session, call))
    assert (order.repeat_of_id, order.excluded_technicians, order.kind) == (None, [], "simple_repair")


@pytest.mark.parametrize(("days", "is_repeat"), [(45, False), (46, True)])
def test_the_house_says_for_how_long_a_fault_that_comes_back_is_a_repeat(
    session: Session, call: RepairCall, days: int, is_repeat: bool
) -> None:
    """R-508."""
    change_house_rules(session, by=SUPERVISOR, changes={"repeat_days": days})
    _, former = repaired_before(session, call, days=46)
    order = order_of(session, judged(session, call))
    assert order.repeat_of_id == (former.id if is_repeat else None)


def test_a_supervisor_overrules_with_a_reason_and_another_part_lot(
    session: Session, call: RepairCall
) -> None:
    """R-508: the lots that failed are refused from now on."""
    _, former = repaired_before(session, call, days=2, lot="L1")
    said = Judgement(overrule_reason="only she knows this boiler", refused_part_lots=("L0",))
    order = order_of(session, judged(session, call, judgement=said))
    assert (order.repeat_of_id, order.excluded_technicians) == (former.id, [])
    assert (order.refused_part_lots, order.overrule_reason) == (["L0", "L1"], "only she knows this boiler")


def test_an_overrule_without_a_lot_or_by_somebody_else_is_refused(session: Session, call: RepairCall) -> None:
    """R-508."""
    repaired_before(session, call, days=2)
    said = Judgement(overrule_reason="only she knows this boiler")
    with pytest.raises(refusals.OverruleIncomplete):
        judged(session, call, judgement=said)
    with pytest.raises(refusals.OverruleForbidden):
        judged(session, call, judgement=said, by=b.a_principal(Role.DISPATCHER))
