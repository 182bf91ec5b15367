"""The corpus: whatever file arrives is taken row by row or refused in words; nothing is lost.

Each file goes through the roster import with its good rows: rows in = rows applied + rows reported.
"""

import re
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import func, select

from countersign.adapters.calendar_file import read_calendar
from countersign.adapters.database.engine import Database
from countersign.adapters.database.tables import Person
from countersign.adapters.roster import check_digit, import_roster
from countersign.adapters.sheets import InputFault, read_sheet
from countersign.domain.console_words import told_in
from tests.adapters.test_sheets import (
    ODS_TEXT,
    biff,
    label,
    ods,
    repacked,
    rows,
    written,
    xls,
    xlsb,
    xlsb_record,
    xlsb_row,
    xlsb_text,
    xlsx,
)
from tests.support.schema import lay_out

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
HEAD = ("工号", "姓名", "分支")
ROW = ("E1", "张伟", "北京分公司")
TWO = ("E2", "李娜", "北京分公司")
ID = "99999919900101001" + check_digit("99999919900101001")
Make = Callable[[Path], Path]


@dataclass(frozen=True)
class Refused:
    """The whole file is refused, with these words."""

    words: tuple[str, ...]


@dataclass(frozen=True)
class Taken:
    """So many rows are applied; the others are reported with these codes."""

    applied: int
    reported: dict[int, set[str]]


def no(*words: str) -> Refused:
    return Refused(words)


def yes(applied: int, **reported: str) -> Taken:
    """Say what is taken; `r3="bad_phone missing"` reports row 3 with two codes."""
    return Taken(applied, {int(row[1:]): set(codes.split()) for row, codes in reported.items()})


def book(*lines: tuple[Any, ...]) -> Make:
    return lambda folder: xlsx(folder / "a.xlsx", rows(*lines))


def drawn(*draws: Callable[[Any, Any], None]) -> Make:
    return lambda folder: xlsx(folder / "a.xlsx", *draws)


def raw(name: str, content: bytes) -> Make:
    return lambda folder: written(folder / name, content)


def text(content: str, encoding: str = "utf-8", name: str = "a.csv") -> Make:
    return raw(name, content.encode(encoding))


def with_column(header: str, *cells: Any) -> Make:
    lines = [(f"E{n}", "张伟", "北京分公司", cell) for n, cell in enumerate(cells, start=1)]
    return book((*HEAD, header), *lines)


def changed(make: Make, change: Callable[[str, bytes], bytes]) -> Make:
    return lambda folder: repacked(make(folder), change)


def cut(make: Make, keep: float) -> Make:
    def build(folder: Path) -> Path:
        whole = make(folder).read_bytes()
        return written(folder / "a.xlsx", whole[: int(len(whole) * keep)])

    return build


def added(make: Make, name: str, content: bytes) -> Make:
    def build(folder: Path) -> Path:
        path = make(folder)
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, content)
        return path

    return build


def named(make: Make, name: str) -> Make:
    return lambda folder: make(folder).rename(folder / name)


def formula(value: Any, cell: str = "A2") -> Callable[[Any, Any], None]:
    def draw(made: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, HEAD)
        sheet.write_row(1, 0, ROW)
        sheet.write_formula(cell, "=A9", None, value)

    return draw


def dates(made: Any, sheet: Any) -> None:
    day = made.add_format({"num_format": "yyyy-mm-dd"})
    sheet.write_row(0, 0, (*HEAD, "入职日期"))
    sheet.write_row(1, 0, ROW)
    sheet.write_datetime(1, 3, date(2020, 3, 1), day)


def from_1904(folder: Path) -> Path:
    import xlsxwriter  # type: ignore[import-untyped]

    made = xlsxwriter.Workbook(folder / "a.xlsx", {"date_1904": True})
    dates(made, made.add_worksheet())
    made.close()
    return folder / "a.xlsx"


