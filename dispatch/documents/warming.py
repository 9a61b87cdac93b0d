"""Pay the costs of the first document (fonts, templates, locales) before somebody waits for one."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from dispatch.documents import typesetting
from dispatch.documents.figures import Figures
from dispatch.documents.words import LANGUAGES


def warm() -> None:
    """
    Load fonts, templates and locales; starts no thread, so a worker may call it before it forks.

    A process that has rendered a document must not fork renderers: its children typeset in a process of
    their own each time, which costs about half a second.
    """
    typesetting.load()
    for language in LANGUAGES:
        figures = Figures(language, ZoneInfo("UTC"))
        figures.money(0, "EUR")
        figures.full_moment("2000-01-01T00:00:00Z")
