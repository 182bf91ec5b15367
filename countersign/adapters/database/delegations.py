"""Who stands in for whom on which days: appointed by the absent one, or for them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, or_, select

from countersign.adapters.database.account_changes import Did, keep_change
from countersign.adapters.database.accounts import AccountFault
from countersign.adapters.database.engine import Database
from countersign.adapters.database.officers import MAY_STAND_IN, Officer, covers
from countersign.adapters.database.tables import Account, Branch, Delegation
from countersign.contracts.cases import Role
from countersign.domain.local_time import day_of
from countersign.ids import new_id

LONGEST = timedelta(days=366)
_LISTED = 500


class DelegationState(StrEnum):
    """Where a span of days lies, seen from today."""

    COMING = "coming"
    NOW = "now"
    PAST = "past"
    ENDED = "ended"


@dataclass(frozen=True)
class Standing:
    """One appointment as pages show it; both days are inclusive."""

    id: str
    absent_id: str
    absent: str = field(repr=False)
    absent_role: Role
    delegate_id: str
    delegate: str = field(repr=False)
    delegate_role: Role
    from_day: date
    until_day: date
    state: DelegationState
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class Candidate:
    """An account that can be chosen."""

    id: str
    name: str = field(repr=False)
    role: Role
    branch: str | None


class Delegations:
    """Keeps appointments. What an officer may do by them is worked out with every request, in `Accounts`."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock

    @property
    def today(self) -> date:
        """The company's date."""
        return day_of(self._clock())

    def appoint(self, absent_id: str, delegate_id: str, first: date, last: date, by: Officer) -> str:
        """Let one account stand in for another from the first to the last day; return the appointment's id.

        Raises `AccountFault` where the days, the role or the branch do not allow it.
        """
        _check_days(first, last, self.today)

        def keep(session: Session) -> str:
            # The absent one's row is locked, so that two forms cannot appoint for the same days.
            absent = session.get(Account, absent_id, with_for_update=True)
            delegate = session.get(Account, delegate_id)
            if absent is None or not _within(absent, by) or Role(absent.role) not in MAY_STAND_IN:
                raise AccountFault("absent", "absent: there is no such account; choose one from the list")
            if absent_id == delegate_id:
                raise AccountFault("delegate", "delegate: nobody stands in for themselves; choose another")
            if delegate is None or delegate.disabled_at is not None or not covers(delegate, absent):
                raise AccountFault(
                    "delegate",
                    "delegate: this role or branch does not cover the work; choose one from the list",
                )
            _refuse_overlap(session, absent_id, first, last)
            row = Delegation(
                id=new_id(),
                absent_id=absent_id,
                delegate_id=delegate_id,
                from_day=first,
                until_day=last,
                created_by=by.account_id,
                created_at=self._clock(),
            )
            session.add(row)
            self._tell(session, row, by, Did.DELEGATE_APPOINTED)
            return row.id

        return self._database.write(keep)

    def end(self, delegation_id: str, by: Officer, *, own: bool) -> bool:
        """End an appointment at once; False when it was over. With `own` only one of the officer's own.

        Raises `LookupError` for one that is not there or not the officer's to end.
        """

        def keep(session: Session) -> bool:
            row = session.get(Delegation, delegation_id, with_for_update=True)
            absent = None if row is None else session.get_one(Account, row.absent_id)
            if row is None or absent is None or not _within(absent, by):
                raise LookupError("delegation: there is none here")
            if own and absent.id != by.account_id:
                raise LookupError("delegation: it is not yours")
            if row.ended_at is not None or row.until_day < self.today:
                return False
            row.ended_at = self._clock()
            session.add(row)
            self._tell(session, row, by, Did.DELEGATE_ENDED)
            return True

        return self._database.write(keep)

    def _tell(self, session: Session, row: Delegation, by: Officer, did: Did) -> None:
        fields: dict[str, tuple[str | None, str | None]] = {
            "delegate": (None, session.get_one(Account, row.delegate_id).name),
            "from": (None, row.from_day.isoformat()),
            "until": (None, row.until_day.isoformat()),
        }
        keep_change(session, row.absent_id, by.account_id, self._clock(), did, fields)

    # -- reading ------------------------------------------------------------------------------------------

    def of(self, account_id: str) -> list[Standing]:
        """Return whom an account appointed and for whom it stands in, the newest first."""
        with self._database.reading() as session:
            return self._rows(session, [account_id], None)

    def all(self, branch_id: str | None) -> list[Standing]:
        """Return the appointments of a branch's accounts, or of the company, the newest first."""
        with self._database.reading() as session:
            return self._rows(session, None, branch_id)

    def _rows(self, session: Session, accounts: list[str] | None, branch_id: str | None) -> list[Standing]:
        absent, delegate = aliased(Account), aliased(Account)
        query = (
            select(Delegation, absent, delegate)
            .join(absent, col(absent.id) == col(Delegation.absent_id))
            .join(delegate, col(delegate.id) == col(Delegation.delegate_id))
            .order_by(col(Delegation.from_day).desc(), col(Delegation.id).desc())
            .limit(_LISTED)
        )
        if accounts is not None:
            query = query.where(
                or_(col(Delegation.absent_id).in_(accounts), col(Delegation.delegate_id).in_(accounts))
            )
        if branch_id is not None:
            query = query.where(absent.branch_id == branch_id)
        return [_standing(row, away, here, self.today) for row, away, here in session.exec(query)]

    def absentees(self, by: Officer) -> list[Candidate]:
        """Return the open accounts for whom an officer may appoint somebody."""
        return self._candidates(lambda one: _within(one, by) and Role(one.role) in MAY_STAND_IN)

    def delegates_for(self, absent_id: str) -> list[Candidate]:
        """Return the open accounts that may stand in for one."""
        with self._database.reading() as session:
            absent = session.get_one(Account, absent_id)
        return self._candidates(lambda one: covers(one, absent))

    def _candidates(self, fits: Callable[[Account], bool]) -> list[Candidate]:
        query = (
            select(Account, Branch)
            .outerjoin(Branch, col(Branch.id) == col(Account.branch_id))
            .where(
                col(Account.disabled_at).is_(None),
                col(Account.role).in_([role.value for role in MAY_STAND_IN]),
            )
            .order_by(col(Account.name))
        )
        with self._database.reading() as session:
            return [
                Candidate(one.id, one.name, Role(one.role), None if branch is None else branch.name)
                for one, branch in session.exec(query)
                if fits(one)
            ]


