"""Mails that come back, all the way: sent, answered by a relay or a person, taken in, kept in the case."""

import asyncio
import hashlib
import io
import json
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from sqlmodel import col, select

from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import (
    ActRow,
    Alarm,
    Case,
    Delivery,
    Document,
    EventRow,
    Inbox,
    Link,
    Notice,
    Person,
)
from countersign.adapters.mail_intake import IntakeServer
from countersign.adapters.smtp import SmtpMailer
from countersign.bootstrap import Parts
from countersign.contracts.sending import MailMessage, OutcomeState
from countersign.domain.bundle import verify_bundle
from countersign.domain.evidence import EventKind
from countersign.ids import new_id
from countersign.sandbox.faults import FaultBoard
from countersign.sandbox.mail import MailCatcher
from countersign.sandbox.mail_answers import MailAnswers
from tests.support.bundles import bare_bundle
from tests.support.company import BEIJING, add_leave, company

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
TEXT = "返岗通知\n\n张伟您好：请于3月2日前返岗。\n\n也可以在回执页 /n输入回执码：{code}\n示例公司"


@dataclass
class World:
    """A case with one mail that left, and the mails that came back."""

    parts: Parts
    delivery_id: str = field(default_factory=new_id)
    case_id: str = field(default_factory=new_id)
    code: str = ""

    @property
    def return_path(self) -> str:
        return self.parts.mail_addresses.return_path(self.delivery_id) or ""

    @property
    def reply_to(self) -> str:
        return self.parts.mail_addresses.reply_to(self.delivery_id) or ""

    def send_off(self, to: str = "zw@example.com", state: str = "sent") -> None:
        """Lay out the case with its delivery as it stands once the relay has taken the mail."""
        leave_id = add_leave(self.parts, date(2026, 2, 27))
        self.code = self.parts.link_keys.code(self.delivery_id)
        with self.parts.database.transaction() as session:
            person = session.exec(select(Person)).one()
            case = Case(
                id=self.case_id,
                kind="leave_return",
                workflow_id=f"leave-return/{leave_id}",
                person_id=person.id,
                branch_id=BEIJING,
                leave_id=leave_id,
                policy_version="1",
                state="running",
                stage="ladder",
                created_at=NOW,
            )
            session.add(case)
            session.flush()
            actor, body = {"role": "hr", "id": "token:test"}, {"case": self.case_id, "kind": case.kind}
            self.parts.evidence.append(session, case, "started", NOW, EventKind.CASE_STARTED, actor, body)
            notice = Notice(
                id=new_id(),
                case_id=self.case_id,
                step="1.first_notice",
                template="first_notice",
                audience="employee",
                person_id=person.id,
                language="zh-CN",
                title="返岗通知",
                text="请返岗",
                fingerprint="f" * 64,
                created_at=NOW,
            )
            session.add(notice)
            session.flush()
            session.add(
                Delivery(
                    id=self.delivery_id,
                    notice_id=notice.id,
                    case_id=self.case_id,
                    channel="email",
                    attempt=1,
                    state=state,
                    address=to,
                    text=TEXT.format(code=self.code),
                    code=self.code,
                    created_at=NOW,
                )
            )
            session.flush()
            session.add(
                Link(
                    id=self.delivery_id,
                    case_id=self.case_id,
                    notice_id=notice.id,
                    person_id=person.id,
                    key_id="1",
                    code_hash=self.parts.link_keys.hash_of(self.code),
                    expires_at=NOW + timedelta(days=60),
                )
            )

    def message(self, to: str) -> MailMessage:
        return MailMessage(
            to,
            "返岗通知",
            TEXT.format(code=self.code),
            None,
            f"<{self.delivery_id}.1@example.com>",
            "N1",
            self.delivery_id,
            1,
            return_path=self.return_path,
            reply_to=self.reply_to,
        )

    def rows(self) -> list[Inbox]:
        with self.parts.database.reading() as session:
            return list(session.exec(select(Inbox).order_by(col(Inbox.received_at), col(Inbox.id))))

    def work_off(self) -> list[str | None]:
        """Process the inbox as the web process does; return what each mail was, in order."""
        self.parts.inbox.process()
        return [row.result for row in self.rows()]

    def came(self, raw: bytes, to: str | None = None, mail_from: str = "zw@example.com") -> str | None:
        """Take a mail in and work it off; return what it was."""
        self.parts.mail_intake.take(raw, to or self.reply_to, mail_from)
        return self.work_off()[-1]

    def delivery(self) -> Delivery:
        with self.parts.database.reading() as session:
            return session.get_one(Delivery, self.delivery_id)

    def events(self, kind: str) -> list[dict[str, Any]]:
        with self.parts.database.reading() as session:
            rows = session.exec(select(EventRow).where(EventRow.kind == kind).order_by(col(EventRow.seq)))
            return [json.loads(row.line)["body"] for row in rows]

    def shown(self, kind: str) -> list[dict[str, Any]]:
        """Return events with their sealed values opened, as HR reads them."""
        case = self.parts.views.case(Scope(), self.case_id)
        assert case is not None
        return [event for event in case["timeline"] if event["kind"] == kind]

    def alarms(self) -> list[str]:
        with self.parts.database.reading() as session:
            return list(session.exec(select(Alarm.kind)))

    def acts(self) -> list[ActRow]:
        with self.parts.database.reading() as session:
            return list(session.exec(select(ActRow)))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    parts = company(tmp_path, lambda: NOW, mail_intake_domain="intake.example.com")
    yield World(parts)
    parts.database.close()


