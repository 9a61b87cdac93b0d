"""The shape of an asset's past orders, as a caller is told of them (R-103)."""

from __future__ import annotations

from marshmallow import fields

from api.fields import Flag, Id, Moment
from api.schemas import Schema


class PastOrderShape(Schema):
    """An order of the same asset: state, what was found and done, what was only advised."""

    id = Id(required=True)
    number = fields.String(required=True)
    state = fields.String(required=True)
    kind = fields.String(required=True)
    fault_code = fields.String(required=True)
    opened_at = Moment(required=True)
    finished_at = Moment(required=True, allow_none=True)
    is_unfinished = Flag(required=True)
    fault = fields.String(required=True)
    action = fields.String(required=True)
    advised = fields.List(fields.String(), required=True)
