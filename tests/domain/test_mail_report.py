"""What mails that come back say, in the forms that real relays, mailboxes and people give them."""

from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.domain.code_meaning import CodeClass
from countersign.domain.mail_codes import MAIL_CODES, NO_REASON, mail_code
from countersign.domain.mail_report import LONGEST_TEXT, MailAction, MailKind, read_mail
from countersign.domain.receipts import CODES, meaning_of

POSTFIX = """\
From: MAILER-DAEMON@relay.example.com (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: b-x@intake.example.com
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="9A7B.1/relay.example.com"

--9A7B.1/relay.example.com
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--9A7B.1/relay.example.com
Content-Description: Delivery report
Content-Type: {report_type}

Reporting-MTA: dns; relay.example.com
X-Postfix-Queue-ID: 9A7B
Arrival-Date: Mon, 23 Nov 2026 10:00:00 +0800 (CST)

Final-Recipient: rfc822; zw@example.com
Original-Recipient: rfc822;zw@example.com
{fields}

--9A7B.1/relay.example.com
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

Subject: =?utf-8?b?6L+U5bKX?=

--9A7B.1/relay.example.com--
"""


def dsn(*fields: str, report_type: str = "message/delivery-status") -> bytes:
    return POSTFIX.format(fields="\n".join(fields), report_type=report_type).replace("\n", "\r\n").encode()


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        (("Action: failed", "Status: 5.1.1"), "5.1.1", "mail_5.1.1"),
        (("action: FAILED (bounced)", "status: 5.1.1 (bad mailbox)"), "5.1.1", "mail_5.1.1"),
        (("Action: failed", "Status: 5.1.9"), "5.1.9", "mail_5.1.x"),
        (("Action: failed", "Status: 5.2.2"), "5.2.2", "mail_5.2.2"),
        (("Action: failed", "Status: 5.7.1"), "5.7.1", "mail_5.7.x"),
        (("Action: failed", "Status: 5.7.26"), "5.7.26", "mail_5.7.26"),
        (("Action: failed", "Status: 5.4.14"), "5.4.14", "mail_5.x"),
        (("Action: failed", "Status: 4.4.7"), "4.4.7", "mail_4.4.7"),
        (("Action: failed", "Status: 4.9.9"), "4.9.9", "mail_4.x"),
        (
            ("Action: failed", "Status: 5.0.0", "Diagnostic-Code: smtp; 550-5.1.1 <zw@example.com>", " gone"),
            "5.1.1",
            "mail_5.1.1",
        ),
        (("Action: failed", "Diagnostic-Code: smtp;550 unknown user"), "5.0.0", "mail_5.x"),
        (("Action: failed", "Diagnostic-Code: smtp; from 10.5.1.1 refused"), None, NO_REASON),
        (("Action: failed", "Status: 2.0.0"), "2.0.0", NO_REASON),
        (("Status: 5.1.1",), "5.1.1", "mail_5.1.1"),
    ],
)
def test_a_failure_says_why_in_a_code_that_hr_can_read(
    fields: tuple[str, ...], status: str | None, code: str
) -> None:
    report = read_mail(dsn(*fields), null_sender=True)
    assert (report.kind, report.action) == (MailKind.BOUNCE, MailAction.FAILED)
    assert (report.status, report.code) == (status, code)
    assert code in CODES
    assert "短信" not in meaning_of(code).zh


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("delayed", MailKind.DELAY),
        ("delivered", MailKind.DELIVERED),
        ("relayed", MailKind.DELIVERED),
        ("expanded", MailKind.DELIVERED),
    ],
)
def test_what_is_no_failure_has_no_reason(action: str, kind: MailKind) -> None:
    report = read_mail(dsn(f"Action: {action}", "Status: 4.2.2" if action == "delayed" else "Status: 2.0.0"))
    assert (report.kind, report.action, report.code) == (kind, MailAction(action), None)


def test_a_report_in_the_form_for_international_addresses_is_read_alike() -> None:
    raw = dsn("Action: failed", "Status: 5.1.1", report_type="message/global-delivery-status")
    assert read_mail(raw).code == "mail_5.1.1"


