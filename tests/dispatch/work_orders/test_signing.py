"""R-509: a signature binds exactly what was shown."""

from __future__ import annotations

import hashlib
import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from dispatch.text import FieldUnknown, NumberOutOfRange, TextInvalid
from dispatch.work_orders import refusals, rules
from dispatch.work_orders.commands import preview, sign, use_part, waive
from dispatch.work_orders.guards import current_report
from dispatch.work_orders.model import Visit
from dispatch.work_orders.queries import reports_of
from tests import builders as b
from tests.dispatch.conftest import MovableClock

STROKES = "M10 10L20 20C30 30 40 40 50.5 50.5Z"


@pytest.fixture
def visit(session: Session, now: MovableClock) -> Visit:
    """A visit with findings and a part, ready to be signed."""
    site = b.a_site(session, customer=b.a_customer(session, name="王小明"))
    order = b.an_order(session, asset=b.an_asset(session, site=site))
    found = b.a_visit(
        session, order=order, state="working", arrived_at=b.at(9), started_at=b.at(9.25), is_solved=True
    )
    b.findings(session, found, measurements=[{"name": "p", "value": "1.5", "unit": "bar"}])
    b.part_use(session, found, b.a_part(session), lot="L1")
    return found


def test_what_is_shown_is_one_text_on_every_device(session: Session, visit: Visit) -> None:
    shown = preview(session, visit)
    content = json.loads(shown.text)
    assert shown.text == json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert shown.sha256 == hashlib.sha256(shown.text.encode("utf-8")).hexdigest()
    assert content["customer"] == "王小明"
    assert content["times"] == {"arrived_at": "2026-03-02T07:00:00Z", "started_at": "2026-03-02T07:15:00Z"}
    assert content["estimate"]["labour_minor"] == 6000
    assert [part["lot"] for part in content["parts"]] == ["L1"]


def test_a_signature_keeps_text_hash_and_strokes(session: Session, visit: Visit) -> None:
    shown = preview(session, visit)
    report = sign(
        session, by=None, visit=visit, shown_sha256=shown.sha256, signed_by_name="王小明",
        signature_path=STROKES, rating=5,
    )  # fmt: skip
    assert (report.shown, report.shown_sha256, report.signature_path) == (shown.text, shown.sha256, STROKES)
    assert (report.revision, report.is_current, visit.rating) == (1, True, 5)


def test_a_signature_of_another_text_binds_nobody(session: Session, visit: Visit) -> None:
    seen = preview(session, visit)
    use_part(session, by=None, visit=visit, sku=b.a_part(session).sku, direction="in", quantity=1)
    for wrong in (seen.sha256, "0" * 64, seen.sha256.upper(), "", "é" * 64):
        with pytest.raises(refusals.SignatureMismatch):
            sign(
                session, by=None, visit=visit, shown_sha256=wrong, signed_by_name="C", signature_path=STROKES
            )
    assert reports_of(session, visit.id) == []


def test_after_a_change_the_record_is_signed_again(session: Session, visit: Visit) -> None:
    first = sign(
        session, by=None, visit=visit, shown_sha256=preview(session, visit).sha256,
        signed_by_name="C", signature_path=STROKES,
    )  # fmt: skip
    use_part(session, by=None, visit=visit, sku=b.a_part(session).sku, direction="in", quantity=1)
    assert current_report(session, visit.id) is None
    second = sign(
        session, by=None, visit=visit, shown_sha256=preview(session, visit).sha256,
        signed_by_name="C", signature_path=STROKES,
    )  # fmt: skip
    assert (second.revision, current_report(session, visit.id)) == (2, second)
    session.refresh(first)
    assert (first.is_current, first.shown != second.shown) == (False, True)


def test_a_refusal_to_sign_is_kept_with_its_reason(session: Session, visit: Visit) -> None:
    report = waive(session, by=None, visit=visit, reason="customer had to leave")
    assert (report.signed_by_name, report.waiver_reason) == (None, "customer had to leave")
    assert report.shown_sha256 == preview(session, visit).sha256
    with pytest.raises(TextInvalid):
        waive(session, by=None, visit=visit, reason=" ")


def test_times_are_signed_as_the_phone_showed_them(session: Session, visit: Visit) -> None:
    """A corrected clock must not make an honest signature invalid."""
    shown_times = {"arrived_at": "2026-03-02T07:00:31Z", "started_at": "2026-03-02T07:15:31Z"}
    shown = preview(session, visit, shown_times)
    assert shown.sha256 != preview(session, visit).sha256
    report = sign(
        session, by=None, visit=visit, shown_sha256=shown.sha256, signed_by_name="C",
        signature_path=STROKES, times=shown_times,
    )  # fmt: skip
    assert json.loads(report.shown)["times"] == shown_times
    with pytest.raises(FieldUnknown):
        preview(session, visit, {"finished_at": "2026-03-02T07:15:31Z"})


@pytest.mark.parametrize("wrong", ["", "<script>", "M0 0' onload='x", "M0 0" + "L1 1" * 60_000])
def test_only_strokes_are_taken_for_a_drawing(session: Session, visit: Visit, wrong: str) -> None:
    sha256 = preview(session, visit).sha256
    with pytest.raises(refusals.SignatureInvalid):
        sign(session, by=None, visit=visit, shown_sha256=sha256, signed_by_name="C", signature_path=wrong)


def test_a_rating_has_one_to_five_stars(session: Session, visit: Visit) -> None:
    sha256 = preview(session, visit).sha256
    with pytest.raises(NumberOutOfRange):
        sign(
            session, by=None, visit=visit, shown_sha256=sha256, signed_by_name="C",
            signature_path=STROKES, rating=6,
        )  # fmt: skip


def test_a_signature_sent_twice_is_one(session: Session, visit: Visit) -> None:
    op, sha256 = uuid.uuid4(), preview(session, visit).sha256
    reports = {
        sign(
            session, by=None, visit=visit, shown_sha256=sha256, signed_by_name="C",
            signature_path=STROKES, op_id=op,
        ).id
        for _ in range(2)
    }  # fmt: skip
    assert len(reports) == 1


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), VALUES, max_size=5))
def test_the_canonical_form_does_not_depend_on_the_order_of_keys(shown: dict[str, object]) -> None:
    turned = dict(reversed(shown.items()))
    assert rules.canonical(shown) == rules.canonical(turned)
    assert json.loads(rules.canonical(shown)) == shown
