"""Steps of escalation go by whose business an order is, so that their percentages can be house rules."""

from __future__ import annotations

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

TABLE = "service_step"
BY_PERCENT, BY_ROLE = (
    "uq_service_step_work_order_id_kind_percent",
    "uq_service_step_work_order_id_kind_role",
)
PERCENT = {"dispatcher": "50", "supervisor": "80", "admin": "100"}
"""What the rule book says, and all there was before."""


def upgrade() -> None:
    """Nobody is told of the same limit twice, whatever percentage counts meanwhile."""
    op.drop_constraint(op.f(BY_PERCENT), TABLE)
    op.create_unique_constraint(op.f(BY_ROLE), TABLE, ["work_order_id", "kind", "role"])
    _rename_reminders({percent: role for role, percent in PERCENT.items()})


def downgrade() -> None:
    """Everybody was told at the percentage of the rule book, so that nobody is told again."""
    _rename_reminders(PERCENT)
    op.drop_constraint(op.f(BY_ROLE), TABLE)
    cases = " ".join(f"when '{role}' then {percent}" for role, percent in PERCENT.items())
    op.execute(f"update {TABLE} set percent = case role {cases} end")
    op.create_unique_constraint(op.f(BY_PERCENT), TABLE, ["work_order_id", "kind", "percent"])


def _rename_reminders(names: dict[str, str]) -> None:
    """The subject of a reminder is the order, the limit, and the step, which has another name."""
    step = "split_part(subject, ':', 3)"
    cases = " ".join(f"when '{old}' then '{new}'" for old, new in names.items())
    op.execute(
        "update office_reminder set subject = concat_ws(':', split_part(subject, ':', 1),"
        f" split_part(subject, ':', 2), case {step} {cases} else {step} end) where kind = 'service_step'"
    )
