"""The columns that a short list can have, in two languages, and the empty list to fill in."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import xlsxwriter  # type: ignore[import-untyped]

from countersign.adapters.sheets.table import RowError, Sheet


@dataclass(frozen=True)
class Columns:
    """The columns that a list can have: their names in English, each with the header it bears.

    `required` are those that a list must have; a header may be written in either language. `others` are
    further headers that mean one of these columns; one that means none of them is not known.
    """

    headers: Mapping[str, str]
    required: tuple[str, ...]
    others: Mapping[str, str] = field(default_factory=dict)

    def error(self, row: int, name: str, code: str, sentence: str) -> RowError:
        """Return why the cell of a row in the column `name` is refused."""
        return RowError(row, self.headers[name], code, f"row {row}, {self.headers[name]}: {sentence}")

    def read(self, sheet: Sheet) -> tuple[dict[str, str], list[RowError]]:
        """Return the name of each header of a table, and what is wrong with its headers."""
        known = {head: name for head, name in self.others.items() if name in self.headers}
        known |= {name: name for name in self.headers} | {head: name for name, head in self.headers.items()}
        found: dict[str, str] = {}
        errors = []
        for header in sheet.headers:
            name = known.get(header) or known.get(header.casefold())
            if name is None or name in found.values():
                message = (
                    f"row {sheet.header_row}, {header}: the column is unknown or stands twice; "
                    f"known: {', '.join(self.headers.values())}"
                )
                errors.append(RowError(sheet.header_row, header, "unknown_column", message))
            else:
                found[header] = name
        errors += [
            self.error(
                sheet.header_row, name, "missing", f"the column is missing; add it (in English: {name})"
            )
            for name in self.required
            if name not in found.values()
        ]
        return found, errors

    def as_written(self, found: Mapping[str, str]) -> "Columns":
        """Return these columns under the headers that a table has; `found` is what `read` returned."""
        return replace(self, headers={**self.headers, **{name: header for header, name in found.items()}})

    def template(
        self, title: str, widths: Sequence[tuple[int, str]], notes: Sequence[tuple[str, str, str]]
    ) -> bytes:
        """Return an empty list (.xlsx): the headers and, on a second sheet, aliases and examples.

        `widths` gives each column its width in characters and the format of its cells (empty for none);
        `notes` are rows of name, example, and what may be filled in.
        """
        content = io.BytesIO()
        book = xlsxwriter.Workbook(content, {"in_memory": True})
        bold = book.add_format({"bold": True})
        page = book.add_worksheet(title)
        for column, (width, form) in enumerate(widths):
            page.set_column(column, column, width, book.add_format({"num_format": form}) if form else None)
        page.write_row(0, 0, self.headers.values(), bold)
        page.freeze_panes(1, 0)
        told = book.add_worksheet("说明")
        told.set_column(0, 3, 40)
        told.write_row(0, 0, ("列", "English", "示例 / example", "可填 / allowed"), bold)
        for row, (name, example, allowed) in enumerate(notes, start=1):
            told.write_row(row, 0, (self.headers[name], name, example, allowed))
        book.close()
        return content.getvalue()
