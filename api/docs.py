"""
The API description: OpenAPI 3.1 at /v1/openapi.json and Swagger UI at /v1/docs, from packaged files only.

In production both need a login, since they list every address (S26); TRUCKROLL_PUBLIC_DOCS opens them.
Outside production they are open.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, partial
from importlib.resources import files
from typing import Any

import flask_swagger_ui
from flask import Flask, Response
from flask_smorest import Api  # type: ignore[import-untyped]

from api.auth import EVERYBODY, policy
from api.description import finished
from api.resource import BASE
from dispatch.settings import Settings

DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""Scripts only from here and never inline; Swagger UI sets style attributes, which need unsafe-inline."""

FILES = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "favicon-32x32.png": "image/png",
}
PAGE = f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Truckroll API</title>
<link rel="stylesheet" href="{BASE}/docs/swagger-ui.css">
<link rel="icon" type="image/png" href="{BASE}/docs/favicon-32x32.png"></head>
<body><div id="swagger-ui"></div>
<script src="{BASE}/docs/swagger-ui-bundle.js"></script><script src="{BASE}/docs/start.js"></script></body>
</html>
"""
START = f"""SwaggerUIBundle({{
  url: "{BASE}/openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null,
  persistAuthorization: false
}});
"""


def register(app: Flask, api: Api, settings: Settings) -> None:
    """Add the description and its page; who may read them follows from the settings."""
    is_open = settings.public_docs or settings.environment != "production"
    allowed: Any = policy.public if is_open else policy(*EVERYBODY)

    def add(path: str, name: str, body: Callable[[], bytes], content_type: str) -> None:
        def serve() -> Response:
            answer = Response(body(), content_type=content_type)
            answer.headers["Content-Security-Policy"] = DOCS_POLICY
            return answer

        app.add_url_rule(BASE + path, f"docs.{name}", allowed(serve), methods=["GET"])

    add("/docs", "page", PAGE.encode, "text/html; charset=utf-8")
    add("/docs/start.js", "start", START.encode, "text/javascript; charset=utf-8")
    for name, content_type in FILES.items():
        add(f"/docs/{name}", name.replace(".", "-"), partial(_packaged, name), content_type)

    @cache  # when first asked for: it takes as long as everything else of a start
    def description() -> bytes:
        return json.dumps(finished(app, api), indent=1).encode()

    add("/openapi.json", "openapi", description, "application/json")


@cache
def _packaged(name: str) -> bytes:
    return (files(flask_swagger_ui) / "dist" / name).read_bytes()
