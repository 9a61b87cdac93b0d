"""Fields accept what the description says and nothing that merely looks like it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import marshmallow as ma
import pytest

from api import fields
from api.schemas import Money, Position, QuerySchema, Schema, Window
from dispatch.clock import TimeWithoutZone
from dispatch.money import AmountInvalid, CurrencyUnknown
from dispatch.money import Money as Amount
from dispatch.planning.rules import WindowImpossible


class Colour(Enum):
    RED = "red"


class Everything(Schema):
    """One of each."""

    whole = fields.Whole(0, 10)
    real = fields.Real(-1, 1)
    quantity = fields.Quantity()
    flag = fields.Flag()
    id = fields.Id()
    moment = fields.Moment()
    day = fields.Day()
    choice = fields.Choice(Colour)
    line = fields.Text(5)
    notes = fields.Notes(10)
    money = Money()
    window = Window()
    position = Position()


class Asked(QuerySchema):
    """Query parameters."""

    whole = fields.Whole(0, 10)
    flag = fields.Flag()


ID = "01890a5d-ac96-774b-bcce-b302099a8057"
ACCEPTED: list[tuple[str, Any, Any]] = [
    ("whole", 0, 0),
    ("whole", 10.0, 10),
    ("real", 1, 1.0),
    ("quantity", "1.5", Decimal("1.5")),
    ("flag", False, False),
    ("id", ID.upper(), uuid.UUID(ID)),
    ("moment", "2026-03-02T09:00:00+02:00", datetime(2026, 3, 2, 7, tzinfo=UTC)),
    ("moment", "2026-03-02t09:00:00.123456789z", datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)),
    ("day", "2024-02-29", date(2024, 2, 29)),
    ("choice", "red", Colour.RED),
    ("line", "字𠮷", "字𠮷"),
    ("notes", "a\nb\tc", "a\nb\tc"),
    ("notes", "", ""),
    ("money", {"amount": "-12.5", "currency": "EUR"}, Amount(-1250, "EUR")),
    ("money", {"amount": "1200", "currency": "JPY"}, Amount(1200, "JPY")),
    ("position", {"latitude": 43.7, "longitude": -180}, (43.7, -180.0)),
]
REFUSED: list[tuple[str, Any]] = [
    *(("whole", value) for value in (-1, 11, "5", True, 1.5, None, [], 1e300)),
    *(("real", value) for value in (1.01, "0.5", True, None)),
    *(("quantity", value) for value in ("-1", "1e3", "1.2345", "١", 1.5, "", "1.5\n")),
    *(("flag", value) for value in (0, 1, "true", "yes", None)),
    *(("id", value) for value in (ID.replace("-", ""), f"{{{ID}}}", f"urn:uuid:{ID}", 5, "")),
    *(("moment", value) for value in ("2026-03-02", "20260302T090000Z", "2026-02-30T09:00:00Z", 1772445600)),
    *(
        ("moment", value)
        for value in ("2026-03-02T24:00:01Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00")
    ),
    *(
        ("moment", value)
        for value in ("2026-03-02T09:00:00+25:00", "2026-03-02 09:00:00Z", "2026-03-02T09:00Z")
    ),
    *(
        ("day", value)
        for value in ("2026-3-2", "2026-02-29", "0026-02-01", "٢٠٢٦-٠٣-٠٢", "2026-03-02T00:00:00Z")
    ),
    *(("choice", value) for value in ("RED", "blue", None, ["red"], {})),
    *(("line", value) for value in ("", "123456", "a\nb", " ", 5, "ok\n", "a\x85b")),
    *(("notes", value) for value in ("x" * 11, "a\x07", "a\x9f", None)),
    *(("money", value) for value in ({"amount": 12.5, "currency": "EUR"}, {"amount": "12.5"}, "12.5", None)),
    *(
        ("money", {"amount": text, "currency": "EUR"})
        for text in ("1,5", "NaN", "1e5", "", "1.234", " 1", "1" * 14)
    ),
    ("money", {"amount": "1", "currency": "eur"}),
    ("money", {"amount": "1", "currency": "EUR", "more": 1}),
    ("position", {"latitude": 90.1, "longitude": 0}),
    ("position", {"latitude": 1}),
]


@pytest.mark.parametrize(("name", "value", "loaded"), ACCEPTED)
def test_a_proper_value_is_loaded_exactly(name: str, value: Any, loaded: Any) -> None:
    assert Everything().load({name: value}) == {name: loaded}


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_a_lookalike_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ma.ValidationError) as refused:
        Everything().load({name: value})
    assert list(refused.value.normalized_messages()) == [name]


def test_a_time_without_zone_is_refused_by_name() -> None:
    with pytest.raises(TimeWithoutZone, match="moment"):
        Everything().load({"moment": "2026-03-02T09:00:00"})


@pytest.mark.parametrize(
    ("end", "is_possible"),
    [("09:00:00", False), ("08:59:59", False), ("09:00:01", True), ("23:59:59", True)],
)
def test_a_window_ends_after_it_starts(end: str, is_possible: bool) -> None:
    window = {"start": "2026-03-02T09:00:00Z", "end": f"2026-03-02T{end}Z"}
    if is_possible:
        assert Everything().load({"window": window})["window"].start.hour == 9
    else:
        with pytest.raises(WindowImpossible):
            Everything().load({"window": window})


def test_amounts_finer_than_the_currency_and_unknown_currencies_are_named() -> None:
    with pytest.raises(AmountInvalid):
        Everything().load({"money": {"amount": "1.5", "currency": "JPY"}})
    with pytest.raises(CurrencyUnknown):
        Everything().load({"money": {"amount": "1.5", "currency": "BHD"}})


def test_numbers_and_switches_of_a_query_are_texts() -> None:
    assert Asked().load({"whole": "7", "flag": "true"}) == {"whole": 7, "flag": True}
    for wrong in ({"whole": "7.0"}, {"whole": "+7"}, {"whole": " 7"}, {"flag": "True"}, {"flag": "1"}):
        with pytest.raises(ma.ValidationError):
            Asked().load(wrong)


def test_columns_are_shown_as_money_windows_and_positions() -> None:
    @dataclass
    class Row:
        price_minor: int | None = 1250
        currency: str = "EUR"
        starts: datetime | None = datetime(2026, 3, 2, 9, tzinfo=UTC)
        ends: datetime = datetime(2026, 3, 2, 11, tzinfo=UTC)
        latitude: float | None = 43.7
        longitude: float = 7.4
        colour: str = "red"

    class Shown(Schema):
        price = Money(minor="price_minor")
        window = Window(start="starts", end="ends")
        position = Position()
        colour = fields.Choice(Colour)

    assert Shown().dump(Row()) == {
        "price": {"amount": "12.50", "currency": "EUR"},
        "window": {"start": "2026-03-02T09:00:00+00:00", "end": "2026-03-02T11:00:00+00:00"},
        "position": {"latitude": 43.7, "longitude": 7.4},
        "colour": "red",
    }
    nothing = Shown().dump(Row(price_minor=None, starts=None, latitude=None))
    assert (nothing["price"], nothing["window"], nothing["position"]) == (None, None, None)
