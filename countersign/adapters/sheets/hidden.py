"""What a raw look at a sheet finds that the reader would hide, and how it is refused."""

from dataclasses import dataclass, field

from countersign.adapters.sheets.table import InputFault


@dataclass
class Scan:
    """What a raw look at one sheet found; `rows` and `columns` reach to the last cell with content."""

    rows: int = 0
    columns: int = 0
    errors: list[str] = field(default_factory=list)
    unvalued: list[str] = field(default_factory=list)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)

    def reach(self, row: int, column: int) -> None:
        """Take a cell with content, counted from 0, into the extent."""
        self.rows, self.columns = max(self.rows, row + 1), max(self.columns, column + 1)


def refuse_hidden_faults(scan: Scan, source: str) -> None:
    """Raise `InputFault` for error cells and formulas without a stored value."""
    if len(scan.errors) == 1:
        raise InputFault(
            f"{source}: cell {scan.errors[0]} holds an error such as #N/A; write the value there"
        )
    if scan.errors:
        raise InputFault(
            f"{source}: cells {_listed(scan.errors)} hold errors such as #N/A; write the value there"
        )
    if len(scan.unvalued) == 1:
        raise InputFault(
            f"{source}: cell {scan.unvalued[0]} holds a formula without a stored value; open the file in "
            "Excel or WPS and save it again, or paste the values"
        )
    if scan.unvalued:
        raise InputFault(
            f"{source}: cells {_listed(scan.unvalued)} hold formulas without a stored value; open the file "
            "in Excel or WPS and save it again, or paste the values"
        )


def _listed(places: list[str]) -> str:
    named = ", ".join(places[:5])
    return f"{named} and {len(places) - 5} more" if len(places) > 5 else named


def encrypted(source: str) -> str:
    """Say that a file wants a password."""
    return f"{source}: is protected with a password; save it without one"


def damaged(source: str) -> str:
    """Say that a file is broken."""
    return f"{source}: is damaged or was cut off on the way; save it again in Excel or WPS, or send it again"
