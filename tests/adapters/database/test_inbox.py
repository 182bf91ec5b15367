"""Machine reports: kept once, taken in any order, never held up by one that cannot be read."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from countersign.adapters.database.starts import StartWish
from countersign.adapters.database.tables import Delivery, Inbox
from countersign.bootstrap import Parts
from countersign.contracts.notices import NoticeOrder, SendOrder
from countersign.contracts.sending import OutcomeState, SendOutcome
from countersign.domain.policy import Audience, Channel
from countersign.ports import SendTicket
from tests.support.company import add_leave, company

NOW = datetime(2026, 2, 24, 2, tzinfo=UTC)


@pytest.fixture
def sent(tmp_path: Path) -> Iterator[tuple[Parts, str]]:
    """Return parts with one SMS that the provider has accepted as SM1, and its delivery id."""
    parts = company(tmp_path, lambda: NOW)
    case = parts.starts.start(StartWish(add_leave(parts, date(2026, 2, 20))), {"role": "hr", "id": "t"})
    order = NoticeOrder(case, "1.first_notice", "first_notice", Audience.EMPLOYEE, (Channel.SMS,), NOW, None)
    delivery = parts.notices.prepare(order).deliveries[0].delivery_id
    send = SendOrder(case, delivery, NOW)
    assert isinstance(parts.notices.begin_sending(send, "worker-1"), SendTicket)
    parts.notices.finish_sending(send, "worker-1", SendOutcome(OutcomeState.SENT, "SM1", None, "accepted"))
    yield parts, delivery
    parts.database.close()


def report(parts: Parts, status: str, sid: str = "SM1", code: str = "") -> bool:
    return parts.inbox.keep(
        "twilio.status", {"MessageSid": sid, "MessageStatus": status, "ErrorCode": code}, None
    )


def state(parts: Parts, delivery: str) -> str:
    with parts.database.reading() as session:
        return session.get_one(Delivery, delivery).state


def test_a_report_that_comes_twice_is_kept_once(sent: tuple[Parts, str]) -> None:
    parts, _ = sent
    assert [report(parts, "delivered"), report(parts, "delivered")] == [True, False]


def test_reports_in_the_wrong_order_never_move_a_delivery_backwards(sent: tuple[Parts, str]) -> None:
    parts, delivery = sent
    for status in ("delivered", "sent", "queued", "undelivered"):
        report(parts, status, code="30003" if status == "undelivered" else "")
        parts.inbox.process()
    assert state(parts, delivery) == "delivered"


def test_a_report_that_cannot_be_read_does_not_hold_up_the_next_one(
    sent: tuple[Parts, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    parts, delivery = sent
    report(parts, "sent")
    report(parts, "delivered")
    taken = parts.notices.receipt

    def broken(provider_id: str, reported, *rest):  # type: ignore[no-untyped-def]
        if reported == "sent":
            raise KeyError("planted")
        return taken(provider_id, reported, *rest)

    monkeypatch.setattr(parts.notices, "receipt", broken)
    assert parts.inbox.process() == 2
    assert state(parts, delivery) == "delivered"
    with parts.database.reading() as session:
        from sqlmodel import select

        results = {row.result for row in session.exec(select(Inbox))}
    assert "could not be processed: KeyError" in results


def test_a_worker_that_lost_its_ticket_finds_the_message_unknown_and_sends_nothing(
    sent: tuple[Parts, str],
) -> None:
    parts, _ = sent
    case = parts.views.cases(_all(), state=None, stage=None, holder=None, search=None, limit=1, after=None)[0]
    order = NoticeOrder(
        case["id"], "1.second", "second_reminder", Audience.EMPLOYEE, (Channel.SMS,), NOW, None
    )
    delivery = parts.notices.prepare(order).deliveries[0].delivery_id
    send = SendOrder(case["id"], delivery, NOW)
    assert isinstance(parts.notices.begin_sending(send, "worker-1"), SendTicket)
    again = parts.notices.begin_sending(send, "worker-2")
    assert not isinstance(again, SendTicket)
    assert (again.state, again.code) == ("unknown", "worker_lost")


def _all():  # type: ignore[no-untyped-def]
    from countersign.adapters.database.views import Scope

    return Scope()
