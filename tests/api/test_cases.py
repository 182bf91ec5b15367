"""The JSON API through ASGI into a real workflow."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlmodel import select

from api.app import create_app
from api.v1.models import ActRequest
from countersign.adapters.database.acts import NewAct
from countersign.adapters.database.tables import Branch, Case, EventRow, Outbox, Person
from countersign.adapters.database.tokens import Tokens
from countersign.contracts.cases import ActKind, Role
from countersign.domain.bundle import verify_bundle
from countersign.domain.policy import Audience, Channel
from tests.support.company import NAME, add_leave
from tests.support.outgoing import outgoing
from tests.support.staff import staff
from tests.support.story import Story, at, story


class Hr:
    """HR's program: an HTTP client with a token."""

    def __init__(self, client: httpx2.AsyncClient, token: str, s: Story) -> None:
        self.client, self.story = client, s
        self.client.headers["Authorization"] = f"Bearer {token}"

    async def get(self, path: str) -> Any:
        answer = await self.client.get(f"/api/v1{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any, key: str | None = "key") -> httpx2.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return await self.client.post(f"/api/v1{path}", json=body, headers=headers)


@asynccontextmanager
async def hr(folder: Path, begins: str, branch: str | None = None, role: Role = Role.HR) -> AsyncIterator[Hr]:
    async with story(folder, at(begins)) as s:
        app = create_app(s.parts, dispatch=False)
        with s.parts.database.transaction() as session:
            session.add(Branch(id="01SHANGHAI0000000000000000", name="上海", region="shanghai"))
        token = Tokens(s.parts.database, s.parts.clock).create(role, branch)
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            yield Hr(client, token, s)


async def started(h: Hr, ends_on: date, **more: Any) -> str:
    leave = add_leave(h.story.parts, ends_on)
    answer = await h.post("/cases", {"leave": leave, **more}, key=leave)
    assert answer.status_code == 201, answer.text
    h.story.case_id = answer.json()["case"]
    await h.story.parts.dispatcher.drain_outbox()
    await h.story.settle()
    return str(h.story.case_id)


def rows(h: Hr) -> list[int]:
    with h.story.parts.database.reading() as session:
        return [len(session.exec(select(table)).all()) for table in (Case, EventRow, Outbox)]


async def test_the_preview_shows_dates_texts_and_what_is_missing_and_writes_nothing(tmp_path: Path) -> None:
    async with hr(tmp_path, "02-09 08:00") as h:
        leave = add_leave(h.story.parts, date(2026, 2, 13))
        before = rows(h)
        shown = (await h.post("/previews", {"leave": leave})).json()
        assert rows(h) == before
        assert shown["dates"]["notice_at"] == "2026-02-24T09:00:00+08:00"
        assert shown["dates"]["target"]["why"] == "holiday"
        assert shown["plan"]["steps"][0]["rung"] == "first_notice"
        assert shown["missing"] == ["emergency_contact_consent"]
        first = next(t for t in shown["texts"] if t["step"] == "first_notice" and t["channel"] == "sms")
        assert NAME in first["text"]
        assert "XXXX-XXXX-XXXX" in first["text"]


async def test_the_same_key_starts_once_and_another_body_under_it_is_refused(tmp_path: Path) -> None:
    async with hr(tmp_path, "02-09 08:00") as h:
        leave, other = (
            add_leave(h.story.parts, date(2026, 2, 13)),
            add_leave(h.story.parts, date(2026, 3, 13), "sick", date(2026, 3, 1)),
        )
        first = await h.post("/cases", {"leave": leave}, "one")
        again = await h.post("/cases", {"leave": leave}, "one")
        assert (first.status_code, first.json()) == (201, again.json())
        clash = await h.post("/cases", {"leave": other}, "one")
        assert (clash.status_code, clash.json()["field"]) == (409, "Idempotency-Key")
        second = await h.post("/cases", {"leave": leave}, "two")
        assert (second.status_code, second.json()["case"]) == (409, first.json()["case"])
        missing = await h.post("/cases", {"leave": other}, None)
        assert (missing.status_code, missing.json()["field"]) == (400, "Idempotency-Key")


async def test_bad_starts_are_refused_by_field_and_leave_nothing_behind(tmp_path: Path) -> None:
    async with hr(tmp_path, "02-09 08:00") as h:
        leave = add_leave(h.story.parts, date(2026, 2, 13))
        backwards = add_leave(h.story.parts, date(2026, 2, 1), "annual", date(2026, 2, 10))
        rung = {
            "name": "n",
            "audience": "employee",
            "channels": ["sms"],
            "wait": {"value": 1, "unit": "hours"},
        }
        relative = rung | {"audience": "emergency_contact"}
        before = rows(h)
        cases: list[tuple[dict[str, Any], int, str]] = [
            ({"leave": "nobody"}, 404, "leave"),
            ({"leave": backwards}, 422, "ends before it begins"),
            ({"leave": leave, "policy": "unknown"}, 422, "policy"),
            ({"leave": leave, "policy": {"name": "p", "rungs": []}}, 422, "rungs"),
            (
                {
                    "leave": leave,
                    "policy": {"name": "p", "rungs": [rung | {"wait": {"value": -1, "unit": "hours"}}]},
                },
                422,
                "wait.value",
            ),
            ({"leave": leave, "policy": {"name": "p", "rungs": [relative]}}, 422, "at night"),
            (
                {"leave": leave, "policy": {"name": "p", "rungs": [rung | {"audience": "manager"}]}},
                422,
                "no step can reach anybody",
            ),
            (
                {"leave": leave, "policy": {"name": "p", "rungs": [rung | {"channels": ["public_notice"]}]}},
                422,
                "a public notice counts as served 30 days after publication",
            ),
            ({"leave": leave, "overdue": {"nothing": "skip"}}, 422, "overdue"),
            ({"leave": leave, "overdue": {"first_notice": "perhaps"}}, 422, "overdue.first_notice"),
            ({"leave": leave, "color": "red"}, 422, "color"),
            ({}, 422, "leave"),
        ]
        for number, (body, status, says) in enumerate(cases):
            answer = await h.post("/cases", body, f"bad {number}")
            assert answer.status_code == status, (body, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
            assert says in answer.json()["detail"], answer.text
        assert rows(h) == before


async def test_a_template_with_a_missing_variable_stops_the_start_and_names_it(tmp_path: Path) -> None:
    texts = tmp_path / "texts" / "leave_return" / "zh-CN"
    texts.mkdir(parents=True)
    (texts / "first_notice.txt").write_text("返岗通知书\n您好 {{ favourite_colour }}", "utf-8")
    async with story(tmp_path, at("02-09 08:00"), templates_dir=tmp_path / "texts") as s:
        app = create_app(s.parts, dispatch=False)
        token = Tokens(s.parts.database, s.parts.clock).create(Role.HR, None)
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app), base_url="http://test"
        ) as client:
            h = Hr(client, token, s)
            leave = add_leave(s.parts, date(2026, 2, 13))
            answer = await h.post("/cases", {"leave": leave})
            assert answer.status_code == 422
            assert "favourite_colour" in answer.json()["detail"]
            assert "first_notice.txt" in answer.json()["detail"]


