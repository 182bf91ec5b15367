"""The page of a case: what it shows to whom, its files and its evidence."""

import re
import zipfile
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from sqlmodel import select

from countersign.adapters.database.acts import NewAct, StoredFile
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Delivery, Document, Notice, Person
from countersign.contracts.cases import ActKind, EventDraft, Role
from countersign.domain.evidence import EventKind
from tests.support.company import BEIJING, NAME, NUMBER, add_colleague, add_shanghai
from tests.support.console import Browser, browser
from tests.support.running_case import NOW, Running, running
from tests.support.story import at

CODE = "D6VQ-8PG7-RPF4"
PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


def spoken(case: Running) -> str:
    """Let the first step speak over text and mail, the mail in vain; return the notice."""
    with case.parts.database.transaction() as session:
        person = session.exec(select(Person).where(Person.number == NUMBER)).one()
        notice = Notice(
            id="N" * 26,
            case_id=case.case_id,
            step="1.second_reminder",
            template="t",
            audience="employee",
            person_id=person.id,
            language="zh-CN",
            title="返岗通知书",
            text="正文",
            fingerprint="f" * 64,
            created_at=NOW,
        )
        session.add(notice)
        session.flush()
        about: dict[str, Any] = {
            "notice_id": notice.id,
            "case_id": case.case_id,
            "attempt": 1,
            "text": "x",
            "created_at": NOW,
        }
        session.add(Delivery(id="S" * 26, channel="sms", state="sent", sent_at=NOW, **about))
        refused: dict[str, Any] = {"state": "failed_permanent", "error_code": "smtp_5.1.1"}
        session.add(Delivery(id="M" * 26, channel="email", **refused, **about))
    return "N" * 26


def handed_in(case: Running, media_type: str = "application/pdf") -> str:
    """Let the employee ask for an extension with a paper; return the document."""
    sha256 = case.parts.documents.keep(PDF)
    file = StoredFile(sha256, media_type, len(PDF), "诊断证明.pdf")
    words = {"reason": "椎间盘突出"}
    new = NewAct(
        "e" * 40, case.case_id, ActKind.EXTENSION_ASKED, Role.EMPLOYEE, "link", {}, words, files=(file,)
    )
    case.parts.acts.take(new)
    with case.parts.database.reading() as session:
        return session.exec(select(Document.id)).one()


def managed_by(case: Running, number: str) -> None:
    with case.parts.database.transaction() as session:
        session.exec(select(Person).where(Person.number == NUMBER)).one().manager_number = number


async def see(one: Browser, case: Running, more: str = "") -> int:
    return (await one.get(f"/console/cases/{case.case_id}{more}")).status_code


async def token(one: Browser, case: Running) -> str:
    await see(one, case)
    found = re.search(r'name="nonce" value="(\w+)"', one.page)
    assert found is not None
    return found[1]


async def test_the_head_the_plan_and_the_words_of_the_messages(tmp_path: Path) -> None:
    case = running(tmp_path)
    spoken(case)
    async with browser(case.parts, Role.HR) as hr:
        assert await see(hr, case) == 200
        assert f"Leave return · {NUMBER} {NAME}" in hr.text
        assert "北京" in hr.text
        assert "1 days left" in hr.text
        assert "2 of 4 · second reminder" in hr.text
        assert "leave_return_standard@1" in hr.text
        assert "accepted by the provider" in hr.text
        assert "read" not in hr.text.split("Timeline")[0].split()
        assert "(smtp_5.1.1)" in hr.text
        assert "李标记娜 (the emergency contact)" in hr.text
        head = case.parts.views.chain(Scope(), case.case_id)
        assert head is not None
        assert f"#{head[-1].seq} {head[-1].hash[:8]}" in hr.text


async def test_the_same_words_in_chinese(tmp_path: Path) -> None:
    case = running(tmp_path)
    spoken(case)
    async with browser(case.parts, Role.HR, language="zh-CN") as hr:
        await see(hr, case)
        for words in ("短信服务商已接收", "最终失败", "案件开始", "待办移交", "第 2 步，共 4 步"):
            assert words in hr.text, words


