"""The settlement sheet as a page to print and to sign: lines with their papers, sums, what stays owed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from countersign.adapters.exit_papers import yuan
from countersign.adapters.paper import Press
from countersign.domain.levels import EN
from countersign.domain.tables.cells import Status


@dataclass(frozen=True)
class SheetPaper:
    """What stands on the sheet. `lines` are those of the settlement as stored, `papers` name its documents.

    `left` is what stays owed in fen by the name of the debt in Chinese and English; `draft` marks the page
    as not confirmed; `at` is when it was made, in the zone of its place.
    """

    company: str
    branch: str
    name: str = field(repr=False)
    number: str
    language: str
    reference: str
    version: int
    hired_on: date
    last_day: date
    ground: tuple[str, str]
    lines: Sequence[Mapping[str, Any]] = field(repr=False)
    left: Sequence[tuple[str, str, int]] = field(repr=False)
    papers: Mapping[str, tuple[str, str, str]]
    provisional: bool
    draft: bool
    fingerprint: str
    at: datetime


def print_sheet(press: Press, paper: SheetPaper) -> bytes:
    """Return the sheet as PDF/A-2b, the same bytes for the same sheet; raises `Unprintable`."""
    data = {
        "company": paper.company,
        "branch": paper.branch,
        "name": paper.name,
        "number": paper.number,
        "bilingual": paper.language == EN,
        "reference": paper.reference,
        "version": paper.version,
        "hired_on": _day(paper.hired_on),
        "last_day": _day(paper.last_day),
        "ground": list(paper.ground),
        **_lines(paper),
        "left": [[zh, en, yuan(fen)] for zh, en, fen in paper.left],
        "provisional": paper.provisional,
        "draft": paper.draft,
        "fingerprint": paper.fingerprint,
        "day": _day(paper.at.date()),
    }
    return press.sheet("paper/settlement.typ", data, paper.at)


def _lines(paper: SheetPaper) -> dict[str, Any]:
    """Return the lines with the numbers of their papers, the list of those papers, and the sums."""
    numbers: dict[str, int] = {}
    rows = []
    for line in paper.lines:
        named = [
            numbers.setdefault(one, len(numbers) + 1) for one in line["documents"] if one in paper.papers
        ]
        rows.append(
            {
                "name": [line["name"]["zh-CN"], line["name"]["en"]],
                "formula": line["formula"],
                "basis": [line["basis"]["zh-CN"], line["basis"]["en"]],
                "weak": Status(line["status"]).weak,
                "amount": yuan(line["signed_fen"]),
                "deducted": line["signed_fen"] < 0,
                "held": line["held"],
                "papers": named,
            }
        )
    paid = sum(line["signed_fen"] for line in paper.lines if line["signed_fen"] > 0)
    deducted = -sum(line["signed_fen"] for line in paper.lines if line["signed_fen"] < 0)
    held = sum(line["signed_fen"] for line in paper.lines if line["held"])
    return {
        "lines": rows,
        "papers": [[number, *paper.papers[one]] for one, number in numbers.items()],
        "paid": yuan(paid),
        "deducted": yuan(deducted),
        "net": yuan(paid - deducted),
        "held": yuan(held) if held else None,
        "at_once": yuan(paid - deducted - held),
    }


def _day(day: date) -> list[int]:
    return [day.year, day.month, day.day]
