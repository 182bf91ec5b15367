"""The roster as a file to fill in: headers, words that may be written, an example."""

import io
from collections.abc import Iterable, Mapping
from datetime import date

import xlsxwriter  # type: ignore[import-untyped]

from countersign.adapters.roster.cells import check_digit
from countersign.adapters.roster.columns import (
    CHANNELS,
    COLUMNS,
    CONTRACT_TYPES,
    DATES,
    LANGUAGE_WORDS,
    LEAVE_KINDS,
    REQUIRED,
)
from countersign.domain.regions import known_regions

EXAMPLE: dict[str, str] = {
    "number": "E1042",
    "name": "张示例",
    "id_number": "99999919900101" + "001" + check_digit("99999919900101001"),
    "phone": "13800138000",
    "email": "zhang@example.com",
    "preferred_channel": "短信",
    "branch": "北京分公司",
    "department": "生产部",
    "post": "操作工",
    "manager_number": "E1001",
    "hired_on": "2020-03-01",
    "emergency_contact": "李示例",
    "relation": "配偶",
    "emergency_contact_phone": "13900139000",
    "service_address": "北京市朝阳区示例路1号",
    "e_delivery_consent_on": "2020-03-01",
    "leave_kind": "病假",
    "leave_starts_on": "2026-02-01",
    "leave_ends_on": "2026-02-13",
    "emergency_contact_consent_on": "2020-03-01",
    "region": "北京市",
    "language": "zh-CN",
    "contract_type": "固定期限",
    "contract_starts_on": "2026-03-01",
    "contract_ends_on": "2029-02-28",
}


def _allowed(name: str) -> str:
    if name in DATES:
        return "2026-02-13, 2026/2/13, 2026.2.13, 2026年2月13日, 20260213"
    if name in ("phone", "emergency_contact_phone"):
        return "mobile number: 11 digits, or + and country code"
    choices: dict[str, Iterable[str]] = {
        "preferred_channel": CHANNELS,
        "leave_kind": LEAVE_KINDS,
        "contract_type": CONTRACT_TYPES,
        "language": LANGUAGE_WORDS.values(),
        "region": (f"{known.zh} / {known.name}" for known in known_regions()),
        "id_number": ("18 characters, or a passport number",),
    }
    return ", ".join(dict.fromkeys(choices.get(name, ())))


def roster_workbook(people: Iterable[Mapping[str, str | date]]) -> bytes:
    """Write people by field name into a roster: .xlsx, Chinese headers, and a second sheet that explains.

    Every column but the dates is formatted as text, so that long numbers keep their digits. Raises
    `KeyError` for a field that a roster does not have.
    """
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True})
    as_text = book.add_format({"num_format": "@"})
    as_day = book.add_format({"num_format": "yyyy-mm-dd"})
    bold = book.add_format({"bold": True, "num_format": "@"})
    columns = {name: index for index, name in enumerate(COLUMNS)}
    roster = book.add_worksheet("花名册")
    roster.set_column(0, len(columns) - 1, 16, as_text)
    for name in DATES:
        roster.set_column(columns[name], columns[name], 16, as_day)
    roster.write_row(0, 0, COLUMNS.values(), bold)
    roster.freeze_panes(1, 2)
    for row, person in enumerate(people, start=1):
        for name, value in person.items():
            if isinstance(value, date):
                roster.write_datetime(row, columns[name], value, as_day)
            else:
                roster.write_string(row, columns[name], value, as_text)
    notes = book.add_worksheet("说明")
    notes.set_column(0, 3, 28, as_text)
    notes.write_row(0, 0, ("列", "English", "示例 / example", "可填 / allowed"), bold)
    for row, (name, header) in enumerate(COLUMNS.items(), start=1):
        mark = " *" if name in REQUIRED else ""
        notes.write_row(row, 0, (header + mark, name, EXAMPLE.get(name, ""), _allowed(name)), as_text)
    book.close()
    return content.getvalue()


def roster_template() -> bytes:
    """Return an empty roster (.xlsx) with the headers and, on a second sheet, aliases, values, an example."""
    return roster_workbook(())
