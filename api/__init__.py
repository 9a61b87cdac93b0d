"""HTTP and nothing else: resources, who may call them, and how refusals are told."""

from __future__ import annotations

import importlib

from flask import Flask

from api import auth, docs, errors, headers, limits, logs, session
from api.config import Config
from api.description import describe_api
from api.session import Application
from dispatch.settings import Settings

RESOURCES = (
    "access",
    "health",
    "territories",
    "customers",
    "customer_contacts",
    "technicians",
    "weeks",
    "field_questions",
    "parts",
    "stores",
    "house_rules",
    "contracts",
    "problem_templates",
    "calls",
    "inquiries",
    "intake",
    "guidance",
    "work_orders",
    "visits",
    "visit_papers",
    "visit_times",
    "checklists",
    "advice",
    "contact_proposals",
    "review_cases",
    "planning",
    "scenarios",
    "explanations",
    "promises",
    "booking",
    "alarms",
    "readiness",
    "picking",
    "refills",
    "serials",
    "tools",
    "service_clocks",
    "chasers",
    "customer_marks",
    "compensations",
    "loaners",
    "locations",
    "links",
    "mobile",
    "uploads",
    "quarantine",
    "billing",
    "payments",
    "hand_ins",
    "keeper_accounts",
    "messages",
    "performance",
)
"""Modules of this package, each with one ``resource``."""


def create_app(settings: Settings) -> Flask:
    """
    Return the application; ``dispatch.bootstrap.start(settings)`` gives the process its database before.

    Weak production settings and a view without a policy are refused here, not at the first request.
    """
    app = Application("api", static_folder=None)
    Config.of(settings).register(app)
    headers.register(app, settings)
    logs.register(app)
    session.register(app)
    app.before_request(auth.identify)
    limiter = limits.register(app, settings)
    app.before_request(auth.enforce)
    api = describe_api(app)
    errors.register(app)
    for name in RESOURCES:
        api.register_blueprint(importlib.import_module(f"api.{name}").resource)
    limits.limit_failed_logins(app, limiter, "access.log_in", settings)
    docs.register(app, api, settings)
    auth.require_policies(app)
    return app
