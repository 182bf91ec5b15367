"""The gate before every message: what never leaves, what waits, and how much leaves in a day."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from countersign.adapters.database.receipts import Receipt
from countersign.adapters.database.stops import StopScope
from countersign.adapters.database.tables import Branch, Case, Delivery, OptOut
from countersign.contracts.cases import ActKind, Role
from countersign.contracts.notices import SendResult
from countersign.contracts.sending import OutcomeState
from countersign.domain.policy import Audience, Channel
from countersign.domain.receipts import DeliveryState
from countersign.ports import SendTicket
from tests.support.company import BEIJING, PHONE
from tests.support.outgoing import NOW, Outgoing, outgoing

NOTHING_LEFT = "delivery.suppressed"


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Outgoing]:
    with outgoing(tmp_path, person_daily_cap=2, company_daily_cap=3) as made:
        yield made


# -- never -----------------------------------------------------------------------------------------------


def test_after_an_answer_nothing_leaves_and_the_evidence_says_why(out: Outgoing) -> None:
    delivery = out.lay_out()
    out.act(ActKind.RETURNS_ON, Role.EMPLOYEE, body={"on": "2026-02-25"})
    assert out.suppressed(delivery) == "answered"
    assert out.state(delivery) == "suppressed"
    assert [event["because"] for event in out.events(NOTHING_LEFT)] == ["the person has answered"]
    assert out.suppressed(delivery) is None  # settled: it is not asked about again
    assert len(out.events(NOTHING_LEFT)) == 1


def test_an_answer_that_came_too_late_or_was_refused_stops_nothing(out: Outgoing) -> None:
    act = out.act(ActKind.RETURNS_ON, Role.EMPLOYEE, body={"on": "2026-02-25"})
    out.parts.acts.refuse(act, "the case refuses it")
    assert isinstance(out.begin(out.lay_out()), SendTicket)


def test_an_acknowledgement_does_not_end_a_leave_return(out: Outgoing) -> None:
    out.act(ActKind.ACKNOWLEDGED, Role.EMPLOYEE)
    assert isinstance(out.begin(out.lay_out()), SendTicket)


def test_a_closed_case_sends_nothing(out: Outgoing) -> None:
    delivery = out.lay_out()
    out.change(Case, out.case_id, state="closed")
    assert out.suppressed(delivery) == "closed"


def test_not_me_closes_the_address_in_this_case_alone(out: Outgoing) -> None:
    first, elsewhere = out.send(), out.second_case()
    out.act(ActKind.NOT_ME, Role.EMPLOYEE, link_id=first)
    assert out.suppressed(out.lay_out()) == "not_me"
    assert isinstance(out.begin(out.lay_out(channel=Channel.EMAIL)), SendTicket)
    out.later(days=1)
    assert isinstance(out.begin(out.lay_out(elsewhere)), SendTicket)


def test_an_opted_out_number_is_closed_in_every_case_and_its_owner_keeps_other_channels(
    out: Outgoing,
) -> None:
    with out.parts.database.transaction() as session:
        session.add(OptOut(address=PHONE, channel="sms", reason="21610", created_at=NOW))
    elsewhere = out.second_case()
    assert [out.suppressed(out.lay_out(case)) for case in (out.case_id, elsewhere)] == ["opted_out"] * 2
    assert isinstance(out.begin(out.lay_out(channel=Channel.EMAIL)), SendTicket)
    assert isinstance(out.begin(out.lay_out(out.other_person())), SendTicket)


def test_what_can_never_leave_is_not_held(out: Outgoing) -> None:
    out.parts.stops.set(StopScope.COMPANY, None, "drill", "hr")
    delivery = out.lay_out()
    out.act(ActKind.CANCEL, words={"reason": "x"})
    assert out.suppressed(delivery) == "answered"


# -- not now ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [ActKind.PAUSE, ActKind.SKIP, ActKind.JUMP, ActKind.SNOOZE])
def test_an_act_that_changes_the_course_holds_messages_until_it_took_effect(
    out: Outgoing, kind: ActKind
) -> None:
    delivery = out.lay_out()
    act = out.act(kind, words={"reason": "x"})
    assert out.held(delivery) == SendResult(out.held(delivery).state, "paused")
    out.parts.acts.refuse(act, "not now")
    assert isinstance(out.begin(delivery), SendTicket)


def test_a_paused_case_holds_its_messages(out: Outgoing) -> None:
    delivery = out.lay_out()
    out.change(Case, out.case_id, state="paused")
    assert out.held(delivery).code == "paused"
    assert out.row(Delivery, delivery).held_why == "paused"
    out.change(Case, out.case_id, state="running")
    assert isinstance(out.begin(delivery), SendTicket)
    assert out.row(Delivery, delivery).held_why is None


# -- caps ------------------------------------------------------------------------------------------------


def test_a_person_has_so_many_messages_a_day_and_the_next_is_for_tomorrow(out: Outgoing) -> None:
    out.send(), out.send()
    delivery = out.lay_out()
    held = out.held(delivery)
    assert held.code == "cap_of_person"
    assert held.not_before == datetime(2026, 2, 24, 16, tzinfo=UTC)  # midnight in Beijing
    out.now = held.not_before - timedelta(seconds=1)
    assert out.held(delivery).code == "cap_of_person"
    out.now = held.not_before
    assert isinstance(out.begin(delivery), SendTicket)


def test_another_person_is_not_held_and_all_cases_of_one_person_count_together(out: Outgoing) -> None:
    elsewhere, somebody = out.second_case(), out.other_person()
    out.send(), out.send(out.lay_out(elsewhere))
    assert out.held(out.lay_out(elsewhere)).code == "cap_of_person"
    assert isinstance(out.begin(out.lay_out(somebody)), SendTicket)


def test_messages_to_a_relative_do_not_count_as_the_employees(out: Outgoing) -> None:
    out.send(), out.send()
    relative = out.lay_out(audience=Audience.EMERGENCY_CONTACT, template="emergency_contact")
    assert isinstance(out.begin(relative), SendTicket)


def test_the_company_has_so_many_messages_a_day(out: Outgoing) -> None:
    somebody = out.other_person()
    out.send(), out.send(), out.send(out.lay_out(somebody))
    held = out.held(out.lay_out(somebody))
    assert (held.code, held.not_before) == ("cap_of_company", datetime(2026, 2, 24, 16, tzinfo=UTC))


def test_a_failed_attempt_reached_nobody_and_does_not_count(out: Outgoing) -> None:
    for state, code in (
        (OutcomeState.FAILED_TEMPORARY, "sms_not_connected"),
        (OutcomeState.FAILED_PERMANENT, "21211"),
    ):
        out.fail(out.lay_out(), state, code)
    out.send(), out.send()
    assert out.held(out.lay_out()).code == "cap_of_person"


def test_what_may_have_left_counts(out: Outgoing) -> None:
    assert isinstance(out.begin(out.lay_out()), SendTicket)
    out.fail(out.lay_out(), OutcomeState.UNKNOWN, "sms_no_reply")
    assert out.held(out.lay_out()).code == "cap_of_person"


def test_a_message_of_which_only_the_receipt_came_counts(out: Outgoing) -> None:
    for _ in range(2):
        delivery = out.lay_out()
        out.fail(delivery, OutcomeState.UNKNOWN, "sms_no_reply")
        out.parts.receipts.take(Receipt(DeliveryState.DELIVERED, delivery))
    assert out.held(out.lay_out()).code == "cap_of_person"


def test_the_inbox_of_the_system_and_letters_are_no_messages(out: Outgoing) -> None:
    for _ in range(3):
        out.lay_out(channel=Channel.IN_SYSTEM)
    assert isinstance(out.begin(out.lay_out()), SendTicket)


def test_the_day_is_the_branchs_day(out: Outgoing) -> None:
    out.change(Branch, BEIJING, zone="America/Los_Angeles")
    out.send(), out.send()  # 18:00 of the 23rd in Los Angeles
    held = out.held(out.lay_out())
    assert held.not_before == datetime(2026, 2, 24, 8, tzinfo=UTC)
    out.now = datetime(2026, 2, 24, 7, 59, tzinfo=UTC)
    assert out.held(out.lay_out()).code == "cap_of_person"
    out.now = datetime(2026, 2, 24, 8, tzinfo=UTC)
    assert isinstance(out.begin(out.lay_out()), SendTicket)


def test_tomorrow_begins_at_midnight_of_the_zone_also_when_clocks_change(out: Outgoing) -> None:
    out.change(Branch, BEIJING, zone="America/New_York")
    out.now = datetime(2026, 3, 8, 5, 30, tzinfo=UTC)  # 00:30, two and a half hours before clocks go forward
    out.send(), out.send()
    assert out.held(out.lay_out()).not_before == datetime(2026, 3, 9, 4, tzinfo=UTC)


def test_a_cap_is_told_once_a_day_in_evidence_and_alarms(out: Outgoing) -> None:
    out.send(), out.send()
    delivery = out.lay_out()
    for _ in range(3):
        out.held(delivery)
        out.later(hours=2)
    told = out.events("notice.nothing_sent")
    assert [(one["because"], one["not_before"]) for one in told] == [
        ("cap_of_person", "2026-02-25T00:00:00+08:00")
    ]
    assert out.alarms() == ["cap_of_person"]


# -- stops -----------------------------------------------------------------------------------------------


def test_a_stop_is_told_once_a_day_in_the_evidence(out: Outgoing) -> None:
    out.parts.stops.set(StopScope.COMPANY, None, "drill", "hr")
    delivery = out.lay_out()
    for _ in range(3):
        out.held(delivery)
        out.later(hours=3)  # 10:00, 13:00, 16:00
    assert [one["because"] for one in out.events("notice.nothing_sent")] == ["sending_stopped"]
    out.now = NOW + timedelta(days=1)
    out.held(delivery)
    assert len(out.events("notice.nothing_sent")) == 2


def test_a_stop_does_not_use_up_the_day(out: Outgoing) -> None:
    stop = out.parts.stops.set(StopScope.COMPANY, None, "drill", "hr")
    waiting = [out.lay_out(), out.lay_out()]
    for delivery in waiting:
        assert out.held(delivery).not_before is None
    out.parts.stops.release(stop.id, "hr", None)
    for delivery in waiting:
        assert isinstance(out.begin(delivery), SendTicket)
