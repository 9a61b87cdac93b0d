"""The repair call on plain values: channels, refusals, and what a template prefills (R-101, R-203)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dispatch.errors import Conflict, Invalid
from dispatch.money import Money

if TYPE_CHECKING:
    from dispatch.contracts.house_rules import HouseRules

CHANNELS = frozenset({"phone", "web", "email", "message", "counter", "letter", "alarm"})
"""R-101."""
ONLINE = frozenset({"web", "email", "message", "alarm"})
"""Channels on which an answer is written."""


def answer_limit(channel: str, house: HouseRules, *, is_working_day: bool) -> timedelta | None:
    """R-102: how soon somebody answers by the rules of the house; None where there is no limit."""
    if channel == "phone":
        return timedelta(seconds=house.answer_phone_seconds)
    if channel == "counter":
        return timedelta(minutes=house.answer_counter_minutes)
    if channel in ONLINE:
        on_work, else_ = house.answer_online_minutes, house.answer_day_off_hours
        return timedelta(minutes=on_work) if is_working_day else timedelta(hours=else_)
    return None


RESOLUTIONS = frozenset({"visit", "guidance"})


class DuplicateCall(Conflict):
    """The same asset has an open call or work order already."""

    code = "DUPLICATE_CALL"
    remedy = "Read the open order to the caller; for another fault, register again and allow the duplicate."


class CallerOfSeveral(Conflict):
    """The caller has no file of their own and is a contact of several customers."""

    code = "CALLER_OF_SEVERAL"
    remedy = "Ask for whom they call, and name that customer by id."


class RequestedInFuture(Invalid):
    """A customer cannot have asked later than now."""

    code = "REQUESTED_IN_FUTURE"
    remedy = "Give the moment at which the customer asked, with its zone."


class TemplateUnknown(Invalid):
    """No problem template has this code."""

    code = "TEMPLATE_UNKNOWN"
    remedy = "Choose one of the listed problem templates."


class TemplateInactive(Invalid):
    """The problem template is no longer in use."""

    code = "TEMPLATE_INACTIVE"
    remedy = "Choose an active problem template."


class TemplateCodeTaken(Conflict):
    """Another problem template has this code already."""

    code = "TEMPLATE_CODE_TAKEN"
    remedy = "Choose another code, or change the existing template."


class CallerMissing(Invalid):
    """A call names neither a known customer nor who is calling, or no place."""

    code = "CALLER_MISSING"
    remedy = "Give customer_id or a caller, and site_id or a place."


class FileMismatch(Invalid):
    """The site is not the customer's, or the asset is not at the site."""

    code = "FILE_MISMATCH"
    remedy = "Read the customer's sites and assets and choose among them."


class CallDecided(Conflict):
    """The call was assessed, closed or cancelled already."""

    code = "CALL_DECIDED"
    remedy = "Read the call; an assessment is made once."


class EstimateNotTold(Invalid):
    """The price must be told to the customer, and accepted, before the work (R-204)."""

    code = "ESTIMATE_NOT_TOLD"
    remedy = "Tell the customer labour, parts and travel, and record when they agreed."


class WorkUnknown(Invalid):
    """A window was asked for without saying what is to be done there, or in two ways at once."""

    code = "WORK_UNKNOWN"
    remedy = "Name a problem template, or say duration and skills; not both."


class GuidanceMissing(Invalid):
    """The problem's template has no guidance to give, so it cannot be solved remotely (R-202)."""

    code = "GUIDANCE_MISSING"
    remedy = "Send a visit, or add guidance to the template."


class ServedAtHome(Conflict):
    """Elderly and disabled customers are always served at home, never by guidance alone (R-106)."""

    code = "SERVED_AT_HOME"
    remedy = "Send a visit; what helps until then may be said on the telephone."


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """
    What the supervisor decides beyond the template's prefill; None keeps the template's word (R-201, R-203).

    R-508: ``overrule_reason`` with ``refused_part_lots`` sends the former technician again all the same.
    """

    fault_class: str | None = None
    kind: str | None = None
    fault_code: str | None = None
    skills: Mapping[str, int] | None = None
    certificates: tuple[str, ...] | None = None
    parts: Mapping[str, int] | None = None
    crew_size: int | None = None
    duration_minutes: int | None = None
    priority: int | None = None
    required_technician_id: uuid.UUID | None = None
    overrule_reason: str | None = None
    refused_part_lots: tuple[str, ...] = ()
    article: str | None = None
    """R-202: the guidance article that helps; None: the template's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """R-204: the price as it was told, when, and whether the customer agreed. Parts of None: list prices."""

    labour: Money
    travel: Money
    parts: Money | None = None
    told_at: datetime | None = None
    is_accepted: bool = False


class CallAnswered(Conflict):
    """Somebody has answered the call already."""

    code = "CALL_ANSWERED"
    remedy = "Read the call; it says when it was answered."


def checked_answer(answered_at: datetime, requested_at: datetime, now: datetime) -> datetime:
    """R-102: somebody answered after the customer asked, and not in the future."""
    if not requested_at <= answered_at <= now:
        raise RequestedInFuture(f"{answered_at.isoformat()} is not between the request and now")
    return answered_at


def check_requested(requested_at: datetime, now: datetime) -> None:
    """R-101: the customer asked before, or at, the moment of registration."""
    if requested_at > now:
        raise RequestedInFuture(f"{requested_at.isoformat()} has not come yet")


class ArticleCodeTaken(Conflict):
    """Another guidance article has this code already."""

    code = "ARTICLE_CODE_TAKEN"
    remedy = "Choose another code, or change the existing article."


class ArticleFull(Conflict):
    """The article has as many pictures as it can take."""

    code = "ARTICLE_FULL"
    remedy = "Write a second article for the rest."


class ArticleUnknown(Invalid):
    """No guidance article in use has this code."""

    code = "ARTICLE_UNKNOWN"
    remedy = "Choose one of the listed guidance articles that are in use."


class PictureNeeded(Invalid):
    """The file is a document where a picture is needed."""

    code = "PICTURE_NEEDED"
    remedy = "Send a JPEG, PNG or WebP picture."
