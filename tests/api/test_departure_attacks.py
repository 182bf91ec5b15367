"""Departures under attack: races, days that move while something ends, amounts that no form sends."""

import csv
import dataclasses
import io
import threading
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select
from starlette.testclient import TestClient

from api.app import create_app
from countersign.adapters.database.acts import NewAct
from countersign.adapters.database.balances import By
from countersign.adapters.database.checklists import ListedTask
from countersign.adapters.database.departures import DepartureWish
from countersign.adapters.database.handover_book import HandoverAct
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.settlements import Drafter
from countersign.adapters.database.tables import (
    ActRow,
    Case,
    Departure,
    Document,
    Duty,
    Employment,
    ExitOverride,
    HandoverItem,
    ItemConfirmation,
    Link,
    Person,
    Posting,
    RepaymentPlan,
    Revocation,
    Settlement,
)
from countersign.adapters.database.tokens import Tokens
from countersign.adapters.list_files import csv_file
from countersign.adapters.paper import Unprintable
from countersign.bootstrap import Parts
from countersign.contracts.cases import ActKind, Role
from countersign.contracts.departures import DepartureOrder
from countersign.domain.departure import DepartureKind, DutyKind, DutyState
from countersign.domain.handover import Side, Speaker
from countersign.domain.ledger import AccountKind, PostingKind, Voucher, booking, loan
from countersign.domain.refusal import Refusal
from countersign.domain.repayment import Instalment
from countersign.ids import new_id
from tests.adapters.test_paper import text_of
from tests.support.company import NUMBER, add_colleague, all_of, company, unreached
from tests.support.ending import LAST, End
from tests.support.handing import handing_over, link_to
from tests.support.leaving import employment_id, leaving
from tests.support.staff import staff

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
HR = {"role": "hr", "id": "token:hr"}
FINANCE = Drafter(Role.FINANCE, "token:finance", {"role": "finance", "id": "token:finance"})


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return company(tmp_path, lambda: NOW)


