"""A published calendar year from a file, and every way in which one is refused."""

from datetime import date
from pathlib import Path

import pytest

from countersign.adapters.calendar_file import CalendarRejected, calendar_template, read_calendar
from countersign.adapters.sheets import InputFault, read_sheet
from countersign.domain.calendar import CalendarYear, load_shipped_calendar

GOOD = ("2027-01-01,休,国办〔2026〕1号", "2027/1/2,休,", "2027年1月3日,off,国办〔2026〕1号", "20270109,班,")


def calendar(tmp_path: Path, *rows: str, headers: str = "日期,类型,文号") -> Path:
    path = tmp_path / "日历.csv"
    path.write_text("\n".join((headers, *rows)), "utf-8")
    return path


def refused(path: Path) -> list[tuple[int, str, str]]:
    with pytest.raises(CalendarRejected) as refusal:
        read_calendar(path)
    assert str(refusal.value).startswith("日历.csv: row ")
    return [(error.row, error.column, error.code) for error in refusal.value.rejected]


@pytest.mark.parametrize("headers", ["日期,类型,文号", "Date,kind,PAPER"])
def test_a_year_is_read_with_its_days_and_its_paper(tmp_path: Path, headers: str) -> None:
    assert read_calendar(calendar(tmp_path, *reversed(GOOD), headers=headers)) == CalendarYear(
        year=2027,
        off=(date(2027, 1, 1), date(2027, 1, 2), date(2027, 1, 3)),
        work=(date(2027, 1, 9),),
        paper="国办〔2026〕1号",
    )


@pytest.mark.parametrize(
    "published", load_shipped_calendar().years, ids=lambda published: str(published.year)
)
def test_every_shipped_year_passes_through_a_file_unchanged(tmp_path: Path, published: CalendarYear) -> None:
    rows = [f"{day},休,{published.paper}" for day in published.off]
    rows += [f"{day},班,{published.paper}" for day in published.work]
    assert read_calendar(calendar(tmp_path, *rows)) == published


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("2027-01-11,班,", (6, "类型", "conflict")),
        ("2027-01-01,休,", (6, "日期", "duplicate")),
        ("2027-01-01,班,", (6, "类型", "conflict")),
        ("2028-01-01,休,", (6, "日期", "conflict")),
        ("2027-02-30,休,", (6, "日期", "bad_date")),
        ("1.1E+17,休,", (6, "日期", "destroyed_number")),
        ("2027-01-04,节,", (6, "类型", "bad_choice")),
        (",休,", (6, "日期", "missing")),
        ("2027-01-04,,", (6, "类型", "missing")),
        ("2027-01-04,休,另一号", (6, "文号", "conflict")),
    ],
)
def test_a_day_that_cannot_be_is_refused_by_its_row(
    tmp_path: Path, row: str, fault: tuple[int, str, str]
) -> None:
    assert refused(calendar(tmp_path, *GOOD, row)) == [fault]


def test_a_working_day_marked_as_make_up_day_is_named_by_its_weekday(tmp_path: Path) -> None:
    with pytest.raises(CalendarRejected, match="2027-01-11 is a Monday and a working day anyway"):
        read_calendar(calendar(tmp_path, *GOOD, "2027-01-11,班,"))


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    path = calendar(tmp_path, *GOOD, "x,休,", "2027-01-12,班,", "2027-01-01,休,")
    assert [row for row, _, _ in refused(path)] == [6, 7, 8]
    with pytest.raises(CalendarRejected, match=r"row 6, 日期: .* \(and 2 more\)") as refusal:
        read_calendar(path)
    assert refusal.value.rows == 7


def test_a_list_of_weekends_is_no_calendar(tmp_path: Path) -> None:
    rows = ("2027-01-02,休,一号", "2027-01-03,休,", "2027-01-09,班,")
    assert refused(calendar(tmp_path, *rows)) == [(2, "类型", "conflict")]


def test_a_year_without_a_paper_is_refused(tmp_path: Path) -> None:
    assert refused(calendar(tmp_path, "2027-01-01,休,")) == [(2, "文号", "missing")]


def test_unknown_and_missing_columns_are_refused(tmp_path: Path) -> None:
    path = calendar(tmp_path, "2027-01-01,休,x", headers="日期,类型,备注")
    assert refused(path) == [(1, "备注", "unknown_column"), (1, "文号", "missing")]


def test_a_calendar_without_days_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputFault, match="holds no days"):
        read_calendar(calendar(tmp_path))


def test_the_template_has_the_headers(tmp_path: Path) -> None:
    (tmp_path / "t.xlsx").write_bytes(calendar_template())
    sheet = read_sheet(tmp_path / "t.xlsx")
    assert (sheet.headers, sheet.rows) == (("日期", "类型", "文号"), ())
