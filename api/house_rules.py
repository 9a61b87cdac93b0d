"""Rules of the house: what is done by the clock, and when; each can be switched (R-301 to R-307, R-402)."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.etags import changes, expected_version
from api.fields import Flag, Whole
from api.resource import Resource
from api.schemas import Schema
from api.session import current_session
from dispatch.contracts.house_rules import (
    HouseRules,
    change_house_rules,
    rules_row,
)

resource = Resource("house_rules", description="What is done by the clock, and when.")


class HouseRuleChanges(Schema):
    """Rules to set; null goes back to what counts otherwise."""

    reservation_lead_hours = Whole(0, 720, allow_none=True)
    band_minutes = Whole(0, 120, allow_none=True)
    reservation_discount_percent = Whole(0, 100, allow_none=True)
    reservation_priority = Flag(allow_none=True)
    late_marks = Flag(allow_none=True)
    second_booking = Flag(allow_none=True)
    invitations = Flag(allow_none=True)
    invite_first_days = Whole(1, 90, allow_none=True)
    invite_last_days = Whole(0, 90, allow_none=True)
    day_before = Flag(allow_none=True)
    hour_before = Flag(allow_none=True)
    hour_before_minutes = Whole(15, 240, allow_none=True)
    business_announcement = Flag(allow_none=True)
    business_days = Whole(0, 60, allow_none=True)
    peak_protection = Flag(allow_none=True)
    loaner = Flag(allow_none=True)
    loaner_return_days = Whole(1, 365, allow_none=True)
    no_access_proof = Flag(allow_none=True)
    loaner_credit_days = Whole(0, 3650, allow_none=True)
    readiness = Flag(allow_none=True)
    readiness_hour = Whole(0, 23, allow_none=True)
    reminders = Flag(allow_none=True)
    follow_up_hours = Whole(1, 720, allow_none=True)
    question_reminder_minutes = Whole(0, 1440, allow_none=True)
    step_reminder_minutes = Whole(1, 1440, allow_none=True)
    drip_feed = Flag(allow_none=True)
    hand_in_chase = Flag(allow_none=True)
    hand_in_hour = Whole(0, 23, allow_none=True)
    hand_in_escalation_hour = Whole(0, 23, allow_none=True)
    van_count_demanded = Flag(allow_none=True)
    custody_limit_minor = Whole(0, 1_000_000_000, allow_none=True)
    location_appraisal = Flag(allow_none=True)


class HouseRulesInForce(Schema):
    """The value of every rule."""

    reservation_lead_hours = Whole(required=True)
    band_minutes = Whole(required=True)
    reservation_discount_percent = Whole(required=True)
    reservation_priority = Flag(required=True)
    late_marks = Flag(required=True)
    second_booking = Flag(required=True)
    invitations = Flag(required=True)
    invite_first_days = Whole(required=True)
    invite_last_days = Whole(required=True)
    day_before = Flag(required=True)
    hour_before = Flag(required=True)
    hour_before_minutes = Whole(required=True)
    business_announcement = Flag(required=True)
    business_days = Whole(required=True)
    peak_protection = Flag(required=True)
    loaner = Flag(required=True)
    loaner_return_days = Whole(required=True)
    no_access_proof = Flag(required=True)
    loaner_credit_days = Whole(required=True)
    readiness = Flag(required=True)
    readiness_hour = Whole(required=True)
    reminders = Flag(required=True)
    follow_up_hours = Whole(required=True)
    question_reminder_minutes = Whole(required=True)
    step_reminder_minutes = Whole(required=True)
    drip_feed = Flag(required=True)
    hand_in_chase = Flag(required=True)
    hand_in_hour = Whole(required=True)
    hand_in_escalation_hour = Whole(required=True)
    van_count_demanded = Flag(required=True)
    custody_limit_minor = Whole(required=True)
    location_appraisal = Flag(required=True)


class HouseRulesShape(Schema):
    """What counts for customers without a contract, and which values are the company's own."""

    version = Whole(required=True)
    in_force = fields.Nested(HouseRulesInForce, required=True)
    own = fields.Dict(required=True)


@resource.get("/house-rules")
@policy(*roles.READERS)
@resource.response(200, HouseRulesShape)
def read_house_rules() -> object:
    """The rules in force; a contract may have its own."""
    return _shown()


@resource.patch("/house-rules")
@policy(*roles.ADMINS)
@changes
@resource.arguments(HouseRuleChanges)
@resource.response(200, HouseRulesShape)
def set_house_rules(body: dict[str, Any]) -> object:
    """Set rules of the company; what is left out stays."""
    change_house_rules(
        current_session(), by=current_principal(), changes=body, expected_version=expected_version()
    )
    return _shown()


def _shown() -> dict[str, Any]:
    row = rules_row(current_session())
    return {"version": row.version, "own": row.values, "in_force": HouseRules.of(row.values)}
