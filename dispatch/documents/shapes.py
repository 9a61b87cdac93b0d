"""
The frozen snapshots a document is rendered from, key by key.

A snapshot holds facts in machine form (integer minor units, UTC instants, ISO days, decimal text); the
renderer turns them into words and figures of the reader's language. Keys not listed here are refused.
"""

# no postponed annotations here: TypedDict must see NotRequired to know its required keys
from dataclasses import dataclass
from typing import Annotated, Literal, NotRequired, TypedDict


@dataclass(frozen=True, slots=True)
class Form:
    """How a text must be written: its kind and the longest accepted length in characters."""

    kind: Literal["text", "code", "instant", "day", "decimal", "digest", "zone", "currency", "strokes"]
    longest: int


Text = Annotated[str, Form("text", 20_000)]  #: free words of any script, line breaks allowed
Code = Annotated[str, Form("code", 64)]  #: a number or short code on one line
Instant = Annotated[str, Form("instant", 40)]  #: ISO 8601 with zone, e.g. 2026-03-05T08:00:00Z
Day = Annotated[str, Form("day", 10)]  #: ISO 8601 calendar day
Number = Annotated[str, Form("decimal", 24)]  #: exact decimal as text, e.g. "1.5" or "0.13"
Digest = Annotated[str, Form("digest", 64)]  #: sha256 in lower-case hex
Zone = Annotated[str, Form("zone", 64)]  #: IANA time zone name
Currency = Annotated[str, Form("currency", 3)]  #: ISO 4217 code
Strokes = Annotated[str, Form("strokes", 200_000)]  #: the ``d`` attribute of an SVG path

Payer = Literal["customer", "maker", "contract", "goodwill"]
LineKind = Literal["labour", "travel", "callout", "part"]
Method = Literal["cash", "card", "qr", "transfer", "cheque", "other"]


class Party(TypedDict):
    """A company or person with what is known to reach and to invoice them."""

    name: Text
    address: NotRequired[list[Text]]
    tax_id: NotRequired[Code]
    contact: NotRequired[Text]
    phone: NotRequired[Code]
    email: NotRequired[Text]
    bank: NotRequired[Text]
    bank_account: NotRequired[Code]


class Asset(TypedDict):
    """The equipment served."""

    name: Text
    model: NotRequired[Text]
    serial: NotRequired[Code]
    location: NotRequired[Text]
    purchased_on: NotRequired[Day]
    warranty_until: NotRequired[Day]


class Frame(TypedDict):
    """What every document has: who issues it, when it was frozen, and in which zone its times are read."""

    made_at: Instant
    time_zone: Zone
    company: Party
    test: NotRequired[bool]  #: True prints a test watermark (never a valid document)


class InvoiceLine(TypedDict):
    """One settled line (R-601): the amounts are net, before tax."""

    kind: LineKind
    description: Text
    payer: Payer
    quantity: Number
    unit: Code  #: UN/ECE Rec 20 (HUR, MIN, C62, KMT, E48 ...) or any word
    unit_price_minor: int
    net_minor: int
    tax_rate: Number  #: a fraction: "0.13" prints as 13 %
    discount_minor: NotRequired[int]
    code: NotRequired[Code]
    note: NotRequired[Text]  #: why this payer, why this price


class TaxRow(TypedDict):
    """The tax of one rate."""

    rate: Number
    base_minor: int
    tax_minor: int
    reason: NotRequired[Text]  #: legal ground of an exemption


class Totals(TypedDict):
    """Sums of the lines of the payer billed; checked to add up before anything is printed."""

    net_minor: int
    tax_minor: int
    gross_minor: int
    paid_minor: int
    due_minor: int
    rounding_minor: NotRequired[int]


class PaymentRow(TypedDict):
    """Money already received for this invoice."""

    method: Method
    amount_minor: int
    received_at: Instant
    reference: NotRequired[Code]


