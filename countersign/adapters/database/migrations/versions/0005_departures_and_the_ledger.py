"""Departures, handovers, duties and the ledger."""

import sqlalchemy as sa
from alembic import op

from countersign.adapters.database import tables

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


ONLY_ADDED_TO = ("posting", "entry", "item_confirmation")


def _only_added_to() -> None:
    """Let the database itself refuse to change or delete what is only ever added to."""
    on_postgres = op.get_bind().dialect.name == "postgresql"
    if on_postgres:
        op.execute(
            "CREATE FUNCTION only_added_to() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME; END $$"
        )
    for table in ONLY_ADDED_TO:
        for change in ("update", "delete"):
            act = (
                "FOR EACH ROW EXECUTE FUNCTION only_added_to()"
                if on_postgres
                else f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are never changed'); END"
            )
            op.execute(f"CREATE TRIGGER {table}_no_{change} BEFORE {change.upper()} ON {table} {act}")


def _may_change_again() -> None:
    on_postgres = op.get_bind().dialect.name == "postgresql"
    for table in ONLY_ADDED_TO:
        for change in ("update", "delete"):
            where = f" ON {table}" if on_postgres else ""
            op.execute(f"DROP TRIGGER {table}_no_{change}{where}")
    if on_postgres:
        op.execute("DROP FUNCTION only_added_to()")


