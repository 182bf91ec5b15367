"""Stories across the 2026 Spring Festival: 02-14 and 02-28 are working Saturdays, 02-15 to 02-23 are off."""

from datetime import date, timedelta
from pathlib import Path

from countersign.contracts.cases import ActKind
from countersign.contracts.sending import OutcomeState
from countersign.domain.leave_return import preview
from countersign.domain.leave_return_policy import leave_return_policy
from tests.support.company import failed
from tests.support.story import Story, at, story

MINUTE = timedelta(minutes=1)
FRIDAY_BEFORE_THE_FESTIVAL = date(2026, 2, 13)


async def started(s: Story) -> None:
    await s.start(FRIDAY_BEFORE_THE_FESTIVAL)


async def test_a_silent_employee_is_reminded_noticed_and_reminded_again_on_the_planned_minutes(
    tmp_path: Path,
) -> None:
    async with story(tmp_path, at("02-09 08:00")) as s:
        await started(s)
        await s.until(at("02-10 08:59"))
        assert s.sent_at() == []
        await s.until(at("02-10 09:00") + MINUTE)
        assert s.sent_at() == ["02-10 09:00 before_end sms"]
        # The festival lies between the day of return (Saturday 02-14, a working day) and the next opening.
        await s.until(at("02-14 17:59"))
        assert s.stage() == "return_day"
        await s.until(at("02-24 08:59"))
        assert len(s.sent_at()) == 1
        assert s.stage() == "ladder"
        await s.until(at("02-24 09:00") + MINUTE)
        assert s.sent_at()[1:] == ["02-24 09:00 first_notice email", "02-24 09:00 first_notice sms"]
        await s.until(at("02-27 08:59"))
        assert len(s.sent_at()) == 3
        await s.until(at("02-27 09:00") + MINUTE)
        assert s.sent_at()[3:] == ["02-27 09:00 second_reminder email", "02-27 09:00 second_reminder sms"]
        target = s.events("plan.made")[0]["body"]["target"]
        assert (target["met"], target["why"]) == (False, "holiday")


