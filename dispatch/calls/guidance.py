"""Guidance articles: words and pictures that help a customer without a visit (R-202)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch import db, text
from dispatch.access.rules import Principal
from dispatch.calls.model import GuidanceArticle, GuidancePicture
from dispatch.calls.rules import ArticleCodeTaken, ArticleFull, PictureNeeded
from dispatch.errors import NotFound
from dispatch.work_orders.attachments import cleaned, keep_bytes, stored_bytes

MOST_PICTURES = 12
LONGEST = 20_000
CHANGEABLE = frozenset({"title_en", "title_zh", "body_en", "body_zh", "is_active"})


def write_article(
    session: Session,
    *,
    by: Principal,
    code: str,
    title_en: str,
    title_zh: str,
    body_en: str,
    body_zh: str,
) -> GuidanceArticle:
    """Write an article in both languages."""
    short = text.code(code, "code")
    if session.get(GuidanceArticle, short) is not None:
        raise ArticleCodeTaken(f"article {short} exists")
    article = GuidanceArticle(
        code=short,
        title_en=text.line(title_en, "title_en"),
        title_zh=text.line(title_zh, "title_zh"),
        body_en=text.prose(body_en, "body_en", longest=LONGEST),
        body_zh=text.prose(body_zh, "body_zh", longest=LONGEST),
    )
    session.add(article)
    db.flush(session)
    return article


def change_article(
    session: Session,
    *,
    by: Principal,
    article: GuidanceArticle,
    changes: Mapping[str, Any],
    expected_version: int | None = None,
) -> GuidanceArticle:
    """Rewrite an article, or take it out of use; calls that it closed keep its code."""
    article.expect_version(expected_version)
    text.only_known(changes, CHANGEABLE)
    for name, value in changes.items():
        if name == "is_active":
            article.is_active = bool(value)
        elif name.startswith("title"):
            setattr(article, name, text.line(value, name))
        else:
            setattr(article, name, text.prose(value, name, longest=LONGEST))
    db.flush(session)
    return article


def add_picture(
    session: Session,
    *,
    by: Principal,
    article: GuidanceArticle,
    content: bytes,
    directory: Path,
    caption_en: str = "",
    caption_zh: str = "",
) -> GuidancePicture:
    """Add a picture behind the others; position and other metadata are taken out of it."""
    session.execute(
        select(GuidanceArticle.code).where(GuidanceArticle.code == article.code).with_for_update()
    )
    count = (
        select(func.count()).select_from(GuidancePicture).where(GuidancePicture.article_code == article.code)
    )
    position = session.scalar(count) or 0
    if position >= MOST_PICTURES:
        raise ArticleFull(f"article {article.code} has {MOST_PICTURES} pictures")
    media_type, clean = cleaned(content)
    if not media_type.startswith("image/"):
        raise PictureNeeded("an article takes pictures alone")
    name, sha256 = keep_bytes(directory, clean, media_type)
    picture = GuidancePicture(
        article_code=article.code,
        position=position,
        media_type=media_type,
        sha256=sha256,
        stored_name=name,
        caption_en=text.prose(caption_en, "caption_en", longest=300),
        caption_zh=text.prose(caption_zh, "caption_zh", longest=300),
    )
    session.add(picture)
    db.flush(session)
    return picture


def find_article(session: Session, code: str) -> GuidanceArticle:
    """Return an article."""
    found = session.get(GuidanceArticle, code[: text.CODE])
    if found is None:
        raise NotFound("there is no such article")
    return found


def articles(session: Session) -> Sequence[GuidanceArticle]:
    """Return every article by code."""
    return session.scalars(select(GuidanceArticle).order_by(GuidanceArticle.code)).all()


def pictures_of(session: Session, code: str) -> Sequence[GuidancePicture]:
    """Return an article's pictures in order."""
    statement = select(GuidancePicture).where(GuidancePicture.article_code == code)
    return session.scalars(statement.order_by(GuidancePicture.position)).all()


def picture_at(session: Session, code: str, position: int) -> GuidancePicture:
    """Return one picture of an article."""
    found = next((row for row in pictures_of(session, code) if row.position == position), None)
    if found is None:
        raise NotFound("there is no such picture")
    return found


def bytes_of(picture: GuidancePicture, directory: Path) -> bytes:
    """Return a picture as it is stored."""
    return stored_bytes(directory, picture.stored_name, f"picture {picture.position}", sha256=picture.sha256)
