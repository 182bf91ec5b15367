"""What somebody sees who is signed in as themselves: what is asked, their notices, receipts and matters."""

import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlmodel import select

from api.me import signing_in
from countersign.adapters.database.tables import (
    ActRow,
    Case,
    Delegation,
    Delivery,
    DisclosureRow,
    Document,
    EventRow,
    Leave,
    Notice,
    Person,
)
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.ids import new_id
from tests.console.test_phone_sign_in import phone
from tests.support.company import BEIJING, CONTACT_NAME, NAME, NUMBER, add_colleague, company
from tests.support.console import Browser, browser, open_account, plain
from tests.support.story import at, story

NOW = datetime(2026, 2, 24, 2, 0, tzinfo=UTC)
WECHAT = (
    "Mozilla/5.0 (Linux; Android 9; V1818A) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
    "Chrome/78.0.3904.62 XWEB/2693 MMWEBSDK/201001 Mobile Safari/537.36 MicroMessenger/7.0.20"
)
TEXT = "您的病假已结束。\n\n请答复。"
LIMIT = 30_000


@dataclass
class House:
    """A company with one silent employee, whose manager was told, and no Temporal server."""

    parts: Parts
    clock: list[datetime]
    case_id: str = "case0000000000000000000001"

    def person(self, number: str) -> str:
        with self.parts.database.reading() as session:
            return session.exec(select(Person.id).where(Person.number == number)).one()

    def rows(self, kind: type[Any]) -> list[Any]:
        with self.parts.database.reading() as session:
            rows = list(session.exec(select(kind)))
            session.expunge_all()
            return rows

    def change(self, kind: type[Any], key: Any, **values: Any) -> None:
        with self.parts.database.transaction() as session:
            row = session.get_one(kind, key)
            for name, value in values.items():
                setattr(row, name, value)
            session.add(row)

    def case(self, number: str = NUMBER, **more: Any) -> str:
        """Open a case about an employee; return its id."""
        with self.parts.database.transaction() as session:
            person = session.exec(select(Person.id).where(Person.number == number)).one()
            leave = new_id()
            session.add(
                Leave(
                    id=leave, person_id=person, kind="sick", starts_on=date(2025, 12, 1), ends_on=NOW.date()
                )
            )
            session.flush()
            case = Case(
                id=more.pop("id", new_id()),
                kind="leave_return",
                workflow_id=f"leave-return/{leave}",
                person_id=person,
                branch_id=BEIJING,
                leave_id=leave,
                policy_version="1",
                ends_on=NOW.date(),
                created_at=NOW,
                **{"state": "running", "stage": "ladder", **more},
            )
            session.add(case)
            return case.id

    def tell(
        self, name: str, audience: str, number: str, *, case: str = "", title: str = "返岗通知书", **more: Any
    ) -> str:
        """Put a notice into the books, for an employee in their inbox too; return its id."""
        with self.parts.database.transaction() as session:
            person = session.exec(select(Person.id).where(Person.number == number)).one()
            text = more.pop("text", TEXT)
            notice = Notice(
                id=new_id(),
                case_id=case or self.case_id,
                step=name,
                template=name,
                audience=audience,
                person_id=person,
                language="zh-CN",
                title=title,
                text=text,
                fingerprint=hashlib.sha256(f"{title}\n{text}".encode()).hexdigest(),
                created_at=more.pop("at", NOW),
                **{"answer_by": NOW + timedelta(days=1), **more},
            )
            session.add(notice)
            session.flush()
            if audience == "employee":
                box = Delivery(
                    id=new_id(), notice_id=notice.id, case_id=notice.case_id, channel="in_system", attempt=1,
                    state="delivered", text=text, created_at=NOW, settled_at=NOW,
                )  # fmt: skip
                session.add(box)
            return notice.id


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    clock = [NOW]
    parts = company(tmp_path, lambda: clock[0])

    async def away() -> Any:
        raise ConnectionError("no server here")

    parts.__dict__["temporal"] = away
    add_colleague(parts, "E9000", name="王经理")
    with parts.database.transaction() as session:
        session.exec(select(Person).where(Person.number == NUMBER)).one().manager_number = "E9000"
    made = House(parts, clock)
    made.case(id=made.case_id)
    yield made
    parts.database.close()


