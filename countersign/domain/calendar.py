"""The working-day calendar of mainland China, published year by year by the State Council.

A year without a published paper counts Monday to Friday as working days, and every date that rests on
such a year is provisional. The paper of a year can also move the last days of the December before it:
those days belong into the table of that December's own year.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, cached_property
from importlib.resources import files

_DAY = timedelta(days=1)
_SATURDAY = 5


@dataclass(frozen=True)
class CalendarYear:
    """One published year: days off, make-up working days, and the paper that says so.

    `off` may name weekend days too; weekend days that are in neither list are off. Raises `ValueError`
    for a day of another year and for a day that is both off and at work.
    """

    year: int
    off: tuple[date, ...]
    work: tuple[date, ...]
    paper: str

    def __post_init__(self) -> None:
        """Refuse days that contradict the year or each other."""
        for day in (*self.off, *self.work):
            if day.year != self.year:
                raise ValueError(f"{day} does not belong to the calendar of {self.year}")
        both = sorted(set(self.off) & set(self.work))
        if both:
            raise ValueError(f"{both[0]} is named both as a day off and as a working day")


@dataclass(frozen=True)
class WorkCalendar:
    """The published years in ascending order, each at most once (`ValueError` otherwise).

    A plain value: it travels in workflow inputs and compares by its years alone.
    """

    years: tuple[CalendarYear, ...] = ()

    def __post_init__(self) -> None:
        """Keep one order, so that equal calendars are equal values."""
        numbers = [entry.year for entry in self.years]
        if numbers != sorted(set(numbers)):
            raise ValueError("the years of a calendar must ascend and stand once each")

    # A cached property is no dataclass field: it stays out of equality, hash and serialisation.
    @cached_property
    def _exceptions(self) -> dict[int, dict[date, bool]]:
        return {
            entry.year: dict.fromkeys(entry.off, False) | dict.fromkeys(entry.work, True)
            for entry in self.years
        }

    def is_published(self, day: date) -> bool:
        """Say whether the calendar of the day's year is known."""
        return day.year in self._exceptions

    def is_working_day(self, day: date) -> bool:
        """Say whether people work on that day; in an unpublished year, whether it is Monday to Friday."""
        exception = self._exceptions.get(day.year, {}).get(day)
        return day.weekday() < _SATURDAY if exception is None else exception

    def unpublished_years(self, first: date, last: date) -> tuple[int, ...]:
        """List the years without a calendar that the days from first to last, both included, touch."""
        return tuple(year for year in range(first.year, last.year + 1) if year not in self._exceptions)

    def add_working_days(self, day: date, count: int) -> tuple[date, bool]:
        """Find the count-th working day after `day`, and whether it is provisional.

        Provisional means that the result or a day passed on the way to it lies in an unpublished year.
        Counts and raises as `working_term_end` does.
        """
        end, unpublished = self.working_term_end(day, count)
        return end, bool(unpublished)

    def working_term_end(self, day: date, count: int) -> tuple[date, tuple[int, ...]]:
        """Find the count-th working day after `day`, and the unpublished years that it rests on.

        `day` itself is not counted; 0 gives `day`, working or not. Raises `ValueError` for a negative
        count and `OverflowError` beyond the year 9999.
        """
        if count < 0:
            raise ValueError("the number of working days is negative")
        if count == 0:
            return day, self.unpublished_years(day, day)
        end = day
        for _ in range(count):
            end = self.next_working_day_after(end)
        return end, self.unpublished_years(day + _DAY, end)

    def next_working_day_after(self, day: date) -> date:
        """Find the first working day after `day`."""
        following = day + _DAY
        while not self.is_working_day(following):
            following += _DAY
        return following

    def last_working_day_on_or_before(self, day: date) -> date:
        """Find the last working day that is not after `day`."""
        while not self.is_working_day(day):
            day -= _DAY
        return day

    def slice(self, first_year: int, last_year: int) -> "WorkCalendar":
        """Keep the published years from first to last, both included: enough for one workflow input."""
        return WorkCalendar(tuple(entry for entry in self.years if first_year <= entry.year <= last_year))

    def with_year(self, published: CalendarYear) -> "WorkCalendar":
        """Add a published year, or replace the one that is there."""
        others = [entry for entry in self.years if entry.year != published.year]
        return WorkCalendar(tuple(sorted([*others, published], key=lambda entry: entry.year)))


@cache
def load_shipped_calendar() -> WorkCalendar:
    """Read the calendar that ships with the product (packaged data, read once per process)."""
    # Workflows import this module afresh for every run, and none of them reads YAML.
    from countersign.domain.yaml_text import load_text

    source = "regions/calendar.yaml"
    table = load_text(files("countersign.regions").joinpath("calendar.yaml").read_text("utf-8"), source)
    return WorkCalendar(
        tuple(
            CalendarYear(
                year=year,
                off=_dates(entry["off_days"]),
                work=_dates(entry["work_days"]),
                paper=entry["paper"],
            )
            for year, entry in sorted(table.items())
        )
    )


def _dates(texts: Iterable[str]) -> tuple[date, ...]:
    return tuple(date.fromisoformat(text) for text in texts)
