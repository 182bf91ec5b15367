"""The database: SQLite in one file by default, PostgreSQL when the URL says so.

Everything here is synchronous on purpose: code inside a transaction cannot await, so no network call can
hold the one writer. Async callers go through `asyncio.to_thread`.
"""

import fcntl
import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

from sqlalchemy import Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlmodel import Session

T = TypeVar("T")

_KNOCK_S = 0.002

# A failed statement would otherwise carry its values, names and numbers, into logs and histories.
_HIDDEN = True

# Waits before the next try, in seconds. Of those who contend for a row one is always served, so patience ends
# it; a duplicate that is one after three more looks is no race.
_CONTEST_WAITS_S = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.0)
_DUPLICATE_WAITS_S = (0.02, 0.1, 0.3)
_CONTEST = {"40001", "40P01"}
_DUPLICATE = "23505"

# Classes of SQLSTATE whose first line names tables, columns and constraints, and never a value of a row.
_TELLS_NO_VALUE = {"08", "0A", "23", "25", "28", "3D", "3F", "40", "42", "53", "54", "55", "57", "58", "XX"}


class UnstorableText(ValueError):
    """A text with the character U+0000, which PostgreSQL cannot keep; refused on SQLite too.

    Its message names no value. What comes from outside is the caller's to mend.
    """

    def __init__(self) -> None:
        super().__init__("a text contains the character U+0000; remove it and send the text again")


class Database:
    """Sessions over one database URL.

    `transaction()` is a writer (`BEGIN IMMEDIATE` on SQLite, since a reader that turns writer fails at once
    whatever the busy timeout); `reading()` sees one consistent snapshot and writes nothing.
    """

    def __init__(self, url: str, *, busy_timeout_s: float = 30) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        file = make_url(url).database if self.is_sqlite else None
        self._patience_s = busy_timeout_s
        self._line = Path(f"{file}-line") if file and file != ":memory:" else None
        self.engine = _sqlite(url, busy_timeout_s) if self.is_sqlite else _postgres(url)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Yield a session that commits at the end and rolls back on any exception."""
        with self._turn(), Session(self.engine, expire_on_commit=False) as session, session.begin():
            if self.is_sqlite:
                session.connection(execution_options={"begin": "IMMEDIATE"})
            yield session

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for this writer's turn among the threads and processes of this machine.

        SQLite lets writers knock ever more seldom: beside a busy worker a web process waited for seconds.
        Here all knock at one pace. The kernel frees the lock with the file, so neither a thread that is
        interrupted nor a process that dies can leave it behind; a lock of Python's own could be.
        """
        if self._line is None:
            yield
            return
        deadline = time.monotonic() + self._patience_s
        with self._line.open("ab") as place:
            while not _taken(place):
                if time.monotonic() > deadline:
                    raise _locked()
                time.sleep(_KNOCK_S)
            yield

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session for reading only; closing it drops whatever it changed, rows stay readable."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    def write(self, work: Callable[[Session], T]) -> T:
        """Run `work` in a transaction, again when another writer won a race for the same row."""
        tries = 0
        while True:
            try:
                with self.transaction() as session:
                    return work(session)
            except DBAPIError as error:
                waits = _waits_after(error)
                if tries >= len(waits):
                    raise
                time.sleep(waits[tries] * random.uniform(0.5, 1.5))  # noqa: S311  spreading retries, no secret
                tries += 1

    def close(self) -> None:
        """Give back all connections."""
        self.engine.dispose()


def _waits_after(error: DBAPIError) -> tuple[float, ...]:
    """Return the waits between tries when repeating can succeed: serialisation, deadlock, a duplicate key."""
    code = getattr(error.orig, "sqlstate", None)
    text = str(error.orig)
    if code in _CONTEST:
        return _CONTEST_WAITS_S
    if code == _DUPLICATE or "UNIQUE constraint failed" in text:
        return _DUPLICATE_WAITS_S
    if code is None and isinstance(error, OperationalError) and "locked" in text:
        return _DUPLICATE_WAITS_S
    return ()


def _guard(engine: Engine) -> Engine:
    """Let no value of a row into an error, and no text into a statement that only one kind would keep."""
    event.listen(engine, "handle_error", _without_values)
    event.listen(engine, "before_cursor_execute", _refuse_nul)
    return engine


def _without_values(context: ExceptionContext) -> None:
    """Cut the driver's words to names; PostgreSQL quotes keys and whole rows.

    The driver's own exception is cut as well: it stays in the chain, and a traceback prints the chain.
    """
    original, known = context.original_exception, context.sqlalchemy_exception
    if isinstance(original, UnstorableText):
        # As itself, not as a fault of the statement; a new one, since none may be its own cause.
        raise UnstorableText
    diagnosis = getattr(original, "diag", None)
    # Without a connection no row was sent yet, and operators need the words to mend the URL.
    if diagnosis is None or known is None or context.connection is None:
        return
    kind, words = type(original), _names_in(original, diagnosis)
    original.args = (words,)
    known.args = (f"({kind.__module__}.{kind.__name__}) {words}",)


def _names_in(original: BaseException, diagnosis: Any) -> str:
    code = diagnosis.sqlstate
    if code is None:
        # Of the driver itself, which repeats a value only when that value is the trouble.
        return "a value cannot be stored" if type(original).__name__ == "DataError" else str(original)
    said = diagnosis.message_primary if code[:2] in _TELLS_NO_VALUE else type(original).__name__
    return f"{said} (SQLSTATE {code})"


def _refuse_nul(
    _connection: Any, _cursor: Any, _statement: str, parameters: Any, _context: Any, many: bool
) -> None:
    for row in parameters if many else (parameters,):
        values = row.values() if isinstance(row, dict) else row or ()
        if any(isinstance(value, str) and "\0" in value for value in values):
            raise UnstorableText


def _json(value: Any) -> str:
    """Write a JSON column; the escape of U+0000 would pass, and fail in the column its text goes to next."""
    written = json.dumps(value)
    if "\\u0000" in written and _holds_nul(value):
        raise UnstorableText
    return written


def _holds_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_holds_nul(part) for part in (*value.keys(), *value.values()))
    if isinstance(value, list | tuple):
        return any(map(_holds_nul, value))
    return isinstance(value, str) and "\0" in value


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


def _taken(place: IO[bytes]) -> bool:
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _locked() -> OperationalError:
    return OperationalError("BEGIN IMMEDIATE", None, TimeoutError("database is locked by other writers"))


def _sqlite(url: str, busy_timeout_s: float) -> Engine:
    engine = create_engine(
        url,
        connect_args={"timeout": busy_timeout_s, "check_same_thread": False},
        json_serializer=_json,
        hide_parameters=_HIDDEN,
    )

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        # The driver's own transaction handling begins too late and deferred; we say BEGIN ourselves.
        connection.isolation_level = None
        # SQLite's own knows the letters of English alone; a search would find less than on PostgreSQL.
        connection.create_function("lower", 1, _lower, deterministic=True)
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Any) -> None:
        kind = connection.get_execution_options().get("begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {kind}")

    return _guard(engine)


def _postgres(url: str) -> Engine:
    engine = create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_size=10,
        pool_pre_ping=True,
        isolation_level="REPEATABLE READ",
        json_serializer=_json,
        hide_parameters=_HIDDEN,
    )
    return _guard(engine)
