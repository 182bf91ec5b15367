"""Legal holds, and which closed cases have outlived their term. A hold beats erasure always."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import update
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from countersign.adapters.database.case_links import inherited
from countersign.adapters.database.cases import case_now
from countersign.adapters.database.engine import Database
from countersign.adapters.database.erasure import CannotErase, Erased, Eraser
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.tables import (
    Branch,
    Case,
    CaseLink,
    DisclosureRow,
    EventRow,
    LegalHold,
)
from countersign.domain.evidence import EventKind, Sealed
from countersign.domain.retention import Keeps, kept_until
from countersign.ids import new_id

_ABOUT_ERASURE = (
    EventKind.DISCLOSURE_ERASED.value,
    EventKind.HOLD_PLACED.value,
    EventKind.HOLD_RELEASED.value,
)


class CannotHold(ValueError):
    """A hold that would hold nothing; the sentence says why."""


@dataclass(frozen=True)
class HoldView:
    """A hold as it is shown; the reason is None once it was erased with the case's other values."""

    id: str
    case_id: str
    reason: str | None = field(repr=False)
    placed_by: str
    placed_at: datetime
    released_by: str | None
    released_at: datetime | None


@dataclass(frozen=True)
class ClosedCase:
    """A closed case that still has personal values, the last day of its term, and what keeps it longer."""

    case_id: str
    kind: str
    closed_on: date
    kept_until: date
    keeps: tuple[Keeps, ...]


def held(session: Session, case_id: str) -> bool:
    """Say whether a legal hold keeps a case: its own, or one of a case that inherits its evidence.

    A hold takes effect in the transaction that asks: placing one changes the rows of the cases it keeps, so
    whoever has locked such a row and does not see the hold was there before it.
    """
    keepers = [case_id, *_heirs_of(session, case_id)]
    found = select(LegalHold.id).where(
        col(LegalHold.case_id).in_(keepers), col(LegalHold.released_at).is_(None)
    )
    return session.exec(found).first() is not None


class Keepers:
    """Says what forbids erasing a closed case when its own term is no matter. `years` is by kind of case."""

    def __init__(self, years: Mapping[str, int], clock: Callable[[], datetime]) -> None:
        self._years, self._clock = years, clock

    def __call__(self, session: Session, case_id: str) -> Keeps | None:
        """Return a hold, or an heir that is open, or one that has its values and is in its term."""
        if held(session, case_id):
            return Keeps.HOLD
        heirs = [session.get_one(Case, heir) for heir in _heirs_of(session, case_id)]
        if any(heir.closed_at is None for heir in heirs):
            return Keeps.HEIR_OPEN
        if any(self._lasts(session, heir) and _has_values(session, [heir.id]) for heir in heirs):
            return Keeps.HEIR_TERM
        return None

    def _lasts(self, session: Session, case: Case) -> bool:
        zone = ZoneInfo(session.get_one(Branch, case.branch_id).zone)
        today = self._clock().astimezone(zone).date()
        return case.closed_at is not None and today <= _last_day(case.closed_at, zone, self._years[case.kind])


