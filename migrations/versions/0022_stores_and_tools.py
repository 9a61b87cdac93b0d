"""A store for every territory, movements with two ends, parts and tools from hand to hand."""

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
    _units()
    _tools()


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


def _units() -> None:
    op.add_column("part", sa.Column("is_serialised", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column("part", "is_serialised", server_default=None)
    op.add_column("part", sa.Column("core_since", MOMENT, nullable=True))
    op.create_table(
        "part_unit",
        sa.Column("part_id", sa.Uuid(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=True),
        sa.Column("territory_id", sa.Uuid(), nullable=True),
        sa.Column("gone_to", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "num_nonnulls(technician_id, territory_id, gone_to) = 1", name=op.f("ck_part_unit_place")
        ),
        sa.CheckConstraint("gone_to in ('customer', 'scrap', 'count')", name=op.f("ck_part_unit_gone_to")),
        sa.ForeignKeyConstraint(["part_id"], ["part.id"], name=op.f("fk_part_unit_part_id")),
        sa.ForeignKeyConstraint(
            ["technician_id"], ["technician.id"], name=op.f("fk_part_unit_technician_id")
        ),
        sa.ForeignKeyConstraint(["territory_id"], ["territory.id"], name=op.f("fk_part_unit_territory_id")),
        sa.PrimaryKeyConstraint("part_id", "serial", name=op.f("pk_part_unit")),
    )
    op.create_index("ix_part_unit_technician_id", "part_unit", ["technician_id"])
    op.create_index("ix_part_unit_territory_id", "part_unit", ["territory_id"])
    op.create_table(
        "core_receipt",
        sa.Column("part_use_id", sa.Uuid(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("received_by", sa.Uuid(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.CheckConstraint("result in ('received', 'waived')", name=op.f("ck_core_receipt_result")),
        sa.CheckConstraint("result = 'received' or note is not null", name=op.f("ck_core_receipt_note")),
        sa.ForeignKeyConstraint(["part_use_id"], ["part_use.id"], name=op.f("fk_core_receipt_part_use_id")),
        sa.PrimaryKeyConstraint("part_use_id", name=op.f("pk_core_receipt")),
    )


def _tools() -> None:
    op.create_table(
        "tool",
        sa.Column("territory_id", sa.Uuid(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("calibrated_until", sa.Date(), nullable=True),
        sa.Column("keeper_id", sa.Uuid(), nullable=True),
        sa.Column("is_retired", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["territory_id"], ["territory.id"], name=op.f("fk_tool_territory_id")),
        sa.ForeignKeyConstraint(["keeper_id"], ["technician.id"], name=op.f("fk_tool_keeper_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tool")),
        sa.UniqueConstraint("serial", name=op.f("uq_tool_serial")),
    )
    op.create_index(op.f("ix_tool_territory_id"), "tool", ["territory_id"])
    op.create_index(op.f("ix_tool_keeper_id"), "tool", ["keeper_id"])
    op.create_table(
        "tool_handover",
        sa.Column("tool_id", sa.Uuid(), nullable=False),
        sa.Column("giver_id", sa.Uuid(), nullable=True),
        sa.Column("taker_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("handed_by", sa.Uuid(), nullable=False),
        sa.Column("handed_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state in ('handed', 'accepted', 'declined')", name=op.f("ck_tool_handover_state")
        ),
        sa.CheckConstraint("giver_id is distinct from taker_id", name=op.f("ck_tool_handover_ends")),
        sa.ForeignKeyConstraint(["tool_id"], ["tool.id"], name=op.f("fk_tool_handover_tool_id")),
        sa.ForeignKeyConstraint(["giver_id"], ["technician.id"], name=op.f("fk_tool_handover_giver_id")),
        sa.ForeignKeyConstraint(["taker_id"], ["technician.id"], name=op.f("fk_tool_handover_taker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tool_handover")),
    )
    op.create_index("ix_tool_handover_tool_id", "tool_handover", ["tool_id"])
    op.create_index(
        "uq_tool_handover_open",
        "tool_handover",
        ["tool_id"],
        unique=True,
        postgresql_where=sa.text("state = 'handed'"),
    )


def downgrade() -> None:
    """Forget stores, transfers, tools, and the movements of stores."""
    op.drop_table("tool_handover")
    op.drop_table("tool")
    op.drop_table("core_receipt")
    op.drop_table("part_unit")
    for name in ("core_since", "is_serialised"):
        op.drop_column("part", name)
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