def test_of_several_recipients_behind_an_alias_the_one_that_was_reached_counts() -> None:
    second = ("", "Final-Recipient: rfc822; other@example.com", "Action: delivered", "Status: 2.0.0")
    report = read_mail(dsn("Action: failed", "Status: 5.1.1", *second))
    assert (report.kind, report.code) == (MailKind.DELIVERED, None)


def test_a_report_that_somebody_forwards_is_an_answer_and_no_report() -> None:
    forwarded = EmailMessage(policy=SMTP)
    forwarded["From"], forwarded["Subject"] = "zw@example.com", "Fwd: Undelivered Mail"
    forwarded.set_content("这是什么？")
    forwarded.add_attachment(_as_message(dsn("Action: failed", "Status: 5.1.1")))
    report = read_mail(forwarded.as_bytes())
    assert (report.kind, report.text) == (MailKind.REPLY, "这是什么？")


def _as_message(raw: bytes) -> EmailMessage:
    from email import message_from_bytes
    from email.policy import default

    return message_from_bytes(raw, policy=default)


QMAIL = b"""\
From: MAILER-DAEMON@old.example.com
Subject: failure notice

Hi. This is the qmail-send program at old.example.com.
I'm afraid I wasn't able to deliver your message. 5.1.1
"""


@pytest.mark.parametrize("null_sender", [True, False])
def test_a_bounce_in_words_alone_is_a_bounce_without_a_reason(null_sender: bool) -> None:
    report = read_mail(QMAIL, null_sender=null_sender)
    assert (report.kind, report.code) == (MailKind.BOUNCE, NO_REASON)


def test_a_mail_that_nobody_sent_is_a_bounce_whoever_it_claims_to_be_from() -> None:
    raw = b"From: zw@example.com\r\nSubject: failure\r\n\r\nno such user\r\n"
    assert read_mail(raw, null_sender=True).kind is MailKind.BOUNCE
    assert read_mail(raw, null_sender=False).kind is MailKind.REPLY


def test_a_warning_of_delay_in_words_alone_is_no_bounce() -> None:
    raw = b"From: Mail Delivery System <Mailer-Daemon@x.example>\r\n" + (
        b"Subject: Warning: message 1abc delayed 24 hours\r\n\r\nstill trying\r\n"
    )
    assert read_mail(raw, null_sender=True).kind is MailKind.DELAY


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated; owner-email=x",
        "X-Autoreply: yes",
        "Precedence: bulk",
        "Precedence: auto_reply",
        "Subject: 自动回复：返岗通知",
        "Subject: Automatic reply: notice",
        "Subject: Out of Office: notice",
    ],
)
@pytest.mark.parametrize("null_sender", [True, False])
def test_an_absence_note_is_neither_a_bounce_nor_a_persons_answer(header: str, null_sender: bool) -> None:
    raw = f"From: zw@example.com\r\n{header}\r\n\r\n我在休假\r\n".encode()
    report = read_mail(raw, null_sender=null_sender)
    assert (report.kind, report.text) == (MailKind.AUTOMATIC, "我在休假")


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: no",
        "X-Auto-Response-Suppress: All",
        "Precedence: normal",
        "Subject: Re: 自动回复的问题",
    ],
)
def test_what_people_send_is_not_taken_for_a_machines_answer(header: str) -> None:
    raw = f"From: zw@example.com\r\n{header}\r\n\r\n我3月2日回来\r\n".encode()
    assert read_mail(raw).kind is MailKind.REPLY


def test_a_receipt_of_reading_is_a_machines_answer_and_claims_nothing() -> None:
    raw = dsn("Disposition: automatic-action/MDN-sent-automatically; displayed").replace(
        b"delivery-status", b"disposition-notification"
    )
    assert read_mail(raw.replace(b"MAILER-DAEMON", b"zw")).kind is MailKind.AUTOMATIC


def test_an_answer_is_read_in_the_character_set_it_was_written_in() -> None:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["Subject"] = "张伟 <zw@example.com>", "Re: 返岗通知"
    mail.set_content("我3月2日回来。\n\n> 请于3月2日前返岗\n", charset="gb18030")
    report = read_mail(mail.as_bytes().replace(b"gb18030", b"gb2312"))
    assert (report.kind, report.text) == (MailKind.REPLY, "我3月2日回来。")
    assert (report.sender, report.subject) == ("张伟 <zw@example.com>", "Re: 返岗通知")


