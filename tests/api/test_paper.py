"""Letters are printed with their notice and stand in the evidence; other notices are printed on demand."""

import hashlib
import io
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from sqlmodel import select

from countersign.adapters.database.scope import Scope
from countersign.adapters.database.starts import CannotStart, StartWish
from countersign.adapters.database.tables import Branch, ConsentRecord, Document, Notice, Person
from countersign.adapters.paper import Press
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.contracts.notices import NextAttemptOrder, NoticeOrder
from countersign.domain.bundle import verify_bundle
from countersign.domain.policy import Audience, Channel
from countersign.ids import new_id
from tests.support.boxes import folder_of_a_font
from tests.support.bundles import bare_bundle
from tests.support.company import ADDRESS, NAME, add_leave, company
from tests.support.staff import staff
from tests.support.story import at, story

NOW = datetime(2026, 2, 24, 2, 0, tzinfo=UTC)
RARE = "张𠮷伟"
HR = {"role": "hr", "id": "token:test"}
LETTER: dict[str, Any] = {
    "name": "letters",
    "remind_before": None,
    "rungs": [
        {
            "name": "paper_notice",
            "audience": "employee",
            "channels": ["courier"],
            "wait": {"value": 5, "unit": "working_days"},
        }
    ],
}


def text_of(pdf: bytes) -> str:
    with pypdfium2.PdfDocument(pdf) as document:
        return "".join("".join(page.get_textpage().get_text_range() for page in document).split())


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return company(tmp_path, lambda: NOW)


def begun(parts: Parts) -> str:
    return parts.starts.start(StartWish(add_leave(parts, date(2026, 2, 13)), LETTER), HR)


def written(
    parts: Parts, case_id: str, *channels: Channel, step: str = "1.paper_notice", **more: Any
) -> Notice:
    """Prepare a notice of a case as its workflow would, and return it."""
    known: dict[str, Any] = {"template": "paper_notice", "audience": Audience.EMPLOYEE, "answer_by": None}
    parts.notices.prepare(NoticeOrder(case_id, step, channels=channels, at=NOW, **{**known, **more}))
    with parts.database.reading() as session:
        return session.exec(select(Notice).where(Notice.case_id == case_id, Notice.step == step)).one()


def renamed(parts: Parts, **changes: Any) -> None:
    with parts.database.transaction() as session:
        person = session.exec(select(Person).where(Person.number == "E1042")).one()
        for name, value in changes.items():
            setattr(person, name, value)


def url(notice: Notice) -> str:
    return f"/cases/{notice.case_id}/notices/{notice.id}/paper"


def events(parts: Parts, case_id: str, kind: str) -> list[dict[str, Any]]:
    found = parts.views.case(Scope(), case_id)
    assert found is not None
    return [event["body"] for event in found["timeline"] if event["kind"] == kind]


async def test_a_letter_is_kept_with_its_hash_and_downloads_the_same(parts: Parts, tmp_path: Path) -> None:
    case_id = begun(parts)
    notice = written(parts, case_id, Channel.COURIER)
    (added,) = events(parts, case_id, "document.added")
    assert added["notice"] == notice.id
    assert added["fingerprint"] == notice.fingerprint
    assert added["media_type"] == "application/pdf"
    async with staff(parts) as call:
        answer = await call(url(notice), role=Role.AUDITOR)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == f'inline; filename="notice-{notice.id}.pdf"'
    pdf = answer.content
    assert hashlib.sha256(pdf).hexdigest() == added["sha256"]
    assert len(pdf) == added["size"]
    said = text_of(pdf)
    for part in (
        NAME,
        ADDRESS,
        notice.title,
        notice.fingerprint,
        notice.id,
        "签收栏",
        "电子送达同意：2025年1月2日",
    ):
        assert part.replace(" ", "") in said

    bundle = bare_bundle(parts, case_id)
    assert bundle is not None
    assert verify_bundle(bundle).ok
    with zipfile.ZipFile(io.BytesIO(bundle)) as opened:
        assert opened.read(f"files/{added['document']}.pdf") == pdf
    where = bundle.index(pdf) + len(pdf) // 2
    forged = bundle[:where] + bytes([bundle[where] ^ 1]) + bundle[where + 1 :]
    assert not verify_bundle(forged).ok
    redacted = bare_bundle(parts, case_id, redact=True)
    assert redacted is not None
    assert pdf not in redacted


