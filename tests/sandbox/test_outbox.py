"""The outbox page and its JSON twin, and the whole sandbox as a process."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.adapters.smtp import SmtpMailer
from countersign.contracts.sending import MailMessage
from countersign.sandbox.outbox import pieces
from countersign.sandbox.server import Sandbox, SandboxSettings, sandbox

ACCOUNT, TOKEN = "AC" + "0" * 32, "a-token-for-tests"
SENDER, PERSON = "+15005550006", "+85291234567"
LINK = "https://hr.example.cn/n/7K2M-XW9T-B4QP"


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with sandbox(SandboxSettings(tmp_path, 0, 0, ACCOUNT, TOKEN, step_seconds=0.01)) as stand_ins:
        yield stand_ins


@pytest.fixture
async def http(running: Sandbox) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=running.url) as client:
        yield client


def text(running: Sandbox, body: str, to: str = PERSON) -> None:
    running.sms.accept({"To": to, "From": SENDER, "Body": body})


async def mail(running: Sandbox, body: str, subject: str = "返岗通知") -> None:
    mailer = SmtpMailer(running.smtp_host, running.smtp_port, None, None, "none", "hr@example.cn", "HR", 5)
    await mailer.send(MailMessage("zw@example.com", subject, body, None, "<D1.1@x>", "N1", "D1", 1))


async def test_texts_and_mails_stand_together_newest_first(
    running: Sandbox, http: httpx2.AsyncClient
) -> None:
    text(running, "第一条")
    await mail(running, f"第二条 {LINK}。")
    text(running, f"第三条 {LINK}，谢谢")
    shown = (await http.get("/outbox.json")).json()["messages"]
    assert [item["kind"] for item in shown] == ["sms", "mail", "sms"]
    assert shown[1]["text"].strip() == f"第二条 {LINK}。"
    assert [item["links"] for item in shown] == [[LINK], [LINK], []]
    assert (shown[1]["message_id"], shown[1]["notice_id"]) == ("<D1.1@x>", "N1")
    assert shown[0]["segments"] == 1
    only = (await http.get("/outbox.json", params={"kind": "mail", "to": "zw@"})).json()["messages"]
    assert [item["recipient"] for item in only] == ["zw@example.com"]
    page = (await http.get("/")).text
    assert page.index("第三条") < page.index("第二条") < page.index("第一条")
    assert page.count(f'<a href="{LINK}" rel="noreferrer noopener">{LINK}</a>') == 2


async def test_nothing_that_was_sent_can_run_on_the_page(running: Sandbox, http: httpx2.AsyncClient) -> None:
    text(running, '<script>alert(1)</script> https://a.example/"onmouseover="x javascript:alert(1)')
    await mail(running, "<img src=x onerror=alert(1)>", subject="<b>fett</b>")
    answer = await http.get("/outbox", params={"note": "<i>x</i>", "to": '"><script>'})
    everything = await http.get("/outbox")
    for page in (answer.text, everything.text):
        assert "<script" not in page
        assert "<img" not in page
        assert "<b>fett" not in page
        assert "<i>" not in page
        assert 'href="javascript' not in page
    assert '<a href="https://a.example/" rel' in everything.text
    assert "default-src 'none'" in everything.headers["content-security-policy"]


async def test_the_source_of_a_mail_is_shown_as_text(running: Sandbox, http: httpx2.AsyncClient) -> None:
    await mail(running, "hello")
    (item,) = (await http.get("/outbox.json")).json()["messages"]
    source = await http.get(f"/outbox/mails/{item['id']}.eml")
    assert source.headers["content-type"].startswith("text/plain")
    assert "X-Notice-Id: N1" in source.text
    assert (await http.get("/outbox/mails/none.eml")).status_code == 404


async def test_a_mainland_number_has_no_reply_form(running: Sandbox, http: httpx2.AsyncClient) -> None:
    text(running, "a", to="+8613800138000")
    assert "/outbox/reply" not in (await http.get("/")).text
    text(running, "b")
    assert (await http.get("/")).text.count("/outbox/reply") == 1


async def test_the_reply_form_answers_with_the_page_and_says_what_went_wrong(
    running: Sandbox, http: httpx2.AsyncClient
) -> None:
    form = {"from": PERSON, "to": SENDER, "body": "好的"}
    answer = await http.post("/outbox/reply", data=form, follow_redirects=True)
    assert answer.status_code == 200
    assert "--inbound-url" in answer.text
    foreign = await http.post("/outbox/reply", data=form, headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403


async def test_a_long_outbox_has_pages(running: Sandbox, http: httpx2.AsyncClient) -> None:
    for number in range(51):
        running.sms.store.add(
            sid=f"SM{number}",
            direction="outbound-api",
            sender=SENDER,
            recipient=PERSON,
            body=f"[{number}]",
            status="delivered",
        )
    first = (await http.get("/outbox", params={"kind": "sms"})).text
    assert "[50]" in first
    assert "[0]" not in first
    assert "kind=sms&amp;page=2" in first
    assert "[0]" in (await http.get("/outbox", params={"kind": "sms", "page": "2"})).text


@given(
    st.lists(st.sampled_from(["https://a.cn/x", "http://b", "张", "。", " ", ")", ".", "<", '"', "https://"]))
)
def test_cutting_out_links_loses_no_character(parts: list[str]) -> None:
    written = "".join(parts)
    cut = pieces(written)
    assert "".join(piece for piece, _ in cut) == written
    assert all(piece.startswith(("http://", "https://")) for piece, is_link in cut if is_link)


async def test_the_sandbox_runs_as_a_process_says_when_it_is_ready_and_stops_cleanly(tmp_path: Path) -> None:
    arguments = ["--data-dir", str(tmp_path), "--port", "0", "--smtp-port", "0"]
    arguments += ["--account-sid", ACCOUNT, "--auth-token", TOKEN]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "countersign.sandbox", *arguments, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    ready = json.loads(await asyncio.wait_for(process.stderr.readline(), 20))
    assert ready["event"] == "sandbox.ready"
    async with httpx2.AsyncClient() as client:
        assert (await client.get(ready["outbox"])).status_code == 200
    process.send_signal(signal.SIGTERM)
    assert await process.stderr.read() == b""
    assert await process.wait() == 0
