"""Imports point inward, workflow code reaches no I/O, and a leak planted anywhere is named."""

import ast
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("countersign", "workflows", "activities", "api")
DATA_PACKAGES = {"policies", "regions"}
"""Packages that hold data files only and may be read from anywhere."""

INWARD = "imports point inward"
NO_IO = "workflow code reaches no I/O, even transitively"
ONLY_EMBEDDED = "only the embedded stack starts the stand-ins"
APART = "the stand-ins know nothing of the processes"


def lint_imports(folder: Path) -> str:
    """Return what lint-imports says of the packages in a folder, on one page."""
    code = "import sys; from importlinter.cli import lint_imports_command as lint; sys.exit(lint())"
    said = subprocess.run(
        [sys.executable, "-c", code, "--no-cache", "--no-logo"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode in {0, 1}, said.stderr
    return said.stdout


def contracts() -> list[dict[str, object]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    found: list[dict[str, object]] = settings["tool"]["importlinter"]["contracts"]
    return found


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the packages in which a leak can be planted."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_contract_is_kept() -> None:
    said = lint_imports(ROOT)
    assert [f"{contract['name']} KEPT" in said for contract in contracts()] == [True] * 4, said


LEAKS = [
    ("countersign/domain/planner.py", "import sqlmodel", {NO_IO}),
    ("countersign/contracts/cases.py", "from httpx2 import Client", {NO_IO}),
    ("countersign/ports.py", "import twilio.rest", {NO_IO}),
    ("activities/notices.py", "from countersign.adapters.smtp import SmtpMailer", {INWARD, NO_IO}),
    ("workflows/desk.py", "from countersign.settings import Settings", {INWARD, NO_IO}),
    ("workflows/ladder.py", "import aiosmtplib", {NO_IO}),
    ("countersign/adapters/dispatch.py", "from api.app import create_app", {INWARD}),
    ("countersign/domain/clock.py", "from countersign.contracts.cases import Role", {INWARD}),
    ("countersign/contracts/cases.py", "from countersign.ports import SmsSender", {INWARD}),
    ("countersign/retries.py", "from countersign.ids import new_id", {INWARD}),
    ("activities/cases.py", "import workflows.ladder", {INWARD}),
    ("countersign/bootstrap.py", "from countersign.sandbox.server import sandbox", {INWARD, ONLY_EMBEDDED}),
    ("api/hooks.py", "from countersign.sandbox.faults import FaultBoard", {ONLY_EMBEDDED}),
    ("countersign/sandbox/server.py", "from workflows.sandbox import runner", {APART}),
]


@pytest.mark.parametrize(("module", "leak", "broken"), LEAKS, ids=[f"{m}: {x}" for m, x, _ in LEAKS])
def test_a_planted_leak_breaks_the_contract_that_forbids_it(
    copy: Path, module: str, leak: str, broken: set[str]
) -> None:
    file = copy / module
    file.write_text(f"{file.read_text('utf-8')}\n{leak}\n", "utf-8")
    said = lint_imports(copy)
    names = {str(contract["name"]) for contract in contracts()}
    assert {name for name in names if f"{name} BROKEN" in said} == broken, said


def test_a_leak_is_found_behind_an_innocent_looking_module(copy: Path) -> None:
    (copy / "countersign" / "domain" / "innocent.py").write_text("import sqlalchemy\n")
    planner = copy / "countersign" / "domain" / "planner.py"
    planner.write_text(f"{planner.read_text('utf-8')}\nfrom countersign.domain import innocent\n", "utf-8")
    said = lint_imports(copy)
    assert "countersign.domain.innocent -> sqlalchemy" in said


def test_every_module_of_the_product_has_a_layer() -> None:
    layers = next(contract["layers"] for contract in contracts() if contract["name"] == INWARD)
    assert isinstance(layers, list)
    placed = {name.strip() for layer in layers for name in layer.split("|")}
    found = {f"countersign.{path.stem}" for path in (ROOT / "countersign").glob("*.py")}
    found |= {f"countersign.{path.parent.name}" for path in (ROOT / "countersign").glob("*/__init__.py")}
    found -= {"countersign.__init__"} | {f"countersign.{name}" for name in DATA_PACKAGES}
    assert found | {"api", "workflows", "activities"} == placed


def imports_of(file: Path) -> Iterator[str]:
    """Yield the dotted names that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file.name}: write imports in full"
            yield node.module or ""


PURE_TABLES = {("case_file.py", "phonenumbers")}
"""Imports beyond the rule, one by one: tables of numbering plans, no I/O, and no workflow reaches them."""


def test_the_domain_knows_the_standard_library_pydantic_and_yaml_only() -> None:
    allowed = sys.stdlib_module_names | {"pydantic", "yaml"}
    strangers = {
        (file.name, name)
        for file in (ROOT / "countersign" / "domain").rglob("*.py")
        for name in imports_of(file)
        if name.partition(".")[0] not in allowed and not name.startswith("countersign.domain")
    }
    assert strangers == PURE_TABLES


def test_data_packages_hold_no_code() -> None:
    for name in DATA_PACKAGES:
        assert [file.name for file in (ROOT / "countersign" / name).rglob("*.py")] == ["__init__.py"]
        assert list(imports_of(ROOT / "countersign" / name / "__init__.py")) == []


def test_the_worker_is_short_and_joins_only_workflows_to_the_bootstrap() -> None:
    worker = ROOT / "worker.py"
    assert len(worker.read_text("utf-8").splitlines()) < 40
    for name in imports_of(worker):
        first = name.partition(".")[0]
        ours = first in {"workflows", "activities"} or name == "countersign.bootstrap"
        assert ours or first == "temporalio" or first in sys.stdlib_module_names, name
