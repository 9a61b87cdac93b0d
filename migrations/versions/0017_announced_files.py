"""Files announced before their bytes, bytes on their way, and unsent work of revoked phones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
SCHEDULE = """
    insert into schedule (
        name, kind, timezone, minute_of_day, day_offset, catch_up_days, payload, is_active, every_minutes
    )
    values
        ('tidy-up-sync', 'sync.tidy_up', 'UTC', 200, 0, 0, '{}', true, null),
        ('decide-held', 'sync.decide_held', 'UTC', 0, 0, 0, '{}', true, 60)
"""


def upgrade() -> None:
    """Nothing is announced yet."""
    op.create_table(
        "declared_file",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("caption", sa.Text(), nullable=False),
        sa.Column("declared_by", sa.Uuid(), nullable=True),
        sa.Column("declared_at", MOMENT, nullable=False),
        sa.Column("op_id", sa.Uuid(), nullable=True),
        sa.Column("attachment_id", sa.Uuid(), nullable=True),
        sa.Column("given_up_at", MOMENT, nullable=True),
        sa.Column("given_up_by", sa.Uuid(), nullable=True),
        sa.Column("given_up_reason", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("size_bytes > 0", name=op.f("ck_declared_file_size")),
        sa.CheckConstraint(
            "attachment_id is null or given_up_at is null", name=op.f("ck_declared_file_settled_once")
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_declared_file_visit_id")),
        sa.ForeignKeyConstraint(
            ["attachment_id"], ["attachment.id"], name=op.f("fk_declared_file_attachment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_declared_file")),
        sa.UniqueConstraint("visit_id", "sha256", name=op.f("uq_declared_file_visit_id_sha256")),
        sa.UniqueConstraint("op_id", name=op.f("uq_declared_file_op_id")),
    )
    op.create_table(
        "sync_upload",
        sa.Column("declared_file_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.Column("stored_name", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("received between 0 and length", name=op.f("ck_sync_upload_received")),
        sa.ForeignKeyConstraint(
            ["declared_file_id"], ["declared_file.id"], name=op.f("fk_sync_upload_declared_file_id")
        ),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_sync_upload_device_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_upload")),
        sa.UniqueConstraint("declared_file_id", name=op.f("uq_sync_upload_declared_file_id")),
    )
    op.create_index("ix_sync_upload_expires_at", "sync_upload", ["expires_at"])
    _quarantine()
    op.execute(SCHEDULE)


def _quarantine() -> None:
    op.create_table(
        "sync_quarantine",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("operations", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "decision in ('admitted', 'dismissed', 'expired')", name=op.f("ck_sync_quarantine_decision")
        ),
        sa.CheckConstraint(
            "(decision is null) = (decided_at is null)", name=op.f("ck_sync_quarantine_decided")
        ),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_sync_quarantine_device_id")),
        sa.ForeignKeyConstraint(
            ["technician_id"], ["technician.id"], name=op.f("fk_sync_quarantine_technician_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_quarantine")),
        sa.UniqueConstraint("device_id", "sha256", name=op.f("uq_sync_quarantine_device_id_sha256")),
    )
    op.create_index(op.f("ix_sync_quarantine_technician_id"), "sync_quarantine", ["technician_id"])


def downgrade() -> None:
    """Forget announcements; files that arrived stay."""
    op.execute("delete from schedule where name in ('tidy-up-sync', 'decide-held')")
    op.drop_table("sync_quarantine")
    op.drop_table("sync_upload")
    op.drop_table("declared_file")
