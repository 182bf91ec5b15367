"""Files that were handed in: what each would change, who applied it, and how it can be taken back."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from countersign.adapters.database.actors import account_names
from countersign.adapters.database.engine import Database
from countersign.adapters.database.officers import STAFF, Officer
from countersign.adapters.database.tables import Account, ImportRun
from countersign.ids import new_id

APPLIES = STAFF
"""Who hands files in and applies them."""


class RunState(StrEnum):
    """Where a file stands."""

    READING = "reading"
    PREVIEWED = "previewed"
    UNREADABLE = "unreadable"
    APPLYING = "applying"
    APPLIED = "applied"
    UNDONE = "undone"
    UNDONE_IN_PART = "undone_in_part"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Run:
    """A file as pages show it. `result` holds the preview, or what was done."""

    id: str
    kind: str
    file_name: str = field(repr=False)
    sha256: str
    size: int
    branch_id: str | None
    state: RunState
    result: dict[str, Any] = field(repr=False)
    handed_in_by_id: str
    handed_in_by: str = field(repr=False)
    handed_in_at: datetime
    applied_by: str | None = field(repr=False)
    applied_at: datetime | None
    undone_by: str | None = field(repr=False)
    undone_at: datetime | None

    @property
    def counts(self) -> dict[str, int]:
        """How many rows are new, changed, unchanged, refused; empty while the file is read."""
        found: dict[str, int] = self.result.get("counts", {})
        return found


class ImportRuns:
    """Keeps what became of every file. Who may see a run of a branch is that branch and head office."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock

    def add(self, kind: str, file_name: str, sha256: str, size: int, officer: Officer) -> tuple[str, bool]:
        """Keep that a file was handed in; return the id of its run, which is still to be read, and True.

        The same bytes again in the same branch, applied or still waiting, are the same run, and False.
        """

        def keep(session: Session) -> tuple[str, bool]:
            # Written, not only locked: of two presses of a button the second begins anew and sees the first.
            own = col(Account.id) == officer.account_id
            session.connection().execute(update(Account).where(own).values(digest=Account.digest))
            known = _same_bytes(session, kind, sha256, officer.branch_id)
            if known is not None:
                return known.id, False
            run = ImportRun(
                id=new_id(),
                kind=kind,
                file_name=file_name,
                sha256=sha256,
                size=size,
                branch_id=officer.branch_id,
                state=RunState.READING.value,
                handed_in_by=officer.account_id,
                handed_in_at=self._clock(),
            )
            session.add(run)
            return run.id, True

        return self._database.write(keep)

    def find(self, run_id: str, branch_id: str | None) -> Run | None:
        """Return a run that somebody of this branch may see (None: of the whole company)."""
        with self._database.reading() as session:
            row = session.get(ImportRun, run_id)
            if row is None or branch_id not in (None, row.branch_id):
                return None
            return _run(row, _names(session, [row]))

    def page(self, branch_id: str | None, offset: int, limit: int) -> tuple[list[Run], int]:
        """Return runs, the newest first, with their counts alone, and how many there are."""
        query = select(ImportRun)
        if branch_id is not None:
            query = query.where(ImportRun.branch_id == branch_id)
        with self._database.reading() as session:
            total = session.exec(select(func.count()).select_from(query.subquery())).one()
            fields = [column for column in ImportRun.__table__.columns if column.name not in _LARGE]  # type: ignore[attr-defined]
            found = session.connection().execute(
                query.with_only_columns(*fields, col(ImportRun.result)["counts"].label("counts"))
                .order_by(col(ImportRun.handed_in_at).desc())
                .offset(offset)
                .limit(limit)
            )
            rows = [
                ImportRun(**{k: v for k, v in one._mapping.items() if k != "counts"},
                          result={"counts": one.counts or {}})
                for one in found
            ]  # fmt: skip
            names = _names(session, rows)
        return [_run(row, names) for row in rows], total

    def keep_result(
        self, run_id: str, before: RunState, after: RunState, result: dict[str, Any], **more: Any
    ) -> bool:
        """Move a run on with what was found; False when it is no longer in the state `before`."""

        def keep(session: Session) -> bool:
            row = session.get_one(ImportRun, run_id, with_for_update=True)
            if row.state != before.value:
                return False
            row.state, row.result = after.value, result
            for name, value in more.items():
                setattr(row, name, value)
            session.add(row)
            return True

        return self._database.write(keep)

    def undo_of(self, run_id: str) -> dict[str, Any] | None:
        """Return what the records were before a run; None when nothing was kept."""
        with self._database.reading() as session:
            return session.get_one(ImportRun, run_id).undo

    def second_people(self, run: Run) -> list[str]:
        """Return the names of those who could apply a run besides who handed it in."""
        query = select(Account).where(
            col(Account.role).in_([role.value for role in APPLIES]),
            col(Account.disabled_at).is_(None),
            Account.id != run.handed_in_by_id,
        )
        with self._database.reading() as session:
            return [
                one.name
                for one in session.exec(query.order_by(Account.name))
                if one.branch_id is None or one.branch_id == run.branch_id
            ]


_LARGE = {"result", "undo"}
_COUNTS_AS_KNOWN = (
    RunState.APPLIED,
    RunState.UNDONE_IN_PART,
    RunState.APPLYING,
    RunState.PREVIEWED,
    RunState.READING,
)


def _same_bytes(session: Session, kind: str, sha256: str, branch_id: str | None) -> ImportRun | None:
    query = select(ImportRun).where(
        ImportRun.kind == kind,
        ImportRun.sha256 == sha256,
        col(ImportRun.state).in_(_COUNTS_AS_KNOWN),
        col(ImportRun.branch_id).is_not_distinct_from(branch_id),
    )
    found = sorted(session.exec(query), key=lambda row: (_COUNTS_AS_KNOWN.index(RunState(row.state)), row.id))
    return next(iter(found), None)


def _names(session: Session, rows: Iterable[ImportRun]) -> dict[str, str]:
    ids = (one for row in rows for one in (row.handed_in_by, row.applied_by, row.undone_by))
    return account_names(session, ids)


def _run(row: ImportRun, names: dict[str, str]) -> Run:
    return Run(
        id=row.id,
        kind=row.kind,
        file_name=row.file_name,
        sha256=row.sha256,
        size=row.size,
        branch_id=row.branch_id,
        state=RunState(row.state),
        result=row.result,
        handed_in_by_id=row.handed_in_by,
        handed_in_by=names[row.handed_in_by],
        handed_in_at=row.handed_in_at,
        applied_by=names.get(row.applied_by or ""),
        applied_at=row.applied_at,
        undone_by=names.get(row.undone_by or ""),
        undone_at=row.undone_at,
    )
