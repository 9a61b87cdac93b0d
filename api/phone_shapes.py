"""
What a phone is told: receipts of a push, and a pull with its visits, van and catalogue.

They describe answers that are written as they are: a pull of hundreds of visits is not checked field by field
while it waits. The tests hold every answer that they get against them.
"""

from __future__ import annotations

from marshmallow import fields, validate

from api.fields import Flag, Id, Moment, Whole
from api.schemas import Schema
from dispatch.sync import protocol
from dispatch.work_orders.lifecycle import VisitState

RESULTS = (protocol.APPLIED, protocol.CONFLICT, protocol.REJECTED, protocol.HELD)


def told(words: str) -> dict[str, str]:
    """Return the description of a field."""
    return {"description": words}


class ToldReceipt(Schema):
    """The decision about one operation; final unless it is ``held``."""

    op_id = Id(required=True)
    install_epoch = fields.String(required=True)
    seq = Whole(required=True)
    result = fields.String(required=True, validate=validate.OneOf(RESULTS))
    occurred_at = Moment(metadata=told("Of an applied one: when it happened on our clock."))
    clock_quality = fields.String(metadata=told("How that is known: mono, offset or unverified."))
    clock_flagged = Flag()
    needs_review = Flag()
    effect = fields.Dict(metadata=told("What the phone should print, such as a payment's numbers."))
    case_id = Id(metadata=told("Of a contradiction: the case that somebody decides."))
    code = fields.String(metadata=told("Why it was rejected, or gap while it is held."))
    reason = fields.String()
    remedy = fields.String()
    blocked_by = Id(metadata=told("The rejected operation that this one followed."))
    missing_seq = Whole(metadata=told("What a held one waits for."))


class Receipts(Schema):
    """The decisions; a receipt's bytes never change once it is not ``held``."""

    truckroll_sync = Whole(required=True, metadata=told("Marks an answer of ours."))
    schema = Whole(required=True)
    server_time = Moment(required=True)
    acked_seq = fields.Dict(required=True, values=Whole(), metadata=told("By install_epoch."))
    receipts = fields.List(fields.Nested(ToldReceipt), required=True)


class TitledShape(Schema):
    """A thing with its names."""

    sku = fields.String(required=True)
    name_en = fields.String(required=True)
    name_zh = fields.String(required=True)


class ToldCare(Schema):
    """What a technician does for an elderly or disabled customer, help with paying included."""

    en = fields.String(required=True)
    zh = fields.String(required=True)


class ToldCustomer(Schema):
    """Name and number are masked while ``is_revealed`` is false."""

    name = fields.String(required=True)
    phone = fields.String(required=True, allow_none=True)
    language = fields.String(required=True)
    needs_home_service = Flag(required=True)
    care = fields.Nested(ToldCare, required=True, allow_none=True)


class ToldContact(Schema):
    """Whom to speak with about the order, where that is not the customer."""

    name = fields.String(required=True)
    role = fields.String(required=True)
    phone = fields.String(required=True, allow_none=True)


class ToldSite(Schema):
    """Without address, position and notes while ``is_revealed`` is false."""

    district = fields.String(required=True)
    timezone = fields.String(required=True)
    address = fields.String(required=True, allow_none=True)
    latitude = fields.Float(required=True, allow_none=True)
    longitude = fields.Float(required=True, allow_none=True)
    position_quality = fields.String(required=True)
    parking_minutes = Whole(required=True)
    access_minutes = Whole(required=True)
    access_notes = fields.String(required=True)
    safety_notes = fields.String(required=True)


class ToldAsset(Schema):
    """The equipment."""

    product_kind = fields.String(required=True)
    model = fields.String(required=True)
    serial = fields.String(required=True)


class ToldProblem(Schema):
    """What is wrong, in the customer's words and by the template."""

    description = fields.String(required=True)
    title_en = fields.String(required=True)
    title_zh = fields.String(required=True)


class ToldFile(Schema):
    """An announced file."""

    sha256 = fields.String(required=True)
    media_type = fields.String(required=True)
    purpose = fields.String(required=True)
    caption = fields.String(required=True, allow_none=True)
    is_here = Flag(required=True)


class ToldAnswer(Schema):
    """A standing answer, whoever gave it."""

    question = fields.String(required=True)
    value = fields.Raw(required=True)
    technician_id = fields.String(required=True, allow_none=True)
    is_out_of_limits = Flag(required=True)


