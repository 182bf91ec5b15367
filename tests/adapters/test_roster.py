"""The roster import: what is refused and why, what is written, and when a case is handed on."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, select

from countersign.adapters.database.engine import Database
from countersign.adapters.database.tables import (
    Branch,
    Case,
    ConsentRecord,
    Departure,
    EmergencyContact,
    Employment,
    Leave,
    Outbox,
    Person,
)
from countersign.adapters.roster import (
    ImportResult,
    check_digit,
    import_roster,
    importing,
    read_day,
    region_in_name,
    roster_template,
)
from countersign.adapters.roster.workbook import EXAMPLE
from countersign.adapters.sheets import Cell, Sheet, SheetRow, read_sheet
from tests.support.schema import lay_out

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
ID_NUMBER = "99999919900101" + "001" + check_digit("99999919900101001")
GOOD: dict[str, Cell] = {"工号": "E1", "姓名": "张伟", "分支": "北京分公司"}
SICK: dict[str, Cell] = {"假别": "病假", "假期开始": "2026-02-01", "假期结束": "2026-02-27"}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    lay_out(database)
    yield database
    database.close()


class Importer:
    """Imports rows and keeps what was handed on to become a case."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.scheduled: list[tuple[str, str]] = []

    def schedule(self, session: Session, leave_id: str, person: Person) -> None:
        leave = session.get_one(Leave, leave_id)
        self.scheduled.append((person.number, leave.ends_on.isoformat()))

    def __call__(self, *rows: Mapping[str, Cell], dry: bool = False, good: bool = False) -> ImportResult:
        headers = tuple(dict.fromkeys(header for row in rows for header in row))
        lines = tuple(
            SheetRow(number, {header: cell for header, cell in row.items() if cell != ""})
            for number, row in enumerate(rows, start=2)
        )
        sheet = Sheet("花名册.xlsx", 1, headers, lines)
        return import_roster(
            self.database, sheet, dry_run=dry, accept_good_rows=good, now=NOW, schedule=self.schedule
        )

    def all(self, table: type[Any]) -> list[Any]:
        with self.database.reading() as session:
            return list(session.exec(select(table)))


@pytest.fixture
def take(database: Database) -> Importer:
    return Importer(database)


def codes(result: ImportResult) -> list[tuple[int, str, str]]:
    return [(error.row, error.column, error.code) for error in result.rejected]


def case_for(leave: Leave, person: Person) -> Case:
    return Case(
        id="C1",
        kind="leave_return",
        workflow_id="leave-return/x",
        person_id=person.id,
        branch_id=person.branch_id,
        leave_id=leave.id,
        policy_version="1",
        state="running",
        stage="ladder",
        created_at=NOW,
    )


def test_a_whole_row_becomes_branch_person_employment_contact_and_leave(take: Importer) -> None:
    row = GOOD | SICK | {
        "证件号码": ID_NUMBER.lower(),
        "手机": Decimal(13800138000),
        "邮箱": "zw@example.com",
        "首选渠道": "短信",
        "部门": "生产部",
        "岗位": "操作工",
        "直属上级工号": Decimal(7),
        "入职日期": date(2020, 3, 1),
        "紧急联系人": "李娜",
        "关系": "配偶",
        "紧急联系人手机": "+1 202-555-0142",
        "送达地址": "某路1号",
        "电子送达同意日期": "2020年3月1日",
        "紧急联系人同意日期": "2020.3.2",
        "语言": "EN",
    }  # fmt: skip
    result = take(row, GOOD | {"工号": Decimal(7), "姓名": "王五"} | {"语言": "", "离职日期": ""}, good=False)
    assert (result.rows, result.applied, result.rejected, result.cases) == (2, 2, [], 1)
    [branch] = take.all(Branch)
    assert (branch.name, branch.region, branch.zone) == ("北京分公司", "beijing", "Asia/Shanghai")
    person = next(one for one in take.all(Person) if one.number == "E1")
    assert person.model_dump(exclude={"id", "branch_id"}) == {
        "number": "E1",
        "name": "张伟",
        "id_number": ID_NUMBER,
        "phone": "+8613800138000",
        "email": "zw@example.com",
        "preferred_channel": "sms",
        "language": "en",
        "department": "生产部",
        "post": "操作工",
        "manager_number": "7",
        "service_address": "某路1号",
        "e_delivery_consent_on": date(2020, 3, 1),
    }
    [employment] = take.all(Employment)
    assert (employment.hired_on, employment.ended_on, employment.state) == (date(2020, 3, 1), None, "active")
    [contact] = take.all(EmergencyContact)
    assert (contact.person_id, contact.name, contact.relation) == (person.id, "李娜", "配偶")
    assert (contact.phone, contact.consent_on) == ("+12025550142", date(2020, 3, 2))
    [leave] = take.all(Leave)
    assert (leave.kind, leave.starts_on, leave.ends_on) == ("sick", date(2026, 2, 1), date(2026, 2, 27))
    assert take.scheduled == [("E1", "2026-02-27")]


