"""The corpus of files that people send: read, or refused in words that say where and what to do."""

import io
import struct
import time as clock
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from countersign.adapters.sheets import (
    DestroyedNumber,
    InputFault,
    SheetRow,
    cell_text,
    read_sheet,
    table,
    workbooks,
)
from countersign.adapters.sheets.xlsx import scan_xlsx

Draw = Callable[[Any, Any], None]


def xlsx(path: Path, *tables: Draw) -> Path:
    book = xlsxwriter.Workbook(path)
    for draw in tables:
        draw(book, book.add_worksheet())
    book.close()
    return path


def rows(*lines: tuple[Any, ...]) -> Draw:
    def draw(book: Any, sheet: Any) -> None:
        for number, line in enumerate(lines):
            sheet.write_row(number, 0, line)

    return draw


def repacked(path: Path, change: Callable[[str, bytes], bytes]) -> Path:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, change(name, content))
    return path


def refused(path: Path, *words: str) -> None:
    with pytest.raises(InputFault) as refusal:
        read_sheet(path)
    sentence = str(refusal.value)
    assert sentence.startswith(f"{path.name}: ")
    assert str(path.parent) not in sentence
    for word in words:
        assert word in sentence


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_a_workbook_gives_text_numbers_and_dates_by_header_and_skips_empty_rows(tmp_path: Path) -> None:
    def draw(book: Any, sheet: Any) -> None:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, ["工号", "姓名", "入职日期", "工资"])
        sheet.write_row(1, 0, [1042, "\u3000张\u200b伟　", "", 1234.56])
        sheet.write_datetime(1, 2, datetime(2026, 2, 13), day)  # noqa: DTZ001 - a workbook has no zones
        sheet.write_row(3, 0, ["Ｅ７", "王\n小 明"])

    sheet = read_sheet(xlsx(tmp_path / "花名册.xlsx", draw))
    assert sheet.source == "花名册.xlsx"
    assert sheet.headers == ("工号", "姓名", "入职日期", "工资")
    assert sheet.rows == (
        SheetRow(
            2,
            {
                "工号": Decimal(1042),
                "姓名": "张伟",
                "入职日期": date(2026, 2, 13),
                "工资": Decimal("1234.56"),
            },
        ),
        SheetRow(4, {"工号": "E7", "姓名": "王 小 明"}),
    )
    assert cell_text(sheet.rows[0].cells["工号"]) == "1042"


def test_the_row_number_is_the_files_own_when_the_table_begins_lower(tmp_path: Path) -> None:
    def draw(book: Any, sheet: Any) -> None:
        sheet.write(2, 1, "工号")
        sheet.write(4, 1, "E1")

    sheet = read_sheet(xlsx(tmp_path / "a.xlsx", draw))
    assert (sheet.header_row, sheet.headers) == (3, ("工号",))
    assert sheet.rows == (SheetRow(5, {"工号": "E1"}),)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_csv_is_read_in_every_usual_encoding(tmp_path: Path, encoding: str, delimiter: str) -> None:
    text = "工号,姓名\r\nE1,张伟\r\n,\r\n00123,𬱖\r\n".replace(",", delimiter)
    sheet = read_sheet(written(tmp_path / "a.csv", text.encode(encoding)))
    assert sheet.headers == ("工号", "姓名")
    assert sheet.rows == (
        SheetRow(2, {"工号": "E1", "姓名": "张伟"}),
        SheetRow(4, {"工号": "00123", "姓名": "𬱖"}),
    )


def test_a_csv_cell_may_hold_the_delimiter_and_line_feeds(tmp_path: Path) -> None:
    sheet = read_sheet(written(tmp_path / "a.csv", '工号,地址\nE1,"一,\n二"\n'.encode()))
    assert sheet.rows[0].cells["地址"] == "一, 二"


@pytest.mark.parametrize("content", [b"", b"  \r\n "])
def test_an_empty_file_is_named_so(tmp_path: Path, content: bytes) -> None:
    refused(written(tmp_path / "a.xlsx", content), "is empty")


def test_a_missing_file_and_a_folder_are_refused_in_words(tmp_path: Path) -> None:
    refused(tmp_path / "none.xlsx", "cannot be read")
    refused(tmp_path, "cannot be read")


def test_an_empty_sheet_holds_no_table(tmp_path: Path) -> None:
    refused(xlsx(tmp_path / "a.xlsx", rows()), "no visible sheet")


