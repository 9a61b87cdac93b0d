"""A snapshot that cannot be printed is refused with the path of its first fault."""

from __future__ import annotations

from typing import Any

import pytest

from dispatch.documents import KINDS, Kind, SnapshotInvalid, check_snapshot, render
from dispatch.documents.rendering import DOCUMENTS
from tests.dispatch.documents.samples import SAMPLES, a_handin, a_service_report, an_invoice


@pytest.mark.parametrize("kind", KINDS)
def test_each_required_field_is_missed_by_name(kind: Kind) -> None:
    for field in DOCUMENTS[kind][0].__required_keys__:
        snapshot = SAMPLES[kind]()
        del snapshot[field]
        with pytest.raises(SnapshotInvalid, match=rf"snapshot\.{field} is missing"):
            render(kind, snapshot, "en")


def test_a_field_missing_in_a_line_is_named_with_its_place() -> None:
    invoice = an_invoice()
    del invoice["lines"][2]["payer"]
    with pytest.raises(SnapshotInvalid, match=r"snapshot\.lines\[2\]\.payer is missing"):
        render("invoice", invoice, "en")


def test_an_unknown_field_is_refused_rather_than_left_out() -> None:
    with pytest.raises(SnapshotInvalid, match=r"snapshot\.duedate is not a field"):
        render("invoice", an_invoice(duedate="2026-03-19"), "en")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"issue_date": "05.03.2026"}, "issue_date must be a calendar day"),
        ({"made_at": "2026-03-05T03:12:00"}, "made_at must be an instant with time zone"),
        ({"time_zone": "Mars/Olympus"}, "time_zone must be an IANA time zone"),
        ({"time_zone": "../etc/passwd"}, "time_zone must be an IANA time zone"),
        ({"currency": "KWD"}, "currency must be a supported currency"),
        ({"currency": "yuan"}, "currency has 4 characters"),
        ({"number": "R-1\nR-2"}, "number must be a number or code on one line"),
        ({"number": " "}, "number must be a number or code on one line"),
        ({"number": 7}, "number must be text"),
        ({"buyer": None}, "buyer must be an object"),
        ({"buyer": "王小明"}, "buyer must be an object"),
        ({"lines": {}}, "lines must be a list"),
        ({"billed_to": "nobody"}, "billed_to must be one of customer, maker, contract, goodwill"),
        ({"test": 1}, "test must be true or false"),
        (
            {"taxes": [{"rate": "NaN", "base_minor": 0, "tax_minor": 0}]},
            r"taxes\[0\]\.rate must be a decimal",
        ),
        (
            {"taxes": [{"rate": "0.1", "base_minor": 1.5, "tax_minor": 0}]},
            "base_minor must be a whole number",
        ),
        (
            {"taxes": [{"rate": "0.1", "base_minor": True, "tax_minor": 0}]},
            "base_minor must be a whole number",
        ),
    ],
)
def test_a_value_of_the_wrong_form_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SnapshotInvalid, match=message):
        render("invoice", an_invoice(**changes), "en")


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("net_minor", "lines billed do not add up"),
        ("tax_minor", "taxes do not add up"),
        ("gross_minor", "net and tax do not add up"),
        ("due_minor", "do not give the amount due"),
    ],
)
def test_an_invoice_that_does_not_add_up_is_never_printed(field: str, message: str) -> None:
    invoice = an_invoice()
    invoice["totals"][field] += 1
    with pytest.raises(SnapshotInvalid, match=message):
        render("invoice", invoice, "en")


def test_a_rate_without_its_tax_row_is_refused() -> None:
    invoice = an_invoice()
    invoice["lines"][0]["tax_rate"] = "0.06"
    with pytest.raises(SnapshotInvalid, match=r"no row for the rate 0\.06"):
        render("invoice", invoice, "en")


def test_a_rating_outside_five_stars_is_refused() -> None:
    with pytest.raises(SnapshotInvalid, match="rating must be one of 1, 2, 3, 4, 5"):
        render("service_report", a_service_report(rating=6), "en")


def test_a_digest_must_be_sha256() -> None:
    with pytest.raises(SnapshotInvalid, match="shown_sha256 must be a sha256 digest"):
        render("service_report", a_service_report(shown_sha256="abc"), "en")


def test_a_snapshot_can_be_checked_before_it_is_frozen() -> None:
    with pytest.raises(SnapshotInvalid, match="money must be a list"):
        check_snapshot("handin", a_handin(money=None))
    for kind in KINDS:
        check_snapshot(kind, SAMPLES[kind]())
