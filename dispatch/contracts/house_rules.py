"""
Rules of the house: each can be switched off or set otherwise, for the company and for a single contract.

A contract's own value counts before the company's, and the company's before the default named here.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dispatch import db
from dispatch.access.rules import Principal
from dispatch.contracts.model import Contract, HouseRulesRow
from dispatch.contracts.rules import HouseRuleInvalid

ONLY_ROW = 1
STEPS = ("escalation_dispatcher_percent", "escalation_supervisor_percent")


@dataclass(frozen=True, slots=True)
class HouseRules:
    """
    What is done by the clock, and when; defaults are those of the rule book.

    reservation_lead_hours
        R-301: a window promised at least so long ahead is a reservation.
    band_minutes
        R-302: who comes so much outside the window is late, technician or customer.
    reservation_discount_percent
        R-306: off the labour of a kept reservation; 0 for none.
    reservation_priority
        R-306: a reservation is planned one step above its priority.
    reservation_named_technician
        R-306: who books a reservation may ask for a technician by name.
    late_marks, second_booking
        R-305, R-504: a customer who was late or away is marked; another visit is opened at once.
    invitations, invite_first_days, invite_last_days
        R-304: an invitation within so many days before planned service is due.
    day_before, day_before_hour, hour_before, hour_before_minutes
        R-304: confirmations the day before, from that local hour on, and so many minutes before the visit.
    business_announcement, business_days
        R-307: planned work at a business is announced so many days ahead, and offered no sooner.
    peak_protection
        R-307: planned work stays out of a site's peak months and hours.
    loaner, loaner_return_days, loaner_credit_days
        R-402: a missed resolution brings a loaner unit; it is charged when it is not back so many days after
        the original was repaired. The charge is taken back when the unit comes back within so many days of
        it; 0 for however late.
    readiness, readiness_hour
        R-304: from which local hour on tomorrow's published visits are looked at: parts, technician, van. The
        company's alone.
    over_repair_percent
        R-204: work, or parts, beyond so much of the norm of the fault are looked at before anybody is billed.
    late_compensation_minor, missing_part_compensation_minor, missing_part_days
        R-802: what a customer gets when told that a promise will break, and once a promised order has waited
        for a part for so many days, in minor units; 0 for nothing.
    compensation_authority_minor
        R-605: so much is given by rule; more is proposed, and a supervisor decides.
    reminders, follow_up_hours, question_reminder_minutes, step_reminder_minutes
        The office is reminded so many hours after a promise broke and nobody has asked the customer (R-802);
        so many minutes before an answer to the field is due (R-403); the person above so many minutes after
        an order was escalated (R-401, R-402).
    hand_in_chase, hand_in_hour, hand_in_escalation_hour
        R-603: from which local hour on a day that is not handed in is chased, and from which hour of the next
        day the person above is told. The company's alone.
    van_count_demanded
        R-603: a day is handed in with the van counted, or a reason; else a van that was not counted is
        chased. The company's alone.
    custody_limit_minor
        R-603: more cash than this with one technician is told, in minor units; 0 for no limit. The company's
        alone.
    location_appraisal
        R-903: positions of technicians who were told so may be looked at for the appraisal. The company's
        alone.
    no_access_proof
        A closed door is proven by a photograph; without one somebody looks at the visit.
    arrival_metres
        An arrival recorded farther than this from the site, where the phone sent its position, is looked at;
        0 for never.
    drip_feed
        Of the visits that have not begun, a phone holds the next one alone. The company's alone.
    answer_phone_seconds, answer_counter_minutes, answer_online_minutes, answer_day_off_hours
        R-102: how soon somebody answers: after three rings of a telephone, at the counter, what came in
        writing on a working day and on any other. The company's alone.
    answer_reminder_percent
        R-102: whoever waits for an answer is the call taker's reminder once so much of the limit is over. The
        company's alone.
    field_answer_hours, field_checked_minutes
        R-403: a question from the field gets a definite answer within so many hours, and within so many
        minutes of "I must check".
    help_to_pay
        R-106: an invoice of an elderly or disabled customer is a reminder for the office, until it is paid:
        somebody calls and helps. The customer is told so.
    warranty_counts_acceptance_day
        R-404: the day of acceptance, which our own warranty always covers, is its first day; switched off,
        the day after is, so that it lasts a day longer.
    repeat_days
        R-508: a fault that comes back within so many days of a finished visit is a repeat repair.
    escalation, escalation_dispatcher_percent, escalation_supervisor_percent
        R-401, R-402: a running limit is the dispatcher's business, and the supervisor's, once so much of its
        time is over. Switched off, an order reaches the administrator alone, who hears of every missed limit.
    """

    reservation_lead_hours: int = 24
    band_minutes: int = 15
    reservation_discount_percent: int = 0
    reservation_priority: bool = True
    reservation_named_technician: bool = True
    late_marks: bool = True
    second_booking: bool = True
    invitations: bool = True
    invite_first_days: int = 7
    invite_last_days: int = 3
    day_before: bool = True
    day_before_hour: int = 9
    hour_before: bool = True
    hour_before_minutes: int = 60
    business_announcement: bool = True
    business_days: int = 7
    peak_protection: bool = True
    loaner: bool = True
    loaner_return_days: int = 14
    no_access_proof: bool = True
    loaner_credit_days: int = 0
    readiness: bool = True
    readiness_hour: int = 17
    over_repair_percent: int = 200
    late_compensation_minor: int = 0
    missing_part_compensation_minor: int = 0
    missing_part_days: int = 1
    compensation_authority_minor: int = 0
    reminders: bool = True
    follow_up_hours: int = 24
    question_reminder_minutes: int = 30
    step_reminder_minutes: int = 30
    arrival_metres: int = 500
    drip_feed: bool = False
    hand_in_chase: bool = True
    hand_in_hour: int = 20
    hand_in_escalation_hour: int = 8
    van_count_demanded: bool = False
    custody_limit_minor: int = 0
    location_appraisal: bool = False
    answer_phone_seconds: int = 15
    answer_counter_minutes: int = 5
    answer_online_minutes: int = 60
    answer_day_off_hours: int = 24
    answer_reminder_percent: int = 50
    field_answer_hours: int = 24
    field_checked_minutes: int = 60
    help_to_pay: bool = True
    warranty_counts_acceptance_day: bool = False
    repeat_days: int = 30
    escalation: bool = True
    escalation_dispatcher_percent: int = 50
    escalation_supervisor_percent: int = 80

    @classmethod
    def of(cls, *layers: Mapping[str, Any]) -> Self:
        """
        Return the rules with values of layers put on, the last one counting most.

        Layers that were each checked never fail together: invitations that would end before they begin come
        on the first day alone, and the supervisor is never told before the dispatcher: what a later layer
        says of one of them moves the other.
        """
        values: dict[str, Any] = {}
        for layer in layers:
            values |= {name: value for name, value in layer.items() if name in NAMES}
        found = cls(**values)
        first, second = found.escalation_dispatcher_percent, found.escalation_supervisor_percent
        if second < first:
            last = next(layer for layer in reversed(layers) if any(name in layer for name in STEPS))
            first = second = first if STEPS[0] in last else second
        return replace(
            found,
            invite_last_days=min(found.invite_last_days, found.invite_first_days),
            escalation_dispatcher_percent=first,
            escalation_supervisor_percent=second,
        )

    def plain(self) -> dict[str, Any]:
        """Return every value by name."""
        return asdict(self)


RANGES = {
    "reservation_lead_hours": (0, 720),
    "band_minutes": (0, 120),
    "reservation_discount_percent": (0, 100),
    "invite_first_days": (1, 90),
    "invite_last_days": (0, 90),
    "day_before_hour": (0, 23),
    "hour_before_minutes": (15, 240),
    "business_days": (0, 60),
    "loaner_return_days": (1, 365),
    "loaner_credit_days": (0, 3650),
    "readiness_hour": (0, 23),
    "over_repair_percent": (100, 1_000),
    "late_compensation_minor": (0, 10_000_000),
    "missing_part_compensation_minor": (0, 10_000_000),
    "missing_part_days": (0, 365),
    "compensation_authority_minor": (0, 10_000_000),
    "follow_up_hours": (1, 720),
    "question_reminder_minutes": (0, 1440),
    "step_reminder_minutes": (1, 1440),
    "hand_in_hour": (0, 23),
    "hand_in_escalation_hour": (0, 23),
    "arrival_metres": (0, 100_000),
    "custody_limit_minor": (0, 1_000_000_000),
    "answer_phone_seconds": (1, 3600),
    "answer_counter_minutes": (1, 1440),
    "answer_online_minutes": (1, 1440),
    "answer_day_off_hours": (1, 168),
    "answer_reminder_percent": (1, 99),
    "field_answer_hours": (1, 168),
    "field_checked_minutes": (1, 1440),
    "repeat_days": (1, 365),
    "escalation_dispatcher_percent": (1, 99),
    "escalation_supervisor_percent": (1, 99),
}
"""Least and most of each number; what is not here is a switch."""
RULES = tuple(field.name for field in fields(HouseRules))
NAMES = frozenset(RULES)


def checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values if every name is known and every value possible."""
    for name, value in values.items():
        if name not in NAMES:
            raise HouseRuleInvalid(f"there is no rule {name[:64]!r}", field=name[:64])
        least, most = RANGES.get(name, (0, 1))
        is_switch = name not in RANGES
        if is_switch != isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            wanted = "true or false" if is_switch else f"{least} to {most}"
            raise HouseRuleInvalid(f"{name} takes {wanted}", field=name)
    return dict(values)