def test_a_file_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    whole = xlsx(tmp_path / "whole.xlsx", rows(("工号",), ("E1",))).read_bytes()
    for length in range(4, len(whole), 397):
        refused(written(tmp_path / "a.xlsx", whole[:length]), "is damaged or was cut off")


def test_one_changed_byte_in_the_sheet_is_found(tmp_path: Path) -> None:
    path = xlsx(tmp_path / "a.xlsx", rows(("工号",), *[(f"E{n}",) for n in range(400)]))
    content = bytearray(path.read_bytes())
    at = content.index(b"xl/worksheets/sheet1.xml") + 200
    content[at] ^= 0x10
    refused(written(path, bytes(content)), "is damaged")


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"<html><table><tr><td>1</td></tr></table></html>", "web page (HTML)"),
        ("\ufeff\n<!DOCTYPE html>\n<html>".encode(), "web page (HTML)"),
        (b"<TABLE border=1><tr><td>1</td></tr></TABLE>", "web page (HTML)"),
        (
            b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook/>',
            "XML spreadsheet of 2003",
        ),
        (b'<?xml version="1.0"?><payroll/>', "no spreadsheet"),
    ],
)
def test_markup_with_the_name_of_a_spreadsheet_is_told(tmp_path: Path, content: bytes, word: str) -> None:
    refused(written(tmp_path / "导出.xls", content), word, "save it as .xlsx")


@pytest.mark.parametrize("content", [b"%PDF-1.7\nx", b"\x89PNG\r\n\x1a\n\x00\x00", bytes(range(256)) * 4])
def test_other_kinds_of_file_are_no_spreadsheet(tmp_path: Path, content: bytes) -> None:
    refused(written(tmp_path / "a.xlsx", content), "is not a spreadsheet")


def test_utf_16_text_is_refused_with_the_remedy(tmp_path: Path) -> None:
    refused(written(tmp_path / "a.csv", "工号,姓名".encode("utf-16")), "UTF-16", "save it as CSV UTF-8")


def test_control_characters_with_which_programs_fill_their_fields_are_left_out(tmp_path: Path) -> None:
    lines = "工号,姓名\nE1\0,张\x01伟\0\n" + "E2,一个名字很长很长很长很长的人\n" * 2 + "\x1a"
    padded = written(tmp_path / "a.csv", lines.encode())
    book = repacked(
        xlsx(tmp_path / "a.xlsx", rows(("工号", "姓名"), ("E1QQ", "张伟QQ"))),
        lambda _, part: part.replace(b"QQ", b"_x0000__x0001_"),
    )
    for path in (padded, book):
        assert read_sheet(path).rows[0].cells == {"工号": "E1", "姓名": "张伟"}


def test_more_rows_than_can_be_looked_at_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MAX_ROWS", 3)
    assert len(read_sheet(written(tmp_path / "a.csv", "工号\n1\n\n2\n3\n".encode())).rows) == 3
    refused(written(tmp_path / "b.csv", "工号\n1\n2\n3\n4\n".encode()), "more than 3 rows", "split it")


def test_an_open_quotation_mark_is_refused_with_its_line(tmp_path: Path) -> None:
    refused(written(tmp_path / "a.csv", '工号,姓名\nE1,"张\nE2,李\n'.encode()), "line 3", "quotation mark")


def test_an_archive_without_a_workbook_is_no_spreadsheet(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("word/document.xml", "<x/>")
    refused(tmp_path / "a.zip", "is an archive or document")


def test_a_zip_bomb_is_refused_before_the_reader_sees_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        workbooks.python_calamine, "load_workbook", lambda *_: pytest.fail("the bomb was opened")
    )
    path = xlsx(tmp_path / "a.xlsx", rows(("工号",), ("E1",)))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/image1.bin", bytes(20 * 1024 * 1024))
    refused(path, "unpacks to more than")


def test_an_entry_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = xlsx(tmp_path / "a.xlsx", rows(("工号",), ("E1",)))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/image1.bin", bytes(20 * 1024 * 1024))
    content = path.read_bytes().replace(struct.pack("<I", 20 * 1024 * 1024), struct.pack("<I", 100))
    refused(written(path, content), "is damaged")


def test_a_cell_far_outside_the_table_is_refused_without_filling_the_memory(tmp_path: Path) -> None:
    def draw(book: Any, sheet: Any) -> None:
        sheet.write(0, 0, "工号")
        sheet.write(1048575, 16383, "x")

    refused(xlsx(tmp_path / "a.xlsx", draw), "1048576 rows and 16384 columns")


