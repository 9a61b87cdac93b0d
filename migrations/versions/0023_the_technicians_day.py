"""Both sides of a hand-in, supplements and the keeper's account; positions of technicians on duty."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
FROZEN = ("hand_in_payment", "hand_in_receipt", "hand_in_word", "keeper_entry", "location_notice")
SCHEDULE = """
    insert into schedule (
        name, kind, timezone, minute_of_day, day_offset, catch_up_days, payload, is_active, every_minutes
    )
    values ('chase-hand-ins', 'hand_ins.chase', 'UTC', 0, 0, 0, '{}', true, 15),
           ('fade-positions', 'locations.fade', 'UTC', 150, 0, 0, '{}', true, null)
"""
COVERED = """
    insert into hand_in_payment (payment_id, hand_in_id)
    select payment.id, hand_in.id
    from hand_in
    join technician on technician.id = hand_in.technician_id
    join territory on territory.id = technician.territory_id
    join payment on payment.collected_by_technician_id = technician.id
    where (payment.received_at at time zone territory.timezone)::date = hand_in.day
      and payment.recorded_at <= hand_in.handed_in_at
"""
BOOKED = """
    insert into keeper_entry (id, technician_id, hand_in_id, kind, method, currency, amount_minor, reason,
                              booked_by, booked_at, source)
    select gen_random_uuid(), hand_in.technician_id, hand_in.id, booked.kind, row ->> 'method',
           row ->> 'currency', booked.amount, '', hand_in.received_by, hand_in.handed_in_at,
           booked.kind || ':' || hand_in.id || ':' || (row ->> 'method')
    from hand_in, jsonb_array_elements(hand_in.money) as row,
         lateral (values ('handed_in', (row ->> 'counted_minor')::bigint),
                         ('difference', -(row ->> 'difference_minor')::bigint)) as booked (kind, amount)
    where booked.amount <> 0
