"""What a run tells: a table on the screen, a JSON file per scenario, and the table of the documentation."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[2] / "bench" / "results"
_MOST_SHOWN = 20


@dataclass
class Finding:
    """The end of one scenario: what was done, figures by name in order, violations in words."""

    scenario: str
    did: str
    figures: dict[str, int | float | str] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    seed: int = 0
    scale: float = 1.0
    seconds: float = 0.0
    cores: int = field(default_factory=lambda: os.cpu_count() or 1)

    @property
    def sound(self) -> bool:
        """Say whether every invariant held."""
        return not self.violations


def write(finding: Finding, folder: Path) -> Path:
    """Keep a finding as `chaos-<scenario>.json`; return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"chaos-{finding.scenario}.json"
    file.write_text(json.dumps(asdict(finding), ensure_ascii=False, indent=2) + "\n", "utf-8")
    return file


def table(findings: Iterable[Finding]) -> str:
    """Return the table for the screen: a block per scenario, figures one a line, then the violations."""
    lines = []
    for one in findings:
        lines += ["", f"{one.scenario}  ({one.seconds:.0f} s)", f"  {one.did}"]
        width = max((len(name) for name in one.figures), default=0)
        lines += [f"  {name:<{width}}  {value}" for name, value in one.figures.items()]
        if one.sound:
            lines.append("  every invariant held")
        else:
            lines.append(f"  BROKEN: {len(one.violations)} violations")
            lines += [f"    {sentence}" for sentence in one.violations[:_MOST_SHOWN]]
            if len(one.violations) > _MOST_SHOWN:
                lines.append(f"    and {len(one.violations) - _MOST_SHOWN} more in the JSON file")
    return "\n".join([*lines, ""])


def replay_command(finding: Finding) -> str:
    """Return the command that runs a scenario again with the same dice."""
    return (
        f"uv run --no-sync python -m tests.chaos --scenario {finding.scenario} "
        f"--seed {finding.seed} --scale {finding.scale:g}"
    )


def markdown(folder: Path) -> str:
    """Return the results kept in `folder` as a Markdown table; raises `FileNotFoundError` without any."""
    found = [_read(file) for file in sorted(folder.glob("chaos-*.json"))]
    if not found:
        raise FileNotFoundError(f"{folder.name}: holds no chaos-*.json; run `make chaos` first")
    lines = ["| Scenario | What was done | Figures | Invariants | Run |", "|---|---|---|---|---|"]
    for one in found:
        figures = "; ".join(f"{name} {value}" for name, value in one.figures.items())
        held = "all held" if one.sound else f"**{len(one.violations)} violations**"
        run = f"seed {one.seed}, scale {one.scale:g}, {one.cores} cores, {one.seconds:.0f} s"
        lines.append(f"| `{one.scenario}` | {one.did} | {figures} | {held} | {run} |")
    return "\n".join(lines) + "\n"


def _read(file: Path) -> Finding:
    kept: Mapping[str, Any] = json.loads(file.read_text("utf-8"))
    return Finding(**kept)
