"""Circulars over the JSON API, and the page on which an addressee confirms."""

import re
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlmodel import select

from api.app import create_app
from countersign.adapters.database.tables import Branch, Case, Circular, EventRow, Outbox
from countersign.adapters.database.tokens import Tokens
from countersign.bootstrap import Parts
from countersign.contracts.cases import Process, Role
from countersign.contracts.notices import NoticeOrder
from countersign.domain.policy import Audience, Channel
from tests.support.company import BEIJING, NUMBER, PHONE, add_colleague, company
from tests.support.story import at

SHANGHAI_BRANCH = "01SHANGHAI0000000000000000"
NOW = at("03-02 08:00")
WISH: dict[str, Any] = {"title": "防火须知", "text": "仓库内禁止吸烟。\r\n请阅读。  ", "addressees": [NUMBER]}


@dataclass
class Hr:
    """HR's program over a company, without a Temporal server: what it starts waits in the outbox."""

    client: httpx2.AsyncClient
    parts: Parts
    token: str

    async def post(self, path: str, body: Any, key: str | None = "key") -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self.token}"} | ({"Idempotency-Key": key} if key else {})
        return await self.client.post(f"/api/v1{path}", json=body, headers=headers)

    async def get(self, path: str) -> httpx2.Response:
        return await self.client.get(f"/api/v1{path}", headers={"Authorization": f"Bearer {self.token}"})

    def rows(self) -> list[int]:
        with self.parts.database.reading() as session:
            return [len(session.exec(select(t)).all()) for t in (Circular, Case, EventRow, Outbox)]

    def speak_for(self, branch: str | None) -> None:
        self.token = Tokens(self.parts.database, self.parts.clock).create(Role.HR, branch)


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    made = company(tmp_path / "data", lambda: NOW, sms_prices={"+86": "0.045"})
    with made.database.transaction() as session:
        session.add(Branch(id=SHANGHAI_BRANCH, name="上海", region="shanghai"))
    yield made
    made.database.close()


@pytest.fixture
async def hr(parts: Parts) -> AsyncIterator[Hr]:
    transport = httpx2.ASGITransport(app=create_app(parts, dispatch=False))
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        made = Hr(client, parts, "")
        made.speak_for(None)
        yield made


async def test_the_preview_shows_channels_dates_texts_and_cost_and_writes_nothing(hr: Hr) -> None:
    add_colleague(hr.parts, "E2001", phone=None, language="en", manager_number=NUMBER)
    before = hr.rows()
    answer = await hr.post("/circulars/preview", WISH | {"addressees": [NUMBER, "E2001"]}, None)
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert hr.rows() == before
    first, second = shown["addressees"]
    assert (first["missing"], second["missing"]) == (["manager"], ["phone"])
    assert [step["at"][:16] for step in second["steps"]] == [
        "2026-03-02T09:00",
        "2026-03-05T09:00",
        "2026-03-09T09:00",
    ]
    channels = [[m["channel"] for m in step["messages"]] for step in first["steps"]]
    assert channels == [["sms", "in_system"], ["sms", "email", "in_system"], []]
    mail = shown["texts"][second["steps"][0]["messages"][0]["text"]]
    assert "To confirm is not to agree" in mail
    assert "仓库内禁止吸烟。\n请阅读。" in mail
    # Two texts to the employee and one to her as the other's manager, each of them of two segments.
    assert shown["sms"] == {"messages": 3, "segments": 6, "cost_fen": 27, "because": None}
    assert shown["blocks"] == []


async def test_a_circular_makes_a_case_and_a_chain_for_each_addressee(hr: Hr) -> None:
    person = add_colleague(hr.parts, "E2001")
    answer = await hr.post("/circulars", WISH | {"addressees": [NUMBER, person]})
    assert (answer.status_code, answer.json()["addressees"]) == (201, 2)
    assert hr.rows() == [1, 2, 2, 2]
    shown = (await hr.get(answer.json()["url"].removeprefix("/api/v1"))).json()
    assert (shown["title"], shown["text"]) == ("防火须知", "仓库内禁止吸烟。\n请阅读。")
    assert (shown["confirmed"], shown["standing"], shown["complete"]) == (0, {"starting": 2}, False)
    assert [one["employee"]["number"] for one in shown["addressees"]] == [NUMBER, "E2001"]
    listed = (await hr.get("/circulars")).json()["circulars"]
    assert [(one["id"], one["addressees"]) for one in listed] == [(answer.json()["circular"], 2)]
    case = (await hr.get(f"/cases/{shown['addressees'][0]['case']}")).json()
    assert (case["kind"], case["workflow_id"]) == ("acknowledgement", f"ladder/{case['id']}")
    assert case["timeline"][0]["body"]["fingerprint"] == shown["fingerprint"]


