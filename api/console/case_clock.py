"""The responsibility clock of a case page: who had the ball, how long, and how late."""

from dataclasses import dataclass

from countersign.adapters.database.case_pages import CasePage
from countersign.domain.calendar import WorkCalendar
from countersign.domain.responsibility import NoClock, responsibility
from countersign.domain.responsibility_words import duration_words, explain, holder_words

_LEAST_MS = 60_000
"""What is shorter is the process on its way from one stage to the next."""


@dataclass(frozen=True)
class Share:
    """One holder's part. Lengths of bars are per cent of the longest holder's time."""

    holder: str
    elapsed: str
    counted: str
    late: str | None
    bar: float
    counted_bar: float
    late_bar: float


@dataclass(frozen=True)
class Clock:
    """The parts of all holders, and the table in sentences."""

    shares: tuple[Share, ...]
    sentences: tuple[str, ...]
    provisional: bool


def clock(case: CasePage, calendar: WorkCalendar, language: str) -> Clock | None:
    """Return the clock up to the case's present time; None for a chain that tells none."""
    as_of = None if case.row["state"] == "closed" else max(case.now, case.row["created_at"])
    try:
        table = responsibility(case.events, calendar, as_of)
    except NoClock:
        return None
    longest = max((spans.elapsed for spans in table.by_holder.values()), default=0) or 1
    shares = tuple(
        Share(
            holder=holder_words(holder, language),
            elapsed=_short(spans.elapsed, language),
            counted=_short(spans.counted, language),
            late=_short(spans.late, language) if spans.late else None,
            bar=_part(spans.elapsed, longest),
            counted_bar=_part(spans.counted, longest),
            late_bar=_part(spans.late, longest),
        )
        for holder, spans in table.by_holder.items()
        if spans.elapsed >= _LEAST_MS
    )
    return Clock(shares, tuple(explain(table, language)), table.provisional)


def _short(ms: int, language: str) -> str:
    """Return a duration by its two largest units."""
    return " ".join(duration_words(ms, language).split(" ")[:4])


def _part(ms: int, longest: int) -> float:
    return round(100 * ms / longest, 1)
