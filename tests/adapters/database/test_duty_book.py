"""The duties at an end in the database: served, ended, certified, frozen, done or failed, each once."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from countersign.adapters.database.acts import NewAct, StoredFile
from countersign.adapters.database.balances import By
from countersign.adapters.database.letters import CourierReport
from countersign.adapters.database.receipts import Receipt
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import (
    Alarm,
    Departure,
    Document,
    Duty,
    Employment,
    EventRow,
    ExitOverride,
    Outbox,
    Posting,
)
from countersign.adapters.exit_papers import Claim, print_demand
from countersign.adapters.paper import Press
from countersign.contracts.cases import ActKind, Role
from countersign.contracts.departures import Frozen
from countersign.domain.courier import CourierState
from countersign.domain.departure import DutyKind, DutyState
from countersign.domain.ledger import AccountKind, Booking, Voucher, loan, repayment
from countersign.domain.receipts import DeliveryState
from countersign.domain.refusal import Refusal
from countersign.domain.repayment import Instalment
from countersign.ids import new_id
from tests.adapters.test_paper import text_of as words_of
from tests.support.company import EMAIL, NUMBER, PHONE
from tests.support.ending import LAST, End
from tests.support.leaving import employment_id

EVERYWHERE = Scope()


@pytest.fixture
def agreed(tmp_path: Path) -> End:
    """A resignation: no notice of the employer is needed."""
    return End(tmp_path, needs_notice=False)


@pytest.fixture
def dismissed(tmp_path: Path) -> End:
    """A dismissal: it ends nothing before its notice is delivered."""
    return End(tmp_path, needs_notice=True)


def text_of(end: End, document: Document) -> str:
    return words_of(end.parts.documents.read(document.sha256))


# -- from the start ---------------------------------------------------------------------------------------


def test_the_five_duties_stand_from_the_start_with_the_days_that_the_planned_end_gives(agreed: End) -> None:
    due = {kind: duty.due_on for kind, duty in agreed.duties().items()}
    assert due == {
        "certificate": LAST,
        "wages": LAST,
        "social_insurance": date(2026, 4, 15),
        "file_transfer": date(2026, 4, 15),
        "unemployment_list": date(2026, 4, 15),
    }
    assert {duty.state for duty in agreed.duties().values()} == {"due"}


def test_nothing_is_due_while_the_notice_of_a_dismissal_is_not_delivered(dismissed: End) -> None:
    assert {duty.due_on for duty in dismissed.duties().values()} == {None}
    assert dismissed.standing().due == {}


def test_another_last_day_moves_the_duties_with_it(agreed: End) -> None:
    with agreed.parts.database.transaction() as session:
        departure = session.get_one(Departure, agreed.id)
        departure.last_day = date(2026, 4, 2)
        session.add(departure)
    assert agreed.standing().due[DutyKind.WAGES] == date(2026, 4, 2)
    assert agreed.duties()["file_transfer"].due_on == date(2026, 4, 17)


# -- the notice -------------------------------------------------------------------------------------------


def test_a_mail_that_arrived_at_the_agreed_address_serves_the_notice(dismissed: End) -> None:
    dismissed.signs_consent()
    delivery = dismissed.notice("email", address=EMAIL)
    assert dismissed.standing().served_on is None
    dismissed.clock.on(date(2026, 3, 12))
    assert dismissed.parts.receipts.take(Receipt(DeliveryState.DELIVERED, delivery)) == dismissed.case
    looks = dismissed.rows(Outbox, kind="look")
    assert [look.body for look in looks] == [{"case": dismissed.case}]
    standing = dismissed.standing()
    assert (standing.served_on, standing.served_how) == (date(2026, 3, 12), "agreed_address")
    (event,) = dismissed.events("notice.served")
    assert event["delivery"] == delivery
    assert event["on"] == "2026-03-12"
    assert dismissed.standing() == standing
    assert len(dismissed.events("notice.served")) == 1


@pytest.mark.parametrize(
    "paper",
    [
        {"e_delivery": False},
        {"email": "another@example.com"},
        {"on": date(2026, 3, 11)},
    ],
    ids=["withdrawn", "another address", "signed after it was sent"],
)
def test_a_mail_that_no_paper_in_force_agrees_to_serves_nothing(
    dismissed: End, paper: dict[str, Any]
) -> None:
    dismissed.signs_consent(**paper)
    dismissed.notice("email", address=EMAIL, state="delivered", settled_at=dismissed.clock.now)
    assert dismissed.standing().served_on is None


def test_what_was_told_to_the_emergency_contact_serves_nothing(dismissed: End) -> None:
    dismissed.signs_consent()
    dismissed.notice(
        "sms", address=PHONE, state="delivered", settled_at=dismissed.clock.now, audience="emergency_contact"
    )
    assert dismissed.standing().served_on is None


def test_a_letter_that_was_signed_for_serves_the_notice_and_one_signed_by_another_does_not(
    dismissed: End,
) -> None:
    for number, state in (("SF00000001", CourierState.SIGNED_BY_OTHER), ("SF00000002", CourierState.SIGNED)):
        dismissed.notice("courier", tracking_number=number, by_hand_at=dismissed.clock.now)
        assert dismissed.standing().served_on is None
        report = CourierReport(number, state, dismissed.clock.now)
        dismissed.parts.letters.take(report, None, {"role": "hr", "id": "token:hr"})
    assert dismissed.standing().served_how == "letter_signed"
    assert dismissed.rows(Outbox, kind="look")


def test_a_publication_serves_thirty_days_later_and_an_answer_meanwhile_at_once(dismissed: End) -> None:
    dismissed.notice("public_notice", by_hand_at=dismissed.clock.now)
    assert dismissed.standing().served_on == date(2026, 4, 9)
    assert dismissed.duties()["wages"].due_on == date(2026, 4, 9)
    dismissed.clock.on(date(2026, 3, 20))
    act = NewAct("a" * 40, dismissed.case, ActKind.OBJECTED, Role.EMPLOYEE, "someone", audience="employee")
    dismissed.parts.acts.take(act)
    standing = dismissed.standing()
    assert (standing.served_on, standing.served_how) == (date(2026, 3, 20), "objected")
    assert standing.due[DutyKind.WAGES] == LAST
    assert [event["how"] for event in dismissed.events("notice.served")] == ["published", "objected"]


def test_an_answer_by_somebody_else_serves_nothing(dismissed: End) -> None:
    act = NewAct("a" * 40, dismissed.case, ActKind.ACKNOWLEDGED, Role.MANAGER, "someone", audience="manager")
    dismissed.parts.acts.take(act)
    assert dismissed.standing().served_on is None


def test_hr_records_that_the_notice_was_handed_over_before_a_witness(dismissed: End) -> None:
    dismissed.clock.on(date(2026, 3, 12))
    assert dismissed.hands_over(date(2026, 3, 11)) == "waiting"
    assert dismissed.hands_over(date(2026, 3, 11)) == "waiting"
    assert dismissed.standing().served_on == date(2026, 3, 11)
    assert dismissed.duties()["certificate"].due_on == LAST
    (told,) = dismissed.events("notice.handed_over")
    assert "见证人甲" not in str(told)


@pytest.mark.parametrize(
    ("on", "witness", "field", "words"),
    [
        (date(2026, 3, 13), "甲", "on", "lies in the future"),
        (date(2026, 3, 8), "甲", "on", "before the notice was made on 2026-03-09"),
        (date(2026, 3, 11), " ", "witness", "is missing"),
    ],
)
def test_a_delivery_in_person_that_cannot_be_is_refused_and_nothing_is_kept(
    dismissed: End, on: date, witness: str, field: str, words: str
) -> None:
    dismissed.clock.on(date(2026, 3, 12))
    with pytest.raises(Refusal, match=words) as refused:
        dismissed.hands_over(on, witness=witness)
    assert refused.value.field == field
    assert dismissed.standing().served_on is None
    assert dismissed.events("notice.handed_over", "notice.served") == []


def test_where_no_notice_is_needed_none_can_be_handed_over(agreed: End) -> None:
    with pytest.raises(Refusal, match="needs no notice"):
        agreed.hands_over(date(2026, 3, 9))


# -- the end ----------------------------------------------------------------------------------------------


def test_the_end_is_put_into_the_books_once_with_its_duties(agreed: End) -> None:
    agreed.clock.on(LAST)
    agreed.end()
    agreed.clock.on(date(2026, 4, 1))
    agreed.end(date(2026, 4, 1))
    (employment,) = agreed.rows(Employment, id=employment_id(agreed.parts))
    assert (employment.ended_on, employment.state, employment.ended_ground) == (LAST, "ended", "resignation")
    assert agreed.standing().ended_on == LAST
    assert len(agreed.events("employment.ended")) == 1
    assert [event["duty"] for event in agreed.events("duty.due")] == list(DutyKind)
    assert agreed.rows(Outbox, kind="look"), "the handover hears of it"


def test_a_notice_that_came_late_ends_the_employment_on_its_day(dismissed: End) -> None:
    late = date(2026, 4, 3)
    dismissed.clock.on(late)
    dismissed.hands_over(late)
    dismissed.end(late)
    assert dismissed.standing().ended_on == late
    assert dismissed.duties()["social_insurance"].due_on == date(2026, 4, 18)


def test_what_is_found_out_after_the_end_changes_nothing(dismissed: End) -> None:
    dismissed.clock.on(LAST)
    dismissed.hands_over(date(2026, 3, 20))
    dismissed.end()
    with pytest.raises(Refusal, match="has ended on 2026-03-31"):
        dismissed.hands_over(date(2026, 3, 15), "again")
    assert dismissed.standing().served_on == date(2026, 3, 20)


def test_a_withdrawn_departure_ends_nothing(agreed: End) -> None:
    with agreed.parts.database.transaction() as session:
        departure = session.get_one(Departure, agreed.id)
        departure.withdrawn_at = agreed.clock.now
        session.add(departure)
    agreed.end()
    agreed.parts.duty_book.certify(agreed.order)
    assert agreed.parts.duty_book.freeze(agreed.order) == Frozen(0, 0)
    assert agreed.rows(Employment, id=employment_id(agreed.parts))[0].ended_on is None
    assert agreed.rows(Document) == []


# -- the certificate --------------------------------------------------------------------------------------


def test_the_certificate_is_issued_once_and_its_duty_is_done(agreed: End) -> None:
    agreed.clock.on(LAST)
    agreed.end()
    agreed.parts.duty_book.certify(agreed.order)
    agreed.clock.on(LAST, 10)
    agreed.parts.duty_book.certify(agreed.order)
    (document,) = agreed.rows(Document, kind="certificate")
    assert "解除劳动合同证明书" in text_of(agreed, document)
    duty = agreed.duties()["certificate"]
    assert (duty.state, duty.document_id) == ("done", document.id)
    (done,) = agreed.events("duty.done")
    assert done["sha256"] == document.sha256
    assert [event["kind"] for event in agreed.events("document.added")] == ["certificate"]


def test_a_certificate_that_was_filed_before_a_crash_is_found_again(agreed: End) -> None:
    agreed.clock.on(LAST)
    agreed.end()
    agreed.parts.duty_book.certify(agreed.order)
    with agreed.parts.database.transaction() as session:
        duty = session.exec(select(Duty).where(Duty.kind == "certificate")).one()
        duty.state, duty.document_id = "due", None
        session.add(duty)
    agreed.parts.duty_book.certify(agreed.order)
    assert len(agreed.rows(Document, kind="certificate")) == 1
    assert agreed.duties()["certificate"].state == "done"


# -- freezing ---------------------------------------------------------------------------------------------


def test_what_is_open_on_the_last_day_is_frozen_charged_and_claimed(agreed: End) -> None:
    laptop = agreed.adds_item("IT-1", value_fen=8_000_00)
    agreed.adds_item("IT-2", state="handed_over", value_fen=900_00)
    agreed.adds_item("IT-3", state="accepted", value_fen=700_00)
    agreed.adds_item("C-1", track="customers")
    owner = employment_id(agreed.parts)
    lent = loan(Voucher("loan-1", owner, date(2026, 1, 5), "test"), 3_000_00)
    agreed.parts.database.write(lambda session: agreed.parts.ledger.book(session, lent))
    agreed.clock.on(LAST)
    agreed.end()
    assert agreed.parts.duty_book.freeze(agreed.order) == Frozen(3, 1)
    rows = {row.subject.partition("/")[2]: row for row in agreed.rows(ExitOverride)}
    assert rows[laptop].amount_fen == 8_000_00
    assert rows["loan"].amount_fen == 3_000_00
    assert sum(row.amount_fen for row in rows.values()) == 11_000_00
    with agreed.parts.database.reading() as session:
        balances = agreed.parts.ledger.balances(session, owner)
    assert balances[AccountKind.EQUIPMENT] == 8_000_00
    (posted,) = agreed.rows(Posting, kind="equipment")
    assert posted.key.endswith(f"/freeze/{laptop}")
    (proof,) = [row.hash for row in agreed.rows(EventRow, kind="override.recorded")]
    assert {row.evidence_hash for row in rows.values()} == {proof}
    papers = {row.kind: row for row in agreed.rows(Document)}
    assert set(papers) == {"demand", "agreement"}
    assert "11,000.00" in text_of(agreed, papers["demand"])
    assert "11,000.00" in text_of(agreed, papers["agreement"])


@pytest.mark.parametrize(("paper", "covered", "to_agree"), [(True, 2_000_00, 1_000_00), (False, 0, 3_000_00)])
def test_the_demand_counts_a_plan_as_the_gate_does(
    agreed: End, monkeypatch: pytest.MonkeyPatch, paper: bool, covered: int, to_agree: int
) -> None:
    parts, owner = agreed.parts, employment_id(agreed.parts)
    agreed.clock.on(date(2026, 3, 11))

    def book(wanted: Booking) -> None:
        parts.database.write(lambda session: parts.ledger.book(session, wanted))

    book(loan(Voucher("loan-1", owner, date(2026, 1, 5), "test"), 2_500_00))
    by = By(new_id(), agreed.id, Role.FINANCE, "token:finance")
    plan = [Instalment(date(2026, 4, 30), 2_500_00)]
    signed = StoredFile(parts.documents.keep(b"signed"), "application/pdf", 6, "p.pdf") if paper else None
    parts.balances.agree_plan(by, 2_500_00, plan, date(2026, 3, 11), signed)
    agreed.clock.on(date(2026, 3, 12))
    book(repayment(Voucher("paid", owner, date(2026, 3, 12), "test"), 500_00, AccountKind.LOAN))
    book(loan(Voucher("loan-2", owner, date(2026, 3, 12), "test"), 1_000_00))
    agreed.clock.on(LAST)
    agreed.end()
    claims: list[Claim] = []

    def demand(press: Press, claim: Claim) -> bytes:
        claims.append(claim)
        return print_demand(press, claim)

    monkeypatch.setattr("countersign.adapters.database.freezing.print_demand", demand)
    parts.duty_book.freeze(agreed.order)
    (claim,) = claims
    assert (claim.owed_fen, claim.planned_fen, claim.to_agree_fen) == (3_000_00, covered, to_agree)
    gate, lost = parts.gate_book.why(agreed.id), parts.loss_files.view(Scope(), agreed.id)
    assert gate is not None
    assert lost is not None
    assert gate.gate.owed_fen == to_agree
    assert lost.planned_fen == covered


def test_freezing_again_finds_what_was_frozen_first(agreed: End) -> None:
    agreed.adds_item("IT-1", value_fen=8_000_00)
    first = agreed.parts.duty_book.freeze(agreed.order)
    agreed.adds_item("IT-9", value_fen=1_00)
    agreed.clock.on(LAST)
    assert agreed.parts.duty_book.freeze(agreed.order) == first == Frozen(1, 0)
    assert len(agreed.rows(Posting)) == 1
    assert len(agreed.rows(Document)) == 2
    assert len(agreed.rows(ExitOverride)) == 1


def test_a_paper_that_is_missing_is_printed_by_the_same_order(
    agreed: End, monkeypatch: pytest.MonkeyPatch
) -> None:
    agreed.adds_item("IT-1", value_fen=8_000_00)

    def broken(*_: object) -> bytes:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("countersign.adapters.database.freezing.print_agreement", broken)
        with pytest.raises(OSError, match="full"):
            agreed.parts.duty_book.freeze(agreed.order)
    assert agreed.parts.duty_book.freeze(agreed.order) == Frozen(1, 0)
    assert sorted(row.kind for row in agreed.rows(Document)) == ["agreement", "demand"]


def test_with_nothing_open_there_is_no_record_and_no_paper(agreed: End) -> None:
    agreed.adds_item("IT-3", state="accepted", value_fen=700_00)
    assert agreed.parts.duty_book.freeze(agreed.order) == Frozen(0, 0)
    assert agreed.rows(Document) == agreed.rows(ExitOverride) == agreed.events("override.recorded") == []


def test_an_open_customer_alone_is_asked_for_without_an_agreement_on_money(agreed: End) -> None:
    agreed.adds_item("C-1", track="customers", value_fen=500_00)
    assert agreed.parts.duty_book.freeze(agreed.order) == Frozen(1, 0)
    assert [row.kind for row in agreed.rows(Document)] == ["demand"]
    assert agreed.rows(Posting) == []


def test_a_long_list_goes_into_events_of_a_hundred_and_each_row_names_its_own(agreed: End) -> None:
    for number in range(101):
        agreed.adds_item(f"D-{number:03}", track="documents")
    assert agreed.parts.duty_book.freeze(agreed.order) == Frozen(101, 0)
    assert [len(event["items"]) for event in agreed.events("override.recorded")] == [100, 1]
    assert len({row.evidence_hash for row in agreed.rows(ExitOverride)}) == 2


# -- acts -------------------------------------------------------------------------------------------------


def test_a_duty_is_ordered_fails_and_is_done_in_the_end(agreed: End) -> None:
    agreed.clock.on(LAST)
    agreed.end()
    book, kind = agreed.parts.duty_book, DutyKind.SOCIAL_INSURANCE
    book.ordered(agreed.act("1", kind, reference="工单 7"))
    assert agreed.duties()[kind].ordered_at == agreed.clock.now
    book.failed(agreed.act("2", kind, reason="社保系统拒绝：本月已申报"))
    assert agreed.standing().duties[kind] is DutyState.FAILED
    agreed.clock.on(date(2026, 4, 5))
    book.done(agreed.act("3", kind, reference="京社 2026-0042"))
    book.done(agreed.act("3", kind, reference="京社 2026-0042"))
    duty = agreed.duties()[kind]
    assert (duty.state, duty.reference, duty.done_at) == ("done", "京社 2026-0042", agreed.clock.now)
    told = agreed.events("duty.ordered", "duty.failed", "duty.done")
    assert len(told) == 3
    assert "京社" not in str(told)
    assert "拒绝" not in str(told)
    with pytest.raises(Refusal, match="is done since 2026-04-05"):
        book.failed(agreed.act("4", kind, reason="not yet"))


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        (DutyKind.SOCIAL_INSURANCE, "reference"),
        (DutyKind.WAGES, "reference"),
        (DutyKind.CERTIFICATE, "file"),
    ],
)
def test_a_duty_without_its_proof_is_not_done(agreed: End, kind: DutyKind, field: str) -> None:
    agreed.clock.on(LAST)
    agreed.end()
    with pytest.raises(Refusal) as refused:
        agreed.parts.duty_book.done(agreed.act("1", kind))
    assert refused.value.field == field
    assert agreed.duties()[kind].state == "due"


def test_a_document_of_the_bureau_is_proof_as_well(agreed: End) -> None:
    agreed.clock.on(LAST)
    agreed.end()
    file = StoredFile(agreed.parts.documents.keep(b"%PDF-1.4"), "application/pdf", 8, "回执.pdf")
    agreed.parts.duty_book.done(agreed.act("1", DutyKind.SOCIAL_INSURANCE, file=file))
    duty = agreed.duties()["social_insurance"]
    (document,) = agreed.rows(Document)
    assert (duty.state, duty.document_id) == ("done", document.id)


def test_nothing_is_done_before_the_employment_has_ended(agreed: End, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="the employment ends on 2026-03-31"):
        agreed.parts.duty_book.done(agreed.act("1", DutyKind.FILE_TRANSFER))


def test_nothing_is_done_while_the_notice_is_not_delivered(dismissed: End) -> None:
    dismissed.clock.on(date(2026, 5, 1))
    with pytest.raises(Refusal, match="the notice is not delivered"):
        dismissed.parts.duty_book.done(dismissed.act("1", DutyKind.FILE_TRANSFER))


def test_a_duty_can_be_done_although_the_process_never_ran(agreed: End) -> None:
    agreed.clock.on(LAST)
    agreed.parts.duty_book.done(agreed.act("1", DutyKind.FILE_TRANSFER))
    assert agreed.duties()["file_transfer"].state == "done"


def test_a_failure_needs_a_reason_and_a_duty_its_own_people(agreed: End) -> None:
    book = agreed.parts.duty_book
    with pytest.raises(Refusal, match="say why") as refused:
        book.failed(agreed.act("1", DutyKind.FILE_TRANSFER))
    assert refused.value.field == "reason"
    with pytest.raises(Refusal, match="belongs to finance"):
        book.failed(replace(agreed.act("2", DutyKind.WAGES, reason="x"), role=Role.HR))
    with pytest.raises(Refusal, match="belongs to hr"):
        book.failed(replace(agreed.act("3", DutyKind.FILE_TRANSFER, reason="x"), role=Role.FINANCE))
    with pytest.raises(Refusal, match="not ordered"):
        book.ordered(agreed.act("4", DutyKind.CERTIFICATE))


# -- what the database alone knows ------------------------------------------------------------------------


def test_late_duties_are_told_although_no_process_ever_ran(agreed: End) -> None:
    reports = agreed.parts.duty_reports
    agreed.clock.on(LAST, 23)
    assert reports.overdue(EVERYWHERE) == []
    agreed.clock.on(date(2026, 4, 16))
    assert [(one.kind.value, one.late_days) for one in reports.overdue(EVERYWHERE)] == [
        ("certificate", 16),
        ("wages", 16),
        ("file_transfer", 1),
        ("social_insurance", 1),
        ("unemployment_list", 1),
    ]
    assert reports.overdue(Scope("another branch")) == []


def test_a_notice_that_no_process_has_looked_at_makes_its_duties_late(dismissed: End) -> None:
    dismissed.signs_consent()
    dismissed.notice("email", address=EMAIL, state="delivered", settled_at=dismissed.clock.now)
    dismissed.clock.on(date(2026, 4, 2))
    assert dismissed.duties()["wages"].due_on is None
    assert {one.kind.value: one.late_days for one in dismissed.parts.duty_reports.overdue(EVERYWHERE)} == {
        "certificate": 2,
        "wages": 2,
    }
    found = dismissed.parts.duty_reports.of_departure(EVERYWHERE, dismissed.id)
    assert found is not None
    assert (found.served_on, found.served_how) == (date(2026, 3, 10), "agreed_address")


def test_a_failed_duty_is_late_like_one_that_is_due_and_one_of_a_withdrawn_departure_is_not(
    agreed: End,
) -> None:
    agreed.clock.on(date(2026, 4, 2))
    agreed.parts.duty_book.failed(agreed.act("1", DutyKind.WAGES, reason="账户冻结"))
    late = agreed.parts.duty_reports.overdue(EVERYWHERE)
    assert [(one.kind.value, one.state.value) for one in late] == [
        ("certificate", "due"),
        ("wages", "failed"),
    ]
    with agreed.parts.database.transaction() as session:
        departure = session.get_one(Departure, agreed.id)
        departure.withdrawn_at = agreed.clock.now
        session.add(departure)
    assert agreed.parts.duty_reports.overdue(EVERYWHERE) == []


# -- the watch --------------------------------------------------------------------------------------------


def alarms(end: End, kind: str) -> list[str]:
    return [row.sentence for row in end.rows(Alarm, kind=kind)]


def test_a_process_that_is_silent_about_late_duties_is_heard_of_once_for_each(agreed: End) -> None:
    agreed.clock.on(date(2026, 4, 1), 0)
    agreed.parts.employments.watch()
    assert alarms(agreed, "duty_overdue") == [], "the process itself has an hour"
    agreed.clock.on(date(2026, 4, 1), 2)
    agreed.parts.employments.watch()
    agreed.parts.employments.watch()
    assert len(alarms(agreed, "duty_overdue")) == 2
    agreed.clock.on(date(2026, 4, 17))
    agreed.parts.employments.watch()
    assert len(alarms(agreed, "duty_overdue")) == 5


def test_what_the_process_has_said_is_not_said_again(agreed: End) -> None:
    with agreed.parts.database.transaction() as session:
        for _ in range(2):
            session.add(
                Alarm(
                    id=new_id(), case_id=agreed.case, kind="duty_overdue", sentence="…", at=agreed.clock.now
                )
            )
    agreed.clock.on(date(2026, 4, 3))
    agreed.parts.employments.watch()
    assert len(alarms(agreed, "duty_overdue")) == 2


def test_the_watch_finds_a_notice_that_was_served_while_its_process_was_gone(dismissed: End) -> None:
    dismissed.signs_consent()
    dismissed.notice("email", address=EMAIL, state="delivered", settled_at=dismissed.clock.now)
    dismissed.clock.on(date(2026, 4, 3))
    dismissed.parts.employments.watch()
    assert dismissed.duties()["wages"].due_on == LAST
    assert len(alarms(dismissed, "duty_overdue")) == 2


def test_an_employment_called_suspended_is_an_alarm_after_a_week_and_once(agreed: End) -> None:
    employments, actor = agreed.parts.employments, {"role": "integrator", "id": "token:contracts"}
    view = employments.call(EVERYWHERE, NUMBER, date(2026, 3, 10), actor)
    assert view is not None
    assert view.true.called_suspended_since == date(2026, 3, 10)
    assert agreed.events("employment.called")[0]["since"] == "2026-03-10"
    agreed.clock.on(date(2026, 3, 17))
    employments.watch()
    assert alarms(agreed, "employment_suspended") == []
    agreed.clock.on(date(2026, 3, 18))
    employments.watch()
    employments.watch()
    (sentence,) = alarms(agreed, "employment_suspended")
    assert "too long" in sentence
    assert NUMBER not in sentence


def test_an_ended_employment_called_suspended_is_an_alarm_at_once(agreed: End) -> None:
    agreed.clock.on(LAST)
    agreed.end()
    view = agreed.parts.employments.call(EVERYWHERE, NUMBER, LAST, {"role": "hr", "id": "token:hr"})
    assert view is not None
    assert view.true.state == "ended"
    assert len(alarms(agreed, "employment_suspended")) == 1


@pytest.mark.parametrize(
    ("since", "words"), [(date(2026, 3, 11), "in the future"), (date(2024, 1, 1), "before the employment")]
)
def test_a_suspension_that_cannot_be_is_refused(agreed: End, since: date, words: str) -> None:
    with pytest.raises(Refusal, match=words):
        agreed.parts.employments.call(EVERYWHERE, NUMBER, since, {"role": "hr", "id": "token:hr"})


def test_the_employment_is_ended_on_the_day_although_no_process_ran_and_nothing_was_handed_over(
    agreed: End,
) -> None:
    agreed.adds_item("IT-1", value_fen=8_000_00)
    agreed.clock.on(LAST)
    view = agreed.parts.employments.read(EVERYWHERE, NUMBER)
    assert view is not None
    assert (view.true.state, view.true.since, view.basis) == ("ended", LAST, "劳动合同法37")
    assert agreed.parts.employments.read(Scope("another branch"), NUMBER) is None
