"""Signing in to the console."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from countersign.adapters.real_clock import utc_now
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from tests.support.company import company
from tests.support.console import browser


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    made = company(tmp_path, utc_now)
    yield made
    made.database.close()


async def test_an_officer_signs_in_sees_what_waits_and_signs_out(parts: Parts) -> None:
    async with browser(parts, Role.HR, name="李娜") as hr:
        assert "To do" in hr.text
        assert "李娜" in hr.text
        await hr.get("/console/me")
        assert "HR" in hr.text
        await hr.post("/console/sign-out")
        await hr.get("/console")
        assert "Password" in hr.text