class InvoiceSnapshot(Frame):
    """An issued invoice or credit note (R-602); ``billed_to`` names whose lines are charged."""

    number: Code
    document: NotRequired[Literal["invoice", "credit_note"]]
    corrects: NotRequired[Code]  #: number of the invoice a credit note corrects
    billed_to: NotRequired[Payer]  #: default: customer
    issue_date: Day
    due_date: NotRequired[Day]
    service_date: NotRequired[Day]
    order_number: Code
    customer_reference: NotRequired[Code]  #: the customer's own order number (R-103)
    sheet_numbers: list[Code]
    currency: Currency
    buyer: Party
    site: NotRequired[list[Text]]
    asset: NotRequired[Asset]
    lines: list[InvoiceLine]
    taxes: list[TaxRow]
    totals: Totals
    payments: NotRequired[list[PaymentRow]]
    payment_hints: NotRequired[list[Text]]
    notes: NotRequired[list[Text]]


class PartMoved(TypedDict):
    """A part fitted (in) or taken out (out); origin other than original or approved needs a note (R-507)."""

    direction: Literal["in", "out"]
    code: Code
    name: Text
    quantity: Number
    serial: NotRequired[Code]
    lot: NotRequired[Code]
    origin: NotRequired[Literal["original", "approved", "other"]]
    note: NotRequired[Text]


class Measurement(TypedDict):
    """A measured value with its limits in words."""

    name: Text
    value: Text
    unit: NotRequired[Code]
    limits: NotRequired[Text]
    passed: NotRequired[bool]


class Estimate(TypedDict):
    """The price told before the work (R-204), in minor units."""

    currency: Currency
    labour_minor: int
    parts_minor: int
    travel_minor: int


class Approval(TypedDict):
    """The customer's recorded approval of the price or of work beyond the estimate (R-204)."""

    amount_minor: int
    currency: Currency
    by: Text
    at: Instant
    channel: NotRequired[Text]
    note: NotRequired[Text]


class Signature(TypedDict):
    """Who signed, when, and the strokes drawn on a canvas of ``width`` x ``height`` units."""

    name: Text
    signed_at: Instant
    role: NotRequired[Text]
    strokes: NotRequired[Strokes]
    width: NotRequired[int]
    height: NotRequired[int]
    refused: NotRequired[Text]  #: the reason given instead of a signature


class VisitTimes(TypedDict):
    """The times of one visit, in the order they happen."""

    departed_at: NotRequired[Instant]
    arrived_at: Instant
    started_at: NotRequired[Instant]
    finished_at: Instant
    travel_minutes: NotRequired[int]
    work_minutes: NotRequired[int]
    break_minutes: NotRequired[int]  #: in neither of the two


class CheckRow(TypedDict):
    """A checklist item and its outcome; no outcome means not done."""

    text: Text
    passed: NotRequired[bool]
    note: NotRequired[Text]


class ServiceReportSnapshot(Frame):
    """The record of one visit as shown to the customer before signing (R-509)."""

    number: Code
    order_number: Code
    customer_reference: NotRequired[Code]  #: the customer's own order number (R-103)
    sheet_number: Code
    date: Day
    customer: Party
    site: NotRequired[list[Text]]
    asset: NotRequired[Asset]
    technicians: list[Text]
    result: Literal["solved", "provisional", "waiting_for_part", "second_visit", "not_possible"]
    problem: Text
    fault: Text
    fault_code: NotRequired[Code]
    cause: Text
    cause_code: NotRequired[Code]
    action: Text
    action_code: NotRequired[Code]
    parts: list[PartMoved]
    measurements: list[Measurement]
    checklist: NotRequired[list[CheckRow]]
    consents: NotRequired[list[Text]]  #: other equipment that the customer allowed to touch (R-506)
    advised: NotRequired[list[Text]]  #: hidden dangers found and work advised but not done (R-505)
    times: VisitTimes
    use_explained: bool
    documents_handed_over: list[Text]
    rating: NotRequired[Literal[1, 2, 3, 4, 5]]
    rating_comment: NotRequired[Text]
    estimate: NotRequired[Estimate]
    approval: NotRequired[Approval]
    signature: NotRequired[Signature]
    shown_sha256: Digest


