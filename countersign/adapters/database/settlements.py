"""Settlements of departures: drafted by finance, confirmed by an act, printed with their papers."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from countersign.adapters.database.actors import actor_name
from countersign.adapters.database.acts import ActView, NewAct, StoredFile
from countersign.adapters.database.balances import departure_to_settle
from countersign.adapters.database.booked_acts import BookedActs
from countersign.adapters.database.cases import actor_of, case_now
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.filing import file_document
from countersign.adapters.database.gate_book import gate_of, is_booked, postings_of
from countersign.adapters.database.ledger_book import LedgerBook
from countersign.adapters.database.looks import tell_look
from countersign.adapters.database.own_departure import refuse_own
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import (
    ActRow,
    Branch,
    Case,
    Departure,
    Document,
    Employment,
    Entry,
    LedgerAccount,
    Person,
    Posting,
    Settlement,
)
from countersign.adapters.documents import Documents
from countersign.adapters.paper import Press
from countersign.adapters.settlement_paper import SheetPaper, print_sheet
from countersign.contracts.cases import ActKind, CaseState, Role
from countersign.domain.calculators.amounts import yuan
from countersign.domain.calendar import WorkCalendar
from countersign.domain.console_words import name_of
from countersign.domain.departure import Ground, PaperKind, ProposedBy
from countersign.domain.evidence import EventKind, Sealed
from countersign.domain.input_models import read_input
from countersign.domain.ledger import RECEIVABLES, AccountKind
from countersign.domain.levels import EN, ZH
from countersign.domain.refusal import Refusal
from countersign.domain.settlement import Sheet, settle
from countersign.domain.settlement_input import SettlementInput, SettlementWish
from countersign.domain.severance_grounds import Entitlement, entitlement
from countersign.domain.yaml_text import InputError
from countersign.ids import new_id

DOCUMENT, CONSENT = PaperKind.SETTLEMENT.value, PaperKind.DEDUCTION_CONSENT.value
"""The kinds of the printed sheet, and of the letter by which somebody agrees to deductions."""

OWED_FIELDS: Mapping[AccountKind, str] = {
    AccountKind.INSURANCE_ADVANCE: "owed_advance",
    AccountKind.WAGE_OVERPAID: "owed_overpaid",
    AccountKind.EQUIPMENT: "owed_equipment",
    AccountKind.LOAN: "owed_loan",
}


@dataclass(frozen=True)
class Drafter:
    """Who drafts or confirms; `actor` is how they stand in the evidence."""

    role: Role
    id: str
    actor: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class SettlementView:
    """One version of the settlement; `state` is `drafted`, `confirmed`, `booked` or `undone`.

    Amounts are fen. `content` is what was frozen: inputs, tables, result, runs and hash.
    """

    id: str
    version: int
    state: str
    net_fen: int
    lines: list[dict[str, Any]] = field(repr=False)
    content: Mapping[str, Any] = field(repr=False)
    document_id: str | None
    made_by: str = field(repr=False)
    made_at: datetime
    confirmed_by: str | None = field(repr=False)
    confirmed_at: datetime | None

    @property
    def result(self) -> Mapping[str, Any]:
        """The result: what is held, what stays owed, warnings, whether it is provisional."""
        return self.content["result"]  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Paperwork:
    """A document of the case that a line can rest on."""

    id: str
    kind: str
    created_at: datetime


@dataclass(frozen=True)
class MoneyView:
    """What finance sees of the settlement of one departure; amounts in fen.

    `severance` says whether the end gives compensation, `severance_held` that it waits for the gate.
    """

    case_id: str
    number: str
    name: str = field(repr=False)
    branch: str
    region: str
    ground: Ground
    proposed_by: ProposedBy
    hired_on: date
    last_day: date
    owed: Mapping[AccountKind, int]
    severance: Entitlement
    severance_held: bool
    withdrawn: bool
    closed: bool
    versions: tuple[SettlementView, ...]
    papers: tuple[Paperwork, ...]

    @property
    def newest(self) -> SettlementView | None:
        """The version that counts."""
        return self.versions[0] if self.versions else None

    @property
    def may_draft(self) -> bool:
        """Say whether a new version can be made: none stands confirmed, and nothing is over."""
        standing = self.newest is not None and self.newest.state in {"confirmed", "booked"}
        return not (self.withdrawn or self.closed or standing)


class Settlements:
    """Makes, confirms and prints settlements. Whether the caller may is checked before."""

    def __init__(
        self,
        database: Database,
        booked_acts: BookedActs,
        evidence: EvidenceLog,
        documents: Documents,
        press: Callable[[], Press],
        calendar: Callable[[], WorkCalendar],
        company: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._booked_acts, self._evidence = database, booked_acts, evidence
        self._documents, self._press, self._calendar = documents, press, calendar
        self._company, self._clock = company, clock

    # -- reading ------------------------------------------------------------------------------------------

    def view(self, scope: Scope, case_id: str) -> MoneyView | None:
        """Return what there is of a departure's settlement; None outside the scope."""
        with self._database.reading() as session:
            departure = scope.departure(session, case_id)
            if departure is None:
                return None
            person = session.get_one(Person, departure.person_id)
            return self._view(session, departure, person)

    def _view(self, session: Session, departure: Departure, person: Person) -> MoneyView:
        branch = session.get_one(Branch, departure.branch_id)
        case = session.get_one(Case, departure.case_id)
        ground, proposed_by = Ground(departure.ground), ProposedBy(departure.proposed_by)
        balances = LedgerBook.balances(session, departure.employment_id)
        rows = session.exec(
            select(Settlement)
            .where(Settlement.departure_id == departure.case_id)
            .order_by(col(Settlement.version).desc())
        ).all()
        papers = session.exec(
            select(Document)
            .where(Document.case_id == departure.case_id, col(Document.kind).not_in(("paper", DOCUMENT)))
            .order_by(col(Document.id).desc())
        )
        return MoneyView(
            case_id=departure.case_id,
            number=person.number,
            name=person.name,
            branch=branch.name,
            region=branch.region,
            ground=ground,
            proposed_by=proposed_by,
            hired_on=session.get_one(Employment, departure.employment_id).hired_on,
            last_day=departure.ended_on or departure.last_day,
            owed={kind: balances[kind] for kind in RECEIVABLES if balances[kind] > 0},
            severance=entitlement(ground, proposed_by),
            severance_held=not gate_of(session, departure).open,
            withdrawn=departure.withdrawn_at is not None,
            closed=case.state == CaseState.CLOSED.value,
            # An erased version has nothing left to show.
            versions=tuple(self._shown(session, departure.case_id, row) for row in rows if row.inputs),
            papers=tuple(Paperwork(one.id, one.kind, one.created_at) for one in papers),
        )

    def _shown(self, session: Session, case_id: str, row: Settlement) -> SettlementView:
        return SettlementView(
            id=row.id,
            version=row.version,
            state=_state(session, case_id, row),
            net_fen=row.net_fen,
            lines=list(row.lines),
            content=dict(row.inputs),
            document_id=row.document_id,
            made_by=actor_name(session, row.made_by),
            made_at=row.made_at,
            confirmed_by=None if row.confirmed_by is None else actor_name(session, row.confirmed_by),
            confirmed_at=row.confirmed_at,
        )

    # -- drafting -----------------------------------------------------------------------------------------

    def preview(self, case_id: str, wish: Mapping[str, Any], attached: str | None = None) -> Sheet:
        """Compute what a draft would hold, and write nothing; `Refusal`.

        `attached` stands for a letter of consent that is not filed yet.
        """
        with self._database.reading() as session:
            return self._compute(session, departure_to_settle(session, case_id), wish, attached)[0]

    def draft(
        self, case_id: str, wish: Mapping[str, Any], by: Drafter, consent: StoredFile | None = None
    ) -> int:
        """Keep a new version, with its calculation in the evidence; return its number.

        `consent` is a letter that came with the wish: it is filed and stands at the lines that rest on it.
        The same as the newest draft is that draft. Raises `Refusal`.
        """
        return self._database.write(lambda session: self._draft(session, case_id, wish, by, consent))

    def _draft(
        self,
        session: Session,
        case_id: str,
        wish: Mapping[str, Any],
        by: Drafter,
        consent: StoredFile | None,
    ) -> int:
        departure, case = departure_to_settle(session, case_id), session.get_one(Case, case_id)
        refuse_own(session, departure.person_id, by.id)
        if case.state == CaseState.CLOSED.value:
            raise Refusal("case", "case: is closed; nothing is settled in it any more")
        now = self._clock()
        at = case_now(case, now)
        if consent is not None:
            wish = {**wish, "consent": self._file_consent(session, case, consent, by, at)}
        sheet, asked = self._compute(session, departure, wish)
        content = sheet.to_json(asked)
        newest = _newest(session, case_id)
        if newest is not None and newest.state == "confirmed" and not _undone(session, case_id, newest):
            raise Refusal(
                "version",
                f"version: settlement {newest.version} is confirmed; reverse its postings in the ledger "
                "before another one is made",
            )
        if newest is not None and newest.inputs["hash"] == content["hash"] and newest.state == "drafted":
            return newest.version
        row = Settlement(
            id=new_id(),
            departure_id=case_id,
            version=1 if newest is None else newest.version + 1,
            inputs=content,
            lines=content["result"]["lines"],
            net_fen=sheet.net_fen,
            made_by=by.id,
            made_at=now,
        )
        session.add(row)
        session.flush()
        body = {
            "settlement": row.id,
            "version": row.version,
            "calculation": "settlement",
            "tables": list(sheet.tables),
            "sha256": Sealed(content["hash"]),
            "provisional": sheet.weak,
            "inputs": Sealed(_written(asked)),
            "result": Sealed(_written(content["result"])),
        }
        key = f"settlement/{row.id}"
        self._evidence.append(session, case, key, at, EventKind.CALCULATION_RUN, by.actor, body)
        tell_look(session, case, now)
        return row.version

    def _file_consent(self, session: Session, case: Case, file: StoredFile, by: Drafter, at: datetime) -> str:
        known = session.exec(
            select(Document.id).where(
                Document.case_id == case.id, Document.kind == CONSENT, Document.sha256 == file.sha256
            )
        ).first()
        if known is not None:
            return known
        document = Document(
            id=new_id(),
            case_id=case.id,
            sha256=file.sha256,
            media_type=file.media_type,
            size=file.size,
            kind=CONSENT,
            created_at=self._clock(),
        )
        about = {"name": Sealed(file.name), "says": "agrees to deductions from the wage"}
        file_document(session, self._evidence, case, document, at, by.actor, about)
        return document.id

    def _compute(
        self,
        session: Session,
        departure: Departure,
        wish: Mapping[str, Any],
        attached: str | None = None,
    ) -> tuple[Sheet, dict[str, Any]]:
        """Return the sheet of a wish, and everything that it was computed from, as it was written."""
        unknown = set(wish) - set(SettlementWish.model_fields)
        if unknown:
            raise Refusal(min(unknown), f"{min(unknown)}: is not known here; leave it out")
        asked = {name: value for name, value in wish.items() if value not in (None, "")}
        if asked.get("consent") != attached:
            _has_document(session, departure.case_id, asked.get("consent"))
        asked |= _facts(session, departure)
        try:
            case = read_input(SettlementInput, asked, "settlement")
        except InputError as fault:
            raise _refusal(fault) from None
        sheet = settle(case, self._calendar(), _notice_days(departure))
        return sheet.with_documents(_vouchers(session, departure.employment_id)), asked

    # -- confirming ---------------------------------------------------------------------------------------

    def confirm(self, case_id: str, version: int, act_id: str, by: Drafter) -> ActView:
        """Confirm the newest version: print it, file it, and let its lines be booked. Raises `Refusal`.

        The same `act_id` again is the same act.
        """
        with self._database.reading() as session:
            known = session.get(ActRow, act_id) is not None
            row = None if known else _confirmable(session, case_id, version)
            paper = None if row is None else self._paper(session, row, draft=False)
        pdf = None if paper is None else print_sheet(self._press(), paper)
        sha256 = None if pdf is None else self._documents.keep(pdf)

        def effect(session: Session, act: ActRow, case: Case) -> None:
            row = _confirmable(session, case_id, version)
            if pdf is None or sha256 is None:
                raise ValueError("a settlement is confirmed with its page")
            document = Document(
                id=new_id(),
                case_id=case.id,
                act_id=act.id,
                sha256=sha256,
                media_type="application/pdf",
                size=len(pdf),
                kind=DOCUMENT,
                created_at=self._clock(),
            )
            about = {"act": act.id, "settlement": row.id, "version": row.version, "says": "confirmed"}
            file_document(session, self._evidence, case, document, act.at, actor_of(session, act), about)
            row.state, row.document_id = "confirmed", document.id
            row.confirmed_by, row.confirmed_at = act.actor, self._clock()
            session.add(row)
            tell_look(session, case, self._clock())

        body = {"version": version}
        return self._booked_acts.take(NewAct(act_id, case_id, ActKind.SETTLED, by.role, by.id, body), effect)

    # -- printing -----------------------------------------------------------------------------------------

    def pdf(self, case_id: str, version: int) -> bytes | None:
        """Return a version as PDF: the filed one once it is confirmed, else a draft; `Unprintable`."""
        with self._database.reading() as session:
            row = session.exec(
                select(Settlement).where(Settlement.departure_id == case_id, Settlement.version == version)
            ).first()
            if row is None or not row.inputs:
                return None
            filed = None if row.document_id is None else session.get(Document, row.document_id)
            paper = self._paper(session, row, draft=True) if filed is None else None
        if paper is not None:
            return print_sheet(self._press(), paper)
        try:
            return self._documents.read(filed.sha256) if filed is not None else None
        except FileNotFoundError:
            return None

    def _paper(self, session: Session, row: Settlement, *, draft: bool) -> SheetPaper:
        departure = session.get_one(Departure, row.departure_id)
        person = session.get_one(Person, departure.person_id)
        branch = session.get_one(Branch, departure.branch_id)
        named = {one for line in row.lines for one in line["documents"]}
        papers = session.exec(select(Document).where(col(Document.id).in_(named)))
        inputs = row.inputs["inputs"]
        ground = str(inputs["ground"])
        left = [
            (name_of("account", account, ZH), name_of("account", account, EN), fen)
            for account, fen in row.inputs["result"]["left"].items()
        ]
        return SheetPaper(
            company=self._company,
            branch=branch.name,
            name=person.name,
            number=person.number,
            language=person.language,
            reference=f"{row.departure_id[-10:]}-{row.version}",
            version=row.version,
            hired_on=date.fromisoformat(inputs["hired"]),
            last_day=date.fromisoformat(inputs["last_day"]),
            ground=(name_of("ground", ground, ZH), name_of("ground", ground, EN)),
            lines=row.lines,
            left=left,
            papers={
                one.id: (
                    name_of("document", one.kind, ZH),
                    one.created_at.astimezone(ZoneInfo(branch.zone)).date().isoformat(),
                    one.sha256,
                )
                for one in papers
            },
            provisional=bool(row.inputs["result"]["provisional"]),
            draft=draft,
            fingerprint=row.inputs["hash"],
            at=row.made_at.astimezone(ZoneInfo(branch.zone)),
        )


