"""What finance decides about a leaver's debts: that the ledger is complete, a repayment plan, a waiver."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from countersign.adapters.database.actors import account_actor_id
from countersign.adapters.database.acts import ActView, NewAct, StoredFile
from countersign.adapters.database.approvals import Approvals, Asked
from countersign.adapters.database.booked_acts import BookedActs, Effect
from countersign.adapters.database.branch_days import branch_day
from countersign.adapters.database.cases import actor_of
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.ledger_book import LedgerBook
from countersign.adapters.database.officers import Officer
from countersign.adapters.database.overrides import WAIVER, Overrides
from countersign.adapters.database.own_departure import refuse_own
from countersign.adapters.database.repayment_plans import (
    PlanView,
    plan_view,
    replace_plan,
    sign_plan,
    waits_for_its_paper,
)
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import (
    Account,
    ActRow,
    Approval,
    Case,
    Departure,
    Document,
    Entry,
    LedgerAccount,
    Person,
    Posting,
)
from countersign.contracts.cases import ActKind, Role
from countersign.domain.evidence import EventKind, Sealed
from countersign.domain.ledger import RECEIVABLES, AccountKind, PostingKind, Voucher, owed, write_off, yuan
from countersign.domain.refusal import Refusal
from countersign.domain.repayment import Instalment, check_plan
from countersign.ids import new_id


@dataclass(frozen=True)
class By:
    """Who acts in which offboarding case; the same `act_id` again is the same act."""

    act_id: str
    case_id: str
    role: Role
    actor: str


@dataclass(frozen=True)
class WaiverAsked:
    """A waiver that waits for a second person."""

    account: AccountKind
    amount_fen: int


@dataclass(frozen=True)
class BalancesView:
    """What finance sees of one departure: balances in fen, the plan in force, whether it is confirmed.

    `waived_fen` was given up by one person alone, `limit_fen` is how much one person may. `nonce` is for the
    forms that show this.
    """

    case_id: str
    number: str
    name: str = field(repr=False)
    last_day: date
    withdrawn: bool
    closed: bool
    balances: Mapping[AccountKind, int]
    plan: PlanView | None
    confirmed_at: datetime | None
    waived_fen: int
    limit_fen: int
    waiting: tuple[WaiverAsked, ...]
    nonce: str
    receivables: tuple[AccountKind, ...] = RECEIVABLES

    @property
    def owed_fen(self) -> int:
        """Return everything that is owed."""
        return sum(self.owed.values())

    @property
    def left_fen(self) -> int:
        """Return how much one person may still give up alone."""
        return max(self.limit_fen - self.waived_fen, 0)

    @property
    def owed(self) -> dict[AccountKind, int]:
        """Return what is owed, by receivable."""
        return owed(self.balances)


class Balances:
    """Acts of finance in an offboarding case. Each is one transaction with its effect and its evidence."""

    def __init__(
        self,
        database: Database,
        booked_acts: BookedActs,
        ledger: LedgerBook,
        evidence: EvidenceLog,
        approvals: Approvals,
        overrides: Overrides,
        limit_fen: int,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._booked_acts, self._ledger = database, booked_acts, ledger
        self._evidence, self._approvals, self._overrides = evidence, approvals, overrides
        self._limit_fen, self._clock = limit_fen, clock

    # -- finance says that the ledger is complete -----------------------------------------------------------

    def confirm(self, by: By, seen: Mapping[AccountKind, int]) -> ActView:
        """Keep that finance finds the ledger complete; `seen` holds what its own books say is owed, in fen.

        What is not named counts as 0. Raises `Refusal` with both figures where they differ.
        """
        words = {kind.value: str(seen.get(kind, 0)) for kind in RECEIVABLES}

        def effect(session: Session, act: ActRow, case: Case) -> None:
            departure = departure_to_settle(session, case.id)
            balances = self._ledger.balances(session, departure.employment_id)
            for kind in RECEIVABLES:
                if seen.get(kind, 0) != balances[kind]:
                    raise Refusal(
                        kind.value,
                        f"{kind.value}: finance sees {yuan(seen.get(kind, 0))}, the ledger holds "
                        f"{yuan(balances[kind])}; book what is missing, or correct the figure",
                    )
            departure.finance_confirmed_at = self._clock()
            session.add(departure)
            told = {kind.value: Sealed(str(balances[kind])) for kind in RECEIVABLES}
            self._keep(session, act, case, EventKind.LEDGER_CONFIRMED, {"balances": told})

        return self._take(by, ActKind.BALANCES_CONFIRMED, words, effect)

    # -- a repayment plan -----------------------------------------------------------------------------------

    def agree_plan(
        self,
        by: By,
        total_fen: int,
        instalments: Sequence[Instalment],
        agreed_on: date,
        paper: StoredFile | None = None,
        document_id: str | None = None,
    ) -> ActView:
        """Keep a plan that the leaver has agreed to; it replaces the one before. Raises `Refusal`.

        The signed paper comes as a file of its own, or is named among the documents of the case. Without it
        the plan covers nothing; the same plan with it is the plan that was recorded, signed: of that nothing
        is checked anew, since an instalment may be over and paid by then.
        """
        words = {
            "total_fen": str(total_fen),
            "instalments": ", ".join(f"{one.due_on.isoformat()} {one.amount_fen}" for one in instalments),
        }

        def effect(session: Session, act: ActRow, case: Case) -> None:
            departure = departure_to_settle(session, case.id)
            document = _paper(session, case, act, document_id)
            unsigned = waits_for_its_paper(session, case.id, instalments, agreed_on)
            if unsigned is not None and unsigned.total_fen == total_fen and document is not None:
                self._keep(
                    session, act, case, EventKind.LEDGER_PLANNED, sign_plan(session, unsigned, document)
                )
                return
            today = branch_day(session, case.branch_id, act.at)
            check_plan(total_fen, instalments, agreed_on, today)
            due = sum(owed(self._ledger.balances(session, departure.employment_id)).values())
            if total_fen > due:
                raise Refusal(
                    "total_fen",
                    f"total_fen: {yuan(total_fen)} is more than the {yuan(due)} that is owed; plan at most "
                    "what is owed",
                )
            told = replace_plan(session, act, instalments, agreed_on, document, self._clock())
            self._keep(session, act, case, EventKind.LEDGER_PLANNED, told)

        files = () if paper is None else (paper,)
        named = {} if document_id is None else {"document": document_id}
        body = {"on": agreed_on.isoformat(), **named}
        return self._take(by, ActKind.REPAYMENT_AGREED, words, effect, body, files)

    # -- a waiver -------------------------------------------------------------------------------------------

    def waive(self, by: By, account: AccountKind, amount_fen: int, reason: str) -> ActView:
        """Give up a debt, or a part of it, alone: up to the limit, over all waivers of the departure.

        Raises `Refusal`, above the limit too.
        """
        return self._take(
            by,
            ActKind.WAIVED,
            _words(account, amount_fen, reason),
            self._waiving(account, amount_fen, reason),
        )

    def needs_second_person(self, case_id: str, amount_fen: int) -> bool:
        """Say whether a waiver goes beyond what one person may give up in this departure."""
        with self._database.reading() as session:
            return self._waived_alone(session, case_id) + amount_fen > self._limit_fen

    def ask_waiver(
        self, officer: Officer, case_id: str, account: AccountKind, amount_fen: int, reason: str
    ) -> str:
        """Keep a waiver for a second person to agree to; return the request's id. Raises `Refusal`."""
        with self._database.reading() as session:
            case = session.get_one(Case, case_id)
            departure = departure_to_settle(session, case.id)
            refuse_own(session, departure.person_id, officer.actor_id)
            if case.state == "closed":
                raise Refusal("case", "case: is closed; nothing is waived in it any more")
            balance = self._ledger.balances(session, departure.employment_id).get(account, 0)
            _waivable(account, amount_fen, reason, balance)
            branch_id = case.branch_id
        body = {"act": ActKind.WAIVED.value, "account": account.value, "amount_fen": amount_fen}
        return self._approvals.ask(
            WAIVER, case_id, officer, branch_id=branch_id, body=body, words={"reason": reason}
        )

    def agree_waiver(self, asked: Asked, officer: Officer, reason: str) -> str:
        """Agree to a waiver, and carry it out as the act of who asked; return the act's id.

        Raises `OwnRequest`, `AlreadyDecided`, `MayNoLongerAct`, and `Refusal` when less is owed by now.
        """
        account, amount_fen = AccountKind(asked.body["account"]), int(asked.body["amount_fen"])

        why = asked.words["reason"]

        def write_it_off(session: Session, asker: Account) -> None:
            new = NewAct(
                id=asked.id,
                case_id=asked.subject,
                kind=ActKind.WAIVED,
                role=Role(asker.role),
                actor=account_actor_id(asker.id),
                words=_words(account, amount_fen, why),
            )
            effect = self._waiving(account, amount_fen, why, approval_id=asked.id)
            if self._booked_acts.take_within(session, new, effect).state == "late":
                raise Refusal("case", "case: is closed; nothing is waived in it any more")

        self._overrides.agree_with(asked, officer, reason, write_it_off)
        return asked.id

    def _waiving(
        self, account: AccountKind, amount_fen: int, reason: str, approval_id: str | None = None
    ) -> Effect:
        def effect(session: Session, act: ActRow, case: Case) -> None:
            departure = departure_to_settle(session, case.id)
            balance = self._ledger.balances(session, departure.employment_id).get(account, 0)
            _waivable(account, amount_fen, reason, balance)
            if approval_id is None and self._waived_alone(session, case.id) + amount_fen > self._limit_fen:
                raise Refusal(
                    "amount_fen",
                    f"amount_fen: one person may give up {yuan(self._limit_fen)} in a departure; for more "
                    "ask a second person, in the console",
                )
            key = f"{case.workflow_id}/waiver/{act.id}"
            voucher = Voucher(
                key,
                departure.employment_id,
                branch_day(session, case.branch_id, act.at),
                act.actor,
                case.id,
                None,
                None,
            )
            told = {"act": act.id} if approval_id is None else {"act": act.id, "approval": approval_id}
            self._ledger.book(session, write_off(voucher, amount_fen, account), reason, told)

        return effect

    def _waived_alone(self, session: Session, case_id: str) -> int:
        """Return what was given up in a case without a second person, in fen; what was reversed is not."""
        undone = select(Posting.reverses_id).where(col(Posting.reverses_id).is_not(None))
        case = session.get_one(Case, case_id)
        prefix = f"{case.workflow_id}/waiver/"
        rows = session.exec(
            select(Posting.key, func.sum(-col(Entry.amount_fen)))
            .join(Entry, col(Entry.posting_id) == col(Posting.id))
            .join(LedgerAccount, col(LedgerAccount.id) == col(Entry.account_id))
            .where(
                Posting.case_id == case_id,
                Posting.kind == PostingKind.WRITE_OFF.value,
                col(Posting.id).not_in(undone),
                col(LedgerAccount.kind).in_([kind.value for kind in RECEIVABLES]),
            )
            .group_by(col(Posting.key))
        ).all()
        asked = select(Approval.id).where(Approval.subject == case_id, Approval.kind == WAIVER)
        agreed = set(session.exec(asked))
        return sum(int(fen) for key, fen in rows if key.removeprefix(prefix) not in agreed)

    # -- reading --------------------------------------------------------------------------------------------

    def view(self, case_id: str, scope: Scope) -> BalancesView | None:
        """Return what finance sees of a departure; None for none of this scope."""
        with self._database.reading() as session:
            departure = scope.departure(session, case_id)
            if departure is None:
                return None
            person = session.get_one(Person, departure.person_id)
            return BalancesView(
                case_id=case_id,
                number=person.number,
                name=person.name,
                last_day=departure.last_day,
                withdrawn=departure.withdrawn_at is not None,
                closed=session.get_one(Case, case_id).state == "closed",
                balances=self._ledger.balances(session, departure.employment_id),
                plan=plan_view(session, case_id),
                confirmed_at=departure.finance_confirmed_at,
                waived_fen=self._waived_alone(session, case_id),
                limit_fen=self._limit_fen,
                waiting=_waiting(session, case_id),
                nonce=new_id(),
            )

    # -- shared ---------------------------------------------------------------------------------------------

    def _take(
        self,
        by: By,
        kind: ActKind,
        words: Mapping[str, str],
        effect: Effect,
        body: Mapping[str, Any] | None = None,
        files: tuple[StoredFile, ...] = (),
    ) -> ActView:
        new = NewAct(by.act_id, by.case_id, kind, by.role, by.actor, body or {}, words, files=files)
        return self._booked_acts.take(new, effect)

    def _keep(
        self, session: Session, act: ActRow, case: Case, kind: EventKind, body: Mapping[str, Any]
    ) -> None:
        key, actor = f"act/{act.id}/{kind.value}", actor_of(session, act)
        self._evidence.append(session, case, key, act.at, kind, actor, {"act": act.id, **body})


