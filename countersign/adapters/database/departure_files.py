"""The files of the cases of a departure: what the leaver, a receiver and the law's notices are told."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, func, or_
from sqlmodel import Session, col, select

from countersign.adapters.database.branch_days import branch_day
from countersign.adapters.database.people import PersonFile, person_file
from countersign.adapters.database.questionnaires import questions_of
from countersign.adapters.database.tables import (
    Case,
    Departure,
    Entry,
    HandoverItem,
    LedgerAccount,
    Person,
    ReceiverAbsence,
)
from countersign.adapters.rendering import NoticeText, Renderer
from countersign.contracts.cases import Process
from countersign.domain.calendar import WorkCalendar
from countersign.domain.departure import (
    CLOSED_ITEMS,
    DepartureKind,
    DutyKind,
    Ground,
    ItemState,
    Track,
)
from countersign.domain.duties import due_on
from countersign.domain.policy import Audience

_OWED = {
    "insurance_advance": "owed_insurance",
    "loan": "owed_loan",
    "wage_overpaid": "owed_overpaid",
    "equipment": "owed_equipment",
}
"""The variable of each account on which an employee can owe something."""

_EXAMPLE_DAYS = (date(2026, 3, 2), date(2026, 3, 31))


@dataclass(frozen=True)
class OpenItems:
    """What is not closed: how many of each track, and how many wait for the leaver and the receiver."""

    tracks: Mapping[Track, int] = field(default_factory=dict)
    to_hand_over: int = 0
    to_accept: int = 0

    def variables(self) -> dict[str, Any]:
        """Return the counts as the texts use them; 0 where nothing is open."""
        counts = {f"{track.value}_open": self.tracks.get(track, 0) for track in Track}
        return {**counts, "items_open": sum(self.tracks.values())}


@dataclass(frozen=True)
class DepartureFacts:
    """What the texts of a departure say of it. `facts` is what the employer's notice rests on, in HR's words.

    `owed` holds fen by kind of account, only what is above 0.
    """

    kind: DepartureKind
    ground: Ground
    last_day: date
    noticed_on: date
    ended_on: date | None = None
    facts: str | None = field(default=None, repr=False)
    successor: str | None = field(default=None, repr=False)
    items: OpenItems = field(default_factory=OpenItems)
    owed: Mapping[str, int] = field(default_factory=dict, repr=False)
    questionnaire: bool = False

    def money(self) -> dict[str, str | None]:
        """Return every sum as the texts print it, such as `1,250.00`; None where nothing is owed."""
        named = {name: _yuan(self.owed.get(kind, 0)) for kind, name in _OWED.items()}
        return {**named, "owed": _yuan(sum(self.owed.values()))}


@dataclass(frozen=True)
class _FromTemplates(PersonFile):
    """A file all of whose texts come from the templates."""

    def notice(
        self,
        renderer: Renderer,
        name: str,
        audience: Audience,
        language: str,
        variables: Mapping[str, Any],
    ) -> NoticeText:
        """Return the text of the template."""
        return renderer.notice(name, audience, language, variables)


@dataclass(frozen=True)
class OffboardingFile(_FromTemplates):
    """The leaver's own case: what is left to hand over and what is owed."""

    about: DepartureFacts

    @property
    def process(self) -> Process:
        """The kind of case."""
        return Process.OFFBOARDING

    def variables(self, calendar: Callable[[], WorkCalendar]) -> Mapping[str, Any]:
        """Return what the texts of a departure may use."""
        about = self.about
        return {
            "departure_kind": about.kind.value,
            "last_day": about.last_day,
            "ended_on": about.ended_on,
            "successor": about.successor,
            "questionnaire": about.questionnaire,
            "items_to_hand_over": about.items.to_hand_over,
            **about.items.variables(),
            **about.money(),
        }


@dataclass(frozen=True)
class HandoverFile(_FromTemplates):
    """The case of one receiver: whose work, how much, by when. Nothing in it knows why somebody leaves."""

    leaver: str = field(repr=False)
    last_day: date
    items: OpenItems
    stands_in_for: tuple[str, ...] = field(default=(), repr=False)

    @property
    def process(self) -> Process:
        """The kind of case."""
        return Process.HANDOVER

    def variables(self, calendar: Callable[[], WorkCalendar]) -> Mapping[str, Any]:
        """Return what the texts for a receiver may use."""
        return {
            "leaver": self.leaver,
            "last_day": self.last_day,
            "items_to_accept": self.items.to_accept,
            "stands_in_for": "、".join(self.stands_in_for) or None,
            **self.items.variables(),
        }


@dataclass(frozen=True)
class StatutoryFile(_FromTemplates):
    """The end of the employment: the employer's notice, the certificate, the demand."""

    about: DepartureFacts

    @property
    def process(self) -> Process:
        """The kind of case."""
        return Process.STATUTORY

    def variables(self, calendar: Callable[[], WorkCalendar]) -> Mapping[str, Any]:
        """Return what the texts at the end of an employment may use.

        `transfer_by` counts from the end of the employment, from the planned last day while it has not ended.
        """
        about = self.about
        return {
            "departure_kind": about.kind.value,
            "ground": about.ground.value,
            "facts": about.facts,
            "last_day": about.last_day,
            "noticed_on": about.noticed_on,
            "ended_on": about.ended_on,
            "transfer_by": due_on(DutyKind.FILE_TRANSFER, about.ended_on or about.last_day),
            **about.items.variables(),
            **about.money(),
        }


DepartureFile = OffboardingFile | HandoverFile | StatutoryFile


def offboarding_file_of(session: Session, case: Case) -> OffboardingFile:
    """Return the file of an offboarding case."""
    departure = session.get_one(Departure, case.departure_id)
    return offboarding_file(session, session.get_one(Person, case.person_id), facts_of(session, departure))


