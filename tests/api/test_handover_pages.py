"""The leaver's and the receiver's pages behind a link: a GET shows, a POST says, each with its receipt."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select
from starlette.testclient import TestClient

from api.app import create_app
from countersign.adapters.database.tables import (
    ActRow,
    Departure,
    Document,
    EventRow,
    HandoverItem,
    ItemConfirmation,
)
from countersign.bootstrap import Parts
from tests.support.company import NAME, company
from tests.support.handing import NOW, handing_over, link_to, photo


@dataclass
class Handing:
    """A departure with one receiver and a link for each side, and a phone that opens them."""

    parts: Parts
    client: TestClient
    case: str
    share: str
    receiver: str

    def code(self, side: str) -> str:
        return self.parts.link_keys.code(f"link-{side}")

    def url(self, side: str, rest: str = "") -> str:
        return f"/n/{self.code(side)}{rest}"

    def page(self, side: str, rest: str = "") -> str:
        answer = self.client.get(self.url(side, rest))
        assert answer.status_code == 200, answer.text
        return str(answer.text)

    def form(self, side: str, rest: str = "", **values: Any) -> dict[str, Any]:
        hidden = dict(
            re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', self.page(side, rest))
        )
        return {**hidden, **values}

    def say(self, side: str, **values: Any) -> Any:
        return self.client.post(self.url(side, "/items"), data=self.form(side, **values))

    def rows(self, kind: type[Any]) -> list[Any]:
        with self.parts.database.reading() as session:
            return list(session.exec(select(kind)))

    def states(self) -> dict[str, str]:
        return {one.reference: one.state for one in self.rows(HandoverItem)}

    def item(self, reference: str) -> str:
        return str(next(one.id for one in self.rows(HandoverItem) if one.reference == reference))


@pytest.fixture
def handing(tmp_path: Path) -> Iterator[Handing]:
    yield from _opened(tmp_path)


@pytest.fixture
def crowded(tmp_path: Path) -> Iterator[Handing]:
    yield from _opened(tmp_path, many=496)


def _opened(folder: Path, many: int = 0) -> Iterator[Handing]:
    parts = company(folder, lambda: NOW)
    case, share, receiver = handing_over(parts, many)
    with parts.database.reading() as session:
        leaver = session.get_one(Departure, case).person_id
    link_to(parts, "leaver", case, leaver, "请移交。")
    link_to(parts, "receiver", share, receiver, "请接收。")
    app = create_app(parts, dispatch=False)

    async def carry(act_id: str) -> None:
        return

    object.__setattr__(app.state.people, "carry", carry)
    client = TestClient(app, base_url="https://hr.example.cn", follow_redirects=False)
    yield Handing(parts, client, case, share, receiver)


# -- looking ----------------------------------------------------------------------------------------------


def test_opening_the_lists_confirms_nothing(handing: Handing) -> None:
    before = handing.states()
    for side in ("leaver", "receiver"):
        for rest in ("", "?track=customers", "/notice", f"/items/{handing.item('C-1')}"):
            handing.page(side, rest)
    assert handing.client.get(handing.url("leaver", "/items")).status_code == 307
    assert handing.states() == before
    assert handing.rows(ActRow) == []
    assert handing.rows(ItemConfirmation) == []


def test_the_leaver_sees_who_takes_what_over_and_nothing_of_a_script(handing: Handing) -> None:
    page = handing.page("leaver")
    for shown in ("王接收", "2026-03-31", "标题 C-1 &lt;b&gt;&amp;", "没有登记您的欠款", "E-1"):
        assert shown in page
    assert "E2000" not in page
    assert "<script" not in page
    assert "还有 4 项需要您移交" in page
    assert "4 of 4 items are still to be handed over by you." in handing.page("leaver", "?lang=en")


def test_the_leaver_of_a_withdrawn_departure_is_asked_for_nothing(handing: Handing) -> None:
    assert "/items" in handing.page("leaver")
    with handing.parts.database.transaction() as session:
        session.get_one(Departure, handing.case).withdrawn_at = NOW
    page = handing.page("leaver")
    assert "离职已撤回，无需交接。" in page
    assert "<button" not in page
    assert "标题 C-1" not in page


def test_the_text_of_the_notice_stays_within_reach_with_its_answers(handing: Handing) -> None:
    page = handing.page("leaver", "/notice")
    assert "请移交。" in page
    assert set(re.findall(r'name="answer" id="[^"]*" value="(\w+)"', page)) == {"acknowledged", "not_me"}


# -- confirming -------------------------------------------------------------------------------------------


def test_items_are_handed_over_and_accepted_one_by_one_and_all_at_once(handing: Handing) -> None:
    answer = handing.say("leaver", items=[handing.item("D-1"), handing.item("C-1")])
    assert answer.status_code == 303
    receipt = handing.client.get(answer.headers["location"]).text
    for shown in ("已移交", "标题 D-1", "标题 C-1", "已记录并已生效"):
        assert shown in receipt
    assert "标题 C-2" not in receipt
    assert "标题 D-1" in handing.client.get(answer.headers["location"] + ".txt").text
    assert handing.states() == {"D-1": "handed_over", "C-1": "handed_over", "C-2": "open", "E-1": "open"}
    assert handing.say("leaver", everything="yes").status_code == 303
    assert set(handing.states().values()) == {"handed_over"}

    assert handing.say("receiver", tracks=["customers"]).status_code == 303
    refused = handing.say("receiver", everything="yes")
    assert refused.status_code == 422
    assert "请选择设备的状况" in refused.text
    bad = handing.say("receiver", everything="yes", condition="damaged")
    assert "请写明损坏或缺失的情况" in bad.text
    assert handing.say("receiver", everything="yes", condition="worn").status_code == 303
    assert set(handing.states().values()) == {"accepted"}
    assert "没有需要您处理的内容" in handing.page("receiver")


def test_the_same_form_sent_twice_is_one_act_with_one_receipt(handing: Handing) -> None:
    form = handing.form("leaver", items=[handing.item("D-1")])
    first = handing.client.post(handing.url("leaver", "/items"), data=form)
    second = handing.client.post(handing.url("leaver", "/items"), data=form)
    assert first.headers["location"] == second.headers["location"]
    assert len(handing.rows(ActRow)) == 1


def test_a_list_that_has_changed_meanwhile_is_shown_again_and_nothing_is_said(handing: Handing) -> None:
    form = handing.form("leaver", everything="yes")
    handing.say("leaver", items=[handing.item("D-1")])
    late = handing.client.post(handing.url("leaver", "/items"), data=form)
    assert late.status_code == 409
    assert "清单有变化" in late.text
    assert list(handing.states().values()).count("handed_over") == 1


def test_nothing_ticked_is_told_so(handing: Handing) -> None:
    answer = handing.say("leaver")
    assert answer.status_code == 422
    assert "请至少勾选一项" in answer.text
    assert handing.rows(ActRow) == []


def test_another_site_cannot_hand_anything_over(handing: Handing) -> None:
    form = handing.form("leaver", everything="yes")
    answer = handing.client.post(
        handing.url("leaver", "/items"), data=form, headers={"sec-fetch-site": "cross-site"}
    )
    assert answer.status_code == 403
    assert handing.rows(ActRow) == []


def test_nobody_says_through_their_link_what_belongs_to_another_share(handing: Handing) -> None:
    with handing.parts.database.transaction() as session:
        for item in session.exec(select(HandoverItem).where(HandoverItem.reference == "C-2")):
            item.share_id, item.receiver_id = None, None
            item.state, item.handed_over_at = "handed_over", NOW
            session.add(item)
    foreign = handing.item("C-2")
    assert handing.client.get(handing.url("receiver", f"/items/{foreign}")).status_code == 404
    assert handing.say("receiver", items=[foreign]).status_code == 422
    assert handing.states()["C-2"] == "handed_over"


# -- disputing --------------------------------------------------------------------------------------------


def test_a_receiver_disputes_what_was_never_given_with_a_photo(handing: Handing) -> None:
    handing.say("leaver", everything="yes")
    rest = f"/items/{handing.item('E-1')}"
    empty = handing.client.post(handing.url("receiver", rest), data=handing.form("receiver", rest))
    assert empty.status_code == 422
    assert "请写明问题" in empty.text
    wrong = handing.client.post(
        handing.url("receiver", rest),
        data=handing.form("receiver", rest, about="never", words="柜子是空的"),
        files={"file": ("photo.gif", b"GIF89a", "image/gif")},
    )
    assert wrong.status_code == 422
    assert "柜子是空的" in wrong.text
    answer = handing.client.post(
        handing.url("receiver", rest),
        data=handing.form("receiver", rest, about="never", words="柜子是空的"),
        files={"file": ("photo.png", photo(), "image/png")},
    )
    assert answer.status_code == 303
    receipt = handing.client.get(answer.headers["location"]).text
    for shown in ("提出争议", "从未交给我。\n柜子是空的", "PNG", "标题 E-1"):
        assert shown in receipt
    assert handing.states()["E-1"] == "disputed"
    assert "有争议" in handing.page("leaver")
    assert "正在处理" in handing.page("receiver", rest)


# -- papers -----------------------------------------------------------------------------------------------


def test_papers_of_the_leaver_are_handed_out_to_the_leaver_alone_and_told_once(handing: Handing) -> None:
    data = b"%PDF-1.7 certificate"
    sha256 = handing.parts.documents.keep(data)
    with handing.parts.database.transaction() as session:
        departure = session.get_one(Departure, handing.case)
        for name, kind in (("certificate-1", "certificate"), ("manual-1", "manual")):
            session.add(
                Document(
                    id=name,
                    case_id=departure.statutory_case_id,
                    sha256=sha256,
                    media_type="application/pdf",
                    size=len(data),
                    kind=kind,
                    created_at=NOW,
                )
            )
    assert "/documents/certificate-1" in handing.page("leaver")
    for _ in range(2):
        answer = handing.client.get(handing.url("leaver", "/documents/certificate-1"))
        assert (answer.status_code, answer.content) == (200, data)
        assert answer.headers["content-type"] == "application/pdf"
    with handing.parts.database.reading() as session:
        viewed = session.exec(select(EventRow).where(col(EventRow.kind) == "document.viewed")).all()
    assert len(viewed) == 1
    for side, name in (("leaver", "manual-1"), ("receiver", "certificate-1"), ("leaver", "nothing")):
        assert handing.client.get(handing.url(side, f"/documents/{name}")).status_code == 404


def test_the_link_of_the_certificate_itself_opens_with_the_certificate_on_it(handing: Handing) -> None:
    data = b"%PDF-1.7 certificate"
    sha256 = handing.parts.documents.keep(data)
    with handing.parts.database.transaction() as session:
        departure = session.get_one(Departure, handing.case)
        statutory, leaver = departure.statutory_case_id, departure.person_id
        session.add(
            Document(
                id="certificate-1",
                case_id=statutory,
                sha256=sha256,
                media_type="application/pdf",
                size=len(data),
                kind="certificate",
                created_at=NOW,
            )
        )
    link_to(handing.parts, "certificate", statutory, leaver, "离职证明已出具。")
    shown = re.search(r'href="(/n/[^"]+/documents/certificate-1)"', handing.page("certificate"))
    assert shown
    answer = handing.client.get(shown[1])
    assert (answer.status_code, answer.content) == (200, data)


# -- many -------------------------------------------------------------------------------------------------


def test_five_hundred_items_are_paged_stay_small_and_can_be_confirmed_at_once(crowded: Handing) -> None:
    first = crowded.client.get(crowded.url("leaver"))
    assert len(first.content) < 30_000
    assert "本部分全部 498 项" in first.text
    assert "M-001" not in first.text
    page = crowded.client.get(crowded.url("leaver", "?track=customers&page=2"))
    assert len(page.content) < 30_000
    assert page.text.count('name="items"') == 50
    assert crowded.say("leaver", tracks=["customers"]).status_code == 303
    assert list(crowded.states().values()).count("handed_over") == 498
    assert NAME in crowded.page("receiver")
    assert crowded.say("receiver", everything="yes").status_code == 303
    assert list(crowded.states().values()).count("accepted") == 498
