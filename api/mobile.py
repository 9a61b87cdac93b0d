"""
The technician's phone: operations in, changes out (docs/reference/sync.md).

Only a registered phone is served. Whatever the answer of a push, only a receipt decides an operation.
"""

from __future__ import annotations

import json
import uuid
import zlib
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from flask import Response, g, request
from marshmallow import EXCLUDE, INCLUDE, fields
from webargs.flaskparser import is_json_request

from api import revoked
from api.auth import current_principal, policy
from api.config import current_config, current_settings
from api.described import describe
from api.errors import MalformedJson, MalformedRequest, MediaTypeUnsupported
from api.fields import Flag, Id, Moment, ProvisionalNumber, Text, Whole
from api.json_body import StrictParser, parse
from api.phone_shapes import Changes, Receipts
from api.resource import Resource
from api.schemas import ListOf, QuerySchema, Schema, page_of
from api.session import current_session
from dispatch.access.rules import Role
from dispatch.paging import USUAL
from dispatch.sync import commands, protocol, queries
from dispatch.sync.cursor import LONGEST, signing_key
from dispatch.sync.refusals import BatchTooLarge, SchemaUnsupported
from dispatch.work_orders.queries import find_visit

View = TypeVar("View", bound=Callable[..., Any])

DESKS = (Role.DISPATCHER, Role.SUPERVISOR, Role.ADMIN)
STILL_READABLE = frozenset({"nul", "surrogate"})
"""Texts that no database can hold reject their own operation, never the whole push."""

MOST_VALUES = 200_000
"""Values in one batch: thirty days of positions are a hundred thousand."""

SCHEMA_PARAMETER = {
    "in": "header",
    "name": protocol.SCHEMA_HEADER,
    "required": False,
    "description": "Version of the protocol the phone speaks; 1 if left out, 426 if it is not served.",
    "schema": {"type": "integer", "minimum": 1},
}


class BatchParser(StrictParser):
    """Reads a push: bounded, and patient with characters that only one operation has to answer for."""

    def _raw_load_json(self, req: Any) -> Any:
        if not is_json_request(req):
            raise MediaTypeUnsupported("a push is application/json")
        raw = g.batch = _unpacked(req)
        try:
            return parse(raw, most_values=MOST_VALUES)
        except MalformedJson as why:
            if why.detail.get("reason") not in STILL_READABLE:
                raise
            return json.loads(raw)


def _unpacked(req: Any) -> bytes:
    """Return the body, bounded before and after decompression."""
    raw: bytes = req.get_data(cache=True)
    if len(raw) > protocol.MOST_BYTES:
        raise BatchTooLarge(f"{len(raw)} bytes", most=protocol.MOST_BYTES)
    encoding = req.headers.get("Content-Encoding", "identity")
    if encoding == "identity":
        return raw
    if encoding != "gzip":
        raise MediaTypeUnsupported("a body is compressed by gzip or not at all")
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        found = unpacking.decompress(raw, protocol.MOST_UNPACKED_BYTES + 1)
    except zlib.error:
        raise MalformedJson("the compressed body is damaged", reason="gzip") from None
    if len(found) > protocol.MOST_UNPACKED_BYTES:
        raise BatchTooLarge("more than 8 MiB when unpacked", most=protocol.MOST_UNPACKED_BYTES)
    if not unpacking.eof or unpacking.unused_data:
        raise MalformedJson("the compressed body is cut off or followed by something", reason="gzip")
    return found


class MobileResource(Resource):
    """The resource whose bodies are read by ``BatchParser``."""

    ARGUMENTS_PARSER = BatchParser()


resource = MobileResource("mobile", description="The technician's phone: operations in, changes out.")


