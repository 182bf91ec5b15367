"""The pages of the calculators: one for every kind, true to inputs, examples, warnings, laws and tables."""

import json
import re
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from countersign.domain.calculators import injury_doubts, insurance_doubts
from countersign.domain.calculators.amounts import plain
from countersign.domain.calculators.explained import Saying
from countersign.domain.calculators.kinds import CALCULATORS, calculate
from countersign.domain.calendar import load_shipped_calendar
from countersign.domain.tables.packs import REGIONS, region_pack, statutory
from countersign.domain.tables.regional import Subsidy, SubsidyBase
from countersign.domain.yaml_text import load_text

PAGES = Path(__file__).parents[1] / "docs" / "calculators"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r"《([^》]+)》")
_LINK = re.compile(r"\]\(([^)#\s]+)")
_DOUBTS = {"injury": injury_doubts, "insurance_month": insurance_doubts}


def page(kind: str) -> str:
    return (PAGES / f"{kind}.md").read_text("utf-8")


def rows(text: str, header: str) -> list[list[str]]:
    """Return the cells of the first table whose header starts so."""
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(header))
    found = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def contains(found: Any, wanted: Any) -> bool:
    """Say whether every key of `wanted`, at any depth, has that value; lists must match item by item."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(
            key in found and contains(found[key], value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(contains(one, other) for one, other in zip(found, wanted, strict=True))
        )
    return bool(found == wanted and isinstance(found, bool) == isinstance(wanted, bool))


def examples(kind: str) -> list[tuple[str, str]]:
    """Return inputs and figures of a page; a block of inputs without figures after it fails."""
    blocks = _BLOCK.findall(page(kind))
    assert [language for language, _ in blocks] == ["yaml", "json"] * (len(blocks) // 2)
    texts = [text for _, text in blocks]
    return list(zip(texts[::2], texts[1::2], strict=True))


def test_every_calculator_has_a_page_and_stands_in_the_index() -> None:
    listed = [cells[0] for cells in rows(page("README"), "| Kind |")]
    assert listed == [f"[`{kind}`]({kind}.md)" for kind in CALCULATORS]
    assert {file.stem for file in PAGES.glob("*.md")} == {"README", *CALCULATORS}


@pytest.mark.parametrize("kind", CALCULATORS)
def test_a_page_lists_exactly_the_inputs_and_which_are_required(kind: str) -> None:
    told = {cells[0].strip("`"): cells[2] for cells in rows(page(kind), "| Input")}
    fields = CALCULATORS[kind].inputs.model_fields
    assert list(told) == list(fields)
    for name, field in fields.items():
        assert (told[name] == "yes") is field.is_required(), name
        if not field.is_required() and field.default is not None:
            assert told[name] == f"`{json.dumps(field.default, default=str).strip(chr(34))}`"


@pytest.mark.parametrize("kind", CALCULATORS)
def test_the_examples_of_a_page_give_the_figures_beside_them(kind: str) -> None:
    told = examples(kind)
    assert told
    for given, figures in told:
        result = calculate(kind, load_text(given, "case.yaml"), "case.yaml", load_shipped_calendar())
        for key, value in json.loads(figures).items():
            assert contains(result.get(key), value), f"{key}: {result.get(key)!r} instead of {value!r}"


@pytest.mark.parametrize("kind", CALCULATORS)
def test_a_page_names_every_figure_and_every_warning(kind: str) -> None:
    text = page(kind)
    for given, _ in examples(kind):
        result = calculate(kind, load_text(given, "case.yaml"), "case.yaml", load_shipped_calendar())
        for figure in set(result) - {"provisional", "final", "warnings", "lines"}:
            assert f"`{figure}`" in text, figure
    module = _DOUBTS.get(kind, sys.modules[CALCULATORS[kind].compute.__module__])
    for said in vars(module).values():
        if isinstance(said, Saying):
            assert f"`{said.code}`" in text, said.code


@pytest.mark.parametrize("kind", CALCULATORS)
def test_a_page_cites_only_laws_of_the_tables_by_both_titles(kind: str) -> None:
    regional = [region_pack(region).injury_law for region in REGIONS]
    laws = {law.zh: law.en for law in [*statutory().laws.values(), *regional] if law is not None}
    prose = _BLOCK.sub("", page(kind))
    for title in _TITLE.findall(prose):
        assert laws.get(title, "no such law") in prose, title


@pytest.mark.parametrize("name", ["README", *CALCULATORS])
def test_every_link_of_a_page_leads_somewhere(name: str) -> None:
    for target in _LINK.findall(page(name)):
        assert (PAGES / target).exists(), target


def test_the_page_of_injuries_shows_the_subsidies_of_the_tables() -> None:
    told = {cells[0].strip("`"): cells for cells in rows(page("injury"), "| Region |")}
    packs = [pack for pack in map(region_pack, REGIONS) if len(pack.subsidy_rules) == len(Subsidy)]
    assert list(told) == [pack.region for pack in packs]
    for pack in packs:
        _, base, medical, employment, left, numbers, reduction = told[pack.region]
        for subsidy, shown in ((Subsidy.MEDICAL, medical), (Subsidy.EMPLOYMENT, employment)):
            cells = [pack.subsidy(subsidy, grade)[1] for grade in range(5, 11)]
            assert shown == "/".join(plain(cell.value or Decimal(0)) for cell in cells)
            assert {cell.status for cell in cells} == {numbers}
        assert (base == "fixed") is (pack.subsidy_rules[0].value is SubsidyBase.FIXED)
        known = [cell for cell in pack.tapers if cell.value is not None and cell.years_below >= 1]
        parts = list(dict.fromkeys(f"{plain((cell.value or Decimal(0)) * 100)}" for cell in known))
        assert f"{'/'.join(parts)} %" in left if parts else left == "not confirmed: nothing taken off"
        reduced = "both" if len({cell.subsidy for cell in known}) == len(Subsidy) else "employment"
        assert left.startswith(reduced if parts else "not")
        assert {cell.status for cell in pack.tapers} == {reduction}
        assert ("`resigned` only" in left) is (bool(known) and len(known[0].grounds) == 1)


def test_the_page_of_medical_periods_shows_the_scale_of_the_tables() -> None:
    told = [(int(cells[2]), int(cells[3])) for cells in rows(page("medical_period"), "| Years in all |")]
    assert told == [(int(cell.value or 0), cell.window) for cell in statutory().medical_periods]
