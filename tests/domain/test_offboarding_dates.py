"""When a leaver is reminded: moved into the sending window, never after the last day, overdue when late."""

from dataclasses import replace
from datetime import date, time
from zoneinfo import ZoneInfo

import pytest

from countersign.domain.calendar import load_shipped_calendar
from countersign.domain.offboarding import (
    OffboardingPolicy,
    last_day_over,
    overdue_reminders,
    reminders,
)
from countersign.domain.policy import (
    Audience,
    Channel,
    LadderPolicy,
    Rung,
    SendingWindow,
    Wait,
    WaitUnit,
    WindowDays,
)
from tests.support.story import at

ZONE = "Asia/Shanghai"
CALENDAR = load_shipped_calendar()
RUNG = Rung("first_notice", Audience.EMPLOYEE, (Channel.SMS,), Wait(1, WaitUnit.WORKING_DAYS))
WINDOW = SendingWindow(WindowDays.WORKING, time(9), time(18))
POLICY = OffboardingPolicy("p", LadderPolicy((RUNG,), WINDOW))
LAST_DAY = date(2026, 4, 15)


def told(policy: OffboardingPolicy = POLICY, last_day: date = LAST_DAY) -> dict[str, object]:
    return {one.step: one.at for one in reminders(last_day, policy, CALENDAR, ZONE)}


def test_reminders_leave_on_their_days_at_the_opening() -> None:
    assert told() == {
        "reminder_30": at("03-16 09:00"),
        "reminder_14": at("04-01 09:00"),
        "reminder_7": at("04-08 09:00"),
        # The 12th is a Sunday.
        "reminder_3": at("04-13 09:00"),
    }


def test_without_a_window_they_leave_at_nine_on_any_day() -> None:
    assert told(replace(POLICY, ladder=LadderPolicy((RUNG,))))["reminder_3"] == at("04-12 09:00")


def test_a_reminder_that_days_off_push_behind_the_last_day_is_left_out() -> None:
    # The whole week before belongs to the National Day: the next opening is the 8th.
    assert "reminder_3" not in told(last_day=date(2026, 10, 6))
    assert "reminder_7" in told(last_day=date(2026, 10, 6))


def test_a_day_that_is_named_twice_is_one_reminder() -> None:
    assert list(told(replace(POLICY, remind_days=(3, 7, 3)))) == ["reminder_7", "reminder_3"]


def test_what_had_passed_at_the_start_is_overdue_and_nothing_else() -> None:
    def overdue(now: str) -> list[str]:
        return [one.step for one in overdue_reminders(LAST_DAY, POLICY, CALENDAR, ZONE, at(now))]

    assert overdue("03-16 09:00") == []
    assert overdue("03-16 09:01") == ["reminder_30"]
    assert overdue("04-08 10:00") == ["reminder_30", "reminder_14", "reminder_7"]


@pytest.mark.parametrize("zone", [ZONE, "Europe/Berlin"])
def test_a_last_day_is_over_at_its_midnight_where_the_branch_lies(zone: str) -> None:
    over = last_day_over(LAST_DAY, zone)
    assert (over.date(), over.time(), over.tzinfo) == (date(2026, 4, 16), time(0), ZoneInfo(zone))
