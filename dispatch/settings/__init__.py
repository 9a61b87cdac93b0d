"""What an installation can set, read once from the environment at start-up.

Every field carries its variable and its meaning, so that the reference page and
`truckroll doctor` list the settings from here.
"""
# ruff: noqa: RUF009 - setting() is this module's dataclass field()

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

from dispatch.errors import SettingInvalid
from dispatch.settings import parsing

Environment = Literal["production", "demo", "test"]
MfaRule = Literal["required", "off"]
HashCost = Literal["strong", "quick"]
Language = Literal["en", "zh"]
TravelSource = Literal["geodesic", "district", "osrm"]
GeocoderSource = Literal["gazetteer", "nominatim"]

_Value = TypeVar("_Value")


def setting(
    default: _Value, variable: str, parse: Callable[[str], _Value], meaning: str, *, secret: bool = False
) -> _Value:
    """One setting: its default, its environment variable, its parser and what it means."""
    metadata = {"variable": variable, "parse": parse, "meaning": meaning, "secret": secret}
    described: _Value = field(default=default, repr=not secret, metadata=metadata)
    return described


@dataclass(frozen=True)
class Settings:
    """The settings of one installation; unknown to nobody, changed by a restart only."""

    database_url: str | None = setting(
        None,
        "DATABASE_URL",
        parsing.database_url,
        "PostgreSQL address; unset: embedded server",
        secret=True,
    )
    redis_url: str | None = setting(
        None,
        "REDIS_URL",
        parsing.address("redis", "rediss", "unix"),
        "Valkey or Redis address; unset starts an embedded server",
        secret=True,
    )
    home: Path = setting(
        Path("~/.local/share/truckroll"),
        "TRUCKROLL_HOME",
        parsing.path,
        "Directory of everything this installation keeps on disk",
    )
    environment: Environment = setting(
        "production",
        "TRUCKROLL_ENV",
        parsing.one_of("production", "demo", "test"),
        "Production refuses weak settings at start-up; demo and test accept them",
    )
    secret_key: str | None = setting(
        None,
        "TRUCKROLL_SECRET",
        parsing.secret,
        "Key of signatures and hashes; unset: one in home",
        secret=True,
    )
    host: str = setting("127.0.0.1", "TRUCKROLL_HOST", parsing.text, "Address the API listens on")
    port: int = setting(8080, "TRUCKROLL_PORT", parsing.whole(0, 65535), "Port the API listens on")
    web_workers: int = setting(2, "TRUCKROLL_WEB_WORKERS", parsing.whole(1, 64), "Web server processes")
    web_threads: int = setting(
        4, "TRUCKROLL_WEB_THREADS", parsing.whole(1, 64), "Threads of each web process"
    )
    trusted_hosts: tuple[str, ...] = setting(
        (), "TRUCKROLL_TRUSTED_HOSTS", parsing.hosts, "Host names the API answers to, separated by commas"
    )
    proxy_hops: int = setting(
        0,
        "TRUCKROLL_PROXY_HOPS",
        parsing.whole(0, 8),
        "Reverse proxies whose X-Forwarded-* headers are believed",
    )
    mfa: MfaRule = setting(
        "required", "TRUCKROLL_MFA", parsing.one_of("required", "off"), "Second factor of office roles"
    )
    hash_cost: HashCost = setting(
        "strong",
        "TRUCKROLL_HASH_COST",
        parsing.one_of("strong", "quick"),
        "Work of a password hash; quick: tests",
    )
    public_docs: bool = setting(
        False, "TRUCKROLL_PUBLIC_DOCS", parsing.switch, "API description without login, also in production"
    )
    access_token_minutes: int = setting(
        10, "TRUCKROLL_ACCESS_TOKEN_MINUTES", parsing.whole(1, 60), "Life of an access token in minutes"
    )
    refresh_token_days: int = setting(
        30,
        "TRUCKROLL_REFRESH_TOKEN_DAYS",
        parsing.whole(1, 90),
        "Absolute life of a refresh token family in days",
    )
    login_attempts_per_account: int = setting(
        10,
        "TRUCKROLL_LOGIN_ATTEMPTS_PER_ACCOUNT",
        parsing.whole(1, 1000),
        "Failed logins of one account within the login window before it is refused",
    )
    login_attempts_per_address: int = setting(
        50,
        "TRUCKROLL_LOGIN_ATTEMPTS_PER_ADDRESS",
        parsing.whole(1, 100_000),
        "Failed logins from one network address within the login window before it is refused",
    )
    login_window_minutes: int = setting(
        15, "TRUCKROLL_LOGIN_WINDOW_MINUTES", parsing.whole(1, 1440), "Length of the login window in minutes"
    )
    requests_per_minute_user: int = setting(
        600,
        "TRUCKROLL_REQUESTS_PER_MINUTE_USER",
        parsing.whole(1, 1_000_000),
        "Requests a minute of an office user",
    )
    requests_per_minute_device: int = setting(
        120,
        "TRUCKROLL_REQUESTS_PER_MINUTE_DEVICE",
        parsing.whole(1, 1_000_000),
        "Sync requests a minute of a device",
    )
    requests_per_minute_address: int = setting(
        300,
        "TRUCKROLL_REQUESTS_PER_MINUTE_ADDRESS",
        parsing.whole(1, 1_000_000),
        "Requests a minute from one network address that is not logged in",
    )
    max_body_bytes: int = setting(
        2_097_152,
        "TRUCKROLL_MAX_BODY_BYTES",
        parsing.whole(1024, 1_073_741_824),
        "Largest request body in bytes",
    )
    mailbox_url: str | None = setting(
        None,
        "TRUCKROLL_MAILBOX_URL",
        parsing.address("imap", "imap+starttls", "imaps"),
        "Mailbox that becomes inquiries, imaps://user:password@host/INBOX; unset: none is read",
        secret=True,
    )
    smtp_url: str | None = setting(
        None,
        "TRUCKROLL_SMTP_URL",
        parsing.address("smtp", "smtp+starttls", "smtps"),
        "Mail server, smtp+starttls://user:password@host:587; unset writes messages without sending",
        secret=True,
    )
    mail_from: str = setting(
        "truckroll@localhost", "TRUCKROLL_MAIL_FROM", parsing.text, "Sender address of mail"
    )
    currency: str = setting(
        "EUR", "TRUCKROLL_CURRENCY", parsing.currency, "Currency of this company, ISO 4217"
    )
    company_name: str = setting(
        "Truckroll Demo", "TRUCKROLL_COMPANY_NAME", parsing.text, "Company on documents"
    )
    company_address: str = setting(
        "", "TRUCKROLL_COMPANY_ADDRESS", parsing.text, "Company's address on documents"
    )
    company_phone: str = setting(
        "", "TRUCKROLL_COMPANY_PHONE", parsing.text, "Telephone that customers' messages end with"
    )
    company_tax_id: str = setting(
        "", "TRUCKROLL_COMPANY_TAX_ID", parsing.text, "Company's tax number on documents"
    )
    language: Language = setting(
        "en",
        "TRUCKROLL_LANGUAGE",
        parsing.one_of("en", "zh"),
        "Language of documents when the customer has none",
    )
    timezone: str = setting(
        "Europe/Monaco", "TRUCKROLL_TIMEZONE", parsing.timezone, "Business time zone, IANA name"
    )
    simulated_clock: bool = setting(
        False, "TRUCKROLL_CLOCK", parsing.clock, "real, or simulated: business time is a row in the database"
    )
    travel: TravelSource = setting(
        "geodesic",
        "TRUCKROLL_TRAVEL",
        parsing.one_of("geodesic", "district", "osrm"),
        "Source of travel times: straight line with detour, a precomputed road table, or an OSRM server",
    )
    travel_table: Path | None = setting(
        None,
        "TRUCKROLL_TRAVEL_TABLE",
        parsing.optional_path,
        "Directory of addresses.csv.gz and matrix.npz for travel `district`; unset: the shipped district",
    )
    osrm_url: str | None = setting(
        None, "TRUCKROLL_OSRM_URL", parsing.address("http", "https"), "OSRM server, needed by travel `osrm`"
    )
    geocoder: GeocoderSource = setting(
        "gazetteer",
        "TRUCKROLL_GEOCODER",
        parsing.one_of("gazetteer", "nominatim"),
        "Where addresses are looked up: a shipped or own address list, or a Nominatim server",
    )
    address_list: Path | None = setting(
        None,
        "TRUCKROLL_ADDRESS_LIST",
        parsing.optional_path,
        "Address list (.csv, .csv.gz or .json) of the gazetteer; unset: the shipped district",
    )
    nominatim_url: str | None = setting(
        None,
        "TRUCKROLL_NOMINATIM_URL",
        parsing.address("http", "https"),
        "Nominatim server, needed by geocoder `nominatim`",
    )
    optimiser_seconds: int = setting(
        10,
        "TRUCKROLL_OPTIMISER_SECONDS",
        parsing.whole(1, 3600),
        "Usual time budget of planning a day, in seconds",
    )
    replan_seconds: float = setting(
        2.0,
        "TRUCKROLL_REPLAN_SECONDS",
        parsing.number(0.1, 60),
        "Time budget of planning a day anew for an emergency, in seconds",
    )
    tidy_after_seconds: int = setting(
        30,
        "TRUCKROLL_TIDY_AFTER_SECONDS",
        parsing.whole(0, 3600),
        "Within how many seconds a draft is planned better after bookings; 0 leaves it as they made it",
    )
    optimiser_seconds_most: int = setting(
        300,
        "TRUCKROLL_OPTIMISER_SECONDS_MOST",
        parsing.whole(1, 86_400),
        "Largest time budget a caller may ask for",
    )
    optimiser_visits_most: int = setting(
        25_000, "TRUCKROLL_OPTIMISER_VISITS_MOST", parsing.whole(1, 100_000), "Most visits of one day"
    )
    optimiser_technicians_most: int = setting(
        3_000,
        "TRUCKROLL_OPTIMISER_TECHNICIANS_MOST",
        parsing.whole(1, 10_000),
        "Most technicians of one day",
    )
    optimiser_part_visits: int = setting(
        5_000,
        "TRUCKROLL_OPTIMISER_PART_VISITS",
        parsing.whole(1, 100_000),
        "A day with more visits is cut into parts of so many, planned by all planning workers",
    )
    optimiser_processes: int = setting(
        1,
        "TRUCKROLL_OPTIMISER_PROCESSES",
        parsing.whole(1, 64),
        "Processes that search one day together; with more than one a seed no longer decides the plan",
    )
    hold_minutes: int = setting(
        5, "TRUCKROLL_HOLD_MINUTES", parsing.whole(1, 120), "How long a window is held for a caller"
    )
    offer_least_chance: float = setting(
        0.6,
        "TRUCKROLL_OFFER_LEAST_CHANCE",
        parsing.number(0, 1),
        "Windows less likely to be kept are not offered",
    )
    offer_first_hour: int = setting(
        8, "TRUCKROLL_OFFER_FIRST_HOUR", parsing.whole(0, 23), "Local hour at which the first window begins"
    )
    offer_last_hour: int = setting(
        22, "TRUCKROLL_OFFER_LAST_HOUR", parsing.whole(1, 24), "Local hour by which the last window ends"
    )
    offer_window_hours: int = setting(
        2, "TRUCKROLL_OFFER_WINDOW_HOURS", parsing.whole(1, 12), "Length of the windows offered, in hours"
    )
    offer_searches: int = setting(
        8,
        "TRUCKROLL_OFFER_SEARCHES",
        parsing.whole(0, 200),
        "Full windows searched for room when no other can be offered; about 50 ms each",
    )
    broken_promise_minor: int = setting(
        5_000,
        "TRUCKROLL_BROKEN_PROMISE_MINOR",
        parsing.whole(0, 10_000_000),
        "What a broken promise costs when offers are ordered, in minor units",
    )
    alarm_confirm_minutes: int = setting(
        10,
        "TRUCKROLL_ALARM_CONFIRM_MINUTES",
        parsing.whole(0, 600),
        "A promise must look broken for so long before its customer is told",
    )
    alarm_notice_minutes: int = setting(
        45,
        "TRUCKROLL_ALARM_NOTICE_MINUTES",
        parsing.whole(0, 600),
        "At least so long before the window ends the customer is told at once",
    )
    public_url: str = setting(
        "", "TRUCKROLL_PUBLIC_URL", parsing.text, "Address of the customers' pages; empty: no links"
    )
    link_notice_hours: int = setting(
        2, "TRUCKROLL_LINK_NOTICE_HOURS", parsing.whole(0, 720), "Until when customers change a visit by link"
    )
    full_slot_minor: int = setting(
        500,
        "TRUCKROLL_FULL_SLOT_MINOR",
        parsing.whole(0, 10_000_000),
        "What a window costs that is full already when offers are ordered, in minor units",
    )
    position_coarse_days: int = setting(
        7,
        "TRUCKROLL_POSITION_COARSE_DAYS",
        parsing.whole(0, 365),
        "After so many days positions of technicians are rounded to about a kilometre",
    )
    position_keep_days: int = setting(
        90,
        "TRUCKROLL_POSITION_KEEP_DAYS",
        parsing.whole(0, 365),
        "After so many days positions of technicians are deleted",
    )
    fsync: bool = setting(
        True,
        "TRUCKROLL_FSYNC",
        parsing.switch,
        "Embedded PostgreSQL writes through to disk; only tests turn it off",
    )
    pg_bin: str | None = setting(
        None,
        "TRUCKROLL_PG_BIN",
        parsing.optional_text,
        "Directory of the PostgreSQL programs, embedded mode",
    )
    valkey_bin: str | None = setting(
        None, "TRUCKROLL_VALKEY_BIN", parsing.optional_text, "Valkey program of the embedded server"
    )

    def __post_init__(self) -> None:
        """Make `home` absolute, so that every process means the same directory."""
        try:
            home = self.home.expanduser().absolute()
        except RuntimeError:
            raise SettingInvalid(
                "TRUCKROLL_HOME is unset and this user has no home directory", variable="TRUCKROLL_HOME"
            ) from None
        object.__setattr__(self, "home", home)

    @property
    def attachments(self) -> Path:
        """Directory of uploaded photographs and generated documents."""
        return self.home / "attachments"

    @property
    def logs(self) -> Path:
        """Directory of the logs of the processes that `up` starts."""
        return self.home / "logs"

    @classmethod
    def from_environment(cls, env: Mapping[str, str] = os.environ) -> "Settings":
        """Read every setting; an empty variable counts as unset, a wrong one is an error."""
        values: dict[str, Any] = {}
        for described in fields(cls):
            variable = described.metadata["variable"]
            raw = env.get(variable, "")
            if not raw.strip():
                continue
            try:
                values[described.name] = described.metadata["parse"](raw)
            except ValueError as error:
                shown = "the value" if described.metadata["secret"] else repr(raw)
                raise SettingInvalid(f"{variable}: {shown} {error}", variable=variable) from None
        return cls(**values)
