"""Pay the first-document costs (fonts, templates, locales) before somebody waits for a document."""

from __future__ import annotations

from dispatch.documents import typesetting
from dispatch.documents.rendering import render
from dispatch.documents.words import LANGUAGES


def warm() -> None:
    """
    Load fonts, templates and locales by rendering an empty hand-in in every language.

    Call it in the process that renders: the typesetter's threads do not survive a fork.
    """
    typesetting.load()
    empty = {
        "made_at": "2000-01-01T00:00:00Z",
        "time_zone": "UTC",
        "company": {"name": "-"},
        "number": "-",
        "business_date": "2000-01-01",
        "technician": {"name": "-"},
        "currency": "EUR",
        "sheets": [],
        "money": [],
    }
    for language in LANGUAGES:
        render("handin", empty, language)
