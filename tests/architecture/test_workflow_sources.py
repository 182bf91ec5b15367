"""Workflow code may not do what would give other commands on replay; only there, and said in words."""

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILTINS = {"open", "input", "breakpoint", "eval", "exec", "__import__"}
"""Builtins that reach outside or hide what is called. Ruff bans imports, and these are none."""


def refused(folder: Path) -> dict[str, str]:
    """Return what ruff refuses in a folder's workflows by the ban alone: name -> the reason it gives."""
    said = subprocess.run(
        [
            *(sys.executable, "-m", "ruff", "check", "--no-cache", "--select", "TID251"),
            *("--output-format", "json", str(folder / "workflows")),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode in {0, 1}, said.stderr
    found = {}
    for fault in json.loads(said.stdout):
        name, _, reason = fault["message"].partition(" is banned: ")
        found[name.strip("`")] = reason
    return found


def reaching_builtins(file: Path) -> list[str]:
    """Return the uses of builtins that a workflow may not have, as `<file>:<line> <name>`."""
    return [
        f"{file.name}:{node.lineno} {node.id}"
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Name) and node.id in BUILTINS
    ]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Return a house with the rules of ours and no workflow in it yet."""
    (tmp_path / "workflows").mkdir()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copy(ROOT / "workflows" / "ruff.toml", tmp_path / "workflows")
    return tmp_path


def test_our_workflows_do_nothing_that_is_banned() -> None:
    assert refused(ROOT) == {}
    for file in (ROOT / "workflows").rglob("*.py"):
        assert reaching_builtins(file) == []


PLANTED = [
    ("from datetime import datetime\nnow = datetime.now()", "datetime.datetime.now", "workflow.now()"),
    ("import datetime as dt\nday = dt.date.today()", "datetime.date.today", "workflow.now()"),
    ("from datetime import datetime\nnow = datetime.utcnow()", "datetime.datetime.utcnow", "workflow.now()"),
    ("import time\nnow = time.monotonic()", "time", "workflow.now()"),
    ("import asyncio\nasync def f():\n    await asyncio.sleep(1)", "asyncio.sleep", "Desk.sleep"),
    ("from asyncio import sleep", "asyncio.sleep", "Desk.sleep"),
    ("import asyncio\nasync def f(t):\n    await asyncio.wait_for(t, 1)", "asyncio.wait_for", "Desk.sleep"),
    ("import uuid\nnew = uuid.uuid4()", "uuid", "ids are made by activities"),
    ("from uuid import uuid4", "uuid", "ids are made by activities"),
    ("import random\nluck = random.random()", "random", "chance belongs to activities"),
    ("from secrets import token_hex", "secrets", "chance belongs to activities"),
    ("import os\nhome = os.environ['HOME']", "os", "does not see the machine"),
    ("from os import path", "os", "does not see the machine"),
    ("from pathlib import Path", "pathlib", "files belong to activities"),
    ("import io\nfile = io.open('x')", "io", "files belong to activities"),
    ("import subprocess", "subprocess", "does not see the machine"),
    (
        "from temporalio import workflow\nwith workflow.unsafe.imports_passed_through():\n    import uuid",
        "uuid",
        "ids are made by activities",
    ),
]


@pytest.mark.parametrize(
    ("planted", "name", "reason"), PLANTED, ids=[p.replace("\n", "; ") for p, *_ in PLANTED]
)
def test_a_planted_source_of_chance_is_refused_with_the_way_out(
    house: Path, planted: str, name: str, reason: str
) -> None:
    (house / "workflows" / "planted.py").write_text(planted + "\n")
    assert reason in refused(house)[name]


def test_the_ban_holds_in_workflows_only(house: Path) -> None:
    (house / "activities").mkdir()
    (house / "workflows" / "planted.py").write_text("import os\n")
    shutil.move(house / "workflows" / "planted.py", house / "activities" / "planted.py")
    said = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "--select", "TID251", "activities"],
        cwd=house,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stdout


@pytest.mark.parametrize("planted", ["text = open('x').read()", "say = input", "exec('import os')"])
def test_a_builtin_that_reaches_outside_is_seen_though_ruff_cannot_ban_it(
    tmp_path: Path, planted: str
) -> None:
    file = tmp_path / "planted.py"
    file.write_text(planted + "\n")
    assert len(reaching_builtins(file)) == 1
