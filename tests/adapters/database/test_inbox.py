"""Machine reports: kept once, taken in any order, never held up by one that cannot be read."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from countersign.adapters.database.receipts import Receipt
from countersign.adapters.database.tables import Inbox
from countersign.domain.receipts import DeliveryState, advance, delivery_state_for
from countersign.ids import new_id
from tests.support.outgoing import NOW, Outgoing, outgoing


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Outgoing]:
    with outgoing(tmp_path, person_daily_cap=10_000) as made:
        yield made


def report(out: Outgoing, status: str, sid: str = "SM1", code: str = "", token: str | None = None) -> bool:
    form = {"MessageSid": sid, "MessageStatus": status, "ErrorCode": code}
    return out.parts.inbox.keep("twilio.status", form, token)


def results(out: Outgoing) -> list[str | None]:
    """Return what came of every report, in the order in which they came."""
    return [row.result for row in sorted(out.rows(Inbox), key=lambda row: (row.received_at, row.id))]


def test_a_report_that_comes_twice_is_kept_once(out: Outgoing) -> None:
    out.send()
    assert [report(out, "delivered"), report(out, "delivered")] == [True, False]
    assert [report(out, "sent", token="one"), report(out, "sent", token="one")] == [True, False]


def test_a_report_is_read_once(out: Outgoing) -> None:
    out.send()
    report(out, "delivered")
    assert [out.parts.inbox.process(), out.parts.inbox.process()] == [1, 0]
    assert results(out) == [f"case {out.case_id}"]


def test_reports_in_the_wrong_order_never_move_a_delivery_backwards(out: Outgoing) -> None:
    delivery = out.send()
    for status in ("delivered", "sent", "queued", "undelivered"):
        report(out, status, code="30003" if status == "undelivered" else "")
        out.parts.inbox.process()
    assert out.state(delivery) == "delivered"


REPORTS = st.sampled_from(
    [("queued", ""), ("sent", ""), ("undelivered", "30003"), ("undelivered", "30005"), ("delivered", "")]
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(REPORTS, min_size=1, max_size=8))
def test_reports_in_any_order_and_number_end_in_the_state_that_says_most(
    out: Outgoing, reports: list[tuple[str, str]]
) -> None:
    sid, expected = new_id(), DeliveryState.SENT
    delivery = out.send(provider_id=sid)
    for number, (status, code) in enumerate(reports):
        report(out, status, sid, code, f"{sid}/{number}")
        expected = advance(expected, delivery_state_for(status, code or None) or expected)
        if number % 3 == 0:
            out.parts.inbox.process()
    out.parts.inbox.process()
    assert out.state(delivery) == expected.value
    told = {status for status, _ in reports if status in {"delivered", "undelivered"}}
    kept = [e for kind in ("delivered", "failed") for e in out.events(f"delivery.{kind}")]
    assert len({e["code"] for e in kept if e["delivery"] == delivery}) >= len(told)


def test_a_report_that_cannot_be_read_does_not_hold_up_the_next_one(
    out: Outgoing, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = out.send()
    report(out, "sent")
    out.later(seconds=1)
    report(out, "delivered")
    taken = out.parts.receipts.take

    def broken(receipt: Receipt) -> str | None:
        if receipt.state is DeliveryState.SENT:
            raise KeyError("planted")
        return taken(receipt)

    monkeypatch.setattr(out.parts.receipts, "take", broken)
    assert out.parts.inbox.process() == 2
    assert out.state(delivery) == "delivered"
    assert results(out) == ["could not be processed: KeyError", f"case {out.case_id}"]


def test_a_report_that_meets_a_busy_database_is_taken_again(
    out: Outgoing, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = out.send()
    report(out, "delivered")
    with monkeypatch.context() as patched:

        def busy(receipt: Receipt) -> str | None:
            raise OperationalError("locked", None, Exception("locked"))

        patched.setattr(out.parts.receipts, "take", busy)
        out.parts.inbox.process()
    assert results(out) == [None]
    out.parts.inbox.process()
    assert out.state(delivery) == "delivered"


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"MessageSid": "SM404", "MessageStatus": "delivered"}, "no such message"),
        ({"MessageSid": "SM1", "MessageStatus": "receiving"}, "a status that says nothing new"),
        ({}, "a status that says nothing new"),
    ],
)
def test_what_came_of_a_report_is_said_in_words(out: Outgoing, form: dict[str, str], says: str) -> None:
    out.send()
    out.parts.inbox.keep("twilio.status", form, None)
    out.parts.inbox.process()
    assert results(out) == [says]


def test_a_report_by_the_delivery_in_its_address_settles_an_attempt_whose_answer_was_lost(
    out: Outgoing,
) -> None:
    delivery = out.lay_out()
    out.begin(delivery)
    form = {"MessageSid": "SM9", "MessageStatus": "delivered", "delivery": delivery}
    out.parts.inbox.keep("twilio.status", form, None)
    out.parts.inbox.process()
    assert out.state(delivery) == "delivered"


def test_a_clock_in_after_the_leave_says_back_and_one_from_the_future_is_refused(out: Outgoing) -> None:
    meant, act = out.parts.inbox.punch("E1042", out.now, None)
    assert (meant, out.parts.inbox.punch("E1042", out.now, None)) == ("back", ("back", act))
    assert [one.kind for one in out.acts()] == ["back"]
    assert out.parts.inbox.punch("E1042", NOW - timedelta(days=4), None) == ("kept", None)
    with pytest.raises(ValueError, match="lies in the future"):
        out.parts.inbox.punch("E1042", NOW + timedelta(minutes=6), None)
    with pytest.raises(LookupError, match="no employee has the number 'E9'"):
        out.parts.inbox.punch("E9", NOW, None)