async def test_a_case_is_read_acted_on_and_its_evidence_verifies(tmp_path: Path) -> None:
    async with hr(tmp_path, "02-24 08:00") as h:
        case = await started(h, date(2026, 2, 20))
        await h.story.until(at("02-25 09:01"))
        found = await h.get(f"/cases/{case}")
        assert (found["stage"], found["holder"]) == ("ladder", "employee")
        assert {d["says"] for n in found["notices"] for d in n["deliveries"]} == {
            "accepted by the provider",
            "accepted by the relay",
            "placed in the in-system inbox",
        }
        paused = await h.post(f"/cases/{case}/acts", {"act": "pause", "reason": "in hospital"}, "p")
        assert (paused.status_code, paused.json()["says"]) == (201, "in effect")
        twice = await h.post(f"/cases/{case}/acts", {"act": "pause", "reason": "in hospital"}, "p")
        assert twice.json() == paused.json()
        reused = await h.post(f"/cases/{case}/acts", {"act": "pause", "reason": "another"}, "p")
        assert (reused.status_code, reused.json()["field"]) == (409, "Idempotency-Key")
        again = await h.post(f"/cases/{case}/acts", {"act": "pause", "reason": "x"}, "q")
        assert (again.status_code, again.json()["detail"]) == (409, "the case is paused already")
        silent = await h.post(f"/cases/{case}/acts", {"act": "cancel"}, "c")
        assert "cancel needs the field reason" in silent.json()["detail"]
        await h.post(f"/cases/{case}/acts", {"act": "back", "on": "2026-02-25"}, "b")
        assert (await h.get(f"/cases/{case}"))["outcome"] == "back"
        late = await h.post(f"/cases/{case}/acts", {"act": "pause", "reason": "x"}, "late")
        assert late.status_code == 409
        assert late.json()["detail"].startswith("already decided by hr at 2026-02-25T")
        for redact in (False, True):
            zipped = await h.client.get(f"/api/v1/cases/{case}/evidence?redact={str(redact).lower()}")
            report = verify_bundle(zipped.content)
            assert report.ok, report.first_broken
            assert (report.sealed_count > 0) == redact