def answer(text: str, **headers: str) -> bytes:
    mail = EmailMessage(policy=SMTP_POLICY)
    mail["From"], mail["Subject"] = "张伟 <zw@example.com>", "Re: 返岗通知"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text, cte="base64")
    return mail.as_bytes()


def quoted(world: World) -> str:
    lines = TEXT.format(code=world.code).splitlines()
    return "在 2026-03-02，HR <hr@example.com> 写道：\n" + "\n".join(f"> {line}" for line in lines)


# -- all the way over real connections -----------------------------------------------------------------------


@asynccontextmanager
async def on_the_wire(world: World, folder: Path) -> AsyncIterator[tuple[SmtpMailer, MailCatcher, int]]:
    """Run the intake and a relay whose answers come to it."""
    intake = IntakeServer(world.parts.mail_intake, "intake.example.com")
    port = await intake.start("127.0.0.1", 0)
    relay = MailCatcher(folder, FaultBoard(), MailAnswers("127.0.0.1", port, step_seconds=0.01))
    relay_port = await relay.start("127.0.0.1", 0)
    try:
        yield SmtpMailer("127.0.0.1", relay_port, None, None, "none", "hr@example.com", "HR", 5), relay, port
    finally:
        await relay.aclose()
        await intake.aclose()


async def sent_and_back(world: World, folder: Path, to: str, mails: int) -> list[str | None]:
    """Send a mail and wait until so many have come back; return what they were."""
    world.send_off(to)
    async with on_the_wire(world, folder) as (mailer, _, _):
        assert (await mailer.send(world.message(to))).state is OutcomeState.SENT
        for _ in range(500):
            if len(world.rows()) == mails:
                break
            await asyncio.sleep(0.01)
    return world.work_off()


async def test_an_unknown_mailbox_ends_the_delivery_with_its_reason(world: World, tmp_path: Path) -> None:
    assert await sent_and_back(world, tmp_path, "bounce@example.com", 1) == [
        f"delivery {world.delivery_id}: failed_permanent, 5.1.1"
    ]
    delivery = world.delivery()
    assert (delivery.state, delivery.error_code) == ("failed_permanent", "mail_5.1.1")
    assert delivery.sentence == "The mailbox does not exist; please check the person's record."
    (event,) = world.events("delivery.failed")
    assert (event["code"], event["delivery"]) == ("mail_5.1.1", world.delivery_id)
    assert world.alarms() == ["undelivered"]


async def test_a_full_mailbox_is_a_delay_first_and_a_failure_for_a_while_then(
    world: World, tmp_path: Path
) -> None:
    said = await sent_and_back(world, tmp_path, "full@example.com", 2)
    assert sorted(str(word).split(": ")[1] for word in said) == [
        "delayed, the mail server keeps trying",
        "failed_temporary, 5.2.2",
    ]
    assert (world.delivery().state, world.delivery().error_code) == ("failed_temporary", "mail_5.2.2")
    assert len(world.events("delivery.failed")) == 1


async def test_a_report_of_success_says_delivered_and_nothing_of_reading(
    world: World, tmp_path: Path
) -> None:
    await sent_and_back(world, tmp_path, "delivered@example.com", 1)
    assert world.delivery().state == "delivered"
    (event,) = world.events("delivery.delivered")
    assert event["says"] == "The mail server says that it put the mail into the mailbox."
    assert "read" not in json.dumps(event)


async def test_an_absence_note_is_evidence_and_alarms_nobody(world: World, tmp_path: Path) -> None:
    await sent_and_back(world, tmp_path, "away@example.com", 1)
    (event,) = world.events("answer.replied")
    assert (event["automatic"], event["holds_code"]) == (True, False)
    assert world.delivery().state == "sent"
    assert world.alarms() == []
    assert world.acts() == []