def test_english_headers_mean_the_same(take: Importer) -> None:
    row = {"Number": "E1", "name": "Li", "branch": "Shanghai branch", "leave_kind": "injury"}
    result = take(row | {"leave_starts_on": "20260201", "leave_ends_on": "2026/2/27"})
    assert result.rejected == []
    assert take.all(Branch)[0].region == "shanghai"
    assert take.all(Leave)[0].kind == "injury"


@pytest.mark.parametrize(
    ("word", "kind"),
    [("工伤", "injury"), ("工伤休养", "injury"), ("停工留薪", "injury"), ("产假", "maternity"),
     ("年假", "annual"), ("事假", "personal"), ("其他", "other"), ("Sick", "sick")],
)  # fmt: skip
def test_every_kind_of_leave_has_its_words(take: Importer, word: str, kind: str) -> None:
    assert take(GOOD | SICK | {"假别": word}).rejected == []
    assert take.all(Leave)[0].kind == kind


@pytest.mark.parametrize(
    ("column", "cell", "code", "word"),
    [
        ("手机", "010-65551234", "bad_phone", "landline"),
        ("手机", "1380013800", "bad_phone", "11 digits"),
        ("手机", "13800138000/13900139000", "bad_phone", "one phone number"),
        ("手机", "4008123456", "bad_phone", ""),
        ("手机", "+1 800 555 0199", "bad_phone", ""),
        ("紧急联系人手机", "12345", "bad_phone", ""),
        ("邮箱", "zw@example", "bad_email", ""),
        ("邮箱", "a@b.cn;c@d.cn", "bad_email", "one address"),
        ("入职日期", "2026-02-30", "bad_date", "no calendar has"),
        ("入职日期", "去年", "bad_date", "2026-02-13"),
        ("入职日期", Decimal(46066), "bad_date", ""),
        ("入职日期", datetime(2026, 2, 13, 8), "bad_date", "time of day"),  # noqa: DTZ001
        ("入职日期", "1026-02-13", "bad_date", "1026"),
        ("入职日期", True, "bad_date", ""),
        ("证件号码", ID_NUMBER[:17] + ("0" if ID_NUMBER[17] != "0" else "1"), "bad_id_number", "check digit"),
        (
            "证件号码",
            "99999919901301001" + check_digit("99999919901301001"),
            "bad_id_number",
            "date of birth",
        ),
        ("证件号码", ID_NUMBER[:17], "bad_id_number", "17 characters"),
        ("证件号码", "E12-34", "bad_id_number", "passport"),
        ("首选渠道", "微信", "bad_choice", "短信"),
        ("首选渠道", "courier", "bad_choice", ""),
        ("假别", "婚假", "bad_choice", "产假"),
        ("地区", "火星", "bad_choice", "北京市"),
        ("语言", "fr", "bad_choice", "zh-CN"),
        ("部门", "长" * 501, "bad_text", "500"),
    ],
)
def test_a_bad_cell_is_refused_with_its_place_and_the_remedy(
    take: Importer, column: str, cell: Cell, code: str, word: str
) -> None:
    contact = {"紧急联系人": "李娜"} if column.startswith("紧急") else {}
    leave = SICK if column == "假别" else {}
    result = take(GOOD, GOOD | contact | leave | {"工号": "E2", column: cell})
    assert codes(result) == [(3, column, code)]
    assert result.rejected[0].message.startswith(f"row 3, {column}: ")
    assert word in result.rejected[0].message
    assert (result.applied, take.all(Person)) == (0, [])


@pytest.mark.parametrize("column", ["手机", "邮箱", "证件号码", "紧急联系人手机"])
def test_refusals_of_personal_cells_do_not_repeat_the_value(take: Importer, column: str) -> None:
    result = take(GOOD | {"紧急联系人": "李娜", column: "zhang-987654"})
    assert "987654" not in result.rejected[0].message


