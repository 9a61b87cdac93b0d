"""Crews: a visit of its own for each member, tied to the leader's; windows held for a crew (R-203, R-501)."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


SCHEDULE = """
    insert into schedule (
        name, kind, timezone, minute_of_day, day_offset, catch_up_days, payload, is_active, every_minutes
    )
    values ('release-seats', 'work_orders.release_seats', 'UTC', 0, 0, 0, '{}', true, 60)
"""


def upgrade() -> None:
    """Add seats; every visit so far goes alone."""
    op.add_column("visit", sa.Column("seat", sa.Integer(), nullable=False, server_default="0"))
    op.alter_column("visit", "seat", server_default=None)
    op.add_column("visit", sa.Column("leader_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_visit_leader_id"), "visit", "visit", ["leader_id"], ["id"])
    op.create_check_constraint(op.f("ck_visit_seat"), "visit", "(leader_id is null) = (seat = 0)")
    op.create_index(
        "ix_visit_leader_id", "visit", ["leader_id"], postgresql_where=sa.text("leader_id is not null")
    )
    op.drop_constraint(op.f("uq_visit_work_order_id_attempt"), "visit")
    op.create_unique_constraint(
        op.f("uq_visit_work_order_id_attempt_seat"), "visit", ["work_order_id", "attempt", "seat"]
    )
    op.execute(SCHEDULE)
    op.add_column("slot_hold", sa.Column("crew_size", sa.Integer(), nullable=False, server_default="1"))
    op.alter_column("slot_hold", "crew_size", server_default=None)
    op.create_check_constraint(op.f("ck_slot_hold_crew_size"), "slot_hold", "crew_size between 1 and 4")


def downgrade() -> None:
    """Forget seats; refused while crews exist, whose members would become further attempts."""
    op.execute("delete from schedule where name = 'release-seats'")
    op.drop_constraint(op.f("ck_slot_hold_crew_size"), "slot_hold")
    op.drop_column("slot_hold", "crew_size")
    op.drop_constraint(op.f("uq_visit_work_order_id_attempt_seat"), "visit")
    op.create_unique_constraint(op.f("uq_visit_work_order_id_attempt"), "visit", ["work_order_id", "attempt"])
    op.drop_index("ix_visit_leader_id", "visit")
    op.drop_constraint(op.f("ck_visit_seat"), "visit")
    op.drop_constraint(op.f("fk_visit_leader_id"), "visit")
    op.drop_column("visit", "leader_id")
    op.drop_column("visit", "seat")
