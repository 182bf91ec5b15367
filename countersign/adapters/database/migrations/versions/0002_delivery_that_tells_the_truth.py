"""Delivery that tells the truth."""

import sqlalchemy as sa
from alembic import op

from countersign.adapters.database import tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "optout",
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("created_at", tables.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("address", "channel"),
    )
    op.create_table(
        "providerhealth",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("failing_since", tables.Instant(timezone=True), nullable=True),
        sa.Column("alarmed_at", tables.Instant(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("provider"),
    )
    op.create_table(
        "sendingstop",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("set_by", sa.String(), nullable=False),
        sa.Column("set_at", tables.Instant(timezone=True), nullable=False),
        sa.Column("released_by", sa.String(), nullable=True),
        sa.Column("released_at", tables.Instant(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("sendingstop", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sendingstop_released_at"), ["released_at"], unique=False)

    op.create_table(
        "circular",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("branch_id", sa.String(), nullable=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sensitive", sa.Boolean(), nullable=False),
        sa.Column("confirmed", sa.Integer(), nullable=False),
        sa.Column("request_key", sa.String(), nullable=True),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", tables.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["branch_id"],
            ["branch.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("request_key"),
    )
    with op.batch_alter_table("circular", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_circular_branch_id"), ["branch_id"], unique=False)

    op.create_table(
        "caselink",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("other_id", sa.String(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("head", sa.String(), nullable=False),
        sa.Column("at", tables.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["case_.id"],
        ),
        sa.ForeignKeyConstraint(
            ["other_id"],
            ["case_.id"],
        ),
        sa.PrimaryKeyConstraint("case_id", "other_id"),
    )
    op.create_table(
        "identitycheck",
        sa.Column("link_id", sa.String(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("locked_at", tables.Instant(timezone=True), nullable=True),
        sa.Column("confirmed_at", tables.Instant(timezone=True), nullable=True),
        sa.Column("method", sa.String(), nullable=True),
        sa.Column("code_hash", sa.String(), nullable=True),
        sa.Column("code_expires_at", tables.Instant(timezone=True), nullable=True),
        sa.Column("codes_sent", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["link_id"],
            ["link.id"],
        ),
        sa.PrimaryKeyConstraint("link_id"),
    )
    op.create_table(
        "alarmtold",
        sa.Column("alarm_id", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", tables.Instant(timezone=True), nullable=False),
        sa.Column("told_at", tables.Instant(timezone=True), nullable=True),
        sa.Column("message", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["alarm_id"],
            ["alarm.id"],
        ),
        sa.PrimaryKeyConstraint("alarm_id", "target"),
    )
    with op.batch_alter_table("alarmtold", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_alarmtold_told_at"), ["told_at"], unique=False)

    op.create_table(
        "channelacknowledgement",
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("acknowledged_by", sa.String(), nullable=False),
        sa.Column("acknowledged_at", tables.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("channel"),
    )
    with op.batch_alter_table("alarm", schema=None) as batch_op:
        batch_op.add_column(sa.Column("told_at", tables.Instant(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("tell_tries", sa.Integer(), nullable=False, server_default="0"))
        batch_op.create_index(batch_op.f("ix_alarm_told_at"), ["told_at"], unique=False)

    with op.batch_alter_table("case_", schema=None) as batch_op:
        batch_op.add_column(sa.Column("circular_id", sa.String(), nullable=True))
        batch_op.create_index(batch_op.f("ix_case__circular_id"), ["circular_id"], unique=False)
        batch_op.create_foreign_key("fk_case_circular", "circular", ["circular_id"], ["id"])

    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.add_column(sa.Column("provider", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("day", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("sms_template", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("held_why", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("ask_at", tables.Instant(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("polls", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("opened_at", tables.Instant(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("identity_confirmed_at", tables.Instant(timezone=True), nullable=True))
        batch_op.create_index(batch_op.f("ix_delivery_day"), ["day"], unique=False)
        batch_op.create_index(batch_op.f("ix_delivery_held_why"), ["held_why"], unique=False)

    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sensitive", sa.Boolean(), nullable=False, server_default=sa.false()))

    with op.batch_alter_table("storedpolicy", schema=None) as batch_op:
        batch_op.add_column(sa.Column("process", sa.String(), nullable=False, server_default="leave_return"))


def downgrade() -> None:
    with op.batch_alter_table("storedpolicy", schema=None) as batch_op:
        batch_op.drop_column("process")

    op.drop_table("channelacknowledgement")
    with op.batch_alter_table("alarmtold", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_alarmtold_told_at"))

    op.drop_table("alarmtold")
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.drop_column("sensitive")

    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_delivery_held_why"))
        batch_op.drop_index(batch_op.f("ix_delivery_day"))
        batch_op.drop_column("identity_confirmed_at")
        batch_op.drop_column("opened_at")
        batch_op.drop_column("polls")
        batch_op.drop_column("ask_at")
        batch_op.drop_column("held_why")
        batch_op.drop_column("sms_template")
        batch_op.drop_column("day")
        batch_op.drop_column("provider")

    with op.batch_alter_table("case_", schema=None) as batch_op:
        batch_op.drop_constraint("fk_case_circular", type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_case__circular_id"))
        batch_op.drop_column("circular_id")

    with op.batch_alter_table("alarm", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_alarm_told_at"))
        batch_op.drop_column("tell_tries")
        batch_op.drop_column("told_at")

    op.drop_table("identitycheck")
    op.drop_table("caselink")
    with op.batch_alter_table("circular", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_circular_branch_id"))

    op.drop_table("circular")
    with op.batch_alter_table("sendingstop", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sendingstop_released_at"))

    op.drop_table("sendingstop")
    op.drop_table("providerhealth")
    op.drop_table("optout")