@pytest.mark.parametrize("number", ["E12345678", "H01234567", ID_NUMBER])
def test_passports_and_identity_numbers_are_taken(take: Importer, number: str) -> None:
    assert take(GOOD | {"证件号码": number}).rejected == []
    assert take.all(Person)[0].id_number == number


@given(st.from_regex(r"[0-9]{17}", fullmatch=True), st.integers(0, 16), st.integers(1, 9))
def test_the_check_digit_finds_every_single_wrong_digit(seventeen: str, place: int, shift: int) -> None:
    wrong = seventeen[:place] + str((int(seventeen[place]) + shift) % 10) + seventeen[place + 1 :]
    assert check_digit(wrong) != check_digit(seventeen)


def test_the_check_digit_of_the_standards_example_is_right() -> None:
    assert check_digit("11010519491231002") == "X"
    assert check_digit("44052418800101001") == "4"


@pytest.mark.parametrize(
    "cell",
    ["2026-02-13", "2026/2/13", "2026.2.13", "2026年2月13日", "2026 年 2 月 13 日", "20260213",
     Decimal(20260213), date(2026, 2, 13), datetime(2026, 2, 13)],  # noqa: DTZ001
)  # fmt: skip
def test_every_way_to_write_a_day_is_read(cell: Cell) -> None:
    assert read_day(cell) == date(2026, 2, 13)


def test_all_faults_of_all_rows_are_named_at_once(take: Importer) -> None:
    first = {"工号": "", "姓名": "张伟", "分支": "北京分公司", "手机": "1", "邮箱": "x"}
    second = GOOD | {"姓名": "", "假别": "病假", "假期开始": "2026-02-05", "假期结束": "2026-02-01"}
    result = take(first, second, GOOD | {"工号": "E3", "假别": "病假"})
    assert codes(result) == [
        (2, "工号", "missing"),
        (2, "手机", "bad_phone"),
        (2, "邮箱", "bad_email"),
        (3, "姓名", "missing"),
        (3, "假期结束", "leave_order"),
        (4, "假期开始", "missing"),
        (4, "假期结束", "missing"),
    ]


def test_a_contact_needs_a_name_and_a_day_of_leaving_the_day_of_hiring(take: Importer) -> None:
    result = take(GOOD | {"紧急联系人手机": "13900139000", "离职日期": "2026-01-01"})
    assert codes(result) == [(2, "紧急联系人", "missing"), (2, "入职日期", "missing")]
    result = take(GOOD | {"入职日期": "2026-01-02", "离职日期": "2026-01-01"})
    assert codes(result) == [(2, "离职日期", "conflict")]


def test_unknown_missing_and_doubled_columns_stop_everything_even_with_good_rows(take: Importer) -> None:
    result = take({"工号": "E1", "姓名": "张伟", "工资": "1", "name": "x"}, good=True)
    assert codes(result) == [
        (1, "工资", "unknown_column"), (1, "name", "duplicate"), (1, "分支", "missing"),
    ]  # fmt: skip
    assert take.all(Person) == []


