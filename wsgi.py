"""The web process: ``gunicorn wsgi:app``."""

from __future__ import annotations

import gc

from api import create_app
from dispatch import bootstrap
from dispatch.settings import Settings

settings = Settings.from_environment()
bootstrap.start(settings)
app = create_app(settings)
bootstrap.warm_web_workers()

gc.collect()
gc.freeze()  # what the program consists of never becomes garbage
gc.set_threshold(20_000, 20, 50)  # a request makes thousands of short-lived objects and few cycles
