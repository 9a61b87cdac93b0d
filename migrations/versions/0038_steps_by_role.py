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


def upgrade() -> None:
    """Nobody is told of the same limit twice, whatever percentage counts meanwhile."""
    op.drop_constraint(op.f(BY_PERCENT), TABLE)
    op.create_unique_constraint(op.f(BY_ROLE), TABLE, ["work_order_id", "kind", "role"])


def downgrade() -> None:
    """Once at each percentage; where two steps have the same one, the later is forgotten."""
    op.execute(
        "delete from service_step later using service_step sooner"
        " where later.work_order_id = sooner.work_order_id and later.kind = sooner.kind"
        " and later.percent = sooner.percent and later.id > sooner.id"
    )
    op.drop_constraint(op.f(BY_ROLE), TABLE)
    op.create_unique_constraint(op.f(BY_PERCENT), TABLE, ["work_order_id", "kind", "percent"])
