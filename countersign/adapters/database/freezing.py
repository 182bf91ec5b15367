"""Freezing what is open on the last day: the override record, the receivables, and the papers about them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from countersign.adapters.database.branch_days import branch_day
from countersign.adapters.database.engine import Database
from countersign.adapters.database.equipment_money import FREEZE, claimable_fen, claims_of
from countersign.adapters.database.evidence import EvidenceLog, parcels
from countersign.adapters.database.filing import file_document
from countersign.adapters.database.ledger_book import LedgerBook
from countersign.adapters.database.looks import tell_departure
from countersign.adapters.database.papers import PDF
from countersign.adapters.database.repayment_plans import plan_cover
from countersign.adapters.database.tables import (
    Branch,
    Case,
    Departure,
    Document,
    EventRow,
    ExitOverride,
    HandoverItem,
    Person,
)
from countersign.adapters.documents import Documents
from countersign.adapters.exit_papers import (
    Claim,
    Leaver,
    OpenThing,
    print_agreement,
    print_demand,
)
from countersign.adapters.paper import Press
from countersign.contracts.departures import DepartureOrder, Frozen
from countersign.domain.departure import CLOSED_ITEMS, PaperKind
from countersign.domain.departure_words import TRACKS
from countersign.domain.evidence import EventKind, Sealed
from countersign.domain.ledger import AccountKind, Voucher, equipment_charge, owed
from countersign.ids import new_id

RULE = "劳动合同法50"
REASON = "the law ties the duties of the end to its day, whatever is open"
DEMAND, AGREEMENT = PaperKind.DEMAND.value, PaperKind.AGREEMENT.value

_ANSWER_WITHIN = timedelta(days=15)
_BY = "statutory"
_MACHINE = {"role": "machine", "id": _BY}
_BALANCE_WORDS = {
    AccountKind.INSURANCE_ADVANCE: ("社保垫付款", "个人应缴社会保险费（公司垫付）"),
    AccountKind.WAGE_OVERPAID: ("多发工资", "多发工资"),
    AccountKind.LOAN: ("借款", "借款余额"),
    AccountKind.EQUIPMENT: ("设备物品", "设备物品赔偿"),
}


@dataclass(frozen=True)
class _Open:
    """One thing that is open; `item` is its row where it is one."""

    subject: str
    what: str
    amount_fen: int
    item: HandoverItem | None = None


class Freezer:
    """Writes the override record of a departure once, and prints what follows from it."""

    def __init__(
        self,
        database: Database,
        evidence: EvidenceLog,
        ledger: LedgerBook,
        press: Press,
        documents: Documents,
        company: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._evidence, self._ledger = database, evidence, ledger
        self._press, self._documents, self._company = press, documents, company
        self._clock = clock

    def freeze(self, order: DepartureOrder) -> Frozen:
        """Freeze what is open in the departure of a statutory case; again returns what was frozen first.

        Equipment with a value becomes a receivable, under the key `<workflow-id>/freeze/<item id>`. Papers
        are printed only where something was open. Raises `Unprintable`; then the record stands already, and
        the same order again prints what is missing.
        """
        frozen = self._database.write(lambda session: self._record(session, order))
        if frozen.items or frozen.balances:
            self._print(order)
        return frozen

    # -- the record ---------------------------------------------------------------------------------------

    def _record(self, session: Session, order: DepartureOrder) -> Frozen:
        departure = departure_of(session, order.case_id)
        known = list(session.exec(select(ExitOverride).where(ExitOverride.departure_id == departure.case_id)))
        if known or departure.withdrawn_at is not None:
            return _counted(known)
        case = session.get_one(Case, order.case_id)
        rows = []
        for number, part in enumerate(parcels(self._open(session, departure))):
            proof = self._tell(session, case, f"frozen/{number}", order.at, part)
            rows += [self._row(departure, one, proof, order.at) for one in part]
        session.add_all(rows)
        session.flush()
        self._charge(session, departure, case, rows, order.at)
        if rows:
            tell_departure(session, departure.case_id, self._clock(), but=case.id)
        return _counted(rows)

    def _open(self, session: Session, departure: Departure) -> list[_Open]:
        items = session.exec(
            select(HandoverItem)
            .where(
                HandoverItem.departure_id == departure.case_id,
                col(HandoverItem.state).not_in([one.value for one in CLOSED_ITEMS]),
            )
            .order_by(col(HandoverItem.track), col(HandoverItem.reference))
        )
        balances = owed(self._ledger.balances(session, departure.employment_id))
        # What is claimed already, such as of an item that was missing and is disputed, is in the balance.
        claims = claims_of(session, departure)
        return [
            *(
                _Open(f"item/{one.id}", one.track, 0 if one.id in claims else claimable_fen(one), one)
                for one in items
            ),
            *(_Open(f"balance/{kind.value}", kind.value, amount) for kind, amount in balances.items()),
        ]

    def _tell(self, session: Session, case: Case, key: str, at: datetime, part: Sequence[_Open]) -> str:
        """Append the event that holds this part of the list; return its hash."""
        body: dict[str, Any] = {
            "rule": RULE,
            "reason": REASON,
            "decided_by": _BY,
            "at": at.isoformat(timespec="milliseconds"),
            "items": [_named(one) for one in part],
        }
        self._evidence.append(session, case, key, at, EventKind.OVERRIDE_RECORDED, _MACHINE, body)
        return session.exec(
            select(EventRow.hash).where(EventRow.case_id == case.id, EventRow.key == key)
        ).one()

    def _row(self, departure: Departure, one: _Open, proof: str, at: datetime) -> ExitOverride:
        return ExitOverride(
            id=new_id(),
            departure_id=departure.case_id,
            subject=one.subject,
            what=one.what,
            item_id=None if one.item is None else one.item.id,
            amount_fen=one.amount_fen,
            rule=RULE,
            decided_by=_BY,
            reason=REASON,
            evidence_hash=proof,
            at=at,
        )

    def _charge(
        self, session: Session, departure: Departure, case: Case, rows: Sequence[ExitOverride], at: datetime
    ) -> None:
        """Book the value of equipment that did not come back as owed by the leaver."""
        booked_on = branch_day(session, departure.branch_id, at)
        for row in rows:
            if row.item_id is not None and row.amount_fen:
                key = f"{case.workflow_id}/{FREEZE}/{row.item_id}"
                voucher = Voucher(key, departure.employment_id, booked_on, _BY, case.id)
                self._ledger.book(session, equipment_charge(voucher, row.amount_fen))

    # -- the papers ---------------------------------------------------------------------------------------

    def _print(self, order: DepartureOrder) -> None:
        with self._database.reading() as session:
            departure = departure_of(session, order.case_id)
            claim = self._claim(session, departure, order.case_id)
            wanted = [(DEMAND, print_demand)]
            if claim.to_agree_fen:
                wanted.append((AGREEMENT, print_agreement))
            missing = [(kind, draw) for kind, draw in wanted if not filed(session, order.case_id, kind)]
        for kind, draw in missing:
            pdf = draw(self._press, claim)
            self._database.write(partial(self._file, order=order, kind=kind, pdf=pdf))

    def _file(self, session: Session, order: DepartureOrder, kind: str, pdf: bytes) -> None:
        if filed(session, order.case_id, kind) is None:
            case = session.get_one(Case, order.case_id)
            file_exit_paper(session, self._evidence, self._documents, case, kind, pdf, order.at)

    def _claim(self, session: Session, departure: Departure, case_id: str) -> Claim:
        rows = session.exec(
            select(ExitOverride)
            .where(ExitOverride.departure_id == departure.case_id)
            .order_by(col(ExitOverride.subject))
        ).all()
        branch = session.get_one(Branch, departure.branch_id)
        # Of what was frozen, not of this try: so the same letter comes out whenever it is printed.
        at = rows[0].at.astimezone(ZoneInfo(branch.zone))
        ended_on = departure.ended_on or departure.last_day
        return Claim(
            leaver_of(session, departure),
            self._company,
            branch.name,
            case_id,
            ended_on,
            tuple(_thing(session, row) for row in rows if row.item_id is not None),
            tuple(_thing(session, row) for row in rows if row.item_id is None),
            at,
            at.date() + _ANSWER_WITHIN,
            plan_cover(session, departure).covered_fen,
        )


def departure_of(session: Session, statutory_case_id: str) -> Departure:
    """Return the departure of a statutory case."""
    return session.exec(select(Departure).where(Departure.statutory_case_id == statutory_case_id)).one()


def leaver_of(session: Session, departure: Departure) -> Leaver:
    """Return whom the papers of a departure are about."""
    person = session.get_one(Person, departure.person_id)
    return Leaver(person.name, person.number, person.id_number, person.post, person.language)


def filed(session: Session, case_id: str, kind: str) -> Document | None:
    """Return the paper of this kind that a case holds already."""
    return session.exec(select(Document).where(Document.case_id == case_id, Document.kind == kind)).first()


def file_exit_paper(
    session: Session,
    evidence: EvidenceLog,
    documents: Documents,
    case: Case,
    kind: str,
    pdf: bytes,
    at: datetime,
) -> Document:
    """Keep a printed paper of an exit in its statutory case, with its hash in the chain."""
    document = Document(
        id=new_id(),
        case_id=case.id,
        sha256=documents.keep(pdf),
        media_type=PDF,
        size=len(pdf),
        kind=kind,
        created_at=at,
    )
    file_document(session, evidence, case, document, at, _MACHINE, {"kind": kind}, f"paper/{kind}")
    return document


def _named(one: _Open) -> dict[str, Any]:
    """Return how one open thing stands in the chain; what is owed describes a person and is sealed."""
    told: dict[str, Any] = {"what": one.what, "amount_fen": Sealed(str(one.amount_fen))}
    if one.item is None:
        return told
    return {**told, "item": one.item.id, "state": one.item.state, "title": Sealed(one.item.title)}


def _thing(session: Session, row: ExitOverride) -> OpenThing:
    if row.item_id is None:
        kind, title = _BALANCE_WORDS[AccountKind(row.what)]
        return OpenThing(kind, title, row.amount_fen)
    item = session.get_one(HandoverItem, row.item_id)
    return OpenThing(TRACKS[item.track][0], f"{item.title}（{item.reference}）", row.amount_fen)


def _counted(rows: Sequence[ExitOverride]) -> Frozen:
    items = sum(row.item_id is not None for row in rows)
    return Frozen(items, len(rows) - items)
