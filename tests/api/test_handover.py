"""The handover as HR, administration and their programs use it over the API."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlmodel import select

from countersign.adapters.database.handover_book import HandoverAct
from countersign.adapters.database.items import list_items
from countersign.adapters.database.tables import Case, Departure, Document, HandoverItem, Holding, Person
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.domain.departure import Track
from countersign.domain.handover import Side, Speaker
from countersign.ids import new_id
from tests.support.company import NUMBER, add_colleague, company
from tests.support.leaving import leaving
from tests.support.staff import Call, staff

NOW = datetime(2026, 3, 10, 2, tzinfo=UTC)
LAST_DAY = date(2026, 3, 31)
ONE, TWO = "E2001", "E2002"


@dataclass
class World:
    """A departure with two documents for one receiver and a computer for administration."""

    parts: Parts
    call: Call
    departure_id: str = ""
    keys: int = 0

    def lay_out(self) -> None:
        one, _ = (add_colleague(self.parts, number) for number in (ONE, TWO))
        self.departure_id = leaving(self.parts, LAST_DAY)
        with self.parts.database.transaction() as session:
            departure = session.get_one(Departure, self.departure_id)
            held = [
                Holding(
                    id=new_id(),
                    track=track.value,
                    reference=reference,
                    person_id=departure.person_id,
                    title=f"标题{reference}",
                    receiver_id=one if track is Track.DOCUMENTS else None,
                    mandatory=reference != "D2",
                    source="test",
                    updated_at=NOW,
                )
                for track, reference in (
                    (Track.DOCUMENTS, "D1"),
                    (Track.DOCUMENTS, "D2"),
                    (Track.EQUIPMENT, "PC1"),
                )
            ]
            session.add_all(held)
            session.flush()
            case = session.get_one(Case, self.departure_id)
            list_items(session, self.parts.evidence, departure, case, held, NOW)
            self.parts.shares.spread(session, departure, NOW)

    async def post(
        self, word: str, body: dict[str, Any], role: Role = Role.HR, key: str = ""
    ) -> httpx2.Response:
        self.keys += 1
        return await self.call(
            f"/departures/{self.departure_id}/items/{word}", body, key or f"k{self.keys}", role=role
        )

    async def board(self, role: Role = Role.HR) -> dict[str, Any]:
        answer = await self.call(f"/departures/{self.departure_id}/items", role=role)
        assert answer.status_code == 200, answer.text
        return answer.json()  # type: ignore[no-any-return]

    def id(self, reference: str) -> str:
        with self.parts.database.reading() as session:
            return session.exec(select(HandoverItem.id).where(HandoverItem.reference == reference)).one()

    def states(self) -> dict[str, str]:
        with self.parts.database.reading() as session:
            return {one.reference: one.state for one in session.exec(select(HandoverItem))}

    def leaver_hands_over(self) -> None:
        with self.parts.database.reading() as session:
            person = session.exec(select(Person.id).where(Person.number == NUMBER)).one()
        act = HandoverAct(
            new_id(),
            self.departure_id,
            Speaker.LEAVER,
            Side.LEAVER,
            Role.EMPLOYEE,
            person,
            person_id=person,
        )
        self.parts.handover_book.hand_over(act)

    def paper(self) -> str:
        with self.parts.database.transaction() as session:
            paper = Document(
                id=new_id(),
                case_id=self.departure_id,
                sha256="cd" * 32,
                media_type="application/pdf",
                size=1,
                kind="manual",
                created_at=NOW,
            )
            session.add(paper)
            return paper.id


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    parts = company(tmp_path, lambda: NOW)
    async with staff(parts) as call:
        made = World(parts, call)
        made.lay_out()
        # No process runs here: what a case hears of an act is another test's matter.
        monkeypatch.setattr(parts.dispatcher, "carry", _unheard)
        yield made


async def _unheard(_act_id: str) -> None:
    return


async def test_the_board_shows_every_item_with_its_holder_and_the_counts(world: World) -> None:
    board = await world.board()
    assert [(one["reference"], one["state"], one["holder"], one["receiver"]) for one in board["items"]] == [
        ("D1", "open", "leaver", ONE),
        ("D2", "open", "leaver", ONE),
        ("PC1", "open", "leaver", None),
    ]
    assert (board["all"]["all"], board["tracks"]["documents"]["open"]) == (3, 2)
    assert [(one["employee"], one["all"]) for one in board["receivers"]] == [(ONE, 2), (None, 1)]
    assert (await world.call("/departures/" + "0" * 26 + "/items")).status_code == 404


async def test_administration_sees_and_takes_back_equipment_alone(world: World) -> None:
    world.leaver_hands_over()
    board = await world.board(Role.ADMINISTRATION)
    assert [one["reference"] for one in board["items"]] == ["PC1"]
    assert "receivers" not in board
    assert "all" not in board
    bare = await world.post("accept", {"items": [world.id("PC1")]}, Role.ADMINISTRATION)
    assert (bare.status_code, bare.json()["field"]) == (422, "items")
    assert "PC1 is equipment; say in which condition" in bare.json()["detail"]
    taken = await world.post("accept", {"condition": "worn"}, Role.ADMINISTRATION)
    assert (taken.status_code, taken.json()["items"]) == (202, 1)
    assert world.states() == {"D1": "handed_over", "D2": "handed_over", "PC1": "accepted"}
    other = await world.post("accept", {"items": [world.id("D1")]}, Role.ADMINISTRATION)
    assert "not yours" in other.json()["detail"]


async def test_hr_writes_down_both_sides_from_a_paper(world: World) -> None:
    paper = {"words": "纸面签字", "document": world.paper()}
    missing = await world.post("hand-over", {"words": "纸面签字", "document": "0" * 26})
    assert (missing.status_code, missing.json()["field"]) == (422, "document")
    assert (await world.post("hand-over", {"items": [world.id("D1")], **paper})).json()["items"] == 1
    assert (await world.post("accept", {"items": [world.id("D1")], **paper})).status_code == 202
    assert world.states()["D1"] == "accepted"
    again = await world.post("accept", {"items": [world.id("D1")], **paper})
    assert (again.json()["items"], again.json()["already"]) == (0, 1)
    assert "nothing changed" in again.json()["says"]


async def test_the_same_key_is_the_same_act_and_never_another_one(world: World) -> None:
    body = {"items": [world.id("D1")], "receiver": TWO}
    first = await world.post("reassign", body, key="one")
    again = await world.post("reassign", body, key="one")
    assert first.json() == again.json()
    other = await world.post("reassign", {**body, "receiver": ONE}, key="one")
    assert (other.status_code, other.json()["field"]) == (409, "Idempotency-Key")
    board = await world.board()
    assert [one["receiver"] for one in board["items"]] == [TWO, ONE, None]


async def test_a_dispute_is_opened_for_a_side_and_settled(world: World) -> None:
    world.leaver_hands_over()
    item = {"items": [world.id("D1")]}
    nobody = await world.post("dispute", {**item, "words": "缺页"})
    assert (nobody.status_code, nobody.json()["field"]) == (422, "side")
    told = {**item, "words": "缺页", "side": "receiver", "document": world.paper()}
    assert (await world.post("dispute", told)).status_code == 202
    assert world.states()["D1"] == "disputed"
    assert (await world.post("settle-dispute", {**item, "verdict": "open", "words": "补"})).status_code == 202
    assert world.states()["D1"] == "open"


async def test_a_set_is_split_and_an_absent_receiver_represented(world: World) -> None:
    items = [world.id("D1"), world.id("D2")]
    assert (await world.post("split", {"items": items, "receivers": [ONE, TWO]})).status_code == 202
    assert [one["receiver"] for one in (await world.board())["items"]] == [ONE, TWO, None]
    days = {"from": "2026-03-10", "until": "2026-03-12"}
    wish = {"receiver": ONE, "delegate": TWO, **days}
    assert (await world.post("delegate", wish)).status_code == 202
    found = [one["delegate_until"] for one in (await world.board())["receivers"] if one["employee"] == ONE]
    assert found == ["2026-03-12"]


async def test_what_must_be_handed_over_is_taken_off_in_the_console_by_two_people(world: World) -> None:
    wish = {"items": [world.id("D1")], "words": "已作废"}
    one = await world.post("not-applicable", wish)
    assert (one.status_code, one.json()["field"]) == (422, "approved_by")
    assert "console" in one.json()["detail"]
    free = await world.post("not-applicable", {"items": [world.id("D2")], "words": "已作废"})
    assert free.status_code == 202
    assert world.states() == {"D1": "open", "D2": "not_applicable", "PC1": "open"}


async def test_a_company_without_the_two_person_rule_takes_it_off_at_once(tmp_path: Path) -> None:
    parts = company(tmp_path, lambda: NOW, two_person_acts=())
    async with staff(parts) as call:
        world = World(parts, call)
        world.lay_out()
        wish = {"items": [world.id("D1")], "words": "已作废"}
        assert (await world.post("not-applicable", wish)).status_code == 202
        assert world.states()["D1"] == "not_applicable"


@pytest.mark.parametrize(
    ("word", "body", "field"),
    [
        ("reassign", {"receiver": TWO}, "items"),
        ("reassign", {"items": ["0" * 26], "receiver": TWO}, "items"),
        ("split", {"items": ["0" * 26]}, "receivers"),
        ("dispute", {"items": [], "words": "x", "side": "leaver"}, "items"),
        ("settle-dispute", {"items": ["0" * 26], "verdict": "gone", "words": "x"}, "verdict"),
        (
            "delegate",
            {"receiver": "E9", "delegate": ONE, "from": "2026-03-10", "until": "2026-03-11"},
            "receiver",
        ),
        (
            "delegate",
            {"receiver": ONE, "delegate": TWO, "from": "2026-03-12", "until": "2026-03-11"},
            "until",
        ),
        ("accept", {"items": ["x"]}, "items.0"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_its_field(
    world: World, word: str, body: dict[str, Any], field: str
) -> None:
    answer = await world.post(word, body)
    assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text
