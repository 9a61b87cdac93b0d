"""What the database itself refuses: steps outside the table, changed promises, invoices and records."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

STEPS = (
    "unplanned>planned",
    "planned>published",
    "planned>unplanned",
    "published>unplanned",
    "published>accepted",
    "published>travelling",
    "accepted>travelling",
    "published>on_site",
    "accepted>on_site",
    "travelling>on_site",
    "on_site>working",
    "working>paused",
    "paused>working",
    "working>done",
    "paused>done",
    "travelling>no_access",
    "on_site>no_access",
    "unplanned>cancelled",
    "planned>cancelled",
    "published>cancelled",
    "accepted>cancelled",
    "travelling>cancelled",
    "on_site>cancelled",
    "working>cancelled",
    "paused>cancelled",
    "published>published",
    "accepted>published",
    "travelling>published",
    "on_site>published",
    "working>published",
    "paused>published",
    "done>working",
    "done>verified",
    "verified>closed",
    "cancelled>done",
    "unplanned>done",
    "planned>done",
    "published>done",
    "accepted>done",
)

FROZEN = ("promise", "invoice", "settlement_line", "visit_event", "payment", "stock_movement", "audit_entry",
          "approval", "assessment", "stored_document")  # fmt: skip
KEPT = ("service_report", "finding", "part_use", "allocation", "settlement", "hand_in")


def upgrade() -> None:
    """Load the table of steps and create the triggers."""
    for step in STEPS:
        from_state, to_state = step.split(">")
        op.execute(
            f"insert into visit_transition (from_state, to_state) values ('{from_state}', '{to_state}')"
        )
    op.execute("""
        create function guard_visit_state() returns trigger language plpgsql as $$
        begin
            if new.state is distinct from old.state and not exists (
                select 1 from visit_transition where from_state = old.state and to_state = new.state
            ) then
                raise exception 'visit % cannot go from % to %', old.id, old.state, new.state
                    using errcode = 'check_violation', constraint = 'guard_visit_state';
            end if;
            return new;
        end $$
    """)
    op.execute("""
        create trigger guard_visit_state before update of state on visit
        for each row execute function guard_visit_state()
    """)
    op.execute("""
        create function refuse_change() returns trigger language plpgsql as $$
        begin
            raise exception '% rows are never changed or removed', tg_table_name
                using errcode = 'check_violation', constraint = 'refuse_change';
        end $$
    """)
    for table in FROZEN:
        op.execute(
            f"create trigger refuse_change before update or delete on {table}"
            " for each row execute function refuse_change()"
        )
    for table in KEPT:
        op.execute(
            f"create trigger refuse_delete before delete on {table}"
            " for each row execute function refuse_change()"
        )


def downgrade() -> None:
    """Remove the triggers and the steps."""
    for table in KEPT:
        op.execute(f"drop trigger refuse_delete on {table}")
    for table in FROZEN:
        op.execute(f"drop trigger refuse_change on {table}")
    op.execute("drop function refuse_change()")
    op.execute("drop trigger guard_visit_state on visit")
    op.execute("drop function guard_visit_state()")
    op.execute("delete from visit_transition")
