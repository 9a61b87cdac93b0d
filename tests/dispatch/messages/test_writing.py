"""Every event writes one message, in the customer's language, final in form (R-801)."""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import outbox
from dispatch.bootstrap import SUBSCRIPTIONS
from dispatch.calls.model import GuidanceArticle, GuidancePicture
from dispatch.messages.commands import write
from dispatch.messages.facts import _READERS
from dispatch.messages.model import Message
from dispatch.messages.queries import messages
from dispatch.messages.templates import BY_EVENT, TEMPLATES
from dispatch.settings import Settings
from tests.builders import (
    a_principal,
    a_promise,
    a_visit,
    at,
)
from tests.dispatch.conftest import MovableClock
from tests.dispatch.messages.causes import (
    CAUSES,
    a_reader,
    an_order_of,
    call_ids,
    guided_ids,
    order_ids,
    promise_ids,
)
from tests.money_world import a_tariff, a_verified_order, invoiced
from tests.planning_world import register_kinds, runs_of

SETTINGS = Settings(company_name="Repairs & Co")
LANGUAGES = ("en", "zh")


@pytest.fixture
def house(session: Session, now: MovableClock) -> Iterator[Session]:
    """Jobs known, eight in the morning."""
    register_kinds()
    yield session
    outbox.register((), {})


def written(session: Session, event: str, ids: dict[str, str]) -> Message:
    """The message of an event."""
    message_id = write(session, event=event, ids=ids, settings=SETTINGS)
    assert message_id is not None
    return session.get_one(Message, message_id)


def test_every_event_that_customers_hear_of_has_a_cause_here() -> None:
    """R-801: subscriptions, readers, templates and these tests name the same events."""
    subscribed = {event.__name__ for event, kinds in SUBSCRIPTIONS.items() if "messages.write" in kinds}
    assert subscribed == set(_READERS) == set(BY_EVENT) == set(CAUSES)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("event", CAUSES)
def test_an_event_writes_one_message_that_never_changes(house: Session, event: str, language: str) -> None:
    customer = a_reader(house, language)
    ids = CAUSES[event](house, customer)
    message = written(house, event, ids)
    assert (message.language, message.address, message.state) == (language, "ada@example.org", "queued")
    assert message.customer_id == customer.id
    assert "Ada" in message.body
    assert "Repairs & Co" in message.body
    assert "$" not in message.subject + message.body
    is_chinese = any("\u4e00" <= char <= "\u9fff" for char in message.subject + message.body)
    assert is_chinese is (language == "zh")
    before = (message.subject, message.body)
    customer.name = "Renamed"
    house.flush()
    assert write(house, event=event, ids=ids, settings=SETTINGS) is None
    house.expire_all()
    assert (message.subject, message.body) == before
    assert [run.payload for run in runs_of(house, "messages.send")] == [{"message_id": str(message.id)}]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", TEMPLATES)
def test_both_languages_use_the_same_facts(template: str, language: str) -> None:
    """Nothing that one reader is told is missing for the other, greeting apart."""

    def names(words: str) -> set[str]:
        return {found[1] or found[2] for found in string.Template.pattern.findall(words)}

    asked = TEMPLATES[template][language]
    other = TEMPLATES[template]["zh" if language == "en" else "en"]
    assert names(f"{asked.subject}\n{asked.body}") == names(f"{other.subject}\n{other.body}")


def test_times_are_those_of_the_territory(house: Session) -> None:
    customer = a_reader(house, "en")
    message = written(house, "VisitPromised", promise_ids(house, customer))
    plain = message.body.replace("\u202f", " ")
    assert "Monday, March 2, 2026" in plain
    assert "9:00 AM - 11:00 AM" in plain


def test_a_further_promise_says_why_in_words_of_the_customer(house: Session) -> None:
    """R-309, R-802: reasons of the house are never shown as codes."""
    customer = a_reader(house, "en")
    visit = a_visit(house, order=an_order_of(house, customer))  # type: ignore[arg-type]
    a_promise(house, visit)
    told = {"delay": "an earlier visit takes longer", "van_4711": "our plan for the day has changed"}
    for ordinal, (reason, words) in enumerate(told.items(), 2):
        window = {"window_start": at(13), "window_end": at(15)}
        again = a_promise(house, visit, ordinal=ordinal, reason=reason, **window)
        ids = {"visit_id": str(visit.id), "promise_id": str(again.id)}
        message = written(house, "VisitPromised", ids)
        assert message.template == "visit_promised_again"
        assert words in message.body
        assert "van_4711" not in message.body


def test_without_an_address_the_message_is_kept_and_not_sent(house: Session) -> None:
    message = written(house, "WorkOrderOpened", order_ids(house, a_reader(house, "en", email=None)))
    assert message.state == "suppressed"
    assert runs_of(house, "messages.send") == []