def hidden(page: str) -> dict[str, str]:
    """Return the hidden fields of the answer form on a page."""
    form = page[page.index('action="/me/notices/') :]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))


async def send(one: Browser, notice: str, files: Any = None, **answer: str) -> Any:
    """Open a notice and answer it."""
    await one.get(f"/me/notices/{notice}")
    form = {**hidden(one.page), **answer}
    return await one.post(f"/me/notices/{notice}", form, files=files or {"file": ("", b"")})


# -- reading ----------------------------------------------------------------------------------------------


async def test_the_first_page_says_what_is_asked_until_when_and_what_goes_on(house: House) -> None:
    house.tell("1.first_notice", "employee", NUMBER)
    step = {"audience": "employee", "state": "planned", "channels": ["courier"], "step": "paper"}
    silent = {**step, "audience": "emergency_contact", "channels": ["sms"], "at": "2026-02-26T10:00:00+08:00"}
    planned = [silent, {**step, "at": "2026-02-28T10:00:00+08:00"}]
    house.change(Case, house.case_id, steps=planned)
    async with browser(house.parts, Role.EMPLOYEE, number=NUMBER) as one:
        await one.get("/me")
        assert "What is asked of me 1" in one.text
        assert "Please answer by 2026-02-25 10:00 (China time)" in one.text
        assert "The company is waiting for your answer about your return." in one.text
        assert "A letter to your address on file, 2026-02-28 10:00" in one.text
        assert CONTACT_NAME not in one.text
        assert "02-26" not in one.text


async def test_a_reminder_replaces_the_notice_before_it_and_a_closed_matter_asks_nothing(
    house: House,
) -> None:
    house.tell("1.first_notice", "employee", NUMBER)
    second = house.tell("1.second_reminder", "employee", NUMBER, title="催告", at=NOW + timedelta(days=2))
    async with browser(house.parts, Role.EMPLOYEE, number=NUMBER) as one:
        await one.get("/me")
        assert "What is asked of me 1" in one.text
        assert f'class="button" href="/me/notices/{second}"' in one.page
        assert "My notices 2" in one.text
        house.change(Case, house.case_id, state="closed", stage="closed", outcome="back", closed_at=NOW)
        await one.get("/me")
        assert "Nothing waits for an answer from you." in one.text
        assert "Closed: you are back at work." in one.text


async def test_opening_a_notice_marks_its_inbox_delivery_once_and_only_for_a_browser(house: House) -> None:
    notice = house.tell("1.first_notice", "employee", NUMBER)
    async with browser(house.parts, Role.EMPLOYEE, number=NUMBER) as one:
        await one.client.get(f"/me/notices/{notice}", headers={"user-agent": "curl/8.5"})
        await one.client.get(
            f"/me/notices/{notice}", headers={"user-agent": WECHAT, "sec-purpose": "prefetch"}
        )
        assert house.rows(Delivery)[0].opened_at is None
        for _ in range(2):
            page = await one.client.get(f"/me/notices/{notice}", headers={"user-agent": WECHAT})
            house.clock[0] += timedelta(hours=1)
        assert house.rows(Delivery)[0].opened_at == NOW
        assert TEXT.split("\n")[0] in page.text
        assert house.rows(Notice)[0].fingerprint in page.text
        (event,) = [row for row in house.rows(EventRow) if row.kind == "link.opened"]
        assert '"channel":"in_system"' in event.line
        assert "opened in the in-system inbox" in event.line
        assert NAME not in event.line


