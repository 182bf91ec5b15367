"""The gate read from the books: what each fact changes, at once, and what the process is told."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from countersign.adapters.database.gate_book import GateView, offboarding_standing
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import (
    Case,
    Departure,
    Duty,
    HandoverItem,
    Outbox,
    PassedTask,
    Person,
    RepaymentPlan,
    Revocation,
    Settlement,
)
from countersign.bootstrap import Parts
from countersign.contracts.cases import CaseState, Process, Projection, RecordOrder, Role
from countersign.contracts.departures import OffboardingStanding
from countersign.domain.gate import Hand, Reason
from countersign.domain.ledger import AccountKind, Booking, Voucher, loan, repayment, write_off
from countersign.ids import new_id
from tests.support.company import BEIJING, NUMBER, SHANGHAI, add_colleague, company
from tests.support.leaving import employment_id, leaving

NOW = datetime(2026, 3, 10, 2, tzinfo=UTC)
TODAY = date(2026, 3, 10)
QUIET = ["finance_not_confirmed", "social_insurance"]


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return company(tmp_path, lambda: NOW)


@pytest.fixture
def case_id(parts: Parts) -> str:
    """Return a departure whose last day is over."""
    return leaving(parts, TODAY, ended_on=TODAY)


def why(parts: Parts, case_id: str) -> GateView:
    found = parts.gate_book.why(case_id)
    assert found is not None
    return found


def codes(parts: Parts, case_id: str) -> list[str]:
    return list(why(parts, case_id).gate.codes)


def change(parts: Parts, work: Callable[[Session], Any]) -> Any:
    return parts.database.write(work)


def add_item(parts: Parts, case_id: str, track: str, state: str = "open", **more: Any) -> str:
    item = HandoverItem(
        id=new_id(),
        departure_id=case_id,
        track=track,
        reference=new_id(),
        title="标记物品",
        due_on=TODAY,
        state=state,
        listed_at=NOW,
        **more,
    )
    item_id = item.id
    change(parts, lambda session: session.add(item))
    return item_id


def book(parts: Parts, wanted: Booking) -> str:
    return str(change(parts, lambda session: parts.ledger.book(session, wanted)))


def planned(parts: Parts, case_id: str, fen: int, document_id: str | None = "01PAPER") -> str:
    plan = RepaymentPlan(
        id=new_id(),
        departure_id=case_id,
        total_fen=fen,
        agreed_on=TODAY,
        document_id=document_id,
        act_id="x",
        created_at=NOW,
    )
    plan_id = plan.id
    change(parts, lambda session: session.add(plan))
    return plan_id


def voucher(parts: Parts, key: str) -> Voucher:
    return Voucher(key, employment_id(parts), TODAY, "account:none")


def other_case(parts: Parts, kind: Process = Process.LEAVE_RETURN, state: str = "running") -> str:
    found = new_id()

    def add(session: Session) -> None:
        person = session.exec(select(Person).where(Person.number == NUMBER)).one()
        session.add(
            Case(
                id=found,
                kind=kind.value,
                workflow_id=f"{kind.value}/{found}",
                person_id=person.id,
                branch_id=BEIJING,
                policy_version="x@1",
                state=state,
                stage="waiting",
                created_at=NOW,
            )
        )

    change(parts, add)
    return found


def standing(parts: Parts, case_id: str) -> OffboardingStanding:
    with parts.database.reading() as session:
        return offboarding_standing(session, session.get_one(Case, case_id))


def looked(parts: Parts, case_id: str) -> int:
    with parts.database.reading() as session:
        return sum(one.body.get("case") == case_id for one in session.exec(select(Outbox)))


# -- one fact after the other -----------------------------------------------------------------------------


def test_the_end_of_the_employment_is_awaited_until_it_is_in_the_books(parts: Parts) -> None:
    tomorrow = leaving(parts, TODAY + timedelta(days=1), ended_on=None)
    assert codes(parts, tomorrow) == ["still_employed", *QUIET]
    change(parts, lambda s: setattr(s.get_one(Departure, tomorrow), "ended_on", TODAY))
    assert codes(parts, tomorrow) == QUIET


def test_finance_and_the_bureau_open_it(parts: Parts, case_id: str) -> None:
    change(parts, lambda s: setattr(s.get_one(Departure, case_id), "finance_confirmed_at", NOW))
    assert codes(parts, case_id) == ["social_insurance"]
    duty = Duty(id=new_id(), departure_id=case_id, case_id=case_id, kind="social_insurance", state="failed")
    change(parts, lambda s: s.add(duty))
    assert codes(parts, case_id) == ["social_insurance"]
    change(parts, lambda s: setattr(s.exec(select(Duty)).one(), "state", "done"))
    assert why(parts, case_id).gate.open


def test_mandatory_items_keep_it_shut_until_both_sides_have_spoken(parts: Parts, case_id: str) -> None:
    receiver = add_colleague(parts, "E2000")
    one = add_item(parts, case_id, "documents", receiver_id=receiver)
    add_item(parts, case_id, "documents", mandatory=False)
    add_item(parts, case_id, "customers", "accepted")
    add_item(parts, case_id, "customers", "not_applicable")
    laptop = add_item(parts, case_id, "equipment")

    def told() -> list[tuple[Reason, Hand, int]]:
        return [(b.reason, b.hand, b.count) for b in why(parts, case_id).gate.blockers if b.count]

    assert told() == [(Reason.DOCUMENTS, Hand.LEAVER, 1), (Reason.EQUIPMENT, Hand.LEAVER, 1)]
    change(parts, lambda s: setattr(s.get_one(HandoverItem, one), "state", "handed_over"))
    change(parts, lambda s: setattr(s.get_one(HandoverItem, laptop), "state", "handed_over"))
    assert told() == [
        (Reason.DOCUMENTS, Hand.RECEIVER, 1),
        (Reason.EQUIPMENT, Hand.ADMINISTRATION, 1),
    ]
    change(parts, lambda s: setattr(s.get_one(HandoverItem, one), "state", "accepted"))
    change(parts, lambda s: setattr(s.get_one(HandoverItem, laptop), "state", "disputed"))
    assert told() == [(Reason.DISPUTED, Hand.HR, 1)]


def test_a_debt_keeps_it_shut_until_it_is_paid_or_planned(parts: Parts, case_id: str) -> None:
    book(parts, loan(voucher(parts, "lent"), 1_000_00))
    (owed,) = [one for one in why(parts, case_id).gate.blockers if one.amount_fen]
    assert (owed.reason, owed.amount_fen, owed.hand) == (Reason.LOAN, 1_000_00, Hand.LEAVER)
    plan_id = planned(parts, case_id, 1_000_00)
    assert codes(parts, case_id) == QUIET
    # What is paid lowers what the plan still covers: a new debt is not covered by an old promise.
    book(parts, repayment(voucher(parts, "paid"), 400_00, AccountKind.LOAN))
    assert codes(parts, case_id) == QUIET
    book(parts, loan(voucher(parts, "lent more"), 50_00))
    assert [one.amount_fen for one in why(parts, case_id).gate.blockers if one.amount_fen] == [50_00]
    change(parts, lambda s: setattr(s.get_one(RepaymentPlan, plan_id), "ended_at", NOW))
    assert why(parts, case_id).gate.owed_fen == 650_00
    book(parts, repayment(voucher(parts, "all"), 650_00, AccountKind.LOAN))
    assert codes(parts, case_id) == QUIET


@pytest.mark.parametrize("covers_the_rest", [repayment, write_off])
def test_what_no_plan_covers_is_paid_or_given_up_before_the_plan_itself(
    tmp_path: Path, covers_the_rest: Callable[..., Booking]
) -> None:
    now = [NOW - timedelta(days=1)]
    parts = company(tmp_path, lambda: now[0])
    case_id = leaving(parts, TODAY, ended_on=TODAY)
    book(parts, loan(voucher(parts, "lent"), 1_000_00))
    now[0] = NOW
    planned(parts, case_id, 900_00)
    assert why(parts, case_id).gate.owed_fen == 100_00
    book(parts, covers_the_rest(voucher(parts, "rest"), 100_00, AccountKind.LOAN))
    assert codes(parts, case_id) == QUIET
    book(parts, repayment(voucher(parts, "first instalment"), 300_00, AccountKind.LOAN))
    assert codes(parts, case_id) == QUIET
    book(parts, loan(voucher(parts, "lent more"), 50_00))
    assert why(parts, case_id).gate.owed_fen == 50_00


def test_a_plan_covers_nothing_before_its_signed_paper_is_there(parts: Parts, case_id: str) -> None:
    book(parts, loan(voucher(parts, "lent"), 1_000_00))
    plan_id = planned(parts, case_id, 900_00, document_id=None)
    assert codes(parts, case_id) == ["loan", "plan_unsigned", *QUIET]
    assert why(parts, case_id).gate.owed_fen == 1_000_00
    (waits,) = [one for one in why(parts, case_id).gate.blockers if one.reason is Reason.PLAN_UNSIGNED]
    assert waits.hand is Hand.FINANCE
    found = standing(parts, case_id)
    assert found.owes
    assert (found.holder, found.tasks["plan_paper"]) == (Role.EMPLOYEE, Role.FINANCE)
    change(parts, lambda s: setattr(s.get_one(RepaymentPlan, plan_id), "document_id", new_id()))
    assert codes(parts, case_id) == ["loan", *QUIET]
    assert why(parts, case_id).gate.owed_fen == 100_00
    assert "plan_paper" not in standing(parts, case_id).tasks


def test_a_draft_of_a_plan_keeps_nobody_who_has_paid(parts: Parts, case_id: str) -> None:
    book(parts, loan(voucher(parts, "lent"), 1_000_00))
    planned(parts, case_id, 900_00, document_id=None)
    book(parts, repayment(voucher(parts, "all"), 1_000_00, AccountKind.LOAN))
    assert codes(parts, case_id) == QUIET


def test_severance_waits_for_a_settlement_that_is_booked(parts: Parts, case_id: str) -> None:
    change(parts, lambda s: setattr(s.get_one(Departure, case_id), "ground", "no_fault"))
    assert "settlement" in codes(parts, case_id)
    row = Settlement(
        id=new_id(),
        departure_id=case_id,
        version=1,
        lines=[{"item": "severance", "posts": False}],
        net_fen=0,
        made_by="x",
        made_at=NOW,
    )
    row_id = row.id
    change(parts, lambda s: s.add(row))
    assert "settlement" in codes(parts, case_id)
    change(parts, lambda s: setattr(s.get_one(Settlement, row_id), "state", "confirmed"))
    assert "settlement" not in codes(parts, case_id)
    assert standing(parts, case_id).to_post == ()
    change(parts, lambda s: setattr(s.get_one(Settlement, row_id), "lines", [{"item": "x", "posts": True}]))
    assert "settlement" in codes(parts, case_id)
    assert standing(parts, case_id).to_post == (row_id,)


# -- other processes --------------------------------------------------------------------------------------


def test_a_case_of_another_process_is_named_until_it_closes(parts: Parts, case_id: str) -> None:
    case = other_case(parts)
    (blocker,) = [one for one in why(parts, case_id).gate.blockers if one.reason is Reason.OTHER_CASE]
    assert (blocker.process, blocker.case_id) == ("leave_return", case)
    change(parts, lambda s: setattr(s.get_one(Case, case), "state", "closed"))
    assert codes(parts, case_id) == QUIET


def test_a_circular_that_is_unread_keeps_nobody(parts: Parts, case_id: str) -> None:
    other_case(parts, Process.ACKNOWLEDGEMENT)
    assert codes(parts, case_id) == QUIET


def test_the_departure_looks_again_when_another_case_starts_and_when_it_ends(
    parts: Parts, case_id: str
) -> None:
    case = other_case(parts, state=CaseState.STARTING.value)

    def record(key: str, state: CaseState) -> None:
        parts.cases.record(RecordOrder(case, key, NOW, Projection(state, "waiting", Role.HR, None)))

    record("1", CaseState.RUNNING)
    assert looked(parts, case_id) == 1
    record("2", CaseState.RUNNING)
    assert looked(parts, case_id) == 1
    record("3", CaseState.CLOSED)
    assert looked(parts, case_id) == 2


# -- the standing -----------------------------------------------------------------------------------------


def test_the_process_sees_counts_and_whose_turn_it_is(parts: Parts, case_id: str) -> None:
    add_item(parts, case_id, "documents")
    add_item(parts, case_id, "documents", mandatory=False)
    add_item(parts, case_id, "equipment")
    add_item(parts, case_id, "customers", "accepted")
    found = standing(parts, case_id)
    assert found.open_items == {"documents": 2, "equipment": 1}
    assert (found.all_items, found.with_leaver, found.owes) == (4, 2, False)
    assert found.holder is Role.EMPLOYEE
    assert found.gate == ("documents", "equipment", *QUIET)
    assert found.tasks == {"finance_balances": Role.FINANCE, "equipment": Role.ADMINISTRATION}


def test_what_waits_in_the_company_is_a_task_of_somebody(parts: Parts, case_id: str) -> None:
    add_item(parts, case_id, "customers", "disputed")
    person = add_colleague(parts, "E2000")

    def more(session: Session) -> None:
        departure = session.get_one(Departure, case_id)
        departure.finance_confirmed_at, departure.ground = NOW, "no_fault"
        session.add(Revocation(id=new_id(), departure_id=case_id, system="mail", state="failed"))
        session.add(
            PassedTask(
                id=new_id(),
                departure_id=case_id,
                system="oa",
                reference="1",
                title="批",
                holder_id=person,
                listed_at=NOW,
            )
        )

    change(parts, more)
    assert standing(parts, case_id).tasks == {
        "gate_settlement": Role.FINANCE,
        "disputes": Role.HR,
        "revocations": Role.ADMINISTRATION,
        "passed_tasks": Role.HR,
    }


def test_the_standing_of_an_open_gate_has_no_holder(parts: Parts, case_id: str) -> None:
    change(parts, lambda s: setattr(s.get_one(Departure, case_id), "finance_confirmed_at", NOW))
    duty = Duty(id=new_id(), departure_id=case_id, case_id=case_id, kind="social_insurance", state="done")
    change(parts, lambda s: s.add(duty))
    found = standing(parts, case_id)
    assert (found.gate, found.holder, found.tasks) == ((), None, {})


# -- who asks ---------------------------------------------------------------------------------------------


def test_an_employee_is_found_by_number_within_the_scope(parts: Parts, case_id: str) -> None:
    found = parts.gate_book.of_employee(NUMBER, Scope(BEIJING))
    assert found is not None
    assert found.case_id == case_id
    assert parts.gate_book.of_employee(NUMBER, Scope(SHANGHAI)) is None
    assert parts.gate_book.of_employee("E0000", Scope()) is None
    change(parts, lambda s: setattr(s.get_one(Departure, case_id), "withdrawn_at", NOW))
    assert parts.gate_book.of_employee(NUMBER, Scope()) is None
    assert parts.gate_book.why(new_id()) is None