async def test_a_forged_address_reaches_nothing(world: World, tmp_path: Path) -> None:
    world.send_off()
    async with on_the_wire(world, tmp_path) as (_, _, port):
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as smtp:
            await smtp.mail("")
            forged = f"b-{world.delivery_id.lower()}-aaaaaaaaaa@intake.example.com"
            with pytest.raises(aiosmtplib.SMTPRecipientRefused):
                await smtp.rcpt(forged)
    assert world.rows() == []


async def test_an_answer_written_on_the_outbox_page_reaches_the_case(world: World, tmp_path: Path) -> None:
    world.send_off("zw@example.com")
    async with on_the_wire(world, tmp_path) as (mailer, relay, _):
        await mailer.send(world.message("zw@example.com"))
        said = await relay.reply(relay.mails()[0].id, "我3月2日回来")
    assert said.startswith("250")
    assert world.work_off() == [f"delivery {world.delivery_id}: answer"]
    (event,) = world.shown("answer.replied")
    assert event["body"]["text"] == "我3月2日回来"


# -- what follows from each kind -----------------------------------------------------------------------------


def report(action: str, status: str) -> bytes:
    return (
        "From: MAILER-DAEMON@relay.example\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; relay.example\r\n\r\n"
        f"Final-Recipient: rfc822; zw@example.com\r\nAction: {action}\r\nStatus: {status}\r\n\r\n--b--\r\n"
    ).encode()


def test_mail_that_was_only_passed_on_is_not_called_delivered(world: World) -> None:
    world.send_off(state="unknown")
    world.came(report("relayed", "2.1.9"), world.return_path, "")
    assert world.delivery().state == "sent"
    assert world.events("delivery.delivered") == []


def test_a_failure_that_our_domain_causes_is_tried_again(world: World) -> None:
    world.send_off()
    world.came(report("failed", "5.7.26"), world.return_path, "")
    assert world.delivery().state == "failed_temporary"


def test_a_bounce_in_words_alone_ends_the_delivery_without_a_reason(world: World) -> None:
    world.send_off()
    world.came(
        b"From: root@old.example\r\nSubject: failure notice\r\n\r\nno such user\r\n", world.return_path, ""
    )
    assert (world.delivery().state, world.delivery().error_code) == ("failed_permanent", "mail_returned")


def test_nobody_can_report_a_failure_to_the_address_that_is_shown_for_answers(world: World) -> None:
    world.send_off()
    assert str(world.came(report("failed", "5.1.1"), world.reply_to, "")).endswith("automatic answer")
    assert world.delivery().state == "sent"
    assert world.alarms() == []


def test_a_persons_answer_is_evidence_with_its_raw_mail_and_an_alarm_but_no_acknowledgement(
    world: World,
) -> None:
    world.send_off()
    raw = answer(f"我3月2日回来。\n\n{quoted(world)}")
    assert world.came(raw) == f"delivery {world.delivery_id}: answer"
    (event,) = world.shown("answer.replied")
    assert event["actor"] == {"role": "employee", "id": "holder of the mailbox"}
    assert event["body"]["text"] == "我3月2日回来。"
    assert event["body"]["from"] == "张伟 <zw@example.com>"
    assert (event["body"]["automatic"], event["body"]["holds_code"]) == (False, False)
    assert "3月2日" not in json.dumps(world.events("answer.replied"), ensure_ascii=False)
    assert world.alarms() == ["reply"]
    assert world.acts() == []
    assert world.delivery().acknowledged_at is None
    bundle = bare_bundle(world.parts, world.case_id)
    assert bundle is not None
    assert verify_bundle(bundle).ok, verify_bundle(bundle)
    with zipfile.ZipFile(io.BytesIO(bundle)) as files:
        (name,) = [name for name in files.namelist() if name.endswith(".eml")]
        assert files.read(name) == raw


@pytest.mark.parametrize("wrapped", ["{code}", "回执码 {code}，已收到", "{lower}", "{plain}"])
def test_an_answer_that_holds_the_code_is_an_acknowledgement_through_its_link(
    world: World, wrapped: str
) -> None:
    world.send_off()
    typed = wrapped.format(code=world.code, lower=world.code.lower(), plain=world.code.replace("-", ""))
    raw = answer(f"{typed}\n\n{quoted(world)}")
    assert str(world.came(raw)).endswith("answer with its code, acknowledged")
    assert world.events("answer.replied")[0]["holds_code"] is True
    (act,) = world.acts()
    assert (act.kind, act.role, act.link_id) == ("acknowledged", "employee", world.delivery_id)
    assert (act.words, act.shown_sha256) == ({"words": typed}, "f" * 64)
    assert world.delivery().acknowledged_at is not None
    assert len(world.events("answer.acknowledged")) == 1