async def test_another_attempt_of_a_letter_is_the_same_paper(parts: Parts) -> None:
    case_id = begun(parts)
    notice = written(parts, case_id, Channel.COURIER)
    again = parts.notices.prepare(
        NoticeOrder(case_id, notice.step, "paper_notice", Audience.EMPLOYEE, (Channel.COURIER,), NOW, None)
    )
    parts.notices.next_attempt(NextAttemptOrder(case_id, again.deliveries[0].delivery_id, NOW, resent=True))
    assert len(events(parts, case_id, "document.added")) == 1
    with parts.database.reading() as session:
        assert len(session.exec(select(Document)).all()) == 1


async def test_every_other_notice_is_printed_on_demand_the_same_even_when_the_records_change(
    parts: Parts,
) -> None:
    case_id = begun(parts)
    notice = written(parts, case_id, Channel.SMS, step="1.first_notice", template="first_notice")
    async with staff(parts) as call:
        first = (await call(url(notice))).content
        renamed(parts, name="别人", service_address="别处", e_delivery_consent_on=None)
        with parts.database.transaction() as session:
            session.exec(select(Branch)).one().name = "别的分公司"
        assert (await call(url(notice))).content == first
    assert events(parts, case_id, "document.added") == []
    said = text_of(first)
    assert "签收栏" not in said
    assert "".join(notice.text.split())[:60] in said


