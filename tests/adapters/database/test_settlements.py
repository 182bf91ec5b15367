"""Settlements in the database: drafted anew each time, confirmed once, booked, printed, and never twice."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from countersign.adapters.database.acts import ActView, StoredFile
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.settlements import Drafter, MoneyView
from countersign.adapters.database.tables import Departure, Document, EventRow, Posting
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.contracts.ledger import PostingOrder
from countersign.domain.ledger import AccountKind, Voucher, advance
from countersign.domain.refusal import Refusal
from countersign.ids import new_id
from tests.support.company import BEIJING, NAME, SHANGHAI, company
from tests.support.leaving import employment_id, leaving

NOW = datetime(2026, 3, 10, 2, tzinfo=UTC)
LAST_DAY = date(2025, 6, 30)
FINANCE = Drafter(Role.FINANCE, "token:finance", {"role": "finance", "id": "token:finance"})
WAGE = {"final_wage": "8000.00", "personal_insurance": "1053.00"}
DEDUCTED = {**WAGE, "advances": "consent"}


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return company(tmp_path, lambda: NOW)


@pytest.fixture
def case_id(parts: Parts) -> str:
    """Return the departure of somebody for whom the company advanced five months of insurance."""
    case = leaving(parts, LAST_DAY, ended_on=LAST_DAY)
    for month in range(1, 6):
        voucher = Voucher(f"advance {month}", employment_id(parts), date(2025, month, 15), "account:none")
        parts.database.write(
            lambda session, voucher=voucher: parts.ledger.book(session, advance(voucher, 1_053_00))
        )
    return case


def letter(parts: Parts) -> StoredFile:
    return StoredFile(parts.documents.keep(b"%PDF-1.4 consent"), "application/pdf", 16, "同意书.pdf")


def view(parts: Parts, case_id: str) -> MoneyView:
    found = parts.settlements.view(Scope(), case_id)
    assert found is not None
    return found


def drafted(parts: Parts, case_id: str) -> int:
    return parts.settlements.draft(case_id, DEDUCTED, FINANCE, letter(parts))


def confirm(parts: Parts, case_id: str, version: int, act: str = "act1") -> ActView:
    return parts.settlements.confirm(case_id, version, act.ljust(40, "0"), FINANCE)


def post(parts: Parts, case_id: str) -> None:
    """Book the newest settlement as the process does."""
    newest = view(parts, case_id).newest
    assert newest is not None
    owner = employment_id(parts)
    key = f"offboarding/{owner}/settlement/{newest.id}"
    parts.ledger.post(PostingOrder(key, case_id, "settlement", newest.id, date(2026, 3, 10)))


def balances(parts: Parts) -> dict[AccountKind, int]:
    with parts.database.reading() as session:
        found = parts.ledger.balances(session, employment_id(parts))
    return {kind: fen for kind, fen in found.items() if fen}


def events(parts: Parts, case_id: str) -> list[EventRow]:
    with parts.database.reading() as session:
        return list(session.exec(select(EventRow).where(EventRow.case_id == case_id)))


def refused(work: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        work()
    return caught.value


def test_the_debt_at_the_exit_is_deducted_by_consent_and_the_rest_keeps_the_gate_shut(
    parts: Parts, case_id: str
) -> None:
    assert view(parts, case_id).owed == {AccountKind.INSURANCE_ADVANCE: 5_265_00}
    version = drafted(parts, case_id)
    newest = view(parts, case_id).newest
    assert newest is not None
    # The minimum wage of Beijing on the last day is 2,420: 8,000 − 1,053 − 2,420.
    assert {line["item"]: line["signed_fen"] for line in newest.lines} == {
        "final_wage": 8_000_00,
        "personal_insurance": -1_053_00,
        "deduct_advance": -4_527_00,
    }
    assert confirm(parts, case_id, version).state == "waiting"
    assert balances(parts) == {AccountKind.INSURANCE_ADVANCE: 5_265_00}
    post(parts, case_id)
    assert balances(parts) == {
        AccountKind.INSURANCE_ADVANCE: 738_00,
        AccountKind.WAGE_PAYABLE: -2_420_00,
    }
    found = parts.gate_book.why(case_id)
    assert found is not None
    assert [(one.reason.value, one.amount_fen) for one in found.gate.blockers if one.amount_fen] == [
        ("insurance_advance", 738_00)
    ]
    assert view(parts, case_id).newest.state == "booked"  # type: ignore[union-attr]


def test_a_preview_writes_nothing(parts: Parts, case_id: str) -> None:
    before = len(events(parts, case_id))
    assert parts.settlements.preview(case_id, WAGE).net_fen == 6_947_00
    assert view(parts, case_id).versions == ()
    assert len(events(parts, case_id)) == before


def test_every_draft_is_a_version_and_the_same_again_is_the_same(parts: Parts, case_id: str) -> None:
    assert parts.settlements.draft(case_id, WAGE, FINANCE) == 1
    assert parts.settlements.draft(case_id, WAGE, FINANCE) == 1
    assert parts.settlements.draft(case_id, {**WAGE, "tax": "10"}, FINANCE) == 2
    assert [one.version for one in view(parts, case_id).versions] == [2, 1]


def test_the_calculation_stands_in_the_evidence_without_an_amount(parts: Parts, case_id: str) -> None:
    drafted(parts, case_id)
    run = next(one for one in events(parts, case_id) if one.kind == "calculation.run")
    assert "8000" not in run.line
    assert "452700" not in run.line
    assert '"version":1' in run.line
    assert "statutory 20" in run.line


def test_the_letter_of_consent_is_filed_and_stands_at_its_line(parts: Parts, case_id: str) -> None:
    drafted(parts, case_id)
    found = view(parts, case_id)
    (paper,) = found.papers
    assert paper.kind == "deduction_consent"
    assert found.newest is not None
    assert found.newest.lines[-1]["documents"] == [paper.id]


def test_a_document_of_another_case_is_no_consent(parts: Parts, case_id: str) -> None:
    refusal = refused(lambda: parts.settlements.draft(case_id, {**DEDUCTED, "consent": new_id()}, FINANCE))
    assert refusal.field == "consent"


def test_the_vouchers_of_a_debt_stand_at_its_line(parts: Parts, case_id: str) -> None:
    document = Document(
        id=new_id(),
        case_id=case_id,
        sha256="0" * 64,
        media_type="application/pdf",
        size=1,
        kind="manual",
        created_at=NOW,
    )
    paper = document.id
    parts.database.write(lambda session: session.add(document))
    voucher = Voucher("with paper", employment_id(parts), LAST_DAY, "account:none", None, paper)
    parts.database.write(lambda session: parts.ledger.book(session, advance(voucher, 1)))
    drafted(parts, case_id)
    newest = view(parts, case_id).newest
    assert newest is not None
    assert newest.lines[-1]["documents"][-1] == paper


def test_only_the_newest_version_is_confirmed_and_once(parts: Parts, case_id: str) -> None:
    parts.settlements.draft(case_id, WAGE, FINANCE)
    version = drafted(parts, case_id)
    assert refused(lambda: confirm(parts, case_id, 1)).field == "version"
    first = confirm(parts, case_id, version)
    assert confirm(parts, case_id, version).fingerprint == first.fingerprint
    assert "confirmed already" in str(refused(lambda: confirm(parts, case_id, version, "act2")))
    with parts.database.reading() as session:
        assert len(session.exec(select(Document).where(Document.kind == "settlement")).all()) == 1


def test_a_draft_is_not_confirmed_after_the_books_have_changed(parts: Parts, case_id: str) -> None:
    version = drafted(parts, case_id)
    voucher = Voucher("one more", employment_id(parts), LAST_DAY, "account:none")
    parts.database.write(lambda session: parts.ledger.book(session, advance(voucher, 1_00)))
    assert "owed_advance has changed" in str(refused(lambda: confirm(parts, case_id, version)))
    with parts.database.reading() as session:
        assert session.exec(select(Document).where(Document.kind == "settlement")).all() == []


def test_a_confirmed_settlement_is_replaced_after_its_postings_were_reversed(
    parts: Parts, case_id: str
) -> None:
    confirm(parts, case_id, drafted(parts, case_id))
    assert "reverse its postings" in str(refused(lambda: parts.settlements.draft(case_id, WAGE, FINANCE)))
    post(parts, case_id)
    post(parts, case_id)
    with parts.database.reading() as session:
        booked = session.exec(select(Posting.id).where(Posting.kind == "deduction")).all()
        others = session.exec(
            select(Posting.id).where(Posting.kind == "withholding").order_by(Posting.id)
        ).all()
        wage = session.exec(select(Posting.id).where(Posting.kind == "wage_due")).all()
    assert (len(booked), len(others), len(wage)) == (1, 1, 1)
    for posting in (*booked, *others, *wage):
        parts.database.write(
            lambda session, posting=posting: parts.ledger.reverse(session, posting, f"undo {posting}", "x")
        )
    assert view(parts, case_id).newest.state == "undone"  # type: ignore[union-attr]
    assert view(parts, case_id).may_draft
    assert balances(parts) == {AccountKind.INSURANCE_ADVANCE: 5_265_00}
    assert parts.settlements.draft(case_id, WAGE, FINANCE) == 2


def test_severance_is_held_while_the_gate_is_shut(parts: Parts, case_id: str) -> None:
    parts.database.write(lambda s: setattr(s.get_one(Departure, case_id), "ground", "no_fault"))
    sheet = parts.settlements.preview(case_id, {**WAGE, "severance_wage": "8000", "severance_months": "1.5"})
    assert (sheet.held_fen, sheet.net_fen - sheet.held_fen) == (12_000_00, 6_947_00)
    assert view(parts, case_id).severance_held
    assert refused(lambda: parts.settlements.preview(case_id, WAGE)).field == "severance_wage"


def test_a_withdrawn_departure_is_not_settled(parts: Parts, case_id: str) -> None:
    parts.database.write(lambda s: setattr(s.get_one(Departure, case_id), "withdrawn_at", NOW))
    assert refused(lambda: parts.settlements.draft(case_id, WAGE, FINANCE)).field == "case"


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({}, "final_wage"),
        ({"final_wage": "many"}, "final_wage"),
        ({"final_wage": "-1"}, "final_wage"),
        ({**WAGE, "owed_loan": "0"}, "owed_loan"),
        ({**WAGE, "colour": "red"}, "colour"),
        ({**WAGE, "advances": "all"}, "advances"),
        ({**WAGE, "leave_entitlement": "5"}, "leave_elapsed_days"),
        (
            {
                **WAGE,
                "leave_entitlement": "5",
                "leave_elapsed_days": "400",
                "leave_used": "0",
                "leave_average_wage": "1",
            },
            "leave_elapsed_days",
        ),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused_at_its_field(
    parts: Parts, case_id: str, wish: dict[str, str], field: str
) -> None:
    refusal = refused(lambda: parts.settlements.draft(case_id, wish, FINANCE))
    assert refusal.field == field
    assert str(refusal).startswith(f"{field}: ")


def test_the_sheet_is_printed_as_a_draft_and_filed_when_confirmed(parts: Parts, case_id: str) -> None:
    version = drafted(parts, case_id)
    draft = parts.settlements.pdf(case_id, version)
    assert draft is not None
    assert draft.startswith(b"%PDF")
    assert parts.settlements.pdf(case_id, version) == draft
    confirm(parts, case_id, version)
    filed = parts.settlements.pdf(case_id, version)
    assert filed is not None
    assert filed != draft
    assert parts.settlements.pdf(case_id, 9) is None


def test_it_is_seen_within_the_scope(parts: Parts, case_id: str) -> None:
    assert parts.settlements.view(Scope(SHANGHAI), case_id) is None
    found = parts.settlements.view(Scope(BEIJING), case_id)
    assert found is not None
    assert NAME not in repr(found)