def at_once(*doings: Callable[[], object]) -> list[object]:
    """Do several things in threads at the same moment; return what each gave, or what it raised."""
    start = threading.Barrier(len(doings))
    found: list[Any] = [None] * len(doings)

    def run(place: int, do: Callable[[], object]) -> None:
        start.wait()
        try:
            found[place] = do()
        except Exception as fault:
            found[place] = fault

    threads = [threading.Thread(target=run, args=one) for one in enumerate(doings)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


def lends(parts: Parts, fen: int) -> None:
    voucher = Voucher("loan", employment_id(parts), NOW.date(), "token:finance")
    parts.database.write(lambda session: parts.ledger.book(session, loan(voucher, fen)))


def owed(parts: Parts) -> int:
    with parts.database.reading() as session:
        return parts.ledger.balances(session, employment_id(parts))[AccountKind.LOAN]


def by(name: str, case: str) -> By:
    return By(name * 8, case, Role.FINANCE, "token:finance")


# -- at once ----------------------------------------------------------------------------------------------


def test_two_officers_start_one_departure(parts: Parts) -> None:
    add_colleague(parts, "E2001")
    wish = DepartureWish(NUMBER, DepartureKind.RESIGNATION, date(2026, 4, 15), NOW.date(), successor="E2001")
    made = at_once(*[lambda: parts.departures.start(wish, HR)] * 4)
    assert len({one.case_id for one in made}) == 1  # type: ignore[attr-defined]
    assert sorted(one.existing for one in made) == [False, True, True, True]  # type: ignore[attr-defined]
    assert len(all_of(parts, Departure)) == 1
    assert len([one for one in all_of(parts, Case) if one.kind == "offboarding"]) == 1


def test_a_debt_is_given_up_and_paid_back_at_once_and_never_twice(parts: Parts) -> None:
    case = leaving(parts, LAST)
    lends(parts, 800_00)

    def pays(key: str) -> str:
        voucher = Voucher(key, employment_id(parts), NOW.date(), "token:finance")
        paid = booking(PostingKind.REPAYMENT, voucher, 800_00, AccountKind.LOAN)
        return parts.database.write(lambda session: parts.ledger.book(session, paid))

    found = at_once(
        lambda: parts.balances.waive(by("w", case), AccountKind.LOAN, 800_00, "照顾"),
        lambda: pays("one"),
        lambda: pays("two"),
        lambda: parts.balances.waive(by("v", case), AccountKind.LOAN, 800_00, "照顾"),
    )
    assert [isinstance(one, Refusal) for one in found].count(False) == 1, found
    assert owed(parts) == 0


def test_two_plans_at_once_leave_one_in_force(parts: Parts) -> None:
    case = leaving(parts, LAST)
    lends(parts, 800_00)

    def plan(name: str) -> object:
        parts_of_it = [Instalment(date(2026, 6, 1), 800_00)]
        return parts.balances.agree_plan(by(name, case), 800_00, parts_of_it, NOW.date())

    at_once(*[lambda name=name: plan(name) for name in "abcd"])
    assert [one.ended_at is None for one in all_of(parts, RepaymentPlan)].count(True) == 1


def test_one_posting_is_reversed_once_by_two_at_once(parts: Parts) -> None:
    leaving(parts, LAST)
    lends(parts, 800_00)
    (posting,) = all_of(parts, Posting)
    undo = parts.ledger.reverse
    found = at_once(
        *[
            lambda key=key: parts.database.write(lambda session: undo(session, posting.id, key, "token:f"))
            for key in ("a", "b", "c")
        ]
    )
    assert [isinstance(one, Refusal) for one in found].count(False) == 1, found
    assert owed(parts) == 0


def test_two_confirm_one_settlement_and_a_debt_that_was_paid_meanwhile_is_not_taken_again(
    parts: Parts,
) -> None:
    case = leaving(parts, LAST)
    version = parts.settlements.draft(case, {"final_wage": "8000"}, FINANCE)
    found = at_once(
        lambda: parts.settlements.confirm(case, version, "a" * 40, FINANCE),
        lambda: parts.settlements.confirm(case, version, "b" * 40, FINANCE),
    )
    assert [isinstance(one, Refusal) for one in found].count(True) == 1, found
    assert [one.state for one in all_of(parts, Settlement)] == ["confirmed"]
    lends(parts, 100_00)
    with pytest.raises(Refusal):
        parts.settlements.draft(case, {"final_wage": "8000"}, FINANCE)


def withdrawing(parts: Parts, case: str, key: str) -> object:
    new = NewAct(key * 40, case, ActKind.WITHDRAWN, Role.HR, "token:hr", {}, {"reason": "留任"})
    return parts.booked_acts.take(new, parts.departures.withdraw_effect)


def test_a_departure_is_withdrawn_once_and_not_while_it_ends(tmp_path: Path) -> None:
    end = End(tmp_path, needs_notice=False)
    end.clock.on(LAST, 18)
    found = at_once(
        lambda: withdrawing(end.parts, end.id, "a"), end.end, lambda: withdrawing(end.parts, end.id, "b")
    )
    (departure,) = all_of(end.parts, Departure)
    (employment,) = [one for one in all_of(end.parts, Employment) if one.id == departure.employment_id]
    assert (departure.withdrawn_at is None) == (departure.ended_on is not None), found
    assert (employment.state == "ended") == (departure.ended_on is not None)
    assert len(all_of(end.parts, ActRow)) == (1 if departure.withdrawn_at else 0)


# -- while it ends ----------------------------------------------------------------------------------------


def moving(end: End, on: date) -> object:
    body = {"on": on.isoformat()}
    new = NewAct(new_id(), end.id, ActKind.LAST_DAY_MOVED, Role.HR, "token:hr", body, {"reason": "协商"})
    return end.parts.booked_acts.take(new, end.parts.departures.move_last_day_effect)


def test_a_last_day_that_moved_while_the_end_was_ordered_ends_nothing_before_it(tmp_path: Path) -> None:
    end = End(tmp_path, needs_notice=False)
    end.clock.on(LAST, 18)
    moving(end, date(2026, 4, 30))
    end.end()
    assert end.standing().ended_on is None
    assert all_of(end.parts, Employment)[0].state == "active"
    end.clock.on(date(2026, 4, 30), 18)
    end.end(date(2026, 4, 30))
    assert end.standing().ended_on == date(2026, 4, 30)


@pytest.mark.parametrize("on", [date(1900, 1, 1), date(2026, 3, 1), date(9999, 12, 31), date(2031, 1, 1)])
def test_a_last_day_moves_neither_into_the_past_nor_out_of_sight(tmp_path: Path, on: date) -> None:
    end = End(tmp_path, needs_notice=False)
    with pytest.raises(Refusal, match=r"^on: "):
        moving(end, on)


def test_a_gate_that_shut_again_after_the_process_looked_keeps_the_file_open(tmp_path: Path) -> None:
    end = End(tmp_path, needs_notice=False)
    parts, order = end.parts, DepartureOrder(end.id, end.clock.now)

    def open_it(session: Session) -> None:
        departure = session.get_one(Departure, end.id)
        departure.ended_on, departure.finance_confirmed_at = date(2026, 3, 9), end.clock.now
        session.add(departure)

    parts.database.write(open_it)
    for duty in end.duties().values():
        if duty.kind == DutyKind.SOCIAL_INSURANCE:
            with parts.database.transaction() as session:
                duty.state = DutyState.DONE.value
                session.add(duty)
    assert parts.departure_books.offboarding(order).gate == ()
    held = new_id()
    with parts.database.transaction() as session:
        session.add(
            HandoverItem(
                id=held,
                departure_id=end.id,
                track="equipment",
                reference="E-9",
                title="门禁卡",
                due_on=LAST,
                listed_at=end.clock.now,
            )
        )
    assert parts.departure_books.close(order) is False
    assert all_of(parts, Departure)[0].closed_at is None
    with parts.database.transaction() as session:
        session.get_one(HandoverItem, held).state = "accepted"
    assert parts.departure_books.close(order) is True
    assert all_of(parts, Departure)[0].closed_at is not None
    assert parts.departure_books.close(order) is True


# -- amounts ----------------------------------------------------------------------------------------------

ODD: tuple[Any, ...] = (
    "NaN",
    "-NaN",
    "Infinity",
    "1e15",
    "1E400",
    "-1",
    "0x10",
    "1_000",
    "８０００",
    "8000.001",
    "9" * 5000,
    "¥8000",
    "",
    " ",
    "\u202e1",
    "8,000",
    8000,
    8000.5,
    float("nan"),
    10**40,
    True,
    None,
    [],
    {},
)


@pytest.mark.parametrize(
    "field", ["final_wage", "personal_insurance", "tax", "deduct_loan", "severance_months"]
)
def test_an_amount_that_is_none_is_refused_in_words_and_never_an_error(parts: Parts, field: str) -> None:
    case = leaving(parts, LAST)
    lends(parts, 800_00)
    told: list[str] = []
    for odd in ODD:
        wish = {"final_wage": "8000", field: odd}
        try:
            sheet = parts.settlements.preview(case, wish)
        except Refusal as refusal:
            told.append(str(refusal))
            continue
        assert 0 <= sheet.net_fen < 10**13, odd
    assert told
    assert all(len(words) < 400 for words in told)
    assert all_of(parts, Settlement) == []


@pytest.mark.parametrize("fen", [0, -1, 10**15, 10**400, True])
def test_an_amount_that_no_book_holds_is_never_booked(parts: Parts, fen: int) -> None:
    case = leaving(parts, LAST)
    lends(parts, 800_00)
    with pytest.raises(Refusal):
        parts.balances.waive(by("w", case), AccountKind.LOAN, fen, "照顾")
    lend = Voucher("other", employment_id(parts), NOW.date(), "token:finance")
    with pytest.raises(Refusal):
        parts.database.write(lambda session: parts.ledger.book(session, loan(lend, fen)))
    plan = [Instalment(date(2026, 6, 1), fen)]
    with pytest.raises(Refusal):
        parts.balances.agree_plan(by("p", case), fen, plan, NOW.date())
    assert owed(parts) == 800_00


def test_nothing_is_drafted_in_a_closed_departure(parts: Parts) -> None:
    case = leaving(parts, LAST)
    with parts.database.transaction() as session:
        session.get_one(Case, case).state = "closed"
    with pytest.raises(Refusal, match="is closed"):
        parts.settlements.draft(case, {"final_wage": "8000"}, FINANCE)
    assert all_of(parts, Settlement) == []


# -- the certificate --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"name": "\ue000\ufffe\U0001f600"},
        {"name": "\u202e张伟\u200f"},
        {"name": "张" * 3000},
        {"name": '<script>#panic()\\"$x$ @a'},
        {"post": "\U00020bb7 工程师 \U0001f9d1"},
        {"hired_on": date(9999, 12, 31)},
        {"hired_on": date(1900, 1, 1)},
    ],
)
def test_a_certificate_comes_out_or_says_why_and_waits_for_nothing(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    end = End(tmp_path, needs_notice=False)
    with end.parts.database.transaction() as session:
        departure = session.get_one(Departure, end.id)
        person = session.get_one(Person, departure.person_id)
        employment = session.get_one(Employment, departure.employment_id)
        for name, value in change.items():
            holder: Any = next((one for one in (person, employment) if hasattr(one, name)), None)
            if holder is None:
                pytest.skip(f"{name} is kept nowhere")
            setattr(holder, name, value)
            session.add(holder)
    end.clock.on(LAST, 18)
    end.end()
    begun, issued = time.monotonic(), True
    try:
        end.parts.duty_book.certify(end.order)
    except (Unprintable, ValueError):
        issued = False
    assert end.duties()["certificate"].state == ("done" if issued else "due")
    assert time.monotonic() - begun < 20


# -- links ------------------------------------------------------------------------------------------------


def test_a_link_that_is_over_shows_and_takes_nothing_on_any_address(tmp_path: Path) -> None:
    parts = company(tmp_path, lambda: NOW)
    case, share, receiver = handing_over(parts)
    leaver = all_of(parts, Departure)[0].person_id
    link_to(parts, "leaver", case, leaver, "请交接")
    link_to(parts, "receiver", share, receiver, "请接收")
    item = all_of(parts, HandoverItem)[0].id
    with TestClient(create_app(parts, dispatch=False), base_url="http://test") as client:

        def tried(side: str) -> set[int]:
            code = parts.link_keys.code(f"link-{side}")
            form = {"nonce": "0" * 32, "everything": "yes", "seen": "0" * 16, "about": "never"}
            paths = ("", "/items", f"/items/{item}", "/notice", f"/documents/{new_id()}")
            got = {client.get(f"/n/{code}{path}", follow_redirects=False).status_code for path in paths}
            return got | {client.post(f"/n/{code}{path}", data=form).status_code for path in paths[1:3]}

        # The link is good, the form is of nobody's making: nothing is said with it.
        assert {409} <= tried("leaver")
        # The receiver finds nothing of the leaver's under their own link.
        assert 404 in tried("receiver")
        before = (all_of(parts, ActRow), all_of(parts, ItemConfirmation))
        with parts.database.transaction() as session:
            session.get_one(Link, "link-leaver").expires_at = NOW - timedelta(days=1)
            session.get_one(Link, "link-receiver").revoked_at = NOW
        for side in ("leaver", "receiver"):
            for status in tried(side):
                assert status in {303, 307, 404, 410, 429}, side
        texts = "".join(
            client.get(f"/n/{parts.link_keys.code(f'link-{side}')}").text for side in ("leaver", "receiver")
        )
        assert "标题" not in texts
    assert (all_of(parts, ActRow), all_of(parts, ItemConfirmation)) == before


# -- delegates --------------------------------------------------------------------------------------------


def test_a_delegate_of_a_delegate_confirms_nothing_for_the_first(tmp_path: Path) -> None:
    parts = company(tmp_path, lambda: NOW)
    case, _, _ = handing_over(parts)
    first, second = add_colleague(parts, "E2001"), add_colleague(parts, "E2002")
    book, days = parts.handover_book, (NOW.date(), NOW.date() + timedelta(days=9))

    def act(name: str, speaker: Speaker, person: str | None = None) -> HandoverAct:
        side = Side.COMPANY if speaker is Speaker.COMPANY else Side.RECEIVER
        return HandoverAct(name * 40, case, speaker, side, Role.HR, person or "token:hr", person_id=person)

    book.delegate(act("a", Speaker.COMPANY), "E2000", "E2001", *days)
    with pytest.raises(Refusal):
        book.delegate(act("b", Speaker.COMPANY), "E2001", "E2002", *days)
    with pytest.raises(Refusal, match="person who leaves"):
        book.delegate(act("c", Speaker.COMPANY), "E2000", NUMBER, *days)
    with pytest.raises(Refusal):
        book.delegate(act("d", Speaker.COMPANY), "E2000", "E2000", *days)
    with pytest.raises(Refusal):
        book.accept(act("e", Speaker.DELEGATE, second))
    # An appointment that overlaps ends the one before.
    book.delegate(act("f", Speaker.COMPANY), "E2000", "E2002", *days)
    mine = [one.id for one in all_of(parts, HandoverItem) if one.track == "customers"]
    with parts.database.transaction() as session:
        for one in mine:
            item = session.get_one(HandoverItem, one)
            item.state, item.handed_over_at = "handed_over", NOW
    with pytest.raises(Refusal):
        book.accept(dataclasses.replace(act("g", Speaker.DELEGATE, first), items=tuple(mine)))
    assert book.accept(dataclasses.replace(act("h", Speaker.DELEGATE, second), items=tuple(mine)))
    assert {one.acting_for is not None for one in all_of(parts, ItemConfirmation)} == {True}


def test_a_last_day_moves_or_the_employment_ends_and_what_was_frozen_fits(tmp_path: Path) -> None:
    end = End(tmp_path, needs_notice=False)
    with end.parts.database.transaction() as session:
        held: dict[str, Any] = {"reference": "E-9", "title": "电脑", "value_fen": 800_00, "due_on": LAST}
        session.add(
            HandoverItem(id=new_id(), departure_id=end.id, track="equipment", listed_at=end.clock.now, **held)
        )
    end.clock.on(LAST, 18)

    def ends() -> None:
        end.end()
        if end.standing().ended_on is not None:
            end.parts.duty_book.freeze(end.order)

    found = at_once(lambda: moving(end, date(2026, 4, 30)), ends)
    (departure,) = all_of(end.parts, Departure)
    if departure.ended_on is None:
        assert departure.last_day == date(2026, 4, 30), found
        assert all_of(end.parts, Posting) == all_of(end.parts, ExitOverride) == []
    else:
        assert (departure.ended_on, departure.last_day) == (LAST, LAST), found
        assert len(all_of(end.parts, Posting)) == len(all_of(end.parts, ExitOverride)) == 1


# -- two sides at once ------------------------------------------------------------------------------------


def test_items_are_accepted_passed_on_and_stood_in_for_at_once_and_every_row_fits(parts: Parts) -> None:
    case, _, receiver = handing_over(parts, many=20)
    delegate, other = add_colleague(parts, "E2001"), add_colleague(parts, "E2002")
    mine = tuple(one.id for one in all_of(parts, HandoverItem) if one.track != "equipment")
    with parts.database.transaction() as session:
        for one in mine:
            item = session.get_one(HandoverItem, one)
            item.state, item.handed_over_at = "handed_over", NOW
    book, days = parts.handover_book, (NOW.date(), NOW.date() + timedelta(days=9))

    def act(name: str, speaker: Speaker, person: str | None = None, items: tuple[str, ...] = mine) -> Any:
        side = Side.COMPANY if speaker is Speaker.COMPANY else Side.RECEIVER
        who = person or "token:hr"
        return HandoverAct(name * 40, case, speaker, side, Role.HR, who, person_id=person, items=items)

    found = at_once(
        lambda: book.accept(act("a", Speaker.RECEIVER, receiver)),
        lambda: book.accept(act("b", Speaker.RECEIVER, receiver)),
        lambda: book.reassign(act("c", Speaker.COMPANY), "E2002"),
        lambda: book.delegate(act("d", Speaker.COMPANY, items=()), "E2000", "E2001", *days),
        lambda: book.accept(act("e", Speaker.DELEGATE, delegate)),
    )
    assert all(not isinstance(one, Exception) or isinstance(one, Refusal) for one in found), found
    said = all_of(parts, ItemConfirmation)
    for item in (one for one in all_of(parts, HandoverItem) if one.id in mine):
        accepted = [one for one in said if one.item_id == item.id and one.what == "accepted"]
        passed = [one for one in said if one.item_id == item.id and one.what == "reassigned"]
        assert len(accepted) + len(passed) == 1, found
        assert (item.state, item.receiver_id) == (
            ("accepted", receiver) if accepted else ("handed_over", other)
        )
        assert {one.person_id for one in accepted} <= {receiver, delegate}
        assert {one.acting_for for one in accepted if one.person_id == delegate} <= {receiver}


def test_a_debt_that_is_booked_while_the_file_closes_is_seen_or_too_late(tmp_path: Path) -> None:
    end = End(tmp_path, needs_notice=False)
    parts, order = end.parts, DepartureOrder(end.id, end.clock.now)
    with parts.database.transaction() as session:
        departure = session.get_one(Departure, end.id)
        departure.ended_on, departure.finance_confirmed_at = date(2026, 3, 9), end.clock.now
        for duty in session.exec(select(Duty)):
            duty.state = DutyState.DONE.value
    found = at_once(lambda: parts.departure_books.close(order), lambda: lends(parts, 800_00))
    closed = all_of(parts, Departure)[0].closed_at is not None
    assert found[0] is closed
    # Whichever came first: a closed file with a debt is one that was closed before the debt was booked.
    assert owed(parts) == (0 if isinstance(found[1], Exception) else 800_00)
    if not closed:
        assert owed(parts) == 800_00


# -- keys that are used again ------------------------------------------------------------------------------


async def test_a_key_that_is_used_again_with_other_content_is_refused_and_keeps_the_first(
    parts: Parts,
) -> None:
    case, _, _ = handing_over(parts)
    unreached(parts)
    lends(parts, 800_00)
    add_colleague(parts, "E3000")
    add_colleague(parts, "E3001", manager_number=NUMBER)
    parts.checklists.list_tasks(case, [ListedTask("OA", "1", "待办")], HR)
    with parts.database.transaction() as session:
        departure = session.get_one(Departure, case)
        departure.needs_notice, departure.noticed_on = True, date(2026, 2, 20)
        parts.duty_book.open(session, departure)
        session.add(Revocation(id=new_id(), departure_id=case, system="OA"))

    def plan(due_on: str, agreed_on: str = "2026-03-02") -> dict[str, Any]:
        parts_of_it = [{"due_on": due_on, "amount_fen": 800_00}]
        return {"total_fen": 800_00, "instalments": parts_of_it, "agreed_on": agreed_on}

    revoked = {"systems": ["OA"], "state": "failed"}
    tried: list[tuple[str, Role, dict[str, Any], dict[str, Any]]] = [
        ("repayment-plan", Role.FINANCE, plan("2026-05-01"), plan("2029-05-01")),
        ("repayment-plan", Role.FINANCE, plan("2026-05-01"), plan("2026-05-01", "2026-03-01")),
        ("revocations", Role.HR, revoked | {"reason": "停机"}, revoked | {"reason": "忘了"}),
        ("open-tasks/moves", Role.HR, {"to": "E3000"}, {"to": "E2000"}),
        ("team", Role.HR, {"to": "E3000"}, {"to": "E2000"}),
    ]
    async with staff(parts) as call:
        for number, (path, role, first, other) in enumerate(tried):
            where, key = f"/departures/{case}/{path}", f"k{number}"
            known = await call(where, first, key, role)
            assert known.status_code in {201, 202}, known.text
            again = await call(where, first, key, role)
            assert again.json()["act"] == known.json()["act"], path
            refused = await call(where, other, key, role)
            assert (refused.status_code, refused.json().get("field")) == (409, "Idempotency-Key"), path
    headers = {
        "Authorization": f"Bearer {Tokens(parts.database, parts.clock).create(Role.HR, None)}",
        "Idempotency-Key": "k",
    }
    with TestClient(create_app(parts, dispatch=False), base_url="http://test") as client:

        def serve(on: str) -> Any:
            form = {"on": (None, on), "witness": (None, "门卫")}
            return client.post(f"/api/v1/departures/{case}/service", files=form, headers=headers)

        assert serve("2026-03-02").status_code in {201, 202}
        assert serve("2026-03-02").status_code in {201, 202}
        assert serve("2026-03-01").status_code == 409


# -- texts of other systems --------------------------------------------------------------------------------

ODD_TITLES = (
    "📁 合同\u200b（副本）",
    "\u202eevil\u2066",
    "一\t二",
    '#panic("x") $x^2$ @ref <label> `raw` #set page(width: 1pt)',
    "𠮷\u0007\uffff",
)


def test_what_another_system_calls_an_item_keeps_no_letter_nor_loss_file_from_being_printed(
    tmp_path: Path,
) -> None:
    end = End(tmp_path, needs_notice=False)
    with end.parts.database.transaction() as session:
        for number, title in enumerate(ODD_TITLES):
            held: dict[str, Any] = {"reference": f"R-{number}", "title": title, "value_fen": 100_00}
            about: dict[str, Any] = {"due_on": LAST, "listed_at": end.clock.now, "track": "equipment"}
            session.add(HandoverItem(id=new_id(), departure_id=end.id, **about, **held))
    end.clock.on(LAST, 18)
    end.end()
    end.parts.duty_book.freeze(end.order)
    assert {"demand", "agreement"} <= {one.kind for one in all_of(end.parts, Document)}
    made = end.parts.loss_files.make(Scope(), end.id, HR, "zh-CN")
    assert made is not None
    with zipfile.ZipFile(io.BytesIO(made.data)) as file:
        shown = text_of(file.read("loss-file.pdf"))
    assert "[U+1F4C1]" in shown
    assert '#panic("x")' in shown


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\n"])
def test_no_text_in_a_list_to_take_along_is_a_formula(begins: str) -> None:
    (_, (cell,)) = csv.reader(
        io.StringIO(csv_file(["x"], [[f"{begins}1+1"]]).decode("utf-8-sig"), newline="")
    )
    assert cell == f"'{begins}1+1"