def _state(session: Session, case_id: str, row: Settlement) -> str:
    if row.state != "confirmed" or not is_booked(session, case_id, row):
        return row.state
    return "undone" if _undone(session, case_id, row) else "booked"


def _undone(session: Session, case_id: str, row: Settlement) -> bool:
    """Say whether a settlement was booked and every posting of it reversed since."""
    booked = {one.id for one in session.exec(postings_of(session, case_id, row))}
    undone = session.exec(select(Posting.reverses_id).where(col(Posting.reverses_id).in_(booked))).all()
    return bool(booked) and booked == set(undone)


def _newest(session: Session, case_id: str) -> Settlement | None:
    return session.exec(
        select(Settlement).where(Settlement.departure_id == case_id).order_by(col(Settlement.version).desc())
    ).first()


def _confirmable(session: Session, case_id: str, version: int) -> Settlement:
    """Return the version if it may be confirmed: the newest, and true of the books as they are now."""
    departure, newest = departure_to_settle(session, case_id), _newest(session, case_id)
    if newest is None or newest.version != version:
        raise Refusal("version", "version: is not the newest one; look at the newest and confirm that")
    if newest.state != "drafted":
        raise Refusal("version", f"version: settlement {version} is confirmed already")
    known = newest.inputs.get("inputs", {})
    for name, value in _facts(session, departure).items():
        if known.get(name) != value:
            raise Refusal(
                "version",
                f"version: {name} has changed since settlement {version} was drafted; draft it again",
            )
    return newest


