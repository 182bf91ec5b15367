"""What leavers answer: kept once, changed for a while, sealed for good, erased with the person."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from countersign.adapters.database.evidence import NEVER_HANDED_OUT
from countersign.adapters.database.gate_book import gate_of
from countersign.adapters.database.questionnaires import Said
from countersign.adapters.database.reports import Span
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import (
    ActRow,
    Case,
    Departure,
    DisclosureRow,
    Employment,
    EventRow,
    Outbox,
    QuestionnaireReply,
)
from countersign.bootstrap import Parts
from countersign.domain.bundle import read_container, verify_bundle
from countersign.domain.departure import DepartureKind
from countersign.domain.evidence import EventKind
from countersign.domain.questionnaire import GROUP, Reply
from countersign.domain.refusal import Refusal
from countersign.ids import new_id
from tests.support.asking import ANSWERS, ask, ended, reply, standard
from tests.support.company import BEIJING, SHANGHAI, add_colleague, add_shanghai, company
from tests.support.leaving import leaving

LAST_DAY = date(2026, 3, 31)
HR = {"role": "hr", "id": "token:x"}
SECRET = "加班太多。"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 20, 2, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def parts(tmp_path: Path, clock: Clock) -> Parts:
    return company(tmp_path, clock)


@pytest.fixture
def case(parts: Parts) -> str:
    found = leaving(parts, LAST_DAY)
    ask(parts, found)
    with parts.database.transaction() as session:
        body = {"case": found, "process": "offboarding"}
        row = session.get_one(Case, found)
        parts.evidence.append(session, row, "started", parts.clock(), EventKind.CASE_STARTED, HR, body)
    return found


def events(parts: Parts) -> list[EventRow]:
    with parts.database.reading() as session:
        kinds = select(EventRow).where(EventRow.kind == "questionnaire.answered").order_by(EventRow.seq)
        return list(session.exec(kinds))


def closed(session: Session, case: str) -> None:
    row = session.get_one(Case, case)
    row.state, row.closed_at = "closed", datetime(2026, 4, 1, tzinfo=UTC)


def test_an_answer_is_kept_once_and_sealed_and_moves_nothing(parts: Parts, case: str) -> None:
    with parts.database.reading() as session:
        before = gate_of(session, session.get_one(Departure, case)).codes
        waiting = session.exec(select(Outbox)).all()
    for _ in range(2):
        asked = reply(parts, case, form="f1")
    assert (asked.reply, dict(asked.answers)) == (Reply.ANSWERED, ANSWERS)
    (event,) = events(parts)
    assert not any(word in event.line for word in (SECRET, "manager", "declined", '"answered"'))
    with parts.database.reading() as session:
        assert gate_of(session, session.get_one(Departure, case)).codes == before
        assert session.exec(select(Outbox)).all() == waiting
        assert session.exec(select(ActRow)).all() == []


def test_an_earlier_form_that_comes_again_does_not_undo_a_later_one(parts: Parts, case: str) -> None:
    reply(parts, case, {"reason": "pay"}, form="f1")
    reply(parts, case, {"reason": "team"}, form="f2")
    assert reply(parts, case, {"reason": "pay"}, form="f1").answers == {"reason": "team"}
    assert len(events(parts)) == 2


def test_what_is_not_asked_is_not_kept(parts: Parts, case: str) -> None:
    assert reply(parts, case, {"reason": "pay", "salary": "9", "words": ""}).answers == {"reason": "pay"}


def test_answers_can_be_taken_back_and_given_again(parts: Parts, case: str) -> None:
    first = reply(parts, case)
    taken_back = reply(parts, case, None)
    assert (taken_back.reply, dict(taken_back.answers)) == (Reply.DECLINED, {})
    again = reply(parts, case, {"reason": "team"})
    assert (again.reply, again.first_at) == (Reply.ANSWERED, first.first_at)
    # From the chain nobody can tell a refusal from an answer.
    shapes = [set(json.loads(one.line)["body"]) for one in events(parts)]
    assert shapes[0] == shapes[1]


def test_it_can_be_answered_until_the_last_day_and_two_weeks_also_when_the_case_is_closed(
    parts: Parts, case: str, clock: Clock
) -> None:
    with parts.database.transaction() as session:
        closed(session, case)
    clock.now = datetime(2026, 4, 14, 15, 59, tzinfo=UTC)  # 23:59 in Beijing
    assert reply(parts, case, form="f1").is_open
    clock.now += timedelta(minutes=1)
    with pytest.raises(Refusal, match="its time is over"):
        reply(parts, case, {"reason": "team"}, form="f2")
    found = parts.questionnaires.read(Scope(), case)
    assert found is not None
    assert found.asked is not None
    assert (found.asked.is_open, dict(found.asked.answers)) == (False, ANSWERS)


def test_nobody_who_stays_is_asked_any_more(parts: Parts, case: str) -> None:
    with parts.database.transaction() as session:
        session.get_one(Departure, case).withdrawn_at = parts.clock()
    with pytest.raises(Refusal):
        reply(parts, case)


def test_somebody_else_cannot_answer_nor_read(parts: Parts, case: str) -> None:
    other = add_colleague(parts, "E2001")
    assert parts.questionnaires.of_leaver(case, other) is None
    with pytest.raises(LookupError):
        parts.questionnaires.take(case, Said("f1", other, {"reason": "pay"}))
    assert events(parts) == []
    add_shanghai(parts)
    assert parts.questionnaires.read(Scope(SHANGHAI), case) is None
    assert parts.questionnaires.read(Scope(BEIJING), case) is not None


def test_departures_are_not_asked_whose_policy_asks_nothing_or_another_kind(parts: Parts, case: str) -> None:
    with parts.database.transaction() as session:
        session.get_one(Case, case).frozen = {}
    assert_not_asked(parts, case)
    ask(parts, case, replace(standard(), kinds=(DepartureKind.MUTUAL,)))
    assert_not_asked(parts, case)


def assert_not_asked(parts: Parts, case: str) -> None:
    found = parts.questionnaires.read(Scope(), case)
    assert found is not None
    assert found.asked is None
    with pytest.raises(LookupError):
        reply(parts, case)


# -- evidence and erasure ---------------------------------------------------------------------------------


def test_no_reader_of_the_chain_gets_the_answers_and_the_bundle_still_verifies(
    parts: Parts, case: str
) -> None:
    reply(parts, case)
    with parts.database.reading() as session:
        _, opened = parts.evidence.chain(session, case)
        sealed = session.exec(select(DisclosureRow.value).where(DisclosureRow.case_id == case)).all()
    assert any(SECRET in value for value in sealed)
    assert not any(SECRET in one.value for one in opened)
    made = parts.exporter.export(Scope(), case, HR, redact=False, language="zh-CN")
    assert made is not None
    assert verify_bundle(made.data).ok
    entries = read_container(made.data)
    assert not any(SECRET.encode() in data for data in entries.values())
    assert b'"questionnaire.answered"' in entries["events.jsonl"]
    assert {"questionnaire.answered"} == NEVER_HANDED_OUT


def test_answers_are_erased_with_the_person_and_none_come_after(parts: Parts, case: str) -> None:
    reply(parts, case)
    with parts.database.transaction() as session:
        closed(session, case)
    parts.eraser.erase(case, HR, "asked for")
    with parts.database.reading() as session:
        assert session.exec(select(QuestionnaireReply)).all() == []
        sealed = session.exec(select(DisclosureRow.value).where(DisclosureRow.case_id == case)).all()
        assert not any(SECRET in value for value in sealed)
    with pytest.raises(Refusal):
        reply(parts, case, {"reason": "team"})
    made = parts.exporter.unrecorded(Scope(), case, language="en")
    assert made is not None
    assert verify_bundle(made.data).ok


# -- figures ----------------------------------------------------------------------------------------------


def leavers(parts: Parts, many: int, branch: str = BEIJING, first: date = date(2026, 1, 5)) -> list[str]:
    """Let several people leave, a day after each other, and answer; return their cases."""
    made = []
    for number in range(many):
        day = first + timedelta(days=number)
        one = f"E{branch[-2:]}{first:%m}{number:02}"
        person = add_colleague(parts, one, branch_id=branch)
        with parts.database.transaction() as session:
            session.add(Employment(id=new_id(), person_id=person, hired_on=date(2020, 1, 1)))
        found = leaving(parts, day, one, branch=branch)
        ask(parts, found)
        with parts.database.transaction() as session:
            session.get_one(Departure, found).last_day = date(2026, 6, 1)
        reply(parts, found, {"reason": "pay", "manager": str(number % 5 + 1)})
        ended(parts, found, day)
        made.append(found)
    return made


SPAN = Span(date(2026, 1, 1), date(2026, 3, 31))


def counted(parts: Parts, scope: Scope | None = None, span: Span = SPAN) -> dict[str, int]:
    found = parts.questionnaires.figures(scope or Scope(), span, parts.clock())
    return {one.question.id: one.counted for one in found}


def test_four_answers_are_too_few_and_the_fifth_shows_them_all(parts: Parts) -> None:
    leavers(parts, GROUP - 1)
    assert counted(parts) == {}
    leavers(parts, 1, first=date(2026, 2, 1))
    (reason, manager) = parts.questionnaires.figures(Scope(), SPAN, parts.clock())
    assert (reason.counted, reason.counts["pay"]) == (5, 5)
    assert (manager.counted, manager.mean) == (5, 2.2)


def test_branches_are_counted_apart_and_a_branch_sees_its_own(parts: Parts) -> None:
    add_shanghai(parts)
    leavers(parts, 6)
    leavers(parts, 4, branch=SHANGHAI, first=date(2026, 2, 1))
    assert counted(parts)["reason"] == 5
    assert counted(parts, Scope(BEIJING))["reason"] == 5
    assert counted(parts, Scope(SHANGHAI)) == {}


def test_a_span_that_begins_later_makes_no_other_groups(parts: Parts) -> None:
    leavers(parts, 6)
    assert counted(parts, span=Span(date(2026, 1, 6), date(2026, 1, 31))) == {}
    assert counted(parts, span=Span(date(2026, 1, 5), date(2026, 1, 9)))["reason"] == 5


def test_what_can_still_be_changed_or_was_declined_or_withdrawn_does_not_count(
    parts: Parts, clock: Clock
) -> None:
    made = leavers(parts, 5)
    assert counted(parts)["reason"] == 5
    clock.now = datetime(2026, 1, 23, 15, 59, tzinfo=UTC)  # the last one can change it until this midnight
    assert counted(parts) == {}
    clock.now += timedelta(minutes=1)
    assert counted(parts)["reason"] == 5
    with parts.database.transaction() as session:
        session.get_one(Departure, made[0]).withdrawn_at = parts.clock()
    assert counted(parts) == {}


def test_the_groups_are_the_same_for_every_reader(parts: Parts) -> None:
    made = leavers(parts, 5)
    with parts.database.reading() as session:
        mine = session.get_one(Departure, made[0]).person_id
    assert counted(parts, Scope(own=mine)) == counted(parts)
