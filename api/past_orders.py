"""Shapes of past orders of an asset and its customer, as a caller is told of them (R-103)."""

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


class OtherAssetShape(Schema):
    """Another piece of equipment of the customer, with what is unfinished or only advised there."""

    asset_id = Id(required=True)
    site_id = Id(required=True)
    address = fields.String(required=True)
    product_kind = fields.String(required=True)
    model = fields.String(required=True)
    serial = fields.String(required=True, allow_none=True)
    unfinished = fields.List(fields.Nested(PastOrderShape), required=True)
    advised = fields.List(fields.String(), required=True)


class CandidateShape(Schema):
    """Another customer file with the same telephone number."""

    customer_id = Id(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)
    created_at = Moment(required=True)
    addresses = fields.List(fields.String(), required=True)


class BackgroundShape(Schema):
    """What the operator should know while the customer is on the line; ``other_`` names no asset."""

    history = fields.List(fields.Nested(PastOrderShape), required=True)
    unfinished = fields.List(fields.Nested(PastOrderShape), required=True)
    advised = fields.List(fields.String(), required=True)
    other_assets = fields.List(fields.Nested(OtherAssetShape), required=True)
    other_unfinished = fields.List(fields.Nested(PastOrderShape), required=True)
    other_advised = fields.List(fields.String(), required=True)
    candidates = fields.List(fields.Nested(CandidateShape), required=True)