def test_a_destroyed_number_is_refused_with_the_remedy(take: Importer, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("工号,姓名,分支,证件号码\nE1,张伟,北京分公司,1.10101E+17\n", "utf-8")
    sheet = read_sheet(tmp_path / "a.csv")
    result = import_roster(
        take.database, sheet, dry_run=False, accept_good_rows=False, now=NOW, schedule=take.schedule
    )
    assert codes(result) == [(2, "证件号码", "destroyed_number")]
    assert "format the column as text" in result.rejected[0].message


def test_one_refused_row_applies_nothing_unless_good_rows_are_accepted(take: Importer) -> None:
    rows = (GOOD | SICK, GOOD | {"工号": "E2", "手机": "1"})
    assert (take(*rows).applied, take.all(Branch), take.scheduled) == (0, [], [])
    result = take(*rows, good=True)
    assert (result.rows, result.applied, len(result.rejected), result.cases) == (2, 1, 1, 1)
    assert [person.number for person in take.all(Person)] == ["E1"]


def test_a_dry_run_writes_nothing_and_counts_the_cases(take: Importer) -> None:
    result = take(GOOD | SICK, dry=True)
    assert (result.rows, result.applied, result.rejected, result.cases) == (1, 0, [], 1)
    assert [take.all(table) for table in (Branch, Person, Leave)] == [[], [], []]
    assert take.scheduled == []


def test_a_dry_run_waits_for_no_writer(take: Importer) -> None:
    with take.database.transaction():
        assert take(GOOD | SICK, dry=True).cases == 1


def test_the_same_file_twice_changes_nothing_and_hands_on_no_second_case(take: Importer) -> None:
    rows = (
        GOOD | SICK | {"手机": "13800138000", "入职日期": "2020-01-01", "紧急联系人": "李娜"},
        GOOD | SICK | {"工号": "E2", "手机": "", "入职日期": "", "紧急联系人": "", "假别": "产假"},
    )
    tables = (Branch, Person, Employment, EmergencyContact, Leave)
    take(*rows)
    before = [[row.model_dump() for row in take.all(table)] for table in tables]
    result = take(*rows)
    assert (result.applied, result.cases, result.warnings) == (2, 0, [])
    assert [[row.model_dump() for row in take.all(table)] for table in tables] == before
    assert len(take.scheduled) == 2


def test_a_missing_column_keeps_what_is_stored_and_an_empty_cell_clears_it(take: Importer) -> None:
    take(GOOD | {"手机": "13800138000", "邮箱": "a@b.cn", "紧急联系人": "李娜", "语言": "en"})
    take(GOOD | {"姓名": "张玮", "邮箱": "", "语言": ""})
    [person] = take.all(Person)
    assert (person.name, person.phone, person.email) == ("张玮", "+8613800138000", None)
    assert person.language == "en"
    assert len(take.all(EmergencyContact)) == 1
    take(GOOD | {"紧急联系人": ""})
    assert take.all(EmergencyContact) == []


def test_several_leaves_are_several_rows_of_one_person(take: Importer) -> None:
    result = take(GOOD | SICK, GOOD | SICK | {"假别": "年假"}, GOOD | SICK | {"假期开始": "2026-02-10"})
    assert (result.applied, result.cases, len(take.all(Person)), len(take.all(Leave))) == (3, 3, 1, 3)


def test_rows_of_one_person_that_disagree_are_all_refused_and_name_each_other(take: Importer) -> None:
    result = take(
        GOOD | SICK | {"手机": "13800138000"},
        GOOD | {"工号": "E2", "手机": ""},
        GOOD | SICK | {"假别": "年假", "手机": "13900139000"},
        good=True,
    )
    assert codes(result) == [(2, "手机", "conflict"), (4, "手机", "conflict")]
    assert "rows 2 and 4" in result.rejected[0].message
    assert [person.number for person in take.all(Person)] == ["E2"]


def test_a_cell_that_cannot_be_read_is_not_also_called_a_disagreement(take: Importer) -> None:
    result = take(GOOD | SICK | {"手机": "1"}, GOOD | SICK | {"假别": "年假", "手机": "13900139000"})
    assert codes(result) == [(2, "手机", "bad_phone")]


def test_a_row_said_twice_is_a_duplicate_and_two_ends_of_a_leave_are_a_conflict(take: Importer) -> None:
    assert codes(take(GOOD, GOOD)) == [(3, "工号", "duplicate")]
    assert codes(take(GOOD | SICK, GOOD | SICK)) == [(3, "工号", "duplicate")]
    both = take(GOOD | SICK, GOOD | SICK | {"假期结束": "2026-02-28"})
    assert codes(both) == [(2, "假期结束", "conflict"), (3, "假期结束", "conflict")]
    assert take(GOOD | dict.fromkeys(SICK, ""), GOOD | SICK).rejected == []


def test_one_identity_under_two_numbers_is_a_duplicate_unless_one_has_left(take: Importer) -> None:
    rows = [GOOD | {"证件号码": ID_NUMBER, "入职日期": "", "离职日期": ""} for _ in range(2)]
    rows[1]["工号"] = "E2"
    assert codes(take(*rows)) == [(3, "证件号码", "duplicate")]
    rows[0] |= {"入职日期": "2020-01-01", "离职日期": "2025-12-31"}
    assert take(*rows).rejected == []


def test_the_superior_may_stand_below_or_in_the_database_and_nowhere_else(take: Importer) -> None:
    assert take(GOOD | {"直属上级工号": "E9"}, GOOD | {"工号": "E9", "直属上级工号": ""}).rejected == []
    assert take(GOOD | {"工号": "E3", "直属上级工号": "E9"}).rejected == []
    assert codes(take(GOOD | {"直属上级工号": "E8"})) == [(2, "直属上级工号", "unknown_manager")]
    assert codes(take(GOOD | {"直属上级工号": "E1"})) == [(2, "直属上级工号", "conflict")]


def test_nobody_is_written_under_a_superior_whose_own_row_is_refused(take: Importer) -> None:
    result = take(
        GOOD | {"直属上级工号": "E2", "手机": ""},
        GOOD | {"工号": "E2", "直属上级工号": "E3", "手机": ""},
        GOOD | {"工号": "E3", "直属上级工号": "", "手机": "1"},
        GOOD | {"工号": "E4", "直属上级工号": "", "手机": ""},
        good=True,
    )
    assert [(row, code) for row, _, code in codes(result)] == [
        (2, "unknown_manager"), (3, "unknown_manager"), (4, "bad_phone"),
    ]  # fmt: skip
    assert (result.applied, [person.number for person in take.all(Person)]) == (1, ["E4"])


def test_the_region_comes_from_the_file_then_the_database_then_the_branchs_name(take: Importer) -> None:
    assert codes(take(GOOD | {"分支": "总部"})) == [(2, "地区", "missing")]
    assert codes(take(GOOD | {"分支": "北京上海联合部"})) == [(2, "地区", "missing")]
    rows = (GOOD | {"分支": "总部", "地区": "Guangdong"}, GOOD | {"工号": "E2", "分支": "总部", "地区": ""})
    assert take(*rows).rejected == []
    assert take(GOOD | {"分支": "总部"}).rejected == []
    assert take.all(Branch)[0].region == "guangdong"
    two = take(
        GOOD | {"分支": "总部", "地区": "广东"}, GOOD | {"工号": "E2", "分支": "总部", "地区": "湖南省"}
    )
    assert codes(two) == [(2, "地区", "conflict"), (3, "地区", "conflict")]


def test_a_branch_that_moves_to_another_region_is_said(take: Importer) -> None:
    take(GOOD)
    [warning] = take(GOOD | {"地区": "河南"}).warnings
    assert "from beijing to henan" in warning
    assert take.all(Branch)[0].region == "henan"


@pytest.mark.parametrize(
    ("name", "found"),
    [("上海分公司", "shanghai"), ("Jiangsu Plant 2", "jiangsu"), ("Shaanxi", "shaanxi"), ("Hunanese", None)],
)
def test_a_region_is_found_in_a_branchs_name(name: str, found: str | None) -> None:
    assert region_in_name(name) == found


def test_a_leave_whose_end_moved_is_handed_on_again(take: Importer) -> None:
    take(GOOD | SICK)
    result = take(GOOD | SICK | {"假期结束": "2026-03-20"})
    assert (result.cases, len(take.all(Leave))) == (1, 1)
    assert take.scheduled == [("E1", "2026-02-27"), ("E1", "2026-03-20")]


@pytest.mark.parametrize(("ends_on", "cases"), [("2026-01-31", 1), ("2026-01-30", 0)])
def test_a_leave_over_for_more_than_thirty_days_starts_no_case(
    take: Importer, ends_on: str, cases: int
) -> None:
    result = take(GOOD | SICK | {"假期开始": "2026-01-01", "假期结束": ends_on})
    assert (result.applied, result.cases, len(take.scheduled)) == (1, cases, cases)
    assert len(take.all(Leave)) == 1
    if not cases:
        [warning] = result.warnings
        assert warning.startswith("row 2: ")
        assert "start one by hand" in warning
        assert "张伟" not in warning


def test_the_end_of_a_leave_with_a_case_is_not_touched(take: Importer) -> None:
    take(GOOD | SICK)
    with take.database.transaction() as session:
        session.add(case_for(session.exec(select(Leave)).one(), session.exec(select(Person)).one()))
    assert take(GOOD | SICK).rejected == []
    moved = GOOD | SICK | {"假期结束": "2026-03-20", "手机": "13800138000"}
    result = take(moved)
    assert codes(result) == [(2, "假期结束", "conflict")]
    assert "a case is running for this leave; change its end in the case" in result.rejected[0].message
    assert take.all(Leave)[0].ends_on == date(2026, 2, 27)


def test_a_case_that_begins_while_the_file_is_checked_keeps_its_end(
    take: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(GOOD | SICK)
    original = importing.check_managers

    def check_and_start(*arguments: Any) -> None:
        original(*arguments)
        with take.database.transaction() as session:
            session.add(case_for(session.exec(select(Leave)).one(), session.exec(select(Person)).one()))

    monkeypatch.setattr(importing, "check_managers", check_and_start)
    result = take(GOOD | SICK | {"假期结束": "2026-03-20"})
    assert (result.applied, codes(result)) == (0, [(2, "假期结束", "conflict")])
    assert take.all(Leave)[0].ends_on == date(2026, 2, 27)


def test_who_has_left_is_not_called_back(take: Importer) -> None:
    gone = GOOD | SICK | {"入职日期": "2020-01-01", "离职日期": "2026-03-02"}
    assert codes(take(gone)) == [(2, "假别", "conflict")]
    assert take(gone | {"离职日期": "2026-03-03"}).rejected == []
    assert take.all(Employment)[0].state == "active"
    take(GOOD | {"入职日期": "2020-01-01", "离职日期": "2026-03-01"})
    [employment] = take.all(Employment)
    assert (employment.ended_on, employment.state) == (date(2026, 3, 1), "ended")
    take(GOOD | {"入职日期": "2020-01-01", "离职日期": ""})
    assert (take.all(Employment)[0].ended_on, take.all(Employment)[0].state) == (None, "active")


HIRED = {"入职日期": "2020-01-01"}


@pytest.mark.parametrize(
    ("cells", "kept"),
    [
        ({"合同起始日": "2023-01-01", "合同终止日": "2025-12-31"}, ("fixed", "2023-01-01", "2025-12-31")),
        ({"合同类型": "无固定期限", "合同起始日": "2024-01-01"}, ("open_ended", "2024-01-01", "None")),
        ({"合同类型": "task", "合同起始日": "2024-01-01"}, ("task", "2024-01-01", "None")),
        ({"合同类型": "", "合同起始日": "", "合同终止日": ""}, ("None", "None", "None")),
    ],
)
def test_the_term_of_a_contract_is_kept_with_its_employment(
    take: Importer, cells: dict[str, str], kept: tuple[str, ...]
) -> None:
    take(GOOD | HIRED | {"合同起始日": "2020-01-01", "合同终止日": "2022-12-31"})
    assert take(GOOD | HIRED).rejected == []
    assert take.all(Employment)[0].contract_ends_on == date(2022, 12, 31)
    assert take(GOOD | HIRED | cells | {"合同类型": cells.get("合同类型", "")}).rejected == []
    (one,) = take.all(Employment)
    assert (str(one.contract_type), str(one.contract_starts_on), str(one.contract_ends_on)) == kept


@pytest.mark.parametrize(
    ("cells", "refused"),
    [
        (HIRED | {"合同起始日": "2023-01-01"}, [("合同终止日", "missing")]),
        (HIRED | {"合同终止日": "2023-01-01"}, [("合同起始日", "missing")]),
        (
            HIRED | {"合同类型": "无固定期限", "合同起始日": "2023-01-01", "合同终止日": "2024-01-01"},
            [("合同终止日", "conflict")],
        ),
        (HIRED | {"合同起始日": "2023-01-02", "合同终止日": "2023-01-01"}, [("合同终止日", "conflict")]),
        ({"合同起始日": "2023-01-01", "合同终止日": "2024-01-01"}, [("入职日期", "missing")]),
        (HIRED | {"合同起始日": "昨天", "合同终止日": "2024-01-01"}, [("合同起始日", "bad_date")]),
    ],
)
def test_a_term_that_says_too_little_or_too_much_is_refused(
    take: Importer, cells: dict[str, str], refused: list[tuple[str, str]]
) -> None:
    assert [one[1:] for one in codes(take(GOOD | cells))] == refused


def test_a_roster_moves_no_end_that_a_departure_has_settled(take: Importer) -> None:
    take(GOOD | HIRED)
    (employment,), (person,) = take.all(Employment), take.all(Person)
    with take.database.transaction() as session:
        for one in ("C1", "C2"):
            case = case_for(Leave(id=None), person)
            case.id, case.workflow_id, case.kind = one, one, "offboarding"
            session.add(case)
        session.flush()
        session.add(
            Departure(
                case_id="C1",
                statutory_case_id="C2",
                employment_id=employment.id,
                person_id=person.id,
                branch_id=person.branch_id,
                kind="dismissal",
                ground="worker_fault",
                proposed_by="employer",
                needs_notice=True,
                noticed_on=date(2026, 2, 20),
                last_day=date(2026, 2, 20),
                ended_on=date(2026, 2, 27),
                created_by="test",
                created_at=NOW,
            )
        )
        kept = session.get_one(Employment, employment.id)
        kept.ended_on, kept.state = date(2026, 2, 27), "ended"
    for told in ("", "2026-12-31", "2026-02-20"):
        result = take(GOOD | HIRED | {"离职日期": told})
        assert "a departure has settled" in " ".join(result.warnings)
        (one,) = take.all(Employment)
        assert (one.ended_on, one.state) == (date(2026, 2, 27), "ended")
    assert take(GOOD | HIRED | {"离职日期": "2026-02-27"}).warnings == []


def test_today_is_told_in_the_branchs_zone(take: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    # 17:00 UTC is already the next day in the branch.
    monkeypatch.setitem(globals(), "NOW", datetime(2026, 3, 1, 17, tzinfo=UTC))
    assert codes(take(GOOD | SICK | {"入职日期": "2020-01-01", "离职日期": "2026-03-01"})) != []


def test_a_schedule_that_fails_leaves_nothing_of_its_people(
    take: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "PEOPLE_PER_TRANSACTION", 2)

    def fail(session: Session, leave_id: str, person: Person) -> None:
        if person.number == "E3":
            raise RuntimeError("the outbox is full")
        body = {"leave": leave_id}
        session.add(Outbox(id=leave_id, kind="start", subject=leave_id, body=body, due_at=NOW))

    monkeypatch.setattr(take, "schedule", fail)
    with pytest.raises(RuntimeError):
        take(*[GOOD | SICK | {"工号": f"E{number}"} for number in range(5)])
    assert [person.number for person in take.all(Person)] == ["E0", "E1"]
    assert len(take.all(Outbox)) == len(take.all(Leave)) == 2


def test_the_template_has_the_headers_and_can_be_handed_in_empty(take: Importer, tmp_path: Path) -> None:
    (tmp_path / "t.xlsx").write_bytes(roster_template())
    sheet = read_sheet(tmp_path / "t.xlsx")
    fixed = (
        "工号, 姓名, 证件号码, 手机, 邮箱, 首选渠道, 分支, 部门, 岗位, 直属上级工号, 入职日期, "
        "离职日期, 紧急联系人, 关系, 紧急联系人手机, 送达地址, 电子送达同意日期, 假别, 假期开始, 假期结束"
    )
    assert ", ".join(sheet.headers[:20]) == fixed
    assert sheet.headers[20:] == (
        "紧急联系人同意日期",
        "地区",
        "语言",
        "合同类型",
        "合同起始日",
        "合同终止日",
    )
    assert sheet.rows == ()


def test_the_templates_example_would_be_taken(take: Importer) -> None:
    boss = {"number": "E1001", "name": "王五", "branch": "北京分公司"}
    assert take(EXAMPLE, boss | {"region": "北京"}).rejected == []


def test_a_roster_neither_takes_back_nor_replaces_what_a_person_has_signed(take: Importer) -> None:
    take(GOOD | {"送达地址": "旧地址", "电子送达同意日期": "2020-03-01"})
    (person,) = take.all(Person)
    with take.database.transaction() as session:
        session.add(
            ConsentRecord(
                id="S1",
                person_id=person.id,
                service_address="签署的地址",
                e_delivery=True,
                signed_on=date(2026, 1, 5),
                file_sha256="0" * 64,
                media_type="application/pdf",
                size=1,
                sha256="1" * 64,
                recorded_by="hr",
                recorded_at=NOW,
            )
        )
        kept = session.get_one(Person, person.id)
        kept.service_address, kept.e_delivery_consent_on = "签署的地址", date(2026, 1, 5)
    for told in ({"送达地址": "另一地址", "电子送达同意日期": "2021-03-01"}, {"送达地址": ""}):
        result = take(GOOD | told | {"部门": "物流"})
        (person,) = take.all(Person)
        assert (person.service_address, person.e_delivery_consent_on) == ("签署的地址", date(2026, 1, 5))
        assert person.department == "物流"
        assert [("row 2" in said, "signed a consent" in said) for said in result.warnings] == (
            [(True, True)] if told["送达地址"] else []
        )