def departure_to_settle(session: Session, case_id: str) -> Departure:
    """Return the departure of an offboarding case; raises `Refusal` where there is nothing to settle."""
    departure = session.get(Departure, case_id)
    if departure is None:
        raise Refusal("case", "case: is no departure; name the offboarding case")
    if departure.withdrawn_at is not None:
        raise Refusal("case", "case: the departure was withdrawn; nothing is settled in it")
    return departure


def _paper(session: Session, case: Case, act: ActRow, document_id: str | None) -> str | None:
    """Return the id of a plan's signed paper: the file of the act, or a document of the case."""
    if document_id is None:
        return session.exec(select(Document.id).where(Document.act_id == act.id)).first()
    document = session.get(Document, document_id)
    if document is None or document.case_id != case.id:
        raise Refusal("document", "document: the case has no such document; add it to the case first")
    return document.id


def _waiting(session: Session, case_id: str) -> tuple[WaiverAsked, ...]:
    rows = session.exec(
        select(Approval)
        .where(Approval.subject == case_id, Approval.kind == WAIVER, col(Approval.decided_at).is_(None))
        .order_by(col(Approval.asked_at))
    )
    return tuple(WaiverAsked(AccountKind(row.body["account"]), row.body["amount_fen"]) for row in rows)


def _waivable(account: AccountKind, amount_fen: int, reason: str, balance: int) -> None:
    if account not in RECEIVABLES:
        named = ", ".join(kind.value for kind in RECEIVABLES)
        raise Refusal("account", f"account: must be one of {named}; say which debt is given up")
    if type(amount_fen) is not int or amount_fen <= 0:
        raise Refusal("amount_fen", "amount_fen: must be above 0; give what is given up")
    if amount_fen > balance:
        raise Refusal(
            "amount_fen",
            f"amount_fen: of {account.value} only {yuan(balance)} is owed, not {yuan(amount_fen)}; correct "
            "the amount",
        )
    if not reason.strip():
        raise Refusal("reason", "reason: is missing; say why the company gives this up")


def _words(account: AccountKind, amount_fen: int, reason: str) -> dict[str, str]:
    return {"account": account.value, "amount_fen": str(amount_fen), "reason": reason}
