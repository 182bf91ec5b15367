"""What equipment costs that does not come back, or comes back broken: claimed once, undone once."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from countersign.adapters.database.ledger_desk import HandPosting
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Account, Alarm, Case, Departure, ExitOverride, Posting
from countersign.contracts.cases import Role
from countersign.contracts.departures import DepartureOrder
from countersign.domain.departure import Condition, Track
from countersign.domain.evidence import EventKind
from countersign.domain.handover import Side, Verdict
from countersign.domain.ledger import AccountKind, PostingKind, Voucher, booking
from countersign.ids import new_id
from tests.adapters.database.test_handover_book import LAST_DAY, Handing, refused
from tests.support.company import NUMBER
from tests.support.leaving import employment_id

VALUE = 8_000_00
AFTER = datetime(2026, 4, 2, 2, 0, tzinfo=UTC)
BEFORE = datetime(2026, 3, 20, 2, 0, tzinfo=UTC)
EQUIPMENT = AccountKind.EQUIPMENT


class Money(Handing):
    """A handover, and what the ledger holds of it."""

    def holds_laptop(self, reference: str = "PC1", value_fen: int | None = VALUE, **more: Any) -> None:
        self.holds(Track.EQUIPMENT, reference, value_fen=value_fen, **more)

    def freezes(self) -> None:
        self.now = AFTER
        with self.parts.database.transaction() as session:
            departure = session.get_one(Departure, self.departure_id)
            departure.ended_on = LAST_DAY
            statutory = departure.statutory_case_id
        self.parts.duty_book.freeze(DepartureOrder(statutory, self.now))

    def takes_back(self, condition: Condition, *references: str, **more: Any) -> None:
        self.book.accept(self.administration(*(references or ("PC1",)), words="见记录", **more), condition)

    def gives_back(self, condition: Condition) -> None:
        self.book.hand_over(self.leaver("PC1"))
        self.takes_back(condition)

    def balance(self) -> int:
        with self.parts.database.reading() as session:
            return self.parts.ledger.balances(session, employment_id(self.parts))[EQUIPMENT]

    def postings(self) -> list[str]:
        """Return the keys of all postings, with ids and workflow ids shortened."""
        with self.parts.database.reading() as session:
            keys = session.exec(select(Posting.key).order_by(col(Posting.id))).all()
        owner = employment_id(self.parts)
        named = {self.item(one).id: one for one in self.states()}
        return [
            "/".join(named.get(part, part) for part in key.replace(f"/{owner}", "").split("/"))
            for key in keys
        ]

    def book_by_hand(self, kind: PostingKind, fen: int, on: date = date(2026, 4, 2)) -> None:
        voucher = Voucher(new_id(), employment_id(self.parts), on, "test")
        wanted = booking(kind, voucher, fen, EQUIPMENT)
        self.parts.database.write(lambda session: self.parts.ledger.book(session, wanted))

    def alarms(self) -> list[str]:
        with self.parts.database.reading() as session:
            return list(session.exec(select(Alarm.kind)))

    def told(self, kind: EventKind) -> list[dict[str, Any]]:
        with self.parts.database.reading() as session:
            found, _ = self.parts.evidence.chain(session, self.departure_id)
            return [dict(event.body) for event in found if event.kind == kind.value]

    def owes(self) -> bool:
        view = self.parts.gate_book.why(self.departure_id)
        assert view is not None
        return "equipment_owed" in view.gate.codes

    def charges(self, fen: int, reference: str = "PC1", key: str = "form") -> str | None:
        wanted = HandPosting(PostingKind.EQUIPMENT, fen, self.now.date(), item=self.item(reference).id)
        return self.parts.ledger_desk.post(Scope(), NUMBER, wanted, key, "test")


@pytest.fixture
def m(tmp_path: Path) -> Money:
    made = Money(tmp_path / "data")
    made.now = BEFORE
    return made


# -- it comes back ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("condition", [Condition.UNDAMAGED, Condition.WORN])
def test_what_was_frozen_and_comes_back_is_owed_no_longer(m: Money, condition: Condition) -> None:
    m.holds_laptop()
    m.freezes()
    assert (m.balance(), m.owes()) == (VALUE, True)
    m.takes_back(condition)
    assert (m.balance(), m.owes(), m.alarms()) == (0, False, [])
    assert m.postings() == ["statutory/freeze/PC1", "statutory/freeze/PC1/returned"]
    (event,) = m.told(EventKind.LEDGER_REVERSED)
    assert (event["because"], event["item"]) == ("returned", m.item("PC1").id)
    m.book.hand_over(m.leaver("PC1"))
    assert m.states() == {"PC1": "accepted"}
    assert len(m.postings()) == 2


def test_the_same_act_again_reverses_nothing_again(m: Money) -> None:
    m.holds_laptop()
    m.freezes()
    m.takes_back(Condition.WORN, id="once")
    m.takes_back(Condition.WORN, id="once")
    assert m.postings() == ["statutory/freeze/PC1", "statutory/freeze/PC1/returned"]


def test_a_refused_act_leaves_the_books_as_they_were(m: Money) -> None:
    m.holds_laptop()
    m.holds_laptop("PC2")
    m.freezes()
    m.book.dispute(m.leaver("PC2", words="不是我的"))
    assert refused(lambda: m.takes_back(Condition.WORN, "PC1", "PC2")).field == "items"
    assert (m.balance(), len(m.postings())) == (2 * VALUE, 2)


@pytest.mark.parametrize("kind", [PostingKind.REPAYMENT, PostingKind.DEDUCTION, PostingKind.WRITE_OFF])
@pytest.mark.parametrize("fen", [VALUE, 1])
def test_what_was_paid_meanwhile_is_for_finance_to_decide(m: Money, kind: PostingKind, fen: int) -> None:
    m.holds_laptop()
    m.freezes()
    m.book_by_hand(kind, fen)
    m.takes_back(Condition.UNDAMAGED)
    assert m.item("PC1").accepted_at is not None
    assert (m.balance(), m.owes()) == (VALUE - fen, fen != VALUE)
    assert m.alarms() == ["equipment_paid_before"]
    assert m.told(EventKind.LEDGER_REVERSED) == []
    (shown,) = m.board().items[Track.EQUIPMENT]
    assert shown.claim is not None
    assert (shown.claim_stands, shown.claim.covered_fen) == (True, fen)


def test_a_payment_that_bounced_covers_nothing(m: Money) -> None:
    m.holds_laptop()
    m.freezes()
    m.book_by_hand(PostingKind.REPAYMENT, 500_00)
    with m.parts.database.reading() as session:
        paid = session.exec(select(Posting.id).where(Posting.kind == "repayment")).one()
    m.parts.database.write(lambda session: m.parts.ledger.reverse(session, paid, "bounced", "test"))
    m.takes_back(Condition.UNDAMAGED)
    assert (m.balance(), m.alarms()) == (0, [])


def test_a_payment_goes_to_the_oldest_debt_and_leaves_the_others_to_be_reversed(m: Money) -> None:
    m.book_by_hand(PostingKind.EQUIPMENT, 700_00, BEFORE.date())
    m.holds_laptop()
    m.freezes()
    m.book_by_hand(PostingKind.REPAYMENT, 700_00)
    m.takes_back(Condition.UNDAMAGED)
    assert (m.balance(), m.alarms()) == (0, [])


def test_of_two_items_the_one_that_a_payment_covers_is_left_to_finance_whatever_else_is_owed(
    m: Money,
) -> None:
    m.holds_laptop()
    m.holds_laptop("PC2")
    m.freezes()
    m.book_by_hand(PostingKind.REPAYMENT, 1_000_00)
    m.takes_back(Condition.UNDAMAGED, "PC1", "PC2")
    assert m.postings()[0::3] == ["statutory/freeze/PC1", "statutory/freeze/PC2/returned"]
    assert (m.balance(), m.alarms()) == (VALUE - 1_000_00, ["equipment_paid_before"])


def test_what_nobody_had_claimed_costs_nothing(m: Money) -> None:
    m.holds_laptop()
    m.gives_back(Condition.UNDAMAGED)
    assert (m.postings(), m.alarms()) == ([], [])


# -- it is missing ----------------------------------------------------------------------------------------


def test_what_is_missing_is_owed_at_once(m: Money) -> None:
    m.holds_laptop()
    m.gives_back(Condition.MISSING)
    assert (m.balance(), m.owes()) == (VALUE, True)
    assert m.postings() == ["offboarding/missing/PC1"]
    (event,) = m.told(EventKind.LEDGER_POSTED)
    assert event["item"] == m.item("PC1").id
    assert event["booked_on"] == "2026-03-20"


def test_what_is_missing_and_was_frozen_is_owed_once(m: Money) -> None:
    m.holds_laptop()
    m.freezes()
    m.takes_back(Condition.MISSING)
    assert (m.postings(), m.balance()) == (["statutory/freeze/PC1"], VALUE)


def test_what_was_handed_over_at_the_last_day_and_is_found_missing_later_is_owed_then(m: Money) -> None:
    m.holds_laptop()
    m.book.hand_over(m.leaver("PC1"))
    m.freezes()
    assert m.postings() == []
    m.takes_back(Condition.MISSING)
    assert m.postings() == ["offboarding/missing/PC1"]


def test_what_has_no_value_and_what_is_no_equipment_is_not_claimed(m: Money) -> None:
    m.holds_laptop("PC1", None)
    m.gives_back(Condition.MISSING)
    assert m.postings() == []


def test_a_finding_that_is_disputed_stays_claimed_and_is_not_claimed_twice(m: Money) -> None:
    m.holds_laptop()
    m.gives_back(Condition.MISSING)
    m.book.dispute(m.leaver("PC1", words="已交给前台"))
    m.book.settle_dispute(m.hr("PC1", words="再找"), Verdict.OPEN)
    m.freezes()
    assert (m.postings(), m.balance()) == (["offboarding/missing/PC1"], VALUE)
    with m.parts.database.reading() as session:
        frozen = {row.what: row.amount_fen for row in session.exec(select(ExitOverride))}
    assert frozen == {"equipment": VALUE}
    m.takes_back(Condition.UNDAMAGED)
    assert m.postings()[1:] == ["offboarding/missing/PC1/returned"]
    assert m.balance() == 0


def test_what_came_back_and_is_missing_after_all_is_claimed_under_a_key_of_its_own(m: Money) -> None:
    m.holds_laptop()
    for _ in range(2):
        m.gives_back(Condition.MISSING)
        m.book.dispute(m.leaver("PC1", words="已交给前台"))
        m.book.settle_dispute(m.hr("PC1", words="找到了"), Verdict.NOT_APPLICABLE, "account:two")
        with m.parts.database.transaction() as session:
            item = m.item("PC1")
            session.add(item)
            item.state, item.handed_over_at, item.accepted_at, item.condition = "open", None, None, None
    assert m.postings() == [
        "offboarding/missing/PC1",
        "offboarding/missing/PC1/given_up",
        "offboarding/missing/PC1/2",
        "offboarding/missing/PC1/2/given_up",
    ]
    assert m.balance() == 0


# -- it is given up ---------------------------------------------------------------------------------------


def test_to_give_up_what_is_claimed_reverses_it_with_the_reason_and_both_names(m: Money) -> None:
    m.holds_laptop()
    second = new_id()
    with m.parts.database.transaction() as session:
        session.add(
            Account(
                id=second,
                name="复核甲",
                login="second",
                role=Role.HR.value,
                created_by="test",
                created_at=m.now,
            )
        )
    m.freezes()
    act = m.hr("PC1", words="已折旧完毕")
    assert refused(lambda: m.book.not_applicable(act)).field == "approved_by"
    assert m.balance() == VALUE
    m.book.not_applicable(act, f"account:{second}")
    assert (m.balance(), m.owes()) == (0, False)
    assert m.postings()[1:] == ["statutory/freeze/PC1/given_up"]
    (event,) = m.told(EventKind.LEDGER_REVERSED)
    assert (event["because"], event["approved_by"]["id"]) == ("given_up", f"account:{second}")
    assert "已折旧完毕" in m.disclosed(m.departure_id)
    assert "复核甲" in m.disclosed(m.departure_id)


def test_one_person_alone_gives_no_claimed_value_up_even_of_what_is_not_mandatory(m: Money) -> None:
    m.holds_laptop()
    with m.parts.database.transaction() as session:
        item = m.item("PC1")
        session.add(item)
        item.mandatory = False
    m.freezes()
    why = refused(lambda: m.book.not_applicable(m.hr("PC1", words="算了")))
    assert why.field == "approved_by"
    assert "PC1 is claimed" in str(why)


# -- it is damaged ----------------------------------------------------------------------------------------


def test_from_damage_nothing_is_owed_by_itself(m: Money) -> None:
    m.holds_laptop()
    m.gives_back(Condition.DAMAGED)
    assert (m.postings(), m.owes()) == ([], False)
    (shown,) = m.board().items[Track.EQUIPMENT]
    assert (shown.claim, shown.finance_decides) == (None, True)


def test_what_was_frozen_and_comes_back_damaged_stays_claimed_until_finance_decides(m: Money) -> None:
    m.holds_laptop()
    m.freezes()
    m.takes_back(Condition.DAMAGED)
    assert (m.balance(), m.alarms()) == (VALUE, [])
    (shown,) = m.board().items[Track.EQUIPMENT]
    assert shown.finance_decides
    assert shown.claim is not None
    why = refused(lambda: m.charges(100_00))
    assert "¥8,000.00 is claimed for this item already" in str(why)


def test_finance_charges_damage_up_to_the_value_and_once(m: Money) -> None:
    m.holds_laptop()
    m.gives_back(Condition.DAMAGED)
    why = refused(lambda: m.charges(VALUE + 1))
    assert (why.field, "¥8,000.00" in str(why)) == ("amount_fen", True)
    first = m.charges(1_200_00)
    assert m.charges(1_200_00) == first
    assert "reverse that posting first" in str(refused(lambda: m.charges(300_00, key="another")))
    assert (m.balance(), m.postings()) == (1_200_00, ["offboarding/damaged/PC1"])
    (shown,) = m.board().items[Track.EQUIPMENT]
    assert (shown.claim and shown.claim.amount_fen, shown.finance_decides) == (1_200_00, False)


@pytest.mark.parametrize("condition", [Condition.UNDAMAGED, Condition.MISSING])
def test_what_is_not_damaged_is_not_charged_as_damage(m: Money, condition: Condition) -> None:
    m.holds_laptop()
    m.gives_back(condition)
    assert refused(lambda: m.charges(1_00)).field == "item"


def test_an_item_of_somebody_else_or_of_another_kind_of_posting_is_refused(m: Money) -> None:
    m.holds_laptop()
    m.gives_back(Condition.DAMAGED)
    wanted = HandPosting(PostingKind.EQUIPMENT, 1_00, m.now.date(), item=m.item("PC1").id)
    assert m.parts.ledger_desk.post(Scope(), "E2001", wanted, "k", "test") is None
    m.holds(Track.DOCUMENTS, "D1", to="E2001")
    assert refused(lambda: m.charges(1_00, "D1")).field == "item"
    loan = HandPosting(PostingKind.LOAN, 1_00, m.now.date(), item=m.item("PC1").id)
    assert refused(lambda: m.parts.ledger_desk.post(Scope(), NUMBER, loan, "k", "test")).field == "kind"


# -- the departure is withdrawn ---------------------------------------------------------------------------


def _withdraw(m: Money) -> None:
    from countersign.adapters.database.acts import NewAct
    from countersign.contracts.cases import ActKind

    with m.parts.database.transaction() as session:
        session.get_one(Case, m.departure_id).stage = "before_last_day"
    act = NewAct(
        id=new_id(),
        case_id=m.departure_id,
        kind=ActKind.WITHDRAWN,
        role=Role.HR,
        actor="token:hr",
        words={"reason": "员工留任"},
    )
    m.parts.booked_acts.take(act, m.parts.departures.withdraw_effect)


def test_a_withdrawal_takes_back_what_is_claimed_and_leaves_what_was_taken_back_before(m: Money) -> None:
    m.holds_laptop()
    m.holds_laptop("PC2")
    m.gives_back(Condition.MISSING)
    m.book.hand_over(m.leaver("PC2"))
    m.takes_back(Condition.MISSING, "PC2")
    m.book.dispute(m.leaver("PC2", words="在库房"))
    m.book.settle_dispute(m.hr("PC2", words="找到了"), Verdict.HANDED_OVER)
    m.takes_back(Condition.WORN, "PC2")
    assert m.balance() == VALUE
    _withdraw(m)
    assert m.balance() == 0
    assert sorted(m.postings()) == [
        "offboarding/missing/PC1",
        "offboarding/missing/PC1/withdrawn",
        "offboarding/missing/PC2",
        "offboarding/missing/PC2/returned",
    ]


def test_a_withdrawal_leaves_what_was_paid_for_lost_equipment(m: Money) -> None:
    m.holds_laptop()
    m.gives_back(Condition.MISSING)
    m.book_by_hand(PostingKind.REPAYMENT, VALUE, BEFORE.date())
    _withdraw(m)
    assert (m.balance(), m.alarms()) == (0, ["equipment_paid_before"])
    assert m.postings()[0] == "offboarding/missing/PC1"
    assert len(m.postings()) == 2


def test_the_company_settles_a_dispute_as_given_up(m: Money) -> None:
    m.holds_laptop()
    m.freezes()
    m.book.dispute(m.leaver("PC1", words="没有领过"))
    act = m.hr("PC1", words="领用记录有误", side=Side.COMPANY)
    m.book.settle_dispute(act, Verdict.NOT_APPLICABLE, "account:two")
    assert (m.balance(), m.postings()[1:]) == (0, ["statutory/freeze/PC1/given_up"])
