"""A technician reads of a visit over the API no more than the phone holds of it (R-903)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import text

from dispatch import clock, db
from dispatch.access.rules import Role
from dispatch.contracts.house_rules import change_house_rules
from dispatch.work_orders.model import Attachment, Visit
from tests import builders
from tests.api.company import Client, ClientFor, Company
from tests.api.desk import code_of
from tests.api.in_the_field import a_visit, asked

IN_FULL = {
    "sheet": ("/v1/visits/{visit}/sheet.pdf", "sheet_read"),
    "report": ("/v1/visits/{visit}/report.pdf", "report_read"),
    "visit": ("/v1/visits/{visit}", "visit_read"),
    "attachments": ("/v1/visits/{visit}/attachments", "attachments_listed"),
    "files": ("/v1/visits/{visit}/files", "files_listed"),
    "attachment": ("/v1/attachments/{attachment}", "attachment_read"),
    "answers": ("/v1/visits/{visit}/answers", "answers_read"),
    "questions": ("/v1/visits/{visit}/questions", "questions_read"),
    "customer_answers": ("/v1/visits/{visit}/customer-answers", "customer_answers_read"),
    "order": ("/v1/work-orders/{order}", "order_read"),
}
"""Addresses that tell of the customer, and what the trail calls an attempt."""
WHEN_TOLD = "/v1/visits/{visit}/promises"
REFUSED = (403, "NOT_REVEALED")


@dataclass(frozen=True)
class Given:
    """A visit that was published to the technician, with a picture."""

    visit: str
    order: str
    attachment: str

    def at(self, address: str) -> str:
        """An address of it."""
        return address.format(visit=self.visit, order=self.order, attachment=self.attachment)


def given(company: Company, *, hours: float) -> Given:
    """A visit that begins some hours from now."""
    visit = a_visit(company, hours=hours)
    with db.transaction() as session:
        picture = Attachment(
            visit_id=uuid.UUID(visit),
            sha256="0" * 64,
            media_type="image/jpeg",
            size_bytes=1,
            stored_name="none",
            uploaded_at=clock.now(),
        )
        session.add(picture)
        session.flush()
        order = session.get_one(Visit, uuid.UUID(visit)).work_order_id
        return Given(visit, str(order), str(picture.id))


def drip(company: Company, *, is_on: bool) -> None:
    """Set the rule of the house."""
    with db.transaction() as session:
        change_house_rules(session, by=builders.a_principal(Role.ADMIN), changes={"drip_feed": is_on})


def trail(action: str, outcome: str) -> int:
    """How often the trail has an action."""
    question = "select count(*) from audit_entry where action = :action and outcome = :outcome"
    return int(asked(question, action=action, outcome=outcome)[0][0])


@pytest.fixture
def ada(client_for: ClientFor) -> Client:
    """The northern technician."""
    return client_for(Role.TECHNICIAN)


def refused(client: Client, thing: Given) -> set[str]:
    """Which addresses of a visit are refused as not shown."""
    return {
        name for name, (address, _) in IN_FULL.items() if code_of(client.get(thing.at(address))) == REFUSED
    }


def test_what_tells_of_the_customer_is_refused_before_the_evening_before(
    company: Company, ada: Client, client_for: ClientFor
) -> None:
    early, today = given(company, hours=72), given(company, hours=1)
    assert refused(ada, early) == set(IN_FULL)
    assert {action: trail(action, "refused") for _, action in IN_FULL.values()} == {
        action: 1 for _, action in IN_FULL.values()
    }
    assert refused(ada, today) == set()
    assert refused(client_for(Role.DISPATCHER), early) == set()
    answer = ada.get(early.at(IN_FULL["sheet"][0])).get_json()
    assert "evening before" in answer["remedy"]


def test_what_tells_of_the_customer_is_refused_48_hours_after_the_end(company: Company, ada: Client) -> None:
    over = given(company, hours=1)
    ended = "update visit set planned_start = planned_start - interval '3 days', finished_at = :at"
    for hours, told in ((47, set()), (49, set(IN_FULL))):
        with db.transaction() as session:
            moment = clock.now() - timedelta(hours=hours)
            session.execute(text(f"{ended} where id = :id"), {"at": moment, "id": over.visit})
        assert refused(ada, over) == told


def test_a_visit_that_was_never_begun_is_not_told_of_for_ever(company: Company, ada: Client) -> None:
    old = given(company, hours=1)
    with db.transaction() as session:
        session.execute(text("update visit set planned_start = planned_start - interval '8 days'"))
    assert refused(ada, old) == set(IN_FULL)


def test_what_waits_behind_the_next_visit_is_refused_where_the_house_feeds_one_by_one(
    company: Company, ada: Client
) -> None:
    first, second = given(company, hours=0.5), given(company, hours=2)
    assert refused(ada, second) == set()
    drip(company, is_on=True)
    assert (refused(ada, first), refused(ada, second)) == (set(), set(IN_FULL))


def test_lists_and_promises_leave_out_what_waits_behind_the_next_visit(company: Company, ada: Client) -> None:
    first, second = given(company, hours=0.5), given(company, hours=72)

    def listed(what: str) -> set[str]:
        return {one["id"] for one in ada.get(f"/v1/{what}").get_json()["items"]}

    assert listed("visits") == {first.visit, second.visit}
    assert listed("work-orders") == {first.order, second.order}
    assert ada.get(second.at(WHEN_TOLD)).status_code == 200
    drip(company, is_on=True)
    assert (listed("visits"), listed("work-orders")) == ({first.visit}, {first.order})
    assert code_of(ada.get(second.at(WHEN_TOLD))) == REFUSED
    assert ada.get(first.at(WHEN_TOLD)).status_code == 200


def test_the_trail_keeps_which_papers_a_technician_took(company: Company, ada: Client) -> None:
    today = given(company, hours=1)
    assert ada.get(today.at(IN_FULL["sheet"][0])).status_code == 200
    question = "select action, outcome, subject, user_id::text from audit_entry where action = 'sheet_read'"
    assert asked(question) == [("sheet_read", "ok", today.visit, ada.user_id)]