def house_rules(session: Session, contract: Contract | None = None) -> HouseRules:
    """Return the rules that count for a contract, or for customers without one."""
    row = session.get(HouseRulesRow, ONLY_ROW)
    return HouseRules.of(row.values if row else {}, contract.house_rules if contract else {})


def rules_under(session: Session, contract_id: uuid.UUID | None) -> HouseRules:
    """Return the rules that count under a contract by its id, or without one."""
    return house_rules(session, session.get(Contract, contract_id) if contract_id else None)


def rules_of_contracts(
    session: Session, contract_ids: Iterable[uuid.UUID | None]
) -> dict[uuid.UUID | None, HouseRules]:
    """Return the rules under several contracts by id, read at once; None stands for no contract."""
    wanted = set(contract_ids)
    contracts = session.scalars(select(Contract).where(Contract.id.in_(wanted - {None}))).all()
    row = session.get(HouseRulesRow, ONLY_ROW)
    own = row.values if row else {}
    found: dict[uuid.UUID | None, HouseRules] = {None: HouseRules.of(own)}
    return found | {contract.id: HouseRules.of(own, contract.house_rules) for contract in contracts}


def rules_row(session: Session) -> HouseRulesRow:
    """Return the company's own values; the row is made when it is first asked for."""
    once = insert(HouseRulesRow).values(id=ONLY_ROW, values={}, version=1).on_conflict_do_nothing()
    session.execute(once)
    return session.get_one(HouseRulesRow, ONLY_ROW)


def change_house_rules(
    session: Session, *, by: Principal, changes: Mapping[str, Any], expected_version: int | None = None
) -> HouseRulesRow:
    """Set rules of the company; a value of null goes back to the default."""
    row = rules_row(session)
    row.expect_version(expected_version)
    row.values = merged(row.values, changes)
    db.flush(session)
    return row


def merged(
    own: Mapping[str, Any], changes: Mapping[str, Any], below: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return own values with changes put on; null takes a value away. ``below``: what counts otherwise."""
    values = {name: value for name, value in {**own, **changes}.items() if value is not None}
    checked(values)
    full = {**asdict(HouseRules()), **(below or {}), **values}
    if full["invite_last_days"] > full["invite_first_days"]:
        raise HouseRuleInvalid("invitations end before they begin", field="invite_last_days")
    if full["escalation_supervisor_percent"] < full["escalation_dispatcher_percent"]:
        why = "the supervisor would be told before the dispatcher"
        raise HouseRuleInvalid(why, field="escalation_supervisor_percent")
    return values
