"""The company's roster from a file: every fault of every row is named, and only then is anything written."""

from countersign.adapters.roster.cells import check_digit, read_day, read_email, read_phone, region_in_name
from countersign.adapters.roster.importing import ImportResult, import_roster
from countersign.adapters.roster.workbook import roster_template, roster_workbook

__all__ = [
    "ImportResult",
    "check_digit",
    "import_roster",
    "read_day",
    "read_email",
    "read_phone",
    "region_in_name",
    "roster_template",
    "roster_workbook",
]