@pytest.mark.parametrize(
    "cell",
    [
        b'<c r="xfd1048576"><v>1</v></c>',
        b'<c r = "XFD1048576"><v>1</v></c>',
        b"<c r='XFD1048576'><v>1</v></c>",
        b'<c a="/>" r="XFD1048576"><v>1</v></c>',
        b'<c r="XFD1048576" a=" r=\'A1\'"><v>1</v></c>',
        b"<c><v>1</v></c>" * 16_384,
    ],
    ids=["small letters", "a space", "single quotation marks", "a bracket", "a second place", "no place"],
)
def test_a_cell_far_outside_is_found_however_it_is_written(tmp_path: Path, cell: bytes) -> None:
    far = b'<row r="1048576">' + cell + b"</row></sheetData>"
    path = repacked(
        xlsx(tmp_path / "far.xlsx", rows(("a",), ("b",))),
        lambda _, part: part.replace(b"</sheetData>", far),
    )
    # What the reader were given would be tens of gigabytes, and end the whole program.
    with zipfile.ZipFile(path) as archive:
        scan = scan_xlsx(archive.read("xl/worksheets/sheet1.xml"))
    assert (scan.rows, scan.columns) == (1_048_576, 16_384)
    refused(path, "1048576 rows", "delete what stands far outside")


def test_of_two_parts_of_one_name_none_is_read(tmp_path: Path) -> None:
    path = xlsx(tmp_path / "two.xlsx", rows(("a",), ("b",)))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/worksheets/SHEET1.xml", archive.read("xl/worksheets/sheet1.xml"))
    refused(path, "is damaged")


def test_formatted_cells_without_content_do_not_count(tmp_path: Path) -> None:
    def draw(book: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["工号", "姓名"])
        sheet.write_row(1, 0, ["E1", "张伟"])
        sheet.write_blank(1048575, 16383, None, book.add_format({"bold": True}))

    assert len(read_sheet(xlsx(tmp_path / "a.xlsx", draw)).rows) == 1


def test_error_cells_are_refused_by_name(tmp_path: Path) -> None:
    def draw(book: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["工号", "手机"])
        sheet.write_formula("B7", "=1/0", None, "#DIV/0!")

    refused(xlsx(tmp_path / "a.xlsx", draw), "cell B7 holds an error")


def test_many_error_cells_are_counted(tmp_path: Path) -> None:
    def draw(book: Any, sheet: Any) -> None:
        sheet.write(0, 0, "工号")
        for row in range(2, 10):
            sheet.write_formula(f"A{row}", "=NA()", None, "#N/A")

    refused(xlsx(tmp_path / "a.xlsx", draw), "cells A2, A3, A4, A5, A6 and 3 more hold errors")


def test_a_formula_without_a_stored_value_is_refused_and_one_with_it_is_read(tmp_path: Path) -> None:
    def draw(book: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["工号", "手机", "部门"])
        sheet.write_formula("A2", '="E"&1', None, "E1")
        sheet.write_formula("B2", "=1+1", None, 2)
        sheet.write_formula("C2", "=D2", None, "生产部")

    path = xlsx(tmp_path / "a.xlsx", draw)
    assert read_sheet(path).rows == (SheetRow(2, {"工号": "E1", "手机": Decimal(2), "部门": "生产部"}),)
    for without in (b"<f>1+1</f>", b"<f>1+1</f><v></v>", b"<f>1+1</f><v/>"):
        changed = repacked(path, lambda _, part, to=without: part.replace(b"<f>1+1</f><v>2</v>", to))  # type: ignore[misc]
        refused(changed, "cell B2 holds a formula without a stored value")
        xlsx(path, draw)


def test_a_formula_that_yields_the_empty_text_is_an_empty_cell(tmp_path: Path) -> None:
    def draw(book: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["工号", "手机"])
        sheet.write(1, 0, "E1")
        sheet.write_formula("B2", '=""', None, "x")

    path = repacked(xlsx(tmp_path / "a.xlsx", draw), lambda _, part: part.replace(b"<v>x</v>", b"<v></v>"))
    assert read_sheet(path).rows == (SheetRow(2, {"工号": "E1"}),)