async def test_the_same_key_makes_one_circular_even_when_its_answer_was_lost(hr: Hr) -> None:
    first = await hr.post("/circulars", WISH, "one")
    again = await hr.post("/circulars", WISH, "one")
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    clash = await hr.post("/circulars", WISH | {"title": "别的"}, "one")
    assert (clash.status_code, clash.json()["field"]) == (409, "Idempotency-Key")
    assert (await hr.post("/circulars", WISH, None)).status_code == 400
    from countersign.adapters.database.tables import Idempotency

    with hr.parts.database.transaction() as session:
        session.delete(session.exec(select(Idempotency)).one())
    assert (await hr.post("/circulars", WISH, "one")).json() == first.json()
    assert hr.rows()[:2] == [1, 1]


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"addressees": []}, "addressees", "at least 1"),
    ({"addressees": [NUMBER] * 1001}, "addressees", "at most 1000"),
    ({"addressees": ["E7", NUMBER, "E8"]}, "addressees", "number or id E7, E8; correct"),
    ({"addressees": [NUMBER, NUMBER]}, "addressees", f"{NUMBER} stands there twice"),
    ({"title": " "}, "title", "must not be blank"),
    ({"text": ""}, "text", "must not be empty"),
    ({"policy": "leave_return_standard"}, "policy", "no stored policy is named 'leave_return_standard'"),
    ({"policy": {"name": "p", "rungs": []}}, "", "has no rungs; name at least one"),
    ({"who": "all"}, "who", "is not known here"),
]


@pytest.mark.parametrize(("more", "field", "sentence"), REFUSED, ids=lambda part: str(part)[:40])
async def test_bad_input_is_refused_by_field_and_leaves_nothing_behind(
    hr: Hr, more: dict[str, Any], field: str, sentence: str
) -> None:
    before = hr.rows()
    answer = await hr.post("/circulars", WISH | more)
    assert answer.status_code == 422, answer.text
    assert answer.json().get("field", "") == field
    assert sentence in answer.json()["detail"]
    assert hr.rows() == before


@pytest.mark.parametrize(
    ("rung", "sentence"),
    [
        ({"audience": "manager", "channels": ["email"]}, "must turn to the employee"),
        (
            {
                "audience": "employee",
                "channels": ["public_notice"],
                "wait": {"value": 30, "unit": "calendar_days"},
            },
            "never made public",
        ),
    ],
)
async def test_a_policy_that_cannot_run_is_refused(hr: Hr, rung: dict[str, Any], sentence: str) -> None:
    rungs = [{"name": "n", "wait": {"value": 1, "unit": "hours"}} | rung]
    answer = await hr.post("/circulars", WISH | {"policy": {"name": "p", "rungs": rungs}})
    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]


async def test_a_relative_is_never_asked_about_a_text_of_the_company(hr: Hr) -> None:
    wait = {"value": 1, "unit": "hours"}
    rungs = [
        {"name": "a", "audience": "employee", "channels": ["sms"], "wait": wait},
        {"name": "b", "audience": "emergency_contact", "channels": ["sms"], "wait": wait},
    ]
    answer = await hr.post("/circulars", WISH | {"policy": {"name": "p", "rungs": rungs}})
    assert "rungs[1] (b): a text of the company is no matter" in answer.json()["detail"]


async def test_a_branch_sees_and_addresses_its_own_people_only(hr: Hr) -> None:
    add_colleague(hr.parts, "E3001", branch_id=SHANGHAI_BRANCH)
    both = (await hr.post("/circulars", WISH | {"addressees": [NUMBER, "E3001"]}, "both")).json()
    beijing = (await hr.post("/circulars", WISH, "beijing")).json()
    hr.speak_for(SHANGHAI_BRANCH)
    listed = (await hr.get("/circulars")).json()["circulars"]
    assert [(one["id"], one["addressees"]) for one in listed] == [(both["circular"], 1)]
    shown = (await hr.get(f"/circulars/{both['circular']}")).json()
    assert [one["employee"]["number"] for one in shown["addressees"]] == ["E3001"]
    assert (await hr.get(f"/circulars/{beijing['circular']}")).status_code == 404
    foreign = await hr.post("/circulars", WISH, "foreign")
    assert f"nobody here has the employee number or id {NUMBER}" in foreign.json()["detail"]
    assert (await hr.post("/circulars", WISH | {"addressees": ["E3001"]}, "own")).status_code == 201


async def test_a_way_out_of_the_country_must_be_answered_for_first(tmp_path: Path) -> None:
    made = company(tmp_path / "data", lambda: NOW, cross_border_channels=["twilio"])
    transport = httpx2.ASGITransport(app=create_app(made, dispatch=False))
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        hr = Hr(client, made, "")
        hr.speak_for(None)
        blocked = (await hr.post("/circulars/preview", WISH, None)).json()["blocks"]
        refused = await hr.post("/circulars", WISH)
        assert [one["field"] for one in blocked] == ["channels"]
        assert (refused.status_code, refused.json()["field"]) == (422, "channels")
        assert PHONE not in refused.text
        assert hr.rows()[:2] == [0, 0]
    made.database.close()