async def test_a_case_of_another_branch_or_none_is_not_there(tmp_path: Path) -> None:
    case = running(tmp_path)
    add_shanghai(case.parts)
    async with browser(case.parts, Role.HR, branch="上海") as hr:
        assert await see(hr, case) == await see(hr, case, "/live") == 404
        assert (await hr.post(f"/console/cases/{case.case_id}/evidence")).status_code == 404
        assert (await hr.post(f"/console/cases/{case.case_id}/comments", {"comment": "x"})).status_code == 404
    assert EventKind.COMMENT_ADDED not in case.kinds()


async def test_a_manager_sees_the_case_of_the_team_without_what_concerns_health(tmp_path: Path) -> None:
    case = running(tmp_path)
    add_colleague(case.parts, "E2000")
    managed_by(case, "E2000")
    notice, document = spoken(case), handed_in(case)
    async with browser(case.parts, Role.MANAGER, number="E2000") as manager:
        assert await see(manager, case) == 200
        for hidden in (
            "椎间盘突出",
            "诊断证明",
            "sick",
            "返岗通知书",
            "Verify now",
            "Pause the case",
            "李标记娜",
        ):
            assert hidden not in manager.page, hidden
        assert "[not disclosed]" in manager.text
        assert "Add a comment" in manager.text
        base = f"/console/cases/{case.case_id}"
        for path in (f"{base}/documents/{document}", f"{base}/notices/{notice}/paper"):
            assert (await manager.get(path)).status_code == 403
        for path in ("acts", "evidence", "verification", "holds", "manual-evidence", "linked-cases"):
            assert (await manager.post(f"{base}/{path}")).status_code == 403
    add_colleague(case.parts, "E2001")
    async with browser(case.parts, Role.MANAGER, "other", number="E2001") as other:
        assert await see(other, case) == 404


async def test_a_comment_stands_sealed_with_its_name_once_and_after_the_end_too(tmp_path: Path) -> None:
    case = running(tmp_path)
    add_colleague(case.parts, "E2000")
    managed_by(case, "E2000")
    async with browser(case.parts, Role.MANAGER, number="E2000", name="陈经理") as manager:
        form = {"nonce": await token(manager, case), "comment": "上周在楼下见过本人"}
        for _ in range(2):
            await manager.post(f"/console/cases/{case.case_id}/comments", form)
        assert "上周在楼下见过本人" in manager.text
        assert "the manager 陈经理" in manager.text
        case.close()
        again = {"nonce": await token(manager, case), "comment": "补充说明"}
        await manager.post(f"/console/cases/{case.case_id}/comments", again)
        assert "补充说明" in manager.text
        empty = await manager.post(f"/console/cases/{case.case_id}/comments", {"comment": " "})
        assert empty.status_code == 422
    assert case.kinds().count(EventKind.COMMENT_ADDED) == 2
    events = case.parts.views.chain(Scope(), case.case_id)
    assert "上周" not in str(events)
    assert "陈经理" not in str(events)


async def test_after_an_erasure_nothing_is_noted(tmp_path: Path) -> None:
    case = running(tmp_path)
    case.close()
    case.parts.eraser.erase(case.case_id, {"role": "system_administrator", "id": "token:x"}, "term over")
    async with browser(case.parts, Role.HR) as hr:
        assert await see(hr, case) == 200
        form = {"nonce": await token(hr, case), "comment": "too late"}
        answer = await hr.post(f"/console/cases/{case.case_id}/comments", form)
        assert answer.status_code == 422
        assert "its personal values were erased" in hr.text
        assert "too late" in hr.page


async def test_a_file_is_handed_out_and_that_is_told_once_a_day(tmp_path: Path) -> None:
    now = [NOW]
    case = running(tmp_path, lambda: now[0])
    document = handed_in(case)
    path = f"/console/cases/{case.case_id}/documents/{document}"
    async with browser(case.parts, Role.HR, branch=BEIJING) as hr:
        answer = await hr.get(path)
        assert answer.content == PDF
        assert answer.headers["content-disposition"] == f'attachment; filename="document-{document}.pdf"'
        assert answer.headers["x-content-type-options"] == "nosniff"
        await hr.get(path)
        assert case.kinds().count(EventKind.DOCUMENT_VIEWED) == 1
        now[0] += timedelta(hours=1, minutes=30)
        await hr.get(path)
        assert case.kinds().count(EventKind.DOCUMENT_VIEWED) == 1
        assert (await hr.get(f"/console/cases/{'0' * 26}/documents/{document}")).status_code == 404
        assert (await hr.get(f"/console/cases/{case.case_id}/documents/{'0' * 26}")).status_code == 404
    now[0] = at("03-03 08:00")
    async with browser(case.parts, Role.LEGAL) as legal:
        await legal.get(path)
        assert case.kinds().count(EventKind.DOCUMENT_VIEWED) == 2
        await see(legal, case)
        assert "legal legal name" in legal.text