@pytest.mark.parametrize(
    ("act", "fields"),
    [
        ("snooze", {"until": "2026-03-01T09:00:00+08:00", "reason": "in hospital"}),
        ("jump", {"step": "paper_notice", "reason": "nobody picks up"}),
        ("resend", {"reason": "a new number"}),
        ("replan", {"reason": "a new number"}),
    ],
)
async def test_an_act_is_refused_by_the_field_that_it_lacks_and_nothing_is_recorded(
    tmp_path: Path, act: str, fields: dict[str, str]
) -> None:
    with outgoing(tmp_path) as out:
        async with staff(out.parts) as call:
            path = f"/cases/{out.case_id}/acts"
            for number, lacking in enumerate(fields):
                rest = {name: value for name, value in fields.items() if name != lacking}
                refused = await call(path, {"act": act, **rest}, f"lacks {number}")
                assert refused.status_code == 422
                assert f"{act} needs the field {lacking}" in refused.json()["detail"]
            blank = await call(path, {"act": act, **fields, "reason": " "}, "blank")
            assert (blank.status_code, blank.json()["field"]) == (422, "reason")
            if "until" in fields:
                for wrong in ("2026-03-01T09:00:00", "tomorrow", "1970-01-01T00:00:00+00:00"):
                    naive = await call(path, {"act": act, **fields, "until": wrong}, wrong)
                    assert (naive.status_code, naive.json()["field"]) == (422, "until")
            assert out.acts() == []
            taken = out.parts.acts.take(
                NewAct("a", out.case_id, ActKind(act), Role.HR, "t", ActRequest(act=act, **fields).body())
            )
            assert taken.body == {n: v for n, v in fields.items() if n != "reason"}


async def test_planning_again_brings_the_contact_data_of_today_and_a_snooze_its_end(tmp_path: Path) -> None:
    with outgoing(tmp_path) as out:
        replan = out.act(ActKind.REPLAN, words={"reason": "x"})
        snooze = out.act(ActKind.SNOOZE, body={"until": "2026-03-01T09:00:00+08:00"}, words={"reason": "x"})
        _, act, _ = out.parts.acts.message(replan)
        assert act.reach is not None
        assert act.reach.resolve(Audience.EMPLOYEE, Channel.PREFERRED) is Channel.SMS
        person = out.row(Case, out.case_id).person_id
        out.change(Person, person, phone=None)
        _, act, _ = out.parts.acts.message(replan)
        assert act.reach is not None
        assert act.reach.resolve(Audience.EMPLOYEE, Channel.SMS) is None
        _, act, _ = out.parts.acts.message(snooze)
        assert (act.until, act.reach) == (at("03-01 09:00"), None)