async def test_a_notice_is_read_by_its_addressee_alone(house: House) -> None:
    notice = house.tell("1.first_notice", "employee", NUMBER)
    add_colleague(house.parts, "E2001", manager_number="E9000")
    async with browser(house.parts, Role.EMPLOYEE, number=NUMBER) as one:
        await send(one, notice, answer="returns_on", on="2026-03-02")
        act = house.rows(ActRow)[0].id
        assert (await one.get(f"/me/cases/{house.case_id}")).status_code == 200
    paths = (f"notices/{notice}", f"receipts/{act}", f"receipts/{act}.txt", f"cases/{house.case_id}")
    others = ((Role.EMPLOYEE, "E2001"), (Role.MANAGER, "E9000"), (Role.HR, None), (Role.AUDITOR, None))
    for role, number in others:
        async with browser(house.parts, role, login=f"other-{role}", number=number) as other:
            for path in paths:
                assert (await other.get(f"/me/{path}")).status_code == 404, (role, path)
                assert NAME not in other.page
            answer = await other.post(f"/me/notices/{notice}", {"answer": "resigned"})
            assert answer.status_code == 404
            await other.get("/me")
            assert "返岗通知书" not in other.page
    assert len(house.rows(ActRow)) == 1


# -- answering --------------------------------------------------------------------------------------------


async def test_an_answer_is_kept_while_the_server_is_away_and_the_receipt_says_so(house: House) -> None:
    notice = house.tell("1.first_notice", "employee", NUMBER)
    async with browser(house.parts, Role.EMPLOYEE, number=NUMBER) as one:
        await send(one, notice, answer="returns_on", on="2026-03-02", words="上午到")
        assert "Recorded at 2026-02-24 10:00:00, being processed" in one.text
        assert "Day of return 2026-03-02" in one.text
        (act,) = house.rows(ActRow)
        assert (act.role, act.actor, act.link_id) == ("employee", house.person(NUMBER), None)
        assert act.body == {"on": "2026-03-02", "identity": "account_session"}
        assert act.shown_sha256 == house.rows(Notice)[0].fingerprint
        text = await one.get(f"/me/receipts/{act.id}.txt")
        assert text.headers["content-disposition"].startswith("attachment")
        assert act.fingerprint in text.text
        assert "上午到" in text.text
        await one.get("/me")
        assert "Nothing waits for an answer from you." in one.text
        assert "I will return on a day" in one.text
        await one.get(f"/me/cases/{house.case_id}")
        assert "recorded, being processed" in one.text
        await one.get(f"/me/notices/{notice}")
        assert "You have answered I will return on a day" in one.text


async def test_the_same_form_sent_twice_is_one_answer_and_another_form_a_second(house: House) -> None:
    notice = house.tell("1.first_notice", "employee", NUMBER)
    async with browser(house.parts, Role.EMPLOYEE, number=NUMBER) as one:
        await one.get(f"/me/notices/{notice}")
        form = {**hidden(one.page), "answer": "returns_on", "on": "2026-03-02"}
        for _ in range(2):
            assert (await one.post(f"/me/notices/{notice}", form)).status_code == 200
        assert len(house.rows(ActRow)) == 1
        await send(one, notice, answer="returns_on", on="2026-03-02")
        assert len(house.rows(ActRow)) == 2


async def test_a_refused_form_keeps_what_was_typed_and_a_changed_notice_is_read_again(house: House) -> None:
    notice = house.tell("1.first_notice", "employee", NUMBER)
    async with browser(house.parts, Role.EMPLOYEE, number=NUMBER) as one:
        answer = await send(one, notice, answer="objected", words="")
        assert answer.status_code == 422
        assert "Write what you object to." in one.text
        answer = await send(one, notice, answer="returns_on", on="soon", words="等我")
        assert answer.status_code == 422
        assert 'value="soon"' in one.page
        assert "等我</textarea>" in one.page
        stale = {**hidden(one.page), "answer": "resigned", "shown": "0" * 64}
        answer = await one.post(f"/me/notices/{notice}", stale)
        assert answer.status_code == 409
        assert "The notice has changed" in one.text
        answer = await send(one, notice, answer="not_me")
        assert answer.status_code == 422
        assert house.rows(ActRow) == []


