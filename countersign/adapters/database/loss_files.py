"""The loss file of a departure: what is open with its value, every notice about it, costs, and the evidence.

It is made for a claim against the leaver. Bundles of receivers' cases go in redacted: their data is nobody's
business there.
"""

import hashlib
import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, or_, select

from countersign.adapters.database.engine import Database
from countersign.adapters.database.equipment_money import Claim, claimable_fen, claims_of
from countersign.adapters.database.ledger_views import StatementLine, statement
from countersign.adapters.database.repayment_plans import plan_cover, plan_in_force
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import (
    Branch,
    Case,
    Delivery,
    Departure,
    Document,
    ExitOverride,
    HandoverItem,
    Person,
    RepaymentPlan,
)
from countersign.adapters.database.views import Views
from countersign.adapters.documents import Documents
from countersign.adapters.exporting import Exporter
from countersign.adapters.loss_paper import LossPaper, print_cover
from countersign.adapters.loss_tables import tables_of
from countersign.adapters.paper import Press
from countersign.contracts.cases import Process
from countersign.domain.departure import CLOSED_ITEMS, Condition, PaperKind
from countersign.domain.ledger import RECEIVABLES, AccountKind
from countersign.domain.sms_cost import PlannedSms, SmsEstimate, estimate

_HARMED = frozenset({Condition.DAMAGED.value, Condition.MISSING.value})
_PAPERS = tuple(kind.value for kind in PaperKind)
"""Kinds of documents that a claim rests on beside the evidence; the signed plan is named by the plan."""

_SUFFIX = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}


@dataclass(frozen=True)
class LostItem:
    """An item that was not confirmed by both sides, or came back harmed; `value_fen` is what it is worth.

    `claimed_fen` stands in the ledger for it, `left_fen` of that is not paid yet. `beside_fen` is what the
    item adds to the claim beside the ledger.
    """

    track: str
    reference: str
    title: str = field(repr=False)
    state: str
    condition: str | None
    due_on: date
    handed_over_at: datetime | None
    accepted_at: datetime | None
    value_fen: int | None
    claimed_fen: int
    left_fen: int
    beside_fen: int

    @property
    def not_assessed(self) -> bool:
        """Say whether it came back damaged, and finance has not said what that costs."""
        return self.condition == Condition.DAMAGED.value and not self.claimed_fen


@dataclass(frozen=True)
class Told:
    """One delivery of one notice: to which side, over which channel, and what is truly known of it."""

    case_kind: str
    step: str
    channel: str
    at: datetime
    says: str
    levels: tuple[tuple[str, datetime], ...]
    why: str | None


@dataclass(frozen=True)
class Frozen:
    """A line of the override record: of an item, whose track is `what`, or of a balance, then its account."""

    kind: str
    what: str
    title: str = field(repr=False)
    amount_fen: int
    rule: str
    at: datetime
    evidence_hash: str


@dataclass(frozen=True)
class LossDocument:
    """A document that goes into the file: under which name there, and the hash of its bytes."""

    name: str
    sha256: str


@dataclass(frozen=True)
class LossView:
    """What a loss file holds. Amounts are fen; `sms` is what the texts cost, where prices are set."""

    case_id: str
    number: str
    name: str = field(repr=False)
    branch: str
    zone: ZoneInfo
    kind: str
    last_day: date
    ended_on: date | None
    items: tuple[LostItem, ...]
    told: tuple[Told, ...]
    owed: Mapping[AccountKind, int]
    postings: tuple[StatementLine, ...]
    frozen: tuple[Frozen, ...]
    papers: tuple[LossDocument, ...]
    planned_fen: int
    sms: SmsEstimate
    letters: int
    cases: tuple[tuple[str, str], ...]

    @property
    def owed_fen(self) -> int:
        """What the ledger says is owed."""
        return sum(self.owed.values())

    @property
    def items_fen(self) -> int:
        """What open items are worth beside what the ledger holds; nothing is claimed twice.

        Equipment that was charged by hand names no item: as much of the open equipment counts as charged.
        """
        by_hand = self.owed.get(AccountKind.EQUIPMENT, 0) - sum(one.left_fen for one in self.items)
        return max(0, sum(one.beside_fen for one in self.items) - max(0, by_hand))

    @property
    def claim_fen(self) -> int:
        """The whole claim, without costs."""
        return self.owed_fen + self.items_fen

    @property
    def empty(self) -> bool:
        """Say whether there is nothing to claim."""
        return not (self.items or self.owed)


