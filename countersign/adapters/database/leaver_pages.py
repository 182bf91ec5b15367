"""What a leaver is shown of the end: what is owed on either side, and the papers that were made for them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, or_, select

from countersign.adapters.database.cases import case_now
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.repayment_plans import PlanView, plan_view
from countersign.adapters.database.tables import (
    Case,
    Departure,
    Document,
    HandoverItem,
    ItemConfirmation,
    Person,
    Settlement,
)
from countersign.adapters.documents import Documents
from countersign.domain.departure import LEAVER_PAPERS
from countersign.domain.evidence import EventKind
from countersign.domain.ledger import PAYABLES, RECEIVABLES, AccountKind

_PAPERS = tuple(kind.value for kind in LEAVER_PAPERS)


@dataclass(frozen=True)
class Paper:
    """A document that was made for the leaver; `size` in bytes."""

    id: str
    kind: str
    size: int
    created_at: datetime


@dataclass(frozen=True)
class LeaverView:
    """One departure as the leaver sees it.

    `owed` is what the leaver owes by kind, `due` what the company owes, both in fen and above 0. `net_fen` is
    the sum of the confirmed settlement, None while there is none.
    """

    departure_id: str
    person_id: str
    kind: str
    last_day: date
    ended_on: date | None
    withdrawn: bool
    owed: tuple[tuple[AccountKind, int], ...] = field(default=(), repr=False)
    due: tuple[tuple[AccountKind, int], ...] = field(default=(), repr=False)
    plan: PlanView | None = field(default=None, repr=False)
    net_fen: int | None = field(default=None, repr=False)
    papers: tuple[Paper, ...] = ()

    @property
    def owed_fen(self) -> int:
        """Everything that the leaver owes."""
        return sum(fen for _, fen in self.owed)


@dataclass(frozen=True)
class SaidOfItems:
    """What an act about items spoke of: their titles, and for whom it was said, where somebody stood in."""

    items: tuple[str, ...] = field(default=(), repr=False)
    on_behalf_of: tuple[str, ...] = field(default=(), repr=False)


Balances = Callable[[Session, str], Mapping[AccountKind, int]]
"""The balances of an employment in fen: debits above 0, credits below."""


class LeaverPages:
    """Reads what belongs to one leaver, hands out their papers, and keeps that one was opened."""

    def __init__(
        self,
        database: Database,
        evidence: EvidenceLog,
        documents: Documents,
        balances: Balances,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._evidence, self._documents = database, evidence, documents
        self._balances, self._clock = balances, clock

    def of(self, case_id: str) -> LeaverView | None:
        """Return the departure of an offboarding or a statutory case; None for any other case."""
        with self._database.reading() as session:
            departure = _departure(session, case_id)
            return None if departure is None else self._view(session, departure)

    def _view(self, session: Session, departure: Departure) -> LeaverView:
        balances = self._balances(session, departure.employment_id)
        settled = session.exec(
            select(Settlement.net_fen)
            .where(Settlement.departure_id == departure.case_id, Settlement.state == "confirmed")
            .order_by(col(Settlement.version).desc())
        ).first()
        return LeaverView(
            departure.case_id,
            departure.person_id,
            departure.kind,
            departure.last_day,
            departure.ended_on,
            departure.withdrawn_at is not None,
            tuple((kind, balances[kind]) for kind in RECEIVABLES if balances.get(kind, 0) > 0),
            tuple((kind, -balances[kind]) for kind in PAYABLES if balances.get(kind, 0) < 0),
            plan_view(session, departure.case_id),
            settled,
            tuple(_paper(row) for row in _papers(session, departure)),
        )

    def paper(
        self, case_id: str, document_id: str, key: str, actor: Mapping[str, Any]
    ) -> tuple[Paper, bytes] | None:
        """Return a paper made for the leaver of this case, with its bytes; None for every other document.

        That it was opened stands in the evidence, once for each `key`, such as a link's id.
        """
        with self._database.reading() as session:
            departure = _departure(session, case_id)
            rows = [] if departure is None else _papers(session, departure)
            row = next((one for one in rows if one.id == document_id), None)
            if row is None:
                return None
            paper, sha256, home = _paper(row), row.sha256, row.case_id
        try:
            data = self._documents.read(sha256)
        except FileNotFoundError:
            return None

        def tell(session: Session) -> None:
            case = session.get_one(Case, home)
            body = {"document": document_id, "sha256": sha256}
            now = case_now(case, self._clock())
            key_ = f"viewed/{document_id}/{key}"
            self._evidence.append(session, case, key_, now, EventKind.DOCUMENT_VIEWED, actor, body)

        self._database.write(tell)
        return paper, data

    def said_in(self, act_id: str) -> SaidOfItems:
        """Return what an act spoke of, each item once, and for whom."""
        with self._database.reading() as session:
            rows = session.exec(
                select(HandoverItem.title, HandoverItem.id, Person.name)
                .join(ItemConfirmation, col(ItemConfirmation.item_id) == col(HandoverItem.id))
                .outerjoin(Person, col(Person.id) == col(ItemConfirmation.acting_for))
                .where(ItemConfirmation.act_id == act_id)
                .distinct()
                .order_by(col(HandoverItem.id))
            ).all()
            absent = dict.fromkeys(name for _, _, name in rows if name)
            return SaidOfItems(tuple(title for title, _, _ in rows), tuple(absent))


def _departure(session: Session, case_id: str) -> Departure | None:
    return session.exec(
        select(Departure).where(or_(Departure.case_id == case_id, Departure.statutory_case_id == case_id))
    ).first()


def _papers(session: Session, departure: Departure) -> list[Document]:
    rows = session.exec(
        select(Document)
        .where(
            col(Document.case_id).in_((departure.case_id, departure.statutory_case_id)),
            col(Document.kind).in_(_PAPERS),
        )
        .order_by(col(Document.id).desc())
    )
    return sorted(rows, key=lambda one: _PAPERS.index(one.kind))


def _paper(row: Document) -> Paper:
    return Paper(row.id, row.kind, row.size, row.created_at)