def upgrade() -> None:
    op.create_table(
        "holding",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("track", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("mandatory", sa.Boolean(), nullable=False),
        sa.Column("value_fen", sa.BigInteger(), nullable=True),
        sa.Column("receiver_id", sa.String(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("updated_at", tables.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["receiver_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("track", "reference"),
    )
    with op.batch_alter_table("holding", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_holding_person_id"), ["person_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_holding_track"), ["track"], unique=False)

    op.create_table(
        "ledger_account",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("employment_id", sa.String(), nullable=True),
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("created_at", tables.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["branch_id"],
            ["branch.id"],
        ),
        sa.ForeignKeyConstraint(
            ["employment_id"],
            ["employment.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("owner", "kind"),
    )
    with op.batch_alter_table("ledger_account", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ledger_account_branch_id"), ["branch_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_ledger_account_employment_id"), ["employment_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_ledger_account_owner"), ["owner"], unique=False)

    op.create_table(
        "departure",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("statutory_case_id", sa.String(), nullable=False),
        sa.Column("employment_id", sa.String(), nullable=False),
        sa.Column("holds", sa.String(), nullable=True),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("ground", sa.String(), nullable=False),
        sa.Column("proposed_by", sa.String(), nullable=False),
        sa.Column("needs_notice", sa.Boolean(), nullable=False),
        sa.Column("facts", sa.String(), nullable=True),
        sa.Column("noticed_on", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("successor_id", sa.String(), nullable=True),
        sa.Column("served_on", sa.Date(), nullable=True),
        sa.Column("served_how", sa.String(), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("finance_confirmed_at", tables.Instant(timezone=True), nullable=True),
        sa.Column("closed_at", tables.Instant(timezone=True), nullable=True),
        sa.Column("withdrawn_at", tables.Instant(timezone=True), nullable=True),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", tables.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["branch_id"],
            ["branch.id"],
        ),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["case_.id"],
        ),
        sa.ForeignKeyConstraint(
            ["employment_id"],
            ["employment.id"],
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["statutory_case_id"],
            ["case_.id"],
        ),
        sa.ForeignKeyConstraint(
            ["successor_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("case_id"),
        sa.UniqueConstraint("holds"),
        sa.UniqueConstraint("statutory_case_id"),
    )
    with op.batch_alter_table("departure", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_departure_branch_id"), ["branch_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_departure_created_at"), ["created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_departure_employment_id"), ["employment_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_departure_ended_on"), ["ended_on"], unique=False)
        batch_op.create_index(batch_op.f("ix_departure_kind"), ["kind"], unique=False)
        batch_op.create_index(batch_op.f("ix_departure_last_day"), ["last_day"], unique=False)
        batch_op.create_index(batch_op.f("ix_departure_person_id"), ["person_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_departure_successor_id"), ["successor_id"], unique=False)

    op.create_table(
        "posting",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("employment_id", sa.String(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=True),
        sa.Column("document_id", sa.String(), nullable=True),
        sa.Column("reverses_id", sa.String(), nullable=True),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("posted_by", sa.String(), nullable=False),
        sa.Column("posted_at", tables.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["branch_id"],
            ["branch.id"],
        ),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["case_.id"],
        ),
        sa.ForeignKeyConstraint(
            ["employment_id"],
            ["employment.id"],
        ),
        sa.ForeignKeyConstraint(
            ["reverses_id"],
            ["posting.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
        sa.UniqueConstraint("reverses_id"),
    )
    with op.batch_alter_table("posting", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_posting_booked_on"), ["booked_on"], unique=False)
        batch_op.create_index(batch_op.f("ix_posting_branch_id"), ["branch_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_posting_case_id"), ["case_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_posting_employment_id"), ["employment_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_posting_kind"), ["kind"], unique=False)
        batch_op.create_index(batch_op.f("ix_posting_posted_at"), ["posted_at"], unique=False)

    op.create_table(
        "duty",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("departure_id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("ordered_at", tables.Instant(timezone=True), nullable=True),
        sa.Column("done_at", tables.Instant(timezone=True), nullable=True),
        sa.Column("failed_at", tables.Instant(timezone=True), nullable=True),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("document_id", sa.String(), nullable=True),
        sa.Column("act_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["case_.id"],
        ),
        sa.ForeignKeyConstraint(
            ["departure_id"],
            ["departure.case_id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("departure_id", "kind"),
    )
    with op.batch_alter_table("duty", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_duty_case_id"), ["case_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_duty_departure_id"), ["departure_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_duty_due_on"), ["due_on"], unique=False)
        batch_op.create_index(batch_op.f("ix_duty_state"), ["state"], unique=False)

    op.create_table(
        "entry",
        sa.Column("posting_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["ledger_account.id"],
        ),
        sa.ForeignKeyConstraint(
            ["posting_id"],
            ["posting.id"],
        ),
        sa.PrimaryKeyConstraint("posting_id", "position"),
    )
    with op.batch_alter_table("entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_entry_account_id"), ["account_id"], unique=False)

    op.create_table(
        "handover_item",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("departure_id", sa.String(), nullable=False),
        sa.Column("share_id", sa.String(), nullable=True),
        sa.Column("track", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("mandatory", sa.Boolean(), nullable=False),
        sa.Column("value_fen", sa.BigInteger(), nullable=True),
        sa.Column("receiver_id", sa.String(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("condition", sa.String(), nullable=True),
        sa.Column("handed_over_at", tables.Instant(timezone=True), nullable=True),
        sa.Column("accepted_at", tables.Instant(timezone=True), nullable=True),
        sa.Column("listed_at", tables.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["departure_id"],
            ["departure.case_id"],
        ),
        sa.ForeignKeyConstraint(
            ["receiver_id"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["share_id"],
            ["case_.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("departure_id", "track", "reference"),
    )
    with op.batch_alter_table("handover_item", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_handover_item_departure_id"), ["departure_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_handover_item_receiver_id"), ["receiver_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_handover_item_share_id"), ["share_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_handover_item_state"), ["state"], unique=False)

    op.create_table(
        "passed_task",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("departure_id", sa.String(), nullable=False),
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("holder_id", sa.String(), nullable=False),
        sa.Column("listed_at", tables.Instant(timezone=True), nullable=False),
        sa.Column("moved_at", tables.Instant(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["departure_id"],
            ["departure.case_id"],
        ),
        sa.ForeignKeyConstraint(
            ["holder_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("departure_id", "system", "reference"),
    )
    with op.batch_alter_table("passed_task", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_passed_task_departure_id"), ["departure_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_passed_task_holder_id"), ["holder_id"], unique=False)

    op.create_table(
        "receiver_absence",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("departure_id", sa.String(), nullable=False),
        sa.Column("receiver_id", sa.String(), nullable=False),
        sa.Column("delegate_id", sa.String(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("until_day", sa.Date(), nullable=False),
        sa.Column("share_id", sa.String(), nullable=True),
        sa.Column("act_id", sa.String(), nullable=False),
        sa.Column("created_at", tables.Instant(timezone=True), nullable=False),
        sa.Column("ended_at", tables.Instant(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["delegate_id"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["departure_id"],
            ["departure.case_id"],
        ),
        sa.ForeignKeyConstraint(
            ["receiver_id"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["share_id"],
            ["case_.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("receiver_absence", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_receiver_absence_delegate_id"), ["delegate_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_receiver_absence_departure_id"), ["departure_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_receiver_absence_receiver_id"), ["receiver_id"], unique=False)

    op.create_table(
        "repayment_plan",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("departure_id", sa.String(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("instalments", sa.JSON(), nullable=False),
        sa.Column("agreed_on", sa.Date(), nullable=False),
        sa.Column("document_id", sa.String(), nullable=True),
        sa.Column("act_id", sa.String(), nullable=False),
        sa.Column("created_at", tables.Instant(timezone=True), nullable=False),
        sa.Column("ended_at", tables.Instant(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["departure_id"],
            ["departure.case_id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("repayment_plan", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_repayment_plan_departure_id"), ["departure_id"], unique=False)

    op.create_table(
        "revocation",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("departure_id", sa.String(), nullable=False),
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("changed_by", sa.String(), nullable=True),
        sa.Column("changed_at", tables.Instant(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["departure_id"],
            ["departure.case_id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("departure_id", "system"),
    )
    with op.batch_alter_table("revocation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_revocation_departure_id"), ["departure_id"], unique=False)

    op.create_table(
        "settlement",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("departure_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("net_fen", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("document_id", sa.String(), nullable=True),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", tables.Instant(timezone=True), nullable=False),
        sa.Column("confirmed_by", sa.String(), nullable=True),
        sa.Column("confirmed_at", tables.Instant(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["departure_id"],
            ["departure.case_id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("departure_id", "version"),
    )
    with op.batch_alter_table("settlement", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_settlement_departure_id"), ["departure_id"], unique=False)

    op.create_table(
        "exit_override",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("departure_id", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("item_id", sa.String(), nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("evidence_hash", sa.String(), nullable=False),
        sa.Column("at", tables.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["departure_id"],
            ["departure.case_id"],
        ),
        sa.ForeignKeyConstraint(
            ["item_id"],
            ["handover_item.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("departure_id", "subject"),
    )
    with op.batch_alter_table("exit_override", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_exit_override_departure_id"), ["departure_id"], unique=False)

    op.create_table(
        "item_confirmation",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("item_id", sa.String(), nullable=False),
        sa.Column("departure_id", sa.String(), nullable=False),
        sa.Column("act_id", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=True),
        sa.Column("acting_for", sa.String(), nullable=True),
        sa.Column("receiver_id", sa.String(), nullable=True),
        sa.Column("condition", sa.String(), nullable=True),
        sa.Column("at", tables.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["act_id"],
            ["act.id"],
        ),
        sa.ForeignKeyConstraint(
            ["acting_for"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["departure_id"],
            ["departure.case_id"],
        ),
        sa.ForeignKeyConstraint(
            ["item_id"],
            ["handover_item.id"],
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["receiver_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("item_id", "act_id", "what"),
    )
    with op.batch_alter_table("item_confirmation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_item_confirmation_act_id"), ["act_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_item_confirmation_departure_id"), ["departure_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_item_confirmation_item_id"), ["item_id"], unique=False)

    with op.batch_alter_table("case_", schema=None) as batch_op:
        batch_op.add_column(sa.Column("departure_id", sa.String(), nullable=True))
        batch_op.create_index(batch_op.f("ix_case__departure_id"), ["departure_id"], unique=False)
        batch_op.create_foreign_key("fk_case_departure", "case_", ["departure_id"], ["id"])

    with op.batch_alter_table("employment", schema=None) as batch_op:
        batch_op.add_column(sa.Column("ended_ground", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("suspended_since", sa.Date(), nullable=True))

    _only_added_to()


def downgrade() -> None:
    _may_change_again()
    with op.batch_alter_table("employment", schema=None) as batch_op:
        batch_op.drop_column("suspended_since")
        batch_op.drop_column("ended_ground")

    with op.batch_alter_table("case_", schema=None) as batch_op:
        batch_op.drop_constraint("fk_case_departure", type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_case__departure_id"))
        batch_op.drop_column("departure_id")

    with op.batch_alter_table("item_confirmation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_item_confirmation_item_id"))
        batch_op.drop_index(batch_op.f("ix_item_confirmation_departure_id"))
        batch_op.drop_index(batch_op.f("ix_item_confirmation_act_id"))

    op.drop_table("item_confirmation")
    with op.batch_alter_table("exit_override", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_exit_override_departure_id"))

    op.drop_table("exit_override")
    with op.batch_alter_table("settlement", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_settlement_departure_id"))

    op.drop_table("settlement")
    with op.batch_alter_table("revocation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_revocation_departure_id"))

    op.drop_table("revocation")
    with op.batch_alter_table("repayment_plan", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_repayment_plan_departure_id"))

    op.drop_table("repayment_plan")
    with op.batch_alter_table("receiver_absence", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_receiver_absence_receiver_id"))
        batch_op.drop_index(batch_op.f("ix_receiver_absence_departure_id"))
        batch_op.drop_index(batch_op.f("ix_receiver_absence_delegate_id"))

    op.drop_table("receiver_absence")
    with op.batch_alter_table("passed_task", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_passed_task_holder_id"))
        batch_op.drop_index(batch_op.f("ix_passed_task_departure_id"))

    op.drop_table("passed_task")
    with op.batch_alter_table("handover_item", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_handover_item_state"))
        batch_op.drop_index(batch_op.f("ix_handover_item_share_id"))
        batch_op.drop_index(batch_op.f("ix_handover_item_receiver_id"))
        batch_op.drop_index(batch_op.f("ix_handover_item_departure_id"))

    op.drop_table("handover_item")
    with op.batch_alter_table("entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_entry_account_id"))

    op.drop_table("entry")
    with op.batch_alter_table("duty", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_duty_state"))
        batch_op.drop_index(batch_op.f("ix_duty_due_on"))
        batch_op.drop_index(batch_op.f("ix_duty_departure_id"))
        batch_op.drop_index(batch_op.f("ix_duty_case_id"))

    op.drop_table("duty")
    with op.batch_alter_table("posting", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_posting_posted_at"))
        batch_op.drop_index(batch_op.f("ix_posting_kind"))
        batch_op.drop_index(batch_op.f("ix_posting_employment_id"))
        batch_op.drop_index(batch_op.f("ix_posting_case_id"))
        batch_op.drop_index(batch_op.f("ix_posting_branch_id"))
        batch_op.drop_index(batch_op.f("ix_posting_booked_on"))

    op.drop_table("posting")
    with op.batch_alter_table("departure", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_departure_successor_id"))
        batch_op.drop_index(batch_op.f("ix_departure_person_id"))
        batch_op.drop_index(batch_op.f("ix_departure_last_day"))
        batch_op.drop_index(batch_op.f("ix_departure_kind"))
        batch_op.drop_index(batch_op.f("ix_departure_ended_on"))
        batch_op.drop_index(batch_op.f("ix_departure_employment_id"))
        batch_op.drop_index(batch_op.f("ix_departure_created_at"))
        batch_op.drop_index(batch_op.f("ix_departure_branch_id"))

    op.drop_table("departure")
    with op.batch_alter_table("ledger_account", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ledger_account_owner"))
        batch_op.drop_index(batch_op.f("ix_ledger_account_employment_id"))
        batch_op.drop_index(batch_op.f("ix_ledger_account_branch_id"))

    op.drop_table("ledger_account")
    with op.batch_alter_table("holding", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_holding_track"))
        batch_op.drop_index(batch_op.f("ix_holding_person_id"))

    op.drop_table("holding")
