"""An empty database of the present schema: migrated once a process, copied for each test."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

from countersign.adapters.database.engine import Database
from countersign.adapters.database.migrate import migrate, store_shipped_policies


@cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="countersign-schema-"))
    database = Database(f"sqlite:///{folder / 'template.db'}")
    migrate(database)
    store_shipped_policies(database)
    database.close()
    return folder / "template.db"


def lay_out(database: Database) -> None:
    """Bring a test's database to the present schema with the shipped policies in it.

    On PostgreSQL the tests' cluster has copied the schema already.
    """
    file = Path(database.engine.url.database or ":memory:")
    if database.is_sqlite and not file.exists():
        shutil.copyfile(_template(), file)
        return
    migrate(database)
    store_shipped_policies(database)
