"""The pick list on paper (R-304, R-511)."""

from __future__ import annotations

import pytest

from dispatch import documents
from dispatch.documents.words import Language
from dispatch.planning.pick_papers import pick_sheet, snapshot
from dispatch.settings import Settings
from tests.builders import a_part
from tests.dispatch.planning.test_supplying import TOMORROW, both_days, in_store, published
from tests.planning_world import Town

SETTINGS = Settings(company_name="Truckroll", company_address="Street 1\nTown")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_paper_shows_what_the_list_says(town: Town, language: Language) -> None:
    """R-511: parts and pieces, and the order sheets that they are for."""
    pump, filter_ = a_part(town.session, is_serialised=True), a_part(town.session)
    who = both_days(town)
    in_store(town, pump, 5)
    in_store(town, filter_, 5)
    first, second = town.visit(parts={pump.sku: 2, filter_.sku: 1}), town.visit(parts={filter_.sku: 2})
    published(town, (who, first, 9), (who, second, 11))
    shown = snapshot(town.session, who, TOMORROW, language, SETTINGS)
    documents.check_snapshot("pick_list", shown)
    rows = {row["code"]: row for row in shown["parts"]}
    assert (rows[pump.sku]["quantity"], rows[pump.sku]["serialised"]) == ("2", True)
    assert rows[filter_.sku]["sheet_numbers"] == sorted([first.number, second.number])
    assert (rows[filter_.sku]["quantity"], rows[filter_.sku]["serialised"]) == ("3", False)
    assert rows[pump.sku]["name"] == (pump.name_zh if language == "zh" else pump.name_en)
    assert shown["store"] == town.territory.name


def test_a_day_without_a_list_is_a_paper_all_the_same(town: Town) -> None:
    assert pick_sheet(town.session, both_days(town), TOMORROW, "zh", SETTINGS).startswith(b"%PDF-")
