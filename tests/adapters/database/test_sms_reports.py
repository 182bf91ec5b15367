"""What comes back by text: answers with a code, words that ask for silence, and just words."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import ActRow, Delivery, Inbox, Link, Notice, OptOut
from countersign.contracts.cases import ActKind
from countersign.domain.policy import Audience, Channel
from countersign.ports import SendTicket
from tests.support.company import CONTACT_PHONE, PHONE
from tests.support.outgoing import NOW, OTHER_PHONE, Outgoing, outgoing

NUMBER_ONLY = "number"


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Outgoing]:
    with outgoing(tmp_path) as made:
        yield made


def reply(out: Outgoing, body: str, number: str = PHONE, sid: str = "SM-in-1") -> str | None:
    """Let a text come in and be worked off; return what came of it."""
    form = {"From": number, "To": "+15005550006", "Body": body, "MessageSid": sid}
    assert out.parts.inbox.keep("twilio.inbound", form, sid)
    out.parts.inbox.process()
    return next(row.result for row in out.rows(Inbox) if row.raw.get("MessageSid") == sid)


def code(out: Outgoing, delivery: str) -> str:
    return str(out.row(Delivery, delivery).code)


def answers(out: Outgoing, case_id: str = "") -> list[dict[str, Any]]:
    found = out.parts.views.case(Scope(), case_id or out.case_id)
    assert found is not None
    return [event for event in found["timeline"] if event["kind"] == "answer.replied"]


# -- acknowledging -----------------------------------------------------------------------------------------


def test_a_reply_with_the_code_acknowledges_and_its_words_stand_in_the_evidence(out: Outgoing) -> None:
    delivery = out.send()
    words = f"收到，code {code(out, delivery)}"
    assert reply(out, words) == f"case {out.case_id}, acknowledged"
    (act,) = out.acts()
    assert (act.kind, act.role, act.link_id) == (ActKind.ACKNOWLEDGED, "employee", delivery)
    assert out.row(Delivery, delivery).acknowledged_at == NOW
    (event,) = answers(out)
    assert (event["body"]["matched_by"], event["body"]["text"]) == ("code", words)
    assert event["actor"] == {"role": "employee", "id": "holder of the number"}
    assert out.alarms() == ["reply"]


def test_a_row_of_the_inbox_that_is_worked_off_twice_acknowledges_once(out: Outgoing) -> None:
    reply(out, code(out, out.send()))
    (row,) = out.rows(Inbox)
    out.change(Inbox, row.id, done_at=None, result=None)
    out.later(minutes=1)
    assert out.parts.inbox.process() == 1
    assert len(out.acts()) == 1
    assert len(answers(out)) == 1
    assert len(out.events("answer.acknowledged")) == 1
    assert out.alarms() == ["reply"]


def test_the_code_of_an_earlier_notice_acknowledges_that_notice(out: Outgoing) -> None:
    first, second = out.send(provider_id="SM1"), out.send(provider_id="SM2")
    reply(out, code(out, first).lower().replace("-", " "))
    assert [out.row(Delivery, one).acknowledged_at for one in (first, second)] == [NOW, None]


def test_somebody_elses_code_acknowledges_nothing(out: Outgoing) -> None:
    mine, theirs = out.send(provider_id="SM1"), out.send(out.lay_out(out.other_person()), "SM2")
    assert reply(out, code(out, theirs)) == f"case {out.case_id}"
    assert reply(out, code(out, mine), OTHER_PHONE, "SM-in-2") != f"case {out.case_id}, acknowledged"
    assert out.acts() == []
    assert [event["body"]["matched_by"] for event in answers(out)] == [NUMBER_ONLY]


def test_the_code_of_the_mail_does_not_speak_for_the_number(out: Outgoing) -> None:
    out.send()
    mail = out.lay_out(channel=Channel.EMAIL)
    assert reply(out, code(out, mail)) == f"case {out.case_id}"
    assert out.acts() == []


@pytest.mark.parametrize(
    "change", [{"revoked_at": NOW, "revoked_why": "hr"}, {"expires_at": NOW - timedelta(seconds=1)}]
)
def test_a_link_that_is_no_longer_valid_cannot_be_acknowledged_by_text(
    out: Outgoing, change: dict[str, Any]
) -> None:
    delivery = out.send()
    out.change(Link, delivery, **change)
    assert reply(out, code(out, delivery)) == f"case {out.case_id}"
    assert out.acts() == []
    assert [event["body"]["matched_by"] for event in answers(out)] == [NUMBER_ONLY]


def test_a_confidential_notice_is_not_acknowledged_by_a_text_that_showed_nothing_of_it(
    out: Outgoing,
) -> None:
    delivery = out.send(out.lay_out(confidential=True))
    assert reply(out, code(out, delivery)) == f"case {out.case_id}"
    assert out.rows(ActRow) == []
    assert [event["body"]["matched_by"] for event in answers(out)] == ["code"]


def test_a_relative_who_answers_is_not_taken_for_the_employee(out: Outgoing) -> None:
    delivery = out.lay_out(audience=Audience.EMERGENCY_CONTACT, template="emergency_contact")
    out.send(delivery)
    reply(out, code(out, delivery), CONTACT_PHONE)
    assert [act.role for act in out.acts()] == ["emergency_contact"]


@pytest.mark.parametrize("audience", [Audience.HR, Audience.LEGAL])
def test_a_colleague_who_answers_is_not_taken_for_the_employee(out: Outgoing, audience: Audience) -> None:
    delivery = out.send()
    out.change(Notice, out.row(Delivery, delivery).notice_id, audience=audience.value)
    reply(out, code(out, delivery))
    assert [act.role for act in out.acts()] == [audience.value]


# -- just words ----------------------------------------------------------------------------------------------


def test_words_without_a_code_are_kept_with_the_latest_message_and_told_once_a_day(out: Outgoing) -> None:
    out.send(provider_id="SM1")
    out.later(minutes=1)
    elsewhere = out.second_case()
    latest = out.send(out.lay_out(elsewhere), "SM2")
    assert reply(out, "我下周回来，请勿扣工资") == f"case {elsewhere}"
    reply(out, "请回电", sid="SM-in-2")
    first, _ = answers(out, elsewhere)
    assert (first["body"]["delivery"], first["body"]["other_cases_of_this_number"]) == (latest, 1)
    assert answers(out) == []
    assert (out.acts(), out.alarms()) == ([], ["reply"])
    out.later(hours=24)
    reply(out, "喂", sid="SM-in-3")
    assert out.alarms() == ["reply", "reply"]


def test_words_are_kept_with_the_last_message_that_left_and_not_with_one_that_is_held(
    out: Outgoing,
) -> None:
    delivery = out.send()
    out.later(minutes=1)
    out.lay_out(out.second_case())
    assert reply(out, "喂") == f"case {out.case_id}"
    (event,) = answers(out)
    assert (event["body"]["delivery"], event["body"]["other_cases_of_this_number"]) == (delivery, 0)


def test_a_number_that_nobody_wrote_to_leaves_no_trace_in_any_case(out: Outgoing) -> None:
    out.send()
    assert reply(out, "who is this", "+8613600136000") == "nobody was written to at this number"
    assert answers(out) == []


# -- words that ask for silence ------------------------------------------------------------------------


def test_stop_closes_the_number_in_every_case_and_start_reopens_it(out: Outgoing) -> None:
    out.send()
    elsewhere, somebody = out.second_case(), out.other_person()
    reply(out, "Stop.")
    (closed,) = out.rows(OptOut)
    assert (closed.address, closed.channel) == (PHONE, "sms")
    assert [out.suppressed(out.lay_out(case)) for case in (out.case_id, elsewhere)] == ["opted_out"] * 2
    assert isinstance(out.begin(out.lay_out(somebody)), SendTicket)
    assert isinstance(out.begin(out.lay_out(channel=Channel.EMAIL)), SendTicket)
    assert out.alarms() == ["opted_out"]
    reply(out, "start", sid="SM-in-2")
    assert out.rows(OptOut) == []
    assert [event["body"]["keyword"] for event in answers(out)] == ["stop", "start"]
    assert isinstance(out.begin(out.lay_out(elsewhere)), SendTicket)


def test_stop_is_no_answer_to_the_notice(out: Outgoing) -> None:
    out.send()
    reply(out, "退订")
    assert out.acts() == []
    assert isinstance(out.begin(out.lay_out(channel=Channel.EMAIL)), SendTicket)


def test_a_stop_from_a_number_nobody_wrote_to_yet_is_obeyed(out: Outgoing) -> None:
    assert reply(out, "STOP") == "nobody was written to at this number"
    assert out.suppressed(out.lay_out()) == "opted_out"


def test_a_sentence_with_the_word_stop_in_it_closes_nothing(out: Outgoing) -> None:
    out.send()
    reply(out, "please stop calling my mother")
    assert out.rows(OptOut) == []


def test_a_start_without_a_stop_changes_nothing(out: Outgoing) -> None:
    out.send()
    assert reply(out, "YES") == f"case {out.case_id}"
    assert out.rows(OptOut) == []


# -- reports of the domestic provider ------------------------------------------------------------------


def test_a_report_of_the_domestic_provider_settles_the_delivery_it_names(out: Outgoing) -> None:
    delivery = out.send(provider_id="biz-1")
    raw = {
        "phone_number": PHONE[3:],
        "success": "false",
        "err_code": "MOBILE_NOT_ON_SERVICE",
        "biz_id": "biz-1",
        "out_id": delivery,
    }
    out.parts.inbox.keep("aliyun.report", raw, None)
    out.parts.inbox.process()
    row = out.row(Delivery, delivery)
    assert (row.state, row.error_code) == ("failed_temporary", "MOBILE_NOT_ON_SERVICE")