async def test_the_whole_ladder_runs_to_its_end_on_the_previewed_dates(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        ends_on = date(2026, 2, 25)
        await s.start(ends_on)
        shipped = next(p for p in s.parts.views.policies() if p["process"] == "leave_return")
        policy = leave_return_policy(shipped["body"], "policy")
        from countersign.adapters.database.leave_file import leave_file

        with s.parts.database.reading() as session:
            file = leave_file(session, s.row()["leave_id"])
        assert file is not None
        _, planned = preview(ends_on, policy, s.parts.calendar(), file.reach(), s.now, {})
        shown = [(step.rung, step.at.isoformat(timespec="seconds")) for step in planned.steps]
        await s.until(planned.steps[2].at + MINUTE)
        assert s.sms[-1].to == "+8613900139000"
        assert "病" not in s.sms[-1].text
        await s.until(planned.steps[3].at + MINUTE)
        assert s.stage() == "posting_due"
        # A letter posted at the planned minute moves nothing; the visit is made at its planned minute too.
        moment = planned.steps[3].at
        assert await s.act(ActKind.POSTED, step="paper_notice", happened_at=moment.isoformat()) == "settled"
        assert s.stage() == "ladder"
        await s.until(planned.steps[4].at + MINUTE)
        assert s.stage() == "visit_due"
        await s.act(ActKind.VISITED, happened_at=planned.steps[4].at.isoformat())
        assert [(step["step"], step["at"]) for step in s.row()["steps"]] == shown
        assert s.events("plan.changed") == []
        await s.until(planned.exhausted_at - MINUTE)
        assert s.row()["state"] == "running"
        await s.until(planned.exhausted_at + MINUTE)
        assert (s.row()["state"], s.row()["outcome"]) == ("closed", "exhausted")
        assert (await s.handle.result())["outcome"] == "exhausted"


async def test_hr_says_back_on_the_day_of_return_and_nothing_is_sent(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-14 07:00")) as s:
        await s.start(FRIDAY_BEFORE_THE_FESTIVAL)
        assert s.events("notice.nothing_sent")[0]["body"]["because"] == "the leave is already over"
        await s.until(at("02-14 17:59"))
        assert await s.act(ActKind.BACK, on="2026-02-14") == "accepted"
        assert (s.row()["state"], s.row()["outcome"]) == ("closed", "back")
        await s.until(at("02-26 12:00"))
        assert s.sent_at() == []


async def test_a_punch_on_the_day_of_return_closes_the_case(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-13 12:00")) as s:
        await s.start(FRIDAY_BEFORE_THE_FESTIVAL)
        early, act = s.parts.inbox.punch("E1042", at("02-13 09:00"), None)
        assert (early, act) == ("kept", None)
        await s.until(at("02-14 08:50"))
        meant, act = s.parts.inbox.punch("E1042", at("02-14 08:50"), None)
        assert meant == "back"
        assert act is not None
        await s.parts.dispatcher.carry(act)
        await s.settle()
        assert s.row()["outcome"] == "back"


async def test_an_answer_stops_every_pending_reminder_at_that_moment(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        await s.start(date(2026, 2, 20))
        await s.until(at("02-25 09:00") + MINUTE)
        assert len(s.sent_at()) == 2
        assert await s.answer(ActKind.RETURNS_ON, on="2026-03-02") == "accepted"
        assert (s.row()["state"], s.row()["outcome"]) == ("closed", "returns_on")
        await s.until(at("03-20 12:00"))
        assert len(s.sent_at()) == 2
        late = await s.answer(ActKind.OBJECTED, reason="zu spät")
        assert late.startswith("late: already decided by employee at ")
        assert s.kinds()[-1] == "answer.late"


async def test_an_answer_that_only_waits_in_the_database_already_stops_a_message(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        await s.start(date(2026, 2, 20))
        await s.until(at("02-25 09:00") + MINUTE)
        from countersign.adapters.database.acts import NewAct
        from countersign.contracts.cases import Role

        links = [d["id"] for n in s.view()["notices"] for d in n["deliveries"] if d["channel"] == "sms"]
        s.parts.acts.take(NewAct("a" * 40, s.case_id, ActKind.RESIGNED, Role.EMPLOYEE, "p", link_id=links[0]))
        # The workflow has not heard of the answer; its next rung fires and must not get past the row.
        await s.until(at("02-28 09:00") + 2 * MINUTE)
        assert len(s.sent_at()) == 2
        assert {e["body"]["because"] for e in s.events("delivery.suppressed")} == {"the person has answered"}
        await s.parts.dispatcher.carry("a" * 40)
        await s.settle()
        assert s.row()["outcome"] == "resigned"


async def test_an_injury_leave_is_held_until_the_grading_is_done(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        await s.start(date(2026, 2, 24), kind="injury")
        await s.until(at("03-10 12:00"))
        assert s.stage() == "grading_pending"
        assert s.sent_at() == []
        assert await s.act(ActKind.GRADING_DONE) == "settled"
        await s.until(at("03-10 12:05"))
        assert [line[12:] for line in s.sent_at()] == ["first_notice email", "first_notice sms"]


async def test_a_leave_that_ended_days_ago_waits_for_hr_to_choose_what_still_runs(tmp_path: Path) -> None:
    async with story(tmp_path, at("03-03 10:00")) as s:
        await s.start(date(2026, 2, 20))
        assert s.stage() == "overdue_review"
        listed = [step["step"] for step in s.events("rung.held")[0]["body"]["overdue"]]
        assert listed == ["before_end", "first_notice", "second_reminder"]
        await s.until(at("03-03 12:00"))
        assert s.sent_at() == []
        choices = {"before_end": "skip", "first_notice": "skip", "second_reminder": "run_now"}
        await s.act(ActKind.OVERDUE_DECIDED, choices=choices)
        assert [line[12:] for line in s.sent_at()] == ["second_reminder email", "second_reminder sms"]
        assert [e["body"]["step"] for e in s.events("rung.skipped")] == ["before_end", "first_notice"]


async def test_a_late_posting_moves_the_rest_and_says_so(tmp_path: Path) -> None:
    async with story(tmp_path, at("03-02 08:00")) as s:
        skip = dict.fromkeys(("before_end", "first_notice", "second_reminder", "emergency_contact"), "skip")
        await s.start(date(2026, 2, 27), overdue=skip)
        await s.until(at("03-02 18:01") + timedelta(hours=15))
        assert s.stage() == "posting_due"
        planned = {step["step"]: step for step in s.row()["steps"]}
        assert planned["on_site_check"]["at"].startswith("2026-03-09T09:00")
        await s.until(at("03-06 10:00"))
        assert [alarm["kind"] for alarm in s.parts.views.alarms(_everything(), 10)] == ["posting_overdue"]
        await s.act(ActKind.POSTED, happened_at=at("03-05 16:30").isoformat())
        moved = {step["step"]: step for step in s.row()["steps"]}
        # Five working days after the posting, at the same time of day.
        assert moved["paper_notice"]["waits_until"].startswith("2026-03-12T16:30")
        assert moved["on_site_check"]["at"].startswith("2026-03-12T16:30")
        changes = [c for e in s.events("plan.changed") for c in e["body"]["changes"]]
        assert [c["step"] for c in changes] == ["paper_notice", "on_site_check"]


async def test_a_pause_holds_everything_and_its_length_is_added_to_the_running_wait(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        await s.start(date(2026, 2, 20))
        await s.until(at("02-26 09:00"))
        assert await s.act(ActKind.PAUSE, reason="in hospital") == "accepted"
        assert s.row()["state"] == "paused"
        await s.until(at("03-03 09:00"))
        assert len(s.sent_at()) == 2
        assert await s.act(ActKind.PAUSE, reason="again") == "refused: state: the case is paused already"
        assert await s.act(ActKind.RESUME, reason="back home") == "settled"
        # First notice waited until Saturday 02-28 09:00, a working day; five days of pause make it 03-05.
        await s.until(at("03-05 08:59"))
        assert len(s.sent_at()) == 2
        await s.until(at("03-05 09:00") + MINUTE)
        assert s.sent_at()[2:] == ["03-05 09:00 second_reminder email", "03-05 09:00 second_reminder sms"]


async def test_hr_skips_the_running_rung_and_the_next_one_goes_at_once(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        await s.start(date(2026, 2, 20))
        await s.until(at("02-25 10:00"))
        assert await s.act(ActKind.SKIP, step="first_notice", reason="wrong text") == "settled"
        assert [line[:5] + line[11:] for line in s.sent_at()[2:]] == [
            "02-25 second_reminder email",
            "02-25 second_reminder sms",
        ]
        assert (await s.act(ActKind.SKIP, step="first_notice", reason="again")).startswith("refused: step:")
        await s.act(ActKind.SKIP, step="emergency_contact", reason="has none")
        steps = {step["step"]: step for step in s.row()["steps"]}
        assert steps["emergency_contact"]["state"] == "skipped"
        assert steps["paper_notice"]["at"] == steps["second_reminder"]["waits_until"]
        assert s.events("rung.skipped")[-1]["body"]["reason"] == "has none"


async def test_an_extension_is_granted_and_the_case_begins_again_at_the_new_end(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        await s.start(date(2026, 2, 20))
        await s.until(at("02-25 10:00"))
        await s.answer(ActKind.EXTENSION_ASKED, on="2026-03-20")
        assert s.stage() == "extension_review"
        await s.until(at("03-05 10:00"))
        assert len(s.sent_at()) == 2
        refused = await s.act(ActKind.EXTENSION_GRANTED, on="2026-02-20")
        assert refused.startswith("refused: on:")
        assert await s.act(ActKind.EXTENSION_GRANTED, on="2026-03-20") == "settled"
        assert s.sent_at()[2:][0][12:] == "extension_granted sms"
        await s.until(at("03-17 09:00") + MINUTE)
        assert s.sent_at()[-1] == "03-17 09:00 before_end sms"
        assert s.row()["ends_on"] == date(2026, 3, 20)
        await s.until(at("03-24 09:00") + MINUTE)
        assert s.sent_at()[-1] == "03-24 09:00 first_notice sms"


async def test_a_refused_extension_is_told_and_the_ladder_goes_on_with_the_next_rung(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        await s.start(date(2026, 2, 20))
        await s.until(at("02-25 10:00"))
        await s.answer(ActKind.EXTENSION_ASKED, on="2026-03-20")
        await s.until(at("02-26 10:00"))
        await s.act(ActKind.EXTENSION_REFUSED, reason="no paper")
        assert s.sent_at()[2][12:] == "extension_refused sms"
        assert [step["step"] for step in s.row()["steps"]][:2] == ["extension_refused", "second_reminder"]
        await s.until(at("03-02 09:00") + MINUTE)
        assert [line[12:] for line in s.sent_at()[3:]] == ["second_reminder email", "second_reminder sms"]


async def test_an_objection_waits_for_hr_and_a_cancel_closes_the_case_with_a_reason(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        await s.start(date(2026, 2, 20))
        await s.until(at("02-25 10:00"))
        await s.answer(ActKind.OBJECTED, reason="I came back on Tuesday")
        assert s.stage() == "objection_review"
        assert s.events("answer.objected")[0]["body"]["reason"] == "I came back on Tuesday"
        assert await s.act(ActKind.CANCEL, reason="he is right") == "accepted"
        assert s.row()["outcome"] == "cancelled"
        assert s.events("case.closed")[0]["body"]["reason"] == "he is right"


async def test_not_me_suppresses_the_address_and_the_other_channel_goes_on(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        await s.start(date(2026, 2, 20))
        await s.until(at("02-25 10:00"))
        sms = [d["id"] for n in s.view()["notices"] for d in n["deliveries"]].index(
            next(d["id"] for n in s.view()["notices"] for d in n["deliveries"] if d["channel"] == "sms")
        )
        assert await s.answer(ActKind.NOT_ME, sms) == "accepted"
        await s.until(at("02-28 09:00") + MINUTE)
        assert [line[12:] for line in s.sent_at()[2:]] == ["second_reminder email"]
        assert s.row()["state"] == "running"
        assert [e["body"]["because"] for e in s.events("link.revoked")] == ["not_me"]


async def test_a_channel_that_is_down_is_tried_again_and_every_failure_stands_in_the_evidence(
    tmp_path: Path,
) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        down = failed(OutcomeState.FAILED_TEMPORARY, "sms_connect_failed")
        s.parts.sms.answers += [down, down]  # type: ignore[attr-defined]
        s.parts.mailer.answers += [failed(OutcomeState.FAILED_PERMANENT, "550")]  # type: ignore[attr-defined]
        await s.start(date(2026, 2, 20))
        await s.until(at("02-25 09:05"))
        failures = [
            (e["body"]["channel"], e["body"]["attempt"], e["body"]["says"])
            for e in s.events("delivery.failed")
        ]
        assert sorted(failures) == [
            ("email", 1, "the test says 550"),
            ("sms", 1, "the test says sms_connect_failed"),
            ("sms", 2, "the test says sms_connect_failed"),
        ]
        assert [line[12:] for line in s.sent_at()] == ["first_notice sms"]
        # Accepted within the hour: the wait still counts from the planned minute.
        assert s.row()["steps"][0]["waits_until"] == "2026-02-28T09:00:00+08:00"


async def test_a_provider_that_is_down_for_hours_makes_the_wait_count_from_the_acceptance(
    tmp_path: Path,
) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        down = failed(OutcomeState.FAILED_TEMPORARY, "down")
        s.parts.sms.answers += [down] * 9  # type: ignore[attr-defined]
        s.parts.mailer.answers += [down] * 9  # type: ignore[attr-defined]
        await s.start(date(2026, 2, 20))
        await s.until(at("02-25 17:00"))
        accepted = min(line[:11] for line in s.sent_at())
        assert "02-25 10:" < accepted < "02-25 13:"
        assert s.row()["steps"][0]["waits_until"].startswith(f"2026-02-28T{accepted[6:]}")
        assert s.events("plan.changed")


async def test_an_ambiguous_sms_is_looked_for_before_anything_is_sent_again(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        s.parts.sms.answers += [failed(OutcomeState.UNKNOWN, "timeout")]  # type: ignore[attr-defined]
        await s.start(date(2026, 2, 20))
        await s.until(at("02-25 09:10"))
        assert len(s.sms) == 1
        assert "delivery.unknown" in s.kinds()
        assert s.events("delivery.settled")[0]["body"]["state"] == "sent"


async def test_a_published_calendar_moves_a_provisional_case(tmp_path: Path) -> None:
    from countersign.adapters.dispatch import _YEAR
    from countersign.domain.calendar import CalendarYear

    async with story(tmp_path, at("2026-12-28 08:00")) as s:
        await s.start(date(2026, 12, 29))
        await s.until(at("2026-12-31 09:05"))
        assert s.row()["provisional"] is True
        before = {step["step"]: step["at"] for step in s.row()["steps"]}
        off = tuple(date(2027, 1, day) for day in (1, 2, 3, 4, 5))
        year = CalendarYear(2027, off, (), "a test paper")
        body = _YEAR.dump_python(year, mode="json")
        told = s.parts.database.write(lambda session: s.parts.outbox.tell_calendar(session, year, body))
        assert told == 1
        await s.parts.dispatcher.drain_outbox()
        await s.settle()
        after = {step["step"]: step["at"] for step in s.row()["steps"]}
        assert before["second_reminder"].startswith("2027-01-04T09:00")
        assert after["second_reminder"].startswith("2027-01-06T09:00")
        assert s.row()["provisional"] is False
        assert s.events("policy.migrated")[0]["body"]["paper"] == "a test paper"


def _everything():  # type: ignore[no-untyped-def]
    from countersign.adapters.database.scope import Scope

    return Scope()


async def test_a_second_objection_before_the_review_does_not_silence_the_case(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        await s.start(date(2026, 2, 20))
        await s.until(at("02-25 10:00"))
        await s.answer(ActKind.OBJECTED, reason="first words")
        await s.answer(ActKind.OBJECTED, reason="better words")
        await s.until(at("02-26 10:00"))
        assert await s.act(ActKind.OBJECTION_ANSWERED, reason="explained") == "settled"
        assert [line[12:] for line in s.sent_at()[2:]] == ["objection_answered sms"]
        await s.until(at("03-02 09:00") + MINUTE)
        assert [line[12:] for line in s.sent_at()[3:]] == ["second_reminder email", "second_reminder sms"]


async def test_a_rung_skipped_by_hr_stays_skipped_after_a_review(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        await s.start(date(2026, 2, 20))
        await s.until(at("02-25 10:00"))
        await s.act(ActKind.SKIP, step="emergency_contact", reason="they are estranged")
        await s.answer(ActKind.OBJECTED, reason="words")
        await s.act(ActKind.OBJECTION_ANSWERED, reason="explained")
        names = [step["step"] for step in s.row()["steps"]]
        assert names == ["objection_answered", "second_reminder", "paper_notice", "on_site_check"]


async def test_a_rung_that_had_not_spoken_is_not_lost_by_a_review(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-09 08:00")) as s:
        await s.start(date(2026, 2, 13))
        # The day of return is over, the notice waits for the window to open after the festival.
        await s.until(at("02-16 10:00"))
        assert s.stage() == "ladder"
        await s.answer(ActKind.OBJECTED, reason="I was at work on Saturday")
        await s.act(ActKind.OBJECTION_ANSWERED, reason="no record of it")
        assert [step["step"] for step in s.row()["steps"]][:2] == ["objection_answered", "first_notice"]


async def test_a_posting_in_the_future_is_refused_and_hangs_nothing(tmp_path: Path) -> None:
    async with story(tmp_path, at("03-02 08:00")) as s:
        skip = dict.fromkeys(("first_notice", "second_reminder", "emergency_contact"), "skip")
        await s.start(date(2026, 2, 27), overdue=skip)
        await s.until(at("03-02 09:30"))
        ahead = await s.act(ActKind.POSTED, happened_at="9999-12-31T23:59:59-14:00")
        assert ahead.startswith("refused: happened_at:")
        assert s.stage() == "posting_due"
