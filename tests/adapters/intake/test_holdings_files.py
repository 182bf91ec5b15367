"""Documents, customers, equipment and leavers from files: taken row by row, or refused in words."""

import io
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter  # type: ignore[import-untyped]
from sqlmodel import select

from countersign.adapters.database.tables import Case, Departure, HandoverItem, Holding, Outbox, Person
from countersign.adapters.sheets import InputFault, read_table
from countersign.bootstrap import Parts
from countersign.domain.console_words import told_in
from countersign.imports import IMPORTS, import_file
from tests.support.company import NUMBER, add_colleague, add_holdings, all_of, company
from tests.support.employed import employ

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
ASSETS = "资产编号,资产名称,型号,序列号,使用人工号,领用状况,价值(元),必须归还(是/否)"
DOCUMENTS = "文件编号,文件名称,责任人工号,存放位置,必须移交(是/否),接收人工号"
LEAVERS = "工号,离职类型,离职原因依据,最后工作日,提出日期,接收人工号"


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    made = company(tmp_path / "data", lambda: NOW)
    add_colleague(made, "E2")
    return made


@pytest.fixture
def take(parts: Parts, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Return a function that imports lines as a file; `content` is taken as it is."""

    def run(kind: str, *lines: str, content: bytes | None = None, **how: Any) -> dict[str, Any]:
        file = tmp_path / f"{kind}.csv"
        file.write_bytes("\n".join(lines).encode() if content is None else content)
        wanted = {"dry_run": False, "accept_good_rows": False, **how}
        return import_file(parts, kind, file, **wanted)

    return run


def codes(result: dict[str, Any]) -> list[tuple[int, str, str]]:
    return [(one["row"], one["column"], one["code"]) for one in result["rejected"]]


ROW = f'Z-1,笔记本电脑,T14,SN1,{NUMBER},九成新,"6,500.50",是'


def workbook() -> bytes:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ASSETS.split(","))
        page.write_row(1, 0, ("Z-1", "笔记本电脑", "T14", "SN1", NUMBER, "九成新", 6500.5, True))
    return content.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        f"\ufeff{ASSETS}\r\n{ROW}\r\n".encode(),
        f"{ASSETS}\n{ROW}\n".encode("gb18030"),
        f"reference,资产名称,model,序列号,user_number,condition,value_yuan,必须归还\n{ROW}\n".encode(),
        f"{ASSETS.replace(',', ';')}\n{ROW.replace(',', ';').replace('6;500', '6,500')}\n".encode(),
        workbook(),
    ],
    ids=["bom", "gb18030", "mixed headers", "semicolons", "xlsx"],
)
def test_equipment_is_read_whatever_the_file_looks_like(
    parts: Parts, take: Callable[..., dict[str, Any]], content: bytes
) -> None:
    assert take("assets", content=content)["rejected"] == []
    (one,) = all_of(parts, Holding)
    assert (one.track, one.reference, one.title, one.value_fen, one.mandatory) == (
        "equipment",
        "Z-1",
        "笔记本电脑",
        650_050,
        True,
    )
    assert one.details == {"model": "T14", "serial_number": "SN1", "condition": "九成新"}


def test_the_same_file_twice_changes_nothing(parts: Parts, take: Callable[..., dict[str, Any]]) -> None:
    assert take("assets", ASSETS, ROW)["changed"] == 1
    (before,) = all_of(parts, Holding)
    assert take("assets", ASSETS, ROW) == {"rows": 1, "applied": 1, "changed": 0, "rejected": []}
    assert all_of(parts, Holding) == [before]


def test_one_refused_row_applies_nothing_and_every_fault_is_named(
    parts: Parts, take: Callable[..., dict[str, Any]]
) -> None:
    lines = (
        DOCUMENTS,
        f"W-1,合同,{NUMBER},柜 A,是,E2",
        "W-2,图纸,E9,,,",
        f"W-3,台账,{NUMBER},,,{NUMBER}",
        f"W-1,合同副本,{NUMBER},,,",
        f",,{NUMBER},,,",
        f"W-5,清单,{NUMBER},,或许,E8",
    )
    result = take("documents", *lines)
    assert codes(result) == [
        (3, "责任人工号", "unknown_person"),
        (4, "接收人工号", "receiver_is_holder"),
        (5, "文件编号", "duplicate"),
        (6, "文件编号", "missing"),
        (6, "文件名称", "missing"),
        (7, "必须移交(是/否)", "bad_choice"),
        (7, "接收人工号", "unknown_person"),
    ]
    assert result["applied"] == 0
    assert all_of(parts, Holding) == []
    good = take("documents", *lines, accept_good_rows=True)
    assert (good["rows"], good["applied"], len({one["row"] for one in good["rejected"]})) == (6, 1, 5)
    (one,) = all_of(parts, Holding)
    assert (one.reference, one.details) == ("W-1", {"location": "柜 A"})


def test_refusals_repeat_no_number_and_are_told_in_chinese(take: Callable[..., dict[str, Any]]) -> None:
    result = take("assets", ASSETS, "Z-1,电脑,,,E7777,,1.234,是")
    for one in result["rejected"]:
        assert "E7777" not in one["message"]
        assert "1.234" not in one["message"]
        sentence = one["message"].removeprefix(f"row 2, {one['column']}: ")
        assert not told_in("zh-CN", sentence).isascii()
        assert "must" not in told_in("zh-CN", sentence)
        assert told_in("zh-CN", sentence) != sentence


def test_somebody_who_has_left_receives_nothing(parts: Parts, take: Callable[..., dict[str, Any]]) -> None:
    employ(parts, "E2", ended_on=NOW.date())
    result = take("documents", DOCUMENTS, f"W-1,合同,{NUMBER},,,E2")
    assert codes(result) == [(2, "接收人工号", "receiver_left")]
    employ(parts, "E2", ended_on=date(2026, 3, 3), hired_on=date(2026, 3, 2))
    assert take("documents", DOCUMENTS, f"W-1,合同,{NUMBER},,,E2")["rejected"] == []


def test_customers_keep_with_whom_one_speaks_and_how_far_one_is(
    parts: Parts, take: Callable[..., dict[str, Any]]
) -> None:
    head = "客户编号,客户名称,联系人,联系方式,跟进状态,责任人工号,接收人工号"
    assert take("customers", head, f"K-1,青禾商贸,刘经理,13800138999,报价已发,{NUMBER},E2")["rejected"] == []
    (one,) = all_of(parts, Holding)
    assert one.details == {"contact_name": "刘经理", "contact_way": "13800138999", "follow_up": "报价已发"}


def test_an_unknown_column_and_a_missing_one_refuse_the_whole_file(
    parts: Parts, take: Callable[..., dict[str, Any]]
) -> None:
    result = take("assets", "资产编号,资产名称,颜色", "Z-1,电脑,蓝", accept_good_rows=True)
    assert codes(result) == [(1, "颜色", "unknown_column"), (1, "使用人工号", "missing")]
    assert result["applied"] == 0
    with pytest.raises(InputFault, match="holds nothing"):
        take("assets", ASSETS)
    assert all_of(parts, Holding) == []


@pytest.mark.parametrize("kind", ["documents", "customers", "assets", "leavers"])
def test_the_template_can_be_read_again_once_it_has_rows(kind: str) -> None:
    assert read_table(IMPORTS[kind].template(), "t.xlsx").rows == ()


def test_five_thousand_rows_take_seconds(parts: Parts, take: Callable[..., dict[str, Any]]) -> None:
    rows = [f"W-{n},文件 {n},{NUMBER},柜 {n},是,E2" for n in range(5000)]
    begun = time.monotonic()
    assert take("documents", DOCUMENTS, *rows)["applied"] == 5000
    assert time.monotonic() - begun < 15
    assert len(all_of(parts, Holding)) == 5000


# -- leavers ----------------------------------------------------------------------------------------------


def leaver(number: str = NUMBER, kind: str = "辞职", day: str = "2026-04-10", successor: str = "E2") -> str:
    return f"{number},{kind},,{day},2026-03-01,{successor}"


def test_the_same_leaver_file_twice_is_the_same_departure(
    parts: Parts, take: Callable[..., dict[str, Any]]
) -> None:
    add_holdings(parts, documents=1, equipment=1)
    first = take("leavers", LEAVERS, leaver())
    assert (first["applied"], first["known"], first["cases"], first["rejected"]) == (1, 0, 1, [])
    again = take("leavers", LEAVERS, leaver())
    assert (again["applied"], again["known"], again["cases"], again["rejected"]) == (1, 1, 0, [])
    (departure,) = all_of(parts, Departure)
    assert (departure.kind, departure.last_day) == ("resignation", date(2026, 4, 10))
    assert len([one for one in all_of(parts, Case) if one.kind == "offboarding"]) == 1
    assert {one.reference for one in all_of(parts, HandoverItem)} == {f"W-{NUMBER}-1", f"Z-{NUMBER}-1"}


def test_every_leaver_that_cannot_be_started_is_refused_in_words_and_nothing_starts(
    parts: Parts, take: Callable[..., dict[str, Any]]
) -> None:
    employ(parts, "E2")
    lines = (
        LEAVERS,
        leaver(),
        leaver(),
        leaver("E9"),
        leaver("E2", successor="E2"),
        f"{NUMBER},跑路,,2026-04-10,2026-03-01,",
        f"{NUMBER},辞职,劳动合同法41,2026-04-10,2026-03-01,",
        f"{NUMBER},辞职,,哪天,2026-03-01,",
    )
    result = take("leavers", *lines)
    assert codes(result) == [
        (3, "工号", "duplicate"),
        (4, "工号", "unknown_person"),
        (5, "接收人工号", "refused"),
        (6, "离职类型", "bad_choice"),
        (7, "离职原因依据", "conflict"),
        (8, "最后工作日", "bad_date"),
    ]
    assert all_of(parts, Departure) == []
    assert [one for one in all_of(parts, Outbox) if one.kind == "start_case"] == []


def test_a_last_day_in_the_past_and_another_departure_are_refused(
    parts: Parts, take: Callable[..., dict[str, Any]]
) -> None:
    late = take("leavers", LEAVERS, leaver(day="2026-03-01"))
    assert codes(late) == [(2, "最后工作日", "refused")]
    take("leavers", LEAVERS, leaver())
    other = take("leavers", LEAVERS, leaver(day="2026-05-10"))
    assert codes(other) == [(2, "工号", "refused")]
    assert len(all_of(parts, Departure)) == 1


@pytest.mark.parametrize(
    ("ground", "kept"),
    [("劳动合同法38", "employer_fault"), ("第37条", "resignation"), ("单位过错", "employer_fault")],
)
def test_a_ground_is_named_by_its_article_or_in_words(
    parts: Parts, take: Callable[..., dict[str, Any]], ground: str, kept: str
) -> None:
    assert take("leavers", LEAVERS, f"{NUMBER},辞职,{ground},2026-04-10,2026-03-01,E2")["rejected"] == []
    assert all_of(parts, Departure)[0].ground == kept


# -- what joins an open departure ----------------------------------------------------------------------------


def test_what_a_leaver_turns_out_to_hold_joins_the_handover_and_the_case_is_told(
    parts: Parts, take: Callable[..., dict[str, Any]]
) -> None:
    add_holdings(parts, documents=1)
    take("leavers", LEAVERS, leaver())
    with parts.database.transaction() as session:
        for errand in session.exec(select(Outbox)):
            session.delete(errand)
    take("documents", DOCUMENTS, f"W-{NUMBER}-1,改名的合同,{NUMBER},,,", f"W-9,新找到的合同,{NUMBER},,,")
    items = {one.reference: one for one in all_of(parts, HandoverItem)}
    assert set(items) == {f"W-{NUMBER}-1", "W-9"}
    assert items[f"W-{NUMBER}-1"].title == "标记物1"
    successor = next(one.id for one in all_of(parts, Person) if one.number == "E2")
    assert items["W-9"].receiver_id == successor
    assert items["W-9"].share_id is not None
    assert "look" in {one.kind for one in all_of(parts, Outbox)}


def test_a_withdrawn_departure_takes_nothing_more_in(
    parts: Parts, take: Callable[..., dict[str, Any]]
) -> None:
    take("leavers", LEAVERS, leaver())
    with parts.database.transaction() as session:
        departure = session.exec(select(Departure)).one()
        departure.holds = None
        session.add(departure)
    take("documents", DOCUMENTS, f"W-9,新找到的合同,{NUMBER},,,")
    assert all_of(parts, HandoverItem) == []