async def test_an_extension_carries_its_paper_and_one_that_is_too_large_is_refused_in_words(
    house: House,
) -> None:
    notice = house.tell("1.first_notice", "employee", NUMBER)
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), "white").save(picture, "PNG")
    async with browser(house.parts, Role.EMPLOYEE, number=NUMBER) as one:
        big = {"file": ("big.png", picture.getvalue() + b"\0" * house.parts.settings.upload_limit_bytes)}
        answer = await send(one, notice, big, answer="extension_asked", until="2026-04-01")
        assert answer.status_code == 422
        assert "The file is larger than 10 MB." in one.text
        huge = {"file": ("huge.png", b"\0" * (house.parts.settings.upload_limit_bytes * 4 + 100_000))}
        assert (await send(one, notice, huge, answer="extension_asked")).status_code == 413
        good = {"file": ("paper.png", picture.getvalue())}
        answer = await send(one, notice, good, answer="extension_asked", until="2026-04-01")
        assert "Paper attached PNG, 1 KB" in one.text
    (paper,) = house.rows(Document)
    assert paper.act_id == house.rows(ActRow)[0].id


async def test_an_answer_from_a_page_left_open_over_the_close_is_kept_as_late(house: House) -> None:
    notice = house.tell("1.first_notice", "employee", NUMBER)
    async with browser(house.parts, Role.EMPLOYEE, number=NUMBER) as one:
        await one.get(f"/me/notices/{notice}")
        form = {**hidden(one.page), "answer": "returns_on", "on": "2026-03-02"}
        house.change(Case, house.case_id, state="closed", stage="closed", outcome="back", closed_at=NOW)
        await one.post(f"/me/notices/{notice}", form)
        assert "Already decided by" in one.text
        await one.get(f"/me/notices/{notice}")
        assert "no other answer can be given here" in one.text
        assert "<textarea" not in one.page


async def test_nobody_answers_without_end(house: House) -> None:
    notice = house.tell("1.first_notice", "employee", NUMBER)
    async with browser(house.parts, Role.EMPLOYEE, number=NUMBER) as one:
        await one.get(f"/me/notices/{notice}")
        form = {**hidden(one.page), "answer": "returns_on"}
        for day in range(1, 21):
            answer = await one.post(f"/me/notices/{notice}", {**form, "on": f"2026-03-{day:02}"})
            assert answer.status_code == 200
        answer = await one.post(f"/me/notices/{notice}", {**form, "on": "2026-03-21"})
        assert answer.status_code == 429
        assert "Too many tries" in one.text


# -- managers and those who stand in for them -------------------------------------------------------------


async def test_a_manager_confirms_the_message_about_a_silent_colleague(house: House) -> None:
    notice = house.tell("1.manager", "manager", "E9000", title="请协助联系", text="张某尚未答复。")
    async with browser(house.parts, Role.MANAGER, number="E9000") as boss:
        await boss.get("/me")
        assert f"about {NAME} ({NUMBER})" in boss.text
        answer = await send(boss, notice)
        assert answer.status_code == 200
        assert "I have received this message" in boss.text
        await boss.get("/me")
        assert "Nothing waits for an answer from you." in boss.text
        await boss.get(f"/me/notices/{notice}")
        assert "nothing more is asked of you here" in boss.text
    (act,) = house.rows(ActRow)
    assert (act.kind, act.role, act.actor) == ("acknowledged", "manager", house.person("E9000"))
    assert act.acting_for is None


