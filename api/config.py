"""What an application was made with: settings, and the access rules that follow from them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from flask import Flask, current_app

from dispatch.access.hashing import Passwords
from dispatch.access.rules import LoginRules, TokenRules
from dispatch.access.secret import installation_secret
from dispatch.errors import SettingInvalid
from dispatch.settings import Settings
from dispatch.settings.strength import weaknesses

_EXTENSION = "truckroll"


class ConfigurationWeak(SettingInvalid):
    """The settings are too weak to serve customers; the application does not start with them (S10)."""

    code = "CONFIGURATION_WEAK"
    remedy = "Correct the settings named in the message, or set TRUCKROLL_ENV to demo."


@dataclass(frozen=True, slots=True)
class Config:
    """Settings and what is derived from them once."""

    settings: Settings
    passwords: Passwords
    login: LoginRules
    tokens: TokenRules

    @classmethod
    def of(cls, settings: Settings) -> Config:
        """Derive the rules; refuse weak production settings."""
        found = weaknesses(settings) if settings.environment == "production" else []
        if found:
            raise ConfigurationWeak("; ".join(found))
        return cls(
            settings=settings,
            passwords=Passwords(settings.hash_cost),
            login=LoginRules(
                attempts=settings.login_attempts_per_account,
                window=timedelta(minutes=settings.login_window_minutes),
                second_factor=settings.mfa == "required",
            ),
            tokens=TokenRules(
                secret=installation_secret(settings),
                access=timedelta(minutes=settings.access_token_minutes),
                family=timedelta(days=settings.refresh_token_days),
            ),
        )

    def register(self, app: Flask) -> None:
        """Keep this configuration with the application."""
        app.extensions[_EXTENSION] = self


def current_config() -> Config:
    """Return the configuration of the application that serves this request."""
    config: Config = current_app.extensions[_EXTENSION]
    return config


def current_settings() -> Settings:
    """Return the settings of the application that serves this request."""
    return current_config().settings
