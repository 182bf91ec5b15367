"""Lists of holdings and of leavers handed in on a page: previewed field by field, applied, taken back."""

import io
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from countersign.adapters.database.departures import DepartureWish
from countersign.adapters.database.tables import Case, Departure, Holding, ImportRun
from countersign.adapters.sheets import read_table
from countersign.bootstrap import Parts
from countersign.domain.departure import DepartureKind
from tests.console.test_imports import apply, hand_in
from tests.support.company import NUMBER, SHANGHAI, add_colleague, add_holdings, add_shanghai, all_of, company
from tests.support.console import browser

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
ASSETS = "资产编号,资产名称,型号,使用人工号,价值(元),必须归还(是/否)"
LEAVERS = "工号,离职类型,最后工作日,提出日期,接收人工号"


@pytest.fixture
def alone(tmp_path: Path) -> Parts:
    """Return a company in which one person may hand in and apply."""
    made = company(tmp_path / "data", lambda: NOW, four_eyes_imports=False)
    add_colleague(made, "E2")
    return made


def csv(*lines: str) -> bytes:
    return "\n".join(lines).encode("gb18030")


async def test_a_preview_names_every_field_and_an_error_workbook_every_fault(alone: Parts) -> None:
    async with browser(alone, language="zh-CN") as hr:
        page = await hand_in(
            hr, csv(ASSETS, f"Z-1,电脑,T14,{NUMBER},6500,是", "Z-2,手机,,E9,1.234,是"), kind="assets"
        )
        assert "新增 设备物品 Z-1" in hr.text
        assert "型号 T14" in hr.text
        assert "价值 ¥6,500.00" in hr.text
        assert "必须移交 是" in hr.text
        assert "没有这个工号的员工" in hr.text
        answer = await hr.get(f"{page}/faults.xlsx")
        sheet = read_table(io.BytesIO(answer.content).getvalue(), "faults.xlsx")
        assert sheet.headers == tuple(ASSETS.split(","))
        assert all_of(alone, Holding) == []


async def test_an_applied_list_is_taken_back_whole(alone: Parts) -> None:
    async with browser(alone) as hr:
        page = await hand_in(hr, csv(ASSETS, f"Z-1,电脑,T14,{NUMBER},6500,是"), kind="assets")
        await apply(hr, page)
        second = await hand_in(
            hr, csv(ASSETS, "Z-1,电脑,T15,E2,,否", f"Z-2,手机,,{NUMBER},,"), kind="assets", name="b.csv"
        )
        await hr.get(second)
        assert "model T14 → T15" in hr.text
        assert f"held by {NUMBER} → E2" in hr.text
        assert "value ¥6,500.00 → —" in hr.text
        await apply(hr, second)
        assert len(all_of(alone, Holding)) == 2
        await hr.get(f"{second}/undo")
        assert "2 entries can be undone 0 cannot" in hr.text
        await hr.post(f"{second}/undo")
        (one,) = all_of(alone, Holding)
        assert (one.reference, one.details, one.value_fen, one.mandatory) == (
            "Z-1",
            {"model": "T14"},
            650_000,
            True,
        )
        await hr.post(f"{page}/undo")
        assert all_of(alone, Holding) == []


async def test_what_a_departure_asks_for_since_stays(alone: Parts) -> None:
    async with browser(alone) as hr:
        page = await hand_in(
            hr, csv(ASSETS, f"Z-1,电脑,T14,{NUMBER},6500,是", "Z-2,手机,,E2,,是"), kind="assets"
        )
        await apply(hr, page)
        wish = DepartureWish(NUMBER, DepartureKind.RESIGNATION, date(2026, 4, 10), date(2026, 3, 1))
        alone.departures.start(wish, {"role": "hr", "id": "test"})
        await hr.get(f"{page}/undo")
        assert "1 entries can be undone 1 cannot" in hr.text
        assert "it stands in the handover of a departure since" in hr.text
        assert (await hr.post(f"{page}/undo")).status_code == 422
        await hr.post(f"{page}/undo", {"part": "yes"})
        assert [one.reference for one in all_of(alone, Holding)] == ["Z-1"]
        assert [one.state for one in all_of(alone, ImportRun)] == ["undone_in_part"]


async def test_a_list_of_leavers_starts_departures_in_the_name_of_who_applies(alone: Parts) -> None:
    add_holdings(alone, documents=2, receiver="E2")
    row = f"{NUMBER},辞职,2026-04-10,2026-03-01,E2"
    async with browser(alone) as hr:
        page = await hand_in(hr, csv(LEAVERS, row, "E9,辞职,2026-04-10,2026-03-01,"), kind="leavers")
        assert "1 new 0 changed 0 unchanged 1 with faults 1 cases to be started" in hr.text
        assert "kind of departure resignation" in hr.text
        assert "last day 2026-04-10" in hr.text
        assert all_of(alone, Departure) == []
        await hr.post(f"{page}/good-rows")
        await apply(hr, page)
        (departure,) = all_of(alone, Departure)
        assert departure.created_by.startswith("account:")
        assert (await hr.get(f"{page}/undo")).status_code == 404
        again = await hand_in(hr, csv(LEAVERS, row), kind="leavers", name="again.csv")
        assert "0 new 0 changed 1 unchanged" in hr.text
        assert (await apply(hr, again)).status_code == 409
    assert len([one for one in all_of(alone, Case) if one.kind == "offboarding"]) == 1


async def test_a_branch_hands_in_its_own_people_alone(alone: Parts) -> None:
    add_shanghai(alone)
    add_colleague(alone, "E7", branch_id=SHANGHAI)
    async with browser(alone, branch="上海") as hr:
        await hand_in(hr, csv(ASSETS, f"Z-1,电脑,,{NUMBER},,", "Z-2,电脑,,E7,,"), kind="assets")
        assert "1 new 0 changed 0 unchanged 1 with faults" in hr.text
        await hand_in(hr, csv(LEAVERS, f"{NUMBER},辞职,2026-04-10,2026-03-01,"), kind="leavers")
        assert "0 new 0 changed 0 unchanged 1 with faults" in hr.text
        assert "unknown_person" in hr.text