def versioned(served: frozenset[int], *responses: int) -> Callable[[View], View]:
    """Refuse a phone that speaks a version of the protocol that is not served (426)."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(*args: Any, **kwargs: Any) -> Any:
            _check_schema(served)
            return view(*args, **kwargs)

        describe(checked, parameters=[SCHEMA_PARAMETER], responses=[400, 403, 426, *responses])
        return cast("View", checked)

    return decorate


def _check_schema(served: frozenset[int]) -> None:
    given = request.headers.get(protocol.SCHEMA_HEADER, str(protocol.FIRST_SCHEMA))
    if not given.isascii() or not given.isdigit() or len(given) > 6:
        raise MalformedRequest(f"{protocol.SCHEMA_HEADER} is not a number")
    if int(given) not in served:
        raise SchemaUnsupported(f"schema {given} is not served", served=sorted(served))


class PhoneClock(Schema):
    """The phone's clocks at the moment of the request; none of them is trusted."""

    class Meta:
        """A newer phone may tell more."""

        unknown = EXCLUDE

    wall = fields.Raw(metadata={"type": ["string", "null"], "description": "ISO 8601 with offset."})
    mono_ms = fields.Raw(metadata={"type": ["integer", "null"], "description": "Milliseconds since boot."})
    boot_id = fields.Raw(metadata={"type": ["string", "null"], "description": "New at each boot."})


def _word(words: str) -> fields.Raw:
    """Return a field of an operation that the protocol judges, with a receipt, and not the request."""
    return fields.Raw(allow_none=True, metadata={"description": words})


class OperationShape(Schema):
    """One operation; what is wrong in it beyond its identity rejects the operation, not the push."""

    class Meta:
        """Kept as it came."""

        unknown = INCLUDE

    op_id = Id(required=True)
    install_epoch = Text(64, pattern=r"^[A-Za-z0-9_-]{1,64}$", required=True)
    seq = Whole(1, required=True)
    type = _word("What happened, one of the protocol's operations.")
    schema = _word("Version of the payload's words, 1 or 2.")
    visit_id = _word("The visit, null where it is about none.")
    known_seq = _word("Highest seq that had a final receipt when this was recorded.")
    base_version = _word("Version of the visit that the phone showed.")
    occurred_at = _word("When it happened by the phone's clock, with offset.")
    mono_ms = _word("Milliseconds since boot, then.")
    boot_id = _word("Which boot that was.")
    payload = _word("As the protocol's table of operations says, by type.")


class Batch(Schema):
    """Operations in the order of their seq, at most 200."""

    clock = fields.Nested(PhoneClock, load_default=dict)
    ops = fields.List(
        fields.Nested(OperationShape), required=True, metadata={"maxItems": protocol.MOST_OPERATIONS}
    )


class PullArgs(QuerySchema):
    """Where to go on; without a cursor the whole scope is given."""

    cursor = Text(LONGEST, pattern=r"^[A-Za-z0-9_-]+$", load_default=None)
    catalogue = Text(
        200,
        pattern=r"^[A-Za-z0-9-]+$",
        load_default=None,
        metadata={
            "description": "Revision held of codes, parts, van stock and approvers; none for the first time."
        },
    )


class RejectionShape(Schema):
    """A rejected operation with everything that was sent."""

    id = Id(required=True)
    op_id = Id(required=True)
    technician_id = Id(required=True)
    visit_id = Id(required=True, allow_none=True)
    type = fields.String(required=True)
    code = fields.String(required=True)
    reason = fields.String(required=True)
    payload = fields.Raw(required=True, allow_none=True)
    occurred_at = Moment(required=True)
    clock_quality = fields.String(required=True)
    rejected_at = Moment(required=True)
    decided_at = Moment(required=True, allow_none=True)
    decided_by = Id(required=True, allow_none=True)
    provisional_number = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Of a payment: the number of the receipt that the phone gave."},
    )


class RejectionArgs(QuerySchema):
    """Which rejected operations: newest first; ``cursor`` is ``next_cursor`` of the page before."""

    limit = Whole(1, 200, load_default=USUAL)
    cursor = Text(100, pattern=r"^[A-Za-z0-9_-]+$", load_default=None)
    only_open = Flag(load_default=True)
    provisional_number = ProvisionalNumber(load_default=None)


class Correction(Schema):
    """
    What to correct before it is applied; what is left out stays as it was sent.

    payload
        The whole payload.
    visit_id
        The visit it belongs to, though its technician never held it: from then on they count as helper there.
    """

    payload = fields.Dict(allow_none=True, load_default=None)
    visit_id = Id(allow_none=True, load_default=None)


