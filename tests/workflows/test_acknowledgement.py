"""Stories of a text that several people must confirm, each in a case of their own."""

from datetime import date, timedelta
from pathlib import Path

from countersign.adapters.database.acts import NewAct
from countersign.adapters.dispatch import _YEAR
from countersign.contracts.cases import ActKind, Role
from countersign.domain.bundle import verify_bundle
from countersign.domain.calendar import CalendarYear
from tests.support.bundles import bare_bundle
from tests.support.company import EMAIL, NUMBER, PHONE, add_colleague
from tests.support.story import Story, at, story

MINUTE = timedelta(minutes=1)
BEGINS = "03-02 08:00"
OTHERS = ("E2001", "E2002")
BOSS_MAIL = "e9000@example.com"


def staff(s: Story) -> None:
    """Add a manager and two employees who report to her; they are written to by mail first."""
    add_colleague(s.parts, "E9000")
    for number in OTHERS:
        add_colleague(s.parts, number, manager_number="E9000")


async def test_two_of_three_confirm_and_the_manager_of_the_silent_one_is_told_on_the_planned_minute(
    tmp_path: Path,
) -> None:
    async with story(tmp_path, at(BEGINS)) as s:
        staff(s)
        cases = await s.circulate([*OTHERS, NUMBER])
        await s.until(at("03-02 09:00") + MINUTE)
        assert [message.to for message in s.sms] == [PHONE]
        assert sorted(mail.to for mail in s.mails) == ["e2001@example.com", "e2002@example.com"]
        for number in ("E2001", NUMBER):
            s.case_id = cases[number]
            assert await s.answer(ActKind.ACKNOWLEDGED) == "accepted"
            assert (s.row()["state"], s.row()["outcome"]) == ("closed", "acknowledged")
        shown = s.circular()
        assert (shown["addressees"][0]["employee"]["number"], shown["confirmed"]) == ("E2002", 2)
        assert shown["standing"] == {"acknowledged": 2, "running": 1}
        silent_since = shown["addressees"][0]["silent_since"]
        assert at("03-02 09:00") <= silent_since < at("03-02 09:00") + MINUTE
        s.case_id = cases["E2002"]
        # Three working days after Monday, then two: the second reminder on Thursday, the manager on Monday.
        await s.until(at("03-05 09:00") + MINUTE)
        assert s.sent_at()[1:] == ["03-05 09:00 second_reminder email", "03-05 09:00 second_reminder sms"]
        await s.until(at("03-09 08:59"))
        assert BOSS_MAIL not in {mail.to for mail in s.mails}
        await s.until(at("03-09 09:00") + MINUTE)
        assert s.sent_at()[3:] == ["03-09 09:00 manager email", "03-09 09:00 manager sms"]
        told = next(mail for mail in s.mails if mail.to == BOSS_MAIL)
        assert "《防火须知》" in told.text
        assert "仓库内禁止吸烟" not in told.text
        assert s.row()["holder"] == "manager"
        await s.until(at("03-11 09:00") + MINUTE)
        assert (s.row()["state"], s.row()["outcome"]) == ("closed", "exhausted")
        assert s.alarms() == ["exhausted"]
        assert (await s.handle.result())["outcome"] == "exhausted"
        assert s.circular()["complete"] is False


async def test_everybody_reads_the_same_bytes_and_each_chain_holds_one_person(tmp_path: Path) -> None:
    async with story(tmp_path, at(BEGINS)) as s:
        staff(s)
        cases = await s.circulate([NUMBER, *OTHERS])
        await s.until(at("03-05 09:00") + MINUTE)
        prints = set()
        for number, case in cases.items():
            s.case_id = case
            prints |= {notice["fingerprint"] for notice in s.view()["notices"]}
            bundle = bare_bundle(s.parts, case)
            assert bundle is not None
            assert verify_bundle(bundle).ok
            held = str(s.view())
            for other in set(cases) - {number}:
                assert other not in held
        assert prints == {s.circular()["fingerprint"]}


async def test_the_last_confirmation_is_told_and_a_colleagues_counts_for_nobody(tmp_path: Path) -> None:
    async with story(tmp_path, at(BEGINS)) as s:
        staff(s)
        cases = await s.circulate(OTHERS)
        await s.until(at("03-09 09:00") + MINUTE)
        to_manager = [
            d["id"] for n in s.view()["notices"] if n["audience"] == "manager" for d in n["deliveries"]
        ]
        link = to_manager[0]
        s.parts.acts.take(NewAct("b" * 40, s.case_id, ActKind.ACKNOWLEDGED, Role.MANAGER, "m", link_id=link))
        await s.parts.dispatcher.carry("b" * 40)
        await s.settle()
        assert s.row()["state"] == "running"
        assert s.circular()["confirmed"] == 0
        for number in OTHERS:
            assert "circular_complete" not in s.alarms()
            s.case_id = cases[number]
            assert await s.answer(ActKind.ACKNOWLEDGED) == "accepted"
        assert s.alarms() == ["circular_complete"]
        assert s.circular()["complete"] is True


async def test_a_confirmation_that_only_waits_in_the_database_already_stops_every_message(
    tmp_path: Path,
) -> None:
    async with story(tmp_path, at(BEGINS)) as s:
        await s.circulate([NUMBER])
        await s.until(at("03-02 09:00") + MINUTE)
        link = next(d["id"] for n in s.view()["notices"] for d in n["deliveries"] if d["channel"] == "sms")
        s.parts.acts.take(NewAct("a" * 40, s.case_id, ActKind.ACKNOWLEDGED, Role.EMPLOYEE, "p", link_id=link))
        await s.until(at("03-05 09:00") + 2 * MINUTE)
        assert s.sent_at() == ["03-02 09:00 first_notice sms"]
        assert {e["body"]["because"] for e in s.events("delivery.suppressed")} == {"the person has answered"}
        await s.parts.dispatcher.carry("a" * 40)
        await s.settle()
        assert s.row()["outcome"] == "acknowledged"
        await s.until(at("03-20 09:00"))
        assert len(s.sent_at()) == 1


