"""The money of a departure in the console: the settlement as a form, refused at its field, confirmed."""

import re
from datetime import date
from typing import Any

import pytest
from sqlmodel import select

from countersign.adapters.database.tables import Employment
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.domain.ledger import Voucher, advance
from tests.support.company import BEIJING, NAME, add_shanghai, unreached
from tests.support.console import Browser, browser
from tests.support.leaving import employment_id, leaving

LAST_DAY = date(2025, 6, 30)
WAGE = {"final_wage": "8,000.00", "personal_insurance": "¥1053"}


@pytest.fixture(autouse=True)
def _no_process(parts: Parts) -> None:
    unreached(parts)


@pytest.fixture
def path(parts: Parts) -> str:
    """Return the pages of a departure with advances of 5,265.00."""
    case = leaving(parts, LAST_DAY, ended_on=LAST_DAY)
    voucher = Voucher("advances", employment_id(parts), LAST_DAY, "account:none")
    parts.database.write(lambda session: parts.ledger.book(session, advance(voucher, 5_265_00)))
    return f"/console/departures/{case}"


def letter() -> dict[str, Any]:
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (20, 20), "white").save(out, "PNG")
    return {"consent_file": ("同意书.png", out.getvalue(), "image/png")}


def nonce(page: Browser) -> str:
    found = re.search(r'name="nonce" value="([^"]+)"', page.page)
    assert found is not None
    return found[1]


async def test_finance_previews_drafts_confirms_and_prints(parts: Parts, path: str) -> None:
    async with browser(parts, Role.FINANCE) as finance:
        await finance.get(f"{path}/money")
        assert "advanced insurance share ¥5,265.00" in finance.text
        assert "Draft the settlement" in finance.text
        wish = {**WAGE, "advances": "consent"}

        answer = await finance.post(f"{path}/settlement", {**wish, "do": "preview"}, files=letter())
        assert answer.status_code == 200
        assert "Preview, not kept yet" in finance.text
        assert "-¥4,527.00" in finance.text
        assert "attach the letter again" in finance.text
        assert "version 1" not in finance.text

        await finance.post(f"{path}/settlement", {**wish, "do": "draft"}, files=letter())
        assert "Version 1 is drafted" in finance.text
        assert "¥2,420.00" in finance.text
        assert "¥738.00" in finance.text

        form = {"nonce": nonce(finance)}
        await finance.post(f"{path}/settlement/1/confirm", form)
        assert "Version 1 is confirmed" in finance.text
        await finance.post(f"{path}/settlement/1/confirm", form)
        assert "Version 1 is confirmed" in finance.text
        assert "Another version" not in finance.text
        pdf = await finance.get(f"{path}/settlement/1/sheet")
        assert pdf.content.startswith(b"%PDF")


async def test_the_leave_of_somebody_hired_this_year_is_counted_from_the_first_day(
    parts: Parts, path: str
) -> None:
    async with browser(parts, Role.FINANCE) as finance:
        await finance.get(f"{path}/money")
        assert "until the last day: 181" in finance.text
        with parts.database.transaction() as session:
            for job in session.exec(select(Employment)):
                job.hired_on = date(2025, 6, 1)
                session.add(job)
        await finance.get(f"{path}/money")
        assert "until the last day: 30" in finance.text


async def test_a_deduction_without_consent_is_refused_at_its_field_and_keeps_what_was_typed(
    parts: Parts, path: str
) -> None:
    async with browser(parts, Role.FINANCE) as finance:
        form = {**WAGE, "advances": "consent", "do": "draft"}
        answer = await finance.post(f"{path}/settlement", form)
        assert answer.status_code == 422
        assert "only with the employee's written consent" in finance.text
        assert 'value="8,000.00"' in finance.page
        assert '<a href="#consent">' in finance.page
        assert 'id="consent"' in finance.page


async def test_what_is_wrong_is_told_in_chinese(parts: Parts, path: str) -> None:
    async with browser(parts, Role.FINANCE, language="zh-CN") as finance:
        await finance.post(f"{path}/settlement", {**WAGE, "tax": "7000", "do": "draft"})
        assert "7000.00 元超过最后一期工资剩余的 6947.00 元" in finance.text
        await finance.post(f"{path}/settlement", {"do": "draft"})
        assert "请填写最后一月应发工资" in finance.text
        await finance.post(f"{path}/settlement", {**WAGE, "final_wage": "many", "do": "draft"})
        assert "请填写金额" in finance.text


async def test_readers_see_it_and_decide_nothing(parts: Parts, path: str) -> None:
    async with browser(parts, Role.LEGAL) as reader:
        await reader.get(f"{path}/money")
        assert "There is no settlement yet" in reader.text
        assert "Keep as a draft" not in reader.text
        assert (await reader.post(f"{path}/settlement", WAGE)).status_code == 403
        assert (await reader.post(f"{path}/settlement/1/confirm", {})).status_code == 403


async def test_another_branch_sees_nothing(parts: Parts, path: str) -> None:
    add_shanghai(parts)
    async with browser(parts, Role.FINANCE, branch="01SHANGHAI0000000000000000") as other:
        assert (await other.get(f"{path}/money")).status_code == 404
        assert (await other.get(f"{path}/settlement/1/sheet")).status_code == 404
        answer = await other.post(f"{path}/settlement", {**WAGE, "do": "draft"})
        assert answer.status_code == 404
        assert NAME not in other.text


async def test_a_version_that_is_gone_is_not_confirmed(parts: Parts, path: str) -> None:
    async with browser(parts, Role.FINANCE, branch=BEIJING) as finance:
        await finance.post(f"{path}/settlement", {**WAGE, "do": "draft"})
        form = {"nonce": nonce(finance)}
        await finance.post(f"{path}/settlement", {**WAGE, "tax": "1", "do": "draft"})
        answer = await finance.post(f"{path}/settlement/1/confirm", form)
        assert answer.status_code == 422
        assert "not the newest" in finance.text


async def test_the_loss_file_is_handed_to_those_who_read_evidence(parts: Parts, path: str) -> None:
    async with browser(parts, Role.LEGAL) as lawyer:
        await lawyer.get(f"{path}/loss")
        assert "claim in all" in lawyer.text
        assert "¥5,265.00" in lawyer.text
    async with browser(parts, Role.FINANCE) as finance:
        assert (await finance.get(f"{path}/loss")).status_code == 403
