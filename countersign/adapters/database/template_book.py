"""Texts of the company's own over the shipped ones: every change is a version, none is ever changed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import exists
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from countersign.adapters.database.actors import account_name
from countersign.adapters.database.engine import Database
from countersign.adapters.database.officers import Officer
from countersign.adapters.database.tables import StoredTemplate
from countersign.domain.texts import Form, TextKey


class SavedMeanwhile(Exception):
    """Somebody else has changed the text since it was opened; says who, when, and as which version."""

    def __init__(self, newest: "TextVersion") -> None:
        super().__init__("the text was saved meanwhile")
        self.newest = newest


class TextLocked(Exception):
    """The text may not be changed until it is unlocked; says who locked it and when."""

    def __init__(self, newest: "TextVersion") -> None:
        super().__init__("the text is locked")
        self.newest = newest


@dataclass(frozen=True)
class TextVersion:
    """One version of a text: an empty `body` means the shipped text."""

    key: TextKey
    version: int
    body: str = field(repr=False)
    locked: bool
    by: str = field(repr=False)
    at: datetime


class TemplateBook:
    """Keeps the versions of texts."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock

    def body(self, key: TextKey) -> str | None:
        """Return the text that stands in place of the shipped one; None when there is none."""
        newest = (
            select(StoredTemplate.body).where(*_of(key)).order_by(col(StoredTemplate.version).desc()).limit(1)
        )
        with self._database.reading() as session:
            return session.exec(newest).first() or None

    def newest(self) -> dict[TextKey, TextVersion]:
        """Return the newest version of every text that has one."""
        later = aliased(StoredTemplate)
        newer = exists().where(
            col(later.process) == col(StoredTemplate.process),
            col(later.name) == col(StoredTemplate.name),
            col(later.language) == col(StoredTemplate.language),
            col(later.form) == col(StoredTemplate.form),
            col(later.version) > col(StoredTemplate.version),
        )
        with self._database.reading() as session:
            found = [_version(session, row) for row in session.exec(select(StoredTemplate).where(~newer))]
        return {one.key: one for one in found}

    def versions(self, key: TextKey) -> list[TextVersion]:
        """Return every version of a text, the newest first."""
        with self._database.reading() as session:
            query = select(StoredTemplate).where(*_of(key)).order_by(col(StoredTemplate.version).desc())
            return [_version(session, row) for row in session.exec(query)]

    def save(self, key: TextKey, body: str, based_on: int, officer: Officer) -> int:
        """Keep a new version with this body and return its number; an empty one is the shipped text again.

        `based_on` is the version that was opened, 0 for none. Raises `SavedMeanwhile` or `TextLocked`.
        """
        return self._database.write(lambda session: self._keep(session, key, based_on, officer, body=body))

    def lock(self, key: TextKey, based_on: int, officer: Officer, *, locked: bool) -> int:
        """Lock or unlock a text; that is a version too. Raises `SavedMeanwhile`."""
        return self._database.write(
            lambda session: self._keep(session, key, based_on, officer, locked=locked)
        )

    def _keep(
        self,
        session: Session,
        key: TextKey,
        based_on: int,
        officer: Officer,
        *,
        body: str | None = None,
        locked: bool | None = None,
    ) -> int:
        newest = session.exec(
            select(StoredTemplate).where(*_of(key)).order_by(col(StoredTemplate.version).desc()).limit(1)
        ).first()
        if newest is not None and newest.version != based_on:
            raise SavedMeanwhile(_version(session, newest))
        if newest is not None and newest.locked and locked is None:
            raise TextLocked(_version(session, newest))
        known_body, known_lock = (newest.body, newest.locked) if newest else ("", False)
        row = StoredTemplate(
            process=key.process,
            name=key.name,
            language=key.language,
            form=key.form.value,
            version=(newest.version if newest else 0) + 1,
            body=known_body if body is None else body,
            locked=known_lock if locked is None else locked,
            created_by=officer.account_id,
            created_at=self._clock(),
        )
        session.add(row)
        return row.version


def _of(key: TextKey) -> tuple[bool, ...]:
    return (
        StoredTemplate.process == key.process,
        StoredTemplate.name == key.name,
        StoredTemplate.language == key.language,
        StoredTemplate.form == key.form.value,
    )


def _version(session: Session, row: StoredTemplate) -> TextVersion:
    return TextVersion(
        TextKey(row.process, row.name, row.language, Form(row.form)),
        row.version,
        row.body,
        row.locked,
        account_name(session, row.created_by),
        row.created_at,
    )
