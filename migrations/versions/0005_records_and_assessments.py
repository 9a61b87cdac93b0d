"""What happened on site, and the supervisor's judgement."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = (
    "finding",
    "part_use",
    "approval",
    "service_report",
    "attachment",
    "review_case",
    "stored_document",
    "assessment",
)


def upgrade() -> None:
    """Create the tables in the order of their references."""
    _create_finding()
    _create_part_use()
    _create_approval()
    _create_service_report()
    _create_attachment()
    _create_review_case()
    _create_stored_document()
    _create_assessment()


def downgrade() -> None:
    """Drop them in reverse."""
    for table in reversed(TABLES):
        op.drop_table(table)


def _create_finding() -> None:
    op.create_table(
        "finding",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("measurements", postgresql.JSONB(), nullable=False),
        sa.Column("advised", postgresql.JSONB(), nullable=False),
        sa.Column("use_explained", sa.Boolean(), nullable=False),
        sa.Column("documents_handed_over", postgresql.JSONB(), nullable=False),
        sa.Column("is_tested", sa.Boolean(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("op_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_finding_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding")),
        sa.UniqueConstraint("op_id", name=op.f("uq_finding_op_id")),
    )
    op.create_index(op.f("ix_finding_visit_id"), "finding", ["visit_id"], unique=False)


def _create_part_use() -> None:
    op.create_table(
        "part_use",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("part_id", sa.Uuid(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=True),
        sa.Column("lot", sa.Text(), nullable=True),
        sa.Column("unapproved_reason", sa.Text(), nullable=True),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("voided_by", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("op_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("direction in ('in', 'out')", name=op.f("ck_part_use_direction")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_part_use_quantity")),
        sa.ForeignKeyConstraint(["part_id"], ["part.id"], name=op.f("fk_part_use_part_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_part_use_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_part_use")),
        sa.UniqueConstraint("op_id", name=op.f("uq_part_use_op_id")),
    )
    op.create_index(op.f("ix_part_use_visit_id"), "part_use", ["visit_id"], unique=False)


def _create_approval() -> None:
    op.create_table(
        "approval",
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("approved_by_name", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("op_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_approval_amount")),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_order.id"], name=op.f("fk_approval_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
        sa.UniqueConstraint("op_id", name=op.f("uq_approval_op_id")),
    )
    op.create_index(op.f("ix_approval_work_order_id"), "approval", ["work_order_id"], unique=False)


def _create_service_report() -> None:
    op.create_table(
        "service_report",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("shown_sha256", sa.Text(), nullable=False),
        sa.Column("signed_by_name", sa.Text(), nullable=True),
        sa.Column("signature_path", sa.Text(), nullable=True),
        sa.Column("waiver_reason", sa.Text(), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("op_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_service_report_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_report")),
        sa.UniqueConstraint("op_id", name=op.f("uq_service_report_op_id")),
        sa.UniqueConstraint("visit_id", "revision", name=op.f("uq_service_report_visit_id_revision")),
    )


def _create_attachment() -> None:
    op.create_table(
        "attachment",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("stored_name", sa.Text(), nullable=False),
        sa.Column("uploaded_by", sa.Uuid(), nullable=True),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_attachment_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
        sa.UniqueConstraint("visit_id", "sha256", name=op.f("uq_attachment_visit_id_sha256")),
    )


def _create_review_case() -> None:
    op.create_table(
        "review_case",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_review_case_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_case")),
    )
    op.create_index(op.f("ix_review_case_visit_id"), "review_case", ["visit_id"], unique=False)


def _create_stored_document() -> None:
    op.create_table(
        "stored_document",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_document")),
        sa.UniqueConstraint(
            "kind",
            "subject_id",
            "revision",
            "language",
            name=op.f("uq_stored_document_kind_subject_id_revision_language"),
        ),
    )


def _create_assessment() -> None:
    op.create_table(
        "assessment",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("assessed_by", sa.Uuid(), nullable=True),
        sa.Column("assessed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fault_class", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("fault_code", sa.Text(), nullable=False),
        sa.Column("skills", postgresql.JSONB(), nullable=False),
        sa.Column("certificates", postgresql.JSONB(), nullable=False),
        sa.Column("parts", postgresql.JSONB(), nullable=False),
        sa.Column("crew_size", sa.Integer(), nullable=False),
        sa.Column("duration_minutes", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("estimate_labour_minor", sa.Integer(), nullable=False),
        sa.Column("estimate_parts_minor", sa.Integer(), nullable=False),
        sa.Column("estimate_travel_minor", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("told_to_customer_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_accepted_by_customer", sa.Boolean(), nullable=False),
        sa.Column("resolution", sa.Text(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["repair_call.id"], name=op.f("fk_assessment_call_id")),
        sa.ForeignKeyConstraint(
            ["work_order_id"], ["work_order.id"], name=op.f("fk_assessment_work_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assessment")),
        sa.UniqueConstraint("call_id", name=op.f("uq_assessment_call_id")),
    )
