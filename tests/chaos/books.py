"""The product's books after a run, read as plain rows: cases, deliveries, acts and the evidence lines."""

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Event:
    """One line of a case's evidence; `at` is the case's time in ISO 8601."""

    case_id: str
    seq: int
    kind: str
    at: str
    body: Row


@dataclass(frozen=True)
class Books:
    """Everything the invariants look at. JSON columns are opened."""

    cases: list[Row]
    notices: list[Row]
    deliveries: list[Row]
    acts: list[Row]
    tasks: list[Row]
    links: list[Row]
    errands: list[Row]
    alarms: list[Row]
    events: list[Event]


_JSON_COLUMNS = {"steps", "body", "words", "frozen", "raw"}


class BookReader:
    """Reads one SQLite file without ever writing to it."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def rows(self, query: str, *values: object) -> list[Row]:
        """Return what a query finds."""
        database = sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, timeout=30)
        database.row_factory = sqlite3.Row
        try:
            found = [dict(row) for row in database.execute(query, values)]
        finally:
            database.close()
        return [{name: _opened(name, value) for name, value in row.items()} for row in found]

    def number(self, query: str, *values: object) -> int:
        """Return the one number that a query finds."""
        return int(next(iter(self.rows(query, *values)[0].values())))

    def read(self) -> Books:
        """Return the books as they stand."""
        return Books(
            cases=self.rows("SELECT * FROM case_"),
            notices=self.rows("SELECT * FROM notice"),
            deliveries=self.rows("SELECT * FROM delivery"),
            acts=self.rows("SELECT * FROM act"),
            tasks=self.rows("SELECT * FROM task"),
            links=self.rows("SELECT * FROM link"),
            errands=self.rows("SELECT * FROM outbox"),
            alarms=self.rows("SELECT * FROM alarm"),
            events=[_event(row) for row in self.rows("SELECT * FROM event ORDER BY case_id, seq")],
        )


def _opened(name: str, value: Any) -> Any:
    return json.loads(value) if name in _JSON_COLUMNS and isinstance(value, str) else value


def _event(row: Row) -> Event:
    line = json.loads(row["line"])
    return Event(row["case_id"], row["seq"], line["kind"], line["at"], line["body"])