class Holds:
    """Places and releases legal holds."""

    def __init__(self, database: Database, evidence: EvidenceLog, clock: Callable[[], datetime]) -> None:
        self._database, self._evidence, self._clock = database, evidence, clock

    def place(self, case_id: str, reason: str, actor: Mapping[str, str]) -> HoldView:
        """Forbid the erasure of a case, and of every case whose evidence it inherits, from now on.

        Raises `CannotHold` when the values of all of them were erased already.
        """

        def keep(session: Session) -> HoldView:
            covered = [case_id, *inherited(session, case_id)]
            _change(session, covered)
            if not _has_values(session, covered):
                raise CannotHold("case: its personal values were erased before; nothing is left to hold")
            case = session.get_one(Case, case_id)
            hold = LegalHold(
                id=new_id(), case_id=case_id, placed_by=_by(actor), placed_at=case_now(case, self._clock())
            )
            session.add(hold)
            self._tell(session, case, hold.id, EventKind.HOLD_PLACED, reason, actor, hold.placed_at)
            return _view(session, hold)

        return self._database.write(keep)

    def release(self, case_id: str, hold_id: str, reason: str, actor: Mapping[str, str]) -> HoldView | None:
        """End a hold; a released one is told back as it is. None when the case has no such hold."""

        def keep(session: Session) -> HoldView | None:
            hold = session.get(LegalHold, hold_id)
            if hold is None or hold.case_id != case_id:
                return None
            if hold.released_at is None:
                case = session.get_one(Case, case_id)
                hold.released_at, hold.released_by = case_now(case, self._clock()), _by(actor)
                self._tell(session, case, hold.id, EventKind.HOLD_RELEASED, reason, actor, hold.released_at)
            return _view(session, hold)

        return self._database.write(keep)

    def of_case(self, case_id: str) -> list[HoldView]:
        """Return a case's holds, those in force first, then the newest."""
        with self._database.reading() as session:
            rows = session.exec(
                select(LegalHold)
                .where(LegalHold.case_id == case_id)
                .order_by(col(LegalHold.released_at).is_not(None), col(LegalHold.id).desc())
            )
            return [_view(session, hold) for hold in rows]

    def _tell(
        self,
        session: Session,
        case: Case,
        hold_id: str,
        kind: EventKind,
        reason: str,
        actor: Mapping[str, str],
        at: datetime,
    ) -> None:
        body = {"hold": hold_id, "reason": Sealed(reason)}
        self._evidence.append(session, case, _key(hold_id, kind), at, kind, actor, body)