async def test_an_export_verifies_and_its_taking_is_told_and_a_check_tells_nothing(tmp_path: Path) -> None:
    case = running(tmp_path)
    async with browser(case.parts, Role.AUDITOR, name="审计员") as auditor:
        before = len(case.kinds())
        answer = await auditor.post(f"/console/cases/{case.case_id}/verification")
        assert answer.status_code == 200
        assert len(case.kinds()) == before
        assert "the chain holds" in auditor.text
        assert "no timestamp" in auditor.text
        assert "no anchor" in auditor.text
        assert "nothing outside this installation vouches for the bundle" in auditor.text
        whole = await auditor.post(f"/console/cases/{case.case_id}/evidence")
        assert NAME in zipfile.ZipFile(BytesIO(whole.content)).read("disclosures.jsonl").decode()
        bare = await auditor.post(f"/console/cases/{case.case_id}/evidence", {"redact": "yes"})
        assert zipfile.ZipFile(BytesIO(bare.content)).read("disclosures.jsonl") == b""
        assert bare.headers["content-disposition"].endswith('-redacted.zip"')
        await see(auditor, case)
        assert "the auditor 审计员" in auditor.text
    assert case.kinds().count(EventKind.EVIDENCE_EXPORTED) == 2


async def test_a_verification_in_chinese_leaves_no_english_sentence(tmp_path: Path) -> None:
    case = running(tmp_path)
    case.parts.anchoring.run()
    async with browser(case.parts, Role.HR, language="zh-CN") as hr:
        await hr.post(f"/console/cases/{case.case_id}/verification")
        assert "证据链完整" in hr.text
        assert "无时间戳" in hr.text
        assert "未锚定" not in hr.text
        for item in re.findall(r"<li>(.*?)</li>", hr.page, re.DOTALL):
            assert re.search(r"[\u4e00-\u9fff]", item), item


async def test_a_broken_chain_is_told(tmp_path: Path) -> None:
    case = running(tmp_path)
    from sqlalchemy import text

    with case.parts.database.transaction() as session:
        session.connection().execute(
            text("update event set line = replace(line, 'sick', 'other') where seq = 1")
        )
    async with browser(case.parts, Role.HR) as hr:
        await hr.post(f"/console/cases/{case.case_id}/verification")
        assert "broken" in hr.text
        assert "event 1" in hr.text
        assert "Change nothing." in hr.text


async def test_legal_places_and_releases_a_hold(tmp_path: Path) -> None:
    case = running(tmp_path)
    async with browser(case.parts, Role.LEGAL, name="法务员") as legal:
        base = f"/console/cases/{case.case_id}/holds"
        assert (await legal.post(base, {"hold-reason": ""})).status_code == 422
        await legal.post(base, {"hold-reason": "劳动仲裁"})
        assert "hold in force 劳动仲裁 legal 法务员" in legal.text
        (hold,) = case.parts.holds.of_case(case.case_id)
        assert (await legal.post(f"{base}/{hold.id}/release", {"release-reason": ""})).status_code == 422
        await legal.post(f"{base}/{hold.id}/release", {"release-reason": "结案"})
        assert "hold released" in legal.text
        missing = await legal.post(f"{base}/{'0' * 26}/release", {"release-reason": "x"})
        assert missing.status_code == 404
    async with browser(case.parts, Role.AUDITOR) as auditor:
        await see(auditor, case)
        assert "Place a legal hold" not in auditor.text


async def test_only_system_administrators_have_the_way_to_the_run(tmp_path: Path) -> None:
    case = running(tmp_path, ui_base_url="http://ui.test/")
    async with browser(case.parts, Role.SYSTEM_ADMINISTRATOR) as root:
        await see(root, case)
        workflow = f"leave-return%2F{case.parts.views.case(Scope(), case.case_id)['workflow_id'][13:]}"  # type: ignore[index]
        assert f'href="http://ui.test/namespaces/default/workflows/{workflow}"' in root.page
    async with browser(case.parts, Role.HR) as hr:
        await see(hr, case)
        assert "ui.test" not in hr.page


