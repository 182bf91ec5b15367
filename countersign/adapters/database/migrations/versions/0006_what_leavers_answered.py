"""What leavers answered."""

import sqlalchemy as sa
from alembic import op

from countersign.adapters.database import tables

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("employment", sa.Column("contract_type", sa.String(), nullable=True))
    op.add_column("employment", sa.Column("contract_starts_on", sa.Date(), nullable=True))
    op.add_column("employment", sa.Column("contract_ends_on", sa.Date(), nullable=True))
    op.create_table(
        "questionnaire_reply",
        sa.Column("departure_id", sa.String(), nullable=False),
        sa.Column("declined", sa.Boolean(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("first_at", tables.Instant(timezone=True), nullable=False),
        sa.Column("changed_at", tables.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["departure_id"],
            ["departure.case_id"],
        ),
        sa.PrimaryKeyConstraint("departure_id"),
    )


def downgrade() -> None:
    op.drop_table("questionnaire_reply")
    with op.batch_alter_table("employment") as batch_op:
        batch_op.drop_column("contract_ends_on")
        batch_op.drop_column("contract_starts_on")
        batch_op.drop_column("contract_type")