def test_a_mail_without_plain_text_is_read_from_its_page() -> None:
    mail = EmailMessage(policy=SMTP)
    mail.set_content(
        "<style>p{}</style><p>我<b>3月2日</b>回来</p><blockquote>请返岗<br>回执码 7K2M</blockquote>",
        subtype="html",
    )
    report = read_mail(mail.as_bytes())
    assert report.text == report.above == "我3月2日回来"


def test_attachments_are_counted_with_their_hash() -> None:
    mail = EmailMessage(policy=SMTP)
    mail.set_content("见附件")
    mail.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="证明.png")
    mail.add_attachment("no body", filename="note.txt")
    report = read_mail(mail.as_bytes())
    assert report.text == "见附件"
    first, second = report.attachments
    assert (first.media_type, first.size, first.name) == ("image/png", 4, "证明.png")
    assert first.sha256 == "0f4636c78f65d3639ece5a064b5ae753e3408614a14fb18ab4d7540d2c248543"
    assert second.media_type == "text/plain"


def test_no_text_carries_what_a_database_or_the_evidence_cannot_hold() -> None:
    raw = (
        b"From: a\x00b@example.com\r\nSubject: =?utf-8?b?AAECAw==?=\r\n\r\nred\x00 \xed\xa0\x80 \x1b[31m\r\n"
    )
    report = read_mail(raw)
    for text in (report.sender, report.subject, report.text):
        text.encode("utf-8")
        assert all(c >= " " or c in "\n\t" for c in text)
    assert "red" in report.text


def test_a_text_without_end_is_cut_and_read_in_time() -> None:
    raw = b"From: a@example.com\r\n\r\n" + b"> x\r\n" * 200_000 + b"end\r\n"
    assert len(read_mail(raw).text) == LONGEST_TEXT


PIECES = st.sampled_from(
    [
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n",
        b"Content-Type: multipart/mixed; boundary=b\r\n",
        b"Content-Type: message/delivery-status\r\n",
        b"Content-Type: message/rfc822\r\n",
        b"Content-Type: text/html; charset=\xff\r\n",
        b"Content-Type: text/plain; charset*=utf-8''%zz\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Transfer-Encoding: quoted-printable\r\n",
        b"Content-Disposition: attachment; filename*0*=x''%\r\n",
        b"From: =?x?b?=?= <\xff\r\n",
        b"Subject: =?utf-8?q?=zz?=\r\n",
        b"Auto-Submitted:\r\n",
        b"--b\r\n",
        b"--b--\r\n",
        b"\r\n",
        b"Action: failed\r\n",
        b"Status: 5.1.1\r\n",
        b"<![if><!DOCTYPE <p",
        b"> ",
        b"=?",
        b"\x00\xed\xa0\x80",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES | st.binary(max_size=20), max_size=40), st.booleans())
def test_whatever_bytes_come_reading_them_raises_nothing(pieces: list[bytes], null_sender: bool) -> None:
    report = read_mail(b"".join(pieces), null_sender=null_sender)
    assert report.kind in MailKind
    assert (report.code is not None) == (report.kind is MailKind.BOUNCE)
    f"{report.text}{report.sender}{report.subject}".encode()


def test_mails_within_mails_without_end_are_read() -> None:
    raw = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(3000)
    )
    assert read_mail(raw).kind is MailKind.REPLY
    assert read_mail(raw, null_sender=True).code == NO_REASON


def test_every_reason_has_sentences_and_every_class_a_fallback() -> None:
    assert MAIL_CODES.items() <= CODES.items()
    for level in "45":
        for subject in range(12):
            assert mail_code(f"{level}.{subject}.99") in MAIL_CODES
    assert meaning_of(mail_code("5.1.1")).kind is CodeClass.PERMANENT
    assert meaning_of(mail_code("5.2.2")).kind is CodeClass.TEMPORARY
    assert meaning_of(mail_code("5.7.1")).kind is CodeClass.CONTENT
    assert meaning_of(mail_code("4.7.1")).kind is CodeClass.TEMPORARY
    assert meaning_of(mail_code("5.9.9")).kind is CodeClass.PERMANENT
    assert meaning_of(mail_code(None)).kind is CodeClass.PERMANENT
