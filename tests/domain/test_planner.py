"""The planner: worked examples around the Spring Festival of 2026, its edges, and its laws."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from countersign.domain.calendar import CalendarYear, WorkCalendar, load_shipped_calendar
from countersign.domain.planner import AudienceReach, Plan, Reach, next_opening, plan, wait_end
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

ZONE = "Asia/Shanghai"
CALENDAR = load_shipped_calendar()
WORKING_HOURS = SendingWindow(WindowDays.WORKING, time(9), time(18))
EVERY_DAY = SendingWindow(WindowDays.ALL, time(9), time(18))
BOTH = (Channel.SMS, Channel.EMAIL)
REACH = Reach(
    {
        Audience.EMPLOYEE: AudienceReach(BOTH, Channel.SMS),
        Audience.EMERGENCY_CONTACT: AudienceReach((Channel.SMS,)),
    },
    has_service_address=True,
    zone=ZONE,
)
NO_ADDRESSES = Reach({}, has_service_address=False, zone=ZONE)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00")


def rung(
    *channels: Channel,
    audience: Audience = Audience.EMPLOYEE,
    wait: int = 3,
    unit: WaitUnit = WaitUnit.WORKING_DAYS,
    name: str = "only",
) -> Rung:
    return Rung(name, audience, channels, Wait(wait, unit))


def plan_one(one: Rung, reach: Reach = REACH) -> Plan:
    return plan(LadderPolicy((one,)), CALENDAR, at("2026-03-02T10:00:00"), reach)


def codes(result: Plan) -> list[str]:
    return [warning.code.value for warning in result.warnings]


# Worked examples: 2026-02-14 and 02-28 are Saturdays at work, 02-15 to 02-23 is the Spring Festival.


@pytest.mark.parametrize(
    ("start", "wait", "end"),
    [
        ("2026-02-13T10:00:00", Wait(3, WaitUnit.WORKING_DAYS), "2026-02-25T10:00:00"),
        ("2026-02-13T10:00:00", Wait(1, WaitUnit.WORKING_DAYS), "2026-02-14T10:00:00"),
        ("2026-02-15T23:59:59", Wait(1, WaitUnit.WORKING_DAYS), "2026-02-24T23:59:59"),
        ("2026-02-27T08:30:00", Wait(1, WaitUnit.WORKING_DAYS), "2026-02-28T08:30:00"),
        ("2026-02-27T08:30:00", Wait(2, WaitUnit.WORKING_DAYS), "2026-03-02T08:30:00"),
        ("2026-02-13T10:00:00", Wait(3, WaitUnit.CALENDAR_DAYS), "2026-02-16T10:00:00"),
        ("2026-02-13T10:00:00", Wait(49, WaitUnit.HOURS), "2026-02-15T11:00:00"),
        ("2026-02-15T10:00:00.000001", Wait(0, WaitUnit.WORKING_DAYS), "2026-02-15T10:00:00.000001"),
        ("2026-02-15T10:00:00", Wait(0, WaitUnit.CALENDAR_DAYS), "2026-02-15T10:00:00"),
        ("2026-02-15T10:00:00", Wait(0, WaitUnit.HOURS), "2026-02-15T10:00:00"),
    ],
)
def test_a_wait_ends_where_the_calendar_says(start: str, wait: Wait, end: str) -> None:
    assert wait_end(at(start), wait, CALENDAR, ZONE) == (at(end), False)


@pytest.mark.parametrize(
    ("window", "instant", "opening"),
    [
        (WORKING_HOURS, "2026-02-14T08:59:59.999999", "2026-02-14T09:00:00"),
        (WORKING_HOURS, "2026-02-14T09:00:00", "2026-02-14T09:00:00"),
        (WORKING_HOURS, "2026-02-14T17:59:59.999999", "2026-02-14T17:59:59.999999"),
        (WORKING_HOURS, "2026-02-14T18:00:00", "2026-02-24T09:00:00"),
        (WORKING_HOURS, "2026-02-14T18:00:00.000001", "2026-02-24T09:00:00"),
        (WORKING_HOURS, "2026-02-18T12:00:00", "2026-02-24T09:00:00"),
        (WORKING_HOURS, "2026-02-28T12:00:00", "2026-02-28T12:00:00"),
        (WORKING_HOURS, "2026-03-01T00:00:00", "2026-03-02T09:00:00"),
        (EVERY_DAY, "2026-02-18T12:00:00", "2026-02-18T12:00:00"),
        (EVERY_DAY, "2026-02-18T03:00:00", "2026-02-18T09:00:00"),
        (EVERY_DAY, "2026-02-18T18:00:00", "2026-02-19T09:00:00"),
        (None, "2026-02-18T03:00:00", "2026-02-18T03:00:00"),
    ],
)
def test_a_step_outside_the_window_starts_when_it_next_opens(
    window: SendingWindow | None, instant: str, opening: str
) -> None:
    assert next_opening(at(instant), window, CALENDAR, ZONE) == (at(opening), False)


def test_a_whole_ladder_across_the_spring_festival() -> None:
    policy = LadderPolicy(
        (
            rung(Channel.PREFERRED, Channel.IN_SYSTEM, name="first_notice"),
            rung(*BOTH, wait=3, unit=WaitUnit.CALENDAR_DAYS, name="second_reminder"),
            rung(
                Channel.SMS,
                audience=Audience.EMERGENCY_CONTACT,
                wait=48,
                unit=WaitUnit.HOURS,
                name="emergency_contact",
            ),
            rung(Channel.COURIER, wait=5, name="paper_notice"),
            rung(Channel.IN_SYSTEM, audience=Audience.HR, wait=2, name="on_site_check"),
        ),
        WORKING_HOURS,
    )
    result = plan(policy, CALENDAR, at("2026-02-12T18:30:00"), REACH)
    assert [(step.rung, step.at, step.waits_until) for step in result.steps] == [
        # Thursday evening opens on Friday; Saturday 02-14 is the first day, then 02-24 and 02-25.
        ("first_notice", at("2026-02-13T09:00:00"), at("2026-02-25T09:00:00")),
        # Saturday 02-28 is at work, so the third rung starts on it.
        ("second_reminder", at("2026-02-25T09:00:00"), at("2026-02-28T09:00:00")),
        ("emergency_contact", at("2026-02-28T09:00:00"), at("2026-03-02T09:00:00")),
        ("paper_notice", at("2026-03-02T09:00:00"), at("2026-03-09T09:00:00")),
        ("on_site_check", at("2026-03-09T09:00:00"), at("2026-03-11T09:00:00")),
    ]
    assert result.exhausted_at == at("2026-03-11T09:00:00")
    assert result.steps[0].channels == (Channel.SMS, Channel.IN_SYSTEM)
    assert result.warnings == ()
    assert not result.provisional


def test_the_end_of_a_wait_stays_outside_the_window_and_only_the_next_step_moves() -> None:
    two = LadderPolicy(
        (
            rung(Channel.SMS, wait=10, unit=WaitUnit.HOURS, name="one"),
            rung(Channel.SMS, wait=0, unit=WaitUnit.HOURS, name="two"),
        ),
        WORKING_HOURS,
    )
    result = plan(two, CALENDAR, at("2026-02-14T17:00:00"), REACH)
    assert result.steps[0].waits_until == at("2026-02-15T03:00:00")
    assert result.steps[1].at == at("2026-02-24T09:00:00")
    assert result.exhausted_at == at("2026-02-24T09:00:00")


def test_times_are_local_whatever_offset_the_start_was_written_with() -> None:
    start = datetime(2026, 2, 13, 2, 0, tzinfo=UTC)
    result = plan(LadderPolicy((rung(Channel.SMS),)), CALENDAR, start, REACH)
    assert result.steps[0].at.isoformat() == "2026-02-13T10:00:00+08:00"
    assert result.exhausted_at.isoformat() == "2026-02-25T10:00:00+08:00"


def test_a_late_evening_in_utc_is_already_the_next_day_in_the_branch() -> None:
    # 20:00 UTC on Friday 02-13 is Saturday 02-14, 04:00, in Shanghai.
    start = datetime(2026, 2, 13, 20, 0, tzinfo=UTC)
    assert next_opening(start, WORKING_HOURS, CALENDAR, ZONE)[0] == at("2026-02-14T09:00:00")
    assert wait_end(start, Wait(1, WaitUnit.WORKING_DAYS), CALENDAR, ZONE)[0] == at("2026-02-24T04:00:00")


def test_hours_are_elapsed_and_days_keep_the_local_time_where_clocks_change() -> None:
    eve = datetime(2026, 3, 28, 12, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    by_hours, _ = wait_end(eve, Wait(24, WaitUnit.HOURS), CALENDAR, "Europe/Berlin")
    by_days, _ = wait_end(eve, Wait(1, WaitUnit.CALENDAR_DAYS), CALENDAR, "Europe/Berlin")
    assert by_hours.isoformat() == "2026-03-29T13:00:00+02:00"
    assert by_days.isoformat() == "2026-03-29T12:00:00+02:00"


# Reach.


def test_preferred_is_the_channel_the_employee_prefers() -> None:
    reach = Reach({Audience.EMPLOYEE: AudienceReach(BOTH, Channel.EMAIL)}, False, ZONE)
    assert plan_one(rung(Channel.PREFERRED), reach).steps[0].channels == (Channel.EMAIL,)


@pytest.mark.parametrize(
    ("channels", "preferred", "expected"),
    [
        (BOTH, None, Channel.SMS),
        ((Channel.EMAIL,), None, Channel.EMAIL),
        ((Channel.EMAIL,), Channel.SMS, Channel.EMAIL),
        ((), Channel.EMAIL, Channel.IN_SYSTEM),
        ((), None, Channel.IN_SYSTEM),
        (BOTH, Channel.COURIER, Channel.COURIER),
    ],
)
def test_without_a_usable_preference_the_first_of_sms_email_and_in_system_is_taken(
    channels: tuple[Channel, ...], preferred: Channel | None, expected: Channel
) -> None:
    reach = Reach({Audience.EMPLOYEE: AudienceReach(channels, preferred)}, True, ZONE)
    result = plan_one(rung(Channel.PREFERRED), reach)
    assert result.steps[0].channels == (expected,)
    assert result.warnings == ()


def test_for_others_preferred_is_still_the_preference_of_the_employee() -> None:
    reach = Reach(
        {
            Audience.EMPLOYEE: AudienceReach(BOTH, Channel.EMAIL),
            Audience.MANAGER: AudienceReach(BOTH, Channel.SMS),
            Audience.EMERGENCY_CONTACT: AudienceReach((Channel.SMS,)),
        },
        False,
        ZONE,
    )
    assert plan_one(rung(Channel.PREFERRED, audience=Audience.MANAGER), reach).steps[0].channels == (
        Channel.EMAIL,
    )
    # The emergency contact has no e-mail address, so the order of fallback decides.
    assert plan_one(rung(Channel.PREFERRED, audience=Audience.EMERGENCY_CONTACT), reach).steps[
        0
    ].channels == (Channel.SMS,)


@pytest.mark.parametrize("audience", list(Audience))
@pytest.mark.parametrize("channel", [channel for channel in Channel if channel is not Channel.PREFERRED])
def test_without_any_address_the_audience_alone_decides(audience: Audience, channel: Channel) -> None:
    reached = channel is Channel.IN_SYSTEM and audience is not Audience.EMERGENCY_CONTACT
    if channel in (Channel.COURIER, Channel.VISIT, Channel.PUBLIC_NOTICE):
        reached = audience is Audience.EMPLOYEE
    [step] = plan_one(rung(channel, audience=audience), NO_ADDRESSES).steps
    assert step.channels == ((channel,) if reached else ())


def test_an_emergency_contact_is_never_reached_in_the_system() -> None:
    listed = Reach({Audience.EMERGENCY_CONTACT: AudienceReach((Channel.IN_SYSTEM,))}, False, ZONE)
    result = plan_one(rung(Channel.IN_SYSTEM, Channel.PREFERRED, audience=Audience.EMERGENCY_CONTACT), listed)
    assert result.steps[0].channels == ()
    assert codes(result) == ["unreachable_channel", "unreachable_channel", "empty_rung"]


def test_a_channel_that_cannot_reach_is_dropped_with_one_warning_and_the_order_is_kept() -> None:
    reach = Reach({Audience.EMPLOYEE: AudienceReach((Channel.EMAIL,))}, False, ZONE)
    result = plan_one(rung(Channel.IN_SYSTEM, Channel.SMS, Channel.EMAIL, Channel.SMS), reach)
    assert result.steps[0].channels == (Channel.IN_SYSTEM, Channel.EMAIL)
    assert [warning.message for warning in result.warnings] == [
        'rung "only": sms cannot reach employee and is left out'
    ]


def test_a_channel_named_twice_counts_once_also_when_preferred_turns_into_it() -> None:
    result = plan_one(rung(Channel.EMAIL, Channel.PREFERRED, Channel.SMS, Channel.EMAIL))
    assert result.steps[0].channels == (Channel.EMAIL, Channel.SMS)
    assert result.warnings == ()


def test_courier_and_visit_without_a_service_address_stay_with_one_warning() -> None:
    result = plan_one(rung(Channel.COURIER, Channel.VISIT), NO_ADDRESSES)
    assert result.steps[0].channels == (Channel.COURIER, Channel.VISIT)
    assert codes(result) == ["no_service_address"]
    assert codes(plan_one(rung(Channel.PUBLIC_NOTICE), NO_ADDRESSES)) == []
    assert codes(plan_one(rung(Channel.COURIER))) == []


def test_an_empty_rung_keeps_its_place_and_does_not_wait() -> None:
    policy = LadderPolicy(
        (
            rung(Channel.SMS, audience=Audience.EMERGENCY_CONTACT, wait=48, unit=WaitUnit.HOURS, name="kin"),
            rung(Channel.IN_SYSTEM, audience=Audience.HR, wait=1, name="hr"),
        ),
        WORKING_HOURS,
    )
    result = plan(policy, CALENDAR, at("2026-02-12T20:00:00"), NO_ADDRESSES)
    kin, hr = result.steps
    assert kin.channels == ()
    assert kin.at == kin.waits_until == hr.at == at("2026-02-13T09:00:00")
    assert hr.waits_until == at("2026-02-14T09:00:00")
    assert codes(result) == ["unreachable_channel", "empty_rung"]


# Provisional dates.


@pytest.mark.parametrize(
    ("start", "wait", "provisional"),
    [
        ("2026-12-30T10:00:00", Wait(1, WaitUnit.WORKING_DAYS), False),
        ("2026-12-30T10:00:00", Wait(2, WaitUnit.WORKING_DAYS), True),
        ("2026-12-30T10:00:00", Wait(1, WaitUnit.CALENDAR_DAYS), False),
        ("2026-12-30T10:00:00", Wait(2, WaitUnit.CALENDAR_DAYS), True),
        ("2026-12-31T10:00:00", Wait(13, WaitUnit.HOURS), False),
        ("2026-12-31T10:00:00", Wait(14, WaitUnit.HOURS), True),
    ],
)
def test_a_wait_that_reaches_an_unpublished_year_is_provisional(
    start: str, wait: Wait, provisional: bool
) -> None:
    assert wait_end(at(start), wait, CALENDAR, ZONE)[1] is provisional
    policy = LadderPolicy((Rung("only", Audience.HR, (Channel.IN_SYSTEM,), wait),))
    result = plan(policy, CALENDAR, at(start), REACH)
    assert result.provisional is provisional
    assert codes(result) == (["provisional_calendar"] if provisional else [])


def test_the_warning_names_the_unpublished_year_once() -> None:
    policy = LadderPolicy((rung(Channel.SMS, name="one"), rung(Channel.SMS, name="two")))
    result = plan(policy, CALENDAR, at("2026-12-31T10:00:00"), REACH)
    [warning] = result.warnings
    assert "2027" in warning.message


def test_a_start_in_an_unpublished_year_is_provisional_even_for_an_empty_rung() -> None:
    assert plan(
        LadderPolicy((rung(Channel.SMS),)), CALENDAR, at("2027-03-01T10:00:00"), NO_ADDRESSES
    ).provisional


def test_a_window_that_skips_a_day_of_an_unpublished_year_is_provisional() -> None:
    # 2003-12-31 is unpublished and after hours; the window opens in 2004, which is published.
    evening = at("2003-12-31T20:00:00")
    assert next_opening(evening, WORKING_HOURS, CALENDAR, ZONE) == (at("2004-01-02T09:00:00"), True)
    # Where every day counts, no calendar was asked.
    assert next_opening(evening, EVERY_DAY, CALENDAR, ZONE) == (at("2004-01-01T09:00:00"), False)


def test_a_hole_between_published_years_is_named() -> None:
    with_2028 = CALENDAR.with_year(CalendarYear(2028, (), (), "test"))
    result = plan(LadderPolicy((rung(Channel.SMS, wait=300),)), with_2028, at("2026-12-31T10:00:00"), REACH)
    assert result.exhausted_at.year == 2028
    assert result.provisional
    assert "2027" in result.warnings[0].message


# Refusals.


def test_a_start_without_offset_is_refused() -> None:
    naive = at("2026-02-13T10:00:00").replace(tzinfo=None)
    with pytest.raises(ValueError, match="offset"):
        plan(LadderPolicy((rung(Channel.SMS),)), CALENDAR, naive, REACH)


@pytest.mark.parametrize("unit", list(WaitUnit))
def test_a_ladder_that_outlives_the_calendar_of_python_is_refused_by_name(unit: WaitUnit) -> None:
    with pytest.raises(ValueError, match='rung "only" ends after the year 9999'):
        plan(
            LadderPolicy((rung(Channel.SMS, wait=100_000_000, unit=unit),)),
            WorkCalendar(),
            at("9990-01-01T10:00:00"),
            REACH,
        )


def test_a_start_outside_the_years_of_python_is_refused() -> None:
    last = datetime.max.replace(tzinfo=timezone(timedelta(hours=-12)))
    with pytest.raises(ValueError, match="years 1 to 9999"):
        plan(LadderPolicy((rung(Channel.SMS),)), CALENDAR, last, REACH)


def test_impossible_waits_and_windows_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        Wait(-1, WaitUnit.HOURS)
    for opens, closes in ((time(18), time(9)), (time(9), time(9))):
        with pytest.raises(ValueError, match="open before it closes"):
            SendingWindow(WindowDays.ALL, opens, closes)
    with pytest.raises(ValueError, match="no offset"):
        SendingWindow(WindowDays.ALL, time(9, tzinfo=UTC), time(18, tzinfo=UTC))
    with pytest.raises(ValidationError, match="negative"):
        TypeAdapter(Wait).validate_json('{"value": -1, "unit": "hours"}')


# Laws.

WAITS = st.one_of(
    st.builds(Wait, st.integers(0, 200), st.just(WaitUnit.HOURS)),
    st.builds(Wait, st.integers(0, 20), st.just(WaitUnit.CALENDAR_DAYS)),
    st.builds(Wait, st.integers(0, 12), st.just(WaitUnit.WORKING_DAYS)),
)
RUNGS = st.builds(
    Rung,
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(Audience),
    st.lists(st.sampled_from(Channel), max_size=4).map(tuple),
    WAITS,
)
TIMES = st.times().map(lambda clock: clock.replace(tzinfo=None))
WINDOWS = st.builds(
    lambda days, clocks: SendingWindow(days, *sorted(clocks)),
    st.sampled_from(WindowDays),
    st.lists(TIMES, min_size=2, max_size=2, unique=True),
)
POLICIES = st.builds(LadderPolicy, st.lists(RUNGS, max_size=6).map(tuple), st.none() | WINDOWS)
STARTS = st.datetimes(
    datetime(2025, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    datetime(2027, 6, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, ZoneInfo(ZONE), timezone(timedelta(hours=-11))]),
)
REACHES = st.builds(
    Reach,
    st.dictionaries(
        st.sampled_from(Audience),
        st.builds(
            AudienceReach,
            st.lists(st.sampled_from(BOTH), unique=True).map(tuple),
            st.none() | st.sampled_from([channel for channel in Channel if channel is not Channel.PREFERRED]),
        ),
    ),
    st.booleans(),
    st.just(ZONE),
)


@settings(max_examples=200)
@given(POLICIES, STARTS, REACHES)
def test_planning_the_rest_from_the_end_of_any_step_gives_the_rest_of_the_plan(
    policy: LadderPolicy, start: datetime, reach: Reach
) -> None:
    whole = plan(policy, CALENDAR, start, reach)
    for done, step in enumerate(whole.steps, start=1):
        rest = plan(replace(policy, rungs=policy.rungs[done:]), CALENDAR, step.waits_until, reach)
        assert rest.steps == whole.steps[done:]
        assert rest.exhausted_at == whole.exhausted_at
        assert set(rest.warnings) <= set(whole.warnings)


@settings(max_examples=200)
@given(POLICIES, STARTS, REACHES)
def test_every_plan_keeps_the_rules(policy: LadderPolicy, start: datetime, reach: Reach) -> None:
    result = plan(policy, CALENDAR, start, reach)
    assert len(result.steps) == len(policy.rungs)
    earliest = start
    for rung_, step in zip(policy.rungs, result.steps, strict=True):
        assert step.at == next_opening(earliest, policy.sending_window, CALENDAR, ZONE)[0]
        waited = wait_end(step.at, rung_.wait, CALENDAR, ZONE)[0] if step.channels else step.at
        assert step.waits_until == waited
        assert len(set(step.channels)) == len(step.channels)
        assert Channel.PREFERRED not in step.channels
        assert all(reach.reaches(step.audience, channel) for channel in step.channels)
        assert step.at.utcoffset() == step.waits_until.utcoffset() == timedelta(hours=8)
        earliest = step.waits_until
    assert result.exhausted_at == earliest
    assert result.provisional == any(w.code.value == "provisional_calendar" for w in result.warnings)
    touches_2027 = any(max(step.at, step.waits_until).year > 2026 for step in result.steps)
    assert result.provisional == touches_2027


def is_open(instant: datetime, window: SendingWindow) -> bool:
    local = instant.astimezone(ZoneInfo(ZONE))
    works = window.days is WindowDays.ALL or CALENDAR.is_working_day(local.date())
    return works and window.opens <= local.time() < window.closes


@settings(max_examples=200)
@given(STARTS, WINDOWS, st.floats(0, 1, exclude_max=True))
def test_a_window_opens_at_the_first_moment_that_is_open(
    instant: datetime, window: SendingWindow, fraction: float
) -> None:
    opening, _ = next_opening(instant, window, CALENDAR, ZONE)
    assert opening >= instant
    assert is_open(opening, window)
    assert next_opening(opening, window, CALENDAR, ZONE)[0] == opening
    if opening > instant:
        assert not is_open(opening - timedelta(microseconds=1), window)
        between = instant + (opening - instant) * fraction
        assert between == opening or not is_open(between, window)


@given(POLICIES, STARTS, REACHES)
def test_policies_reaches_and_plans_travel_as_json(
    policy: LadderPolicy, start: datetime, reach: Reach
) -> None:
    result = plan(policy, CALENDAR, start, reach)
    for kind, value in ((LadderPolicy, policy), (Reach, reach), (Plan, result)):
        adapter = TypeAdapter(kind)
        assert adapter.validate_json(adapter.dump_json(value)) == value