async def test_another_branch_sees_nothing(tmp_path: Path) -> None:
    async with hr(tmp_path, "02-24 08:00", branch="上海") as h:
        leave = add_leave(h.story.parts, date(2026, 2, 20))
        from countersign.adapters.database.starts import StartWish

        case = h.story.parts.starts.start(StartWish(leave), {"role": "hr", "id": "test"})
        assert (await h.get("/cases"))["cases"] == []
        assert (await h.get("/leaves"))["leaves"] == []
        for path in (f"/cases/{case}", f"/cases/{case}/evidence"):
            assert (await h.client.get(f"/api/v1{path}")).status_code == 404
        for path, body in (
            (f"/cases/{case}/acts", {"act": "back"}),
            ("/cases", {"leave": leave}),
            ("/previews", {"leave": leave}),
        ):
            assert (await h.post(path, body)).status_code == 404
        assert (
            await h.post("/punches", {"number": "E1042", "at": "2026-02-23T09:00:00+08:00"})
        ).status_code == 404


async def test_lists_filter_search_and_continue(tmp_path: Path) -> None:
    async with hr(tmp_path, "02-24 08:00") as h:
        case = await started(h, date(2026, 2, 20))
        assert [c["id"] for c in (await h.get("/cases?search=标记"))["cases"]] == [case]
        assert (await h.get("/cases?search=%25"))["cases"] == []
        assert (await h.get("/cases?state=closed"))["cases"] == []
        page = await h.get("/cases?limit=1")
        assert page["next"] == case
        assert (await h.get(f"/cases?limit=1&after={page['next']}"))["cases"] == []
        assert (await h.client.get("/api/v1/cases?state=sleeping")).status_code == 422


async def test_a_punch_of_an_unknown_number_is_refused_and_a_known_one_closes_the_case(
    tmp_path: Path,
) -> None:
    async with hr(tmp_path, "02-24 08:00", role=Role.INTEGRATOR) as h:
        leave = add_leave(h.story.parts, date(2026, 2, 20))
        from countersign.adapters.database.starts import StartWish

        h.story.case_id = h.story.parts.starts.start(StartWish(leave), {"role": "hr", "id": "test"})
        await h.story.parts.dispatcher.drain_outbox()
        await h.story.settle()
        unknown = await h.post("/punches", {"number": "nobody", "at": "2026-02-23T09:00:00+08:00"})
        assert (unknown.status_code, unknown.json()["field"]) == (404, "number")
        naive = await h.post("/punches", {"number": "E1042", "at": "2026-02-24T09:00:00"})
        assert naive.status_code == 422
        await h.story.until(at("02-24 09:00"))
        known = await h.post("/punches", {"number": "E1042", "at": "2026-02-24T08:55:00+08:00"})
        assert known.json() == {"meant": "back"}
        await h.story.settle()
        assert h.story.row()["outcome"] == "back"


async def test_the_openapi_document_names_every_path(tmp_path: Path) -> None:
    async with hr(tmp_path, "02-24 08:00") as h:
        document = (await h.client.get("/openapi.json")).json()
        assert "/api/v1/cases/{case_id}/acts" in document["paths"]
        assert document["info"]["title"] == "Countersign"


async def test_a_case_ended_in_the_temporal_server_is_noticed_recorded_and_alarmed(tmp_path: Path) -> None:
    async with hr(tmp_path, "02-24 08:00") as h:
        case = await started(h, date(2026, 2, 20))
        await h.story.parts.dispatcher.watch()
        assert (await h.get(f"/cases/{case}"))["state"] == "running"
        await h.story.handle.terminate("an operator's mistake")
        await h.story.parts.dispatcher.watch()
        found = await h.get(f"/cases/{case}")
        assert (found["state"], found["outcome"]) == ("closed", "ended_outside")
        assert found["timeline"][-1]["body"]["how"] == "terminated by an operator"
        assert [a["kind"] for a in (await h.get("/alarms"))["alarms"]] == ["ended_outside"]
