"""Write a migration from what the tables say now: `python dev/make_migration.py 0002 "What changes"`."""

import sys
import tempfile
from pathlib import Path

from alembic import command

from countersign.adapters.database.engine import Database
from countersign.adapters.database.migrate import alembic_config, migrate

revision, message = sys.argv[1:]
with tempfile.TemporaryDirectory() as folder:
    database = Database(f"sqlite:///{folder}/schema.db")
    migrate(database)
    config = alembic_config()
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        script = command.revision(config, message=message, autogenerate=True, rev_id=revision)
file = Path(script.path)  # type: ignore[union-attr]
text = file.read_text().replace("tables.AutoString()", "sa.String()")
file.write_text(
    "\n".join(line for line in text.splitlines() if "auto generated" not in line and "# ### end" not in line)
    + "\n"
)
