"""Handing one case's evidence over to another, as HR does it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from countersign.adapters.database.tables import Case, CaseLink
from countersign.contracts.cases import Role
from countersign.domain.bundle import verify_bundle
from tests.support.company import BEIJING
from tests.support.outgoing import SHANGHAI_BRANCH, Outgoing, outgoing
from tests.support.staff import Call, staff


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[tuple[Outgoing, Call]]:
    with outgoing(tmp_path) as out:
        async with staff(out.parts) as call:
            yield out, call


def wish(case: str, **more: Any) -> dict[str, Any]:
    return {"case": case, "reason": "the same sick leave", **more}


async def test_a_case_inherits_and_its_bundle_holds_both_chains(world: tuple[Outgoing, Call]) -> None:
    out, call = world
    old, heir = out.case_id, out.second_case()
    out.send()
    made = await call(f"/cases/{heir}/linked-cases", wish(old))
    assert made.status_code == 201
    (link,) = out.rows(CaseLink)
    assert made.json() == {"case": heir, "inherits": old, "length": link.length, "head": link.head}
    found = (await call(f"/cases/{heir}")).json()
    assert found["inherits"] == [old]
    (event,) = [one for one in found["timeline"] if one["kind"] == "case.linked"]
    assert (event["actor"]["role"], event["body"]["reason"]) == ("hr", "the same sick leave")
    for redact in ("false", "true"):
        report = verify_bundle((await call(f"/cases/{heir}/evidence?redact={redact}")).content)
        assert report.ok, report.first_broken
        assert set(report.linked) == {old}


async def test_the_same_key_links_once_and_another_wish_under_it_is_refused(
    world: tuple[Outgoing, Call],
) -> None:
    out, call = world
    heir, third = out.second_case(), out.second_case(11)
    first = await call(f"/cases/{heir}/linked-cases", wish(out.case_id), "one")
    again = await call(f"/cases/{heir}/linked-cases", wish(out.case_id), "one")
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    for path, other in ((heir, third), (third, out.case_id)):
        clash = await call(f"/cases/{path}/linked-cases", wish(other), "one")
        assert (clash.status_code, clash.json()["field"]) == (409, "Idempotency-Key")
    assert len(out.rows(CaseLink)) == 1


async def test_cases_that_cannot_be_joined_are_refused_in_words(world: tuple[Outgoing, Call]) -> None:
    out, call = world
    heir, stranger = out.second_case(), out.other_person()
    await call(f"/cases/{heir}/linked-cases", wish(out.case_id), "first")
    for number, (case, other, says) in enumerate(
        [
            (heir, stranger, "belongs to another person"),
            (heir, heir, "inherits from this case already"),
            (out.case_id, heir, "inherits from this case already"),
        ]
    ):
        refused = await call(f"/cases/{case}/linked-cases", wish(other), f"refused {number}")
        assert (refused.status_code, refused.json()["field"]) == (422, "case")
        assert says in refused.json()["detail"]
    assert len(out.rows(CaseLink)) == 1


async def test_a_case_of_another_branch_does_not_exist(world: tuple[Outgoing, Call]) -> None:
    out, call = world
    out.other_branch()
    old, heir = out.case_id, out.second_case()
    out.change(Case, old, branch_id=SHANGHAI_BRANCH)
    for branch, case, other in ((BEIJING, heir, old), (BEIJING, old, heir), (SHANGHAI_BRANCH, old, heir)):
        answer = await call(f"/cases/{case}/linked-cases", wish(other), branch=branch)
        assert answer.status_code == 404
    assert out.rows(CaseLink) == []


@pytest.mark.parametrize(
    ("more", "says"),
    [({"reason": " "}, "reason"), ({"case": "short"}, "case"), ({"color": "red"}, "color")],
)
async def test_a_wish_that_is_not_complete_is_refused_by_its_field(
    world: tuple[Outgoing, Call], more: dict[str, str], says: str
) -> None:
    out, call = world
    answer = await call(f"/cases/{out.second_case()}/linked-cases", wish(out.case_id) | more)
    assert (answer.status_code, answer.json()["field"]) == (422, says)


async def test_an_auditor_reads_and_links_nothing(world: tuple[Outgoing, Call]) -> None:
    out, call = world
    answer = await call(f"/cases/{out.second_case()}/linked-cases", wish(out.case_id), role=Role.AUDITOR)
    assert answer.status_code == 403
