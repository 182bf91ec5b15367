"""The ledger in the console: finance posts, undoes, confirms, plans and gives up; others read."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from countersign.adapters.database.overrides import WAIVER
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Departure, Document
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.domain.ledger import AccountKind, Voucher, loan, repayment
from tests.support.company import NUMBER, add_shanghai, company
from tests.support.console import Browser, browser
from tests.support.leaving import employment_id, leaving

NOW = datetime(2026, 3, 10, 2, tzinfo=UTC)
LEDGER = f"/console/people/{NUMBER}/ledger"
PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90wS\xde\x00\x00"
    b"\x00\x0cIDATx\x9cc\xf8\xff\xff?\x00\x05\xfe\x02\xfe\r\xefF\xb8\x00\x00\x00\x00IEND\xaeB`\x82"
)


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return company(tmp_path, lambda: NOW)


def lend(parts: Parts, fen: int = 2_000_00, on: date = date(2026, 1, 15), key: str = "loan/1") -> str:
    wanted = loan(Voucher(key, employment_id(parts), on, "account:none", reference="V-7"), fen)
    return parts.database.write(lambda session: parts.ledger.book(session, wanted))


def pay(parts: Parts, fen: int) -> None:
    voucher = Voucher(f"paid/{fen}", employment_id(parts), date(2026, 3, 10), "account:none")
    wanted = repayment(voucher, fen, AccountKind.LOAN)
    parts.database.write(lambda session: parts.ledger.book(session, wanted))


def balance(parts: Parts, kind: AccountKind = AccountKind.LOAN) -> int:
    with parts.database.reading() as session:
        return parts.ledger.balances(session, employment_id(parts))[kind]


def nonce(page: Browser) -> str:
    found = re.search(r'name="nonce" value="([^"]+)"', page.page)
    assert found is not None
    return found[1]


async def test_finance_posts_once_however_often_the_form_is_sent(parts: Parts) -> None:
    async with browser(parts, Role.FINANCE) as page:
        await page.get(LEDGER)
        form = {
            "nonce": nonce(page),
            "kind": "loan",
            "amount": "1,234.5",
            "booked_on": "2026-03-01",
            "reference": "V-9",
        }
        assert (await page.post(LEDGER, form)).status_code == 200
        assert "Posted: loan paid out ¥1,234.50." in page.text
        assert "V-9" in page.text
        await page.post(LEDGER, form)
    assert balance(parts) == 1_234_50


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"amount": "12.345"}, "Amount: give yuan above 0"),
        ({"amount": "-5"}, "Amount: give yuan above 0"),
        ({"amount": "0"}, "Amount: give yuan above 0"),
        ({"booked_on": "2026-02-30"}, "Day: give a day that exists"),
        ({"booked_on": "2026-03-11"}, "Day: lies ahead"),
        ({"kind": "write_off"}, "What it is: choose one of the list"),
        ({"kind": "repayment"}, "say which balance becomes less"),
        ({"kind": "repayment", "account": "loan", "amount": "2000.01"}, "of loan only ¥2,000.00 is owed"),
        ({"nonce": ""}, "This form is incomplete"),
    ],
)
async def test_a_posting_that_cannot_be_keeps_what_was_typed(
    parts: Parts, change: dict[str, str], told: str
) -> None:
    lend(parts)
    form = {"nonce": "0123456789", "kind": "loan", "amount": "10", "booked_on": "2026-03-01"} | change
    async with browser(parts, Role.FINANCE) as page:
        answer = await page.post(LEDGER, {**form, "reference": "KEPT-1"})
        assert answer.status_code == 422
        assert told.lower() in page.text.lower()
        assert 'value="KEPT-1"' in page.page
    assert balance(parts) == 2_000_00


async def test_a_refusal_is_told_in_chinese(parts: Parts) -> None:
    lend(parts)
    form = {"nonce": "0123456789", "kind": "repayment", "account": "loan", "booked_on": "2026-03-01"}
    async with browser(parts, Role.FINANCE, language="zh-CN") as page:
        await page.post(LEDGER, {**form, "amount": "2000.01"})
        assert "借款在 2026-03-01 仅欠 ¥2,000.00，不足 ¥2,000.01；请改正金额或日期" in page.text


async def test_a_line_of_a_settlement_is_named_and_a_voucher_keeps_its_number(parts: Parts) -> None:
    for key, reference in (("a", "deduct_advance"), ("b", "V_2026_1")):
        one = Voucher(key, employment_id(parts), date(2026, 3, 1), "account:none", reference=reference)
        parts.database.write(lambda session, one=one: parts.ledger.book(session, loan(one, 1_00)))
    async with browser(parts, Role.FINANCE, language="zh-CN") as page:
        await page.get(LEDGER)
        assert "扣回垫付的个人社会保险费" in page.text
        assert "V_2026_1" in page.text
        assert "deduct_advance" not in page.text


async def test_the_statement_of_an_earlier_day_leaves_out_what_came_later(parts: Parts) -> None:
    lend(parts)
    lend(parts, 5_00, date(2026, 3, 1), "loan/2")
    async with browser(parts, Role.AUDITOR) as page:
        await page.get(LEDGER)
        assert "¥2,005.00 owed by the employee" in page.text
        assert "Voucher number" not in page.text
        await page.get(f"{LEDGER}?on=2026-02-01")
        assert "¥2,000.00 owed by the employee" in page.text


async def test_a_posting_is_reversed_with_a_reason(parts: Parts) -> None:
    posting_id = lend(parts)
    async with browser(parts, Role.FINANCE) as page:
        await page.get(f"{LEDGER}/{posting_id}")
        form = {"nonce": nonce(page)}
        assert (await page.post(f"{LEDGER}/{posting_id}", form)).status_code == 422
        assert "say what was wrong with the posting" in page.text
        await page.post(f"{LEDGER}/{posting_id}", {**form, "reason": "the wrong person"})
        assert "Reversed. Both postings stand in the ledger." in page.text
        await page.get(f"{LEDGER}/{posting_id}")
        assert "Reverse this posting" not in page.text
    assert balance(parts) == 0


async def test_a_voucher_is_kept_in_the_case_of_the_departure(parts: Parts) -> None:
    case_id = leaving(parts, date(2026, 3, 10))
    form = {"nonce": "0123456789", "kind": "loan", "amount": "10", "booked_on": "2026-03-01"}
    async with browser(parts, Role.FINANCE) as page:
        await page.post(LEDGER, form, files={"file": ("v.png", PNG, "image/png")})
        await page.post(LEDGER, form, files={"file": ("v.png", PNG, "image/png")})
    with parts.database.reading() as session:
        (document,) = session.exec(select(Document)).all()
    assert (document.case_id, document.kind) == (case_id, "voucher")
    (line,) = parts.ledger.statement(employment_id(parts))
    assert line.document_id == document.id


async def test_debts_are_listed_by_age_and_a_number_leads_on(parts: Parts) -> None:
    lend(parts, on=date(2025, 11, 1))
    async with browser(parts, Role.FINANCE) as page:
        await page.get("/console/ledger")
        assert "All debts by age on 2026-03-10" in page.text
        assert "over 90 days" in page.text
        await page.get("/console/ledger", number=NUMBER)
        assert "Statement 1" in page.text
        await page.get("/console/ledger", number="E9")
        assert "Nobody here has the employee number E9." in page.text
        file = await page.get("/console/ledger.csv")
        assert f"{NUMBER}," in file.text
        assert "2000.00" in file.text


async def test_another_branch_sees_nothing(parts: Parts) -> None:
    posting_id = lend(parts)
    case_id = leaving(parts, date(2026, 3, 10))
    add_shanghai(parts)
    async with browser(parts, Role.FINANCE, branch="上海") as page:
        for path in (LEDGER, f"{LEDGER}/{posting_id}", f"/console/departures/{case_id}/plan"):
            assert (await page.get(path)).status_code == 404
        assert (
            await page.post(f"{LEDGER}/{posting_id}", {"nonce": "12345678", "reason": "x"})
        ).status_code == 404
        assert NUMBER not in (await page.get("/console/ledger")).text


async def test_finance_confirms_the_balances_when_the_figures_agree(parts: Parts) -> None:
    lend(parts)
    case_id = leaving(parts, date(2026, 3, 10))
    path = f"/console/departures/{case_id}/balances"
    form = {f"seen_{kind}": "0" for kind in ("insurance_advance", "wage_overpaid", "equipment")}
    async with browser(parts, Role.FINANCE) as page:
        await page.get(path)
        form["nonce"] = nonce(page)
        answer = await page.post(path, {**form, "seen_loan": "1999.99"})
        assert answer.status_code == 422
        assert "Loan: finance sees ¥1,999.99, the ledger holds ¥2,000.00" in page.text
        answer = await page.post(path, {**form, "seen_loan": ""})
        assert answer.status_code == 422
        await page.post(path, {**form, "seen_loan": "2000"})
    with parts.database.reading() as session:
        assert session.get_one(Departure, case_id).finance_confirmed_at == NOW


async def test_finance_records_a_plan_with_its_signed_paper(parts: Parts) -> None:
    lend(parts)
    case_id = leaving(parts, date(2026, 3, 10))
    path = f"/console/departures/{case_id}/plan"
    form = {
        "nonce": "0123456789",
        "plan_total": "2000",
        "plan_instalments": "2026-04-30 1500.00\n\n2026-05-31 500",
        "plan_agreed_on": "2026-03-10",
    }
    async with browser(parts, Role.FINANCE) as page:
        answer = await page.post(path, {**form, "plan_instalments": "2026-04-30 1500\nnext month 500"})
        assert answer.status_code == 422
        assert "line 2 is no day with an amount" in page.text
        answer = await page.post(path, {**form, "plan_total": "1999"})
        assert "the instalments add up to ¥2,000.00" in page.text
        await page.post(path, form, files={"plan_file": ("p.png", PNG, "image/png")})
    found = parts.balances.view(case_id, Scope())
    assert found is not None
    assert found.plan is not None
    assert [one.amount_fen for one in found.plan.instalments] == [1_500_00, 500_00]
    assert found.plan.document_id is not None


async def test_a_plan_waits_for_its_paper_which_is_added_as_it_is_even_when_an_instalment_is_over(
    tmp_path: Path,
) -> None:
    now = [NOW]
    parts = company(tmp_path, lambda: now[0])
    lend(parts)
    case_id = leaving(parts, date(2026, 3, 10))
    path = f"/console/departures/{case_id}/plan"
    form = {
        "nonce": "0123456789",
        "plan_total": "2000",
        "plan_instalments": "2026-03-31 500\n2026-04-30 1500",
        "plan_agreed_on": "2026-03-10",
    }
    async with browser(parts, Role.FINANCE) as page:
        await page.post(path, form)
        assert "It counts once its signed paper is attached." in page.text
        assert "waits for its signed paper" in page.text
        assert "the repayment plan waits for its signed paper" in page.text
        draft = parts.balances.view(case_id, Scope())
        assert draft is not None
        assert draft.plan is not None
        assert parts.gate_book.why(case_id).gate.owed_fen == 2_000_00  # type: ignore[union-attr]
        now[0] = NOW + timedelta(days=30)
        pay(parts, 500_00)
    async with browser(parts, Role.FINANCE, "another") as page:
        await page.get(path)
        assert 'value="2000.00"' in page.page
        assert "2026-03-31 500.00\n2026-04-30 1500.00" in page.page
        same = {**form, "nonce": "1123456789", "plan_instalments": "2026-03-31 500.00\r\n2026-04-30 1500.00"}
        await page.post(path, same, files={"plan_file": ("p.png", PNG, "image/png")})
        assert "waits for its signed paper" not in page.text
    signed = parts.balances.view(case_id, Scope())
    assert signed is not None
    assert signed.plan is not None
    assert (signed.plan.id, signed.plan.signed) == (draft.plan.id, True)
    assert parts.gate_book.why(case_id).gate.owed_fen == 0  # type: ignore[union-attr]
    pay(parts, 100_00)
    lend(parts, key="loan/2")
    assert parts.gate_book.why(case_id).gate.owed_fen == 2_000_00  # type: ignore[union-attr]


async def test_a_waiver_above_the_limit_waits_for_a_second_person(parts: Parts) -> None:
    lend(parts)
    case_id = leaving(parts, date(2026, 3, 10))
    path = f"/console/departures/{case_id}/waiver"
    form = {"nonce": "0123456789", "waiver_account": "loan", "waiver_reason": "not worth a claim"}
    async with browser(parts, Role.FINANCE) as page:
        await page.post(path, {**form, "waiver_amount": "400"})
        assert balance(parts) == 1_600_00
        await page.post(path, {**form, "nonce": "1123456789", "waiver_amount": "100.01"})
        assert balance(parts) == 1_600_00
        await page.get(path)
        assert "waits for a second person" in page.text
        answer = await page.post(path, {**form, "nonce": "2123456789", "waiver_amount": "1600.01"})
        assert answer.status_code == 422
    (asked,) = parts.approvals.waiting(Scope())
    assert (asked.kind, asked.subject) == (WAIVER, case_id)
    async with browser(parts, Role.HR) as page:
        await page.get("/console/approvals")
        assert "Waive a debt ¥100.01" in page.text
        await page.get(f"/console/approvals/{asked.id}")
        assert "loan" in page.text
        await page.post(f"/console/approvals/{asked.id}", {"decision": "agree", "reason": "agreed by phone"})
        assert "The debt is written off in the ledger." in page.text
    assert balance(parts) == 1_499_99
    with parts.database.reading() as session:
        *_, agreed, last = parts.evidence.chain(session, case_id)[0]
    assert (agreed.kind, agreed.body["approval"]) == ("override.recorded", asked.id)
    assert (last.kind, last.body["approval"]) == ("ledger.posted", asked.id)


async def test_a_waiver_of_what_was_paid_meanwhile_is_refused_at_the_agreement(parts: Parts) -> None:
    posting_id = lend(parts)
    case_id = leaving(parts, date(2026, 3, 10))
    form = {"nonce": "0123456789", "waiver_account": "loan", "waiver_reason": "x", "waiver_amount": "2000"}
    async with browser(parts, Role.FINANCE) as page:
        await page.post(f"/console/departures/{case_id}/waiver", form)
    parts.database.write(lambda session: parts.ledger.reverse(session, posting_id, "undo", "account:none"))
    (asked,) = parts.approvals.waiting(Scope())
    async with browser(parts, Role.HR) as page:
        await page.post(f"/console/approvals/{asked.id}", {"decision": "agree", "reason": "ok"})
        assert "of loan only ¥0.00 is owed" in page.text.lower()
    assert len(parts.approvals.waiting(Scope())) == 1
