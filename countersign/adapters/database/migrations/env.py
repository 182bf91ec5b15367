"""How alembic reaches the database: over a connection that `migrate` hands in, or over the set URL."""

from alembic import context
from sqlmodel import SQLModel

from countersign.adapters.database import tables  # noqa: F401  fills the metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    compare_type=True,
    user_module_prefix="tables.",
)
with context.begin_transaction():
    context.run_migrations()
