"""The wheel holds the whole product and runs where there is no checkout."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]

ROOT = Path(__file__).parents[2]
PORTS = 6
"""How many ports in a row the embedded stack takes."""

CASE = """
kind: leave_return
region: beijing
start: 2026-02-13T10:00:00+08:00
employee: {id: E1042, name: 张伟, phone: "+8613800138000", email: zw@example.com, preferred_channel: sms}
policy:
  sending_window: {days: working, from: "09:00", to: "18:00"}
  rungs:
    - {name: first_notice, audience: employee, channels: [preferred], wait: {value: 3, unit: working_days}}
    - {name: paper_notice, audience: employee, channels: [courier], wait: {value: 5, unit: working_days}}
"""

MUST_HOLD = [
    "worker.py",
    "workflows/leave_return.py",
    "activities/notices.py",
    "api/app.py",
    "templates/notices/leave_return/zh-CN/first_notice.sms",
    "templates/fonts/NotoSansCJKsc-Subset.otf",
    "templates/fonts/OFL.txt",
    "templates/paper/notice.typ",
    "templates/people/notice.html",
    "templates/locales/zh_CN/LC_MESSAGES/messages.po",
    "countersign/regions/calendar.yaml",
    "countersign/regions/statutory.yaml",
    "countersign/regions/beijing.yaml",
    "countersign/policies/leave_return_standard.yaml",
    "countersign/adapters/database/migrations/env.py",
    "countersign/adapters/database/migrations/script.py.mako",
    "countersign/adapters/java/At.java",
]
TOP_LEVEL = {"countersign", "workflows", "activities", "api", "templates", "worker.py"}


def uv(*arguments: str | Path, cwd: Path = ROOT) -> None:
    """Run uv, from its cache if that suffices, else with the network."""
    program = shutil.which("uv") or str(ROOT / "var" / "tools" / "bin" / "uv")
    first, *rest = map(str, arguments)
    for more in (["--offline"], []):
        done = subprocess.run(
            [program, first, *rest, "--quiet", *more],
            cwd=cwd,
            capture_output=True,
            text=True,
            env=elsewhere(),
            check=False,
        )
        if done.returncode == 0:
            return
    pytest.fail(f"uv {first} failed: {done.stderr}")


def elsewhere() -> dict[str, str]:
    """Return the environment without anything that leads back to the checkout or to another stack."""
    leads_back = ("VIRTUAL_ENV", "PYTHONPATH", "PYTEST", "COUNTERSIGN_", "TEMPORAL_ADDRESS", "UV_")
    return {name: value for name, value in os.environ.items() if not name.startswith(leads_back)}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    uv("build", "--wheel", "--out-dir", folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the `bin` folder of an environment that holds the wheel and its locked dependencies alone."""
    folder = tmp_path_factory.mktemp("installed")
    locked = folder / "pylock.toml"
    uv("export", "--frozen", "--no-dev", "--no-emit-project", "--format", "pylock.toml", "-o", locked)
    uv("venv", folder / "venv", "--python", sys.executable)
    python = folder / "venv" / "bin" / "python"
    uv("pip", "install", "--python", python, "-r", locked)
    uv("pip", "install", "--python", python, "--no-deps", wheel)
    return python.parent


@pytest.fixture
def run(installed: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def call(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [installed / program, *arguments],
            cwd=tmp_path,
            env=elsewhere(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return call


def test_the_wheel_holds_code_texts_and_tables_and_no_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert set(MUST_HOLD) - names == set()
    top = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert top == TOP_LEVEL
    assert [name for name in names if "__pycache__" in name or name.endswith((".db", ".pyc"))] == []


def test_every_file_of_the_packages_that_git_keeps_is_in_the_wheel(wheel: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    kept = subprocess.run(
        ["git", "ls-files", "-z", *sorted(TOP_LEVEL)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    tracked = {name for name in kept.stdout.split("\0") if name and (ROOT / name).exists()}
    assert tracked - set(zipfile.ZipFile(wheel).namelist()) == set()


def test_the_command_explains_itself_away_from_the_checkout(run: Callable[..., object]) -> None:
    where = run("python", "-c", "import countersign, worker; print(countersign.__file__, worker.__file__)")
    assert isinstance(where, subprocess.CompletedProcess)
    assert str(ROOT) not in where.stdout
    assert "site-packages" in where.stdout
    helped = run("countersign", "--help")
    assert isinstance(helped, subprocess.CompletedProcess)
    assert helped.returncode == 0, helped.stderr
    for command in ("up", "plan", "import", "evidence", "doctor"):
        assert command in helped.stdout


def test_a_plan_needs_nothing_but_the_wheel(run: Callable[..., object], tmp_path: Path) -> None:
    (tmp_path / "case.yaml").write_text(CASE, "utf-8")
    planned = run("countersign", "plan", "--case", "case.yaml")
    assert isinstance(planned, subprocess.CompletedProcess)
    assert planned.returncode == 0, planned.stderr
    steps = json.loads(planned.stdout)["steps"]
    assert [step["at"] for step in steps] == ["2026-02-13T10:00:00+08:00", "2026-02-25T10:00:00+08:00"]


def free_ports() -> int:
    """Return the first of some free ports in a row."""
    for first in range(21_000 + os.getpid() % 4_000, 60_000, PORTS):
        with ExitStack() as held:
            try:
                for port in range(first, first + PORTS):
                    probe = held.enter_context(closing(socket.socket()))
                    probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise AssertionError("no free ports")


@pytest.fixture
def stack(installed: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Yield `countersign up` as it starts, with the file that holds what it writes to standard output."""
    said = tmp_path / "said.txt"
    with said.open("w") as out, (tmp_path / "progress.txt").open("w") as progress:
        command = [str(installed / "countersign"), "up", "--port", str(free_ports()), "--data-dir", "data"]
        process = subprocess.Popen(
            command, cwd=tmp_path, env=elsewhere(), stdout=out, stderr=progress, text=True
        )
    try:
        yield process, said
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def test_the_stack_comes_up_from_the_wheel_and_ctrl_c_ends_it_cleanly(
    stack: tuple[subprocess.Popen[str], Path], tmp_path: Path
) -> None:
    process, said = stack
    deadline = time.monotonic() + 300
    while "Ctrl-C" not in said.read_text("utf-8"):
        progress = (tmp_path / "progress.txt").read_text("utf-8")
        assert process.poll() is None, f"it ended with {process.returncode}: {progress}"
        assert time.monotonic() < deadline, f"it did not come up: {progress}"
        time.sleep(0.2)
    block = said.read_text("utf-8")
    for line in ("API documentation", "Outbox", "Temporal Web UI", str(tmp_path / "data")):
        assert line in block
    process.send_signal(signal.SIGINT)
    assert process.wait(90) in {0, 130}
    progress = (tmp_path / "progress.txt").read_text("utf-8")
    assert "Traceback" not in progress
    # Its children are gone too: whoever starts again on the same directory is not refused.
    assert _children_of(tmp_path / "data") == []


def _children_of(data_dir: Path) -> list[str]:
    """Return the command lines of running processes that name the data directory."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if str(data_dir) in line:
            found.append(line)
    return found