@pytest.mark.parametrize(
    "text",
    [
        "我不同意。\n\n{quote}",
        "我不同意。\n\n{original}",
        "我不同意。\n也可以在回执页 /n输入回执码：{code}",
        "https://hr.example.cn/n/{code}",
        "AAAA-BBBB-CCCC",
    ],
)
def test_a_code_that_the_mail_program_quoted_acknowledges_nothing(world: World, text: str) -> None:
    world.send_off()
    original = TEXT.format(code=world.code)
    world.came(answer(text.format(quote=quoted(world), original=original, code=world.code)))
    assert world.acts() == []
    assert world.alarms() == ["reply"]


def test_a_machines_answer_with_the_code_acknowledges_nothing(world: World) -> None:
    world.send_off()
    world.came(answer(world.code, Auto_Submitted="auto-replied"))
    assert world.acts() == []
    assert world.events("answer.replied")[0]["holds_code"] is False


@pytest.mark.parametrize("end", ["revoked", "expired"])
def test_the_code_of_a_link_that_is_no_longer_valid_is_evidence_only(world: World, end: str) -> None:
    world.send_off()
    with world.parts.database.transaction() as session:
        link = session.get_one(Link, world.delivery_id)
        if end == "revoked":
            link.revoked_at, link.revoked_why = NOW, "not_me"
        else:
            link.expires_at = NOW
    assert str(world.came(answer(world.code))).endswith("the code of a link that is no longer valid")
    assert world.acts() == []
    assert world.events("answer.replied")[0]["holds_code"] is True


def test_a_confidential_notice_is_not_acknowledged_by_a_mail_that_showed_nothing_of_it(world: World) -> None:
    world.send_off()
    with world.parts.database.transaction() as session:
        session.exec(select(Notice)).one().sensitive = True
    assert str(world.came(answer(world.code))).endswith("which only its page can acknowledge")
    assert world.acts() == []
    assert world.delivery().acknowledged_at is None
    (event,) = world.events("answer.replied")
    assert event["holds_code"] is True


def test_a_word_before_the_code_does_not_hide_it(world: World) -> None:
    world.send_off()
    assert str(world.came(answer(f"this code {world.code}"))).endswith("acknowledged")


def test_a_mail_worked_off_twice_changes_nothing_the_second_time(world: World) -> None:
    world.send_off()
    raw = answer(world.code)
    world.came(raw)
    with world.parts.database.transaction() as session:
        # As if the process had died between working off and noting it.
        session.exec(select(Inbox)).one().done_at = None
    world.work_off()
    world.came(raw)
    assert len(world.rows()) == 1
    assert len(world.events("answer.replied")) == len(world.acts()) == 1
    assert world.alarms() == ["reply"]
    with world.parts.database.reading() as session:
        assert len(session.exec(select(Document)).all()) == 1


def test_two_megabytes_attached_are_counted_and_kept_with_the_mail(world: World) -> None:
    world.send_off()
    mail = EmailMessage(policy=SMTP_POLICY)
    mail["From"] = "zw@example.com"
    mail.set_content("见附件")
    paper = bytes(range(256)) * 8192
    mail.add_attachment(paper, maintype="image", subtype="jpeg", filename="证明.jpg")
    world.came(mail.as_bytes())
    (event,) = world.events("answer.replied")
    assert event["attachments"] == [
        {"sha256": hashlib.sha256(paper).hexdigest(), "size": 2 * 1024 * 1024, "media_type": "image/jpeg"}
    ]


def test_garbage_to_the_answering_address_is_shown_to_a_person(world: World) -> None:
    world.send_off()
    world.came(b"\x00\xff\xed\xa0\x80" * 50)
    assert world.alarms() == ["reply"]
    assert len(world.events("answer.replied")) == 1


def test_an_answer_after_the_end_is_kept_as_late(world: World) -> None:
    world.send_off()
    with world.parts.database.transaction() as session:
        case = session.get_one(Case, world.case_id)
        case.state, case.closed_at = "closed", NOW
    world.came(answer(world.code))
    assert [act.state for act in world.acts()] == ["late"]
    assert sorted(world.alarms()) == ["late_answer", "reply"]


def test_a_mail_about_a_delivery_that_is_gone_changes_nothing(world: World) -> None:
    for to in (world.return_path, world.reply_to):
        assert world.came(report("failed", "5.1.1"), to, "") == "no such delivery"
    assert world.alarms() == []
