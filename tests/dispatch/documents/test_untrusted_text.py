"""Names from outside are printed as they are and never become code."""

from __future__ import annotations

import pytest

from dispatch.documents import KINDS, Kind, SnapshotInvalid, render
from tests.dispatch.documents.paper import pages, text
from tests.dispatch.documents.samples import SAMPLES, SIGNATURE, a_handin, a_service_report, an_invoice

HOSTILE = [
    '#read("/etc/passwd")',
    '"); #panic("x")',
    "]",
    "#{",
    "$x^2$",
    "*bold* _it_ `code` <label> @ref // gone",
    "\\u{41}",
    "{page} {name}",
    "= Heading",
    "<script>alert(1)</script>",
    "'; DROP TABLE invoice; --",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_markup_in_a_name_is_printed_letter_by_letter(name: str) -> None:
    printed = text(render("invoice", an_invoice(buyer={"name": name}, notes=[name]), "en"))
    assert printed.count(name) == 2
    assert "root:" not in printed


@pytest.mark.parametrize("kind", KINDS)
def test_markup_in_every_text_of_a_document_changes_nothing_else(kind: Kind) -> None:
    trap = "#panic[x] $]"
    printed = text(render(kind, _spoilt(SAMPLES[kind](), trap), "zh"))
    assert printed.count(trap) >= 2


def _spoilt(value: object, trap: str) -> dict[str, object]:
    spoilt = {"name", "description", "note", "problem", "cause", "action", "text", "customer", "fault"}
    assert isinstance(value, dict)
    return {key: _spoil(entry, key in spoilt, trap) for key, entry in value.items()}


def _spoil(value: object, take: bool, trap: str) -> object:
    if isinstance(value, dict):
        return _spoilt(value, trap)
    if isinstance(value, list):
        return [_spoil(entry, take, trap) for entry in value]
    return trap if take and isinstance(value, str) else value


def test_ten_thousand_letters_wrap_inside_their_column() -> None:
    printed = pages(render("invoice", an_invoice(buyer={"name": "x" * 10_000}), "en"))
    assert sum(page.count("x") for page in printed) >= 10_000
    assert max(len(line) for page in printed for line in page.splitlines()) < 120


def test_a_text_beyond_what_fits_a_document_is_refused() -> None:
    with pytest.raises(SnapshotInvalid, match=r"snapshot\.buyer\.name has 20001 characters"):
        render("invoice", an_invoice(buyer={"name": "x" * 20_001}), "en")


def test_pictographs_without_a_glyph_become_boxes_and_the_rest_stays() -> None:
    printed = text(render("invoice", an_invoice(buyer={"name": "Ada 👩‍🔧🙂 Keller 王"}), "en"))
    assert "Ada □□□ Keller 王" in printed


@pytest.mark.parametrize(
    ("name", "letters"),
    [("שלום עולם", "שלום"), ("Анна Жукова", "Анна Жукова"), ("Nguyễn Văn Bảo", "Nguyễn Văn Bảo")],
)
def test_other_scripts_are_printed_with_their_own_letters(name: str, letters: str) -> None:
    assert letters in text(render("handin", a_handin(technician={"name": name}), "en"))


@pytest.mark.parametrize("name", ["Čapek", "C\u030capek"])
def test_an_accent_the_main_font_lacks_stays_on_its_own_letter(name: str) -> None:
    printed = text(render("handin", a_handin(technician={"name": name}), "en"))
    assert "Č" in printed
    assert "\u030c" not in printed


def test_direction_marks_cannot_turn_a_name_over_its_neighbours() -> None:
    printed = text(render("invoice", an_invoice(buyer={"name": "a\u202e00.9\u2066b"}), "en"))
    assert "a00.9b" in printed


@pytest.mark.parametrize("control", ["\x00", "\x07", "\x1b", "\x9f", "\ud800"])
def test_a_control_character_is_refused_with_its_place(control: str) -> None:
    with pytest.raises(
        SnapshotInvalid, match=rf"snapshot\.buyer\.name .* U\+{ord(control):04X} at position 2"
    ):
        render("invoice", an_invoice(buyer={"name": f"ab{control}c"}), "en")


@pytest.mark.parametrize("strokes", ['M0 0"/><script/>', "M0 0&x;", "url(#a)"])
def test_a_signature_of_anything_but_strokes_is_refused(strokes: str) -> None:
    with pytest.raises(SnapshotInvalid, match="SVG path commands"):
        render("service_report", a_service_report(signature=SIGNATURE | {"strokes": strokes}), "en")


@pytest.mark.parametrize("strokes", ["MMM,,,", "e+", "Z", "M0 0 L1e999 5"])
def test_senseless_strokes_leave_the_document_whole(strokes: str) -> None:
    report = a_service_report(signature=SIGNATURE | {"strokes": strokes, "width": 0})
    assert "王小明" in text(render("service_report", report, "en"))
