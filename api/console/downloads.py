"""Handing out files: names that say nothing personal, types that no browser guesses over."""

from collections.abc import Iterable, Sequence

from fastapi import Response

from api.console.visit import Missing
from countersign.adapters.list_files import Value, csv_file, workbook

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def download(content: bytes, name: str, media_type: str) -> Response:
    """Return a file to keep; `name` is ASCII."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type=media_type, headers=headers)


def list_file(
    form: str, name: str, headers: Sequence[str], rows: Iterable[Sequence[Value]], sheet: str
) -> Response:
    """Return a list as `csv` or as an `xlsx` workbook; raises `Missing` for another form."""
    if form == "csv":
        return download(csv_file(headers, rows), f"{name}.csv", "text/csv; charset=utf-8")
    if form == "xlsx":
        return download(workbook(headers, rows, sheet), f"{name}.xlsx", XLSX)
    raise Missing