async def test_the_papers_of_others_and_of_the_public_do_not_tell_the_address(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("countersign.adapters.database.notices.why_locked", lambda *_: None)
    case_id = begun(parts)
    contact = written(
        parts,
        case_id,
        Channel.SMS,
        step="1.emergency_contact",
        template="emergency_contact",
        audience=Audience.EMERGENCY_CONTACT,
    )
    public = written(parts, case_id, Channel.PUBLIC_NOTICE, step="1.public_notice", template="before_end")
    async with staff(parts) as call:
        for notice in (contact, public):
            said = text_of((await call(url(notice))).content)
            assert "标记路" not in said
            assert "电子送达同意" not in said
            assert "签收栏" not in said
    assert [body["notice"] for body in events(parts, case_id, "document.added")] == [public.id]


async def test_a_letter_cites_the_signed_confirmation_instead_of_the_bare_date(parts: Parts) -> None:
    case_id = begun(parts)
    with parts.database.transaction() as session:
        session.add(
            ConsentRecord(
                id=new_id(),
                person_id=session.exec(select(Person)).one().id,
                e_delivery=True,
                signed_on=date(2026, 1, 5),
                file_sha256="1" * 64,
                media_type="application/pdf",
                size=1,
                sha256="ab" * 32,
                recorded_by="token:test",
                recorded_at=NOW,
            )
        )
    notice = written(parts, case_id, Channel.COURIER)
    async with staff(parts) as call:
        said = text_of((await call(url(notice))).content)
    assert "送达确认书签署于：2026年1月5日SHA-256abababab…abab" in said
    assert "电子送达同意" not in said


async def test_papers_of_other_cases_and_branches_do_not_exist(parts: Parts) -> None:
    notice = written(parts, begun(parts), Channel.COURIER)
    leave = add_leave(parts, date(2026, 2, 20), "annual", date(2026, 2, 16))
    other = parts.starts.start(StartWish(leave, LETTER), HR)
    with parts.database.transaction() as session:
        session.add(Branch(id="01SHANGHAI0000000000000000", name="上海", region="shanghai"))
    async with staff(parts) as call:
        assert (await call(url(notice), branch="01SHANGHAI0000000000000000")).status_code == 404
        assert (await call(url(notice).replace(notice.case_id, other))).status_code == 404
        assert (await call(url(notice).replace(notice.id, "0" * 26))).status_code == 404
        assert (await call(url(notice), role=Role.FINANCE)).status_code == 403
        assert (await call(url(notice))).status_code == 200


async def test_a_name_that_cannot_be_printed_stops_preview_and_start_in_words(parts: Parts) -> None:
    renamed(parts, name=RARE)
    leave = add_leave(parts, date(2026, 2, 13))
    async with staff(parts) as call:
        for path in ("/previews", "/cases"):
            refused = await call(path, {"leave": leave, "policy": LETTER}, key=path)
            assert (refused.status_code, refused.json()["field"]) == (422, "paper")
            told = refused.json()["detail"]
            assert told.startswith("step paper_notice: the paper cannot be printed")
            assert "𠮷 (U+20BB7) in the name" in told
        texts = {**LETTER, "rungs": [LETTER["rungs"][0] | {"channels": ["sms"]}]}
        assert (await call("/previews", {"leave": leave, "policy": texts})).status_code == 200
        blocked = (await call("/estimates", {"leaves": [leave]})).json()["leaves"][0]["blocks"]
    assert blocked[0]["field"] == "paper"


async def test_a_start_by_itself_that_fails_for_it_raises_an_alarm_without_the_character(
    parts: Parts,
) -> None:
    renamed(parts, name=RARE)
    leave = add_leave(parts, date(2026, 2, 13))
    parts.database.write(lambda session: parts.starts.schedule(session, leave))
    await parts.dispatcher.drain_outbox()
    (alarm,) = parts.views.alarms(Scope(), 10)
    assert alarm["kind"] == "start_failed"
    assert "no font has a character of the name" in alarm["sentence"]
    assert "𠮷" not in alarm["sentence"]
    assert f"(leave {leave})" in alarm["sentence"]


async def test_the_preview_of_a_letter_promises_no_hour_that_the_letter_does_not(parts: Parts) -> None:
    leave = add_leave(parts, date(2026, 2, 13))
    async with staff(parts) as call:
        texts = (await call("/previews", {"leave": leave, "policy": LETTER})).json()["texts"]
    (letter,) = [one for one in texts if one["channel"] == "courier"]
    assert "请在收到本通知后尽快答复" in letter["text"]


async def test_a_name_changed_later_goes_on_with_an_alarm_and_is_kept_once_a_font_is_there(
    parts: Parts, tmp_path: Path
) -> None:
    case_id = begun(parts)
    renamed(parts, name=RARE)
    notice = written(parts, case_id, Channel.COURIER)
    (alarm,) = parts.views.alarms(Scope(), 10)
    assert (alarm["kind"], alarm["case"]) == ("paper_unprintable", case_id)
    assert alarm["sentence"].endswith("(the name)")
    assert "𠮷" not in alarm["sentence"]
    assert events(parts, case_id, "document.added") == []
    async with staff(parts) as call:
        refused = await call(url(notice))
        assert (refused.status_code, refused.json()["field"]) == (422, "paper")
        assert "𠮷 (U+20BB7) in the name" in refused.json()["detail"]

    parts.papers._press = Press(folder_of_a_font(tmp_path, RARE))
    async with staff(parts) as call:
        pdf = (await call(url(notice))).content
        assert (await call(url(notice))).content == pdf
    (added,) = events(parts, case_id, "document.added")
    assert added["sha256"] == hashlib.sha256(pdf).hexdigest()
    assert RARE in text_of(pdf)


async def test_the_case_names_the_paper_of_each_notice_and_of_the_letter_to_post(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        await s.start(date(2026, 2, 25), policy=LETTER)
        await s.until(at("02-27 09:01"))
        assert s.stage() == "posting_due"
        (notice,) = s.view()["notices"]
        task = next(one for one in s.view()["tasks"] if one["kind"] == "posting")
        assert task["paper"] == notice["paper"]
        async with staff(s.parts) as call:
            answer = await call(task["paper"].removeprefix("/api/v1"))
        (added,) = s.events("document.added")
        assert hashlib.sha256(answer.content).hexdigest() == added["body"]["sha256"]


def test_an_automatic_start_is_refused_with_a_quiet_reason(parts: Parts) -> None:
    renamed(parts, service_address=f"{RARE}路")
    with pytest.raises(CannotStart) as refused:
        begun(parts)
    assert "𠮷 (U+20BB7) in the service address" in str(refused.value)
    assert "𠮷" not in refused.value.quiet