def merged(place: str, top: int = 0) -> Callable[[Any, Any], None]:
    def draw(made: Any, sheet: Any) -> None:
        sheet.write_row(top, 0, HEAD)
        sheet.write_row(top + 1, 0, ROW)
        sheet.write_row(top + 2, 0, TWO)
        sheet.merge_range(place, "花名册")

    return draw


def hidden(made: Any, sheet: Any) -> None:
    rows(("旧工号",), ("X",))(made, sheet)
    sheet.hide()


def shown(made: Any, sheet: Any) -> None:
    rows(HEAD, ROW)(made, sheet)
    sheet.activate()
    sheet.set_first_sheet()


def shown_empty(made: Any, sheet: Any) -> None:
    sheet.activate()
    sheet.set_first_sheet()


def picture(made: Any, sheet: Any) -> None:
    sheet.insert_textbox("A1", "花名册")


def chart_only(made: Any, sheet: Any) -> None:
    chart = made.add_chart({"type": "line"})
    chart.add_series({"values": "=Sheet1!$A$1:$A$3"})
    sheet.insert_chart("A1", chart)


def many(count: int) -> Make:
    lines = "\n".join(f"E{n},张{n},北京分公司" for n in range(count))
    return text(f"{','.join(HEAD)}\n{lines}\n")


def bomb(folder: Path) -> Path:
    return added(book(HEAD, ROW), "xl/media/a.bin", bytes(30 * 1024 * 1024))(folder)


def macro(folder: Path) -> Path:
    """Return a workbook that says it holds macros, with a part of them."""
    path = changed(book(HEAD, ROW), lambda _, part: part.replace(b"sheet.main+xml", b"macro.main+xml"))(
        folder
    )
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0 no macro is read")
    return path.rename(folder / "a.xlsm")


def locked(folder: Path) -> Path:
    path = book(HEAD, ROW)(folder)
    content = bytearray(path.read_bytes())
    for mark in (b"PK\x03\x04", b"PK\x01\x02"):
        at = content.find(mark)
        while at >= 0:
            flags = at + (6 if mark[2] == 3 else 8)
            content[flags] |= 1
            at = content.find(mark, at + 4)
    return written(path, bytes(content))


def xlsb_book(folder: Path, *extra: bytes) -> Path:
    table = [xlsb_row(0), *(xlsb_text(n, one) for n, one in enumerate(HEAD))]
    table += [xlsb_row(1), *(xlsb_text(n, one) for n, one in enumerate(ROW))]
    return xlsb(folder / "a.xlsb", *table, *extra)


def xls_book(folder: Path, *extra: bytes, **how: Any) -> Path:
    cells = [label(row, n, one) for row, line in enumerate((HEAD, ROW)) for n, one in enumerate(line)]
    return xls(folder / "a.xls", *cells, *extra, **how)


def ods_book(folder: Path, *extra: str, **how: Any) -> Path:
    lines = ["".join(ODS_TEXT.format(one, "") for one in line) for line in (HEAD, ROW)]
    return ods(folder / "a.ods", *lines, *extra, **how)


