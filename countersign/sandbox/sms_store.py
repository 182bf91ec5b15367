"""The SMS stand-in's memory: every message it ever took, in one SQLite file that survives a kill."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY AUTOINCREMENT, sid TEXT NOT NULL UNIQUE, direction TEXT NOT NULL,
    sender TEXT, recipient TEXT NOT NULL, body TEXT NOT NULL, status TEXT NOT NULL, error_code INTEGER,
    service_sid TEXT, callback TEXT, reported TEXT, created TEXT NOT NULL, updated TEXT NOT NULL, sent TEXT
);
CREATE INDEX IF NOT EXISTS message_recipient ON message (recipient, id);
CREATE TABLE IF NOT EXISTS report (
    id INTEGER PRIMARY KEY AUTOINCREMENT, sid TEXT NOT NULL, status TEXT NOT NULL, kind TEXT NOT NULL,
    answer INTEGER, at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS opt_out (
    recipient TEXT NOT NULL, sender TEXT NOT NULL, PRIMARY KEY (recipient, sender)
);
"""


@dataclass(frozen=True)
class StoredSms:
    """One row; instants are aware UTC, `reported` is the last status that was called back."""

    id: int
    sid: str
    direction: str
    sender: str | None
    recipient: str
    body: str
    status: str
    error_code: int | None
    service_sid: str | None
    callback: str | None
    reported: str | None
    created: datetime
    updated: datetime
    sent: datetime | None


@dataclass(frozen=True)
class StoredReport:
    """One status report: `kind` is `true`, `forged` or `lost` (never posted).

    `answer` is the HTTP status with which the receiver met it, None when there was no answer.
    """

    sid: str
    status: str
    kind: str
    answer: int | None
    at: str


def _row(values: Sequence[object]) -> StoredSms:
    *plain, created, updated, sent = values
    instants = [datetime.fromisoformat(str(at)) if at else None for at in (created, updated, sent)]
    return StoredSms(*plain, *instants)  # type: ignore[arg-type]


class SmsStore:
    """Messages and opt-outs; every method is one committed statement of well under a millisecond."""

    def __init__(self, file: Path) -> None:
        self._db = sqlite3.connect(file, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        # Survives a killed process; only a power cut may lose the last messages.
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def add(
        self,
        *,
        sid: str,
        direction: str,
        sender: str | None,
        recipient: str,
        body: str,
        status: str,
        service_sid: str | None = None,
        callback: str | None = None,
    ) -> StoredSms:
        """Keep a new message."""
        now = datetime.now(UTC).isoformat()
        self._db.execute(
            "INSERT INTO message (sid, direction, sender, recipient, body, status, service_sid, callback,"
            " created, updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (sid, direction, sender, recipient, body, status, service_sid, callback, now, now),
        )
        return self.must(sid)

    def change(self, sid: str, status: str, error_code: int | None, sender: str | None) -> StoredSms:
        """Move a message on; `sent` is set when it first leaves."""
        now = datetime.now(UTC).isoformat()
        self._db.execute(
            "UPDATE message SET status = ?1, error_code = ?2, sender = ?3, updated = ?4,"
            " sent = CASE WHEN ?1 = 'sent' THEN ?4 ELSE sent END WHERE sid = ?5",
            (status, error_code, sender, now, sid),
        )
        return self.must(sid)

    def note_report(self, sid: str, status: str) -> None:
        """Remember that `status` was called back, or given up; the end of a message stays remembered."""
        self._db.execute(
            "UPDATE message SET reported = ? WHERE sid = ? AND reported IS NOT status", (status, sid)
        )

    def keep_report(self, sid: str, status: str, kind: str, answer: int | None) -> None:
        """Keep what became of one report."""
        self._db.execute(
            "INSERT INTO report (sid, status, kind, answer, at) VALUES (?, ?, ?, ?, ?)",
            (sid, status, kind, answer, datetime.now(UTC).isoformat()),
        )

    def reports(self) -> list[StoredReport]:
        """List every report, oldest first."""
        rows = self._db.execute("SELECT sid, status, kind, answer, at FROM report ORDER BY id")
        return [StoredReport(*row) for row in rows]

    def get(self, sid: str) -> StoredSms | None:
        """Return a message, or None."""
        found = self._db.execute("SELECT * FROM message WHERE sid = ?", (sid,)).fetchone()
        return _row(found) if found else None

    def must(self, sid: str) -> StoredSms:
        """Return a message that is known to exist."""
        found = self.get(sid)
        if found is None:
            raise KeyError(sid)
        return found

    def newest(
        self,
        *,
        recipient: str | None = None,
        sender: str | None = None,
        sent_on: str | None = None,
        sent_from: str | None = None,
        sent_until: str | None = None,
        before_id: int | None = None,
        limit: int | None = None,
    ) -> list[StoredSms]:
        """List messages newest first; dates are UTC days `YYYY-MM-DD`, bounds inclusive."""
        rows = self._db.execute(
            "SELECT * FROM message WHERE (?1 IS NULL OR recipient = ?1) AND (?2 IS NULL OR sender = ?2)"
            " AND (?3 IS NULL OR substr(sent, 1, 10) = ?3) AND (?4 IS NULL OR substr(sent, 1, 10) >= ?4)"
            " AND (?5 IS NULL OR substr(sent, 1, 10) <= ?5) AND (?6 IS NULL OR id < ?6)"
            " ORDER BY id DESC LIMIT ?7",
            (recipient, sender, sent_on, sent_from, sent_until, before_id, -1 if limit is None else limit),
        )
        return [_row(row) for row in rows]

    def unfinished(self) -> list[StoredSms]:
        """List outgoing messages that still have a step or a report before them, oldest first."""
        rows = self._db.execute(
            "SELECT * FROM message WHERE direction = 'outbound-api'"
            " AND (status IN ('accepted', 'queued', 'sending', 'sent') OR reported IS NOT status) ORDER BY id"
        )
        return [_row(row) for row in rows]

    def opt_out(self, recipient: str, sender: str, out: bool) -> None:
        """Note STOP or START of a person towards one of our numbers."""
        statement = (
            "INSERT OR IGNORE INTO opt_out VALUES (?, ?)"
            if out
            else "DELETE FROM opt_out WHERE recipient = ? AND sender = ?"
        )
        self._db.execute(statement, (recipient, sender))

    def opted_out(self, recipient: str, sender: str) -> bool:
        """Say whether a person has sent STOP to one of our numbers."""
        found = self._db.execute(
            "SELECT 1 FROM opt_out WHERE recipient = ? AND sender = ?", (recipient, sender)
        ).fetchone()
        return found is not None
