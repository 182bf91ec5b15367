"""The responsibility clock on chains written by hand: each rule with dates that a calendar can be held to."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.contracts.acknowledgement import AcknowledgementStage
from countersign.contracts.leave_return import Stage
from countersign.domain import responsibility as module
from countersign.domain.calendar import load_shipped_calendar
from countersign.domain.chain_words import STAGES
from countersign.domain.courier import WAIT_ENDINGS
from countersign.domain.evidence import GENESIS, Event, EventKind, make_event
from countersign.domain.responsibility import (
    NoClock,
    ResponsibilityTable,
    Spans,
    Stretch,
    Why,
    responsibility,
)
from countersign.domain.responsibility_words import explain
from tests.support.story import at
from workflows import bringing

CALENDAR = load_shipped_calendar()
HOUR, DAY = 3_600_000, 86_400_000
K = EventKind
Told = tuple[str, EventKind, Mapping[str, Any]]


def chain(*told: Told) -> list[Event]:
    """Return a chain of `(time, kind, body)` that begins with the start of a case."""
    events: list[Event] = []
    for when, kind, body in told:
        before = events[-1].hash if events else GENESIS
        event, _ = make_event(before, len(events) + 1, at(when), kind, {"role": "machine"}, body, bytes)
        events.append(event)
    return events


def started(when: str) -> Told:
    return when, K.CASE_STARTED, {"case": "01CASE", "process": "leave_return"}


def ball(when: str, holder: str | None, stage: str, due: str | None = None) -> Told:
    return when, K.BALL_PASSED, {"holder": holder, "stage": stage, "due_at": due and at(due).isoformat()}


def reached(when: str, step: str, waits_until: str) -> Told:
    ends = at(waits_until).isoformat(timespec="seconds")
    return when, K.RUNG_REACHED, {"step": step, "waits_until": ends}


def moved(when: str, step: str, waits_until: str) -> Told:
    change = {"step": step, "new_waits_until": at(waits_until).isoformat(timespec="seconds")}
    return when, K.PLAN_CHANGED, {"changes": [change]}


def closed(when: str, outcome: str = "back") -> Told:
    return when, K.CASE_CLOSED, {"outcome": outcome}


def table_of(*told: Told, as_of: str | None = None) -> ResponsibilityTable:
    return responsibility(chain(*told), CALENDAR, at(as_of) if as_of else None)


def of_step(table: ResponsibilityTable, step: str, stage: str = "ladder") -> Stretch:
    (found,) = [one for one in table.stretches if (one.step, one.stage) == (step, stage)]
    return found


def test_a_holiday_between_does_not_count_and_is_no_lateness_on_working_days() -> None:
    table = table_of(
        started("02-12 09:00"),
        ball("02-12 09:00", "hr", "extension_review", "02-14 09:00"),
        closed("02-25 09:00"),
    )
    (review,) = table.stretches
    assert (review.holder, review.deadline) == ("hr", at("02-14 09:00"))
    # Nine days off from the 15th to the 23rd; the 14th, a Saturday, is a working day of that year.
    assert review.spans == Spans(13 * DAY, 0, 9 * DAY, 4 * DAY, 11 * DAY, 2 * DAY)


def test_a_pause_across_a_weekend_is_suspended_time_and_moves_the_deadline() -> None:
    table = table_of(
        started("03-05 09:00"),
        ball("03-05 09:00", "hr", "objection_review", "03-09 09:00"),
        ("03-06 21:00", K.CASE_PAUSED, {}),
        ("03-09 21:00", K.CASE_RESUMED, {}),
        closed("03-12 10:00"),
    )
    (review,) = table.stretches
    (pause,) = review.suspensions
    assert (pause.why, pause.since, pause.until) == (Why.PAUSED, at("03-06 21:00"), at("03-09 21:00"))
    # Three days of pause: due on the 12th at nine instead of the 9th. The weekend lies in it, counted once.
    assert review.deadline == at("03-12 09:00")
    assert review.spans == Spans(7 * DAY + HOUR, 3 * DAY, 0, 4 * DAY + HOUR, HOUR, HOUR)


def test_a_deadline_that_the_process_moved_after_a_pause_is_not_moved_twice() -> None:
    table = table_of(
        started("03-02 09:00"),
        ball("03-02 09:00", "employee", "ladder"),
        reached("03-02 09:00", "first_notice", "03-05 09:00"),
        ball("03-02 09:00", "employee", "ladder", "03-05 09:00"),
        ("03-03 09:00", K.CASE_PAUSED, {}),
        ("03-04 09:00", K.CASE_RESUMED, {}),
        moved("03-04 09:00", "first_notice", "03-06 09:00"),
        ball("03-04 09:00", "employee", "ladder", "03-06 09:00"),
        closed("03-06 11:00"),
    )
    notice = of_step(table, "first_notice")
    assert (notice.deadline, notice.moved_from) == (at("03-06 09:00"), (at("03-05 09:00"),))
    assert (notice.spans.suspended, notice.spans.late) == (DAY, 2 * HOUR)


def test_a_stop_of_sending_suspends_until_the_first_message_leaves() -> None:
    held = {"delivery": "d1", "because": "sending_stopped"}
    table = table_of(
        started("03-02 09:00"),
        ball("03-02 09:00", "employee", "ladder", "03-02 10:00"),
        reached("03-02 10:00", "first_notice", "03-05 10:00"),
        ("03-02 10:00", K.NOTICE_NOTHING_SENT, held),
        ("03-02 10:00", K.NOTICE_NOTHING_SENT, held | {"delivery": "d2"}),
        ("03-02 16:00", K.DELIVERY_SENDING, {"delivery": "d2"}),
        moved("03-02 16:30", "first_notice", "03-05 16:00"),
        ball("03-02 16:30", "employee", "ladder", "03-05 16:00"),
        # What a later stop holds back is another channel: the message is with the recipient.
        ("03-03 10:00", K.NOTICE_NOTHING_SENT, held),
        closed("03-05 15:00"),
    )
    notice = of_step(table, "first_notice")
    assert [(s.why, s.since, s.until) for s in notice.suspensions] == [
        (Why.SENDING_STOPPED, at("03-02 10:00"), at("03-02 16:00"))
    ]
    assert (notice.deadline, notice.spans.late) == (at("03-05 16:00"), 0)


def test_hr_posts_the_letter_late_and_the_employee_is_not_blamed_for_it() -> None:
    table = table_of(
        started("03-02 09:00"),
        ball("03-02 09:00", "employee", "ladder", "03-02 09:00"),
        reached("03-02 09:00", "paper_notice", "03-09 09:00"),
        ball("03-02 09:00", "hr", "posting_due", "03-04 09:00"),
        moved("03-10 09:00", "paper_notice", "03-17 09:00"),
        ball("03-10 09:00", "employee", "ladder", "03-17 09:00"),
        closed("03-13 09:00"),
    )
    posting, wait = of_step(table, "paper_notice", "posting_due"), of_step(table, "paper_notice")
    assert (posting.holder, posting.spans.late, posting.spans.late_counted) == ("hr", 6 * DAY, 4 * DAY)
    assert (wait.holder, wait.deadline, wait.spans.late) == ("employee", at("03-17 09:00"), 0)
    assert [(who, spans.elapsed) for who, spans in table.by_holder.items()] == [
        ("hr", 8 * DAY),
        ("employee", 3 * DAY),
    ]


def test_a_letter_that_was_put_off_is_due_when_it_was_put_off_to() -> None:
    table = table_of(
        started("03-02 09:00"),
        reached("03-02 09:00", "paper_notice", "03-09 09:00"),
        ball("03-02 09:00", "hr", "posting_due", "03-04 09:00"),
        ("03-03 09:00", K.RUNG_SNOOZED, {"step": "paper_notice", "until": at("03-12 09:00").isoformat()}),
        ball("03-10 09:00", "employee", "ladder"),
        closed("03-13 09:00"),
    )
    posting = [one for one in table.stretches if one.stage == "posting_due"]
    assert [(one.deadline, one.spans.late) for one in posting] == [(at("03-12 09:00"), 0)]


def test_silence_after_the_end_of_a_wait_is_late_until_the_next_step_asks_again() -> None:
    table = table_of(
        started("03-02 09:00"),
        ball("03-02 09:00", "employee", "ladder", "03-02 09:00"),
        reached("03-02 09:00", "first_notice", "03-05 20:00"),
        ball("03-02 09:00", "employee", "ladder", "03-05 20:00"),
        # From here on the due time is when the next step comes; it is nobody's deadline.
        ball("03-05 20:00", "employee", "ladder", "03-06 09:00"),
        reached("03-06 09:00", "second_reminder", "03-09 09:00"),
        ball("03-06 09:00", "employee", "ladder", "03-09 09:00"),
        closed("03-07 09:00"),
    )
    first, second = of_step(table, "first_notice"), of_step(table, "second_reminder")
    assert (first.deadline, first.until, first.spans.late) == (
        at("03-05 20:00"),
        at("03-06 09:00"),
        13 * HOUR,
    )
    assert (second.deadline, second.spans.late) == (at("03-09 09:00"), 0)


@pytest.mark.parametrize(
    "over",
    [
        (K.RUNG_SKIPPED, {"step": "first_notice"}),
        (K.RUNG_JUMPED, {"step": "second_reminder"}),
        (K.NOTICE_NOTHING_SENT, {"step": "first_notice", "because": "no channel accepted the message"}),
    ],
    ids=lambda over: str(over[0]),
)
def test_a_step_that_is_taken_back_sets_no_deadline_any_more(over: tuple[EventKind, dict[str, Any]]) -> None:
    table = table_of(
        started("03-02 09:00"),
        ball("03-02 09:00", "employee", "ladder", "03-02 09:00"),
        reached("03-02 09:00", "first_notice", "03-04 09:00"),
        ball("03-02 09:00", "employee", "ladder", "03-04 09:00"),
        ("03-03 09:00", *over),
        ball("03-03 09:00", "employee", "ladder", "03-04 09:00"),
        reached("03-06 09:00", "second_reminder", "03-09 09:00"),
        ball("03-06 09:00", "employee", "ladder", "03-09 09:00"),
        closed("03-07 09:00"),
    )
    between = [one for one in table.stretches if one.step is None]
    assert [(one.since, one.until, one.deadline) for one in between] == [
        (at("03-03 09:00"), at("03-06 09:00"), None)
    ]
    assert table.total.late == 0


@pytest.mark.parametrize("because", sorted(module.REACHED_NOBODY))
def test_a_message_that_reached_nobody_sets_no_deadline_and_nobody_is_late(because: str) -> None:
    ended = {"changes": [{"step": "first_notice", "new_waits_until": at("03-03 09:00").isoformat()}]}
    table = table_of(
        started("03-02 09:00"),
        ball("03-02 09:00", "employee", "ladder", "03-02 09:00"),
        reached("03-02 09:00", "first_notice", "03-04 09:00"),
        ball("03-02 09:00", "employee", "ladder", "03-04 09:00"),
        ("03-03 09:00", K.PLAN_CHANGED, ended | {"because": because}),
        # The process shows the instant at which the wait was ended as its due time.
        ball("03-03 09:00", "employee", "ladder", "03-03 09:00"),
        reached("03-05 09:00", "second_reminder", "03-09 09:00"),
        ball("03-05 09:00", "employee", "ladder", "03-09 09:00"),
        closed("03-06 09:00"),
    )
    told = [(one.step, one.deadline, one.moved_from) for one in table.stretches]
    assert told == [
        ("first_notice", None, (at("03-04 09:00"),)),
        (None, None, ()),
        ("second_reminder", at("03-09 09:00"), ()),
    ]
    assert table.total.late == 0


def test_the_process_says_that_nobody_was_reached_in_the_words_that_the_clock_knows() -> None:
    said = Path(bringing.__file__).read_text(encoding="utf-8")
    assert all(f'"{words}"' in said for words in module.REACHED_NOBODY - WAIT_ENDINGS)


def test_what_waits_for_the_assessing_authority_is_named_and_counts_for_nobody() -> None:
    table = table_of(
        started("03-02 09:00"),
        ball("03-02 09:00", "hr", "grading_pending", "03-04 09:00"),
        ("03-20 09:00", K.CASE_RESUMED, {"because": "grading is done"}),
        ball("03-20 09:00", "employee", "return_day", "03-20 18:00"),
        closed("03-20 17:00"),
    )
    pending = table.stretches[0]
    assert [s.why for s in pending.suspensions] == [Why.ASSESSMENT]
    assert pending.spans == Spans(elapsed=18 * DAY, suspended=18 * DAY)


def test_the_end_of_a_grading_does_not_end_a_pause() -> None:
    table = table_of(
        started("03-02 09:00"),
        ball("03-02 09:00", "hr", "grading_pending"),
        ("03-03 09:00", K.CASE_PAUSED, {}),
        ("03-04 09:00", K.CASE_RESUMED, {"because": "grading is done"}),
        ball("03-04 09:00", "hr", "objection_review"),
        ("03-05 09:00", K.CASE_RESUMED, {}),
        closed("03-06 09:00"),
    )
    assert [(s.why, s.until - s.since) for one in table.stretches for s in one.suspensions] == [
        (Why.ASSESSMENT, timedelta(days=1)),
        (Why.PAUSED, timedelta(days=1)),
        (Why.PAUSED, timedelta(days=1)),
    ]


def test_two_rounds_name_each_review_and_forget_the_step_of_the_round_before() -> None:
    table = table_of(
        started("03-02 09:00"),
        ball("03-02 09:00", "employee", "ladder", "03-02 09:00"),
        reached("03-02 09:00", "first_notice", "03-05 09:00"),
        ball("03-02 09:00", "employee", "ladder", "03-05 09:00"),
        ball("03-03 09:00", "hr", "extension_review", "03-05 09:00"),
        ball("03-09 09:00", "employee", "ladder", "03-09 09:00"),
        reached("03-09 10:00", "extension_refused", "03-12 09:00"),
        ball("03-09 10:00", "employee", "ladder", "03-12 09:00"),
        ball("03-10 09:00", "hr", "objection_review", "03-12 09:00"),
        closed("03-11 09:00"),
    )
    assert [(one.holder, one.stage, one.step, one.spans.late) for one in table.stretches] == [
        ("employee", "ladder", "first_notice", 0),
        ("hr", "extension_review", None, 4 * DAY),
        ("employee", "ladder", None, 0),
        ("employee", "ladder", "extension_refused", 0),
        ("hr", "objection_review", None, 0),
    ]


def test_before_the_ladder_the_due_time_is_a_plan_and_nobody_is_late() -> None:
    table = table_of(
        started("02-09 09:00"),
        ball("02-09 09:00", "employee", "before_end", "02-10 09:00"),
        reached("02-10 09:00", "before_end", "02-11 09:00"),
        ball("02-10 09:00", "employee", "before_end", "02-11 09:00"),
        ball("02-14 00:00", "employee", "return_day", "02-14 18:00"),
        closed("02-14 20:00"),
    )
    assert [(one.stage, one.spans.late) for one in table.stretches if one.spans.late] == [
        ("return_day", 2 * HOUR)
    ]


def test_the_lag_of_the_machine_is_nobodys_lateness() -> None:
    def review(until: str) -> int:
        return table_of(
            started("03-02 09:00"),
            ball("03-02 09:00", "hr", "objection_review", "03-03 09:00"),
            closed(until),
        ).total.late

    assert (review("03-03 09:00:59"), review("03-03 09:01")) == (0, 60_000)


def test_less_than_a_minute_beside_a_pause_is_not_late_either() -> None:
    table = table_of(
        started("03-02 09:00"),
        ball("03-02 09:00", "hr", "objection_review", "03-03 09:00"),
        ("03-03 09:00:30", K.CASE_PAUSED, {}),
        ("03-05 09:00:30", K.CASE_RESUMED, {}),
        closed("03-05 09:00:45"),
    )
    assert (table.total.late, table.total.late_counted) == (0, 0)
    assert not any("LATE" in line for line in explain(table, "en"))


def test_a_chain_of_an_older_release_says_that_it_does_not_know() -> None:
    table = table_of(
        started("03-02 09:00"),
        ("03-02 10:00", K.POLICY_FROZEN, {}),
        ball("03-05 10:00", "hr", "objection_review"),
        closed("03-06 10:00"),
    )
    assert [(one.holder, one.stage) for one in table.stretches] == [
        ("machine", "starting"),
        (None, "not_recorded"),
        ("hr", "objection_review"),
    ]


def test_an_open_case_is_measured_to_its_latest_event_or_to_the_instant_asked_for() -> None:
    told = (
        started("03-02 09:00"),
        ball("03-02 09:00", "hr", "objection_review", "03-04 09:00"),
        ("03-03 09:00", K.LINK_FETCHED, {}),
        closed("03-10 09:00"),
    )
    assert table_of(*told[:3]).until == at("03-03 09:00")
    assert table_of(*told[:3], as_of="03-06 09:00").total.late == 2 * DAY
    as_it_stood = table_of(*told, as_of="03-05 09:00")
    assert (as_it_stood.outcome, as_it_stood.until) == (None, at("03-05 09:00"))
    assert table_of(*told, as_of="03-20 09:00").until == at("03-10 09:00")
    with pytest.raises(NoClock, match=r"^as_of: "):
        table_of(*told, as_of="03-01 09:00")
    with pytest.raises(NoClock, match=r"case\.started"):
        responsibility(chain(*told)[1:], CALENDAR)


def test_an_export_does_not_change_the_table_of_an_open_case() -> None:
    told = (started("03-02 09:00"), ball("03-02 09:00", "hr", "objection_review", "03-04 09:00"))
    told = (*told, ("03-05 09:00", K.LINK_FETCHED, {}))
    exported = ("03-09 09:00", K.EVIDENCE_EXPORTED, {})
    assert table_of(*told, exported).to_bytes() == table_of(*told).to_bytes()


def test_what_comes_after_the_end_changes_nothing() -> None:
    told = (started("03-02 09:00"), ball("03-02 09:00", "employee", "ladder"), closed("03-03 09:00"))
    late = ("03-09 09:00", K.ANSWER_LATE, {})
    assert table_of(*told, late).to_bytes() == table_of(*told).to_bytes()


def test_a_year_without_a_calendar_is_said_to_be_provisional_and_the_paper_of_the_other_is_named() -> None:
    table = table_of(
        started("2026-12-30 09:00"), ball("2026-12-30 09:00", "hr", "visit_due"), closed("2027-01-04 09:00")
    )
    told = table.to_json()
    assert (told["provisional"], [entry["year"] for entry in told["calendar"]]) == (True, [2026, 2027])
    assert (told["calendar"][0]["paper"], told["calendar"][1]["paper"]) == (CALENDAR.years[-1].paper, None)
    assert len(told["calendar"][0]["sha256"]) == 64


def test_every_stage_named_here_is_one_of_a_process() -> None:
    stages = {stage.value for stage in (*Stage, *AcknowledgementStage)}
    named = {module._BEFORE_THE_LADDER, *module._OF_A_STEP, *module._OTHERS_TURN}
    assert named <= stages
    from countersign.domain import responsibility_words as words

    assert stages <= set(STAGES)
    assert set(words._SUSPENDED) == set(Why)


def test_the_table_reads_in_both_languages() -> None:
    table = table_of(
        started("03-05 09:00"),
        ball("03-05 09:00:30", "hr", "posting_due", "03-06 09:00"),
        ("03-05 10:00", K.CASE_PAUSED, {}),
        ("03-05 13:00", K.CASE_RESUMED, {}),
        closed("03-09 12:00:30", "cancelled"),
    )
    assert explain(table, "en") == [
        "Case 01CASE, 2026-03-05 09:00 to 2026-03-09 12:00 (closed: cancelled)",
        "2026-03-05 09:00 to 2026-03-09 12:00: HR, letter to post, due 2026-03-06 12:00: 4 d 3 h, of which "
        "2 d count, days off 2 d, suspended 3 h; LATE by 3 d 1 min, 1 d 1 min of it on working days",
        "  does not count: 2026-03-05 10:00 to 2026-03-05 13:00, the case was paused",
        "In all the system: less than a minute, of which less than a minute count",
        "In all HR: 4 d 3 h, of which 2 d count, days off 2 d, suspended 3 h; LATE by 3 d 1 min, "
        "1 d 1 min of it on working days",
        "In all: 4 d 3 h 1 min, of which 2 d 1 min count, days off 2 d, suspended 3 h; LATE by 3 d 1 min, "
        "1 d 1 min of it on working days",
    ]
    chinese = explain(table, "zh-CN")
    assert chinese[0] == "案件 01CASE，2026-03-05 09:00 至 2026-03-09 12:00（已结案：人事撤销）"
    assert chinese[1] == (
        "2026-03-05 09:00 至 2026-03-09 12:00：人事，待寄出书面通知，期限 2026-03-06 12:00：共 4 天 3 小时，"
        "计入 2 天，休息日 2 天，中止 3 小时；逾期 3 天 1 分钟，其中工作日 1 天 1 分钟"
    )
    assert len(chinese) == 6


# -- whatever happens, the stretches tile the life of the case --------------------------------------------

_STEPS = st.sampled_from(["first_notice", "paper_notice"])
_TIMES = st.integers(0, 40 * 24 * 3600 * 1000)


def _time(ms: int) -> str:
    return (at("02-06 07:00") + timedelta(milliseconds=ms)).replace(tzinfo=None).isoformat()


_KINDS: Sequence[st.SearchStrategy[Told]] = (
    st.builds(
        lambda t, holder, stage, due: ball(t, holder, stage, due),
        _TIMES.map(_time),
        st.sampled_from(["hr", "employee", None]),
        st.sampled_from(["ladder", "posting_due", "extension_review", "before_end", "grading_pending"]),
        st.none() | _TIMES.map(_time),
    ),
    st.builds(reached, _TIMES.map(_time), _STEPS, _TIMES.map(_time)),
    st.builds(moved, _TIMES.map(_time), _STEPS, _TIMES.map(_time)),
    st.builds(
        lambda t, told: (t, *told),
        _TIMES.map(_time),
        st.sampled_from(
            [
                (K.CASE_PAUSED, {}),
                (K.CASE_RESUMED, {}),
                (K.RUNG_SKIPPED, {"step": "first_notice"}),
                (K.NOTICE_NOTHING_SENT, {"delivery": "d", "because": "sending_stopped"}),
                (K.DELIVERY_SENDING, {"delivery": "d"}),
            ]
        ),
    ),
)


@given(st.lists(st.one_of(*_KINDS), max_size=25), _TIMES, st.randoms(use_true_random=False))
def test_the_stretches_tile_the_life_of_a_case_and_the_sums_are_its_length(
    told: list[Told], end: int, shuffle: Any
) -> None:
    events = chain(started(_time(0)), *told, closed(_time(end)))
    table = responsibility(events, CALENDAR)
    assert (table.since, table.until) == (at(_time(0)), at(_time(end)))
    ends = [table.since, *(one.until for one in table.stretches)]
    assert ends[:-1] == [one.since for one in table.stretches]
    assert ends[-1] == table.until
    assert table.total.elapsed == (table.until - table.since) // timedelta(milliseconds=1)
    for one in table.stretches:
        parts = one.spans
        assert parts.elapsed == parts.suspended + parts.days_off + parts.counted > 0
        assert 0 <= parts.late_counted <= min(parts.late, parts.counted)
        assert parts.late <= parts.elapsed - parts.suspended
        inner = [moment for piece in one.suspensions for moment in (piece.since, piece.until)]
        assert inner == sorted(inner)
        assert all(one.since <= moment <= one.until for moment in inner)
    assert datetime.fromisoformat(table.to_json()["until"]) == table.until


def test_times_at_the_edge_of_all_calendars_are_a_sentence() -> None:
    first, second = chain(started("2026-02-13 10:00"), closed("2026-02-14 10:00"))
    edge = replace(second, at="9999-12-31T23:59:59.000-08:00")
    with pytest.raises(NoClock, match="at the edge of all calendars"):
        responsibility([first, edge], CALENDAR)


@pytest.mark.parametrize("body", [{"changes": 5}, {"changes": ["first_notice"]}])
def test_a_body_that_cannot_be_read_names_its_event(body: dict[str, Any]) -> None:
    told = [started("2026-02-13 10:00"), ("2026-02-13 11:00", K.PLAN_CHANGED, body)]
    with pytest.raises(NoClock, match=r"event 2 \(plan\.changed\)"):
        table_of(*told)
