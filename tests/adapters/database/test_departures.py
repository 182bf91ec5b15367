"""Departures: what a start shows and opens, what is refused in words, and what a change takes back."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import func
from sqlmodel import Session, col, select

from countersign.adapters.database.acts import ActView, NewAct
from countersign.adapters.database.booked_acts import Effect
from countersign.adapters.database.departures import EVERYWHERE, DepartureWish, StartedDeparture
from countersign.adapters.database.policy_book import COMPANY
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import (
    ActRow,
    Case,
    CaseLink,
    Departure,
    Duty,
    Employment,
    EventRow,
    HandoverItem,
    Holding,
    Outbox,
    Person,
    Posting,
    ProcessSwitch,
    Revocation,
)
from countersign.bootstrap import Parts
from countersign.contracts.cases import ActKind, Process, Role
from countersign.contracts.departures import OffboardingInput, StatutoryInput
from countersign.domain.departure import DepartureKind, DutyKind, Ground, ProposedBy, Track
from countersign.domain.ledger import AccountKind, PostingKind, Voucher, booking, loan
from countersign.domain.policy import Channel
from countersign.domain.refusal import Refusal
from countersign.domain.yaml_text import InputError
from countersign.ids import new_id
from tests.support.company import (
    BEIJING,
    NAME,
    NUMBER,
    SHANGHAI,
    add_colleague,
    add_leave,
    add_shanghai,
    company,
)
from tests.support.story import at

NOW = at("03-02 10:30")
TODAY = date(2026, 3, 2)
ACTOR = {"role": "hr", "id": "account:test"}
RESIGNS = DepartureWish(NUMBER, DepartureKind.RESIGNATION, date(2026, 4, 15), TODAY, successor="E2001")
DISMISSED = DepartureWish(
    NUMBER, DepartureKind.ABSENCE, date(2026, 3, 10), TODAY, successor="E2001", reason="标记旷工十五天"
)
TABLES = (Case, Departure, HandoverItem, Duty, Revocation, EventRow, Outbox, CaseLink)


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    made = company(tmp_path, lambda: NOW)
    add_colleague(made, "E2001")
    add_colleague(made, "E2002")
    yield made
    made.database.close()


def person_id(parts: Parts, number: str = NUMBER) -> str:
    with parts.database.reading() as session:
        return session.exec(select(Person.id).where(Person.number == number)).one()


def employ(parts: Parts, number: str, **more: Any) -> None:
    known = {"hired_on": date(2020, 1, 2), **more}
    with parts.database.transaction() as session:
        session.add(Employment(id=new_id(), person_id=person_id(parts, number), **known))


def hold(parts: Parts, track: Track, reference: str, receiver: str | None = None, **more: Any) -> None:
    with parts.database.transaction() as session:
        session.add(
            Holding(
                id=new_id(),
                track=track.value,
                reference=reference,
                person_id=person_id(parts),
                title=f"标记{reference}",
                receiver_id=person_id(parts, receiver) if receiver else None,
                source="test",
                updated_at=NOW,
                **more,
            )
        )


def start(parts: Parts, wish: DepartureWish = RESIGNS, **more: Any) -> StartedDeparture:
    return parts.departures.start(replace(wish, **more), ACTOR)


def counts(parts: Parts) -> list[int]:
    with parts.database.reading() as session:
        return [session.exec(select(func.count()).select_from(one)).one() for one in TABLES]


def refused(parts: Parts, wish: DepartureWish, scope: Scope = EVERYWHERE) -> Refusal:
    """Return why a wish is refused; the preview says the same, and nothing at all is written."""
    before = counts(parts)
    with pytest.raises(Refusal) as shown:
        parts.departures.preview(wish, scope)
    with pytest.raises(Refusal) as found:
        parts.departures.start(wish, ACTOR, scope)
    assert str(found.value) == str(shown.value)
    assert counts(parts) == before
    return found.value


def act(parts: Parts, case_id: str, kind: ActKind, effect: Effect, **body: str) -> ActView:
    new = NewAct(
        id=new_id(),
        case_id=case_id,
        kind=kind,
        role=Role.HR,
        actor="token:test",
        body=body,
        words={"reason": "标记改变主意"},
    )
    return parts.booked_acts.take(new, effect)


def withdraw(parts: Parts, case_id: str) -> ActView:
    return act(parts, case_id, ActKind.WITHDRAWN, parts.departures.withdraw_effect)


def move(parts: Parts, case_id: str, on: str) -> ActView:
    return act(parts, case_id, ActKind.LAST_DAY_MOVED, parts.departures.move_last_day_effect, on=on)


def events(session: Session, case_id: str) -> list[str]:
    query = select(EventRow.kind).where(EventRow.case_id == case_id).order_by(col(EventRow.seq))
    return list(session.exec(query))


# -- starting ---------------------------------------------------------------------------------------------


def test_a_start_opens_two_cases_items_accounts_and_duties_in_one_go(parts: Parts) -> None:
    hold(parts, Track.DOCUMENTS, "D-1")
    hold(parts, Track.CUSTOMERS, "C-1", receiver="E2002")
    hold(parts, Track.EQUIPMENT, "N-1", value_fen=800_000)
    made = start(parts)
    with parts.database.reading() as session:
        departure = session.get_one(Departure, made.case_id)
        case, duties = session.get_one(Case, made.case_id), session.get_one(Case, made.statutory_case_id)
        assert (case.kind, duties.kind) == ("offboarding", "statutory")
        assert (case.departure_id, duties.departure_id) == (case.id, case.id)
        assert case.workflow_id == f"offboarding/{departure.employment_id}"
        assert duties.workflow_id == f"statutory/{departure.employment_id}"
        assert (departure.ground, departure.proposed_by) == ("resignation", "employee")
        assert (departure.needs_notice, departure.holds) == (False, departure.employment_id)
        items = session.exec(select(HandoverItem).order_by(col(HandoverItem.reference))).all()
        receivers = {one.reference: one.receiver_id for one in items}
        assert receivers == {
            "C-1": person_id(parts, "E2002"),
            "D-1": person_id(parts, "E2001"),
            "N-1": None,
        }
        systems = session.exec(select(Revocation.system)).all()
        assert set(systems) == {"OA", "邮箱", "门禁", "VPN", "财务系统", "CRM"}
        assert len(session.exec(select(Duty)).all()) == 5
        shares = session.exec(select(Case).where(Case.kind == Process.HANDOVER.value)).all()
        assert {one.person_id for one in shares} == {person_id(parts, "E2001"), person_id(parts, "E2002")}
        ordered = {
            one.body["case"] for one in session.exec(select(Outbox).where(Outbox.kind == "start_case"))
        }
        assert ordered == {case.id, duties.id, *(one.id for one in shares)}
        employment = session.get_one(Employment, departure.employment_id)
        assert (employment.state, employment.ended_on) == ("active", None)


def test_both_chains_begin_with_the_start_and_the_statutory_one_names_the_other(parts: Parts) -> None:
    made = start(parts, DISMISSED)
    with parts.database.reading() as session:
        assert events(session, made.case_id)[0] == "case.started"
        assert events(session, made.statutory_case_id)[:2] == ["case.started", "case.linked"]
        link = session.get_one(CaseLink, (made.statutory_case_id, made.case_id))
        head = session.get_one(EventRow, (made.case_id, link.length))
        assert link.head == head.hash
        lines = "".join(session.exec(select(EventRow.line)).all())
    assert NAME not in lines
    assert "旷工" not in lines
    assert NUMBER not in lines


def test_the_frozen_inputs_can_be_read_and_agree(parts: Parts) -> None:
    from countersign.adapters.processes import STARTS

    made = start(parts, DISMISSED)
    with parts.database.reading() as session:
        case, duties = session.get_one(Case, made.case_id), session.get_one(Case, made.statutory_case_id)
    offboarding = STARTS[Process.OFFBOARDING].read(case.frozen)
    statutory = STARTS[Process.STATUTORY].read(duties.frozen)
    assert isinstance(offboarding, OffboardingInput)
    assert isinstance(statutory, StatutoryInput)
    assert (statutory.departure_id, statutory.needs_notice) == (made.case_id, True)
    assert offboarding.clock == statutory.clock
    assert statutory.policy.ladder.rungs[0].name == "termination_notice"
    assert offboarding.calendar.years[-1].year >= 2026


def test_the_facts_of_a_dismissal_stand_in_the_notice_and_those_of_a_resignation_nowhere(
    parts: Parts,
) -> None:
    made = start(parts, DISMISSED)
    with parts.database.reading() as session:
        assert session.get_one(Departure, made.case_id).facts == "标记旷工十五天"
    withdraw(parts, made.case_id)
    again = start(parts, RESIGNS, reason="标记家里有事")
    with parts.database.reading() as session:
        assert session.get_one(Departure, again.case_id).facts is None


def test_the_same_wish_again_is_the_same_departure(parts: Parts) -> None:
    first = start(parts)
    before = counts(parts)
    again = start(parts, reason="again")
    assert (again.case_id, again.existing, first.existing) == (first.case_id, True, False)
    assert counts(parts) == before
    assert parts.departures.preview(RESIGNS).existing_case == first.case_id


def test_two_at_once_start_one_departure(parts: Parts) -> None:
    both = Barrier(2)

    def one(_: int) -> StartedDeparture:
        both.wait()
        return start(parts)

    with ThreadPoolExecutor(2) as two:
        made = list(two.map(one, range(2)))
    assert sorted(one.existing for one in made) == [False, True]
    assert made[0].case_id == made[1].case_id
    with parts.database.reading() as session:
        assert len(session.exec(select(Departure)).all()) == 1
        assert len(session.exec(select(Case)).all()) == 2


def test_two_different_at_once_start_one_and_refuse_the_other(parts: Parts) -> None:
    both = Barrier(2)

    def one(day: date) -> str:
        both.wait()
        try:
            return start(parts, last_day=day).case_id
        except Refusal as refusal:
            return refusal.field

    with ThreadPoolExecutor(2) as two:
        told = list(two.map(one, (date(2026, 4, 15), date(2026, 4, 16))))
    assert told.count("employee") == 1
    with parts.database.reading() as session:
        assert len(session.exec(select(Departure)).all()) == 1


def test_a_time_lapse_begins_before_its_first_reminder(tmp_path: Path) -> None:
    parts = company(tmp_path / "lapse", lambda: NOW, time_lapse=600)
    made = start(parts, successor=None)
    with parts.database.reading() as session:
        case = session.get_one(Case, made.case_id)
        duties = session.get_one(Case, made.statutory_case_id)
    assert case.clock_case == at("03-16 08:59")
    assert duties.clock_case == case.clock_case


# -- what is refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"employee": "E9999"}, "employee", "nobody here has"),
        ({"successor": NUMBER}, "successor", "the person who leaves"),
        ({"successor": "E9999"}, "successor", "nobody has"),
        ({"last_day": date(2026, 3, 1)}, "last_day", "in the past"),
        ({"last_day": date(2029, 3, 3)}, "last_day", "years ahead"),
        ({"noticed_on": date(2026, 3, 3)}, "noticed_on", "still to come"),
        ({"last_day": TODAY, "noticed_on": date(2026, 3, 3)}, "noticed_on", "still to come"),
        ({"ground": Ground.LAYOFF}, "ground", "no ground of resignation"),
        ({"proposed_by": ProposedBy.EMPLOYER}, "proposed_by", "leave it out"),
        ({"policy": "nothing_of_this_name"}, "policy", "no stored policy"),
        ({"overdue": {"reminder_99": "skip"}}, "overdue", "no reminder"),
        ({"overdue": {"reminder_30": "later"}}, "overdue.reminder_30", "run_now or skip"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_with_its_field_and_writes_nothing(
    parts: Parts, change: dict[str, Any], field: str, words: str
) -> None:
    refusal = refused(parts, replace(RESIGNS, **change))
    assert refusal.field == field
    assert words in str(refusal)


def test_today_may_be_the_last_day(parts: Parts) -> None:
    assert not start(parts, last_day=TODAY).existing


def test_an_employee_without_a_hiring_date_is_refused_with_what_to_import(parts: Parts) -> None:
    refusal = refused(parts, replace(RESIGNS, employee="E2001", successor="E2002"))
    assert refusal.field == "employee"
    assert "入职日期" in str(refusal)


def test_an_employment_that_has_ended_is_refused(parts: Parts) -> None:
    employ(parts, "E2002", ended_on=date(2026, 3, 1))
    refusal = refused(parts, replace(RESIGNS, employee="E2002"))
    assert refusal.field == "employee"
    assert "2026-03-01" in str(refusal)


def test_a_successor_who_has_left_or_leaves_no_later_is_refused(parts: Parts) -> None:
    employ(parts, "E2002", ended_on=date(2026, 3, 1))
    assert "has left" in str(refused(parts, replace(RESIGNS, successor="E2002")))
    employ(parts, "E2001")
    start(parts, employee="E2001", successor=None)
    assert "leaves on 2026-04-15" in str(refused(parts, RESIGNS))
    assert not start(parts, last_day=date(2026, 4, 14)).existing


def test_items_that_nobody_takes_over_are_refused_by_their_numbers(parts: Parts) -> None:
    for number in range(7):
        hold(parts, Track.DOCUMENTS, f"D-{number}")
    refusal = refused(parts, replace(RESIGNS, successor=None))
    assert refusal.field == "successor"
    assert "D-0, D-1, D-2, D-3, D-4 and 2 more" in str(refusal)


def test_an_item_whose_receiver_is_the_leaver_or_has_left_is_refused(parts: Parts) -> None:
    hold(parts, Track.CUSTOMERS, "C-1", receiver=NUMBER)
    assert "C-1" in str(refused(parts, RESIGNS))


def test_equipment_needs_no_receiver(parts: Parts) -> None:
    hold(parts, Track.EQUIPMENT, "N-1")
    assert not start(parts, successor=None).existing


def test_a_second_departure_of_one_employment_is_refused_with_the_first_ones_case(parts: Parts) -> None:
    made = start(parts)
    refusal = refused(parts, replace(RESIGNS, last_day=date(2026, 4, 16)))
    assert refusal.field == "employee"
    assert made.case_id in str(refusal)
    refusal = refused(parts, replace(DISMISSED, last_day=RESIGNS.last_day))
    assert made.case_id in str(refusal)


@pytest.mark.parametrize("kind", ["maternity", "injury", "sick"])
@pytest.mark.parametrize("ground", [Ground.NO_FAULT, Ground.LAYOFF])
def test_a_dismissal_without_fault_is_refused_while_article_42_protects(
    parts: Parts, kind: str, ground: Ground
) -> None:
    add_leave(parts, TODAY, kind=kind)
    wish = replace(DISMISSED, kind=DepartureKind.DISMISSAL, ground=ground)
    refusal = refused(parts, wish)
    assert refusal.field == "ground"
    assert "劳动合同法42" in str(refusal)
    assert not start(parts, wish, ground=Ground.WORKER_FAULT).existing


def test_a_leave_that_is_over_or_of_another_kind_protects_nobody(parts: Parts) -> None:
    add_leave(parts, date(2026, 3, 1), kind="maternity")
    add_leave(parts, date(2026, 3, 20), kind="annual", starts_on=date(2026, 2, 20))
    wish = replace(DISMISSED, kind=DepartureKind.DISMISSAL, ground=Ground.NO_FAULT)
    assert not start(parts, wish).existing


def test_an_officer_of_another_branch_finds_nobody(parts: Parts) -> None:
    add_shanghai(parts)
    refusal = refused(parts, RESIGNS, Scope(SHANGHAI))
    assert refusal.field == "employee"
    assert "nobody here" in str(refusal)
    assert not parts.departures.start(RESIGNS, ACTOR, Scope(BEIJING)).existing


@pytest.mark.parametrize("process", [Process.OFFBOARDING, Process.HANDOVER, Process.STATUTORY])
def test_a_process_that_is_switched_off_starts_nothing_and_the_preview_says_so(
    parts: Parts, process: Process
) -> None:
    with parts.database.transaction() as session:
        session.add(
            ProcessSwitch(
                branch_id=COMPANY, process=process.value, switched_on=False, switched_by="x", switched_at=NOW
            )
        )
    before = counts(parts)
    with pytest.raises(Refusal, match="switched off"):
        start(parts)
    assert counts(parts) == before
    assert parts.departures.preview(RESIGNS).blocks[0][0] == "process"


def test_a_policy_that_may_not_run_is_refused_in_words(parts: Parts) -> None:
    with pytest.raises(InputError, match="emergency contact"):
        start(
            parts,
            policy={
                "name": "wrong",
                "rungs": [
                    {
                        "name": "contact",
                        "audience": "emergency_contact",
                        "channels": ["sms"],
                        "wait": {"value": 1, "unit": "working_days"},
                    }
                ],
            },
        )
    assert sum(counts(parts)) == 0


# -- what is shown ----------------------------------------------------------------------------------------


def test_a_preview_shows_dates_items_receivers_texts_and_writes_nothing(parts: Parts) -> None:
    hold(parts, Track.DOCUMENTS, "D-1")
    hold(parts, Track.EQUIPMENT, "N-1")
    before = counts(parts)
    shown = parts.departures.preview(RESIGNS)
    assert counts(parts) == before
    assert [one.step for one in shown.dates.reminders] == [
        "reminder_30",
        "reminder_14",
        "reminder_7",
        "reminder_3",
    ]
    assert shown.dates.certificate_at == at("04-15 09:00")
    assert shown.dates.last_day_over == at("04-16 00:00")
    assert shown.dates.duties[DutyKind.FILE_TRANSFER] == date(2026, 4, 30)
    assert [(one.reference, one.receiver_number) for one in shown.items] == [("D-1", "E2001"), ("N-1", None)]
    assert [(one.number, one.items) for one in shown.receivers] == [("E2001", 1)]
    assert shown.notice is None
    assert shown.plan.steps[0].at >= shown.dates.last_day_over
    said = {(process, one.step, one.channel) for process, one in shown.texts}
    assert (Process.OFFBOARDING, "reminder_30", Channel.SMS) in said
    assert (Process.HANDOVER, "announcement", Channel.EMAIL) in said
    assert shown.overdue == ()
    assert [one.split(",")[0] for one in shown.warnings] == ["The post is not on record"]


def test_a_dismissal_shows_its_notice_from_now_on_and_what_the_law_wants_before(parts: Parts) -> None:
    shown = parts.departures.preview(DISMISSED)
    assert shown.notice is not None
    assert shown.notice.steps[0].at == NOW
    assert [step.rung for step in shown.notice.steps] == [
        "termination_notice",
        "paper_notice",
        "visit",
        "public_notice",
    ]
    assert shown.dates.reminders == ()
    assert shown.plan.steps[0].at == NOW
    assert any("劳动合同法43" in one for one in shown.warnings)
    told = {(process, one.step) for process, one in shown.texts}
    assert {(Process.STATUTORY, step.rung) for step in shown.notice.steps} <= told
    assert {(Process.OFFBOARDING, step.rung) for step in shown.plan.steps if step.channels} <= told


def test_a_preview_shows_every_message_of_the_plan_to_the_leaver_and_to_each_receiver(parts: Parts) -> None:
    hold(parts, Track.DOCUMENTS, "D-1")
    shown = parts.departures.preview(RESIGNS)
    own = [one.step for one in shown.said[Process.OFFBOARDING]]
    reminders = [one.step for one in shown.dates.reminders]
    assert list(dict.fromkeys(own)) == [*reminders, *(one.rung for one in shown.plan.steps if one.channels)]
    ends = {one.step for one in shown.said[Process.STATUTORY]}
    assert ends == {"certificate", "demand"}
    (receiver,) = shown.receivers
    told = list(dict.fromkeys(one.step for one in receiver.texts))
    assert told == ["announcement", *(one.rung for one in receiver.plan.steps if one.channels)]
    assert receiver.plan.steps[0].at >= shown.dates.last_day_over
    assert all("1" in one.text for one in receiver.texts if one.step == "announcement")


def test_who_is_still_to_take_over_from_others_is_told_before_the_start(parts: Parts) -> None:
    hold(parts, Track.DOCUMENTS, "D-1")
    start(parts)
    employ(parts, "E2001")
    leaves = replace(RESIGNS, employee="E2001", successor=None, last_day=date(2026, 5, 15))
    assert any(f"{NUMBER} (1)" in one for one in parts.departures.preview(leaves).warnings)


def test_a_reminder_that_hr_runs_now_is_shown_and_one_that_is_left_out_is_not(parts: Parts) -> None:
    chosen = {"reminder_30": "skip", "reminder_14": "run_now"}
    shown = parts.departures.preview(replace(RESIGNS, last_day=date(2026, 3, 11), overdue=chosen))
    steps = {one.step for one in shown.said[Process.OFFBOARDING]}
    assert "reminder_14" in steps
    assert "reminder_30" not in steps


def test_a_late_start_lists_the_reminders_that_it_has_missed(parts: Parts) -> None:
    shown = parts.departures.preview(replace(RESIGNS, last_day=date(2026, 3, 11)))
    assert [one.step for one in shown.overdue] == ["reminder_30", "reminder_14"]
    assert any("劳动合同法37" in one for one in shown.warnings)
    made = start(parts, last_day=date(2026, 3, 11), overdue={"reminder_30": "skip"})
    with parts.database.reading() as session:
        assert session.get_one(Case, made.case_id).frozen["overdue"] == {"reminder_30": "skip"}


def test_the_preview_knows_what_the_ledger_says_is_owed(parts: Parts) -> None:
    with parts.database.reading() as session:
        owner = session.exec(select(Employment.id)).one()
    parts.database.write(
        lambda session: parts.ledger.book(session, loan(Voucher("loan/1", owner, TODAY, "account:x"), 300_00))
    )
    assert parts.departures.preview(RESIGNS).balances == {AccountKind.LOAN: 300_00}


def test_what_the_certificate_would_lack_is_told_before_the_start(parts: Parts) -> None:
    def on_record(**values: object) -> list[str]:
        with parts.database.transaction() as session:
            for table in (Person, Employment):
                for row in session.exec(select(table)):
                    for name, value in values.items():
                        if hasattr(row, name):
                            setattr(row, name, value)
                    session.add(row)
        return [one.split(" is ")[0] for one in parts.departures.preview(RESIGNS).warnings]

    assert on_record(post="操作工") == []
    assert on_record(post=None) == ["The post"]
    assert on_record(contract_ends_on=None) == ["The term of the contract", "The post"]
    assert on_record(contract_type="open_ended") == ["The post"]


def test_an_end_that_nobody_said_who_proposed_is_doubtful(parts: Parts) -> None:
    wish = replace(RESIGNS, kind=DepartureKind.MUTUAL)
    assert any("劳动合同法46" in one for one in parts.departures.preview(wish).warnings)
    said = replace(wish, proposed_by=ProposedBy.EMPLOYEE)
    assert not any("劳动合同法46" in one for one in parts.departures.preview(said).warnings)
    assert parts.departures.preview(said).proposed_by is ProposedBy.EMPLOYEE


def test_what_is_not_on_record_is_named(parts: Parts) -> None:
    with parts.database.transaction() as session:
        person = session.get_one(Person, person_id(parts))
        person.phone = person.service_address = person.e_delivery_consent_on = None
    shown = parts.departures.preview(RESIGNS)
    assert set(shown.missing) == {"phone", "service_address", "e_delivery_consent", "manager"}


# -- withdrawing ------------------------------------------------------------------------------------------


def test_a_withdrawal_frees_the_employment_and_keeps_the_history(parts: Parts) -> None:
    hold(parts, Track.DOCUMENTS, "D-1")
    made = start(parts)
    before = counts(parts)
    taken = withdraw(parts, made.case_id)
    with parts.database.reading() as session:
        departure = session.get_one(Departure, made.case_id)
        assert departure.withdrawn_at == taken.at
        assert departure.holds is None
        assert session.exec(select(Employment)).one().ended_on is None
        for case_id in (made.case_id, made.statutory_case_id):
            assert "plan.changed" in events(session, case_id)
        looks = session.exec(select(Outbox).where(Outbox.kind == "look")).all()
        assert made.statutory_case_id in {one.body["case"] for one in looks}
        lines = "".join(session.exec(select(EventRow.line)).all())
    assert "标记改变主意" not in lines
    after = counts(parts)
    assert [after[i] for i in (0, 1, 2, 3)] == [before[i] for i in (0, 1, 2, 3)]


def test_after_a_withdrawal_a_second_departure_has_ids_of_its_own(parts: Parts) -> None:
    first = start(parts)
    withdraw(parts, first.case_id)
    second = start(parts)
    assert second.case_id != first.case_id
    assert not second.existing
    with parts.database.reading() as session:
        case = session.get_one(Case, second.case_id)
        assert case.workflow_id.endswith("/2")
        assert session.get_one(Case, second.statutory_case_id).workflow_id.endswith("/2")


def test_a_withdrawal_reverses_what_the_departure_booked_and_nothing_else(parts: Parts) -> None:
    made = start(parts)
    with parts.database.reading() as session:
        owner = session.exec(select(Employment.id)).one()
        workflow = session.get_one(Case, made.case_id).workflow_id

    def book(session: Session) -> None:
        parts.ledger.book(session, loan(Voucher("loan/1", owner, TODAY, "account:x"), 100_00))
        due = Voucher(f"{workflow}/settlement/S/0", owner, TODAY, "settlement:S", made.case_id)
        parts.ledger.book(session, booking(PostingKind.WAGE_DUE, due, 900_00))
        paid = Voucher(f"{workflow}/settlement/S/1", owner, TODAY, "settlement:S", made.case_id)
        parts.ledger.book(session, booking(PostingKind.PAYMENT, paid, 900_00, AccountKind.WAGE_PAYABLE, None))

    parts.database.write(book)
    withdraw(parts, made.case_id)
    with parts.database.reading() as session:
        reversed_ids = {one.reverses_id for one in session.exec(select(Posting)) if one.reverses_id}
        keys = {one.key for one in session.exec(select(Posting)) if one.id in reversed_ids}
        balances = parts.ledger.balances(session, owner)
    assert keys == {f"{workflow}/settlement/S/0", f"{workflow}/settlement/S/1"}
    assert (balances[AccountKind.LOAN], balances[AccountKind.WAGE_PAYABLE]) == (100_00, 0)


def test_once_the_employment_has_ended_nothing_is_withdrawn_or_moved(parts: Parts) -> None:
    made = start(parts)
    with parts.database.transaction() as session:
        session.get_one(Departure, made.case_id).ended_on = date(2026, 3, 1)
    before = counts(parts)
    with pytest.raises(Refusal, match="new hiring date"):
        withdraw(parts, made.case_id)
    with pytest.raises(Refusal, match="last day stands"):
        move(parts, made.case_id, "2026-05-01")
    assert counts(parts) == before
    with parts.database.reading() as session:
        assert session.exec(select(ActRow)).all() == []


def test_a_withdrawal_twice_is_refused(parts: Parts) -> None:
    made = start(parts)
    withdraw(parts, made.case_id)
    with pytest.raises(Refusal, match="withdrawn already"):
        withdraw(parts, made.case_id)


# -- another last day -------------------------------------------------------------------------------------


def test_items_and_duties_follow_the_last_day(parts: Parts) -> None:
    hold(parts, Track.DOCUMENTS, "D-1")
    hold(parts, Track.DOCUMENTS, "D-2")
    made = start(parts)
    with parts.database.transaction() as session:
        kept = session.exec(select(HandoverItem).where(HandoverItem.reference == "D-2")).one()
        kept.due_on = date(2026, 4, 1)
    move(parts, made.case_id, "2026-04-30")
    with parts.database.reading() as session:
        assert session.get_one(Departure, made.case_id).last_day == date(2026, 4, 30)
        due = {one.reference: one.due_on for one in session.exec(select(HandoverItem))}
        assert due == {"D-1": date(2026, 4, 30), "D-2": date(2026, 4, 1)}
        duties = {one.kind: one.due_on for one in session.exec(select(Duty))}
        assert (duties["certificate"], duties["file_transfer"]) == (date(2026, 4, 30), date(2026, 5, 15))
        for case_id in (made.case_id, made.statutory_case_id):
            assert "plan.changed" in events(session, case_id)


@pytest.mark.parametrize(
    ("on", "words"),
    [
        ("2026-03-01", "in the past"),
        ("2026-04-15", "the last day already"),
        ("2030-04-15", "years ahead"),
        ("2026-02-30", "a day that exists"),
    ],
)
def test_a_day_that_cannot_be_the_last_is_refused_and_moves_nothing(
    parts: Parts, on: str, words: str
) -> None:
    made = start(parts)
    before = counts(parts)
    with pytest.raises(Refusal, match=words) as refusal:
        move(parts, made.case_id, on)
    assert refusal.value.field == "on"
    assert counts(parts) == before
    with parts.database.reading() as session:
        assert session.get_one(Departure, made.case_id).last_day == date(2026, 4, 15)


def test_a_delivered_notice_fixes_the_day(parts: Parts) -> None:
    made = start(parts, DISMISSED)
    with parts.database.transaction() as session:
        session.get_one(Departure, made.case_id).served_on = TODAY
    with pytest.raises(Refusal, match="was delivered"):
        move(parts, made.case_id, "2026-03-20")


def test_duties_of_a_notice_that_is_not_delivered_keep_waiting_for_their_day(parts: Parts) -> None:
    made = start(parts, DISMISSED)
    move(parts, made.case_id, "2026-03-20")
    with parts.database.reading() as session:
        assert {one.due_on for one in session.exec(select(Duty))} == {None}


def test_only_the_offboarding_case_can_be_withdrawn_or_moved(parts: Parts) -> None:
    made = start(parts)
    with pytest.raises(Refusal, match="no departure"):
        withdraw(parts, made.statutory_case_id)