def test_error_cells_are_found_behind_a_namespace_prefix_and_without_places(tmp_path: Path) -> None:
    sheet = (
        b'<?xml version="1.0"?><x:worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        b"<x:sheetData><x:row><x:c t='str'><x:v>a</x:v></x:c></x:row>"
        b"<x:row><x:c/><x:c t='e'><x:v>#REF!</x:v></x:c></x:row></x:sheetData></x:worksheet>"
    )
    path = xlsx(tmp_path / "a.xlsx", rows(("工号",)))
    repacked(path, lambda name, part: sheet if name.endswith("sheet1.xml") else part)
    refused(path, "cell B2 holds an error")


@pytest.mark.parametrize("root", [b"<worksheet", b"<workbook"])
def test_a_document_type_in_the_workbook_is_refused(tmp_path: Path, root: bytes) -> None:
    path = xlsx(tmp_path / "a.xlsx", rows(("工号",), ("E1",)))
    repacked(path, lambda _, part: part.replace(root + b" ", b'<!DOCTYPE x [<!ENTITY a "b">]>' + root + b" "))
    refused(path, "is damaged")


def test_merged_header_cells_are_refused(tmp_path: Path) -> None:
    def draw(book: Any, sheet: Any) -> None:
        sheet.merge_range("A1:C1", "二〇二六年花名册")
        sheet.write_row(1, 0, ["工号", "姓名", "分支"])

    refused(xlsx(tmp_path / "a.xlsx", draw), "row 1 has merged cells (A1:C1)", "header")


def test_merged_cells_among_the_rows_are_refused(tmp_path: Path) -> None:
    def draw(book: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["工号", "姓名"])
        sheet.merge_range("B2:B3", "张伟")

    refused(xlsx(tmp_path / "a.xlsx", draw), "(B2:B3)", "fill every row")


@pytest.mark.parametrize("word", ["合计", "总 计：", "Total"])
def test_a_totals_row_is_refused(tmp_path: Path, word: str) -> None:
    refused(xlsx(tmp_path / "a.xlsx", rows(("工号", "人数"), ("E1", 1), (word, 1))), "row 3 is a totals row")


@pytest.mark.parametrize("number", [110101199003070011, 1e15])
def test_a_number_of_more_than_fifteen_digits_is_marked_as_destroyed(tmp_path: Path, number: float) -> None:
    sheet = read_sheet(
        xlsx(tmp_path / "a.xlsx", rows(("工号", "证件号码"), ("E1", number), ("E2", 10**15 - 1)))
    )
    assert isinstance(sheet.rows[0].cells["证件号码"], DestroyedNumber)
    assert cell_text(sheet.rows[1].cells["证件号码"]) == "9" * 15


def test_a_number_that_excel_shortened_in_a_csv_is_marked_as_destroyed(tmp_path: Path) -> None:
    sheet = read_sheet(written(tmp_path / "a.csv", "工号,证件号码\nE1,1.10101E+17\n".encode()))
    assert sheet.rows[0].cells["证件号码"] == DestroyedNumber("1.10101E+17")


def test_a_doubled_header_and_a_value_without_header_are_refused(tmp_path: Path) -> None:
    refused(xlsx(tmp_path / "a.xlsx", rows(("工号", "姓名", "工号"))), "columns A and C", "工号")
    refused(xlsx(tmp_path / "b.xlsx", rows(("工号",), ("E1",), ("E2", "张"))), "cell B3", "no header")


def test_the_first_visible_sheet_with_content_is_read(tmp_path: Path) -> None:
    def hidden(book: Any, sheet: Any) -> None:
        sheet.write(0, 0, "旧")
        sheet.hide()

    def first(book: Any, sheet: Any) -> None:
        rows(("工号",), ("E1",))(book, sheet)
        sheet.activate()
        sheet.set_first_sheet()

    sheet = read_sheet(xlsx(tmp_path / "a.xlsx", hidden, rows(), first, rows(("说明",))))
    assert sheet.rows == (SheetRow(2, {"工号": "E1"}),)


def test_a_second_sheet_with_the_same_headers_is_not_dropped_silently(tmp_path: Path) -> None:
    table = rows(("工号", "姓名"), ("E1", "张"))
    refused(xlsx(tmp_path / "a.xlsx", table, table), "two sheets hold the same headers")