async def test_a_delegate_confirms_for_the_absent_manager_and_both_names_are_in_the_trail(
    house: House,
) -> None:
    for_manager = house.tell("1.manager", "manager", "E9000", title="请协助联系", text="张某尚未答复。")
    own_case = house.case("E9000")
    private = house.tell("1.first_notice", "employee", "E9000", case=own_case, title="您自己的通知")
    add_colleague(house.parts, "E9001", name="赵代理")
    absent = open_account(house.parts, Role.MANAGER, "wang", number="E9000", name="王经理")
    async with browser(house.parts, Role.MANAGER, login="zhao", number="E9001", name="赵代理") as one:
        assert (await one.get(f"/me/notices/{for_manager}")).status_code == 404
        delegation = Delegation(
            id="d1",
            absent_id=absent,
            delegate_id=one.account_id,
            from_day=date(2026, 2, 20),
            until_day=date(2026, 3, 6),
            created_by="test",
            created_at=NOW,
        )
        with house.parts.database.transaction() as session:
            session.add(delegation)
        await one.get("/me")
        assert "For 王经理 (until 2026-03-06)" in one.text
        assert "您自己的通知" not in one.page
        assert (await one.get(f"/me/notices/{private}")).status_code == 404
        assert (await one.get(f"/me/cases/{own_case}")).status_code == 404
        await one.client.get(f"/me/notices/{for_manager}", headers={"user-agent": WECHAT})
        await send(one, for_manager)
        assert "On behalf of 王经理" in one.text
        receipt = one.page
        await one.get("/me")
        assert "on behalf of 王经理" in one.text
        house.change(Delegation, "d1", ended_at=NOW)
        assert (await one.get(f"/me/notices/{for_manager}")).status_code == 404
        await one.get("/me")
        assert "For 王经理" not in one.text
        (act,) = house.rows(ActRow)
        assert (act.role, act.actor, act.acting_for) == ("manager", f"account:{one.account_id}", absent)
        assert act.id in receipt
        assert (await one.get(f"/me/receipts/{act.id}")).status_code == 200
    seqs = {row.seq for row in house.rows(EventRow) if row.kind in {"answer.acknowledged", "link.opened"}}
    assert len(seqs) == 2
    names = {(row.seq, row.path): row.value for row in house.rows(DisclosureRow)}
    for seq in seqs:
        assert names[(seq, "/actor/name")] == "赵代理"
        assert names[(seq, "/actor/for/name")] == "王经理"
    async with browser(house.parts, Role.MANAGER, login="wang2", number="E9000") as boss:
        await boss.get(f"/me/notices/{for_manager}")
        assert "answered" in (await boss.get("/me")).text


async def test_a_delegate_does_not_confirm_what_is_about_themselves(house: House) -> None:
    notice = house.tell("1.manager", "manager", "E9000", title="请协助联系")
    absent = open_account(house.parts, Role.MANAGER, "wang", number="E9000", name="王经理")
    async with browser(house.parts, Role.MANAGER, number=NUMBER) as one:
        with house.parts.database.transaction() as session:
            session.add(
                Delegation(
                    id="d1",
                    absent_id=absent,
                    delegate_id=one.account_id,
                    from_day=NOW.date(),
                    until_day=NOW.date(),
                    created_by="test",
                    created_at=NOW,
                )
            )
        assert (await one.get(f"/me/notices/{notice}")).status_code == 404
        await one.get("/me")
        assert "No notices have come for 王经理." in one.text


# -- on a phone -------------------------------------------------------------------------------------------