@dataclass(frozen=True)
class LossFile:
    """A loss file's bytes, a ZIP; `notes` say in words what could not be had."""

    data: bytes
    notes: tuple[str, ...]


class LossFiles:
    """Reads and makes loss files. Every method keeps to the scope."""

    def __init__(
        self,
        database: Database,
        views: Views,
        exporter: Callable[[], Exporter],
        documents: Documents,
        press: Callable[[], Press],
        prices: Callable[[], Mapping[str, Decimal]],
        company: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._views, self._exporter = database, views, exporter
        self._documents, self._press, self._prices = documents, press, prices
        self._company, self._clock = company, clock

    # -- reading ------------------------------------------------------------------------------------------

    def view(self, scope: Scope, case_id: str) -> LossView | None:
        """Return what the file of a departure would hold; None outside the scope."""
        with self._database.reading() as session:
            departure = scope.departure(session, case_id)
            if departure is None:
                return None
            person = session.get_one(Person, departure.person_id)
            cases = _cases(session, case_id)
            branch = session.get_one(Branch, departure.branch_id)
            lines = statement(session, departure.employment_id, None)
            balances: dict[AccountKind, int] = {}
            for line in lines:
                balances[line.account] = line.balance_fen
            plan = plan_in_force(session, case_id)
            return LossView(
                case_id=case_id,
                number=person.number,
                name=person.name,
                branch=branch.name,
                zone=ZoneInfo(branch.zone),
                kind=departure.kind,
                last_day=departure.last_day,
                ended_on=departure.ended_on,
                items=_items(session, departure),
                told=self._told(cases),
                owed={kind: balances[kind] for kind in RECEIVABLES if balances.get(kind, 0) > 0},
                postings=tuple(line for line in lines if line.account in RECEIVABLES),
                frozen=_frozen(session, case_id),
                papers=_papers(session, cases, plan),
                planned_fen=plan_cover(session, departure).covered_fen,
                sms=self._sms(session, cases),
                letters=_letters(session, cases),
                cases=tuple((case.kind, case.id) for case in cases),
            )

    def _told(self, cases: Sequence[Case]) -> tuple[Told, ...]:
        found = []
        for case in cases:
            shown = self._views.case(Scope(), case.id) or {"notices": []}
            for notice in shown["notices"]:
                found += [_delivery(case, notice, one) for one in notice["deliveries"]]
        return tuple(sorted(found, key=lambda one: one.at))

    def _sms(self, session: Session, cases: Sequence[Case]) -> SmsEstimate:
        rows = session.exec(
            select(Delivery).where(
                col(Delivery.case_id).in_([case.id for case in cases]),
                Delivery.channel == "sms",
                col(Delivery.sent_at).is_not(None),
                col(Delivery.address).is_not(None),
            )
        )
        return estimate((PlannedSms("", str(one.address), one.text) for one in rows), self._prices())

    # -- making -------------------------------------------------------------------------------------------

    def make(self, scope: Scope, case_id: str, actor: Mapping[str, Any], language: str) -> LossFile | None:
        """Return the file: a cover, tables, papers, and a bundle of each case; None outside the scope.

        Each bundle that goes in is told on the chain of its case as taken. Raises `Unprintable`.
        """
        view = self.view(scope, case_id)
        if view is None:
            return None
        notes: list[str] = []
        entries = tables_of(view, language)
        for paper in view.papers:
            try:
                entries[paper.name] = self._documents.read(paper.sha256)
            except FileNotFoundError:
                notes.append(f"{paper.name} is missing: the file was erased.")
        for kind, one in view.cases:
            # A receiver's case is about another person: the claim needs that it happened, not whose it is.
            redact = kind == Process.HANDOVER.value
            made = self._exporter().export(Scope(), one, actor, redact=redact, language=language)
            if made is not None:
                entries[f"evidence/{kind}-{one}{'-redacted' if redact else ''}.zip"] = made.data
                notes += made.notes
        cover = LossPaper(
            view=view,
            company=self._company,
            language=language,
            at=self._clock().astimezone(view.zone),
            contents=[
                (name, len(data), hashlib.sha256(data).hexdigest()) for name, data in sorted(entries.items())
            ],
        )
        entries["loss-file.pdf"] = print_cover(self._press(), cover)
        return LossFile(_zipped(entries), tuple(notes))


def _cases(session: Session, case_id: str) -> list[Case]:
    order = {Process.OFFBOARDING.value: 0, Process.STATUTORY.value: 1}
    rows = session.exec(select(Case).where(Case.departure_id == case_id).order_by(col(Case.id))).all()
    return sorted(rows, key=lambda case: order.get(case.kind, 2))


def _items(session: Session, departure: Departure) -> tuple[LostItem, ...]:
    claims = claims_of(session, departure)
    frozen = set(
        session.exec(
            select(ExitOverride.item_id).where(
                ExitOverride.departure_id == departure.case_id, ExitOverride.amount_fen > 0
            )
        )
    )
    rows = session.exec(
        select(HandoverItem)
        .where(HandoverItem.departure_id == departure.case_id)
        .order_by(col(HandoverItem.track), col(HandoverItem.reference))
    )
    return tuple(
        _lost(one, claims.get(one.id), was_claimed=one.id in frozen)
        for one in rows
        if one.state not in CLOSED_ITEMS or one.condition in _HARMED
    )


def _lost(item: HandoverItem, claim: Claim | None, *, was_claimed: bool) -> LostItem:
    """Return an item of the file. What was claimed and is so no longer was given up, and adds nothing."""
    open_value = 0 if claim is not None or was_claimed else claimable_fen(item)
    return LostItem(
        track=item.track,
        reference=item.reference,
        title=item.title,
        state=item.state,
        condition=item.condition,
        due_on=item.due_on,
        handed_over_at=item.handed_over_at,
        accepted_at=item.accepted_at,
        value_fen=item.value_fen,
        claimed_fen=0 if claim is None else claim.amount_fen,
        left_fen=0 if claim is None else claim.amount_fen - claim.covered_fen,
        beside_fen=open_value,
    )


def _frozen(session: Session, case_id: str) -> tuple[Frozen, ...]:
    rows = session.exec(
        select(ExitOverride, HandoverItem.title)
        .outerjoin(HandoverItem, col(HandoverItem.id) == col(ExitOverride.item_id))
        .where(ExitOverride.departure_id == case_id)
        .order_by(col(ExitOverride.subject))
    )
    return tuple(
        Frozen(
            kind="account" if one.item_id is None else "track",
            what=one.what,
            title=title or "",
            amount_fen=one.amount_fen,
            rule=one.rule,
            at=one.at,
            evidence_hash=one.evidence_hash,
        )
        for one, title in rows
    )


def _papers(session: Session, cases: Sequence[Case], plan: RepaymentPlan | None) -> tuple[LossDocument, ...]:
    signed = None if plan is None else plan.document_id
    rows = session.exec(
        select(Document)
        .where(
            col(Document.case_id).in_([case.id for case in cases if case.kind != Process.HANDOVER.value]),
            or_(col(Document.kind).in_(_PAPERS), Document.id == signed),
            col(Document.media_type).in_(_SUFFIX),
        )
        .order_by(col(Document.id))
    )
    return tuple(
        LossDocument(
            f"documents/{'repayment_plan' if one.id == signed else one.kind}-{one.id}"
            f".{_SUFFIX[one.media_type]}",
            one.sha256,
        )
        for one in rows
    )


def _letters(session: Session, cases: Sequence[Case]) -> int:
    rows = session.exec(
        select(Delivery.id).where(
            col(Delivery.case_id).in_([case.id for case in cases]),
            Delivery.channel == "courier",
            col(Delivery.sent_at).is_not(None),
        )
    )
    return len(rows.all())


def _delivery(case: Case, notice: Mapping[str, Any], one: Mapping[str, Any]) -> Told:
    return Told(
        case_kind=case.kind,
        step=str(notice["step"]).rpartition(".")[2],
        channel=one["channel"],
        at=one["sent_at"] or one["settled_at"] or notice["at"],
        says=one["says"],
        levels=tuple((level["words"], level["at"]) for level in one["levels"]),
        why=one["why"],
    )


def _zipped(entries: Mapping[str, bytes]) -> bytes:
    """Return a ZIP that is the same for the same entries, whenever it is made."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(entries):
            archive.writestr(zipfile.ZipInfo(name), entries[name], zipfile.ZIP_DEFLATED)
    return out.getvalue()
