"""Departures: the start with its two cases in one transaction, the withdrawal, and another last day."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import func
from sqlmodel import Session, select

from countersign.adapters.database.beginnings import begin_case
from countersign.adapters.database.case_links import tie
from countersign.adapters.database.departure_changes import Undoing, move_last_day, withdraw
from countersign.adapters.database.departure_previews import DeparturePreview, DeparturePreviews
from countersign.adapters.database.departure_terms import (
    DepartureWish,
    Terms,
    leaver_of,
    terms_of,
)
from countersign.adapters.database.duty_book import DutyBook
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.items import list_items
from countersign.adapters.database.ledger_book import LedgerBook
from countersign.adapters.database.own_departure import refuse_own
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.shares import Shares
from countersign.adapters.database.tables import (
    ActRow,
    Case,
    Departure,
    Employment,
    Revocation,
)
from countersign.contracts.cases import CaseState, Process
from countersign.contracts.departures import OffboardingInput, StatutoryInput
from countersign.contracts.leave_return import ClockStart
from countersign.domain.calendar import WorkCalendar
from countersign.domain.departure import ARTICLE
from countersign.domain.evidence import Sealed
from countersign.domain.refusal import Refusal
from countersign.ids import new_id, offboarding_workflow_id, statutory_workflow_id

__all__ = ["DepartureWish", "Departures", "StartedDeparture"]

OFFBOARDING: TypeAdapter[OffboardingInput] = TypeAdapter(OffboardingInput)
STATUTORY: TypeAdapter[StatutoryInput] = TypeAdapter(StatutoryInput)

EVERYWHERE = Scope()

_YEARS_AFTER = 2


@dataclass(frozen=True)
class StartedDeparture:
    """A departure that was started; `existing` says that the same one had been started before."""

    case_id: str
    statutory_case_id: str
    existing: bool = False


@dataclass(frozen=True)
class DepartureDesk:
    """The books that a departure is opened in and taken back from."""

    shares: Shares
    duties: DutyBook
    ledger: LedgerBook
    checklists: Undoing


class Departures:
    """Previews, starts and changes departures. `lapse` is the time-lapse factor of the data directory."""

    def __init__(
        self,
        database: Database,
        evidence: EvidenceLog,
        previews: DeparturePreviews,
        desk: DepartureDesk,
        calendar: Callable[[], WorkCalendar],
        clock: Callable[[], datetime],
        lapse: int,
    ) -> None:
        self._database, self._evidence, self._previews, self._desk = database, evidence, previews, desk
        self._calendar, self._clock, self._lapse = calendar, clock, lapse

    # -- preview ------------------------------------------------------------------------------------------

    def preview(self, wish: DepartureWish, scope: Scope = EVERYWHERE) -> DeparturePreview:
        """Return what a start would do now; nothing is written.

        Raises `Refusal`, `CaseFileError`, `TemplateFault` or `CannotStart`.
        """
        with self._database.reading() as session:
            person, employment = leaver_of(session, wish, scope)
            existing = _existing(session, wish, employment)
            terms = terms_of(session, wish, person, employment, self._clock())
            case_id = None if existing is None else existing.case_id
            return self._previews.of(session, terms, self._started(terms), case_id)

    # -- start --------------------------------------------------------------------------------------------

    def start(
        self, wish: DepartureWish, actor: Mapping[str, Any], scope: Scope = EVERYWHERE
    ) -> StartedDeparture:
        """Open the departure with its two cases in one transaction, and order their processes to start.

        The same wish (kind and last day) again returns the first. Raises `Refusal`, `CaseFileError`,
        `TemplateFault` or `CannotStart`; then nothing is written.
        """
        return self._database.write(lambda session: self.start_in(session, wish, actor, scope))

    def start_in(
        self, session: Session, wish: DepartureWish, actor: Mapping[str, Any], scope: Scope = EVERYWHERE
    ) -> StartedDeparture:
        """Do the same inside the caller's transaction."""
        person, employment = leaver_of(session, wish, scope)
        refuse_own(session, person.id, str(actor["id"]), "employee")
        existing = _existing(session, wish, employment)
        if existing is not None:
            return existing
        terms = terms_of(session, wish, person, employment, self._clock())
        started = self._started(terms)
        shown = self._previews.of(session, terms, started, None)
        if shown.blocks:
            raise Refusal(*shown.blocks[0])
        return self._open(session, terms, started, actor)

    def _open(
        self, session: Session, terms: Terms, started: datetime, actor: Mapping[str, Any]
    ) -> StartedDeparture:
        before = _withdrawn_before(session, terms.employment.id)
        case = self._offboarding_case(terms, started, before)
        session.add(case)
        session.flush()
        duties = self._statutory_case(terms, started, before, case.id)
        session.add(duties)
        session.flush()
        departure = self._departure(terms, case, duties, actor)
        session.add(departure)
        session.flush()
        self._tell_start(session, terms, (case, duties), started, actor)
        list_items(session, self._evidence, departure, case, terms.holdings, started)
        self._desk.shares.spread(session, departure, started)
        self._desk.duties.open(session, departure)
        session.add_all(
            Revocation(id=new_id(), departure_id=case.id, system=name) for name in terms.template.systems
        )
        session.flush()
        return StartedDeparture(case.id, duties.id)

    def _tell_start(
        self,
        session: Session,
        terms: Terms,
        cases: tuple[Case, Case],
        started: datetime,
        actor: Mapping[str, Any],
    ) -> None:
        """Begin both chains, tie the statutory one to the other, and order the processes."""
        case, duties = cases
        for one in cases:
            begin_case(session, self._evidence, one, started, actor, _begun(terms, one), self._clock())
        reason = "the statutory duties of this departure"
        tie(session, self._evidence, duties, case, started, dict(actor), reason)

    def _departure(self, terms: Terms, case: Case, duties: Case, actor: Mapping[str, Any]) -> Departure:
        wish = terms.wish
        return Departure(
            case_id=case.id,
            statutory_case_id=duties.id,
            employment_id=terms.employment.id,
            holds=terms.employment.id,
            person_id=case.person_id,
            branch_id=case.branch_id,
            kind=wish.kind.value,
            ground=terms.ground.value,
            proposed_by=terms.proposed_by.value,
            needs_notice=terms.needs_notice,
            noticed_on=wish.noticed_on,
            last_day=wish.last_day,
            facts=terms.facts,
            successor_id=terms.successor.id if terms.successor else None,
            created_by=str(actor["id"]),
            created_at=self._clock(),
        )

    def _offboarding_case(self, terms: Terms, started: datetime, before: int) -> Case:
        case_id, wish = new_id(), terms.wish
        frozen = OffboardingInput(
            case_id=case_id,
            employment_id=terms.employment.id,
            person_id=terms.file.person.id,
            branch_id=terms.branch.id,
            kind=wish.kind,
            last_day=wish.last_day,
            policy=terms.policy,
            policy_version=terms.policy_version,
            calendar=self._slice(wish.last_day, started),
            reach=terms.file.reach(),
            clock=ClockStart(started, self._lapse),
            overdue=dict(wish.overdue),
        )
        return self._case(
            terms,
            started,
            id=case_id,
            kind=Process.OFFBOARDING.value,
            workflow_id=offboarding_workflow_id(terms.employment.id, before),
            departure_id=case_id,
            policy_version=terms.policy_version,
            frozen=OFFBOARDING.dump_python(frozen, mode="json"),
        )

    def _statutory_case(self, terms: Terms, started: datetime, before: int, departure_id: str) -> Case:
        case_id, wish = new_id(), terms.wish
        frozen = StatutoryInput(
            case_id=case_id,
            departure_id=departure_id,
            employment_id=terms.employment.id,
            person_id=terms.file.person.id,
            branch_id=terms.branch.id,
            kind=wish.kind,
            last_day=wish.last_day,
            needs_notice=terms.needs_notice,
            policy=terms.statutory,
            policy_version=terms.statutory_version,
            calendar=self._slice(wish.last_day, started),
            reach=terms.file.reach(),
            clock=ClockStart(started, self._lapse),
        )
        return self._case(
            terms,
            started,
            id=case_id,
            kind=Process.STATUTORY.value,
            workflow_id=statutory_workflow_id(terms.employment.id, before),
            departure_id=departure_id,
            policy_version=terms.statutory_version,
            frozen=STATUTORY.dump_python(frozen, mode="json"),
        )

    def _case(self, terms: Terms, started: datetime, **own: Any) -> Case:
        return Case(
            person_id=terms.file.person.id,
            branch_id=terms.branch.id,
            state=CaseState.STARTING.value,
            stage="starting",
            clock_factor=self._lapse,
            clock_case=started if self._lapse > 1 else None,
            created_at=self._clock(),
            **own,
        )

    def _slice(self, last_day: date, started: datetime) -> WorkCalendar:
        first = min(last_day, started.date()).year
        return self._calendar().slice(first, last_day.year + _YEARS_AFTER)

    def _started(self, terms: Terms) -> datetime:
        """Return the case's time at the start: now, in whole seconds; in time-lapse the first planned one."""
        now = self._clock().replace(microsecond=0)
        if self._lapse == 1 or terms.needs_notice or terms.asks_at_once:
            return now
        first = next((one.at for one in terms.reminders(self._calendar())), now)
        return max(now, first - timedelta(minutes=1))

    # -- changes of a running departure -------------------------------------------------------------------

    def withdraw_effect(self, session: Session, act: ActRow, case: Case) -> None:
        """Take a departure back: nobody leaves; what was undone stays as history. Raises `Refusal`."""
        withdraw(session, self._evidence, self._desk.ledger, self._desk.checklists, act, case)

    def move_last_day_effect(self, session: Session, act: ActRow, case: Case) -> None:
        """Move the last day to `on` of the act's body, and what follows from it. Raises `Refusal`."""
        move_last_day(session, self._evidence, act, case, self._clock())


