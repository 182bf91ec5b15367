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

from sqlmodel import Session, col, select

from countersign.adapters.database.engine import Database
from countersign.adapters.database.ledger_views import StatementLine, statement
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
from countersign.adapters.list_files import csv_file
from countersign.adapters.loss_paper import LossPaper, print_cover
from countersign.adapters.paper import Press
from countersign.contracts.cases import Process
from countersign.domain.console_words import name_of
from countersign.domain.departure import CLOSED_ITEMS, Condition, Track
from countersign.domain.ledger import RECEIVABLES, AccountKind
from countersign.domain.sms_cost import PlannedSms, SmsEstimate, estimate

_HARMED = frozenset({Condition.DAMAGED.value, Condition.MISSING.value})
_PAPERS = ("demand", "agreement", "certificate", "settlement", "deduction_consent")
"""Kinds of documents that a claim rests on beside the evidence."""


@dataclass(frozen=True)
class LostItem:
    """An item that was not confirmed by both sides, or came back harmed; `value_fen` is what it is worth.

    `claimed_fen` stands in the ledger for it already.
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

    @property
    def beside_fen(self) -> int:
        """What it adds to the claim beside the ledger."""
        return 0 if self.claimed_fen else self.value_fen or 0


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
    papers: tuple[tuple[str, str, str], ...]
    """Of each document: kind, id, hash."""
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
        equipment = Track.EQUIPMENT.value
        by_hand = self.owed.get(AccountKind.EQUIPMENT, 0) - sum(one.claimed_fen for one in self.items)
        things = sum(one.beside_fen for one in self.items if one.track == equipment)
        others = sum(one.beside_fen for one in self.items if one.track != equipment)
        return others + max(0, things - max(0, by_hand))

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
            departure = session.get(Departure, case_id)
            if departure is None:
                return None
            person = session.get_one(Person, departure.person_id)
            if not scope.covers(person, departure.branch_id):
                return None
            cases = _cases(session, case_id)
            branch = session.get_one(Branch, departure.branch_id)
            lines = statement(session, departure.employment_id, None)
            balances: dict[AccountKind, int] = {}
            for line in lines:
                balances[line.account] = line.balance_fen
            plans = session.exec(
                select(RepaymentPlan.total_fen).where(
                    RepaymentPlan.departure_id == case_id, col(RepaymentPlan.ended_at).is_(None)
                )
            )
            return LossView(
                case_id=case_id,
                number=person.number,
                name=person.name,
                branch=branch.name,
                zone=ZoneInfo(branch.zone),
                kind=departure.kind,
                last_day=departure.last_day,
                ended_on=departure.ended_on,
                items=_items(session, case_id),
                told=self._told(cases),
                owed={kind: balances[kind] for kind in RECEIVABLES if balances.get(kind, 0) > 0},
                postings=tuple(line for line in lines if line.account in RECEIVABLES),
                frozen=_frozen(session, case_id),
                papers=_papers(session, cases),
                planned_fen=sum(plans),
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
        entries = self._tables(view, language)
        for kind, document_id, sha256 in view.papers:
            try:
                entries[f"documents/{kind}-{document_id}.pdf"] = self._documents.read(sha256)
            except FileNotFoundError:
                notes.append(f"documents/{kind}-{document_id}.pdf is missing: the file was erased.")
        for kind, one in view.cases:
            # A receiver's case is about another person: the claim needs that it happened, not whose it is.
            redact = kind == Process.HANDOVER.value
            made = self._exporter().export(Scope(), one, actor, redact=redact, language=language)
            if made is not None:
                entries[f"evidence/{kind}-{one}{'-redacted' if redact else ''}.zip"] = made.data
                notes += made.notes
        paper = LossPaper(
            view=view,
            company=self._company,
            language=language,
            at=self._clock().astimezone(view.zone),
            contents=[
                (name, len(data), hashlib.sha256(data).hexdigest()) for name, data in sorted(entries.items())
            ],
        )
        entries["loss-file.pdf"] = print_cover(self._press(), paper)
        return LossFile(_zipped(entries), tuple(notes))

    def _tables(self, view: LossView, language: str) -> dict[str, bytes]:
        zone = view.zone

        def at(moment: datetime | None) -> str:
            return "" if moment is None else moment.astimezone(zone).isoformat(timespec="seconds")

        items = csv_file(
            (
                "track",
                "reference",
                "title",
                "state",
                "condition",
                "due_on",
                "handed_over_at",
                "accepted_at",
                "value_fen",
                "in_ledger_fen",
            ),
            (
                (
                    one.track,
                    one.reference,
                    one.title,
                    one.state,
                    one.condition,
                    one.due_on,
                    at(one.handed_over_at),
                    at(one.accepted_at),
                    one.value_fen,
                    one.claimed_fen,
                )
                for one in view.items
            ),
        )
        told = csv_file(
            ("case", "step", "channel", "at", "state", "known", "why"),
            (
                (
                    name_of("kind", one.case_kind, language),
                    name_of("step", one.step, language),
                    name_of("channel", one.channel, language),
                    at(one.at),
                    name_of("says", one.says, language),
                    "; ".join(f"{name_of('says', words, language)} {at(when)}" for words, when in one.levels),
                    one.why or "",
                )
                for one in view.told
            ),
        )
        postings = csv_file(
            (
                "posting",
                "booked_on",
                "kind",
                "account",
                "amount_fen",
                "balance_fen",
                "reference",
                "document",
                "reverses",
            ),
            (
                (
                    one.posting_id,
                    one.booked_on,
                    one.kind.value,
                    one.account.value,
                    one.amount_fen,
                    one.balance_fen,
                    one.reference,
                    one.document_id,
                    one.reverses_id,
                )
                for one in view.postings
            ),
        )
        frozen = csv_file(
            ("what", "title", "amount_fen", "rule", "at", "evidence_hash"),
            (
                (
                    name_of(one.kind, one.what, language),
                    one.title,
                    one.amount_fen,
                    one.rule,
                    at(one.at),
                    one.evidence_hash,
                )
                for one in view.frozen
            ),
        )
        return {
            "items.csv": items,
            "notices.csv": told,
            "balances.csv": postings,
            "override-record.csv": frozen,
        }


def _cases(session: Session, case_id: str) -> list[Case]:
    order = {Process.OFFBOARDING.value: 0, Process.STATUTORY.value: 1}
    rows = session.exec(select(Case).where(Case.departure_id == case_id).order_by(col(Case.id))).all()
    return sorted(rows, key=lambda case: order.get(case.kind, 2))


def _items(session: Session, case_id: str) -> tuple[LostItem, ...]:
    claimed: dict[str, int] = {}
    overrides = select(ExitOverride).where(
        ExitOverride.departure_id == case_id, col(ExitOverride.item_id).is_not(None)
    )
    for one in session.exec(overrides):
        claimed[str(one.item_id)] = one.amount_fen
    rows = session.exec(
        select(HandoverItem)
        .where(HandoverItem.departure_id == case_id)
        .order_by(col(HandoverItem.track), col(HandoverItem.reference))
    )
    return tuple(
        LostItem(
            track=one.track,
            reference=one.reference,
            title=one.title,
            state=one.state,
            condition=one.condition,
            due_on=one.due_on,
            handed_over_at=one.handed_over_at,
            accepted_at=one.accepted_at,
            value_fen=one.value_fen,
            claimed_fen=claimed.get(one.id, 0),
        )
        for one in rows
        if one.state not in CLOSED_ITEMS or one.condition in _HARMED
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


def _papers(session: Session, cases: Sequence[Case]) -> tuple[tuple[str, str, str], ...]:
    rows = session.exec(
        select(Document)
        .where(
            col(Document.case_id).in_([case.id for case in cases if case.kind != Process.HANDOVER.value]),
            col(Document.kind).in_(_PAPERS),
            Document.media_type == "application/pdf",
        )
        .order_by(col(Document.id))
    )
    return tuple((one.kind, one.id, one.sha256) for one in rows)


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
