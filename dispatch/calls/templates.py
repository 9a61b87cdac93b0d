"""Problem templates: what a kind of problem usually needs (R-203)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from dispatch import db, text
from dispatch.access.rules import Principal
from dispatch.calls import rules
from dispatch.calls.model import GuidanceArticle, ProblemTemplate
from dispatch.checklists.commands import check_codes
from dispatch.work_orders.needing import check_needs
from dispatch.work_orders.rules import DEAREST_MINOR, EMERGENCY, FaultClass, Needs, OrderKind

CHANGEABLE = frozenset(
    {
        "title_en",
        "title_zh",
        "priority",
        "labour_norm_minutes",
        "parts_norm_minor",
        "guidance_en",
        "guidance_zh",
        "article_code",
        "checklists",
        "is_active",
    }
)


def create_template(
    session: Session,
    *,
    by: Principal | None,
    code: str,
    title_en: str,
    title_zh: str,
    product_kind: str,
    fault_class: str,
    kind: str,
    fault_code: str,
    needs: Needs,
    labour_norm_minutes: int,
    parts_norm_minor: int | None = None,
    priority: int = 3,
    guidance_en: str | None = None,
    guidance_zh: str | None = None,
    article_code: str | None = None,
    checklists: Sequence[str] = (),
) -> ProblemTemplate:
    """Define a kind of problem with its usual needs (R-203) and, for use faults, its guidance (R-202)."""
    short = text.code(code, "code")
    if session.get(ProblemTemplate, short) is not None:
        raise rules.TemplateCodeTaken(f"template {short} exists")
    check_needs(session, needs, check_certificates=False)
    template = ProblemTemplate(
        code=short,
        title_en=text.line(title_en, "title_en"),
        title_zh=text.line(title_zh, "title_zh"),
        product_kind=text.code(product_kind, "product_kind"),
        fault_class=text.choice(fault_class, "fault_class", [word.value for word in FaultClass]),
        kind=text.choice(kind, "kind", [word.value for word in OrderKind]),
        fault_code=text.code(fault_code, "fault_code"),
        skills=dict(needs.skills),
        certificates=list(needs.certificates),
        parts=dict(needs.parts),
        duration_minutes=needs.duration_minutes,
        crew_size=needs.crew_size,
        priority=text.whole(priority, "priority", 1, EMERGENCY),
        labour_norm_minutes=text.whole(labour_norm_minutes, "labour_norm_minutes", 0, 1440),
        parts_norm_minor=_parts_norm(parts_norm_minor),
        guidance_en=_guidance(guidance_en, "guidance_en"),
        guidance_zh=_guidance(guidance_zh, "guidance_zh"),
        article_code=_article(session, article_code),
        checklists=check_codes(session, checklists),
    )
    session.add(template)
    db.flush(session)
    return template


def update_template(
    session: Session,
    *,
    by: Principal | None,
    template: ProblemTemplate,
    changes: Mapping[str, Any],
    expected_version: int | None = None,
) -> ProblemTemplate:
    """Change titles, priority, norms or guidance, or retire a template; other needs are a new template."""
    template.expect_version(expected_version)
    text.only_known(changes, CHANGEABLE)
    checked: dict[str, Any] = {}
    for name, value in changes.items():
        if name.startswith("title"):
            checked[name] = text.line(value, name)
        elif name.startswith("guidance"):
            checked[name] = _guidance(value, name)
        elif name == "article_code":
            checked[name] = _article(session, value)
        elif name == "checklists":
            checked[name] = check_codes(session, value)
        elif name == "parts_norm_minor":
            checked[name] = _parts_norm(value)
        elif name == "is_active":
            checked[name] = bool(value)
        else:
            low, high = (1, EMERGENCY) if name == "priority" else (0, 1440)
            checked[name] = text.whole(value, name, low, high)
    for name, value in checked.items():
        setattr(template, name, value)
    db.flush(session)
    return template


def _article(session: Session, code: str | None) -> str | None:
    """The code of an article in use, or of none."""
    if code is None:
        return None
    article = session.get(GuidanceArticle, code)
    if article is None or not article.is_active:
        raise rules.ArticleUnknown(f"there is no article {code[: text.CODE]!r} in use")
    return article.code


def _parts_norm(value: int | None) -> int | None:
    return None if value is None else text.whole(value, "parts_norm_minor", 0, DEAREST_MINOR)


def _guidance(value: str | None, field: str) -> str | None:
    return text.prose(value, field) or None if value is not None else None
