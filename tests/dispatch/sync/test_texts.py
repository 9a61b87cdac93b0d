"""What technicians write, in whatever script, is stored to the character or refused by name (row 31)."""

from __future__ import annotations

import random
import unicodedata
from typing import Any

import pytest

from dispatch.sync import protocol
from tests.dispatch.sync.field import FINDINGS, Field, results

RARE = "𠮷野家 𪚥龘 㐂 𬺰 ⿰ 〇"
SAMPLES = {
    "rare hanzi of GB18030": RARE,
    "NFC": unicodedata.normalize("NFC", "Þórr é Å ǖ"),
    "NFD": unicodedata.normalize("NFD", "Þórr é Å ǖ"),
    "right to left": "\u202eevil\u202c צנרת سباكة",
    "emoji": "🚐 👩🏽‍🔧 👨‍👩‍👧‍👦 🇲🇨",
    "compatibility": "ﬁ ① Ａ ｶﾞ K Å",
    "quotes": "O'Brien; -- \" \\ \\u0000 %s {} <b>",
    "half-way": "a\u200bb\u00a0c\ufeffd\ufffd",
    "last of all": "\U0010ffff\uffff\ue000",
}
BLOCKS = ((0x20, 0x7E), (0xA1, 0x2FF), (0x300, 0x36F), (0x590, 0x6FF), (0x3400, 0x9FFF), (0x1F300, 0x1FAFF),
          (0x20000, 0x2A6DF), (0x2B740, 0x2EBE0), (0x30000, 0x323AF))  # fmt: skip
MANY = 190


def written(field: Field, texts: list[str]) -> list[Any]:
    """Record one finding for each text at one visit; return what is stored, in their order."""
    visit = field.visit()
    ops = [field.op(protocol.FINDING, visit, **(FINDINGS | {"fault": text})) for text in texts]
    assert set(results(field.push(*ops))) == {"applied"}
    stored = dict(field.ask("select op_id::text, fault from finding where visit_id = :id", id=visit))
    return [stored[op["op_id"]] for op in ops]


def test_texts_of_every_script_are_stored_to_the_character(field: Field) -> None:
    """Row 31: composed stays composed, decomposed stays so; nothing is replaced, turned or dropped."""
    texts = list(SAMPLES.values())
    assert written(field, texts) == texts


def test_whatever_is_written_in_any_blocks_comes_back_as_it_was(field: Field) -> None:
    """Row 31: 100 % of texts drawn from the blocks of nine kinds of script."""
    chance = random.Random(31)

    def drawn() -> str:
        return "".join(chr(chance.randint(*chance.choice(BLOCKS))) for _ in range(chance.randint(1, 40)))

    texts = [text for _ in range(MANY) if (text := drawn().strip())]
    assert len(texts) > MANY * 0.9
    assert written(field, texts) == texts


@pytest.mark.parametrize(
    "text",
    ["a\x00b", "\ud800", "bell\x07", "x" * 100_000, RARE * 10_000],
    ids=["nul", "half a pair", "control", "100 KB", "100,000 hanzi"],
)
def test_what_no_paper_can_hold_is_refused_by_name_and_kept(field: Field, text: str) -> None:
    """Row 31: that operation alone, and the phone's words are not lost."""
    op = field.op(protocol.FINDING, field.visit(), **(FINDINGS | {"fault": text}))
    other = field.op(protocol.ACCEPT, field.visit())
    [first, second] = results(field.push(op, other))
    assert (first.split(":")[0], second) == ("rejected", "applied")
    assert field.ask("select 1 from finding where op_id = :id", id=op["op_id"]) == []
    [(kept,)] = field.ask("select count(*) from sync_rejection where op_id = :id", id=op["op_id"])
    assert kept == 1