def _check_days(first: date, last: date, today: date) -> None:
    if first < today:
        raise AccountFault("from", f"from: lies in the past; the earliest day is {today.isoformat()}")
    if last < first:
        raise AccountFault("until", "until: lies before the first day; give the same day or a later one")
    if last - first > LONGEST:
        raise AccountFault("until", "until: is more than a year after the first day; give an earlier one")


def _refuse_overlap(session: Session, absent_id: str, first: date, last: date) -> None:
    same = select(Delegation).where(
        Delegation.absent_id == absent_id,
        col(Delegation.ended_at).is_(None),
        col(Delegation.from_day) <= last,
        col(Delegation.until_day) >= first,
    )
    found = session.exec(same.order_by(col(Delegation.from_day))).first()
    if found is not None:
        raise AccountFault(
            "from",
            f"from: a delegate is appointed from {found.from_day.isoformat()} to "
            f"{found.until_day.isoformat()} already; end that first, or choose other days",
        )


def _within(account: Account, by: Officer) -> bool:
    return by.branch_id in (None, account.branch_id) or account.id == by.account_id


def _standing(row: Delegation, absent: Account, delegate: Account, today: date) -> Standing:
    return Standing(
        id=row.id,
        absent_id=absent.id,
        absent=absent.name,
        absent_role=Role(absent.role),
        delegate_id=delegate.id,
        delegate=delegate.name,
        delegate_role=Role(delegate.role),
        from_day=row.from_day,
        until_day=row.until_day,
        state=_state(row, today),
        created_at=row.created_at,
        ended_at=row.ended_at,
    )


def _state(row: Delegation, today: date) -> DelegationState:
    if row.ended_at is not None:
        return DelegationState.ENDED
    if row.until_day < today:
        return DelegationState.PAST
    return DelegationState.NOW if row.from_day <= today else DelegationState.COMING
