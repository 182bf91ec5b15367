"""Receipts: any order, any number, matched to their delivery, and told to the case that must react."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from countersign.adapters.database.outbox import OutboxBook
from countersign.adapters.database.receipts import Receipt
from countersign.adapters.database.tables import Case, Delivery, OptOut, Outbox
from countersign.contracts.notices import ReceiptReport, SendState
from countersign.contracts.sending import OutcomeState
from countersign.domain.receipts import DeliveryState
from countersign.ports import SendTicket
from tests.support.company import PHONE
from tests.support.outgoing import NOW, Outgoing, outgoing

DELIVERED, SENT = DeliveryState.DELIVERED, DeliveryState.SENT
FOR_GOOD, FOR_NOW = DeliveryState.FAILED_PERMANENT, DeliveryState.FAILED_TEMPORARY


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Outgoing]:
    with outgoing(tmp_path) as made:
        yield made


def take(out: Outgoing, state: DeliveryState, delivery: str | None = None, **more: str) -> str | None:
    return out.parts.receipts.take(Receipt(state, delivery, **more))


def told(out: Outgoing) -> list[ReceiptReport]:
    """Return what running cases are to be told of reports, the oldest first."""
    book: OutboxBook = out.parts.outbox
    rows = sorted(out.rows(Outbox), key=lambda row: row.id)
    return [book.report(row.body) for row in rows if row.kind == "tell_receipt"]


def test_a_report_is_matched_by_the_delivery_in_its_address_or_by_the_providers_id(out: Outgoing) -> None:
    first, second = out.send(provider_id="SM1"), out.send(provider_id="SM2")
    assert take(out, DELIVERED, provider_id="SM1") == out.case_id
    assert take(out, DELIVERED, second, provider_id="SM2") == out.case_id
    assert [out.state(one) for one in (first, second)] == ["delivered"] * 2


@pytest.mark.parametrize("named", [{}, {"provider_id": ""}, {"provider_id": "SM404"}, {"delivery_id": "no"}])
def test_a_report_about_nothing_of_ours_changes_nothing(out: Outgoing, named: dict[str, str]) -> None:
    waiting, sent = out.lay_out(), out.send()
    assert out.parts.receipts.take(Receipt(DELIVERED, **named)) is None
    assert [out.state(one) for one in (waiting, sent)] == ["pending", "sent"]


def test_a_delivery_that_is_unknown_by_its_id_is_found_by_the_providers(out: Outgoing) -> None:
    delivery = out.send()
    assert take(out, DELIVERED, "01UNKNOWN00000000000000000", provider_id="SM1") == out.case_id
    assert out.state(delivery) == "delivered"


def test_the_id_in_the_address_wins_over_another_messages_provider_id(out: Outgoing) -> None:
    first, second = out.send(provider_id="SM1"), out.send(provider_id="SM2")
    take(out, DELIVERED, first, provider_id="SM2")
    assert [out.state(one) for one in (first, second)] == ["delivered", "sent"]
    assert [out.row(Delivery, one).provider_id for one in (first, second)] == ["SM1", "SM2"]


def test_a_report_before_the_answer_gives_the_delivery_its_provider_id(out: Outgoing) -> None:
    delivery = out.lay_out()
    assert isinstance(out.begin(delivery), SendTicket)
    take(out, SENT, delivery, provider_id="SM7")
    row = out.row(Delivery, delivery)
    assert (row.state, row.provider_id, row.sent_at) == ("sent", "SM7", NOW)
    assert take(out, DELIVERED, provider_id="SM7") == out.case_id


def test_a_failure_after_acceptance_reaches_the_case_with_its_code_once(out: Outgoing) -> None:
    delivery = out.send()
    for _ in range(3):
        take(out, FOR_GOOD, delivery, code="30005", sentence="No such number.")
    assert told(out) == [ReceiptReport(delivery, SendState.FAILED_PERMANENT, "30005")]
    row = out.row(Delivery, delivery)
    assert (row.error_code, row.sentence, row.settled_at) == ("30005", "No such number.", NOW)
    assert out.alarms() == ["undelivered"]
    assert [one["code"] for one in out.events("delivery.failed")] == ["30005"]


def test_a_failure_that_becomes_final_is_told_as_such(out: Outgoing) -> None:
    delivery = out.send()
    take(out, FOR_NOW, delivery, code="30003")
    take(out, FOR_GOOD, delivery, code="30005")
    take(out, FOR_NOW, delivery, code="30008")
    assert [(report.state.value, report.code) for report in told(out)] == [
        ("failed_temporary", "30003"),
        ("failed_permanent", "30005"),
    ]
    assert out.row(Delivery, delivery).error_code == "30005"


def test_delivered_is_no_news_to_a_case_that_takes_the_message_for_sent(out: Outgoing) -> None:
    take(out, DELIVERED, out.send())
    assert told(out) == []
    assert len(out.events("delivery.delivered")) == 1


def test_a_late_delivered_corrects_a_failure_and_its_reason_is_gone(out: Outgoing) -> None:
    delivery = out.send()
    take(out, FOR_GOOD, delivery, code="30005", sentence="No such number.")
    out.later(hours=1)
    take(out, DELIVERED, delivery)
    row = out.row(Delivery, delivery)
    assert (row.state, row.error_code, row.sentence) == ("delivered", None, None)
    assert row.settled_at == NOW + timedelta(hours=1)
    assert [len(out.events(f"delivery.{kind}")) for kind in ("failed", "delivered")] == [1, 1]


def test_a_late_failure_does_not_undo_delivered_but_stands_in_the_evidence(out: Outgoing) -> None:
    delivery = out.send()
    take(out, DELIVERED, delivery)
    take(out, FOR_GOOD, delivery, code="30005")
    row = out.row(Delivery, delivery)
    assert (row.state, row.error_code) == ("delivered", None)
    assert len(out.events("delivery.failed")) == 1
    assert (told(out), out.alarms()) == ([], [])


@pytest.mark.parametrize(
    ("reported", "state"),
    [(SENT, SendState.ACCEPTED), (DELIVERED, SendState.ACCEPTED), (FOR_GOOD, SendState.FAILED_PERMANENT)],
)
def test_a_report_settles_what_nobody_knew_the_end_of(
    out: Outgoing, reported: DeliveryState, state: SendState
) -> None:
    delivery = out.lay_out()
    out.fail(delivery, OutcomeState.UNKNOWN, "sms_no_reply")
    code = "30005" if reported is FOR_GOOD else None
    take(out, reported, delivery, **({"code": code} if code else {}))
    assert told(out) == [ReceiptReport(delivery, state, code)]
    assert [one["state"] for one in out.events("delivery.settled")] == [reported.value]
    assert out.row(Delivery, delivery).error_code == code


@pytest.mark.parametrize("code", ["21610", "MOBILE_IN_BLACK"])
def test_a_report_that_the_person_opted_out_closes_the_channel(out: Outgoing, code: str) -> None:
    take(out, FOR_GOOD, out.send(), code=code)
    (closed,) = out.rows(OptOut)
    assert (closed.address, closed.channel, closed.reason) == (PHONE, "sms", code)
    assert out.suppressed(out.lay_out(out.second_case())) == "opted_out"


def test_any_other_failure_leaves_the_channel_open(out: Outgoing) -> None:
    take(out, FOR_GOOD, out.send(), code="30005")
    assert out.rows(OptOut) == []


def test_a_case_that_has_closed_is_told_nothing_but_keeps_the_report(out: Outgoing) -> None:
    delivery = out.send()
    out.change(Case, out.case_id, state="closed")
    take(out, FOR_GOOD, delivery, code="30005")
    assert told(out) == []
    assert out.state(delivery) == "failed_permanent"
    assert len(out.events("delivery.failed")) == 1