async def test_an_objection_holds_the_ladder_until_hr_has_answered_it(tmp_path: Path) -> None:
    async with story(tmp_path, at(BEGINS)) as s:
        staff(s)
        await s.circulate(["E2001"])
        await s.until(at("03-02 09:00") + MINUTE)
        refused = await s.act(ActKind.OBJECTION_ANSWERED, reason="nobody asked")
        assert refused == "refused: state: no objection waits for an answer"
        assert await s.answer(ActKind.OBJECTED, words="不是我的仓库") == "accepted"
        assert (s.stage(), s.row()["holder"]) == ("objection_review", "hr")
        assert s.alarms() == ["circular_refused"]
        await s.until(at("03-10 12:00"))
        assert len(s.sent_at()) == 1
        assert await s.act(ActKind.OBJECTION_ANSWERED, reason="spoken to") == "settled"
        assert s.sent_at()[1:] == ["03-10 12:00 objection_answered email"]
        assert "公司已审核您提出的异议" in s.mails[-1].text
        assert "仓库内禁止吸烟" in s.mails[-1].text
        # Three calendar days to answer, then the two rungs that had not spoken.
        await s.until(at("03-13 12:00") + MINUTE)
        assert [line[12:] for line in s.sent_at()[2:]] == ["second_reminder email", "second_reminder sms"]
        assert await s.answer(ActKind.ACKNOWLEDGED, delivery=-1) == "accepted"
        assert (s.row()["outcome"], s.alarms()[-1]) == ("acknowledged", "circular_complete")


async def test_a_confirmation_during_the_review_ends_it(tmp_path: Path) -> None:
    async with story(tmp_path, at(BEGINS)) as s:
        await s.circulate([NUMBER])
        await s.until(at("03-02 09:00") + MINUTE)
        await s.answer(ActKind.OBJECTED)
        assert await s.answer(ActKind.ACKNOWLEDGED) == "accepted"
        assert (s.row()["state"], s.row()["outcome"]) == ("closed", "acknowledged")


async def test_an_address_that_is_not_the_persons_is_left_for_the_next_channel_at_once(
    tmp_path: Path,
) -> None:
    async with story(tmp_path, at(BEGINS)) as s:
        await s.circulate([NUMBER])
        await s.until(at("03-02 10:00"))
        assert await s.answer(ActKind.NOT_ME) == "accepted"
        assert s.sent_at()[1:] == ["03-02 10:00 first_notice email"]
        assert s.mails[-1].to == EMAIL
        await s.until(at("03-05 12:00"))
        assert [line[12:] for line in s.sent_at()[2:]] == ["second_reminder email"]


async def test_hr_steers_a_case_and_acts_of_other_processes_are_refused_in_words(tmp_path: Path) -> None:
    async with story(tmp_path, at(BEGINS)) as s:
        await s.circulate([NUMBER])
        await s.until(at("03-02 10:00"))
        back = await s.act(ActKind.BACK, on="2026-03-02")
        assert back.startswith("refused: act: nothing can be back")
        assert await s.act(ActKind.PAUSE, reason="on a journey") == "accepted"
        await s.until(at("03-06 10:00"))
        assert len(s.sent_at()) == 1
        assert await s.act(ActKind.RESUME, reason="here again") == "settled"
        assert await s.act(ActKind.JUMP, step="second_reminder", reason="urgent") == "settled"
        assert [line[12:] for line in s.sent_at()[1:]] == ["second_reminder email", "second_reminder sms"]
        assert await s.act(ActKind.CANCEL, reason="withdrawn") == "accepted"
        assert (s.row()["outcome"], s.alarms()) == ("cancelled", [])


async def test_a_calendar_year_that_is_published_moves_what_is_still_to_come(tmp_path: Path) -> None:
    async with story(tmp_path, at("2026-12-30 08:00")) as s:
        await s.circulate([NUMBER])
        await s.until(at("2026-12-30 10:00"))
        assert s.row()["provisional"] is True
        planned = [step["at"][:16] for step in s.row()["steps"]]
        assert planned[1] == "2027-01-04T09:00"
        off = tuple(date(2027, 1, day) for day in (1, 4, 5))
        year = CalendarYear(2027, off, (), "an invented paper")
        body = _YEAR.dump_python(year, mode="json")
        s.parts.database.write(lambda session: s.parts.outbox.tell_calendar(session, year, body))
        await s.parts.dispatcher.drain_outbox()
        await s.settle()
        assert s.row()["provisional"] is False
        assert [step["at"][:16] for step in s.row()["steps"]][1] == "2027-01-07T09:00"


async def test_a_case_that_an_operator_ends_counts_as_nobodys_confirmation(tmp_path: Path) -> None:
    async with story(tmp_path, at(BEGINS)) as s:
        await s.circulate([NUMBER])
        await s.handle.terminate()
        await s.parts.dispatcher.watch()
        assert (s.row()["state"], s.row()["outcome"]) == ("closed", "ended_outside")
        assert s.alarms() == ["ended_outside"]
        assert s.circular()["standing"] == {"ended_outside": 1}
        assert s.circular()["confirmed"] == 0
