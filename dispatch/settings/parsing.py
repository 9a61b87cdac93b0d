"""How the text of an environment variable becomes a value; a wrong text is a ValueError that says why."""

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


def text(raw: str) -> str:
    return raw.strip()


def optional_text(raw: str) -> str | None:
    return raw.strip() or None


def switch(raw: str) -> bool:
    word = raw.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError("is neither yes nor no")


def whole(least: int, most: int) -> Callable[[str], int]:
    """A parser of whole numbers from `least` to `most`."""

    def parse(raw: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,15}", raw.strip()):
            raise ValueError("is not a whole number")
        number = int(raw)
        if not least <= number <= most:
            raise ValueError(f"is outside {least} to {most}")
        return number

    return parse


def number(least: float, most: float) -> Callable[[str], float]:
    """A parser of decimal numbers from `least` to `most`."""

    def parse(raw: str) -> float:
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", raw.strip()):
            raise ValueError("is not a decimal number")
        found = float(raw)
        if not least <= found <= most:
            raise ValueError(f"is outside {least} to {most}")
        return found

    return parse


def one_of(*words: str) -> Callable[[str], Any]:
    """A parser that accepts exactly the given words."""

    def parse(raw: str) -> str:
        word = raw.strip().lower()
        if word not in words:
            raise ValueError(f"is not one of {', '.join(words)}")
        return word

    return parse


def hosts(raw: str) -> tuple[str, ...]:
    return tuple(host.strip().lower() for host in raw.split(",") if host.strip())


def path(raw: str) -> Path:
    return Path(raw.strip())


def optional_path(raw: str) -> Path | None:
    return Path(raw.strip()) if raw.strip() else None


@functools.cache
def _zones() -> frozenset[str]:
    """Known zones; finding them walks through the folders of the time zone database."""
    return frozenset(available_timezones())


def timezone(raw: str) -> str:
    name = raw.strip()
    if name not in _zones():
        raise ValueError("is not a time zone of the IANA list")
    return name


def currency(raw: str) -> str:
    code = raw.strip().upper()
    if not re.fullmatch(r"[A-Z]{3}", code):
        raise ValueError("is not a three-letter ISO 4217 code")
    return code


def secret(raw: str) -> str | None:
    return raw.strip() or None


def database_url(raw: str) -> str | None:
    """The one dialect is PostgreSQL; every spelling of it becomes the psycopg 3 driver's."""
    address = raw.strip()
    if not address:
        return None
    scheme, separator, rest = address.partition("://")
    if not separator or scheme not in {"postgres", "postgresql", "postgresql+psycopg"}:
        raise ValueError("is not a postgresql:// address; PostgreSQL is the only database")
    return f"postgresql+psycopg://{rest}"


def address(*schemes: str) -> Callable[[str], str | None]:
    """A parser of an optional address with one of the given schemes."""

    def parse(raw: str) -> str | None:
        address = raw.strip()
        if not address:
            return None
        if urlsplit(address).scheme not in schemes:
            raise ValueError(f"does not begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return address

    return parse


def clock(raw: str) -> bool:
    return bool(one_of("real", "simulated")(raw) == "simulated")
