"""The one place that narrows a query to what a person may see (S1)."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import ColumnElement, true
from sqlalchemy.orm import InstrumentedAttribute

from dispatch.access.rules import Principal


def in_scope(
    principal: Principal, territory_id: InstrumentedAttribute[uuid.UUID] | ColumnElement[Any]
) -> ColumnElement[bool]:
    """Return the criterion that keeps only rows of the principal's territories."""
    if principal.territory_ids is None:
        return true()
    return territory_id.in_(principal.territory_ids)
