"""Run every benchmark, print the table, keep the figures: `python -m bench [NAME …] [--count N]`."""

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from bench import first_screen, handover, injury, paper
from bench.ratio import Ratio

BENCHES: dict[str, Callable[..., Ratio]] = {
    "injury": injury.measure,
    "paper": paper.measure,
    "first_screen": first_screen.measure,
    "handover": handover.measure,
}
RESULTS = Path(__file__).parent / "results"


def main(arguments: list[str]) -> int:
    """Print one row a benchmark; nothing is asserted, a slow machine fails nobody."""
    asked = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    asked.add_argument("names", nargs="*", metavar="NAME")
    asked.add_argument("--count", type=int, help="how many each one does, instead of its own number")
    wish = asked.parse_args(arguments)
    names, count = wish.names, [] if wish.count is None else [wish.count]
    unknown = sorted(set(names) - set(BENCHES))
    if unknown:
        print(f"{unknown[0]}: no such benchmark; known: {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    RESULTS.mkdir(exist_ok=True)
    print("| Measured | Ours | Bare | Ours takes | |\n|---|---|---|---|---|")
    for name in names or BENCHES:
        found = BENCHES[name](*count)
        print(
            f"| {found.name} | {found.ours:,.0f} | {found.bare:,.0f} | {found.times:.1f} × | {found.note} |"
        )
        kept = asdict(found) | {
            "times": round(found.times, 2),
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        }
        (RESULTS / f"bench-{name}.json").write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
