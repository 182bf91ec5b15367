"""Handing over and taking over while signed in: the same list as behind the link, for nobody else."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from countersign.adapters.database.departure_terms import DepartureWish
from countersign.adapters.database.tables import ActRow, Case, Document, HandoverItem, Notice, Person
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.domain.departure import DepartureKind, ItemState
from countersign.ids import new_id
from tests.support.company import NUMBER, add_colleague, add_holdings, all_of, company
from tests.support.console import Browser, browser
from tests.support.handing import photo
from tests.support.story import at

NOW = at("03-02 10:30")


class Nowhere:
    async def carry(self, act_id: str, *_: object) -> None:
        return


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    made = company(tmp_path / "data", lambda: NOW)
    made.__dict__["dispatcher"] = Nowhere()
    for number in ("E2", "E3"):
        add_colleague(made, number)
    add_holdings(made, documents=3, receiver="E2")
    wish = DepartureWish(NUMBER, DepartureKind.RESIGNATION, date(2026, 4, 15), date(2026, 3, 2))
    made.departures.start(wish, {"role": "hr", "id": "test"})
    yield made
    made.database.close()


def person(parts: Parts, number: str) -> str:
    with parts.database.reading() as session:
        return session.exec(select(Person.id).where(Person.number == number)).one()


def case(parts: Parts, kind: str) -> str:
    with parts.database.reading() as session:
        return session.exec(select(Case.id).where(Case.kind == kind)).one()


def states(parts: Parts) -> list[str]:
    return sorted(one.state for one in all_of(parts, HandoverItem))


def signed_in(parts: Parts, number: str) -> Any:
    return browser(parts, Role.EMPLOYEE, login=f"as{number}", number=number)


def notice(parts: Parts, kind: str, number: str) -> None:
    """Let somebody have been asked in their matter."""
    with parts.database.transaction() as session:
        session.add(
            Notice(
                id=new_id(), case_id=case(parts, kind), step="1.first_notice", template="first_notice",
                audience="employee", person_id=person(parts, number), language="en", title="Please confirm",
                text="Text", fingerprint="f" * 64, answer_by=at("03-04 10:30"), created_at=NOW,
            )
        )  # fmt: skip


def form_of(me: Browser) -> dict[str, str]:
    named = ("nonce", "seen")
    found = {name: re.search(rf'name="{name}" value="([^"]*)"', me.page) for name in named}
    return {name: one[1] for name, one in found.items() if one}


def ticks(me: Browser) -> list[str]:
    return re.findall(r'name="items" value="([^"]+)"', me.page)


async def confirms(me: Browser, way: str, **chosen: Any) -> None:
    await me.get(way)
    await me.post(f"{way}/items", form_of(me) | chosen)


async def test_both_sides_confirm_where_they_are_signed_in_one_by_one_and_all_at_once(parts: Parts) -> None:
    mine, theirs = f"/me/cases/{case(parts, 'offboarding')}", f"/me/cases/{case(parts, 'handover')}"
    async with signed_in(parts, NUMBER) as leaver, signed_in(parts, "E2") as receiver:
        await leaver.get(mine)
        one = ticks(leaver)[0]
        await confirms(leaver, mine, items=[one])
        assert states(parts) == ["handed_over", "open", "open"]
        assert "Number of items 1" in leaver.text
        await confirms(leaver, mine, everything="yes")
        await confirms(receiver, theirs, everything="yes")
        assert states(parts) == ["accepted"] * 3
        assert "I have taken over" in receiver.text
    acts = all_of(parts, ActRow)
    assert [one.link_id for one in acts] == [None] * 3
    assert {one.body["identity"] for one in acts} == {"account_session"}
    assert [one.actor for one in acts] == [person(parts, NUMBER)] * 2 + [person(parts, "E2")]


async def test_nobody_reaches_what_another_hands_over(parts: Parts) -> None:
    ways = [f"/me/cases/{case(parts, kind)}" for kind in ("offboarding", "handover", "statutory")]
    item = all_of(parts, HandoverItem)[0].id
    async with signed_in(parts, "E3") as stranger:
        for way in ways:
            assert (await stranger.get(way)).status_code == 404
            assert (await stranger.get(f"{way}/items/{item}")).status_code == 404
            form = {"nonce": "n" * 32, "seen": "", "everything": "yes", "words": "no"}
            assert (await stranger.post(f"{way}/items", form)).status_code == 404
            assert (await stranger.post(f"{way}/items/{item}", form)).status_code == 404
    assert states(parts) == ["open"] * 3
    assert all_of(parts, ActRow) == []


async def test_an_item_is_disputed_with_several_photos(parts: Parts) -> None:
    way = f"/me/cases/{case(parts, 'offboarding')}"
    item = all_of(parts, HandoverItem)[0].id
    photos = [("file", (f"{n}.png", photo(30 + n), "image/png")) for n in range(3)]
    async with signed_in(parts, NUMBER) as leaver:
        await leaver.get(f"{way}/items/{item}")
        answer = await leaver.post(f"{way}/items/{item}", form_of(leaver), files=photos)
        assert answer.status_code == 422
        assert "Write what is wrong" in leaver.text
        assert "Choose the files again" in leaver.text
        form = form_of(leaver) | {"words": "Not mine"}
        await leaver.post(f"{way}/items/{item}", form, files=photos)
        assert "Not mine" in leaver.text
        await leaver.get(f"{way}/items/{all_of(parts, HandoverItem)[1].id}")
        too_many = [("file", (f"{n}.png", photo(30 + n), "image/png")) for n in range(6)]
        form = form_of(leaver) | {"words": "Neither"}
        await leaver.post(f"{way}/items/{all_of(parts, HandoverItem)[1].id}", form, files=too_many)
        assert "at most 5 photos" in leaver.text
    assert states(parts) == [ItemState.DISPUTED, "open", "open"]
    assert len(all_of(parts, Document)) == 3


async def test_what_is_asked_leads_to_the_list_and_waits_until_items_are_confirmed(parts: Parts) -> None:
    notice(parts, "offboarding", NUMBER)
    way = f"/me/cases/{case(parts, 'offboarding')}"
    async with signed_in(parts, NUMBER) as leaver:
        await leaver.get("/me")
        assert f'href="{way}"' in leaver.page
        assert "Open the list and confirm" in leaver.text
        await confirms(leaver, way, everything="yes")
        await leaver.get("/me")
        assert "Open the list and confirm" not in leaver.text
        assert "I have handed over" in leaver.text


async def test_a_form_opened_on_another_list_is_shown_again_as_it_is_now(parts: Parts) -> None:
    way = f"/me/cases/{case(parts, 'offboarding')}"
    async with signed_in(parts, NUMBER) as leaver:
        await leaver.get(way)
        stale = form_of(leaver) | {"everything": "yes"}
        await confirms(leaver, way, items=ticks(leaver)[:1])
        answer = await leaver.post(f"{way}/items", stale | {"nonce": "0" * 32})
        assert answer.status_code == 409
        assert "The list has changed" in leaver.text
        await leaver.post(f"{way}/items", form_of(leaver))
        assert "Tick at least one item" in leaver.text
    assert states(parts) == ["handed_over", "open", "open"]