LINES = "工号,姓名,分支\nE1,张伟,北京分公司\n"
CORPUS: dict[str, tuple[Make, Refused | Taken]] = {
    # what is fine
    "a plain workbook": (book(HEAD, ROW, TWO), yes(2)),
    "a plain csv": (text(LINES), yes(1)),
    "csv with a mark": (text(LINES, "utf-8-sig"), yes(1)),
    "csv in GBK": (text(LINES, "gbk"), yes(1)),
    "csv in GB18030": (text(LINES.replace("张伟", "𬱖"), "gb18030"), yes(1)),
    "csv with semicolons": (text(LINES.replace(",", ";")), yes(1)),
    "csv with tabs": (text(LINES.replace(",", "\t")), yes(1)),
    "csv with old line ends": (text(LINES.replace("\n", "\r")), yes(1)),
    "csv named xlsx": (text(LINES, name="a.xlsx"), yes(1)),
    "workbook named csv": (named(book(HEAD, ROW), "b.csv"), yes(1)),
    "english headers": (book(("number", "name", "branch"), ROW), yes(1)),
    "headers with blanks around": (book((" 工号 ", "姓名", "分支\n"), ROW), yes(1)),
    "blanks and full-width digits": (book(HEAD, ("　Ｅ１ ", "张\u200b伟", " 北京分公司")), yes(1)),
    "a table that begins lower": (book((), (), HEAD, ROW), yes(1)),
    "empty rows between": (book(HEAD, ROW, (), TWO), yes(2)),
    "a hidden sheet first": (drawn(hidden, shown), yes(1)),
    "a sheet of notes behind": (drawn(shown, rows(("说明",), ("x",))), yes(1)),
    "formulas with values": (drawn(formula("E7")), yes(1)),
    "dates as dates": (drawn(dates), yes(1)),
    "dates since 1904": (from_1904, yes(1)),
    "dates as text": (with_column("入职日期", "2020年3月1日", "2020/3/1", "20200301"), yes(3)),
    "an old xls": (xls_book, yes(1)),
    "an xlsb": (xlsb_book, yes(1)),
    "an ods": (ods_book, yes(1)),
    "a workbook with macros": (macro, yes(1)),
    "the id as text": (with_column("证件号码", ID), yes(1)),
    "cells that begin a formula": (book(HEAD, ("E1", "+张伟", "北京分公司")), yes(1)),
    # rows that are reported
    "an id as a number": (with_column("证件号码", float(int(ID[:17] + "0"))), yes(0, r2="destroyed_number")),
    "an id in scientific notation": (
        text("工号,姓名,分支,证件号码\nE1,张伟,北京分公司,1.10101E+17\n"),
        yes(0, r2="destroyed_number"),
    ),
    "an id with a wrong check digit": (with_column("证件号码", ID[:17] + "0"), yes(0, r2="bad_id_number")),
    "dates as serial numbers": (with_column("入职日期", 43891), yes(0, r2="bad_date")),
    "a date that no calendar has": (with_column("入职日期", "2026-02-30", "2026-13-01"),
        yes(0, r2="bad_date", r3="bad_date")),
    "a month instead of a day": (with_column("入职日期", "2026-02"), yes(0, r2="bad_date")),
    "a year from before": (with_column("入职日期", "0226-02-13"), yes(0, r2="bad_date")),
    "negative numbers": (with_column("手机", -13800138000, 13800138000), yes(1, r2="bad_phone")),
    "two phones in a cell": (with_column("手机", "13800138000、13900139000"), yes(0, r2="bad_phone")),
    "truth values": (with_column("手机", True), yes(0, r2="bad_phone")),
    "an overlong text": (with_column("部门", "长" * 501, "短"), yes(1, r2="bad_text")),
    "employees twice": (book(HEAD, ROW, ROW), yes(1, r3="duplicate")),
    "employees twice and different": (book(HEAD, ROW, ("E1", "张玮", "北京分公司")),
        yes(0, r2="conflict", r3="conflict duplicate")),
    "no number": (book(HEAD, ("", "张伟", "北京分公司"), TWO), yes(1, r2="missing")),
    "an unknown branch": (book(HEAD, ("E1", "张伟", "火星")), yes(0, r2="missing")),
    "a chain of superiors that breaks": (
        book((*HEAD, "直属上级工号", "手机"), (*ROW, "E2"), (*TWO, "E3"), ("E3", "王五", "北京", "", 1)),
        yes(0, r2="unknown_manager", r3="unknown_manager", r4="bad_phone"),
    ),
    "only headers": (book(HEAD), yes(0)),
    "unknown headers": (book((*HEAD, "工资"), (*ROW, 1)), yes(0, r1="unknown_column")),
    "headers in both languages": (book((*HEAD, "name"), (*ROW, "x")), yes(0, r1="duplicate")),
    "a header that is missing": (book(("工号", "姓名"), ("E1", "张伟")), yes(0, r1="missing")),
    "another kind of list": (book(("运单号", "状态"), ("1", "签收")), yes(0, r1="unknown_column missing")),
    # files that are refused
    "nothing": (raw("a.xlsx", b""), no("is empty")),
    "blanks": (raw("a.csv", b" \r\n\t "), no("is empty")),
    "an empty workbook": (book(), no("no visible sheet")),
    "only a mark": (raw("a.csv", b"\xef\xbb\xbf"), no("holds no table")),
    "only hidden sheets": (drawn(hidden, shown_empty), no("no visible sheet")),
    "a text box instead of cells": (drawn(picture), no("no visible sheet")),
    "a chart instead of cells": (drawn(chart_only), no("no visible sheet")),
    "error cells": (drawn(formula("#N/A")), no("cell A2 holds an error")),
    "another error cell": (drawn(formula("#DIV/0!", "C2")), no("cell C2 holds an error")),
    "formulas without a value": (
        changed(drawn(formula("E7")), lambda _, part: part.replace(b"<v>E7</v>", b"")),
        no("cell A2 holds a formula"),
    ),
    "merged headers": (drawn(merged("A1:C1", 1)), no("row 1 has merged cells (A1:C1)")),
    "merged rows": (drawn(merged("C2:C3")), no("merged cells (C2:C3)")),
    "a totals row": (book(HEAD, ROW, ("合计", "1", "")), no("row 3 is a totals row")),
    "a totals row in english": (book(HEAD, ROW, ("Grand Total:",)), no("row 3 is a totals row")),
    "headers twice": (book((*HEAD, "姓名"), ROW), no("columns B and D")),
    "values without a header": (book(HEAD, (*ROW, "x")), no("cell D2")),
    "two tables beside each other": (book((*HEAD, "", "工号 "), (*ROW, "", "E9")), no("same header")),
    "two sheets of the same table": (drawn(shown, rows(HEAD, TWO)), no("two sheets hold the same headers")),
    "far outside the table": (
        drawn(lambda made, sheet: (sheet.write_row(0, 0, HEAD), sheet.write(1048575, 16383, "x"))[0]),
        no("1048576 rows and 16384 columns"),
    ),
    "a zip bomb": (bomb, no("unpacks to more than")),
    "a workbook cut off": (cut(book(HEAD, ROW), 0.6), no("is damaged or was cut off")),
    "a workbook cut off at its end": (cut(book(HEAD, ROW), 0.98), no("is damaged or was cut off")),
    "an archive with a password": (locked, no("password")),
    "an encrypted workbook": (
        lambda folder: xls(folder / "a.xlsx", stream="EncryptedPackage"),
        no("password"),
    ),
    "an encrypted xls": (lambda folder: xls_book(folder, extra=biff(0x2F, bytes(6))), no("password")),
    "an encrypted ods": (lambda folder: ods_book(folder, manifest="<m:encryption-data/>"), no("password")),
    "an old document": (lambda folder: xls(folder / "a.doc", stream="WordDocument"), no("no workbook")),
    "an xls with an error": (
        lambda folder: xls_book(folder, biff(0x205, struct.pack("<HHHBB", 6, 1, 0, 0x2A, 1))),
        no("cell B7 holds an error"),
    ),
    "an xlsb with an error": (
        lambda folder: xlsb_book(folder, xlsb_record(3, struct.pack("<II", 3, 0) + b"\x2a")),
        no("cell D2 holds an error"),
    ),
    "an ods with an error": (
        lambda folder: ods_book(
            folder, ODS_TEXT.format("#DIV/0!", ' table:formula="of:=1/0" calcext:value-type="error"')
        ),
        no("cell A3 holds an error"),
    ),
    "a web page named xls": (raw("a.xls", b"<html><table><tr><td>1"), no("web page (HTML)")),
    "a page of a portal": (text("\ufeff\n<!DOCTYPE html><html>", name="a.xlsx"), no("web page (HTML)")),
    "a spreadsheet of 2003": (
        raw("a.xls", b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook/>'),
        no("XML spreadsheet of 2003"),
    ),
    "some XML": (raw("a.xml", b"<payroll/>"), no("no spreadsheet")),
    "a picture": (raw("a.xlsx", b"\x89PNG\r\n\x1a\n\x00\x00"), no("is not a spreadsheet")),
    "a JPEG": (raw("a.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF"), no("is not a spreadsheet")),
    "a PDF": (raw("a.pdf", b"%PDF-1.7\nx"), no("is not a spreadsheet")),
    "a Word document": (
        lambda folder: added(lambda f: _archive(f, "word/document.xml"), "a.txt", b"x")(folder),
        no("is an archive or document"),
    ),
    "an archive of tables": (lambda folder: _archive(folder, "花名册.xlsx"), no("is an archive or document")),
    "text in UTF-16": (text(LINES, "utf-16"), no("UTF-16")),
    "text in no encoding": (raw("a.csv", LINES.encode() + b"\xff\xff"), no("neither UTF-8 nor GB18030")),
    "an open quotation mark": (text(LINES + 'E2,"李娜,北京\n'), no("quotation mark")),
    "a document type": (
        changed(
            book(HEAD, ROW),
            lambda _, part: part.replace(b"<worksheet ", b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet '),
        ),
        no("is damaged"),
    ),
}  # fmt: skip


def _archive(folder: Path, name: str) -> Path:
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr(name, "<x/>")
    return folder / "a.zip"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    lay_out(database)
    yield database
    database.close()


def test_the_corpus_is_large() -> None:
    assert len(CORPUS) >= 80


@pytest.mark.parametrize("name", CORPUS)
def test_a_file_is_taken_row_by_row_or_refused_in_words(
    name: str, tmp_path: Path, database: Database
) -> None:
    make, expected = CORPUS[name]
    file = make(tmp_path)
    if isinstance(expected, Refused):
        with pytest.raises(InputFault) as refusal:
            read_sheet(file)
        sentence = str(refusal.value)
        assert sentence.startswith(f"{file.name}: ")
        assert all(word in sentence for word in expected.words), sentence
        assert re.search("[一-鿿]{4}", told_in("zh-CN", sentence).removeprefix(file.name)), "no Chinese"
        return
    sheet = read_sheet(file)
    result = import_roster(
        database, sheet, dry_run=False, accept_good_rows=True, now=NOW, schedule=lambda *_: None
    )
    reported: dict[int, set[str]] = {}
    for error in result.rejected:
        reported.setdefault(error.row, set()).add(error.code)
        bare = error.message.partition(": ")[2]
        assert told_in("zh-CN", bare) != bare, error.message
    assert (result.applied, reported) == (expected.applied, expected.reported)
    refused = len(sheet.rows) if sheet.header_row in reported else len(reported)
    assert len(sheet.rows) == result.applied + refused
    with database.reading() as session:
        assert (session.exec(select(func.count()).select_from(Person)).one() > 0) == (result.applied > 0)


def test_fifty_thousand_rows_are_read_and_every_one_is_there(tmp_path: Path) -> None:
    sheet = read_sheet(many(50_000)(tmp_path))
    assert len(sheet.rows) == 50_000
    assert sheet.rows[-1].cells["工号"] == "E49999"


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        (("2026-02-30,休,x",), "no calendar has"),
        (("2026-10-01,休,x", "2027-10-01,休,"), "another year"),
        (("2026-10-03,休,x",), "no holiday list"),
        (("2026-09-30,班,x", "2026-10-01,休,"), "working day anyway"),
    ],
)
def test_a_calendar_of_the_wrong_days_is_refused(tmp_path: Path, lines: tuple[str, ...], word: str) -> None:
    file = text("\n".join(("日期,类型,文号", *lines)))(tmp_path)
    with pytest.raises(InputFault, match=word):
        read_calendar(file)
