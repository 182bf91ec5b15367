"""Break things on purpose and compare who says what: `python -m tests.chaos --help`."""

import argparse
import os
import secrets
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.chaos import (
    api_kills,
    callbacks,
    dropped_replies,
    ledger_kills,
    outage,
    probes,
    server_kills,
    worker_kills,
)
from tests.chaos.report import RESULTS, Finding, markdown, replay_command, table, write
from tests.chaos.run import Run

SCENARIOS: dict[str, Callable[[Run], Finding]] = {
    "worker_kills": worker_kills.play,
    "dropped_replies": dropped_replies.play,
    "callbacks": callbacks.play,
    "outage": outage.play,
    "api_kills": api_kills.play,
    "server_kills": server_kills.play,
    "probes": probes.play,
    "ledger_kills": ledger_kills.play,
}


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description="Kills real processes, breaks providers, and compares stand-ins, database and histories.",
    )
    parser.add_argument("--seed", type=int, help="the dice; without it a fresh seed, printed at the start")
    parser.add_argument("--scenario", nargs="+", action="extend", choices=sorted(SCENARIOS), metavar="NAME")
    parser.add_argument("--scale", type=float, default=1.0, help="1.0 is the full size, 0.02 is for trying")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep every scenario's data under DIR")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR", help="where the JSON goes")
    parser.add_argument("--table", action="store_true", help="print the kept results as Markdown and end")
    chosen = parser.parse_args(given)
    if not 0 < chosen.scale <= 10:
        parser.error("--scale: give a number above 0, at most 10")
    return chosen


def run_one(name: str, seed: int, scale: float, keep: Path | None) -> Finding:
    """Run a scenario; its data goes to `keep`, or away unless something is broken."""
    folder = keep / name if keep else Path(tempfile.mkdtemp(prefix=f"countersign-chaos-{name}-"))
    if keep and folder.exists():
        raise SystemExit(f"--keep: {folder} is there already; choose another folder")
    begun = time.monotonic()
    run = Run(name, folder, seed, scale)
    try:
        finding = SCENARIOS[name](run)
    except Exception as fault:
        traceback.print_exc()
        finding = run.found or run.finding("did not begin")
        finding.violations.append(f"the scenario itself failed: {type(fault).__name__}: {fault}")
    finding.seconds = round(time.monotonic() - begun, 1)
    if finding.sound and not keep:
        shutil.rmtree(folder, ignore_errors=True)
    elif not finding.sound:
        sys.stderr.write(f"{name}: the data is kept in {folder}\n")
    return finding


def main(given: Sequence[str]) -> int:
    """Return 0 when every invariant held, 1 when one is broken."""
    chosen = _arguments(given)
    if chosen.table:
        try:
            sys.stdout.write(markdown(chosen.results))
        except FileNotFoundError as missing:
            sys.stderr.write(f"{missing}\n")
            return 1
        return 0
    seed = chosen.seed if chosen.seed is not None else secrets.randbelow(1_000_000)
    sys.stderr.write(f"seed {seed}, scale {chosen.scale:g}\n")
    findings = []
    for name in chosen.scenario or SCENARIOS:
        sys.stderr.write(f"{name} …\n")
        finding = run_one(name, seed, chosen.scale, chosen.keep)
        write(finding, chosen.results)
        findings.append(finding)
    sys.stdout.write(table(findings))
    broken = [finding for finding in findings if not finding.sound]
    for finding in broken:
        sys.stdout.write(
            f"\nseed {finding.seed} breaks {finding.scenario}; again: {replay_command(finding)}\n"
        )
    return 1 if broken else 0


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # The Temporal SDK can crash in the interpreter's shutdown; the exit code is a contract.
    os._exit(code)
