"""An empty database of the present schema: migrated once a process, copied for each test."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

from sqlalchemy import inspect

from countersign.adapters.database.engine import Database
from countersign.adapters.database.migrate import migrate, store_shipped_policies
from countersign.adapters.database.tables import StoredPolicy


@cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="countersign-schema-"))
    database = Database(f"sqlite:///{folder / 'template.db'}")
    lay_out_anew(database)
    database.close()
    return folder / "template.db"


def lay_out(database: Database) -> None:
    """Bring a test's database to the present schema with the shipped policies in it.

    On PostgreSQL the tests' cluster has copied both already, unless the test asked for an empty one.
    """
    file = Path(database.engine.url.database or ":memory:")
    if database.is_sqlite and not file.exists():
        shutil.copyfile(_template(), file)
    elif not inspect(database.engine).has_table(str(StoredPolicy.__tablename__)):
        lay_out_anew(database)


def lay_out_anew(database: Database) -> None:
    """Bring an empty database to the present schema, and store the shipped policies."""
    migrate(database)
    store_shipped_policies(database)
