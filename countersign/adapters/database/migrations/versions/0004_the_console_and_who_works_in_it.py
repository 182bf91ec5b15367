"""The console and who works in it."""

import sqlalchemy as sa
from alembic import op

from countersign.adapters.database import tables

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "oidc_request",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("nonce", sa.String(), nullable=False),
        sa.Column("verifier", sa.String(), nullable=False),
        sa.Column("goes_to", sa.String(), nullable=False),
        sa.Column("expires_at", tables.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "policy_choice",
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("process", sa.String(), nullable=False),
        sa.Column("policy", sa.String(), nullable=False),
        sa.Column("chosen_by", sa.String(), nullable=False),
        sa.Column("chosen_at", tables.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("branch_id", "process"),
    )
    op.create_table(
        "process_switch",
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("process", sa.String(), nullable=False),
        sa.Column("switched_on", sa.Boolean(), nullable=False),
        sa.Column("switched_by", sa.String(), nullable=False),
        sa.Column("switched_at", tables.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("branch_id", "process"),
    )
    op.create_table(
        "stored_template",
        sa.Column("process", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("form", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", tables.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("process", "name", "language", "form", "version"),
    )
    op.create_table(
        "account",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("branch_id", sa.String(), nullable=True),
        sa.Column("person_id", sa.String(), nullable=True),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column("oidc_subject", sa.String(), nullable=True),
        sa.Column("edits_templates", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.Boolean(), nullable=False),
        sa.Column("digested_on", sa.Date(), nullable=True),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", tables.Instant(timezone=True), nullable=False),
        sa.Column("disabled_at", tables.Instant(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["branch_id"],
            ["branch.id"],
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("login"),
        sa.UniqueConstraint("oidc_subject"),
    )
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_account_branch_id"), ["branch_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_account_person_id"), ["person_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_account_role"), ["role"], unique=False)

    op.create_table(
        "account_change",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("changed_at", tables.Instant(timezone=True), nullable=False),
        sa.Column("what", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("account_change", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_account_change_account_id"), ["account_id"], unique=False)

    op.create_table(
        "approval",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("branch_id", sa.String(), nullable=True),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", tables.Instant(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", tables.Instant(timezone=True), nullable=True),
        sa.Column("approved", sa.Boolean(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["asked_by"],
            ["account.id"],
        ),
        sa.ForeignKeyConstraint(
            ["branch_id"],
            ["branch.id"],
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"],
            ["account.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("approval", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_approval_asked_at"), ["asked_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_approval_branch_id"), ["branch_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_approval_decided_at"), ["decided_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_approval_kind"), ["kind"], unique=False)
        batch_op.create_index(batch_op.f("ix_approval_subject"), ["subject"], unique=False)

    op.create_table(
        "bulk_start",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("policy", sa.String(), nullable=False),
        sa.Column("branch_id", sa.String(), nullable=True),
        sa.Column("overdue", sa.String(), nullable=True),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", tables.Instant(timezone=True), nullable=False),
        sa.Column("done_at", tables.Instant(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["asked_by"],
            ["account.id"],
        ),
        sa.ForeignKeyConstraint(
            ["branch_id"],
            ["branch.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("bulk_start", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_bulk_start_asked_at"), ["asked_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_bulk_start_branch_id"), ["branch_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_bulk_start_done_at"), ["done_at"], unique=False)

    op.create_table(
        "console_session",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("csrf", sa.String(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("said", sa.JSON(), nullable=True),
        sa.Column("created_at", tables.Instant(timezone=True), nullable=False),
        sa.Column("seen_at", tables.Instant(timezone=True), nullable=False),
        sa.Column("ended_at", tables.Instant(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("console_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_console_session_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_console_session_ended_at"), ["ended_at"], unique=False)

    op.create_table(
        "delegation",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("absent_id", sa.String(), nullable=False),
        sa.Column("delegate_id", sa.String(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("until_day", sa.Date(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", tables.Instant(timezone=True), nullable=False),
        sa.Column("ended_at", tables.Instant(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["absent_id"],
            ["account.id"],
        ),
        sa.ForeignKeyConstraint(
            ["delegate_id"],
            ["account.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("delegation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_delegation_absent_id"), ["absent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_delegation_delegate_id"), ["delegate_id"], unique=False)

    op.create_table(
        "import_run",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("branch_id", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("undo", sa.JSON(), nullable=True),
        sa.Column("handed_in_by", sa.String(), nullable=False),
        sa.Column("handed_in_at", tables.Instant(timezone=True), nullable=False),
        sa.Column("applied_by", sa.String(), nullable=True),
        sa.Column("applied_at", tables.Instant(timezone=True), nullable=True),
        sa.Column("undone_by", sa.String(), nullable=True),
        sa.Column("undone_at", tables.Instant(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["applied_by"],
            ["account.id"],
        ),
        sa.ForeignKeyConstraint(
            ["branch_id"],
            ["branch.id"],
        ),
        sa.ForeignKeyConstraint(
            ["handed_in_by"],
            ["account.id"],
        ),
        sa.ForeignKeyConstraint(
            ["undone_by"],
            ["account.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("import_run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_import_run_branch_id"), ["branch_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_import_run_handed_in_at"), ["handed_in_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_import_run_state"), ["state"], unique=False)

    op.create_table(
        "saved_filter",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("page", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("query", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("account_id", "page", "name"),
    )
    with op.batch_alter_table("saved_filter", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_saved_filter_account_id"), ["account_id"], unique=False)

    op.create_table(
        "sign_in_code",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("code_hash", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=True),
        sa.Column("person_id", sa.String(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", tables.Instant(timezone=True), nullable=False),
        sa.Column("expires_at", tables.Instant(timezone=True), nullable=False),
        sa.Column("used_at", tables.Instant(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("sign_in_code", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_in_code_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_sign_in_code_code_hash"), ["code_hash"], unique=False)
        batch_op.create_index(batch_op.f("ix_sign_in_code_person_id"), ["person_id"], unique=False)

    op.create_table(
        "bulk_start_row",
        sa.Column("bulk_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("leave_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=True),
        sa.Column("sentence", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["bulk_id"],
            ["bulk_start.id"],
        ),
        sa.ForeignKeyConstraint(
            ["leave_id"],
            ["leave.id"],
        ),
        sa.PrimaryKeyConstraint("bulk_id", "position"),
    )
    with op.batch_alter_table("case_", schema=None) as batch_op:
        batch_op.add_column(sa.Column("next_at", tables.Instant(timezone=True), nullable=True))
        batch_op.create_index(batch_op.f("ix_case__next_at"), ["next_at"], unique=False)

    with op.batch_alter_table("act", schema=None) as batch_op:
        batch_op.add_column(sa.Column("acting_for", sa.String(), nullable=True))

    with op.batch_alter_table("apitoken", schema=None) as batch_op:
        batch_op.add_column(sa.Column("name", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("created_by", sa.String(), nullable=True))

    with op.batch_alter_table("storedpolicy", schema=None) as batch_op:
        batch_op.add_column(sa.Column("created_by", sa.String(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("storedpolicy", schema=None) as batch_op:
        batch_op.drop_column("created_by")

    with op.batch_alter_table("apitoken", schema=None) as batch_op:
        batch_op.drop_column("created_by")
        batch_op.drop_column("name")

    with op.batch_alter_table("case_", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_case__next_at"))
        batch_op.drop_column("next_at")

    with op.batch_alter_table("act", schema=None) as batch_op:
        batch_op.drop_column("acting_for")

    op.drop_table("bulk_start_row")
    with op.batch_alter_table("sign_in_code", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sign_in_code_person_id"))
        batch_op.drop_index(batch_op.f("ix_sign_in_code_code_hash"))
        batch_op.drop_index(batch_op.f("ix_sign_in_code_account_id"))

    op.drop_table("sign_in_code")
    with op.batch_alter_table("saved_filter", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_saved_filter_account_id"))

    op.drop_table("saved_filter")
    with op.batch_alter_table("import_run", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_import_run_state"))
        batch_op.drop_index(batch_op.f("ix_import_run_handed_in_at"))
        batch_op.drop_index(batch_op.f("ix_import_run_branch_id"))

    op.drop_table("import_run")
    with op.batch_alter_table("delegation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_delegation_delegate_id"))
        batch_op.drop_index(batch_op.f("ix_delegation_absent_id"))

    op.drop_table("delegation")
    with op.batch_alter_table("console_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_console_session_ended_at"))
        batch_op.drop_index(batch_op.f("ix_console_session_account_id"))

    op.drop_table("console_session")
    with op.batch_alter_table("bulk_start", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_bulk_start_done_at"))
        batch_op.drop_index(batch_op.f("ix_bulk_start_branch_id"))
        batch_op.drop_index(batch_op.f("ix_bulk_start_asked_at"))

    op.drop_table("bulk_start")
    with op.batch_alter_table("approval", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_approval_subject"))
        batch_op.drop_index(batch_op.f("ix_approval_kind"))
        batch_op.drop_index(batch_op.f("ix_approval_decided_at"))
        batch_op.drop_index(batch_op.f("ix_approval_branch_id"))
        batch_op.drop_index(batch_op.f("ix_approval_asked_at"))

    op.drop_table("approval")
    with op.batch_alter_table("account_change", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_account_change_account_id"))

    op.drop_table("account_change")
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_account_role"))
        batch_op.drop_index(batch_op.f("ix_account_person_id"))
        batch_op.drop_index(batch_op.f("ix_account_branch_id"))

    op.drop_table("account")
    op.drop_table("stored_template")
    op.drop_table("process_switch")
    op.drop_table("policy_choice")
    op.drop_table("oidc_request")
