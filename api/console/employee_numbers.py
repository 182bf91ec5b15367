"""Employee numbers that somebody types, pastes or hands in as a file."""

import re
import tempfile
from pathlib import Path

from api.console.visit import Post
from countersign.adapters.database.start_desk import numbers_in
from countersign.adapters.sheets import DestroyedNumber, InputFault, cell_text, read_sheet, tidy

HEADERS = ("工号", "员工编号", "员工工号", "number", "employee number")
"""How the column of the numbers may be called; the first is the one that sentences name."""

_NOT_IN_A_NAME = re.compile(r"[^\w.\- ]+")


def typed_numbers(post: Post, pasted: str, attached: str) -> list[str]:
    """Return the numbers of a pasted field and of an attached list, each once; raises `InputFault`."""
    return list(dict.fromkeys([*numbers_in(tidy(post.text(pasted))), *_of_file(post, attached)]))


def _of_file(post: Post, attached: str) -> list[str]:
    file = post.file(attached)
    if file is None:
        return []
    name = _NOT_IN_A_NAME.sub("_", Path(file.filename or "").name)[-80:].lstrip(".") or "list"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(file.file.read())
        return _column(path)


def _column(path: Path) -> list[str]:
    sheet = read_sheet(path)
    header = next((one for one in sheet.headers if one.casefold() in HEADERS), None)
    if header is None:
        raise InputFault(
            f"{sheet.source}: no column is called {HEADERS[0]}; call the one with the numbers so"
        )
    found = []
    for row in sheet.rows:
        cell = row.cells.get(header)
        if isinstance(cell, DestroyedNumber):
            raise InputFault(
                f"{sheet.source}: row {row.number}, {header}: the number has lost its last digits; "
                "format the column as text and type it again"
            )
        if cell is not None:
            found.append(cell_text(cell))
    return found
