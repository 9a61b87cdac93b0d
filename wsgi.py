"""The web process: ``gunicorn wsgi:app``."""

from __future__ import annotations

from api import create_app
from dispatch import bootstrap
from dispatch.settings import Settings

settings = Settings.from_environment()
bootstrap.start(settings)
app = create_app(settings)
