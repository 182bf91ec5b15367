"""Two ways to do one thing, timed in turns in one process: machines and their moods cancel out."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Ratio:
    """What was measured: runs a second of ours and of the bare code, medians over the rounds."""

    name: str
    rounds: int
    ours: float
    bare: float
    note: str = ""

    @property
    def times(self) -> float:
        """How many times longer ours takes."""
        return self.bare / self.ours


def in_turns(
    name: str, ours: Callable[[], int], bare: Callable[[], int], *, rounds: int = 7, note: str = ""
) -> Ratio:
    """Time both in turns; each callable does its work and returns how many results it made."""
    speeds: dict[str, list[float]] = {"ours": [], "bare": []}
    ours(), bare()  # tables are read and caches are filled once, as in a running process
    for _ in range(rounds):
        for which, work in (("ours", ours), ("bare", bare)):
            begun = time.perf_counter()
            made = work()
            speeds[which].append(made / (time.perf_counter() - begun))
    return Ratio(name, rounds, median(speeds["ours"]), median(speeds["bare"]), note)
