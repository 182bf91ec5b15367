"""The database: SQLite in one file by default, PostgreSQL when the URL says so.

Everything here is synchronous on purpose: code inside a transaction cannot await, so no network call can
hold the one writer. Async callers go through `asyncio.to_thread`.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlmodel import Session

T = TypeVar("T")

# A failed statement would otherwise carry its values, names and numbers, into logs and histories.
_HIDDEN = True


class Database:
    """Sessions over one database URL.

    `transaction()` is a writer (`BEGIN IMMEDIATE` on SQLite, since a reader that turns writer fails at once
    whatever the busy timeout); `reading()` sees one consistent snapshot and writes nothing.
    """

    def __init__(self, url: str, *, busy_timeout_s: float = 30) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self.engine = _sqlite(url, busy_timeout_s) if self.is_sqlite else _postgres(url)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Yield a session that commits at the end and rolls back on any exception."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            if self.is_sqlite:
                session.connection(execution_options={"begin": "IMMEDIATE"})
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session for reading only; closing it drops whatever it changed, rows stay readable."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    def write(self, work: Callable[[Session], T]) -> T:
        """Run `work` in a transaction, again when another writer won a race for the same row."""
        for wait in (0.02, 0.1, 0.3, None):
            try:
                with self.transaction() as session:
                    return work(session)
            except DBAPIError as error:
                if wait is None or not _lost_a_race(error):
                    raise
                time.sleep(wait * random.uniform(0.5, 1.5))  # noqa: S311  spreading retries, no secret
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Give back all connections."""
        self.engine.dispose()


def _lost_a_race(error: DBAPIError) -> bool:
    """Say whether repeating the transaction can succeed: serialisation, deadlock, or a duplicate key."""
    code = getattr(error.orig, "sqlstate", None)
    if code is not None:
        return code in {"40001", "40P01", "23505"}
    text = str(error.orig)
    return "UNIQUE constraint failed" in text or (isinstance(error, OperationalError) and "locked" in text)


def _sqlite(url: str, busy_timeout_s: float) -> Engine:
    engine = create_engine(
        url,
        connect_args={"timeout": busy_timeout_s, "check_same_thread": False},
        hide_parameters=_HIDDEN,
    )

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        # The driver's own transaction handling begins too late and deferred; we say BEGIN ourselves.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Any) -> None:
        kind = connection.get_execution_options().get("begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {kind}")

    return engine


def _postgres(url: str) -> Engine:
    return create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_size=10,
        pool_pre_ping=True,
        isolation_level="REPEATABLE READ",
        hide_parameters=_HIDDEN,
    )
