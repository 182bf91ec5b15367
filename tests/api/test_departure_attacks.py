"""Departures under attack: races, days that move while something ends, amounts that no form sends."""

import dataclasses
import threading
import time
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
from countersign.adapters.database.departures import DepartureWish
from countersign.adapters.database.handover_book import HandoverAct
from countersign.adapters.database.settlements import Drafter
from countersign.adapters.database.tables import (
    ActRow,
    Case,
    Departure,
    Employment,
    HandoverItem,
    ItemConfirmation,
    Link,
    Person,
    Posting,
    RepaymentPlan,
    Settlement,
)
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
from tests.support.company import NUMBER, add_colleague, company
from tests.support.ending import LAST, End
from tests.support.handing import handing_over, link_to
from tests.support.leaving import employment_id, leaving

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


def rows(parts: Parts, table: Any) -> list[Any]:
    with parts.database.reading() as session:
        return list(session.exec(select(table)))


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
    assert len(rows(parts, Departure)) == 1
    assert len([one for one in rows(parts, Case) if one.kind == "offboarding"]) == 1


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
    assert [one.ended_at is None for one in rows(parts, RepaymentPlan)].count(True) == 1


def test_one_posting_is_reversed_once_by_two_at_once(parts: Parts) -> None:
    leaving(parts, LAST)
    lends(parts, 800_00)
    (posting,) = rows(parts, Posting)
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
    assert [one.state for one in rows(parts, Settlement)] == ["confirmed"]
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
    (departure,) = rows(end.parts, Departure)
    (employment,) = [one for one in rows(end.parts, Employment) if one.id == departure.employment_id]
    assert (departure.withdrawn_at is None) == (departure.ended_on is not None), found
    assert (employment.state == "ended") == (departure.ended_on is not None)
    assert len(rows(end.parts, ActRow)) == (1 if departure.withdrawn_at else 0)


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
    assert rows(end.parts, Employment)[0].state == "active"
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
    assert rows(parts, Departure)[0].closed_at is None
    with parts.database.transaction() as session:
        session.get_one(HandoverItem, held).state = "accepted"
    assert parts.departure_books.close(order) is True
    assert rows(parts, Departure)[0].closed_at is not None
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
    assert rows(parts, Settlement) == []


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
    assert rows(parts, Settlement) == []


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
    leaver = rows(parts, Departure)[0].person_id
    link_to(parts, "leaver", case, leaver, "请交接")
    link_to(parts, "receiver", share, receiver, "请接收")
    item = rows(parts, HandoverItem)[0].id
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
        before = (rows(parts, ActRow), rows(parts, ItemConfirmation))
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
    assert (rows(parts, ActRow), rows(parts, ItemConfirmation)) == before


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
    mine = [one.id for one in rows(parts, HandoverItem) if one.track == "customers"]
    with parts.database.transaction() as session:
        for one in mine:
            item = session.get_one(HandoverItem, one)
            item.state, item.handed_over_at = "handed_over", NOW
    with pytest.raises(Refusal):
        book.accept(dataclasses.replace(act("g", Speaker.DELEGATE, first), items=tuple(mine)))
    assert book.accept(dataclasses.replace(act("h", Speaker.DELEGATE, second), items=tuple(mine)))
    assert {one.acting_for is not None for one in rows(parts, ItemConfirmation)} == {True}
