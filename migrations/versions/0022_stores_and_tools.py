"""A store for every territory, movements with two ends, and parts from hand to hand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
OTHER_END = """case when other_technician_id is not null then 'van'
    when other_territory_id is not null then 'store'
    when reason = 'loaded' then 'supplier' when reason = 'counted' then 'count'
    when reason = 'scrapped' then 'scrap' else 'customer' end"""


def upgrade() -> None:
    """Every store is empty; what moved before is a van's, its other end follows from its reason."""
    _store_stock()
    _movements()
    _transfers()
    _levels()
    _counts()
    _orders()


def _store_stock() -> None:
    op.create_table(
        "store_stock",
        sa.Column("territory_id", sa.Uuid(), nullable=False),
        sa.Column("part_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["territory_id"], ["territory.id"], name=op.f("fk_store_stock_territory_id")),
        sa.ForeignKeyConstraint(["part_id"], ["part.id"], name=op.f("fk_store_stock_part_id")),
        sa.PrimaryKeyConstraint("territory_id", "part_id", name=op.f("pk_store_stock")),
    )


def _movements() -> None:
    op.alter_column("stock_movement", "technician_id", nullable=True)
    for name, target in (
        ("territory_id", "territory"),
        ("other_technician_id", "technician"),
        ("other_territory_id", "territory"),
    ):
        op.add_column("stock_movement", sa.Column(name, sa.Uuid(), nullable=True))
        op.create_foreign_key(op.f(f"fk_stock_movement_{name}"), "stock_movement", target, [name], ["id"])
    op.add_column("stock_movement", sa.Column("note", sa.Text(), nullable=True))
    op.add_column("stock_movement", sa.Column("recorded_by", sa.Uuid(), nullable=True))
    op.execute(
        "alter table stock_movement add column other_end text not null"
        f" generated always as ({OTHER_END}) stored"
    )
    op.create_check_constraint(
        op.f("ck_stock_movement_place"),
        "stock_movement",
        "(technician_id is null) <> (territory_id is null)",
    )
    op.create_index("ix_stock_movement_territory_id_moved_at", "stock_movement", ["territory_id", "moved_at"])


def _transfers() -> None:
    op.create_table(
        "part_transfer",
        sa.Column("territory_id", sa.Uuid(), nullable=False),
        sa.Column("part_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=True),
        sa.Column("serial", sa.Text(), nullable=True),
        sa.Column("giver_id", sa.Uuid(), nullable=True),
        sa.Column("taker_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("handed_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state in ('asked', 'handed', 'confirmed', 'declined')", name=op.f("ck_part_transfer_state")
        ),
        sa.CheckConstraint("giver_id is distinct from taker_id", name=op.f("ck_part_transfer_ends")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_part_transfer_quantity")),
        sa.ForeignKeyConstraint(
            ["territory_id"], ["territory.id"], name=op.f("fk_part_transfer_territory_id")
        ),
        sa.ForeignKeyConstraint(["part_id"], ["part.id"], name=op.f("fk_part_transfer_part_id")),
        sa.ForeignKeyConstraint(["giver_id"], ["technician.id"], name=op.f("fk_part_transfer_giver_id")),
        sa.ForeignKeyConstraint(["taker_id"], ["technician.id"], name=op.f("fk_part_transfer_taker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_part_transfer")),
    )
    op.create_index(
        "ix_part_transfer_open",
        "part_transfer",
        ["territory_id"],
        postgresql_where=sa.text("state in ('asked', 'handed')"),
    )


def _levels() -> None:
    for table in ("van_stock", "store_stock"):
        for name in ("minimum", "target"):
            op.add_column(table, sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
            op.alter_column(table, name, server_default=None)


def _counts() -> None:
    op.create_table(
        "stock_count",
        sa.Column("technician_id", sa.Uuid(), nullable=True),
        sa.Column("territory_id", sa.Uuid(), nullable=True),
        sa.Column("part_id", sa.Uuid(), nullable=False),
        sa.Column("expected", sa.Integer(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("counted_by", sa.Uuid(), nullable=False),
        sa.Column("counted_at", MOMENT, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("counted >= 0", name=op.f("ck_stock_count_counted")),
        sa.CheckConstraint(
            "(technician_id is null) <> (territory_id is null)", name=op.f("ck_stock_count_place")
        ),
        sa.CheckConstraint("counted = expected or reason is not null", name=op.f("ck_stock_count_reason")),
        sa.ForeignKeyConstraint(
            ["technician_id"], ["technician.id"], name=op.f("fk_stock_count_technician_id")
        ),
        sa.ForeignKeyConstraint(["territory_id"], ["territory.id"], name=op.f("fk_stock_count_territory_id")),
        sa.ForeignKeyConstraint(["part_id"], ["part.id"], name=op.f("fk_stock_count_part_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_count")),
    )


def _orders() -> None:
    op.create_table(
        "part_order",
        sa.Column("territory_id", sa.Uuid(), nullable=False),
        sa.Column("part_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("ordered_by", sa.Uuid(), nullable=False),
        sa.Column("ordered_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("state in ('ordered', 'received', 'cancelled')", name=op.f("ck_part_order_state")),
        sa.CheckConstraint("quantity > 0 and received >= 0", name=op.f("ck_part_order_quantity")),
        sa.ForeignKeyConstraint(["territory_id"], ["territory.id"], name=op.f("fk_part_order_territory_id")),
        sa.ForeignKeyConstraint(["part_id"], ["part.id"], name=op.f("fk_part_order_part_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_part_order")),
    )
    op.create_index(
        "ix_part_order_open", "part_order", ["territory_id"], postgresql_where=sa.text("state = 'ordered'")
    )


def downgrade() -> None:
    """Forget stores, transfers, and the movements of stores."""
    op.drop_table("part_order")
    op.drop_table("stock_count")
    for name in ("minimum", "target"):
        op.drop_column("van_stock", name)
    op.drop_table("part_transfer")
    op.drop_index("ix_stock_movement_territory_id_moved_at", "stock_movement")
    op.drop_constraint(op.f("ck_stock_movement_place"), "stock_movement")
    op.execute("alter table stock_movement disable trigger refuse_change")
    op.execute("delete from stock_movement where technician_id is null")
    op.execute("alter table stock_movement enable trigger refuse_change")
    for name in (
        "other_end", "recorded_by", "note", "other_territory_id", "other_technician_id", "territory_id",
    ):  # fmt: skip
        op.drop_column("stock_movement", name)
    op.alter_column("stock_movement", "technician_id", nullable=False)
    op.drop_table("store_stock")
