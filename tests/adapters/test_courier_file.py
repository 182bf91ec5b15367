"""A courier's list as people export it: every fault by row and column, the same rows once."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter  # type: ignore[import-untyped]

from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Delivery
from countersign.adapters.sheets import InputFault, read_sheet
from countersign.domain.policy import Channel
from countersign.imports import IMPORTS, import_file
from tests.support.outgoing import NOW, Outgoing, outgoing

HEADERS = "运单号,状态,时间,说明"
FIRST, SECOND = "EA123456789CN", "1234567890123"


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Outgoing]:
    """Yield a company with two letters posted at 10:00 on 24 February, where it is 18:00 now."""
    with outgoing(tmp_path / "data") as made:
        for number in (FIRST, SECOND):
            delivery = made.lay_out(channel=Channel.COURIER, template="paper_notice")
            made.change(Delivery, delivery, state="sent", sent_at=NOW, by_hand_at=NOW, tracking_number=number)
        made.later(hours=8)
        yield made


def read(out: Outgoing, file: Path, **how: bool) -> dict[str, Any]:
    options = {"dry_run": False, "accept_good_rows": False} | how
    return import_file(out.parts, "courier", file, **options)


def csv(tmp_path: Path, *rows: str, headers: str = HEADERS) -> Path:
    file = tmp_path / "courier.csv"
    file.write_text("\n".join((headers, *rows)), "utf-8")
    return file


def events(out: Outgoing) -> list[tuple[str, str]]:
    found = out.parts.views.case(Scope(), out.case_id)
    assert found is not None
    return [
        (event["kind"], event["body"]["happened_at"])
        for event in found["timeline"]
        if event["kind"].startswith("paper.")
    ]


def test_a_list_is_taken_in_once_and_its_times_are_those_of_the_branch(out: Outgoing, tmp_path: Path) -> None:
    file = csv(
        tmp_path,
        f"{FIRST},他人代收,2026-02-24 15:04,门卫",
        f"{SECOND},拒收,2026/02/24 16:00,",
        f"{FIRST},returned,2026-02-24T09:30:00+00:00,",
    )
    dry = read(out, file, dry_run=True)
    assert (dry["rows"], dry["applied"], events(out)) == (3, 0, [])
    assert read(out, file) == {"rows": 3, "applied": 3, "known": 0, "rejected": []}
    assert events(out) == [
        ("paper.signed_by_other", "2026-02-24T15:04:00+08:00"),
        ("paper.refused", "2026-02-24T16:00:00+08:00"),
        ("paper.returned", "2026-02-24T09:30:00+00:00"),
    ]
    assert read(out, file)["known"] == 3
    assert len(events(out)) == 3


def test_a_workbook_with_english_headers_real_dates_and_a_number_as_number_is_read(
    out: Outgoing, tmp_path: Path
) -> None:
    file = tmp_path / "courier.xlsx"
    with xlsxwriter.Workbook(str(file)) as book:
        sheet, moment = book.add_worksheet(), book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        sheet.write_row(0, 0, ("Tracking_Number", "state", "at"))
        sheet.write_row(1, 0, (int(SECOND), "Signed"))
        sheet.write_datetime(1, 2, datetime(2026, 2, 24, 15, 4), moment)  # noqa: DTZ001  as a sheet has it
    assert read(out, file)["applied"] == 1
    assert events(out) == [("paper.signed", "2026-02-24T15:04:00+08:00")]


@pytest.mark.parametrize(
    ("row", "column", "code", "said"),
    [
        (",签收,2026-02-24 15:04,", "运单号", "missing", "the cell is empty"),
        (f"{FIRST},,2026-02-24 15:04,", "状态", "missing", "the cell is empty"),
        ("12-34,签收,2026-02-24 15:04,", "运单号", "bad_number", "8 to 30 letters and digits"),
        ("EA000000000CN,签收,2026-02-24 15:04,", "运单号", "unknown_number", "no posted letter"),
        (f"{FIRST},丢失,2026-02-24 15:04,", "状态", "bad_choice", "known: 运输中"),
        (f"{FIRST},签收,昨天,", "时间", "bad_date", "2026-03-02 15:04"),
        (f"{FIRST},签收,2026-02-24,", "时间", "bad_date", "no date with a time"),
        (f"{FIRST},签收,1026-02-24 10:00,", "时间", "bad_date", "year 1026"),
        (f"{FIRST},签收,2026-02-25 10:00,", "时间", "bad_date", "lies in the future"),
        (f"{FIRST},签收,2026-02-20 10:00,", "时间", "bad_date", "before the letter was posted"),
        (f"{FIRST},签收,2026-02-24 15:04,{'长' * 2001}", "说明", "bad_text", "2000 characters"),
    ],
)
def test_a_faulty_row_is_named_and_nothing_is_applied_unless_the_good_rows_are_wanted(
    out: Outgoing, tmp_path: Path, row: str, column: str, code: str, said: str
) -> None:
    file = csv(tmp_path, f"{SECOND},签收,2026-02-24 15:04,", row)
    result = read(out, file)
    (error,) = result["rejected"]
    assert (error["row"], error["column"], error["code"]) == (3, column, code)
    assert error["message"].startswith(f"row 3, {column}: ")
    assert said in error["message"]
    assert FIRST not in error["message"]
    assert (result["applied"], events(out)) == (0, [])
    assert read(out, file, accept_good_rows=True)["applied"] == 1
    assert len(events(out)) == 1


@pytest.mark.parametrize(
    ("headers", "code"), [("运单号,状态", "missing"), ("运单号,状态,时间,备注", "unknown_column")]
)
def test_a_wrong_header_applies_nothing_ever(out: Outgoing, tmp_path: Path, headers: str, code: str) -> None:
    row = (FIRST, "签收", "2026-02-24 15:04", "")[: headers.count(",") + 1]
    file = csv(tmp_path, ",".join(row), headers=headers)
    result = read(out, file, accept_good_rows=True)
    assert [error["code"] for error in result["rejected"]] == [code]
    assert (result["applied"], events(out)) == (0, [])


def test_a_list_without_rows_is_refused(out: Outgoing, tmp_path: Path) -> None:
    with pytest.raises(InputFault, match=r"courier\.csv: holds no reports; write one report"):
        read(out, csv(tmp_path), dry_run=True)


def test_the_template_has_the_headers_and_no_row(tmp_path: Path) -> None:
    file = tmp_path / "template.xlsx"
    file.write_bytes(IMPORTS["courier"].template())
    sheet = read_sheet(file)
    assert (",".join(sheet.headers), sheet.rows) == (HEADERS, ())