class ToldChecklist(Schema):
    """What is to be answered, in the revision that the visit carries."""

    code = fields.String(required=True)
    revision = Whole(required=True)
    title_en = fields.String(required=True)
    title_zh = fields.String(required=True)
    questions = fields.List(fields.Dict(), required=True)
    is_before_work = Flag(required=True, metadata=told("Its required questions come before visit.start."))
    answers = fields.List(fields.Nested(ToldAnswer), required=True)


class ToldAdvice(Schema):
    """A danger of the site, or work advised for the equipment, that nobody has settled."""

    id = Id(required=True)
    text = fields.String(required=True)
    is_danger = Flag(required=True)
    advised_at = Moment(required=True)


class ToldFault(Schema):
    """A fault of the equipment's past."""

    at = Moment(required=True)
    fault = fields.String(required=True)
    cause = fields.String(required=True)
    action = fields.String(required=True)


class ToldHints(Schema):
    """The equipment's past, and what solved this fault before, as old as the visit's last change."""

    history = fields.List(fields.Nested(ToldFault), required=True)
    solved_before = fields.List(fields.Dict(), required=True)


class ToldVisit(Schema):
    """A visit as its technician sees it."""

    id = Id(required=True)
    version = Whole(required=True)
    number = fields.String(required=True)
    order_number = fields.String(required=True)
    customer_reference = fields.String(required=True, allow_none=True)
    attempt = Whole(required=True)
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in VisitState]))
    kind = fields.String(required=True)
    fault_code = fields.String(required=True)
    priority = Whole(required=True)
    estimate_minor = Whole(required=True)
    paid_minor = Whole(
        required=True,
        allow_none=True,
        metadata=told("Received for the order so far; null while it is not shown in full."),
    )
    currency = fields.String(required=True)
    duration_minutes = Whole(required=True)
    crew_size = Whole(required=True)
    leader_id = Id(required=True, allow_none=True)
    crew = fields.List(fields.String(), required=True, metadata=told("Names of the others."))
    skills = fields.Dict(required=True, values=Whole(), metadata=told("Levels by skill."))
    certificates = fields.List(fields.String(), required=True)
    parts = fields.Dict(required=True, values=Whole(), metadata=told("Pieces by part number."))
    needs_review = Flag(required=True)
    is_repeat = Flag(required=True)
    refused_part_lots = fields.List(fields.String(), required=True)
    planned_start = Moment(required=True, allow_none=True)
    planned_end = Moment(required=True, allow_none=True)
    window_start = Moment(required=True, allow_none=True)
    window_end = Moment(required=True, allow_none=True)
    travelling_at = Moment(required=True, allow_none=True)
    arrived_at = Moment(required=True, allow_none=True)
    started_at = Moment(required=True, allow_none=True)
    finished_at = Moment(required=True, allow_none=True)
    is_revealed = Flag(required=True, metadata=told("Whether the customer is shown in full."))
    customer = fields.Nested(ToldCustomer, required=True)
    contact = fields.Nested(ToldContact, required=True, allow_none=True)
    site = fields.Nested(ToldSite, required=True)
    asset = fields.Nested(ToldAsset, required=True, allow_none=True)
    problem = fields.Nested(ToldProblem, required=True, allow_none=True)
    record = fields.Dict(
        required=True,
        allow_none=True,
        metadata=told("What is shown and signed; its hash is that of these fields."),
    )
    files = fields.List(fields.Nested(ToldFile), required=True)
    checklists = fields.List(fields.Nested(ToldChecklist), required=True)
    before = fields.List(fields.Dict(), required=True, metadata=told("What earlier visits of the order did."))
    advice = fields.List(fields.Nested(ToldAdvice), required=True)
    hints = fields.Nested(ToldHints, required=True, allow_none=True)


class ChangeShape(Schema):
    """A visit to hold as it is told, or to forget."""

    kind = fields.String(required=True, validate=validate.OneOf(["put", "evict"]))
    entity = fields.String(required=True, validate=validate.OneOf(["visit"]))
    id = Id(required=True)
    version = Whole(metadata=told("With put."))
    body = fields.Nested(ToldVisit, metadata=told("With put."))


class NoticeShape(Schema):
    """What the phone says to its technician now."""

    kind = fields.String(required=True)
    day = fields.Date(required=True)
    hand_in_id = Id(required=True, allow_none=True)
    text = fields.String(required=True, metadata=told("In the technician's language."))