def _existing(session: Session, wish: DepartureWish, employment: Employment) -> StartedDeparture | None:
    """Return the departure that this employment has already; refuse another one beside it."""
    found = session.exec(select(Departure).where(Departure.holds == employment.id)).first()
    if found is None:
        return None
    if (found.kind, found.last_day) == (wish.kind.value, wish.last_day):
        return StartedDeparture(found.case_id, found.statutory_case_id, existing=True)
    raise Refusal(
        "employee",
        f"employee: this employment has a departure already, {found.kind} with the last day "
        f"{found.last_day}, case {found.case_id}; withdraw it there or move its last day",
    )


def _withdrawn_before(session: Session, employment_id: str) -> int:
    query = select(func.count()).select_from(Departure).where(Departure.employment_id == employment_id)
    return session.exec(query).one()


def _begun(terms: Terms, case: Case) -> dict[str, Any]:
    wish, person = terms.wish, terms.file.person
    body: dict[str, Any] = {
        "case": case.id,
        "process": case.kind,
        "departure": case.departure_id,
        "departure_kind": wish.kind.value,
        "ground": terms.ground.value,
        "article": ARTICLE[terms.ground],
        "proposed_by": terms.proposed_by.value,
        "noticed_on": wish.noticed_on.isoformat(),
        "last_day": wish.last_day.isoformat(),
        "branch": terms.branch.id,
        "policy": case.policy_version,
        "person": {"name": Sealed(person.name), "number": Sealed(person.number)},
    }
    if wish.reason.strip():
        body["reason"] = Sealed(wish.reason.strip())
    if terms.successor is not None and case.kind == Process.OFFBOARDING.value:
        body["successor"] = {"name": Sealed(terms.successor.name), "number": Sealed(terms.successor.number)}
    return body