class Retention:
    """Finds and erases closed cases whose term is over. `years` is the term by kind of case."""

    def __init__(
        self,
        database: Database,
        eraser: Eraser,
        years: Mapping[str, int],
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._eraser, self._years, self._clock = database, eraser, years, clock

    def closed(self) -> list[ClosedCase]:
        """Return the closed cases that still have personal values, the longest closed first.

        Those that nothing keeps any more are due.
        """
        with self._database.reading() as session:
            return self._closed(session)

    def erase_due(self, actor: Mapping[str, str]) -> dict[str, Erased]:
        """Erase every case that nothing keeps any more; return what was deleted, by case.

        A case that a hold reaches meanwhile is passed over. Files that an earlier erasure could not remove go
        as well.
        """
        erased: dict[str, Erased] = {}
        due = [one for one in self.closed() if not one.keeps]
        for one in due:
            reason = f"retention: closed on {one.closed_on}, kept until {one.kept_until}"
            try:
                erased[one.case_id] = self._eraser.erase(one.case_id, actor, reason)
            except CannotErase:
                continue
        self._eraser.remove_files()
        return erased

    def _closed(self, session: Session) -> list[ClosedCase]:
        zones = {branch.id: ZoneInfo(branch.zone) for branch in session.exec(select(Branch))}
        now = self._clock()
        cases = {
            case.id: case for case in session.exec(select(Case).order_by(col(Case.closed_at), col(Case.id)))
        }
        heirs = _all_heirs(session)
        on_hold = set(session.exec(select(LegalHold.case_id).where(col(LegalHold.released_at).is_(None))))
        with_values = _with_values(session)
        last_days: dict[str, date] = {}
        for case in cases.values():
            if case.closed_at is not None:
                last_days[case.id] = _last_day(case.closed_at, zones[case.branch_id], self._years[case.kind])

        def lasts(case: Case) -> bool:
            return last_days[case.id] >= now.astimezone(zones[case.branch_id]).date()

        found: list[ClosedCase] = []
        for case in cases.values():
            if case.closed_at is None or case.id not in with_values:
                continue
            above = [cases[heir] for heir in heirs.get(case.id, ())]
            keeps = {
                Keeps.TERM: lasts(case),
                Keeps.HOLD: bool(on_hold & {case.id, *(heir.id for heir in above)}),
                Keeps.HEIR_OPEN: any(heir.closed_at is None for heir in above),
                Keeps.HEIR_TERM: any(
                    heir.closed_at is not None and lasts(heir) and heir.id in with_values for heir in above
                ),
            }
            closed_on = case.closed_at.astimezone(zones[case.branch_id]).date()
            found.append(
                ClosedCase(
                    case.id,
                    case.kind,
                    closed_on,
                    last_days[case.id],
                    tuple(why for why, there in keeps.items() if there),
                )
            )
        return found


def _last_day(closed_at: datetime, zone: ZoneInfo, years: int) -> date:
    return kept_until(closed_at.astimezone(zone).date(), years)


def _change(session: Session, case_ids: list[str]) -> None:
    """Write rows of cases as they are: a transaction that holds one of them locked goes first or again."""
    session.connection().execute(update(Case).where(col(Case.id).in_(case_ids)).values(state=col(Case.state)))


def _heirs_of(session: Session, case_id: str) -> list[str]:
    """Return every case that inherits a case's evidence, through other cases too."""
    found: list[str] = []
    ahead = [case_id]
    while ahead:
        rows = session.exec(select(CaseLink.case_id).where(col(CaseLink.other_id).in_(ahead)))
        ahead = [heir for heir in dict.fromkeys(rows) if heir not in found]
        found += ahead
    return found


def _all_heirs(session: Session) -> dict[str, set[str]]:
    """Return, for every inherited case, all that inherit it, through other cases too."""
    direct: dict[str, set[str]] = {}
    for link in session.exec(select(CaseLink)):
        direct.setdefault(link.other_id, set()).add(link.case_id)
    found: dict[str, set[str]] = {}
    for case_id in direct:
        heirs: set[str] = set()
        ahead = set(direct[case_id])
        while ahead:
            heirs |= ahead
            ahead = {more for one in ahead for more in direct.get(one, ())} - heirs
        found[case_id] = heirs
    return found


def _has_values(session: Session, case_ids: list[str]) -> bool:
    """Say whether something of cases can still be erased; reasons of holds and erasures do not count."""
    found = _sealed_values().where(col(DisclosureRow.case_id).in_(case_ids)).limit(1)
    return session.exec(found).first() is not None


def _with_values(session: Session) -> set[str]:
    return set(session.exec(_sealed_values().distinct()))


def _sealed_values() -> SelectOfScalar[str]:
    return (
        select(DisclosureRow.case_id)
        .join(
            EventRow,
            (col(EventRow.case_id) == col(DisclosureRow.case_id))
            & (col(EventRow.seq) == col(DisclosureRow.seq)),
        )
        .where(col(EventRow.kind).not_in(_ABOUT_ERASURE))
    )


def _key(hold_id: str, kind: EventKind) -> str:
    return f"hold/{hold_id}/{kind.value.partition('.')[2]}"


def _by(actor: Mapping[str, str]) -> str:
    return f"{actor['role']} {actor['id']}"


def _view(session: Session, hold: LegalHold) -> HoldView:
    """Return a hold with its reason, which stands in the evidence alone."""
    reason = session.exec(
        select(DisclosureRow.value)
        .join(
            EventRow,
            (col(EventRow.case_id) == col(DisclosureRow.case_id))
            & (col(EventRow.seq) == col(DisclosureRow.seq)),
        )
        .where(
            EventRow.case_id == hold.case_id,
            EventRow.key == _key(hold.id, EventKind.HOLD_PLACED),
            DisclosureRow.path == "/body/reason",
        )
    ).first()
    return HoldView(
        hold.id, hold.case_id, reason, hold.placed_by, hold.placed_at, hold.released_by, hold.released_at
    )