async def test_what_refreshes_itself_brings_the_timeline_only_when_something_is_new(tmp_path: Path) -> None:
    case = running(tmp_path)
    async with browser(case.parts, Role.HR) as hr:
        await see(hr, case)
        seen = len(case.kinds())
        await see(hr, case, f"/live?seen={seen}&loaded={seen}")
        assert 'id="status"' in hr.page
        assert 'id="timeline"' not in hr.page
        assert "<form" not in hr.page
        assert "Something has happened" not in hr.text
        case.write(EventDraft(EventKind.CASE_PAUSED, {}))
        await see(hr, case, f"/live?seen={seen}&loaded={seen}")
        assert 'id="timeline" class="card" hx-swap-oob="true"' in hr.page
        assert "Case paused" in hr.text
        assert "Something has happened since this page was opened." in hr.text
        assert "<form" not in hr.page


async def test_a_long_chain_comes_a_hundred_at_a_time(tmp_path: Path) -> None:
    case = running(tmp_path)
    case.write(*(EventDraft(EventKind.NOTICE_NOTHING_SENT, {"because": "x"}) for _ in range(250)))
    count = len(case.kinds())
    async with browser(case.parts, Role.HR) as hr:

        async def numbers(query: str) -> list[int]:
            await see(hr, case, query)
            return [int(n) for n in re.findall(r'id="event-(\d+)"', hr.page)]

        assert await numbers("") == list(range(count, count - 100, -1))
        assert await numbers("?order=old") == list(range(1, 101))
        assert await numbers("?order=old&page=3") == list(range(201, count + 1))
        assert await numbers("?page=99") == list(range(count - 200, 0, -1))
        assert await numbers("?show=people") == [1]
        assert len(await numbers("?show=messages")) == 100
        assert f"Only messages {250}" in hr.text
        assert await numbers("?show=nonsense&page=-1&order=x") == list(range(count, count - 100, -1))


async def test_the_codes_that_open_a_notice_are_not_shown(tmp_path: Path) -> None:
    case = running(tmp_path)
    case.write(
        EventDraft(EventKind.DELIVERY_SENDING, {"delivery": "S" * 26, "text": f"回执码 {CODE} 咨询人事部"})
    )
    async with browser(case.parts, Role.HR) as hr:
        await see(hr, case)
        assert "咨询人事部" in hr.text
        assert CODE not in hr.page


async def test_evidence_by_hand_is_kept_with_its_file_or_refused_in_words(tmp_path: Path) -> None:
    case = running(tmp_path)
    path = f"/console/cases/{case.case_id}/manual-evidence"
    async with browser(case.parts, Role.HR, name="李娜") as hr:
        form = {
            "nonce": await token(hr, case),
            "manual-kind": "visit",
            "manual-result": "not_reached",
            "manual-happened_at": "2026-03-02T09:00",
            "manual-words": "敲门无人应答",
        }
        answer = await hr.post(path, form)
        assert answer.status_code == 422
        assert "Witness: a visit needs a witness" in hr.text
        assert "敲门无人应答" in hr.page
        future = await hr.post(
            path, {**form, "manual-witness": "王芳", "manual-happened_at": "2026-03-05T09:00"}
        )
        assert future.status_code == 422
        assert "When: lies in the future" in hr.text
        for _ in range(2):
            await hr.post(path, {**form, "manual-witness": "王芳"})
        assert "Visit, entered by hand HR 李娜" in hr.text
        shot = {**form, "nonce": await token(hr, case), "manual-kind": "screenshot"}
        assert (await hr.post(path, shot)).status_code == 422
        assert "needs its picture" in hr.text
        text = {"manual-file": ("x.txt", b"hello", "text/plain")}
        assert (await hr.post(path, shot, files=text)).status_code == 422
        assert "File:" in hr.text
    assert case.kinds().count(EventKind.MANUAL_VISIT) == 1
    visit = case.parts.views.case(Scope(), case.case_id)["manual_evidence"][0]  # type: ignore[index]
    assert datetime.fromisoformat(visit["happened_at"]) == at("03-02 09:00")


async def test_a_form_without_its_text_is_no_server_fault(tmp_path: Path) -> None:
    case = running(tmp_path)
    async with browser(case.parts, Role.HR) as hr:
        for path in ("acts", "comments", "manual-evidence", "linked-cases", "holds"):
            answer = await hr.post(f"/console/cases/{case.case_id}/{path}")
            assert answer.status_code == 422, path
