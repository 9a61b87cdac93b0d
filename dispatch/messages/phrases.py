"""Phrases of messages that are there or not, in English and Chinese: reasons, whom to call, a link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import Template

REASONS = {
    "en": {
        "delay": "an earlier visit takes longer",
        "late_arrival": "we could not come as agreed",
        "missing_part": "a part was missing",
        "customer_moved": "you asked for another time",
        "technician_ill": "our technician fell ill",
        "emergency": "an emergency came first",
        "site_moved": "the place on our map was put right, and the way is another",
    },
    "zh": {
        "delay": "前一单耗时较长",
        "late_arrival": "未能按约定时间上门",
        "missing_part": "缺少备件",
        "customer_moved": "按您的要求改期",
        "technician_ill": "技术员临时生病",
        "emergency": "需先处理紧急抢修",
        "site_moved": "地图位置已更正，行程有变",
    },
}
OTHER_REASON = {"en": "our plan for the day has changed", "zh": "当日安排有变"}
"""Told for reasons that are words of the house."""

CAUTION = {
    "en": "Please do not repair or open the equipment yourself.",
    "zh": "请勿自行维修或拆开设备。",
}
"""R-104: what the customer should leave alone until the technician comes."""
_CONTACT = {"en": "\nTelephone: $phone", "zh": "\n电话：$phone"}
_BEYOND = {"en": "over $percent % more", "zh": "超出预估 $percent%"}
_LINK = {
    "en": "\n\nConfirm, move or call off the visit: $address",
    "zh": "\n\n确认、改期或取消上门：$address",
}
_PICTURES = {"en": "\n\nPictures:\n$addresses", "zh": "\n\n图片：\n$addresses"}
_NAMED = {
    "en": " As you asked, $technician comes.",
    "zh": "按您的要求，由技术员 $technician 上门。",
}
HELP_TO_PAY = {
    "en": " You need not arrange anything yourself: we call you and help you to pay.",
    "zh": "您无需自行办理，我们会致电并协助您付款。",
}
"""R-106: told to elderly and disabled customers with an invoice."""
_GIVEN = {"en": " For this you receive $amount.", "zh": "为此我们将补偿您 $amount。"}
_GIVEN_AFTER = {
    "en": " If that takes longer than $days, you receive $amount.",
    "zh": "如等待超过 $days，我们将补偿您 $amount。",
}
_BEYOND_NOTHING = {"en": "more", "zh": "超出预估"}


def _said(phrase: Mapping[str, str], language: str, **values: str) -> str:
    """Return a phrase in a language, or nothing where nothing stands in its place."""
    return Template(phrase[language]).substitute(values) if all(values.values()) else ""


def house_phone(phone: str, language: str) -> str:
    """R-104: return the line that says whom to call; nothing when the company named no telephone."""
    return _said(_CONTACT, language, phone=phone)


def link(address: str, language: str) -> str:
    """Return the line with the customer's link; nothing where the house has no address for it."""
    return _said(_LINK, language, address=address)


def pictures(addresses: Sequence[str], language: str) -> str:
    """R-202: return the lines that lead to pictures; nothing where there are none."""
    return _said(_PICTURES, language, addresses="\n".join(addresses))


def named(technician: str, language: str) -> str:
    """R-306: return who comes as the customer asked; nothing where nobody was asked for."""
    return _said(_NAMED, language, technician=technician)


def given(amount: str, language: str) -> str:
    """R-802: return what the customer gets for a broken promise; nothing when nothing is granted."""
    return _said(_GIVEN, language, amount=amount)


def given_after(days: int, amount: str, language: str) -> str:
    """R-802: return what the customer gets for waiting longer than some days."""
    words = {"en": "a day" if days == 1 else f"{days} days", "zh": f"{days} 天"}
    return _said(_GIVEN_AFTER, language, days=words[language], amount=amount)


def beyond(percent: int | None, language: str) -> str:
    """R-204: return from which price on the customer is asked; without a tolerance from any higher one."""
    if not percent:
        return _BEYOND_NOTHING[language]
    return Template(_BEYOND[language]).substitute(percent=str(percent))
