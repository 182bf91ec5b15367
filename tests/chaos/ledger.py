"""The ledger: what the stand-ins accepted and reported, read from their own files and nothing else."""

import json
import re
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

_CODE = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b")


@dataclass(frozen=True)
class Acceptance:
    """One message that a stand-in took. `code` is the delivery's own code as it stands in the text.

    `status` and `error_code` are how an SMS ended; `message_id` and `notice_id` are a mail's.
    """

    id: str
    channel: str
    recipient: str
    at: str
    code: str | None
    status: str | None = None
    error_code: int | None = None
    message_id: str | None = None
    notice_id: str | None = None


@dataclass(frozen=True)
class Report:
    """One status report of the SMS stand-in: `kind` is true, forged or lost; `answer` the HTTP status."""

    sid: str
    status: str
    kind: str
    answer: int | None


def code_of(text: str) -> str | None:
    """Return the first delivery code that stands in a text."""
    found = _CODE.search(text)
    return found[0] if found else None


class Ledger:
    """Reads the files under the stand-ins' folder; the stand-ins may be running."""

    def __init__(self, folder: Path) -> None:
        self._sms, self._mail = folder / "sms.sqlite3", folder / "mail"

    def acceptances(self) -> list[Acceptance]:
        """Return everything that was accepted, texts first."""
        return [*self._texts(), *self._mails()]

    def count(self) -> int:
        """Return how many messages were accepted, cheaply."""
        texts = self._rows("SELECT count(*) AS n FROM message WHERE direction = 'outbound-api'")
        return int(texts[0]["n"] if texts else 0) + len(self._index())

    def texts_taken(self) -> set[str]:
        """Return the words of every text that was accepted."""
        return {
            row["body"] for row in self._rows("SELECT body FROM message WHERE direction = 'outbound-api'")
        }

    def reports(self) -> list[Report]:
        """Return every status report in the order of their ends."""
        rows = self._rows("SELECT sid, status, kind, answer FROM report ORDER BY id")
        return [Report(row["sid"], row["status"], row["kind"], row["answer"]) for row in rows]

    def all_reported(self) -> bool:
        """Say whether every text has come to its end and has been reported, or given up."""
        open_ones = self._rows(
            "SELECT 1 FROM message AS m WHERE direction = 'outbound-api' AND (status IN"
            " ('accepted', 'queued', 'sending', 'sent') OR NOT EXISTS (SELECT 1 FROM report AS r"
            " WHERE r.sid = m.sid AND r.status = m.status AND r.kind != 'forged')) LIMIT 1"
        )
        return not open_ones

    def _texts(self) -> Iterable[Acceptance]:
        for row in self._rows("SELECT * FROM message WHERE direction = 'outbound-api' ORDER BY id"):
            yield Acceptance(
                id=row["sid"],
                channel="sms",
                recipient=row["recipient"],
                at=row["created"],
                code=code_of(row["body"]),
                status=row["status"],
                error_code=row["error_code"],
            )

    def _mails(self) -> Iterable[Acceptance]:
        for line in self._index():
            kept = json.loads(line)
            mail = message_from_bytes((self._mail / f"{kept['id']}.eml").read_bytes(), policy=policy.default)
            plain = mail.get_body(("plain",))
            yield Acceptance(
                id=kept["id"],
                channel="email",
                recipient=kept["to"][0],
                at=kept["at"],
                code=code_of("" if plain is None else str(plain.get_content())),
                message_id=str(mail["Message-ID"]).strip(),
                notice_id=str(mail["X-Notice-Id"]).strip(),
            )

    def _index(self) -> list[str]:
        index = self._mail / "index.jsonl"
        # A line that is just being written has no end yet; it counts at the next look.
        return index.read_text("utf-8").split("\n")[:-1] if index.exists() else []

    def _rows(self, query: str) -> list[dict[str, Any]]:
        if not self._sms.exists():
            return []
        with sqlite3.connect(f"file:{self._sms}?mode=ro", uri=True, timeout=10) as database:
            database.row_factory = sqlite3.Row
            rows = [dict(row) for row in database.execute(query)]
        database.close()
        return rows
