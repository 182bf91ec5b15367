"""The list of employees and the page of one."""

from datetime import date

from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from tests.support.company import (
    ADDRESS,
    BEIJING,
    CONTACT_PHONE,
    EMAIL,
    NAME,
    NUMBER,
    PHONE,
    add_colleague,
    add_leave,
)
from tests.support.console import browser
from tests.support.crowd import crowd


async def test_hr_finds_somebody_and_sees_how_to_reach_them_and_what_is_missing(parts: Parts) -> None:
    leave = add_leave(parts, date(2027, 3, 1), "maternity")
    async with browser(parts) as hr:
        await hr.get("/console/people", q=NAME[:2])
        assert f"{NUMBER} {NAME}" in hr.text
        await hr.get(f"/console/people/{NUMBER}")
        for told in (PHONE, EMAIL, ADDRESS, CONTACT_PHONE, "2025-01-02", "maternity", "2027-03-01"):
            assert told in hr.text
        assert f"/console/start/leave/{leave}" in hr.page
        bare = add_colleague(parts, "E7", phone=None, email=None)
        assert bare
        await hr.get("/console/people/E7")
        assert hr.text.count("missing") >= 4


async def test_a_manager_sees_who_reports_to_them_without_contact_or_the_kind_of_leave(parts: Parts) -> None:
    add_colleague(parts, "E9")
    add_colleague(parts, "E8", manager_number="E9")
    add_leave(parts, date(2027, 3, 1), "sick")
    async with browser(parts, Role.MANAGER, number="E9") as manager:
        await manager.get("/console/people")
        assert "E8" in manager.text
        assert NUMBER not in manager.text
        answer = await manager.get(f"/console/people/{NUMBER}")
        assert answer.status_code == 404
        await manager.get("/console/people/E8")
        assert "How to reach them" not in manager.text
        assert "+86" not in manager.text


async def test_another_branch_does_not_exist_and_neither_does_a_made_up_number(parts: Parts) -> None:
    crowd(parts, 3, 0)
    async with browser(parts, branch=BEIJING) as hr:
        for number in ("P00001", "nobody"):
            assert (await hr.get(f"/console/people/{number}")).status_code == 404
        await hr.get("/console/people")
        assert "Employees 1" in hr.text


async def test_the_list_is_paged_fifty_at_a_time(parts: Parts) -> None:
    crowd(parts, 120, 5)
    async with browser(parts) as hr:
        await hr.get("/console/people", page="3")
        assert "Page 3 of 3" in hr.text
        assert "P00119" in hr.text
        await hr.get("/console/people", page="x", q="P0000")
        assert "Employees 10" in hr.text
