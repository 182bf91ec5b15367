"""The README's walk through one case, run as it stands."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from countersign.adapters.database.engine import Database
from countersign.adapters.database.tokens import Tokens
from countersign.adapters.real_clock import utc_now
from countersign.contracts.cases import Role
from countersign.embedded import Stack, StackSettings
from countersign.play import free_ports

ROOT = Path(__file__).parents[2]


@pytest.mark.stack
@pytest.mark.timeout(200)
def test_every_command_of_the_walk_through_works(tmp_path: Path) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)
    first = free_ports(6)
    script = "\n".join(block for block in blocks if not block.startswith("TOKEN="))
    script = script.replace(":8080", f":{first}").replace(":8081", f":{first + 1}")
    script = script.replace("uv run countersign", f"{sys.executable} -m countersign.cli")
    script = script.replace("docs/verify_bundle.py", str(ROOT / "docs" / "verify_bundle.py"))
    stack = Stack(StackSettings(tmp_path / "var", first, demo=True))
    try:
        stack.start()
        database = Database(stack.settings.url)
        token = Tokens(database, utc_now).create(Role.HR, None)
        database.close()
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "TOKEN": token, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
            check=False,
            timeout=120,
        )
    finally:
        stack.stop()
    assert done.returncode == 0, (done.stdout[-2000:], done.stderr[-2000:])
    assert "returns_on" in done.stdout
    assert '"ok": true' in done.stdout
    assert done.stdout.count("sound: case") == 2
    assert '"insurance_advance"' in done.stdout