def _facts(session: Session, departure: Departure) -> dict[str, Any]:
    """Return what the books say: the end, the employment, and what is owed in yuan."""
    balances = LedgerBook.balances(session, departure.employment_id)
    return {
        "region": session.get_one(Branch, departure.branch_id).region,
        "ground": departure.ground,
        "proposed_by": departure.proposed_by,
        "hired": session.get_one(Employment, departure.employment_id).hired_on.isoformat(),
        "last_day": (departure.ended_on or departure.last_day).isoformat(),
        **{name: yuan(max(balances[kind], 0)) for kind, name in OWED_FIELDS.items()},
    }


def _notice_days(departure: Departure) -> int | None:
    """Return how many days lie between the employer's notice, as it was delivered, and the end."""
    if not departure.needs_notice:
        return None
    end = departure.ended_on or departure.last_day
    return (end - (departure.served_on or departure.noticed_on)).days


def _vouchers(session: Session, employment_id: str) -> dict[str, list[str]]:
    """Return the vouchers of what is owed, by account: of postings that nobody has reversed."""
    undone = select(Posting.reverses_id).where(col(Posting.reverses_id).is_not(None))
    rows = session.exec(
        select(LedgerAccount.kind, Posting.document_id)
        .join(Entry, col(Entry.account_id) == col(LedgerAccount.id))
        .join(Posting, col(Posting.id) == col(Entry.posting_id))
        .where(
            LedgerAccount.employment_id == employment_id,
            col(LedgerAccount.kind).in_([kind.value for kind in RECEIVABLES]),
            col(Posting.document_id).is_not(None),
            col(Entry.amount_fen) > 0,
            col(Posting.id).not_in(undone),
        )
        .order_by(col(Posting.id))
    )
    found: dict[str, list[str]] = {}
    for kind, document in rows:
        found.setdefault(kind, []).append(str(document))
    return found


def _has_document(session: Session, case_id: str, document_id: object) -> None:
    if document_id is None:
        return
    document = session.get(Document, str(document_id))
    if document is None or document.case_id != case_id:
        raise Refusal("consent", "consent: the case has no such document; attach the letter, or choose one")


def _refusal(fault: InputError) -> Refusal:
    """Return what is wrong with a wish in the form of all refusals: the field, then why."""
    name = fault.field or "settlement"
    sentence = str(fault).removeprefix("settlement: ").removeprefix(f"{name} ")
    return Refusal(name, f"{name}: {sentence}")


def _written(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