class HistoryRow(TypedDict):
    """A former visit to the same asset."""

    date: Day
    fault: Text
    action: Text
    technician: NotRequired[Text]


class SolvedRow(TypedDict):
    """What solved the fault once, on equipment of which model."""

    date: Day
    model: NotRequired[Text]
    cause: Text
    action: Text


class SkillRow(TypedDict):
    """A skill needed for the visit, with the level where one is asked."""

    name: Text
    level: NotRequired[int]


class CertificateRow(TypedDict):
    """A certificate needed, and until when the technician's own is valid."""

    name: Text
    number: NotRequired[Code]
    valid_until: NotRequired[Day]


class PartToTake(TypedDict):
    """A part the technician takes along."""

    code: Code
    name: Text
    quantity: Number
    place: NotRequired[Text]


class Stay(TypedDict):
    """Where the technician goes and how to get in."""

    address: list[Text]
    access: NotRequired[Text]
    parking: NotRequired[Text]
    access_minutes: NotRequired[int]
    parking_minutes: NotRequired[int]


class DispatchSheetSnapshot(Frame):
    """The order sheet of one visit [派工单] (R-502)."""

    number: Code
    order_number: Code
    customer_reference: NotRequired[Code]  #: the customer's own order number (R-103)
    date: Day
    technician: Party
    crew: NotRequired[list[Text]]
    window_start: NotRequired[Instant]
    window_end: NotRequired[Instant]
    planned_start: NotRequired[Instant]
    planned_minutes: NotRequired[int]
    priority: NotRequired[Literal["emergency", "high", "normal", "low"]]
    kind: NotRequired[Text]
    customer: Party
    site: Stay
    needs_care: NotRequired[bool]  #: elderly or disabled customer (R-106)
    problem: Text
    asset: NotRequired[Asset]
    history: NotRequired[list[HistoryRow]]
    solved_before: NotRequired[list[SolvedRow]]  #: on any equipment (R-510)
    repeat_of: NotRequired[Code]  #: order repaired before, for a repeat repair (R-508)
    skills: list[SkillRow]
    certificates: list[CertificateRow]
    parts: list[PartToTake]
    checklist: list[Text]
    cautions: NotRequired[list[Text]]
    estimate: NotRequired[Estimate]


class PickRow(TypedDict):
    """Pieces of one part to load from the store; serialised pieces leave room for their numbers."""

    code: Code
    name: Text
    quantity: Number
    sheet_numbers: list[Code]
    serialised: NotRequired[bool]


class PickListSnapshot(Frame):
    """What a technician loads from the store for a day [领料单] (R-511)."""

    number: Code
    date: Day
    technician: Party
    store: Text
    parts: list[PickRow]


class SheetRow(TypedDict):
    """One order sheet due back, with its vouchers."""

    number: Code
    order_number: Code
    customer: Text
    signed: bool
    present: bool
    vouchers: NotRequired[list[Text]]


class MoneyRow(TypedDict):
    """Money of one method: collected by the records, counted by the cashier."""

    method: Method
    collected_minor: int
    counted_minor: int
    vouchers_minor: NotRequired[int]  #: paid from it on the way
    items: NotRequired[int]  #: number of payments
    note: NotRequired[Text]


class StockRow(TypedDict):
    """Van stock of one part: expected by the books, counted by hand (R-603)."""

    code: Code
    name: Text
    expected: Number
    counted: Number


class HandinSnapshot(Frame):
    """The day-end hand-in of one technician (R-603)."""

    number: Code
    business_date: Day
    technician: Party
    cashier: NotRequired[Party]
    handed_in_at: NotRequired[Instant]
    currency: Currency
    sheets: list[SheetRow]
    money: list[MoneyRow]
    stock: NotRequired[list[StockRow]]
    remarks: NotRequired[list[Text]]
    technician_signature: NotRequired[Signature]
    cashier_signature: NotRequired[Signature]