async def test_every_page_is_light_and_carries_no_script_in_both_languages(house: House) -> None:
    for n in range(60):
        number = f"E3{n:03}"
        add_colleague(house.parts, number, manager_number="E9000")
        case = house.case(number)
        house.tell("1.manager", "manager", "E9000", case=case, title=f"请协助联系第 {n} 位员工并确认收到")
    notice = house.tell("1.first_notice", "employee", "E9000", case=house.case("E9000"), text=TEXT * 20)
    async with browser(house.parts, Role.MANAGER, number="E9000") as boss:
        for n in range(8):
            await send(boss, notice, answer="returns_on", on=f"2026-03-{n + 1:02}")
        act = house.rows(ActRow)[0].id
        for language in ("en", "zh-CN"):
            await boss.post("/console/language", {"language": language, "back": "/me"})
            for path in (
                "",
                "/notices",
                "/notices?page=3",
                f"/notices/{notice}",
                "/receipts",
                f"/receipts/{act}",
            ):
                answer = await boss.get(f"/me{path}")
                assert answer.status_code == 200
                assert len(answer.content) < LIMIT, f"/me{path} has {len(answer.content)} bytes"
                assert "<script" not in boss.page
                assert " onclick" not in boss.page
                assert ' style="' not in boss.page
        assert "第 3 页，共 3 页" in plain((await boss.get("/me/notices?page=3")).text)
        assert (await boss.get("/me/notices?page=x")).status_code == 200
        assert (await boss.get("/me/notices?page=99999999999999999999")).status_code == 200


async def test_what_an_employee_is_refused_carries_no_script_either(house: House) -> None:
    async with browser(house.parts, Role.EMPLOYEE, number=NUMBER) as one:
        for path in ("/me/notices/none", "/console/cases", "/console/me"):
            await one.get(path)
            assert "<script" not in one.page, path


async def test_an_account_of_no_employee_sees_that_nothing_comes_here(house: House) -> None:
    house.tell("1.first_notice", "employee", NUMBER)
    async with browser(house.parts, Role.HR) as hr:
        await hr.get("/me")
        assert "This account belongs to no employee" in hr.text
        assert "What is going on with me" not in hr.text


async def test_what_people_wrote_is_shown_as_text_and_not_as_markup(house: House) -> None:
    notice = house.tell(
        "1.first_notice", "employee", NUMBER, title="<b>通知</b>", text="<img src=x>\n\n请答复"
    )
    async with browser(house.parts, Role.EMPLOYEE, number=NUMBER) as one:
        await send(one, notice, answer="objected", words="<script>alert(1)</script>")
        for path in ("", f"/notices/{notice}", f"/cases/{house.case_id}"):
            await one.get(f"/me{path}")
            assert "<script" not in one.page
            assert "<img" not in one.page
            assert "<b>通知" not in one.page


# -- the whole way ----------------------------------------------------------------------------------------


async def test_an_employee_signs_in_by_phone_answers_keeps_the_receipt_and_sees_the_matter_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing_in, "_TRY_TAKES_S", 0.01)
    async with story(tmp_path, at("02-10 08:00")) as s:
        await s.start(date(2026, 2, 13))
        await s.until(at("02-25 12:00"))
        async with phone(s.parts, [s.now]) as one:
            one.client.headers["user-agent"] = WECHAT
            await one.client.post("/me/sign-in/language", data={"language": "en"})
            await one.ask()
            page = await one.try_code(one.code)
            assert "What is asked of me 1" in plain(page.text)
            link = re.search(r'class="button" href="(/me/notices/\w+)"', page.text)
            assert link is not None
            page = await one.client.get(link[1])
            inbox = [d for n in s.view()["notices"] for d in n["deliveries"] if d["channel"] == "in_system"]
            assert [level["level"] for level in inbox[-1]["levels"]][-1] == "opened"
            form = {**hidden(page.text), "answer": "returns_on", "on": "2026-03-02"}
            page = await one.client.post(link[1], data=form)
            assert "Recorded and in effect" in plain(page.text)
            await s.settle()
            assert s.events("answer.returns_on")[0]["body"]["identity"] == "account_session"
            page = await one.client.get("/me")
            assert "Nothing waits for an answer from you." in plain(page.text)
            assert "I will return on a day" in plain(page.text)
            page = await one.client.get(f"/me/cases/{s.case_id}")
            assert "What you answered 1" in plain(page.text)
            assert CONTACT_NAME not in page.text