def test_the_makers_invoice_is_not_told_to_the_customer(house: Session) -> None:
    """R-405."""
    a_tariff(house)
    order = a_verified_order(house, asset={"maker_warranty_until": date(2026, 12, 31)})
    ids = {"invoice_id": str(invoiced(house, order)[0].id)}
    assert write(house, event="InvoiceRendered", ids=ids, settings=SETTINGS) is None


def test_a_schedule_that_was_taken_back_is_not_told(house: Session) -> None:
    visit = a_visit(house, order=an_order_of(house, a_reader(house, "en")))  # type: ignore[arg-type]
    ids = {"visit_id": str(visit.id), "plan_id": "p"}
    assert write(house, event="VisitScheduled", ids=ids, settings=SETTINGS) is None


@pytest.mark.parametrize("name", ["$company ${number} $$", "Ada\r\nBcc: all@example.org", "名" * 10_000])
def test_names_are_inserted_as_they_are(house: Session, name: str) -> None:
    """A name is never read as a template, however long it is."""
    message = written(house, "WorkOrderOpened", order_ids(house, a_reader(house, "en", name=name)))
    assert name in message.body


def test_the_office_reads_messages_of_its_territories(house: Session) -> None:
    customer = a_reader(house, "en")
    order = an_order_of(house, customer)
    written(house, "WorkOrderOpened", {"work_order_id": str(order.id)})  # type: ignore[attr-defined]
    written(house, "CallRegistered", call_ids(house, customer))
    everything = messages(house, a_principal())
    assert {item.template for item in everything.items} == {"order_opened", "call_registered"}
    own = a_principal(territory_ids=frozenset({order.territory_id}))  # type: ignore[attr-defined]
    assert {item.template for item in messages(house, own).items} == {"order_opened"}
    assert len(messages(house, own, work_order_id=order.id).items) == 1  # type: ignore[attr-defined]
    assert house.scalars(select(Message)).all()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("event", CAUSES)
@pytest.mark.parametrize("phone", ["+358 9 1234567", ""])
def test_every_message_ends_with_whom_to_call(house: Session, event: str, language: str, phone: str) -> None:
    """R-104, R-801: the telephone is the last line, and there is no such line without a telephone."""
    ids = CAUSES[event](house, a_reader(house, language))
    called = replace(SETTINGS, company_phone=phone)
    message_id = write(house, event=event, ids=ids, settings=called)
    body = house.get_one(Message, message_id).body
    line = {"en": f"\nTelephone: {phone}", "zh": f"\n电话：{phone}"}[language] if phone else ""
    assert body.endswith(f"Repairs & Co{line}")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("event", CAUSES)
def test_who_waits_for_a_visit_is_told_to_leave_the_equipment_alone(
    house: Session, event: str, language: str
) -> None:
    """R-104: with the registered call and with the promised window."""
    body = written(house, event, CAUSES[event](house, a_reader(house, language))).body
    caution = {
        "en": "Please do not repair or open the equipment yourself.",
        "zh": "请勿自行维修或拆开设备。",
    }
    assert (caution[language] in body) is (event in {"CallRegistered", "VisitPromised"})


@pytest.mark.parametrize(
    ("percent", "language", "words"),
    [
        (15, "en", "before anything costs over 15 % more."),
        (15, "zh", "如费用超出预估 15%，"),
        (0, "en", "before anything costs more."),
        (0, "zh", "如费用超出预估，"),
        (None, "en", "before anything costs more."),
    ],
)
def test_the_estimate_states_the_tolerance_of_the_tariff(
    house: Session, percent: int | None, language: str, words: str
) -> None:
    """R-104, R-204: what is told is what the settlement holds the house to."""
    if percent is not None:
        a_tariff(house, estimate_tolerance_percent=percent)
    assert words in written(house, "WorkOrderOpened", order_ids(house, a_reader(house, language))).body


@pytest.mark.parametrize("public_url", ["", "https://repairs.example/"])
def test_a_customer_who_is_helped_by_an_article_gets_its_title_words_and_pictures(
    house: Session, public_url: str
) -> None:
    """R-202: the addresses are those at which anybody reads the pictures."""
    article = GuidanceArticle(
        code="reset", title_en="Reset it", title_zh="重启", body_en="Press red.", body_zh="按红色按钮。"
    )
    house.add(article)
    house.flush()
    for position in range(2):
        told = {"media_type": "image/png", "sha256": f"{position}" * 64, "stored_name": f"{position}"}
        told |= {"caption_en": "", "caption_zh": ""}
        house.add(GuidancePicture(article_code="reset", position=position, **told))
    ids = guided_ids(house, a_reader(house, "zh"), "reset")
    settings = Settings(company_name="Repairs & Co", public_url=public_url)
    message = house.get_one(Message, write(house, event="CallClosedRemotely", ids=ids, settings=settings))
    assert "重启\n\n按红色按钮。" in message.body
    found = [line for line in message.body.splitlines() if "/pictures/" in line]
    asked = [f"https://repairs.example/v1/guidance-articles/reset/pictures/{number}" for number in range(2)]
    assert found == (asked if public_url else [])
