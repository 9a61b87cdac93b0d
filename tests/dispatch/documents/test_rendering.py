"""Every kind of document in both languages shows what it must."""

from __future__ import annotations

from typing import Any

import pytest

from dispatch.documents import KINDS, LANGUAGES, DocumentKindUnknown, Kind, Language, render
from dispatch.documents.rendering import DOCUMENTS
from tests.dispatch.documents.paper import golden_file, lines, pages, text
from tests.dispatch.documents.samples import (
    SAMPLES,
    SIGNATURE,
    a_dispatch_sheet,
    a_handin,
    a_long_invoice,
    a_service_report,
    an_invoice,
)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_document_prints_its_golden_text(kind: Kind, language: Language) -> None:
    printed = lines(render(kind, SAMPLES[kind](), language))
    assert printed == golden_file(kind, language).read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_every_document_claims_the_archive_format_and_embeds_its_fonts(kind: Kind) -> None:
    pdf = render(kind, SAMPLES[kind](), "zh")
    assert pdf.startswith(b"%PDF-1.7")
    assert b"<pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>" in pdf
    assert pdf.count(b"/FontFile") >= 1


@pytest.mark.parametrize("kind", KINDS)
def test_what_may_be_left_out_leaves_no_gap_that_stops_the_document(kind: Kind) -> None:
    shape = DOCUMENTS[kind][0]
    full = SAMPLES[kind]()
    bare = {key: value for key, value in full.items() if key in shape.__required_keys__}
    assert bare["number"] in text(render(kind, bare, "en"))


def test_r_601_every_line_names_its_payer_and_covered_lines_are_not_charged() -> None:
    """R-601: labour, travel, call-out and parts stand apart; each line shows who pays it."""
    printed = text(render("invoice", an_invoice(), "en"))
    charged, covered = printed.split("Covered by others – not charged to you")
    assert "Paid by Customer" in charged
    assert all(kind in charged for kind in ("Labour", "Call-out", "Travel", "Part"))
    assert "Control board" not in charged
    for payer in ("Maker's warranty", "Service contract", "Goodwill"):
        assert payer in covered
    assert "588.00" in covered
    assert "CN¥464.44" in covered


def test_an_invoice_to_the_maker_charges_only_the_lines_the_maker_pays() -> None:
    totals = {
        "net_minor": 86000,
        "tax_minor": 11180,
        "gross_minor": 97180,
        "paid_minor": 0,
        "due_minor": 97180,
    }
    taxes = [{"rate": "0.13", "base_minor": 86000, "tax_minor": 11180}]
    maker = an_invoice(billed_to="maker", totals=totals, taxes=taxes, payments=[])
    printed = text(render("invoice", maker, "en"))
    assert "Paid by Maker's warranty" in printed
    assert "CN¥971.80" in printed


def test_r_602_a_credit_note_names_the_invoice_it_corrects() -> None:
    """R-602: corrections are credit notes."""
    printed = text(render("invoice", an_invoice(document="credit_note", corrects="R-2026-000041"), "en"))
    assert printed.startswith("Credit note")
    assert "Corrects invoice R-2026-000041" in printed
    assert "Amount credited" in printed


def test_an_invoice_in_yen_has_no_decimals() -> None:
    printed = text(render("invoice", an_invoice(currency="JPY"), "en"))
    assert "JP¥46,444" in printed
    assert "464.44" not in printed


def test_only_a_chinese_renminbi_invoice_says_its_total_in_capitals() -> None:
    assert "陆佰陆拾肆元肆角肆分" in text(render("invoice", an_invoice(), "zh"))
    assert "大写" not in text(render("invoice", an_invoice(currency="EUR"), "zh"))
    assert "陆佰" not in text(render("invoice", an_invoice(), "en"))


def test_a_long_invoice_repeats_its_table_head_and_numbers_its_pages() -> None:
    printed = pages(render("invoice", a_long_invoice(120), "en"))
    assert len(printed) > 3
    for index, page in enumerate(printed, start=1):
        assert f"Page {index} of {len(printed)}" in page
    with_lines = [page for page in printed if "配件 Part " in page]
    assert all("Unit price" in page for page in with_lines)
    assert sum(page.count("配件 Part ") for page in printed) == 120
    assert "1,356.00" in printed[-1]


