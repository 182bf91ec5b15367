"""The mail catcher's memory; its conversation is tested with the mailer."""

from pathlib import Path

import aiosmtplib

from countersign.sandbox.faults import FaultBoard
from countersign.sandbox.mail import MailCatcher

MAIL = b"Subject: =?utf-8?b?6L+U5bKX?=\r\nMessage-ID: <D1.1@x>\r\nX-Notice-Id: N1\r\n\r\nhello\r\n"


async def test_a_restart_keeps_the_mails_and_their_bytes(tmp_path: Path) -> None:
    catcher = MailCatcher(tmp_path, FaultBoard())
    port = await catcher.start("127.0.0.1", 0)
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port) as smtp:
        await smtp.sendmail("hr@example.com", ["a@example.com", "b@example.com"], MAIL)
    await catcher.aclose()

    again = MailCatcher(tmp_path, FaultBoard())
    (kept,) = again.mails()
    assert (kept.subject, kept.message_id, kept.notice_id) == ("返岗", "<D1.1@x>", "N1")
    assert (kept.envelope_from, kept.to) == ("hr@example.com", ("a@example.com", "b@example.com"))
    assert again.raw(kept.id) == MAIL
    assert again.text(kept.id).strip() == "hello"
    assert again.raw("../index") is None


async def test_closing_cuts_open_conversations(tmp_path: Path) -> None:
    catcher = MailCatcher(tmp_path, FaultBoard())
    port = await catcher.start("127.0.0.1", 0)
    smtp = aiosmtplib.SMTP(hostname="127.0.0.1", port=port)
    await smtp.connect()
    await catcher.aclose()
    assert catcher.connections == set()
    smtp.close()
