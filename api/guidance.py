"""Guidance articles, for the office to write and for customers to read (R-202)."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.config import current_settings
from api.etags import changes, expected_version
from api.fields import Flag, Notes, Text, Whole
from api.idempotency import creates
from api.papers import file_answer, refuse_form_fields, serves, takes_files
from api.resource import Resource
from api.schemas import Joined, Schema, list_of
from api.session import current_session
from api.visit_papers import NewAttachment
from dispatch.calls import guidance
from dispatch.errors import NotFound
from dispatch.work_orders.attachments import MOST_BYTES, SUFFIX

resource = Resource("guidance", description="Articles that help a customer without a visit.")


class PictureShape(Schema):
    """A picture of an article, read at its position."""

    position = Whole(required=True)
    media_type = fields.String(required=True)
    caption_en = fields.String(required=True)
    caption_zh = fields.String(required=True)


class ArticleShape(Schema):
    """Words in both languages, and pictures in order."""

    code = fields.String(required=True)
    version = Whole(required=True)
    title_en = fields.String(required=True)
    title_zh = fields.String(required=True)
    body_en = fields.String(required=True)
    body_zh = fields.String(required=True)
    is_active = Flag(required=True)
    pictures = fields.List(fields.Nested(PictureShape), required=True)


class NewArticle(Schema):
    """An article in both languages."""

    code = Text(64, required=True)
    title_en = Text(required=True)
    title_zh = Text(required=True)
    body_en = Notes(guidance.LONGEST, required=True)
    body_zh = Notes(guidance.LONGEST, required=True)


class ArticleChanges(Schema):
    """What may change of an article; one out of use is shown to nobody."""

    title_en = Text()
    title_zh = Text()
    body_en = Notes(guidance.LONGEST)
    body_zh = Notes(guidance.LONGEST)
    is_active = Flag()


ArticleList = list_of(ArticleShape)


@resource.get("/guidance-articles")
@policy(*roles.READERS)
@resource.response(200, ArticleList)
def list_articles() -> object:
    """Every article by code."""
    return {"items": [_shown(article) for article in guidance.articles(current_session())]}


@resource.post("/guidance-articles")
@policy(*roles.JUDGES)
@creates
@resource.arguments(NewArticle)
@resource.response(201, ArticleShape)
def write_article(body: dict[str, Any]) -> object:
    """Write an article."""
    return _shown(guidance.write_article(current_session(), by=current_principal(), **body))


@resource.patch("/guidance-articles/<string:code>")
@policy(*roles.JUDGES)
@changes
@resource.arguments(ArticleChanges)
@resource.response(200, ArticleShape)
def change_article(body: dict[str, Any], code: str) -> object:
    """Rewrite an article or take it out of use."""
    session = current_session()
    article = guidance.find_article(session, code)
    changed = guidance.change_article(
        session, by=current_principal(), article=article, changes=body, expected_version=expected_version()
    )
    return _shown(changed)


@resource.post("/guidance-articles/<string:code>/pictures")
@policy(*roles.JUDGES)
@takes_files(MOST_BYTES)
@creates
@resource.arguments(NewAttachment, location="files")
@resource.response(201, PictureShape)
def add_picture(files: dict[str, Any], code: str) -> object:
    """Add a picture behind the others."""
    refuse_form_fields()
    session = current_session()
    return guidance.add_picture(
        session,
        by=current_principal(),
        article=guidance.find_article(session, code),
        content=files["file"].read(),
        directory=current_settings().attachments,
    )


@resource.get("/guidance-articles/<string:code>")
@policy.public
@resource.response(200, ArticleShape)
def read_article(code: str) -> object:
    """An article in use, for anybody who has its address."""
    return _shown(_in_use(code))


@resource.get("/guidance-articles/<string:code>/pictures/<int:position>")
@policy.public
@serves(resource, "image/*")
def read_picture(code: str, position: int) -> Response:
    """A picture of an article in use."""
    article = _in_use(code)
    found = guidance.picture_at(current_session(), article.code, position)
    content = guidance.bytes_of(found, current_settings().attachments)
    name = f"{article.code}-{position}{SUFFIX[found.media_type]}"
    return file_answer(content, name=name, media_type=found.media_type)


def _in_use(code: str) -> Any:
    article = guidance.find_article(current_session(), code)
    if not article.is_active:
        raise NotFound("there is no such article")
    return article


def _shown(article: Any) -> Joined:
    return Joined(article, pictures=guidance.pictures_of(current_session(), article.code))
