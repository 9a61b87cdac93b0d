"""Shapes that every resource uses: the strict base, money, windows, positions and pages (S3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import marshmallow as ma
from marshmallow import fields

from api.errors import RangeTooLong
from api.fields import Day, Moment, Real, Text, Whole
from dispatch.money import Money as Amount
from dispatch.planning.rules import WindowImpossible

MOST_ITEMS, USUAL_ITEMS = 200, 50
MOST_DAYS = 31
LONGEST_WINDOW = timedelta(hours=24)


class Schema(ma.Schema):
    """Base of every shape in a body; unknown fields are refused."""

    values_are_text = False

    class Meta:
        """Nothing unknown is accepted or silently dropped."""

        unknown = ma.RAISE


class QuerySchema(Schema):
    """Base of every set of query parameters, where numbers and switches arrive as text."""

    values_are_text = True


class ListOf(fields.List[Any]):
    """A list of at most ``most`` items."""

    def __init__(self, inner: fields.Field[Any], most: int = MOST_ITEMS, **kwargs: Any) -> None:
        super().__init__(inner, validate=ma.validate.Length(max=most), **kwargs)


class Counts(fields.Dict):
    """Whole numbers by code, such as skill levels or quantities of parts; the domain judges the numbers."""

    def __init__(self, most: int = 100, **kwargs: Any) -> None:
        metadata = {"maxProperties": most} | kwargs.pop("metadata", {})
        super().__init__(keys=Text(64), values=Whole(), metadata=metadata, **kwargs)
        self._most = most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, Mapping) and len(value) > self._most:
            raise ma.ValidationError(f"Longer than {self._most}.")
        return super()._deserialize(value, attr, data, **kwargs)  # type: ignore[no-untyped-call]


class MoneyShape(Schema):
    """An exact amount as decimal text, and its currency."""

    amount = Text(16, pattern=r"^-?[0-9]{1,13}(\.[0-9]{1,2})?$", required=True, metadata={"example": "12.50"})
    currency = Text(3, least=3, pattern=r"^[A-Z]{3}$", required=True, metadata={"example": "EUR"})


class Money(fields.Nested):
    """
    An exact amount; loads as ``dispatch.money.Money``.

    For answers, ``Money(minor="price_minor")`` reads the two columns ``price_minor`` and ``currency``.
    """

    def __init__(self, *, minor: str = "", currency: str = "currency", **kwargs: Any) -> None:
        super().__init__(MoneyShape, **kwargs)
        self._columns = (minor, currency)

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        """Read the shape, then make it exact."""
        shape = super().deserialize(value, attr, data, **kwargs)
        return Amount.parse(shape["amount"], shape["currency"]) if isinstance(shape, Mapping) else shape

    def serialize(self, attr: str, obj: Any, accessor: Any = None, **kwargs: Any) -> Any:
        """Show a value, or two columns, as a shape."""
        minor, currency = self._columns
        if minor:
            value = getattr(obj, minor)
            return None if value is None else shown_amount(Amount(value, getattr(obj, currency)))
        value = self.get_value(obj, attr, accessor)
        return shown_amount(value) if isinstance(value, Amount) else value


def shown_amount(amount: Amount) -> dict[str, str]:
    """Return money as it is written on the wire."""
    return {"amount": str(amount), "currency": amount.currency}


class TimeWindow(NamedTuple):
    """A loaded window; the start is before the end."""

    start: datetime
    end: datetime


class WindowShape(Schema):
    """From when to when, both with offset."""

    start = Moment(required=True)
    end = Moment(required=True)


class Window(fields.Nested):
    """
    A window of at most 24 hours; loads as ``TimeWindow``.

    For answers, ``Window(start="window_start", end="window_end")`` reads two columns.
    """

    def __init__(self, *, start: str = "", end: str = "", **kwargs: Any) -> None:
        super().__init__(WindowShape, **kwargs)
        self._columns = (start, end)

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        """Read both ends and refuse an impossible window by name."""
        shape = super().deserialize(value, attr, data, **kwargs)
        if not isinstance(shape, Mapping):
            return shape
        window = TimeWindow(shape["start"], shape["end"])
        if not timedelta(0) < window.end - window.start <= LONGEST_WINDOW:
            raise WindowImpossible("the window must end after it starts and last at most 24 hours")
        return window

    def serialize(self, attr: str, obj: Any, accessor: Any = None, **kwargs: Any) -> Any:
        """Show a value, or two columns, as a shape."""
        start, end = self._columns
        if not start:
            return super().serialize(attr, obj, accessor, **kwargs)
        ends = (getattr(obj, start), getattr(obj, end))
        return None if None in ends else {"start": ends[0].isoformat(), "end": ends[1].isoformat()}


class PositionShape(Schema):
    """A point on the earth, WGS 84, in degrees."""

    latitude = Real(-90, 90, required=True)
    longitude = Real(-180, 180, required=True)


class Point(NamedTuple):
    """A loaded position."""

    latitude: float
    longitude: float


class Position(fields.Nested):
    """A position; loads as ``Point``. In answers it reads the thing's own ``latitude`` and ``longitude``."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(PositionShape, **kwargs)

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        """Read both numbers."""
        shape = super().deserialize(value, attr, data, **kwargs)
        return Point(**shape) if isinstance(shape, Mapping) else shape

    def serialize(self, attr: str, obj: Any, accessor: Any = None, **kwargs: Any) -> Any:
        """Show the thing's own coordinates."""
        return None if obj.latitude is None else shown_point(obj.latitude, obj.longitude)


def shown_point(latitude: float, longitude: float) -> dict[str, float]:
    """Return a position as it is written on the wire."""
    return {"latitude": latitude, "longitude": longitude}


class PageArgs(QuerySchema):
    """Which page of a list: ``cursor`` is ``next_cursor`` of the page before."""

    limit = Whole(1, MOST_ITEMS, load_default=USUAL_ITEMS)
    cursor = Text(64, load_default=None)


def page_of(item: type[Schema]) -> type[Schema]:
    """Return the shape of a page of items, a ``dispatch.paging.Page``; make it once, at import."""
    shape: type[Schema] = type(
        item.__name__ + "Page",
        (Schema,),
        {
            "__doc__": f"A page of {item.__name__}.",
            "items": fields.List(fields.Nested(item), required=True),
            "next_cursor": fields.String(required=True, allow_none=True),
        },
    )
    return shape


def list_of(item: type[Schema]) -> type[Schema]:
    """Return the shape of a list that is short by nature and has no pages; make it once, at import."""
    shape: type[Schema] = type(
        item.__name__ + "List",
        (Schema,),
        {"__doc__": f"All of {item.__name__}.", "items": fields.List(fields.Nested(item), required=True)},
    )
    return shape


class Joined:
    """A thing shown with more members than its own."""

    def __init__(self, thing: Any, **more: Any) -> None:
        self._thing = thing
        self.__dict__.update(more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._thing, name)


class DaysArgs(QuerySchema):
    """A range of calendar days, both included, at most 31 long."""

    first_day = Day(required=True)
    last_day = Day(required=True)

    @ma.post_load
    def _check(self, values: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        check_days(values["first_day"], values["last_day"])
        return values


def check_days(first: date, last: date, most: int = MOST_DAYS) -> None:
    """Refuse a range of days that is reversed or too long for one request (S9)."""
    if not 0 <= (last - first).days < most:
        raise RangeTooLong(f"the days must be in order and at most {most}", most_days=most)
