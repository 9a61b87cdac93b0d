"""Work orders: what is to be done and billed, with their visits, promises and history."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.etags import changes, expected_version
from api.fields import Id, Moment, Text, Whole, Word
from api.idempotency import creates
from api.promises import PromiseShape
from api.resource import Resource
from api.revealing import shown_order
from api.schemas import Joined, Money, PageArgs, Schema, page_of
from api.session import current_session
from api.timelines import told_approvals, told_steps
from api.visit_shapes import ApprovalShape, NeedsShape, StepShape, VisitShape, needs_of
from dispatch.promises.queries import promises_of
from dispatch.technicians.queries import find_technician
from dispatch.work_orders import commands, queries
from dispatch.work_orders.lifecycle import OrderState

resource = Resource("work_orders", description="Work orders with their visits, promises and history.")

ORDER_STATES = [state.value for state in OrderState]


class WorkOrderShape(Schema):
    """What is to be done and billed."""

    id = Id(required=True)
    version = Whole(required=True)
    number = fields.String(required=True)
    call_id = Id(required=True, allow_none=True)
    customer_reference = fields.String(required=True, allow_none=True)
    customer_id = Id(required=True)
    site_id = Id(required=True)
    asset_id = Id(required=True, allow_none=True)
    territory_id = Id(required=True)
    contract_id = Id(required=True, allow_none=True)
    state = Word(ORDER_STATES, required=True)
    fault_class = fields.String(required=True)
    kind = fields.String(required=True)
    fault_code = fields.String(required=True)
    priority = Whole(required=True)
    requested_at = Moment(required=True)
    opened_at = Moment(required=True)
    response_due_at = Moment(required=True, allow_none=True)
    resolution_due_at = Moment(required=True, allow_none=True)
    repeat_of_id = Id(required=True, allow_none=True)
    excluded_technicians = fields.List(fields.String(), required=True)
    refused_part_lots = fields.List(fields.String(), required=True)
    overrule_reason = fields.String(required=True, allow_none=True)
    estimate_labour = Money(minor="estimate_labour_minor", required=True)
    estimate_parts = Money(minor="estimate_parts_minor", required=True)
    estimate_travel = Money(minor="estimate_travel_minor", required=True)
    estimate = Money(minor="estimate_minor", required=True)
    labour_norm_minutes = Whole(required=True)
    parts_norm_minor = Whole(required=True, allow_none=True)
    waiting_reason = fields.String(required=True, allow_none=True)
    waiting_since = Moment(required=True, allow_none=True)


class WorkOrderFileShape(WorkOrderShape):
    """A work order with everything that happened to it."""

    visits = fields.List(fields.Nested(VisitShape), required=True)
    promises = fields.List(fields.Nested(PromiseShape), required=True)
    approvals = fields.List(fields.Nested(ApprovalShape), required=True)
    timeline = fields.List(fields.Nested(StepShape), required=True)


class WorkOrderArgs(PageArgs):
    """Which orders."""

    state = Word(ORDER_STATES, load_default=None)
    territory_id = Id(load_default=None)
    customer_id = Id(load_default=None)
    asset_id = Id(load_default=None)


class WorkOrderChanges(Schema):
    """What may change of an order; the rest follows from its visits."""

    priority = Whole(1, 5, required=True)


class CustomerReference(Schema):
    """The customer's own order number; null takes it away."""

    reference = Text(64, required=True, allow_none=True)


class Waiting(Schema):
    """What an order waits for; null when it is there."""

    reason = Word(["part", "customer"], required=True, allow_none=True)


class OrderCancellation(Schema):
    """Why an order is called off."""

    reason = Text(500, required=True)


class NewApproval(Schema):
    """Who agreed to which price, and how."""

    amount = Money(required=True)
    approved_by_name = Text(required=True)
    method = Word(["phone", "signature", "message"], required=True)


class NewVisit(Schema):
    """A follow-up visit; without needs it asks for the same as the visit before."""

    needs = fields.Nested(NeedsShape, allow_none=True, load_default=None)


WorkOrderPage = page_of(WorkOrderShape)


@resource.get("/work-orders")
@policy(*roles.ALL)
@resource.arguments(WorkOrderArgs, location="query")
@resource.response(200, WorkOrderPage)
def list_orders(args: dict[str, Any]) -> object:
    """Work orders, newest first; technicians see those they have a visit of."""
    return queries.list_orders(current_session(), current_principal(), **args)