def test_a_test_invoice_wears_a_watermark() -> None:
    assert "NOT VALID" in text(render("invoice", an_invoice(test=True), "en"))
    assert "NOT VALID" not in text(render("invoice", an_invoice(), "en"))


def test_times_are_read_in_the_zone_of_the_snapshot() -> None:
    here = text(render("service_report", a_service_report(), "en"))
    there = text(render("service_report", a_service_report(time_zone="Europe/Monaco"), "en"))
    assert "5 Mar, 09:02" in here
    assert "5 Mar, 02:02" in there


def test_r_509_the_report_holds_the_whole_record_and_the_digest_of_what_was_shown() -> None:
    """R-509: fault, cause, action, parts, measurements, times, hand-over, rating, signature, digest."""
    report = a_service_report()
    printed = text(render("service_report", report, "zh"))
    wanted = [
        "点火失败",
        "点火电极磨损",
        "更换两支点火电极",
        "装上",
        "拆下",
        "EL-55012",
        "18.2 mbar",
        "不合格",
    ]
    wanted += ["09:02", "已讲解使用方法", "使用说明书", "4 / 5", "王小明", "签名", report["shown_sha256"]]
    assert [word for word in wanted if word not in printed] == []


def test_r_204_the_report_shows_the_estimate_and_the_approval_beyond_it() -> None:
    """R-204: labour, parts and travel told before; work beyond it approved by the customer."""
    printed = text(render("service_report", a_service_report(), "en"))
    assert "Labour CN¥300.00 Parts CN¥180.00 Travel CN¥50.00 Total CN¥530.00" in printed
    assert "王小明 approved CN¥588.00 on 5 March 2026, 09:30" in printed


def test_a_signature_is_drawn_and_a_refusal_is_written_out() -> None:
    signed = render("service_report", a_service_report(), "en")
    blank = render("service_report", a_service_report(signature=SIGNATURE | {"strokes": ""}), "en")
    refused = a_service_report(signature=SIGNATURE | {"strokes": "", "refused": "门已锁"})
    assert len(signed) > len(blank)
    assert "门已锁" in text(render("service_report", refused, "en"))


def test_an_unsigned_report_does_not_claim_a_signature() -> None:
    report = a_service_report()
    del report["signature"]
    printed = text(render("service_report", report, "en"))
    assert "Content shown, SHA-256" in printed
    assert "Signed for" not in printed


def test_r_502_the_order_sheet_carries_its_one_number_and_all_the_technician_needs() -> None:
    """R-502: each visit has a printable order sheet [派工单] with one number."""
    printed = text(render("dispatch_sheet", a_dispatch_sheet(), "zh"))
    wanted = [
        "派工单",
        "S-10231-1",
        "李强",
        "09:00 – 11:00",
        "王小明",
        "门禁呼叫 1201",
        "地下车库 B2",
        "清洁电极",
    ]
    wanted += ["3 级", "GC-7781", "CB-240", "CO 测量", "客户签名", "返修", "老年", "签名及日期"]
    assert [word for word in wanted if word not in printed] == []


def test_a_certificate_that_ends_before_the_visit_is_marked() -> None:
    printed = text(render("dispatch_sheet", a_dispatch_sheet(), "en"))
    assert printed.count("expires before the visit") == 1
    assert "valid until 28 February 2026 · expires before the visit" in printed


def test_r_603_the_hand_in_compares_counted_with_collected_and_names_what_is_missing() -> None:
    """R-603: money counted against money collected, sheets complete, van stock counted."""
    printed = text(render("handin", a_handin(), "en"))
    assert "Cash 2 找零差错 355.00 350.00 -5.00" in printed
    assert "Total 1,755.50 1,750.50 -5.00" in printed
    assert "1 missing" in printed
    assert "GK-3 密封圈 Gasket 10 9 -1" in printed
    assert "Technician's signature" in printed
    assert "Cashier's signature" in printed


@pytest.mark.parametrize(("kind", "language"), [("receipt", "en"), ("invoice", "fr"), ("../base", "zh")])
def test_an_unknown_kind_or_language_is_refused(kind: Any, language: Any) -> None:
    with pytest.raises(DocumentKindUnknown, match="there is no document"):
        render(kind, an_invoice(), language)
