"""Attempts: begun at most once whoever asks, ended in every way, never taken back by a slower word."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from countersign.adapters.database.receipts import Receipt
from countersign.adapters.database.tables import Alarm, Delivery, OptOut, ProviderHealth
from countersign.contracts.notices import NextAttemptOrder, SendResult, SendState
from countersign.contracts.sending import MailMessage, OutcomeState, SmsMessage
from countersign.domain.policy import Channel
from countersign.domain.receipts import DeliveryState
from countersign.ports import SendTicket
from tests.support.company import EMAIL, NAME, PHONE
from tests.support.outgoing import NOW, Outgoing, outgoing

AWAY = (OutcomeState.FAILED_TEMPORARY, "sms_not_connected")


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Outgoing]:
    with outgoing(tmp_path, public_base_url="https://hr.example.cn", person_daily_cap=100) as made:
        yield made


# -- beginning -------------------------------------------------------------------------------------------


def test_the_ticket_carries_the_finished_text_and_the_address_under_which_it_is_reported(
    out: Outgoing,
) -> None:
    delivery = out.lay_out()
    ticket = out.begin(delivery)
    assert isinstance(ticket, SendTicket)
    assert isinstance(ticket.message, SmsMessage)
    assert (ticket.message.to, ticket.provider, ticket.sending_at) == (PHONE, "twilio", NOW)
    assert ticket.message.text == out.row(Delivery, delivery).text
    assert ticket.message.delivery_code in ticket.message.text
    assert ticket.message.status_callback == f"https://hr.example.cn/hooks/twilio/status/{delivery}"
    (event,) = out.events("delivery.sending")
    assert (event["delivery"], event["provider"]) == (delivery, "twilio")


def test_two_workers_that_begin_the_same_delivery_get_one_ticket(out: Outgoing) -> None:
    delivery = out.lay_out()
    with ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(lambda number: out.begin(delivery, f"worker-{number}"), range(4)))
    tickets = [end for end in ends if isinstance(end, SendTicket)]
    assert len(tickets) == 1
    assert {end.state for end in ends if isinstance(end, SendResult)} == {SendState.UNKNOWN}
    assert len(out.events("delivery.sending")) == 1


def test_a_worker_that_was_taken_for_lost_may_still_say_how_it_ended(out: Outgoing) -> None:
    delivery = out.lay_out()
    out.begin(delivery, "worker-1")
    lost = out.begin(delivery, "worker-2")
    assert lost == SendResult(SendState.UNKNOWN, "worker_lost")
    assert out.begin(delivery, "worker-3") == lost
    out.finish(delivery, provider_id="SM1", token="worker-1")
    kept = out.row(Delivery, delivery)
    assert (kept.state, kept.provider_id) == ("sent", "SM1")
    assert out.begin(delivery, "worker-4") == SendResult(SendState.ACCEPTED)


def test_the_word_of_a_worker_without_the_ticket_counts_for_nothing(out: Outgoing) -> None:
    delivery = out.lay_out()
    out.begin(delivery, "worker-1")
    out.finish(delivery, provider_id="SM9", token="worker-2")
    assert (out.state(delivery), out.row(Delivery, delivery).provider_id) == ("sending", None)


def test_the_window_that_closed_is_kept_as_the_reason(out: Outgoing) -> None:
    delivery = out.lay_out()
    out.parts.sendings.held(out.order(delivery), "window_closed")
    assert out.row(Delivery, delivery).held_why == "window_closed"
    assert [one["because"] for one in out.events("notice.nothing_sent")] == ["window_closed"]
    assert out.state(delivery) == "pending"


# -- ending ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "code", "kept", "kind"),
    [
        (OutcomeState.FAILED_TEMPORARY, "20429", "failed_temporary", "delivery.failed"),
        (OutcomeState.FAILED_PERMANENT, "21211", "failed_permanent", "delivery.failed"),
        (OutcomeState.UNKNOWN, "sms_no_reply", "unknown", "delivery.unknown"),
    ],
)
def test_every_end_stands_in_the_books_and_the_evidence(
    out: Outgoing, state: OutcomeState, code: str, kept: str, kind: str
) -> None:
    delivery = out.lay_out()
    out.fail(delivery, state, code)
    row = out.row(Delivery, delivery)
    assert (row.state, row.error_code, row.sentence) == (kept, code, f"the test says {code}")
    assert row.sent_at is None
    (event,) = out.events(kind)
    assert (event["code"], event["says"]) == (code, f"the test says {code}")


def test_a_report_that_is_faster_than_the_answer_is_not_taken_back(out: Outgoing) -> None:
    delivery = out.lay_out()
    out.begin(delivery)
    out.parts.receipts.take(Receipt(DeliveryState.DELIVERED, delivery, "SM1"))
    out.finish(delivery, provider_id="SM1")
    row = out.row(Delivery, delivery)
    assert (row.state, row.provider_id, row.sent_at) == ("delivered", "SM1", NOW)
    assert [len(out.events(f"delivery.{kind}")) for kind in ("delivered", "sent")] == [1, 1]


def test_an_answer_that_was_lost_takes_nothing_back_either(out: Outgoing) -> None:
    delivery = out.lay_out()
    out.begin(delivery)
    out.parts.receipts.take(Receipt(DeliveryState.SENT, delivery, "SM1"))
    out.finish(delivery, OutcomeState.UNKNOWN, "sms_no_reply")
    row = out.row(Delivery, delivery)
    assert (row.state, row.provider_id, row.error_code) == ("sent", "SM1", None)
    assert out.parts.sendings.ticket_of_unknown(out.order(delivery)) == SendResult(SendState.ACCEPTED)


def test_a_number_that_the_provider_refuses_as_opted_out_is_closed_at_once(out: Outgoing) -> None:
    out.fail(out.lay_out(), OutcomeState.FAILED_PERMANENT, "21610")
    (closed,) = out.rows(OptOut)
    assert (closed.address, closed.channel, closed.reason) == (PHONE, "sms", "21610")
    assert out.suppressed(out.lay_out()) == "opted_out"


# -- looking for what may have left ------------------------------------------------------------------------


def test_a_message_found_later_is_settled_as_sent(out: Outgoing) -> None:
    delivery = out.lay_out()
    out.fail(delivery, OutcomeState.UNKNOWN, "sms_no_reply")
    ticket = out.parts.sendings.ticket_of_unknown(out.order(delivery))
    assert isinstance(ticket, SendTicket)
    assert ticket.sending_at == NOW
    out.finish(delivery, provider_id="SM1", token=None)
    assert (out.state(delivery), out.row(Delivery, delivery).provider_id) == ("sent", "SM1")
    assert [one["state"] for one in out.events("delivery.settled")] == ["sent"]


def test_a_message_that_the_provider_does_not_know_stays_unknown(out: Outgoing) -> None:
    delivery = out.lay_out()
    out.fail(delivery, OutcomeState.UNKNOWN, "sms_no_reply")
    out.parts.sendings.not_found(out.order(delivery))
    out.parts.sendings.not_found(out.order(delivery))
    assert out.state(delivery) == "unknown"
    assert [one["code"] for one in out.events("delivery.settled")] == ["not_found"]


def test_the_next_attempt_has_a_code_of_its_own_and_says_that_it_may_be_a_duplicate(out: Outgoing) -> None:
    delivery = out.lay_out()
    out.fail(delivery, OutcomeState.UNKNOWN, "sms_no_reply")
    order = NextAttemptOrder(out.case_id, delivery, out.now, possible_duplicate=True)
    second = out.parts.notices.next_attempt(order).delivery_id
    assert out.parts.notices.next_attempt(order).delivery_id == second
    first, again = out.row(Delivery, delivery), out.row(Delivery, second)
    assert (again.attempt, again.possible_duplicate) == (2, True)
    assert again.code != first.code
    out.send(second)
    assert [one["possible_duplicate"] for one in out.events("delivery.sending")] == [False, True]


# -- a provider that is away -----------------------------------------------------------------------------


def fails(out: Outgoing, how: tuple[OutcomeState, str] = AWAY) -> None:
    out.fail(out.lay_out(), *how)


def test_a_provider_that_fails_for_two_minutes_is_told_once(out: Outgoing) -> None:
    fails(out)
    out.later(seconds=119)
    fails(out)
    assert out.alarms() == []
    out.later(seconds=1)
    fails(out)
    assert out.alarms() == ["provider_down"]
    assert out.rows(Alarm)[0].sentence.endswith("(twilio)")
    out.later(hours=3)
    fails(out)
    assert out.alarms() == ["provider_down"]


def test_a_success_in_between_begins_the_two_minutes_anew_and_the_next_outage_is_told_again(
    out: Outgoing,
) -> None:
    for _ in range(2):
        fails(out)
        out.later(minutes=1)
        out.send()
        assert out.row(ProviderHealth, "twilio").failing_since is None
        out.later(minutes=1)
        fails(out)
        out.later(minutes=2)
        fails(out)
    assert out.alarms() == ["provider_down"] * 2


def test_a_refusal_is_an_answer_too_and_shows_that_the_provider_is_there(out: Outgoing) -> None:
    fails(out)
    out.later(minutes=3)
    fails(out, (OutcomeState.FAILED_PERMANENT, "21211"))
    out.later(minutes=1)
    fails(out)
    assert out.alarms() == []


def test_a_mail_server_that_is_away_does_not_speak_for_the_text_messages(out: Outgoing) -> None:
    for _ in range(2):
        out.fail(out.lay_out(channel=Channel.EMAIL), OutcomeState.FAILED_TEMPORARY, "smtp_not_connected")
        out.send()
        out.later(minutes=2)
    assert [alarm.sentence[-6:] for alarm in out.rows(Alarm)] == ["(smtp)"]


def test_settings_that_a_provider_refuses_are_told_once_an_hour_and_content_each_time(
    out: Outgoing,
) -> None:
    for _ in range(2):
        fails(out, (OutcomeState.FAILED_TEMPORARY, "20003"))
        fails(out, (OutcomeState.FAILED_PERMANENT, "21617"))
        out.later(minutes=30)
    assert sorted(out.alarms()) == ["content_refused"] * 2 + ["provider_settings"]
    out.later(minutes=31)
    fails(out, (OutcomeState.FAILED_TEMPORARY, "20003"))
    assert out.alarms().count("provider_settings") == 2


# -- asking for reports ----------------------------------------------------------------------------------


def test_what_left_is_asked_about_ever_more_seldom_and_then_no_more(out: Outgoing) -> None:
    delivery, rest = out.send(), timedelta(minutes=30)
    asked_at = []
    while out.now < NOW + timedelta(days=30):
        if out.parts.sendings.without_report(out.now - rest) == [delivery]:
            _, provider_id = out.parts.sendings.ask_about(delivery, rest)
            assert provider_id == "SM1"
            asked_at.append((out.now - NOW) // timedelta(minutes=1))
        out.later(minutes=10)
    assert asked_at == [40, 70, 130, 250, 490, 970, 1930, 3850, 7690]


def test_only_text_messages_without_a_final_report_are_asked_about(out: Outgoing) -> None:
    sent, delivered, failed, unknown = (out.lay_out() for _ in range(4))
    for number, delivery in enumerate((sent, delivered, failed)):
        out.send(delivery, f"SM{number}")
    out.parts.receipts.take(Receipt(DeliveryState.DELIVERED, delivered))
    out.parts.receipts.take(Receipt(DeliveryState.FAILED_TEMPORARY, failed, code="30003"))
    out.fail(unknown, OutcomeState.UNKNOWN, "sms_no_reply")
    out.send(out.lay_out(channel=Channel.EMAIL), "")
    out.lay_out()
    assert out.parts.sendings.without_report(NOW) == []
    out.later(seconds=1)
    assert sorted(out.parts.sendings.without_report(out.now)) == sorted([sent, unknown])


# -- confidential notices ----------------------------------------------------------------------------------


def test_what_leaves_for_a_confidential_notice_names_neither_person_nor_matter(out: Outgoing) -> None:
    for channel in (Channel.SMS, Channel.EMAIL):
        ticket = out.begin(out.lay_out(channel=channel, confidential=True))
        assert isinstance(ticket, SendTicket)
        words = ticket.message.text
        if isinstance(ticket.message, MailMessage):
            words += ticket.message.subject
            assert (ticket.message.to, ticket.message.subject) == (EMAIL, "示例公司")
        assert "本人确认身份" in words
        for told in (NAME, NAME[1:], "返岗", "休假", "病假", "2026"):
            assert told not in words, (channel, told)