@resource.get("/work-orders/<uuid:order_id>")
@policy(*roles.ALL)
@resource.response(200, WorkOrderFileShape)
def read_order(order_id: uuid.UUID) -> object:
    """One work order with visits, promises, approvals and every step; to technicians as they are told."""
    session = current_session()
    order, visits = shown_order(order_id, "order_read")
    told = promises_of(session, [visit.id for visit in visits])
    return Joined(
        order,
        visits=visits,
        promises=[promise for visit in visits for promise in told.get(visit.id, [])],
        approvals=told_approvals(session, queries.approvals_of(session, order.id)),
        timeline=told_steps(session, queries.steps_of(session, visits)),
    )


@resource.patch("/work-orders/<uuid:order_id>")
@policy(*roles.DESK)
@changes
@resource.arguments(WorkOrderChanges)
@resource.response(200, WorkOrderShape)
def change_order(body: dict[str, Any], order_id: uuid.UUID) -> object:
    """Judge an order more or less urgent; 5 is an emergency and has the day planned anew."""
    session, me = current_session(), current_principal()
    order = queries.find_order(session, me, order_id)
    return commands.change_priority(session, by=me, order=order, expected_version=expected_version(), **body)


@resource.put("/work-orders/<uuid:order_id>/customer-reference")
@policy(*roles.INTAKE)
@changes
@resource.arguments(CustomerReference)
@resource.response(200, WorkOrderShape)
def change_reference(body: dict[str, Any], order_id: uuid.UUID) -> object:
    """Write down the customer's own order number; papers from now on bear it, issued ones stay."""
    session, me = current_session(), current_principal()
    order = queries.find_order(session, me, order_id)
    return commands.change_reference(session, by=me, order=order, expected_version=expected_version(), **body)


@resource.post("/work-orders/<uuid:order_id>/waiting")
@policy(*roles.DESK)
@changes
@resource.arguments(Waiting)
@resource.response(200, WorkOrderShape)
def wait_for(body: dict[str, Any], order_id: uuid.UUID) -> object:
    """Note that an order waits for a part or the customer, or that it no longer does."""
    session, me = current_session(), current_principal()
    order = queries.find_order(session, me, order_id)
    if body["reason"] is None:
        return commands.stop_waiting(session, by=me, order=order, expected_version=expected_version())
    return commands.wait_for(session, by=me, order=order, expected_version=expected_version(), **body)


@resource.post("/work-orders/<uuid:order_id>/cancel")
@policy(*roles.DESK)
@changes
@resource.arguments(OrderCancellation)
@resource.response(200, WorkOrderShape)
def cancel_order(body: dict[str, Any], order_id: uuid.UUID) -> object:
    """Call off every visit of an order that is still open."""
    session, me = current_session(), current_principal()
    order = queries.find_order(session, me, order_id)
    return commands.cancel_order(session, by=me, order=order, expected_version=expected_version(), **body)


@resource.post("/work-orders/<uuid:order_id>/approvals")
@policy(*roles.RECORDERS)
@creates
@resource.arguments(NewApproval)
@resource.response(201, ApprovalShape)
def record_approval(body: dict[str, Any], order_id: uuid.UUID) -> object:
    """Record that the customer agreed to a price beyond the estimate."""
    session, me = current_session(), current_principal()
    order = queries.find_order(session, me, order_id)
    return told_approvals(session, [commands.record_approval(session, by=me, order=order, **body)])[0]


@resource.post("/work-orders/<uuid:order_id>/visits")
@policy(*roles.DESK)
@creates
@resource.arguments(NewVisit)
@resource.response(201, VisitShape)
def follow_up(body: dict[str, Any], order_id: uuid.UUID) -> object:
    """Add the next visit after one that met a closed door or did not solve the fault."""
    session, me = current_session(), current_principal()
    order = queries.find_order(session, me, order_id)
    needs = needs_of(body["needs"]) if body["needs"] else None
    if needs and needs.required_technician_id:
        find_technician(session, me, needs.required_technician_id)
    latest = queries.visits_of_order(session, me, order)[-1]
    return commands.follow_up(session, by=me, visit=latest, needs=needs)
