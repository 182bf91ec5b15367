"""The working-day calendar against three independent tables."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import chinese_calendar
import holidays
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from countersign.domain.calendar import CalendarYear, WorkCalendar, load_shipped_calendar

SHIPPED = load_shipped_calendar()
STATUTORY = Path(__file__).parents[3] / "shared" / "policy" / "statutory.yaml"
PUBLISHED_DAYS = st.dates(date(2004, 1, 1), date(2026, 11, 30))


def days_of(first_year: int, last_year: int) -> Iterator[date]:
    day = date(first_year, 1, 1)
    while day.year <= last_year:
        yield day
        day += timedelta(days=1)


def test_every_day_from_2004_to_2026_agrees_with_chinesecalendar() -> None:
    days = list(days_of(2004, 2026))
    assert len(days) == 8401
    assert [day for day in days if SHIPPED.is_working_day(day) != chinese_calendar.is_workday(day)] == []


def test_every_day_from_2019_to_2026_agrees_with_holidays() -> None:
    china = holidays.country_holidays("CN", years=range(2019, 2027))
    differing = [
        day for day in days_of(2019, 2026) if SHIPPED.is_working_day(day) != china.is_working_day(day)
    ]
    assert differing == []


@pytest.mark.parametrize("year", [2025, 2026])
def test_the_tables_of_2025_and_2026_are_those_of_the_notices(year: int) -> None:
    if not STATUTORY.exists():
        pytest.skip("the table of statutory facts is not beside the checkout")
    table = yaml.safe_load(STATUTORY.read_text("utf-8"))["holidays"][year]
    shipped = next(entry for entry in SHIPPED.years if entry.year == year)
    assert list(shipped.off) == table["off_days"]
    assert list(shipped.work) == table["work_days"]
    assert shipped.paper == table["paper"]


@pytest.mark.parametrize("year", [2025, 2026])
def test_the_years_2025_and_2026_have_248_working_days(year: int) -> None:
    assert sum(SHIPPED.is_working_day(day) for day in days_of(year, year)) == 248


def test_the_extended_spring_festival_of_2020_is_off() -> None:
    assert not SHIPPED.is_working_day(date(2020, 1, 31))
    assert SHIPPED.is_working_day(date(2020, 2, 3))


def test_the_shipped_years_are_2004_to_2026_and_each_names_its_paper() -> None:
    assert [entry.year for entry in SHIPPED.years] == list(range(2004, 2027))
    assert all(entry.paper for entry in SHIPPED.years)


def test_in_an_unpublished_year_monday_to_friday_count_even_on_new_year() -> None:
    assert not SHIPPED.is_published(date(2027, 1, 1))
    assert SHIPPED.is_published(date(2026, 12, 31))
    assert SHIPPED.is_working_day(date(2027, 1, 1))
    assert not SHIPPED.is_working_day(date(2027, 1, 2))


@pytest.mark.parametrize(
    ("day", "count", "end", "provisional"),
    [
        (date(2026, 2, 13), 0, date(2026, 2, 13), False),
        (date(2026, 2, 13), 1, date(2026, 2, 14), False),
        (date(2026, 2, 13), 2, date(2026, 2, 24), False),
        (date(2026, 2, 27), 1, date(2026, 2, 28), False),
        (date(2026, 2, 15), 0, date(2026, 2, 15), False),
        (date(2026, 12, 30), 1, date(2026, 12, 31), False),
        (date(2026, 12, 31), 1, date(2027, 1, 1), True),
        (date(2027, 1, 4), 0, date(2027, 1, 4), True),
        # The first day is not counted, so its own year does not matter …
        (date(2003, 12, 31), 1, date(2004, 1, 2), False),
        # … but a counted day in an unpublished year does.
        (date(2003, 12, 30), 2, date(2004, 1, 2), True),
    ],
)
def test_working_days_are_counted_from_the_day_after(
    day: date, count: int, end: date, provisional: bool
) -> None:
    assert SHIPPED.add_working_days(day, count) == (end, provisional)


def test_an_unpublished_year_between_two_published_ones_makes_the_result_provisional() -> None:
    with_2028 = SHIPPED.with_year(CalendarYear(2028, (), (), "test"))
    end, provisional = with_2028.add_working_days(date(2026, 12, 31), 300)
    assert end.year == 2028
    assert provisional


def test_a_negative_number_of_working_days_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        SHIPPED.add_working_days(date(2026, 1, 1), -1)


@given(PUBLISHED_DAYS, st.integers(1, 20))
def test_exactly_as_many_working_days_follow_as_were_asked_for(day: date, count: int) -> None:
    end, _ = SHIPPED.add_working_days(day, count)
    passed = [day + timedelta(days=n) for n in range(1, (end - day).days + 1)]
    assert sum(SHIPPED.is_working_day(one) for one in passed) == count
    assert SHIPPED.is_working_day(end)


@given(PUBLISHED_DAYS)
def test_the_neighbouring_working_days_have_no_working_day_between(day: date) -> None:
    after = SHIPPED.next_working_day_after(day)
    before = SHIPPED.last_working_day_on_or_before(day)
    assert before <= day < after
    assert SHIPPED.is_working_day(before)
    assert SHIPPED.is_working_day(after)
    between = [before + timedelta(days=n) for n in range(1, (after - before).days)]
    assert not any(SHIPPED.is_working_day(one) for one in between)


def test_a_slice_keeps_the_years_between_its_ends() -> None:
    assert [entry.year for entry in SHIPPED.slice(2025, 2027).years] == [2025, 2026]
    assert SHIPPED.slice(2030, 2031) == WorkCalendar()


def test_importing_a_year_makes_it_published_and_importing_it_again_replaces_it() -> None:
    first = SHIPPED.with_year(CalendarYear(2027, (date(2027, 1, 1),), (date(2027, 1, 3),), "first"))
    assert not first.is_working_day(date(2027, 1, 1))
    assert first.is_working_day(date(2027, 1, 3))
    second = first.with_year(CalendarYear(2027, (), (), "second"))
    assert second.is_working_day(date(2027, 1, 1))
    assert [entry.year for entry in second.years] == list(range(2004, 2028))
    assert not SHIPPED.is_published(date(2027, 1, 1))


def test_a_calendar_travels_as_json_and_its_lookup_stays_at_home() -> None:
    adapter = TypeAdapter(WorkCalendar)
    used, fresh = SHIPPED.slice(2025, 2026), SHIPPED.slice(2025, 2026)
    assert used.is_working_day(date(2026, 2, 14))
    assert used == fresh
    assert hash(used) == hash(fresh)
    assert adapter.dump_json(used) == adapter.dump_json(fresh)
    arrived = adapter.validate_json(adapter.dump_json(used))
    assert arrived == fresh
    assert arrived.is_working_day(date(2026, 2, 14))
    assert list(adapter.dump_python(used)) == ["years"]


@pytest.mark.parametrize(
    ("off", "work", "reason"),
    [
        ((date(2025, 12, 31),), (), "2025-12-31 does not belong to the calendar of 2026"),
        ((), (date(2027, 1, 2),), "2027-01-02 does not belong"),
        ((date(2026, 1, 2),), (date(2026, 1, 2),), "both as a day off and as a working day"),
    ],
)
def test_a_contradictory_year_is_refused(off: tuple[date, ...], work: tuple[date, ...], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        CalendarYear(2026, off, work, "test")


def test_years_out_of_order_or_doubled_are_refused_also_from_json() -> None:
    year = CalendarYear(2026, (), (), "test")
    with pytest.raises(ValueError, match="ascend"):
        WorkCalendar((year, year))
    entries = ", ".join(
        f'{{"year": {number}, "off": [], "work": [], "paper": ""}}' for number in (2026, 2025)
    )
    with pytest.raises(ValidationError, match="ascend"):
        TypeAdapter(WorkCalendar).validate_json(f'{{"years": [{entries}]}}')
