"""Parts of addresses that several resources share."""

from __future__ import annotations

from datetime import date
from typing import Any

from marshmallow import ValidationError

from api.errors import RequestInvalid
from api.fields import Day

DAY_ADDRESS = "/territories/<uuid:territory_id>/days/<string:day>"
DAY_PARAMETER: Any = [{"in": "path", "name": "day", "schema": {"type": "string", "format": "date"}}]


def day_in_address(text: str) -> date:
    """The day that an address names."""
    try:
        day: date = Day().deserialize(text)
    except ValidationError as error:
        raise RequestInvalid("the day in the address is none", errors={"day": error.messages}) from None
    return day