class Dismissal(Schema):
    """Why a rejected operation is not applied."""

    reason = Text(500, required=True)


class RedecidedShape(Schema):
    """An operation that was applied after all."""

    rejection_id = Id(required=True)
    rejected_op_id = Id(required=True)
    applied_op_id = Id(required=True)
    case_id = Id(required=True, allow_none=True)


class AppliedShape(Schema):
    """What took effect: the operation, and those that waited for it."""

    applied = ListOf(fields.Nested(RedecidedShape), required=True)


RejectionPage = page_of(RejectionShape)


@resource.post("/sync/push")
@policy(Role.TECHNICIAN)
@versioned(protocol.PUSH_SCHEMAS, 413)
@resource.arguments(Batch)
@resource.response(200, Receipts)
def push(body: dict[str, Any]) -> object:
    """
    Send operations and get a receipt for each.

    Any other answer than 200, or a body without ``truckroll_sync``, means that nothing was decided: send the
    same bytes again.
    """
    batch = json.loads(g.batch)
    pushed = commands.push(
        current_session(),
        by=current_principal(),
        batch=batch,
        company_currency=current_settings().currency,
    )
    return Response(pushed.text, mimetype="application/json")


@resource.get("/sync/pull")
@policy(Role.TECHNICIAN)
@versioned(protocol.PULL_SCHEMAS, 410)
@resource.arguments(PullArgs, location="query")
@resource.response(200, Changes)
def pull(args: dict[str, Any]) -> object:
    """Changes of my visits since a cursor; 410 means to start again without one."""
    pulled = queries.pull(
        current_session(),
        current_principal(),
        cursor=args["cursor"],
        catalogue=args["catalogue"],
        key=signing_key(current_config().tokens.secret),
    )
    told = {
        protocol.MARKER: protocol.MARKER_VALUE,
        "schema": protocol.SCHEMA,
        "server_time": pulled.server_time.isoformat(),
        "cursor": pulled.cursor,
        "complete": pulled.complete,
        "acked_seq": dict(pulled.acked_seq),
        "changes": pulled.changes,
        "notices": pulled.notices,
        "van": pulled.van,
        "files_wanted": pulled.files_wanted,
        "catalogue": pulled.catalogue,
    }
    return Response(json.dumps(told, ensure_ascii=False), mimetype="application/json")


@resource.get("/sync/rejections")
@policy(*DESKS, Role.TECHNICIAN)
@resource.arguments(RejectionArgs, location="query")
@resource.response(200, RejectionPage)
def list_rejections(args: dict[str, Any]) -> object:
    """Rejected operations, newest first; technicians see their own."""
    return queries.rejections(current_session(), current_principal(), **args)


@resource.post("/sync/rejections/<uuid:rejection_id>/apply")
@policy(*DESKS)
@resource.arguments(Correction)
@resource.response(200, AppliedShape)
def apply_anyway(body: dict[str, Any], rejection_id: uuid.UUID) -> object:
    """Apply a rejected operation after all, with what waited for it."""
    session, me = current_session(), current_principal()
    rejection = queries.find_rejection(session, me, rejection_id)
    named = body["visit_id"]
    applied = commands.apply_anyway(
        session,
        by=me,
        rejection=rejection,
        payload=body["payload"],
        visit=find_visit(session, me, named) if named else None,
        company_currency=current_settings().currency,
    )
    return {"applied": applied}


@resource.post("/sync/rejections/<uuid:rejection_id>/dismiss")
@policy(*DESKS)
@resource.arguments(Dismissal)
@resource.response(200, RejectionShape)
def dismiss(body: dict[str, Any], rejection_id: uuid.UUID) -> object:
    """Put a rejected operation aside; its payload is kept."""
    session, me = current_session(), current_principal()
    rejection = queries.find_rejection(session, me, rejection_id)
    return queries.view_of(session, commands.dismiss(session, by=me, rejection=rejection, **body))


revoked.register(resource)