def statutory_file_of(session: Session, case: Case) -> StatutoryFile:
    """Return the file of a statutory case."""
    departure = session.get_one(Departure, case.departure_id)
    return statutory_file(session, session.get_one(Person, case.person_id), facts_of(session, departure))


def handover_file_of(session: Session, case: Case, at: datetime | None = None) -> HandoverFile:
    """Return the file of a receiver's case; with its time, also of what they confirm for others then."""
    departure = session.get_one(Departure, case.departure_id)
    leaver = session.get_one(Person, departure.person_id)
    absent = () if at is None else _represented(session, case, at)
    of_others = and_(
        col(HandoverItem.departure_id) == departure.case_id,
        col(HandoverItem.receiver_id).in_([one.id for one in absent]),
    )
    mine = or_(col(HandoverItem.share_id) == case.id, of_others)
    rows = session.exec(select(HandoverItem).where(mine)).all()
    receiver = session.get_one(Person, case.person_id)
    file = handover_file(session, receiver, leaver.name, departure.last_day, _open(rows))
    return replace(file, stands_in_for=tuple(one.name for one in absent))


def offboarding_file(session: Session, person: Person, about: DepartureFacts) -> OffboardingFile:
    """Return the file of somebody who leaves."""
    return OffboardingFile(**_around(session, person), about=about)


def statutory_file(session: Session, person: Person, about: DepartureFacts) -> StatutoryFile:
    """Return the file of somebody whose employment ends."""
    return StatutoryFile(**_around(session, person), about=about)


def handover_file(
    session: Session, person: Person, leaver: str, last_day: date, items: OpenItems
) -> HandoverFile:
    """Return the file of somebody who takes over."""
    return HandoverFile(**_around(session, person), leaver=leaver, last_day=last_day, items=items)


def facts_of(session: Session, departure: Departure) -> DepartureFacts:
    """Return what the texts of a departure say of it, as the books stand."""
    successor = session.get(Person, departure.successor_id) if departure.successor_id else None
    rows = session.exec(select(HandoverItem).where(HandoverItem.departure_id == departure.case_id)).all()
    return DepartureFacts(
        kind=DepartureKind(departure.kind),
        ground=Ground(departure.ground),
        last_day=departure.last_day,
        noticed_on=departure.noticed_on,
        ended_on=departure.ended_on,
        facts=departure.facts,
        successor=successor.name if successor else None,
        items=_open(rows),
        owed=_owed(session, departure.employment_id),
        questionnaire=questions_of(session.get_one(Case, departure.case_id), departure) is not None,
    )


def example_file(session: Session, process: Process, person: Person, language: str) -> DepartureFile:
    """Return a file for somebody who has never left, so that a text can be looked at before it is needed."""
    chinese = language == "zh-CN"
    items = OpenItems({Track.DOCUMENTS: 3, Track.CUSTOMERS: 2, Track.EQUIPMENT: 1}, 4, 2)
    if process is Process.HANDOVER:
        return handover_file(session, person, "李娜" if chinese else "Li Na", _EXAMPLE_DAYS[1], items)
    about = DepartureFacts(
        kind=DepartureKind.DISMISSAL,
        ground=Ground.NO_FAULT,
        noticed_on=_EXAMPLE_DAYS[0],
        last_day=_EXAMPLE_DAYS[1],
        facts="这里写明事实。" if chinese else "Here stand the facts.",
        successor="王芳" if chinese else "Wang Fang",
        items=items,
        owed={"loan": 300_000, "insurance_advance": 96_050},
        questionnaire=True,
    )
    build = offboarding_file if process is Process.OFFBOARDING else statutory_file
    return build(session, person, about)


def _around(session: Session, person: Person) -> dict[str, Any]:
    one = person_file(session, person)
    return {
        "person": one.person,
        "branch": one.branch,
        "contact": one.contact,
        "manager": one.manager,
        "consent": one.consent,
    }


def _represented(session: Session, case: Case, at: datetime) -> Sequence[Person]:
    """Return for whom the receiver of a case confirms at a time; where nobody is away yet, for whom later."""
    today = branch_day(session, case.branch_id, at)
    absences = session.exec(
        select(ReceiverAbsence).where(
            ReceiverAbsence.share_id == case.id,
            col(ReceiverAbsence.ended_at).is_(None),
            col(ReceiverAbsence.until_day) >= today,
        )
    ).all()
    absent = [one.receiver_id for one in absences if one.from_day <= today]
    absent = absent or [one.receiver_id for one in absences]
    return session.exec(select(Person).where(col(Person.id).in_(absent)).order_by(col(Person.number))).all()


def _open(rows: Any) -> OpenItems:
    left = [row for row in rows if ItemState(row.state) not in CLOSED_ITEMS]
    tracks = Counter(Track(row.track) for row in left)
    by_state = Counter(row.state for row in left)
    return OpenItems(tracks, by_state[ItemState.OPEN.value], by_state[ItemState.HANDED_OVER.value])


def _owed(session: Session, employment_id: str) -> dict[str, int]:
    balance = func.coalesce(func.sum(col(Entry.amount_fen)), 0)
    rows = session.exec(
        select(LedgerAccount.kind, balance)
        .join(Entry, col(Entry.account_id) == col(LedgerAccount.id))
        .where(LedgerAccount.employment_id == employment_id, col(LedgerAccount.kind).in_(list(_OWED)))
        .group_by(LedgerAccount.kind)
    )
    return {kind: int(fen) for kind, fen in rows if fen > 0}


def _yuan(fen: int) -> str | None:
    return f"{Decimal(fen) / 100:,.2f}" if fen > 0 else None