class ToldPick(TitledShape):
    """Pieces to load."""

    quantity = Whole(required=True)
    is_serialised = Flag(required=True)


class ToldPickList(Schema):
    """What to load for a day."""

    day = fields.Date(required=True)
    parts = fields.List(fields.Nested(ToldPick), required=True)


class ToldTransfer(TitledShape):
    """Pieces on their way that nobody has confirmed or declined."""

    id = Id(required=True)
    state = fields.String(required=True)
    quantity = Whole(required=True)
    lot = fields.String(required=True, allow_none=True)
    serial = fields.String(required=True, allow_none=True)
    giver_id = Id(required=True, allow_none=True)
    taker_id = Id(required=True, allow_none=True)
    note = fields.String(required=True, allow_none=True)
    asked_at = Moment(required=True)
    handed_at = Moment(required=True, allow_none=True)


class ToldTool(Schema):
    """A tool that is held."""

    serial = fields.String(required=True)
    name_en = fields.String(required=True)
    name_zh = fields.String(required=True)
    calibrated_until = fields.Date(required=True, allow_none=True)


class ToldHandover(Schema):
    """A tool that waits for the technician's word."""

    id = Id(required=True)
    serial = fields.String(required=True)
    giver_id = Id(required=True, allow_none=True)
    note = fields.String(required=True, allow_none=True)


class VanShape(Schema):
    """What to load, what is on its way, tools held."""

    pick_lists = fields.List(fields.Nested(ToldPickList), required=True)
    transfers = fields.List(fields.Nested(ToldTransfer), required=True)
    tools = fields.List(fields.Nested(ToldTool), required=True)
    tool_handovers = fields.List(fields.Nested(ToldHandover), required=True)


class ToldCode(Schema):
    """A code of faults, causes or actions."""

    kind = fields.String(required=True)
    code = fields.String(required=True)
    title_en = fields.String(required=True)
    title_zh = fields.String(required=True)


class ToldPart(TitledShape):
    """A part of the company's list."""

    is_approved = Flag(required=True)
    is_serialised = Flag(required=True)
    has_core = Flag(required=True)


class ToldStock(Schema):
    """Pieces on the own van."""

    sku = fields.String(required=True)
    quantity = Whole(required=True)
    serials = fields.List(fields.String(), required=True)


class ToldApprover(Schema):
    """Who may approve a part."""

    id = Id(required=True)
    name = fields.String(required=True)


class ToldTaxRate(Schema):
    """The rate of tax from a day on, oldest first; what is left to pay is told with it."""

    valid_from = fields.Date(required=True)
    tax_rate = fields.String(required=True)


class CatalogueShape(Schema):
    """What there is to choose from: the sections that changed, each whole, and the new revision."""

    revision = fields.String(required=True)
    codes = fields.List(fields.Nested(ToldCode))
    parts = fields.List(fields.Nested(ToldPart))
    stock = fields.List(fields.Nested(ToldStock))
    approvers = fields.List(fields.Nested(ToldApprover))
    tax_rates = fields.List(fields.Nested(ToldTaxRate))


class WantedFile(Schema):
    """An announced file whose bytes are not here."""

    visit_id = Id(required=True)
    sha256 = fields.String(required=True)


class Changes(Schema):
    """A page of changes; they are applied together when ``complete`` is true."""

    truckroll_sync = Whole(required=True, metadata=told("Marks an answer of ours."))
    schema = Whole(required=True)
    server_time = Moment(required=True)
    cursor = fields.String(required=True)
    complete = Flag(required=True)
    acked_seq = fields.Dict(required=True, values=Whole(), metadata=told("By install_epoch."))
    changes = fields.List(fields.Nested(ChangeShape), required=True)
    notices = fields.List(fields.Nested(NoticeShape), required=True)
    van = fields.Nested(
        VanShape, required=True, allow_none=True, metadata=told("With the last page; a phone may ignore it.")
    )
    files_wanted = fields.List(
        fields.Nested(WantedFile),
        required=True,
        allow_none=True,
        metadata=told("Files this technician announced and that are not here, with the last page."),
    )
    catalogue = fields.Nested(
        CatalogueShape,
        required=True,
        allow_none=True,
        metadata=told("For phones that ask, with the last page."),
    )
