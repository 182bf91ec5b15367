"""What an employment is in truth, and when calling it suspended is an alarm."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from countersign.domain.departure import EmploymentState, Ground
from countersign.domain.employment import (
    EmploymentFacts,
    PlannedEnd,
    SuspendedWhy,
    TrueState,
    has_left,
    suspended_alarm,
    true_state,
)

HIRED, LAST = date(2024, 1, 2), date(2026, 3, 31)
BEFORE, AFTER = LAST - timedelta(days=1), LAST + timedelta(days=1)
ACTIVE = EmploymentFacts(HIRED)
AGREED = replace(ACTIVE, planned=PlannedEnd(LAST, Ground.RESIGNATION))
DISMISSED = replace(ACTIVE, planned=PlannedEnd(LAST, Ground.WORKER_FAULT, needs_notice=True))


def _served(on: date) -> EmploymentFacts:
    return replace(ACTIVE, planned=PlannedEnd(LAST, Ground.WORKER_FAULT, True, on))


def test_an_employment_runs_until_the_day_before_its_end_and_is_ended_from_then_on() -> None:
    assert true_state(AGREED, BEFORE) == TrueState(EmploymentState.ACTIVE, HIRED, None, LAST)
    for day in (LAST, AFTER):
        assert true_state(AGREED, day) == TrueState(EmploymentState.ENDED, LAST, Ground.RESIGNATION)


def test_somebody_has_left_from_the_day_of_the_end_on() -> None:
    assert [has_left(LAST, day) for day in (BEFORE, LAST, AFTER)] == [False, True, True]
    assert not has_left(None, AFTER)


def test_a_dismissal_ends_nothing_before_its_notice_is_delivered() -> None:
    assert true_state(DISMISSED, AFTER).state is EmploymentState.ACTIVE
    assert true_state(_served(BEFORE), BEFORE).state is EmploymentState.ACTIVE
    assert true_state(_served(BEFORE), LAST).since == LAST


def test_a_notice_that_arrives_late_moves_the_end_to_its_day() -> None:
    late = AFTER + timedelta(days=5)
    assert true_state(_served(late), AFTER) == TrueState(EmploymentState.ACTIVE, HIRED, None, late)
    assert true_state(_served(late), late).since == late


def test_the_end_in_the_books_counts_over_every_plan() -> None:
    facts = replace(DISMISSED, ended_on=BEFORE, ground=Ground.WORKER_FAULT)
    assert true_state(facts, LAST) == TrueState(EmploymentState.ENDED, BEFORE, Ground.WORKER_FAULT)


@pytest.mark.parametrize("said", list(EmploymentState))
def test_what_a_system_says_never_ends_an_employment(said: EmploymentState) -> None:
    found = true_state(replace(ACTIVE, says=said, suspended_since=HIRED), AFTER)
    assert found.state not in (EmploymentState.ENDED, EmploymentState.SUSPENDED)
    assert found.called_suspended_since == HIRED


def test_absence_and_a_leave_are_told_as_such() -> None:
    assert true_state(replace(ACTIVE, says=EmploymentState.ABSENT), LAST).state is EmploymentState.ABSENT
    on_leave = replace(ACTIVE, says=EmploymentState.ABSENT, leave_since=BEFORE)
    assert true_state(on_leave, LAST) == TrueState(EmploymentState.ON_LEAVE, BEFORE)


@pytest.mark.parametrize(("days", "alarm"), [(0, None), (7, None), (8, SuspendedWhy.TOO_LONG)])
def test_suspended_for_more_days_than_set_is_an_alarm(days: int, alarm: SuspendedWhy | None) -> None:
    facts = replace(ACTIVE, suspended_since=LAST - timedelta(days=days))
    assert suspended_alarm(facts, LAST, after_days=7) is alarm


def test_suspended_after_a_delivered_notice_is_an_alarm_at_once() -> None:
    facts = replace(_served(BEFORE - timedelta(days=1)), suspended_since=BEFORE)
    assert suspended_alarm(facts, BEFORE, after_days=7) is SuspendedWhy.NOTICE_DELIVERED
    to_come = replace(_served(AFTER), suspended_since=BEFORE)
    assert suspended_alarm(to_come, BEFORE, after_days=7) is None


def test_suspended_after_the_end_is_an_alarm_at_once() -> None:
    assert suspended_alarm(replace(AGREED, suspended_since=LAST), LAST, 7) is SuspendedWhy.ENDED


def test_nobody_says_suspended_and_nothing_is_wrong() -> None:
    assert suspended_alarm(AGREED, AFTER, after_days=7) is None
