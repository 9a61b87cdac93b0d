"""Write amounts, days, times and quantities the way readers of each language expect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal, format_percent

from dispatch.documents.words import UNITS, Language, word
from dispatch.money import exponent

LOCALES: dict[Language, str] = {"zh": "zh_CN", "en": "en_GB"}
DAY: dict[Language, str] = {"zh": "y年M月d日", "en": "d MMMM y"}
MOMENT: dict[Language, str] = {"zh": "M月d日 HH:mm", "en": "d MMM, HH:mm"}
FULL_MOMENT: dict[Language, str] = {"zh": "y年M月d日 HH:mm", "en": "d MMMM y, HH:mm"}

DIGITS = "零壹贰叁肆伍陆柒捌玖"
PLACES = ("", "拾", "佰", "仟")


@dataclass(frozen=True, slots=True)
class Figures:
    """Formats of one language, with times read in one zone."""

    language: Language
    zone: ZoneInfo

    @property
    def locale(self) -> str:
        """Return the Babel locale."""
        return LOCALES[self.language]

    def word(self, key: str) -> str:
        """Return a word of the document in this language."""
        return word(key, self.language)

    def amount(self, minor: int, currency: str) -> str:
        """Return an amount without currency sign, with the currency's decimals, for table columns."""
        places = exponent(currency)
        pattern = "#,##0" + ("." + "0" * places if places else "")
        return format_decimal(Decimal(minor).scaleb(-places), format=pattern, locale=self.locale)

    def money(self, minor: int, currency: str) -> str:
        """Return an amount with its currency sign, with the currency's decimals."""
        value = Decimal(minor).scaleb(-exponent(currency))
        return format_currency(value, currency, locale=self.locale)

    def quantity(self, text: str) -> str:
        """Return a decimal without superfluous zeros."""
        return format_decimal(Decimal(text).normalize(), format="#,##0.######", locale=self.locale)

    def rate(self, text: str) -> str:
        """Return a fraction such as 0.13 in per cent."""
        return format_percent(Decimal(text), format="0.##%", locale=self.locale)

    def unit(self, code: str) -> str:
        """Return the word of a UN/ECE unit code; other words stay as they are."""
        return UNITS[code][0 if self.language == "zh" else 1] if code in UNITS else code

    def day(self, text: str) -> str:
        """Return a calendar day in full."""
        return format_date(date.fromisoformat(text), DAY[self.language], locale=self.locale)

    def moment(self, text: str) -> str:
        """Return an instant as day and minute in the document's zone."""
        return self._instant(text, MOMENT[self.language])

    def full_moment(self, text: str) -> str:
        """Return an instant as day with year and minute in the document's zone."""
        return self._instant(text, FULL_MOMENT[self.language])

    def clock(self, text: str) -> str:
        """Return the time of day of an instant in the document's zone."""
        return self._instant(text, "HH:mm")

    def listed(self, items: Sequence[str]) -> str:
        """Return items in a row with the separator of the language."""
        return ("、" if self.language == "zh" else ", ").join(items)

    def minutes(self, count: int) -> str:
        """Return a duration in minutes, with hours from one hour on."""
        hours, rest = divmod(count, 60)
        parts = [f"{hours}\u00a0{self.word('hours')}"] if hours else []
        if rest or not hours:
            parts.append(f"{rest}\u00a0{self.word('minutes')}")
        return " ".join(parts)

    def _instant(self, text: str, pattern: str) -> str:
        moment = datetime.fromisoformat(text).astimezone(self.zone)
        return format_datetime(moment, pattern, tzinfo=self.zone, locale=self.locale)


def in_capitals(minor: int) -> str:
    """Return an amount of renminbi (minor units: fen) in capital numerals [大写], exactly."""
    yuan, cents = divmod(abs(minor), 100)
    jiao, fen = divmod(cents, 10)
    text = f"{_whole(yuan)}元" if yuan else ""
    if jiao:
        text += f"{DIGITS[jiao]}角"
    elif fen and yuan:
        text += "零"
    if fen:
        text += f"{DIGITS[fen]}分"
    elif text:
        text += "整"
    return ("负" if minor < 0 else "") + (text or "零元整")


def _whole(number: int) -> str:
    for size, name in ((10**8, "亿"), (10**4, "万")):
        if number >= size:
            head, rest = divmod(number, size)
            gap = "零" if 0 < rest < size // 10 else ""
            return _whole(head) + name + gap + (_whole(rest) if rest else "")
    return _group(number)


def _group(number: int) -> str:
    text, gap = "", False
    for place in (3, 2, 1, 0):
        digit = number // 10**place % 10
        if digit:
            text += ("零" if gap and text else "") + DIGITS[digit] + PLACES[place]
            gap = False
        else:
            gap = True
    return text