def test_twenty_thousand_rows_are_read_in_a_few_seconds(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = xlsxwriter.Workbook(path, {"constant_memory": True})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, [f"列{n}" for n in range(12)])
    for row in range(1, 20_001):
        sheet.write_row(row, 0, [f"E{row}", "张伟", *range(10)])
    book.close()
    started = clock.perf_counter()
    assert len(read_sheet(path).rows) == 20_000
    assert clock.perf_counter() - started < 8


# --- .ods, .xlsb and .xls, written by hand ----------------------------------------------------------------

ODS = (
    '<?xml version="1.0" encoding="UTF-8"?><office:document-content '
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0">'
    '<office:body><office:spreadsheet><table:table table:name="S">{}</table:table>'
    "</office:spreadsheet></office:body></office:document-content>"
)
ODS_TEXT = '<table:table-cell office:value-type="string"{1}><text:p>{0}</text:p></table:table-cell>'


def ods(path: Path, *lines: str, manifest: str = "<m/>") -> Path:
    table = "".join(f"<table:table-row>{line}</table:table-row>" for line in lines)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", ODS.format(table))
        archive.writestr("META-INF/manifest.xml", manifest)
    return path


def test_an_ods_table_is_read(tmp_path: Path) -> None:
    number = (
        '<table:table-cell office:value-type="float" office:value="7"><text:p>7</text:p></table:table-cell>'
    )
    path = ods(tmp_path / "a.ods", ODS_TEXT.format("工号", ""), number)
    assert read_sheet(path).rows == (SheetRow(2, {"工号": Decimal(7)}),)


def test_faults_of_an_ods_table_are_refused_by_name(tmp_path: Path) -> None:
    head = ODS_TEXT.format("工号", "")
    error = ODS_TEXT.format("#DIV/0!", ' table:formula="of:=1/0" calcext:value-type="error"')
    refused(ods(tmp_path / "a.ods", head, "<table:table-cell/>" + error), "cell B2 holds an error")
    refused(
        ods(tmp_path / "a.ods", head, '<table:table-cell table:formula="of:=1"/>'), "cell A2 holds a formula"
    )
    wide = ODS_TEXT.format("花名册", ' table:number-columns-spanned="3"')
    refused(ods(tmp_path / "a.ods", wide), "merged cells (A1:C1)")
    far = ODS_TEXT.format("x", ' table:number-columns-repeated="99999999"')
    refused(ods(tmp_path / "a.ods", head, far), "99999999 columns")
    refused(ods(tmp_path / "a.ods", head, manifest="<m:encryption-data/>"), "password")


def xlsb_record(number: int, content: bytes) -> bytes:
    head = bytes([number]) if number < 128 else bytes([number & 0x7F | 0x80, number >> 7])
    return head + bytes([len(content)]) + content


def xlsb(path: Path, *cells: bytes) -> Path:
    name, relation = "S".encode("utf-16-le"), "rId1".encode("utf-16-le")
    sheet = struct.pack("<III", 0, 1, 4) + relation + struct.pack("<I", 1) + name
    kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "xl/workbook.bin",
            xlsb_record(131, b"") + xlsb_record(143, b"") + xlsb_record(156, sheet) + xlsb_record(144, b"")
            + xlsb_record(132, b""),
        )  # fmt: skip
        archive.writestr(
            "xl/_rels/workbook.bin.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="rId1" Type="{kinds}/worksheet" Target="worksheets/sheet1.bin"/>'
            "</Relationships>",
        )
        archive.writestr(
            "xl/worksheets/sheet1.bin",
            xlsb_record(129, b"") + xlsb_record(148, struct.pack("<IIII", 0, 9, 0, 9)) + xlsb_record(145, b"")
            + b"".join(cells) + xlsb_record(146, b"") + xlsb_record(130, b""),
        )  # fmt: skip
    return path


def xlsb_row(row: int) -> bytes:
    return xlsb_record(0, struct.pack("<I", row) + bytes(13))


def xlsb_text(column: int, text: str) -> bytes:
    return xlsb_record(6, struct.pack("<III", column, 0, len(text)) + text.encode("utf-16-le"))


def test_an_xlsb_table_is_read_and_its_errors_are_refused_by_name(tmp_path: Path) -> None:
    table = (xlsb_row(0), xlsb_text(0, "工号"), xlsb_row(1), xlsb_text(0, "E1"))
    assert read_sheet(xlsb(tmp_path / "a.xlsb", *table)).rows == (SheetRow(2, {"工号": "E1"}),)
    error = xlsb_record(3, struct.pack("<II", 27, 0) + b"\x2a")
    refused(xlsb(tmp_path / "b.xlsb", *table, error), "cell AB2 holds an error")
    merged = xlsb_record(176, struct.pack("<IIII", 0, 0, 0, 2))
    refused(xlsb(tmp_path / "c.xlsb", *table, merged), "merged cells (A1:C1)")


