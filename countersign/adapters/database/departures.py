"""Departures: what a start would do, the start itself, the withdrawal, and another last day."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import func
from sqlmodel import Session, select

from countersign.adapters.database.case_file import CaseFile
from countersign.adapters.database.case_links import tie
from countersign.adapters.database.departure_changes import Undoing, move_last_day, withdraw
from countersign.adapters.database.departure_files import (
    DepartureFacts,
    OpenItems,
    handover_file,
    offboarding_file,
    statutory_file,
)
from countersign.adapters.database.departure_terms import (
    DepartureWish,
    Terms,
    leaver_of,
    switched_off,
    terms_of,
    warnings_of,
)
from countersign.adapters.database.duty_book import DutyBook
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.items import list_items
from countersign.adapters.database.ledger_book import LedgerBook
from countersign.adapters.database.notices import Notices
from countersign.adapters.database.own_departure import refuse_own
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.shares import Shares
from countersign.adapters.database.sifting import PreviewText, Sieve
from countersign.adapters.database.starts import cannot_print
from countersign.adapters.database.tables import (
    ActRow,
    Case,
    Departure,
    Employment,
    Outbox,
    Person,
    Revocation,
)
from countersign.adapters.paper import Unprintable
from countersign.contracts.cases import CaseState, Process
from countersign.contracts.departures import OffboardingInput, StatutoryInput
from countersign.contracts.leave_return import ClockStart
from countersign.domain.calendar import WorkCalendar
from countersign.domain.departure import ARTICLE, DepartureKind, DutyKind, Ground, ProposedBy, Track
from countersign.domain.duties import due_on, instant_of_the_end
from countersign.domain.evidence import EventKind, Sealed
from countersign.domain.ledger import AccountKind, owed
from countersign.domain.offboarding import Asks, Reminder, last_day_over, overdue_reminders, reminders
from countersign.domain.planner import Plan, plan
from countersign.domain.policy import Audience, Channel, LadderPolicy
from countersign.domain.refusal import Refusal
from countersign.domain.sms_cost import SmsEstimate, together
from countersign.domain.sms_templates import TemplateRefused
from countersign.ids import new_id, offboarding_workflow_id, statutory_workflow_id

__all__ = ["DeparturePreview", "DepartureWish", "Departures", "StartedDeparture"]

OFFBOARDING: TypeAdapter[OffboardingInput] = TypeAdapter(OffboardingInput)
STATUTORY: TypeAdapter[StatutoryInput] = TypeAdapter(StatutoryInput)

ANNOUNCEMENT = "announcement"
"""The first message to everybody who takes over."""

EVERYWHERE = Scope()
CHOICES = frozenset({"run_now", "skip"})

_YEARS_AFTER = 2
_TOLD_RECEIVERS = (Channel.PREFERRED, Channel.IN_SYSTEM)


@dataclass(frozen=True)
class StartedDeparture:
    """A departure that was started; `existing` says that the same one had been started before."""

    case_id: str
    statutory_case_id: str
    existing: bool = False


@dataclass(frozen=True)
class DepartureDates:
    """What falls on which day. `certificate_at` and `duties` follow the planned last day."""

    reminders: tuple[Reminder, ...]
    last_day_over: datetime
    certificate_at: datetime
    duties: Mapping[DutyKind, date]


@dataclass(frozen=True)
class PlannedItem:
    """Something that the leaver will have to hand over, and to whom; None is administration."""

    track: Track
    reference: str
    title: str = field(repr=False)
    mandatory: bool
    receiver_number: str | None
    receiver: str | None = field(repr=False)


@dataclass(frozen=True)
class PlannedReceiver:
    """Somebody who takes over, and how many items."""

    number: str
    name: str = field(repr=False)
    items: int


@dataclass(frozen=True)
class DeparturePreview:
    """Everything HR sees before a start; nothing is written.

    `plan` is the ladder against a silent leaver and `notice` that of the employer's notice, None where none
    is needed; both begin now where the policy asks at once, else `plan` begins after the last day. `balances`
    are fen by kind of account, positive where the leaver owes. `missing` are codes of absent data, `blocks`
    must be mended first.
    """

    employee: str
    person_id: str
    name: str = field(repr=False)
    branch: str
    kind: DepartureKind
    ground: Ground
    article: str
    proposed_by: ProposedBy
    needs_notice: bool
    noticed_on: date
    last_day: date
    policy_version: str
    statutory_version: str
    dates: DepartureDates
    overdue: tuple[Reminder, ...]
    plan: Plan
    notice: Plan | None
    items: tuple[PlannedItem, ...]
    receivers: tuple[PlannedReceiver, ...]
    systems: tuple[str, ...]
    balances: Mapping[AccountKind, int] = field(repr=False)
    texts: tuple[PreviewText, ...]
    missing: tuple[str, ...]
    existing_case: str | None
    blocks: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    sms: SmsEstimate


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
        notices: Notices,
        calendar: Callable[[], WorkCalendar],
        clock: Callable[[], datetime],
        lapse: int,
        sieve: Callable[[Process], Sieve],
        desk: DepartureDesk,
    ) -> None:
        self._database, self._evidence, self._notices = database, evidence, notices
        self._calendar, self._clock, self._lapse = calendar, clock, lapse
        self._sieve, self._desk = sieve, desk

    # -- preview ------------------------------------------------------------------------------------------

    def preview(self, wish: DepartureWish, scope: Scope = EVERYWHERE) -> DeparturePreview:
        """Return what a start would do now; nothing is written.

        Raises `Refusal`, `CaseFileError`, `TemplateFault` or `CannotStart`.
        """
        with self._database.reading() as session:
            person, employment = leaver_of(session, wish, scope)
            existing = _existing(session, wish, employment)
            terms = terms_of(session, wish, person, employment, self._clock())
            return self._preview(session, terms, existing)

    def _preview(self, session: Session, terms: Terms, existing: StartedDeparture | None) -> DeparturePreview:
        wish, file, zone = terms.wish, terms.file, terms.branch.zone
        started = self._started(terms)
        overdue = self._overdue(terms, started)
        said = self._texts(session, terms, started)
        texts = tuple(text for some in said.values() for text in some)
        sifted = [self._sieve(process).sift(session, some) for process, some in said.items()]
        blocks = tuple(block for one in sifted for block in one.blocks)
        off = switched_off(session, terms.branch.id)
        return DeparturePreview(
            employee=file.person.number,
            person_id=file.person.id,
            name=file.person.name,
            branch=terms.branch.name,
            kind=wish.kind,
            ground=terms.ground,
            article=ARTICLE[terms.ground],
            proposed_by=terms.proposed_by,
            needs_notice=terms.needs_notice,
            noticed_on=wish.noticed_on,
            last_day=wish.last_day,
            policy_version=terms.policy_version,
            statutory_version=terms.statutory_version,
            dates=DepartureDates(
                reminders=self._reminders(terms),
                last_day_over=last_day_over(wish.last_day, zone),
                certificate_at=instant_of_the_end(wish.last_day, terms.statutory.certificate_at, zone),
                duties={kind: due_on(kind, wish.last_day) for kind in DutyKind},
            ),
            overdue=overdue,
            plan=plan(terms.policy.ladder, self._calendar(), self._asks_from(terms, started), file.reach()),
            notice=plan(terms.statutory.ladder, self._calendar(), started, file.reach())
            if terms.needs_notice
            else None,
            items=_planned(terms),
            receivers=_planned_receivers(terms),
            systems=terms.template.systems,
            balances={kind: fen for kind, fen in self._balances(session, terms).items() if fen},
            texts=texts,
            missing=_missing(terms),
            existing_case=existing.case_id if existing else None,
            blocks=blocks if off is None else (("process", off), *blocks),
            warnings=(*warnings_of(terms), *(words for one in sifted for words in one.warnings)),
            sms=together([one.sms for one in sifted]),
        )

    def _balances(self, session: Session, terms: Terms) -> Mapping[AccountKind, int]:
        return self._desk.ledger.balances(session, terms.employment.id)

    def _reminders(self, terms: Terms) -> tuple[Reminder, ...]:
        if _asks_at_once(terms):
            return ()
        return reminders(terms.wish.last_day, terms.policy, self._calendar(), terms.branch.zone)

    def _overdue(self, terms: Terms, started: datetime) -> tuple[Reminder, ...]:
        """Return the reminders that a late start has missed, once the choices about them are sound."""
        known = {one.step for one in self._reminders(terms)}
        for step, choice in terms.wish.overdue.items():
            if step not in known:
                named = ", ".join(sorted(known)) or "none"
                raise Refusal(
                    "overdue", f"overdue: {step[:40]!a} is no reminder of this departure; known: {named}"
                )
            if choice not in CHOICES:
                raise Refusal(f"overdue.{step}", f"overdue.{step}: choose run_now or skip")
        if _asks_at_once(terms):
            return ()
        day, zone = terms.wish.last_day, terms.branch.zone
        return overdue_reminders(day, terms.policy, self._calendar(), zone, started)

    def _asks_from(self, terms: Terms, started: datetime) -> datetime:
        if _asks_at_once(terms):
            return started
        return max(started, last_day_over(terms.wish.last_day, terms.branch.zone))

    # -- texts --------------------------------------------------------------------------------------------

    def _texts(self, session: Session, terms: Terms, started: datetime) -> dict[Process, list[PreviewText]]:
        """Render the first message to everybody; one that cannot be rendered stops the start here."""
        about = self._about(session, terms)
        return {
            Process.STATUTORY: self._notice(session, terms, about, started),
            Process.OFFBOARDING: self._first_word(session, terms, about, started),
            Process.HANDOVER: self._announcements(session, terms),
        }

    def _notice(
        self, session: Session, terms: Terms, about: DepartureFacts, started: datetime
    ) -> list[PreviewText]:
        if not terms.needs_notice:
            return []
        file = statutory_file(session, terms.file.person, about)
        return self._first_rung(file, terms.statutory.ladder, terms, started)

    def _first_word(
        self, session: Session, terms: Terms, about: DepartureFacts, started: datetime
    ) -> list[PreviewText]:
        file = offboarding_file(session, terms.file.person, about)
        if _asks_at_once(terms):
            return self._first_rung(file, terms.policy.ladder, terms, started)
        first = next((one for one in self._reminders(terms) if one.at >= started), None)
        if first is None:
            return []
        channels = _resolved(file, terms.policy.remind_channels)
        until = last_day_over(terms.wish.last_day, terms.branch.zone)
        return self._say(file, first.step, Audience.EMPLOYEE, channels, until)

    def _first_rung(
        self, file: CaseFile, ladder: LadderPolicy, terms: Terms, started: datetime
    ) -> list[PreviewText]:
        step = plan(ladder, self._calendar(), started, terms.file.reach()).steps[0]
        return self._say(file, step.rung, step.audience, step.channels, step.waits_until)

    def _announcements(self, session: Session, terms: Terms) -> list[PreviewText]:
        texts: list[PreviewText] = []
        for receiver, items in _by_receiver(terms).items():
            person = session.get_one(Person, receiver)
            theirs = OpenItems(items, items.total(), 0)
            file = handover_file(session, person, terms.file.person.name, terms.wish.last_day, theirs)
            channels = _resolved(file, _TOLD_RECEIVERS)
            texts += self._say(file, ANNOUNCEMENT, Audience.EMPLOYEE, channels, None)
        return texts

    def _about(self, session: Session, terms: Terms) -> DepartureFacts:
        wish = terms.wish
        tracks = Counter(Track(one.track) for one in terms.holdings)
        return DepartureFacts(
            kind=wish.kind,
            ground=terms.ground,
            last_day=wish.last_day,
            noticed_on=wish.noticed_on,
            facts=_facts(terms),
            successor=terms.successor.name if terms.successor else None,
            items=OpenItems(tracks, tracks.total(), 0),
            owed={kind.value: fen for kind, fen in owed(self._balances(session, terms)).items()},
        )

    def _say(
        self,
        file: CaseFile,
        step: str,
        audience: Audience,
        channels: tuple[Channel, ...],
        answer_by: datetime | None,
    ) -> list[PreviewText]:
        if not channels:
            return []
        try:
            return self._notices.preview(file, step, audience, channels, answer_by, confidential=False)
        except TemplateRefused as refusal:
            raise Refusal("policy", f"step {step}: {refusal}") from None
        except Unprintable as fault:
            unprintable = cannot_print(step, fault)
            raise Refusal(unprintable.field, str(unprintable)) from None

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
        shown = self._preview(session, terms, None)
        if shown.blocks:
            raise Refusal(*shown.blocks[0])
        return self._open(session, terms, actor)

    def _open(self, session: Session, terms: Terms, actor: Mapping[str, Any]) -> StartedDeparture:
        started = self._started(terms)
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
            body = _begun(terms, one)
            self._evidence.append(
                session, one, "case.started", started, EventKind.CASE_STARTED, dict(actor), body
            )
        reason = "the statutory duties of this departure"
        tie(session, self._evidence, duties, case, started, dict(actor), reason)
        now = self._clock()
        session.add_all(
            Outbox(
                id=new_id(), kind="start_case", subject=f"start/{one.id}", body={"case": one.id}, due_at=now
            )
            for one in cases
        )

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
            facts=_facts(terms),
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
        if self._lapse == 1 or terms.needs_notice or _asks_at_once(terms):
            return now
        first = next((one.at for one in self._reminders(terms)), now)
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


def _resolved(file: CaseFile, wanted: Iterable[Channel]) -> tuple[Channel, ...]:
    """Return the channels that reach the person, each once."""
    reach = file.reach()
    found = [reach.resolve(Audience.EMPLOYEE, channel) for channel in wanted]
    return tuple(dict.fromkeys(one for one in found if one is not None))


def _asks_at_once(terms: Terms) -> bool:
    return terms.template.asks is Asks.AT_ONCE


def _facts(terms: Terms) -> str | None:
    """Return what the employer's notice rests on; of other ends the reason is nobody's text."""
    return terms.wish.reason.strip() or None if terms.needs_notice else None


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


def _planned(terms: Terms) -> tuple[PlannedItem, ...]:
    found = []
    for one in terms.holdings:
        receiver = terms.receivers[one.id]
        found.append(
            PlannedItem(
                track=Track(one.track),
                reference=one.reference,
                title=one.title,
                mandatory=one.mandatory,
                receiver_number=receiver.number if receiver else None,
                receiver=receiver.name if receiver else None,
            )
        )
    return tuple(sorted(found, key=lambda one: list(Track).index(one.track)))


def _by_receiver(terms: Terms) -> dict[str, Counter[Track]]:
    found: dict[str, Counter[Track]] = {}
    for one in terms.holdings:
        receiver = terms.receivers[one.id]
        if receiver is not None:
            found.setdefault(receiver.id, Counter())[Track(one.track)] += 1
    return found


def _planned_receivers(terms: Terms) -> tuple[PlannedReceiver, ...]:
    people = {one.id: one for one in terms.receivers.values() if one is not None}
    counted = _by_receiver(terms)
    return tuple(
        PlannedReceiver(person.number, person.name, counted[person.id].total())
        for person in sorted(people.values(), key=lambda one: one.number)
    )


def _missing(terms: Terms) -> tuple[str, ...]:
    """Return what is not on record and would be wanted, as codes."""
    person = terms.file.person
    ladders: Sequence[Any] = (*terms.policy.ladder.rungs, *terms.statutory.ladder.rungs)
    facts: dict[str, object] = {
        "phone": person.phone,
        "email": person.email,
        "service_address": person.service_address,
        "e_delivery_consent": person.e_delivery_consent_on,
    }
    if any(rung.audience is Audience.MANAGER for rung in ladders):
        facts["manager"] = terms.file.manager
    return tuple(name for name, value in facts.items() if not value)
