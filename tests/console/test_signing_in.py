"""Signing in to the console."""

import re
from datetime import timedelta
from pathlib import Path

import httpx2

from countersign.adapters.real_clock import utc_now
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from tests.support.company import company
from tests.support.console import browser


async def test_an_officer_signs_in_sees_what_waits_and_signs_out(parts: Parts) -> None:
    async with browser(parts, Role.HR, name="李娜") as hr:
        assert "To do" in hr.text
        assert "李娜" in hr.text
        await hr.get("/console/me")
        assert "HR" in hr.text
        await hr.post("/console/sign-out")
        await hr.get("/console")
        assert "Password" in hr.text


async def test_a_page_that_asks_for_itself_again_keeps_nobody_signed_in(tmp_path: Path) -> None:
    now = [utc_now()]
    parts = company(tmp_path, lambda: now[0])
    async with browser(parts) as hr:
        for _ in range(5):
            now[0] += timedelta(minutes=30)
            await hr.client.get("/console/now", headers={"hx-request": "true"})
        answer = await hr.client.get("/console/now", headers={"hx-request": "true"})
        assert (answer.status_code, answer.headers["hx-redirect"][:16]) == (204, "/console/sign-in")
    async with browser(parts, login="other") as other:
        for _ in range(5):
            now[0] += timedelta(minutes=30)
            await other.get("/console")
        assert "To do" in other.text
    parts.database.close()


async def test_what_is_to_be_told_waits_for_the_page_that_somebody_opens(parts: Parts) -> None:
    async with browser(parts) as hr:
        answer = await hr.client.post(
            "/console/cases/filters",
            data={"csrf": _token(await hr.get("/console")), "name": "mine", "query": "stage=ladder"},
            follow_redirects=False,
        )
        assert answer.status_code == 303
        part = await hr.client.get("/console/now", headers={"hx-request": "true"})
        assert "was saved" not in part.text
        await hr.get("/console")
        assert "The filter was saved as mine." in hr.text
        await hr.get("/console")
        assert "was saved" not in hr.text


def _token(answer: httpx2.Response) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', answer.text)
    assert found is not None
    return found[1]
