"""Inquiries with their files, machines that report, guidance articles, and questions from the field."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
SCHEDULE = """
    insert into schedule (
        name, kind, timezone, minute_of_day, day_offset, catch_up_days, payload, is_active, every_minutes
    )
    values ('read-mailbox', 'intake.read_mailbox', 'UTC', 0, 0, 0, '{}', true, 2)
"""


def upgrade() -> None:
    """Nothing has come in; the mailbox is read every other minute where one is set up."""
    _sources()
    _inquiries()
    _articles()
    _questions()
    op.execute(SCHEDULE)


def _sources() -> None:
    op.create_table(
        "intake_source",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key_sha256", sa.Text(), nullable=False),
        sa.Column("template_code", sa.Text(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind in ('telephony', 'alarm')", name=op.f("ck_intake_source_kind")),
        sa.ForeignKeyConstraint(
            ["template_code"], ["problem_template.code"], name=op.f("fk_intake_source_template_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intake_source")),
        sa.UniqueConstraint("code", name=op.f("uq_intake_source_code")),
        sa.UniqueConstraint("key_sha256", name=op.f("uq_intake_source_key_sha256")),
    )


def _inquiries() -> None:
    op.create_table(
        "inquiry",
        sa.Column("serial", sa.Integer(), sa.Identity(start=1), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("territory_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("asset_serial", sa.Text(), nullable=True),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("handled_by", sa.Uuid(), nullable=True),
        sa.Column("handled_at", MOMENT, nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("state in ('new', 'registered', 'dismissed')", name=op.f("ck_inquiry_state")),
        sa.CheckConstraint("received_at >= requested_at", name=op.f("ck_inquiry_received")),
        sa.ForeignKeyConstraint(["territory_id"], ["territory.id"], name=op.f("fk_inquiry_territory_id")),
        sa.ForeignKeyConstraint(["call_id"], ["repair_call.id"], name=op.f("fk_inquiry_call_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inquiry")),
        sa.UniqueConstraint("serial", name=op.f("uq_inquiry_serial")),
        sa.UniqueConstraint("source", "external_id", name=op.f("uq_inquiry_source_external_id")),
    )
    op.create_index("ix_inquiry_state", "inquiry", ["state", "requested_at"])
    op.create_index(op.f("ix_inquiry_territory_id"), "inquiry", ["territory_id"])
    op.create_index(op.f("ix_inquiry_call_id"), "inquiry", ["call_id"])
    op.create_table(
        "inquiry_file",
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("stored_name", sa.Text(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["inquiry_id"], ["inquiry.id"], name=op.f("fk_inquiry_file_inquiry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inquiry_file")),
        sa.UniqueConstraint("inquiry_id", "sha256", name=op.f("uq_inquiry_file_inquiry_id_sha256")),
        sa.UniqueConstraint("stored_name", name=op.f("uq_inquiry_file_stored_name")),
    )


def _articles() -> None:
    op.create_table(
        "guidance_article",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("body_en", sa.Text(), nullable=False),
        sa.Column("body_zh", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_guidance_article")),
    )
    op.create_table(
        "guidance_picture",
        sa.Column("article_code", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("stored_name", sa.Text(), nullable=False),
        sa.Column("caption_en", sa.Text(), nullable=False),
        sa.Column("caption_zh", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_code"], ["guidance_article.code"], name=op.f("fk_guidance_picture_article_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guidance_picture")),
        sa.UniqueConstraint(
            "article_code", "position", name=op.f("uq_guidance_picture_article_code_position")
        ),
    )
    for table in ("problem_template", "assessment"):
        op.add_column(table, sa.Column("article_code", sa.Text(), nullable=True))
        op.create_foreign_key(
            op.f(f"fk_{table}_article_code"), table, "guidance_article", ["article_code"], ["code"]
        )


def _questions() -> None:
    op.create_table(
        "field_question",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("checking_at", MOMENT, nullable=True),
        sa.Column("checking_by", sa.Uuid(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("due_at >= asked_at", name=op.f("ck_field_question_due")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_field_question_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_question")),
    )
    op.create_index(op.f("ix_field_question_visit_id"), "field_question", ["visit_id"])


def downgrade() -> None:
    """Forget what came in, what was asked, and the articles."""
    op.execute("delete from schedule where name = 'read-mailbox'")
    op.drop_table("field_question")
    for table in ("assessment", "problem_template"):
        op.drop_column(table, "article_code")
    op.drop_table("guidance_picture")
    op.drop_table("guidance_article")
    op.drop_table("inquiry_file")
    op.drop_table("inquiry")
    op.drop_table("intake_source")