def biff(number: int, content: bytes) -> bytes:
    return struct.pack("<HH", number, len(content)) + content


def label(row: int, column: int, text: str) -> bytes:
    return biff(0x204, struct.pack("<HHHHB", row, column, 0, len(text), 1) + text.encode("utf-16-le"))


def xls(path: Path, *cells: bytes, extra: bytes = b"", stream: str = "Workbook") -> Path:
    """Write a compound file of one stream, padded to the size from which it has sectors of its own."""
    opening = biff(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0)) + extra
    start = len(opening) + 4 + 9 + 4
    bound = biff(0x85, struct.pack("<IBBBB", start, 0, 0, 1, 0) + b"S")
    sheet = biff(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0)) + b"".join(cells) + biff(0x0A, b"")
    book = (opening + bound + biff(0x0A, b"") + sheet).ljust(8 * 512, b"\0")

    def entry(name: str, kind: int, child: int, first: int, size: int) -> bytes:
        raw = name.encode("utf-16-le")
        return (
            raw.ljust(64, b"\0") + struct.pack("<HBBIII", len(raw) + 2, kind, 1, 2**32 - 1, 2**32 - 1, child)
            + bytes(36) + struct.pack("<IQ", first, size)
        )  # fmt: skip

    end, free = 0xFFFFFFFE, 0xFFFFFFFF
    header = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6)
    header += bytes(6) + struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, end, 0, end, 0)
    header += struct.pack("<109I", 0, *[free] * 108)
    table = struct.pack("<128I", 0xFFFFFFFD, end, *range(3, 10), end, *[free] * 118)
    directory = entry("Root Entry", 5, 1, end, 0) + entry(stream, 2, free, 2, len(book)) + bytes(256)
    return written(path, header + table + directory + book)


def test_an_old_xls_table_is_read_with_the_files_own_row_numbers(tmp_path: Path) -> None:
    sheet = read_sheet(xls(tmp_path / "a.xls", label(1, 0, "工号"), label(3, 0, "E1")))
    assert (sheet.header_row, sheet.rows) == (2, (SheetRow(4, {"工号": "E1"}),))


def test_faults_of_an_old_xls_table_are_refused_by_name(tmp_path: Path) -> None:
    head = label(0, 0, "工号")
    error = biff(0x205, struct.pack("<HHHBB", 6, 1, 0, 0x2A, 1))
    refused(xls(tmp_path / "a.xls", head, error), "cell B7 holds an error")
    formula = biff(0x06, struct.pack("<HHHB5sHHI", 2, 3, 0, 2, b"\0\x07\0\0\0", 0xFFFF, 0, 0) + bytes(2))
    refused(xls(tmp_path / "a.xls", head, formula), "cell D3 holds an error")
    merged = biff(0xE5, struct.pack("<HHHHH", 1, 0, 0, 0, 2))
    refused(xls(tmp_path / "a.xls", head, merged), "merged cells (A1:C1)")
    refused(xls(tmp_path / "a.xls", head, extra=biff(0x2F, bytes(6))), "password")
    refused(xls(tmp_path / "a.xls", head, stream="WordDocument"), "no workbook")


def test_an_encrypted_workbook_is_told(tmp_path: Path) -> None:
    refused(xls(tmp_path / "a.xlsx", stream="EncryptedPackage"), "protected with a password")


def test_a_broken_compound_file_is_damaged(tmp_path: Path) -> None:
    whole = xls(tmp_path / "a.xls", label(0, 0, "工号")).read_bytes()
    for length in (9, 200, 600, 1100, 3000):
        refused(written(tmp_path / "a.xls", whole[:length]), "is damaged")


def test_random_bytes_behind_each_magic_never_crash(tmp_path: Path) -> None:
    for magic in (b"PK\x03\x04", bytes.fromhex("d0cf11e0a1b11ae1")):
        for seed in range(60):
            noise = io.BytesIO()
            for n in range(200):
                noise.write(bytes([(seed * 131 + n * n * 7) % 256]))
            refused(written(tmp_path / "a.xlsx", magic + noise.getvalue() * 8))
