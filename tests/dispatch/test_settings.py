"""Settings are read once, refused by name when wrong, and judged before production starts."""

from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path

import pytest

from dispatch.errors import SettingInvalid
from dispatch.settings import Settings, parsing
from dispatch.settings.strength import weaknesses

STRONG = "Qm3vT9xLw2Rk8Zp5Yc7Nb4Hd6Jf1Gs0A"


def test_an_empty_environment_gives_the_documented_defaults() -> None:
    settings = Settings.from_environment({"TRUCKROLL_HOME": "/srv/truckroll"})
    assert (settings.host, settings.port, settings.environment) == ("127.0.0.1", 8080, "production")
    assert (settings.mfa, settings.access_token_minutes, settings.refresh_token_days) == ("required", 10, 30)
    assert (settings.currency, settings.database_url, settings.redis_url) == ("EUR", None, None)
    assert (settings.fsync, settings.simulated_clock, settings.secret_key) == (True, False, None)
    assert settings.attachments == Path("/srv/truckroll/attachments")


def test_settings_do_not_change_while_the_program_runs() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]


def test_an_empty_variable_counts_as_unset() -> None:
    assert Settings.from_environment({"TRUCKROLL_PORT": " ", "DATABASE_URL": ""}) == Settings()


@pytest.mark.parametrize(
    "given", ["postgres://u:p@h/d", "postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d"]
)
def test_every_spelling_of_a_postgresql_address_means_the_same_driver(given: str) -> None:
    assert Settings.from_environment({"DATABASE_URL": given}).database_url == "postgresql+psycopg://u:p@h/d"


@pytest.mark.parametrize(
    ("variable", "raw"),
    [
        ("DATABASE_URL", "sqlite:///x.db"),
        ("DATABASE_URL", "mysql://h/d"),
        ("REDIS_URL", "http://h"),
        ("TRUCKROLL_ENV", "staging"),
        ("TRUCKROLL_PORT", "eighty"),
        ("TRUCKROLL_PORT", "65536"),
        ("TRUCKROLL_PORT", "-1"),
        ("TRUCKROLL_PORT", "8080.5"),
        ("TRUCKROLL_PORT", "٨٠٨٠"),
        ("TRUCKROLL_PROXY_HOPS", "99"),
        ("TRUCKROLL_MFA", "maybe"),
        ("TRUCKROLL_ACCESS_TOKEN_MINUTES", "0"),
        ("TRUCKROLL_MAX_BODY_BYTES", "9" * 400),
        ("TRUCKROLL_CURRENCY", "EURO"),
        ("TRUCKROLL_LANGUAGE", "fr"),
        ("TRUCKROLL_TIMEZONE", "Mars/Olympus"),
        ("TRUCKROLL_CLOCK", "fast"),
        ("TRUCKROLL_FSYNC", "perhaps"),
        ("TRUCKROLL_SMTP_URL", "mail.example"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_variable(variable: str, raw: str) -> None:
    with pytest.raises(SettingInvalid, match=f"^{variable}: ") as refusal:
        Settings.from_environment({variable: raw})
    assert refusal.value.detail == {"variable": variable}


@pytest.mark.parametrize("variable", ["DATABASE_URL", "REDIS_URL", "TRUCKROLL_SMTP_URL"])
def test_a_refusal_never_shows_an_address_that_may_hold_a_password(variable: str) -> None:
    """Clause S20 of the security checklist: no secret in errors."""
    with pytest.raises(SettingInvalid) as refusal:
        Settings.from_environment({variable: "ftp://user:canary@host"})
    assert "canary" not in refusal.value.message


def test_secrets_are_not_shown_when_settings_are_printed() -> None:
    """Clause S20 of the security checklist: no secret in logs."""
    settings = Settings.from_environment(
        {
            "TRUCKROLL_SECRET": "canary",
            "DATABASE_URL": "postgresql://u:canary@h/d",
            "REDIS_URL": "redis://:canary@h",
            "TRUCKROLL_SMTP_URL": "smtp://u:canary@h",
        }
    )
    assert "canary" not in repr(settings)


def test_every_setting_says_its_variable_and_its_meaning() -> None:
    variables = [described.metadata["variable"] for described in fields(Settings)]
    assert len(set(variables)) == len(variables)
    assert all(described.metadata["meaning"] for described in fields(Settings))


def test_the_defaults_with_embedded_services_are_fit_for_production() -> None:
    assert weaknesses(Settings()) == []


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"secret_key": "short"}, "TRUCKROLL_SECRET"),
        ({"secret_key": "a" * 64}, "TRUCKROLL_SECRET"),
        ({"database_url": "postgresql+psycopg://u:p@h/d", "secret_key": None}, "TRUCKROLL_SECRET"),
        ({"host": "192.0.2.1"}, "TRUCKROLL_TRUSTED_HOSTS"),
        ({"proxy_hops": 1}, "TRUCKROLL_TRUSTED_HOSTS"),
        ({"trusted_hosts": ("*",)}, "TRUCKROLL_TRUSTED_HOSTS"),
        ({"mfa": "off"}, "TRUCKROLL_MFA"),
        ({"simulated_clock": True}, "TRUCKROLL_CLOCK"),
        ({"fsync": False}, "TRUCKROLL_FSYNC"),
        ({"smtp_url": "smtp://mail.example:25"}, "TRUCKROLL_SMTP_URL"),
        ({"redis_url": "redis://queue.example/0"}, "REDIS_URL"),
    ],
)
def test_each_weakness_is_found_and_named(change: dict[str, object], word: str) -> None:
    """Clause S10 of the security checklist: start-up refuses a weak production configuration."""
    found = weaknesses(replace(Settings(secret_key=STRONG), **change))  # type: ignore[arg-type]
    assert len(found) == 1
    assert word in found[0]


def test_a_strong_public_installation_has_no_weakness() -> None:
    """Clause S10 of the security checklist: the same settings, done properly, are accepted."""
    settings = Settings.from_environment(
        {
            "TRUCKROLL_HOST": "192.0.2.1",
            "TRUCKROLL_TRUSTED_HOSTS": "Dispatch.example, api.example",
            "TRUCKROLL_SECRET": STRONG,
            "DATABASE_URL": "postgresql://u:p@h/d",
            "REDIS_URL": "rediss://:secret@queue.example/0",
            "TRUCKROLL_SMTP_URL": "smtp+starttls://u:p@mail.example:587",
        }
    )
    assert settings.trusted_hosts == ("dispatch.example", "api.example")
    assert weaknesses(settings) == []


@pytest.mark.parametrize("raw", ["0.05", "61", "1e1", "nan", "-1", "soon", ""])
def test_a_decimal_number_out_of_bounds_or_shape_is_refused(raw: str) -> None:
    with pytest.raises(ValueError, match=r"outside|decimal"):
        parsing.number(0.1, 60)(raw)
    assert parsing.number(0.1, 60)("0.4") == 0.4
