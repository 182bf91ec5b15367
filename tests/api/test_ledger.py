"""The ledger as finance and its programs use it over the API."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Departure, Document, HandoverItem
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.ids import new_id
from tests.support.company import NUMBER, add_shanghai, company
from tests.support.leaving import leaving
from tests.support.staff import Call, staff

NOW = datetime(2026, 3, 10, 2, tzinfo=UTC)
POSTINGS, LEDGER = f"/employees/{NUMBER}/postings", f"/employees/{NUMBER}/ledger"
LOAN = {"kind": "loan", "amount_fen": 800_00, "booked_on": "2026-02-01", "reference": "V-1"}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[tuple[Parts, Call]]:
    parts = company(tmp_path, lambda: NOW)
    async with staff(parts) as call:
        yield parts, call


async def ledger(call: Call, query: str = "") -> dict[str, Any]:
    answer = await call(LEDGER + query, role=Role.FINANCE)
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


async def test_a_posting_is_made_once_and_read_with_its_balance(world: tuple[Parts, Call]) -> None:
    _, call = world
    made = await call(POSTINGS, LOAN, role=Role.INTEGRATOR)
    again = await call(POSTINGS, LOAN, role=Role.INTEGRATOR)
    assert (made.status_code, again.json()) == (201, made.json())
    paid = {"kind": "repayment", "account": "loan", "amount_fen": 300_00, "booked_on": "2026-03-01"}
    assert (await call(POSTINGS, paid, "k2", role=Role.FINANCE)).status_code == 201
    found = await ledger(call)
    assert (found["balances"]["loan"], found["owed_fen"], found["due_fen"]) == (500_00, 500_00, 0)
    assert [(one["kind"], one["amount_fen"], one["balance_fen"]) for one in found["postings"]] == [
        ("loan", 800_00, 800_00),
        ("repayment", -300_00, 500_00),
    ]
    assert found["ages"]["loan"] == {"0-30": 0, "31-60": 500_00, "61-90": 0, "over-90": 0}
    assert (await ledger(call, "?on=2026-02-28"))["balances"]["loan"] == 800_00
    (debt,) = (await call("/ledger/ageing?on=2026-06-01", role=Role.FINANCE)).json()["debts"]
    assert (debt["employee"]["number"], debt["ages"]["over-90"]) == (NUMBER, 500_00)


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"amount_fen": 0}, "amount_fen", "whole number of fen"),
        ({"amount_fen": -1}, "amount_fen", "whole number of fen"),
        ({"booked_on": "2026-03-11"}, "booked_on", "lies ahead"),
        ({"booked_on": "2023-12-31"}, "booked_on", "which began on 2024-01-02"),
        ({"kind": "write_off", "account": "loan"}, "kind", "must be one of advance, loan"),
        ({"kind": "wage_due"}, "kind", "must be one of advance, loan"),
        ({"kind": "repayment"}, "account", "say which balance becomes less"),
        ({"kind": "payment", "account": "wage_payable"}, "amount_fen", "is due to the employee"),
        ({"account": "bank"}, "account", "has its own account"),
    ],
)
async def test_a_posting_that_cannot_be_is_refused_in_words(
    world: tuple[Parts, Call], change: dict[str, Any], field: str, words: str
) -> None:
    _, call = world
    answer = await call(POSTINGS, {**LOAN, **change}, role=Role.FINANCE)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert words in answer.json()["detail"]
    assert (await ledger(call))["postings"] == []


async def test_the_damage_of_an_item_is_charged_once_and_at_most_its_value(world: tuple[Parts, Call]) -> None:
    parts, call = world
    case, item_id = leaving(parts, NOW.date(), ended_on=NOW.date()), new_id()
    item = HandoverItem(
        id=item_id,
        departure_id=case,
        track="equipment",
        reference="IT-1",
        title="laptop",
        state="accepted",
        condition="damaged",
        value_fen=8_000_00,
        due_on=NOW.date(),
        listed_at=NOW,
        accepted_at=NOW,
    )
    with parts.database.transaction() as session:
        session.add(item)
    asked = {"kind": "equipment", "item": item_id, "amount_fen": 1_200_00, "booked_on": "2026-03-10"}
    over = await call(POSTINGS, {**asked, "amount_fen": 8_000_01}, role=Role.FINANCE)
    assert (over.status_code, over.json()["field"]) == (422, "amount_fen")
    other = await call(POSTINGS, {**asked, "item": new_id()}, "k1", role=Role.FINANCE)
    assert (other.status_code, other.json()["field"]) == (422, "item")
    made = await call(POSTINGS, asked, "k2", role=Role.INTEGRATOR)
    again = await call(POSTINGS, asked, "k3", role=Role.FINANCE)
    assert (made.status_code, again.json()["posting"]) == (201, made.json()["posting"])
    more = await call(POSTINGS, {**asked, "amount_fen": 1}, "k4", role=Role.FINANCE)
    assert "is claimed for this item already" in more.json()["detail"]
    assert (await ledger(call))["balances"]["equipment"] == 1_200_00


async def test_a_reversal_needs_a_reason_and_undoes_once(world: tuple[Parts, Call]) -> None:
    _, call = world
    made = (await call(POSTINGS, LOAN, role=Role.FINANCE)).json()["posting"]
    blank = await call(f"/postings/{made}/reversal", {"reason": " "}, role=Role.FINANCE)
    assert (blank.status_code, blank.json()["field"]) == (422, "reason")
    undone = await call(f"/postings/{made}/reversal", {"reason": "wrong person"}, "r", role=Role.FINANCE)
    again = await call(f"/postings/{made}/reversal", {"reason": "wrong person"}, "r", role=Role.FINANCE)
    assert (undone.status_code, again.json()) == (201, undone.json())
    twice = await call(f"/postings/{made}/reversal", {"reason": "wrong person"}, "r2", role=Role.FINANCE)
    assert (twice.status_code, "reversed before" in twice.json()["detail"]) == (422, True)
    assert (await ledger(call))["owed_fen"] == 0


async def test_another_branch_and_an_unknown_number_do_not_exist(world: tuple[Parts, Call]) -> None:
    parts, call = world
    add_shanghai(parts)
    made = (await call(POSTINGS, LOAN, role=Role.FINANCE)).json()["posting"]
    case_id = leaving(parts, date(2026, 3, 10))
    confirm = f"/departures/{case_id}/balances-confirmed"
    answers = [
        await call(LEDGER, role=Role.FINANCE, branch="上海"),
        await call(POSTINGS, LOAN, role=Role.FINANCE, branch="上海"),
        await call(f"/postings/{made}/reversal", {"reason": "x"}, role=Role.FINANCE, branch="上海"),
        await call(confirm, {"loan": 800_00}, role=Role.FINANCE, branch="上海"),
        await call("/employees/E9999/ledger", role=Role.FINANCE),
    ]
    assert [answer.status_code for answer in answers] == [404] * 5
    assert (await call("/ledger/ageing", role=Role.FINANCE, branch="上海")).json()["debts"] == []


async def test_finance_confirms_what_the_ledger_holds_and_nothing_else(world: tuple[Parts, Call]) -> None:
    parts, call = world
    await call(POSTINGS, LOAN, role=Role.FINANCE)
    case_id = leaving(parts, date(2026, 3, 10))
    path = f"/departures/{case_id}/balances-confirmed"
    differs = await call(path, {"loan": 700_00}, "c1", role=Role.FINANCE)
    assert (differs.status_code, differs.json()["field"]) == (422, "loan")
    assert "finance sees ¥700.00, the ledger holds ¥800.00" in differs.json()["detail"]
    missing = await call(path, {}, "c2", role=Role.FINANCE)
    assert missing.status_code == 422
    with parts.database.reading() as session:
        assert session.get_one(Departure, case_id).finance_confirmed_at is None
    right = await call(path, {"loan": 800_00}, "c3", role=Role.FINANCE)
    assert (right.status_code, right.json()["says"]) == (201, "in effect")
    with parts.database.reading() as session:
        assert session.get_one(Departure, case_id).finance_confirmed_at == NOW
        (event,) = parts.evidence.chain(session, case_id)[0]
    assert event.kind == "ledger.confirmed"
    assert "80000" not in str(event.body)
    other = await call(path, {"loan": 1}, "c3", role=Role.FINANCE)
    assert other.status_code == 409


PLAN = {
    "total_fen": 800_00,
    "agreed_on": "2026-03-09",
    "instalments": [
        {"due_on": "2026-04-01", "amount_fen": 500_00},
        {"due_on": "2026-05-01", "amount_fen": 300_00},
    ],
}


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"total_fen": 700_00}, "total_fen", "add up to ¥800.00"),
        ({"agreed_on": "2026-03-11"}, "agreed_on", "lies ahead"),
        ({"instalments": [{"due_on": "2026-03-09", "amount_fen": 800_00}]}, "instalments", "is over"),
        (
            {
                "instalments": [
                    {"due_on": "2026-05-01", "amount_fen": 1},
                    {"due_on": "2026-05-01", "amount_fen": 2},
                ]
            },
            "instalments",
            "due after the one before",
        ),
        ({"instalments": [{"due_on": "2026-05-01", "amount_fen": 0}]}, "instalments", "above 0"),
        (
            {"total_fen": 800_01, "instalments": [{"due_on": "2026-05-01", "amount_fen": 800_01}]},
            "total_fen",
            "more than the ¥800.00 that is owed",
        ),
        ({"document": "0" * 26}, "document", "no such document"),
    ],
)
async def test_a_plan_that_does_not_hold_is_refused(
    world: tuple[Parts, Call], change: dict[str, Any], field: str, words: str
) -> None:
    parts, call = world
    await call(POSTINGS, LOAN, role=Role.FINANCE)
    path = f"/departures/{leaving(parts, date(2026, 3, 10))}/repayment-plan"
    answer = await call(path, {**PLAN, **change}, "p", role=Role.FINANCE)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert words in answer.json()["detail"]


async def test_a_new_plan_takes_the_place_of_the_one_before(world: tuple[Parts, Call]) -> None:
    parts, call = world
    await call(POSTINGS, LOAN, role=Role.FINANCE)
    case_id = leaving(parts, date(2026, 3, 10))
    path = f"/departures/{case_id}/repayment-plan"
    assert (await call(path, PLAN, "p1", role=Role.FINANCE)).status_code == 201
    half = {**PLAN, "total_fen": 500_00, "instalments": PLAN["instalments"][:1]}  # type: ignore[index]
    assert (await call(path, half, "p2", role=Role.FINANCE)).status_code == 201
    found = parts.balances.view(case_id, Scope())
    assert found is not None
    assert found.plan is not None
    assert (found.plan.total_fen, len(found.plan.instalments)) == (500_00, 1)


async def test_the_gate_waits_for_the_signed_paper_of_a_plan_and_the_same_plan_brings_it(
    world: tuple[Parts, Call],
) -> None:
    parts, call = world
    await call(POSTINGS, LOAN, role=Role.FINANCE)
    case_id = leaving(parts, date(2026, 3, 10))
    path = f"/departures/{case_id}/repayment-plan"
    assert (await call(path, PLAN, "p1", role=Role.FINANCE)).status_code == 201

    async def reasons() -> dict[str, Any]:
        told = (await call(f"/departures/{case_id}/gate", role=Role.FINANCE)).json()["reasons"]
        return {one["code"]: one for one in told}

    shut = await reasons()
    assert shut["loan"]["amount_fen"] == 800_00
    assert shut["plan_unsigned"]["waits_for"] == "finance"
    assert shut["plan_unsigned"]["text"] == {
        "zh-CN": "还款协议缺少签字件",
        "en": "the repayment plan waits for its signed paper",
    }
    with parts.database.transaction() as session:
        paper = Document(
            id=new_id(),
            case_id=case_id,
            sha256="0" * 64,
            media_type="application/pdf",
            size=1,
            kind="file",
            created_at=NOW,
        )
        document = paper.id
        session.add(paper)
    assert (await call(path, {**PLAN, "document": document}, "p1", role=Role.FINANCE)).status_code == 409
    assert (await call(path, {**PLAN, "document": document}, "p2", role=Role.FINANCE)).status_code == 201
    assert not {"loan", "plan_unsigned"} & set(await reasons())
    found = parts.balances.view(case_id, Scope())
    assert found is not None
    assert found.plan is not None
    assert found.plan.document_id == document


async def test_one_person_waives_up_to_the_limit_over_all_waivers(world: tuple[Parts, Call]) -> None:
    parts, call = world
    await call(POSTINGS, LOAN, role=Role.FINANCE)
    path = f"/departures/{leaving(parts, date(2026, 3, 10))}/waiver"
    waiver = {"account": "loan", "amount_fen": 300_00, "reason": "not worth a claim"}
    assert (await call(path, waiver, "w1", role=Role.FINANCE)).status_code == 201
    assert (await call(path, waiver, "w1", role=Role.FINANCE)).status_code == 201
    assert (await ledger(call))["balances"]["loan"] == 500_00
    beyond = await call(path, waiver, "w2", role=Role.FINANCE)
    assert (beyond.status_code, beyond.json()["field"]) == (422, "amount_fen")
    assert "one person may give up ¥500.00" in beyond.json()["detail"]
    more = await call(path, {**waiver, "amount_fen": 500_01}, "w3", role=Role.FINANCE)
    assert "only ¥500.00 is owed" in more.json()["detail"]
    assert (await call(path, {**waiver, "amount_fen": 200_00}, "w4", role=Role.FINANCE)).status_code == 201
    assert (await ledger(call))["balances"]["loan"] == 300_00
