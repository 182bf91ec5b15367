"""The clocks at the end of an employment, and what its certificate says."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.calendar import load_shipped_calendar
from countersign.domain.certificate import NEUTRAL, Tenure, tenure
from countersign.domain.departure import DutyKind, Ground
from countersign.domain.duties import (
    BASIS,
    DAYS_AFTER,
    alarm_at,
    due_on,
    ends_on,
    instant_of_the_end,
    overdue_from,
)

ZONE = "Asia/Shanghai"
END = date(2026, 3, 31)
CALENDAR = load_shipped_calendar()
TRANSFERS = (DutyKind.SOCIAL_INSURANCE, DutyKind.FILE_TRANSFER, DutyKind.UNEMPLOYMENT_LIST)


def _local(day: date, hour: int = 0) -> datetime:
    return datetime.combine(day, time(hour), ZoneInfo(ZONE))


def test_certificate_and_wages_are_due_on_the_day_and_the_transfers_fifteen_days_later() -> None:
    assert due_on(DutyKind.CERTIFICATE, END) == due_on(DutyKind.WAGES, END) == END
    assert {due_on(kind, END) for kind in TRANSFERS} == {date(2026, 4, 15)}
    assert set(DAYS_AFTER) == set(BASIS) == set(DutyKind)


def test_a_notice_that_arrives_after_the_planned_day_moves_the_end() -> None:
    assert ends_on(END, None) == END
    assert ends_on(END, END - timedelta(days=9)) == END
    assert ends_on(END, END + timedelta(days=9)) == date(2026, 4, 9)


def test_the_certificate_is_issued_at_its_hour_of_the_last_day() -> None:
    assert instant_of_the_end(END, time(9), ZONE) == _local(END, 9)


def test_a_duty_is_late_once_its_last_day_is_over() -> None:
    assert overdue_from(END, ZONE) == _local(date(2026, 4, 1))


def test_what_is_due_in_a_holiday_is_urgent_on_the_last_working_day_before() -> None:
    # 2026-05-01 to 05-05 is a holiday; the due day itself is not moved.
    due = date(2026, 5, 4)
    assert alarm_at(DutyKind.SOCIAL_INSURANCE, due, CALENDAR, ZONE) == _local(date(2026, 4, 30), 9)


@pytest.mark.parametrize("kind", [DutyKind.CERTIFICATE, DutyKind.WAGES])
def test_what_is_due_at_once_is_never_urgent_before_it_is_late(kind: DutyKind) -> None:
    assert alarm_at(kind, END, CALENDAR, ZONE) == overdue_from(END, ZONE)


@pytest.mark.parametrize(
    ("hired", "ended", "expected"),
    [
        (date(2024, 1, 1), date(2024, 12, 31), Tenure(1, 0, 0)),
        (date(2024, 1, 2), date(2026, 3, 31), Tenure(2, 2, 30)),
        (date(2026, 3, 31), date(2026, 3, 31), Tenure(0, 0, 1)),
        (date(2024, 1, 31), date(2024, 2, 28), Tenure(0, 0, 29)),
        (date(2024, 1, 31), date(2024, 2, 29), Tenure(0, 1, 0)),
        (date(2023, 12, 31), date(2024, 2, 29), Tenure(0, 2, 0)),
        (date(2020, 2, 29), date(2025, 2, 28), Tenure(5, 0, 0)),
    ],
)
def test_the_years_of_service_count_both_the_first_and_the_last_day(
    hired: date, ended: date, expected: Tenure
) -> None:
    assert tenure(hired, ended) == expected


@given(st.dates(date(1980, 1, 1), date(2030, 1, 1)), st.integers(0, 20_000))
def test_one_day_more_of_work_is_never_less_service(hired: date, days: int) -> None:
    first, second = (tenure(hired, hired + timedelta(days=more)) for more in (days, days + 1))
    assert (first.years, first.months, first.days) < (second.years, second.months, second.days)
    assert 0 <= first.months < 12
    assert 0 <= first.days < 31


def test_an_end_before_the_beginning_is_refused() -> None:
    with pytest.raises(ValueError, match="before it began"):
        tenure(END, END - timedelta(days=1))


@pytest.mark.parametrize("ground", list(Ground))
def test_no_certificate_blames_anybody(ground: Ground) -> None:
    for words in NEUTRAL[ground]:
        assert not any(
            bad in words for bad in ("过错", "违纪", "旷工", "三十九", "三十八", "39", "38", "fault")
        )
    assert NEUTRAL[ground][0].endswith("终止" if ground is Ground.EXPIRY else "解除")
