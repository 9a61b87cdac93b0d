"""Checklists and answers, consents, advised work, code lists, breaks: the visit's record in full."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """What findings advised until now becomes open advised work, once for each visit and text."""
    _checklists()
    _findings()
    _on_site()
    _breaks()
    op.execute(
        """
        insert into advised_work (id, visit_id, site_id, asset_id, words, is_danger, state, advised_at)
        select gen_random_uuid(), v.id, o.site_id, o.asset_id, advice.words, false, 'open', f.recorded_at
        from (
            select distinct on (visit_id) visit_id, advised, recorded_at
            from finding order by visit_id, recorded_at desc, id desc
        ) f
        join visit v on v.id = f.visit_id
        join work_order o on o.id = v.work_order_id
        cross join lateral (select distinct jsonb_array_elements_text(f.advised) as words) advice
        """
    )


def _checklists() -> None:
    op.create_table(
        "checklist",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("questions", JSONB(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint("revision > 0", name=op.f("ck_checklist_revision")),
        sa.PrimaryKeyConstraint("code", "revision", name=op.f("pk_checklist")),
    )
    op.create_table(
        "checklist_answer",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("value", JSONB(), nullable=False),
        sa.Column("is_out_of_limits", sa.Boolean(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=True),
        sa.Column("install_epoch", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("answered_at", MOMENT, nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.Column("op_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["code", "revision"],
            ["checklist.code", "checklist.revision"],
            name=op.f("fk_checklist_answer_code_revision"),
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_checklist_answer_visit_id")),
        sa.ForeignKeyConstraint(
            ["technician_id"], ["technician.id"], name=op.f("fk_checklist_answer_technician_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checklist_answer")),
        sa.UniqueConstraint("op_id", name=op.f("uq_checklist_answer_op_id")),
    )
    op.create_index("ix_checklist_answer_visit_id", "checklist_answer", ["visit_id"])
    for table in ("visit", "problem_template"):
        op.add_column(table, sa.Column("checklists", JSONB(), nullable=False, server_default="[]"))
        op.alter_column(table, "checklists", server_default=None)


def _findings() -> None:
    for name in ("dangers", "touched"):
        op.add_column("finding", sa.Column(name, JSONB(), nullable=False, server_default="[]"))
        op.alter_column("finding", name, server_default=None)
    for name in ("fault_code", "cause_code", "action_code"):
        op.add_column("finding", sa.Column(name, sa.Text(), nullable=True))
    op.create_table(
        "service_code",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("kind in ('fault', 'cause', 'action')", name=op.f("ck_service_code_kind")),
        sa.PrimaryKeyConstraint("kind", "code", name=op.f("pk_service_code")),
    )


def _on_site() -> None:
    op.create_table(
        "consent",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("equipment", sa.Text(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("shown_sha256", sa.Text(), nullable=False),
        sa.Column("signed_by_name", sa.Text(), nullable=False),
        sa.Column("signature_path", sa.Text(), nullable=False),
        sa.Column("signed_at", MOMENT, nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.Column("op_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_consent_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
        sa.UniqueConstraint("op_id", name=op.f("uq_consent_op_id")),
    )
    op.create_index(op.f("ix_consent_visit_id"), "consent", ["visit_id"])
    op.create_table(
        "advised_work",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("is_danger", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("advised_at", MOMENT, nullable=False),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.Column("settled_by", sa.Uuid(), nullable=True),
        sa.Column("settled_visit_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("op_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state in ('open', 'done', 'declined', 'replaced')", name=op.f("ck_advised_work_state")
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_advised_work_visit_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_advised_work_site_id")),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_advised_work_asset_id")),
        sa.ForeignKeyConstraint(
            ["settled_visit_id"], ["visit.id"], name=op.f("fk_advised_work_settled_visit_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_advised_work")),
    )
    op.create_index(op.f("ix_advised_work_visit_id"), "advised_work", ["visit_id"])
    op.create_index("ix_advised_work_site_id_state", "advised_work", ["site_id", "state"])


def _breaks() -> None:
    op.create_table(
        "break_taken",
        sa.Column("technician_id", sa.Uuid(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("op_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("ended_at >= started_at", name=op.f("ck_break_taken_order")),
        sa.ForeignKeyConstraint(
            ["technician_id"], ["technician.id"], name=op.f("fk_break_taken_technician_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_break_taken")),
        sa.UniqueConstraint("op_id", name=op.f("uq_break_taken_op_id")),
    )
    op.create_index("ix_break_taken_technician_id_started_at", "break_taken", ["technician_id", "started_at"])


def downgrade() -> None:
    """Forget what is only kept here; findings keep their own words."""
    for table in ("break_taken", "advised_work", "consent", "service_code"):
        op.drop_table(table)
    for name in ("action_code", "cause_code", "fault_code", "touched", "dangers"):
        op.drop_column("finding", name)
    for table in ("problem_template", "visit"):
        op.drop_column(table, "checklists")
    op.drop_table("checklist_answer")
    op.drop_table("checklist")