"""


def upgrade() -> None:
    """Days that were handed in are closed, and their money is booked as it was counted."""
    _sides()
    op.create_table(
        "hand_in_payment",
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("hand_in_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_hand_in_payment_payment_id")),
        sa.ForeignKeyConstraint(["hand_in_id"], ["hand_in.id"], name=op.f("fk_hand_in_payment_hand_in_id")),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_hand_in_payment")),
    )
    op.create_index(op.f("ix_hand_in_payment_hand_in_id"), "hand_in_payment", ["hand_in_id"])
    _receipt()
    _word()
    _entry()
    _positions()
    op.execute(COVERED)
    op.execute(BOOKED)
    for table in FROZEN:
        op.execute(
            f"create trigger refuse_change before update or delete on {table}"
            " for each row execute function refuse_change()"
        )
    op.execute(SCHEDULE)


def _sides() -> None:
    op.add_column("hand_in", sa.Column("state", sa.Text(), nullable=False, server_default="closed"))
    op.add_column("hand_in", sa.Column("supplement", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("hand_in", sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("hand_in", sa.Column("vouchers", postgresql.JSONB(), nullable=False, server_default="[]"))
    for column in ("state", "supplement", "version", "vouchers"):
        op.alter_column("hand_in", column, server_default=None)
    op.add_column("hand_in", sa.Column("closed_at", MOMENT, nullable=True))
    for column in ("signed_by_name", "signature_path", "shown_sha256"):
        op.add_column("hand_in", sa.Column(column, sa.Text(), nullable=True))
    op.execute("update hand_in set closed_at = handed_in_at")
    op.create_check_constraint(
        op.f("ck_hand_in_state"), "hand_in", "state in ('handed_in', 'received', 'disputed', 'closed')"
    )
    op.drop_constraint(op.f("uq_hand_in_technician_id_day"), "hand_in")
    op.create_unique_constraint(
        op.f("uq_hand_in_technician_id_day_supplement"), "hand_in", ["technician_id", "day", "supplement"]
    )


def _receipt() -> None:
    op.create_table(
        "hand_in_receipt",
        sa.Column("hand_in_id", sa.Uuid(), nullable=False),
        sa.Column("received_by", sa.Uuid(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("money", postgresql.JSONB(), nullable=False),
        sa.Column("stock", postgresql.JSONB(), nullable=False),
        sa.Column("missing", postgresql.JSONB(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("signed_by_name", sa.Text(), nullable=False),
        sa.Column("signature_path", sa.Text(), nullable=True),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("shown_sha256", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["hand_in_id"], ["hand_in.id"], name=op.f("fk_hand_in_receipt_hand_in_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hand_in_receipt")),
        sa.UniqueConstraint("hand_in_id", name=op.f("uq_hand_in_receipt_hand_in_id")),
    )


def _word() -> None:
    op.create_table(
        "hand_in_word",
        sa.Column("hand_in_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("said_by", sa.Uuid(), nullable=True),
        sa.Column("said_at", MOMENT, nullable=False),
        sa.Column("stands", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("signed_by_name", sa.Text(), nullable=True),
        sa.Column("signature_path", sa.Text(), nullable=True),
        sa.Column("op_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind in ('accepted', 'disputed', 'decided')", name=op.f("ck_hand_in_word_kind")),
        sa.CheckConstraint(
            "(kind = 'decided') = (stands is not null)", name=op.f("ck_hand_in_word_decision")
        ),
        sa.ForeignKeyConstraint(["hand_in_id"], ["hand_in.id"], name=op.f("fk_hand_in_word_hand_in_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hand_in_word")),
        sa.UniqueConstraint("hand_in_id", "kind", name=op.f("uq_hand_in_word_hand_in_id_kind")),
        sa.UniqueConstraint("op_id", name=op.f("uq_hand_in_word_op_id")),
    )


def _entry() -> None:
    op.create_table(
        "keeper_entry",
        sa.Column("technician_id", sa.Uuid(), nullable=False),
        sa.Column("hand_in_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("booked_by", sa.Uuid(), nullable=True),
        sa.Column("booked_at", MOMENT, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "kind in ('handed_in', 'difference', 'settled')", name=op.f("ck_keeper_entry_kind")
        ),
        sa.CheckConstraint("amount_minor <> 0", name=op.f("ck_keeper_entry_amount")),
        sa.ForeignKeyConstraint(
            ["technician_id"], ["technician.id"], name=op.f("fk_keeper_entry_technician_id")
        ),
        sa.ForeignKeyConstraint(["hand_in_id"], ["hand_in.id"], name=op.f("fk_keeper_entry_hand_in_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keeper_entry")),
        sa.UniqueConstraint("source", name=op.f("uq_keeper_entry_source")),
    )
    op.create_index("ix_keeper_entry_technician_id", "keeper_entry", ["technician_id", "id"])


def _positions() -> None:
    technician = ["technician_id"], ["technician.id"]
    op.create_table(
        "position",
        sa.Column("technician_id", sa.Uuid(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("latitude", sa.Float(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=False),
        sa.Column("accuracy_metres", sa.Integer(), nullable=True),
        sa.Column("is_coarse", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "latitude between -90 and 90 and longitude between -180 and 180", name=op.f("ck_position_globe")
        ),
        sa.ForeignKeyConstraint(*technician, name=op.f("fk_position_technician_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_position")),
        sa.UniqueConstraint("technician_id", "at", name=op.f("uq_position_technician_id_at")),
    )
    op.create_index("ix_position_at", "position", ["at"])
    op.create_table(
        "location_off",
        sa.Column("technician_id", sa.Uuid(), nullable=False),
        sa.Column("off_at", MOMENT, nullable=False),
        sa.Column("on_at", MOMENT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("on_at >= off_at", name=op.f("ck_location_off_order")),
        sa.ForeignKeyConstraint(*technician, name=op.f("fk_location_off_technician_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_location_off")),
    )
    op.create_index("ix_location_off_technician_id_off_at", "location_off", ["technician_id", "off_at"])
    op.create_table(
        "location_notice",
        sa.Column("technician_id", sa.Uuid(), nullable=False),
        sa.Column("told_at", MOMENT, nullable=False),
        sa.Column("told_by", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(*technician, name=op.f("fk_location_notice_technician_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_location_notice")),
        sa.UniqueConstraint("technician_id", name=op.f("uq_location_notice_technician_id")),
    )


def downgrade() -> None:
    """Forget positions, the cashier's side, supplements and the accounts."""
    op.execute("delete from schedule where name in ('chase-hand-ins', 'fade-positions')")
    op.execute("delete from office_reminder where kind in ('hand_in', 'open_hand_in', 'custody')")
    for table in ("location_notice", "location_off", "position"):
        op.drop_table(table)
    for table in ("keeper_entry", "hand_in_word", "hand_in_receipt", "hand_in_payment"):
        op.drop_table(table)
    op.execute("alter table hand_in disable trigger refuse_delete")
    op.execute("delete from hand_in where supplement > 0")
    op.execute("alter table hand_in enable trigger refuse_delete")
    op.drop_constraint(op.f("uq_hand_in_technician_id_day_supplement"), "hand_in")
    op.create_unique_constraint(op.f("uq_hand_in_technician_id_day"), "hand_in", ["technician_id", "day"])
    op.drop_constraint(op.f("ck_hand_in_state"), "hand_in")
    for column in ("shown_sha256", "signature_path", "signed_by_name", "closed_at"):
        op.drop_column("hand_in", column)
    for column in ("vouchers", "version", "supplement", "state"):
        op.drop_column("hand_in", column)
