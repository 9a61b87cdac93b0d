"""What technicians say of a customer's contact that contradicts the file (reliability §2.4)."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.fields import Flag, Id, Moment, Text, Word
from api.resource import Resource
from api.schemas import ListOf, PageArgs, Schema, page_of
from api.session import current_session
from dispatch.work_orders import commands, proposing

resource = Resource("contact_proposals", description="Contacts that technicians corrected on site.")


class ProposalShape(Schema):
    """
    What a technician said of a contact.

    changes
        By field: ``base`` as the technician had read it, ``value`` as it should be, ``found`` as the file
        said, and the ``result``: ``merged``, ``same``, ``open``, then ``taken`` or ``kept``.
    """

    id = Id(required=True)
    visit_id = Id(required=True)
    customer_id = Id(required=True)
    site_id = Id(required=True)
    technician_id = Id(required=True)
    changes = fields.Dict(required=True)
    note = fields.String(required=True)
    proposed_at = Moment(required=True)
    decided_at = Moment(required=True, allow_none=True)
    decided_by = Id(required=True, allow_none=True)
    reason = fields.String(required=True)


class ProposalArgs(PageArgs):
    """Open ones only, or all."""

    only_open = Flag(load_default=True, data_key="open")


class ProposalDecision(Schema):
    """Which of the open fields are taken; the others stay as the file has them."""

    take = ListOf(Word(sorted(proposing.FIELDS)), required=True)
    reason = Text(500, load_default="")


ProposalPage = page_of(ProposalShape)


@resource.get("/contact-proposals")
@policy(*roles.DESK)
@resource.arguments(ProposalArgs, location="query")
@resource.response(200, ProposalPage)
def list_proposals(args: dict[str, Any]) -> object:
    """Contacts that technicians corrected, newest first."""
    return proposing.proposals(current_session(), current_principal(), **args)


@resource.post("/contact-proposals/<uuid:proposal_id>/decision")
@policy(*roles.DESK)
@resource.arguments(ProposalDecision)
@resource.response(200, ProposalShape)
def decide_proposal(body: dict[str, Any], proposal_id: uuid.UUID) -> object:
    """Take fields as the technician told them; what was written into the file since is overwritten."""
    session, me = current_session(), current_principal()
    proposal = proposing.find_proposal(session, me, proposal_id)
    return commands.decide_proposal(session, by=me, proposal=proposal, **body)