async def test_of_a_confidential_text_nothing_travels_outside(hr: Hr) -> None:
    add_colleague(hr.parts, "E2001", manager_number=NUMBER)
    policy = next(p for p in hr.parts.views.policies() if p["name"] == "acknowledgement_standard")
    wish = WISH | {"addressees": ["E2001"], "policy": policy["body"] | {"confidential": True}}
    shown = (await hr.post("/circulars/preview", wish, None)).json()
    places = [
        m["text"]
        for s in shown["addressees"][0]["steps"]
        for m in s["messages"]
        if m["channel"] != "in_system"
    ]
    assert len(places) == 5
    for place in places:
        assert "防火须知" not in shown["texts"][place]
        assert "吸烟" not in shown["texts"][place]


async def test_two_hundred_addressees_go_out_in_one_call(hr: Hr) -> None:
    numbers = [f"E{number}" for number in range(5000, 5200)]
    for number in numbers:
        add_colleague(hr.parts, number)
    begun = time.monotonic()
    answer = await hr.post("/circulars", WISH | {"addressees": numbers})
    assert (answer.status_code, answer.json()["addressees"]) == (201, 200)
    assert time.monotonic() - begun < 5
    assert hr.rows() == [1, 200, 200, 200]


# -- the page ------------------------------------------------------------------------------------------------


async def opened(hr: Hr, audience: Audience = Audience.EMPLOYEE, now: datetime = NOW) -> str:
    """Write the notice of a new circular as its case would, and return the address of its page."""
    add_colleague(hr.parts, "E9000")
    add_colleague(hr.parts, "E2001", manager_number="E9000")
    made = (await hr.post("/circulars", WISH | {"addressees": ["E2001"]}, audience.value)).json()
    shown = (await hr.get(f"/circulars/{made['circular']}")).json()
    case = shown["addressees"][0]["case"]
    order = NoticeOrder(case, "1.first", "first_notice", audience, (Channel.EMAIL,), now, now)
    delivery = hr.parts.notices.prepare(order).deliveries[0].delivery_id
    return f"/n/{hr.parts.link_keys.code(delivery)}"


@pytest.mark.parametrize(
    ("language", "label", "not_agreeing"),
    [
        ("en", "I have read this and confirm", "It does not say that you agree with it."),
        ("zh-CN", "我已阅读并确认", "并不表示您同意其内容"),
    ],
)
async def test_the_addressee_may_confirm_object_or_say_not_me(
    hr: Hr, language: str, label: str, not_agreeing: str
) -> None:
    page = (await hr.client.get(await opened(hr), params={"lang": language})).text
    assert re.findall(r'id="answer-(\w+)"', page) == ["acknowledged", "objected", "not_me"]
    assert label in page
    assert not_agreeing in page
    assert "仓库内禁止吸烟。" in page


async def test_a_manager_is_not_asked_to_confirm_for_a_colleague(hr: Hr) -> None:
    page = (await hr.client.get(await opened(hr, Audience.MANAGER), params={"lang": "en"})).text
    assert re.findall(r'id="answer-(\w+)"', page) == ["acknowledged", "not_me"]
    assert "I have received this message" in page
    assert "I have read this and confirm" not in page
    assert "仓库内禁止吸烟" not in page


async def test_a_confirmation_is_kept_with_the_hash_of_the_text_that_was_shown(hr: Hr) -> None:
    address = await opened(hr)
    page = (await hr.client.get(address)).text
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
    kept: list[str] = []

    async def carry(act_id: str, *_: object) -> None:
        kept.append(act_id)

    hr.client._transport.app.state.people.__dict__["carry"] = carry  # type: ignore[attr-defined]
    empty = await hr.client.post(address, data={**hidden, "answer": "objected"})
    assert (empty.status_code, "answer-objected" in empty.text) == (422, True)
    foreign = await hr.client.post(address, data={**hidden, "answer": "resigned"})
    assert foreign.status_code == 422
    answer = await hr.client.post(address, data={**hidden, "answer": "acknowledged"})
    assert answer.status_code == 303
    act = hr.parts.acts.must_view(kept[0])
    assert act.kind.value == "acknowledged"
    with hr.parts.database.reading() as session:
        lines = [row.line for row in session.exec(select(EventRow))]
        case = session.exec(select(Case)).one()
    confirmed = next(line for line in lines if '"answer.acknowledged"' in line)
    assert f'"shown_sha256":"{hidden["shown"]}"' in confirmed
    assert case.kind == Process.ACKNOWLEDGEMENT.value
    assert case.branch_id == BEIJING
