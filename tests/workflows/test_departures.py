"""Stories of people who leave: what is handed over, what is owed, and what the law wants whatever is open."""

from datetime import date, timedelta
from pathlib import Path

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from countersign.adapters.processes import WORKFLOWS
from countersign.contracts.cases import ActKind
from countersign.contracts.departures import OffboardingInput, OffboardingResult
from countersign.domain.bundle import verify_bundle
from countersign.domain.departure import DutyKind
from countersign.domain.ledger import AccountKind, advance, repayment
from tests.support.bundles import bare_bundle
from tests.support.company import PHONE, add_colleague
from tests.support.departing import Leaving, add_holdings
from tests.support.story import Story, at, story
from workflows.offboarding import OffboardingWorkflow
from workflows.steering import SteeredCase

MINUTE = timedelta(minutes=1)
SUCCESSOR = "E2001"
SUCCESSOR_MAIL = "e2001@example.com"
MONDAY = "03-09 10:00"


def staff(s: Story) -> Leaving:
    """Add a successor, and let the leaver hold two documents, a customer and a computer."""
    add_colleague(s.parts, SUCCESSOR)
    add_holdings(s.parts)
    return Leaving(s)


async def vanishes(s: Story) -> Leaving:
    """Let a manager be dismissed for absence: he has not come for days, and answers nobody."""
    leaving = staff(s)
    today = date(2026, 3, 9)
    await s.depart("absence", today, noticed_on=today, successor=SUCCESSOR)
    return leaving


async def resigns(s: Story, last_day: date, noticed_on: date) -> Leaving:
    """Let an employee resign."""
    leaving = staff(s)
    await s.depart("resignation", last_day, noticed_on=noticed_on, successor=SUCCESSOR)
    return leaving


# -- the manager who vanished -----------------------------------------------------------------------------


async def test_the_notice_of_a_vanished_manager_goes_out_on_three_ways_within_a_minute(
    tmp_path: Path,
) -> None:
    async with story(tmp_path, at(MONDAY)) as s:
        await vanishes(s)
        await s.until(at(MONDAY) + MINUTE)
        with s.looking_at(s.statutory_id):
            assert s.sent_at() == [
                "03-09 10:00 termination_notice email",
                "03-09 10:00 termination_notice sms",
            ]
            inbox = [d for n in s.view()["notices"] for d in n["deliveries"] if d["channel"] == "in_system"]
            assert len(inbox) == 1
            assert s.stage() == "notice"
        assert PHONE in {message.to for message in s.sms}


async def test_a_weak_letter_to_a_vanished_manager_brings_the_visit_and_the_served_notice_ends_the_employment(
    tmp_path: Path,
) -> None:
    async with story(tmp_path, at(MONDAY)) as s:
        leaving = await vanishes(s)
        # Two calendar days of silence: the letter is to be posted.
        await s.until(at("03-11 10:00") + MINUTE)
        s.case_id = s.statutory_id
        assert s.stage() == "posting_due"
        posted = {"happened_at": at("03-11 15:00").isoformat(), "courier": "EMS", "tracking_number": "EV100"}
        await s.until(at("03-11 15:00"))
        assert await s.act(ActKind.POSTED, **posted) == "settled"
        await s.until(at("03-12 11:00"))
        await s.told(lambda: _signed_by_somebody_else(s))
        # Signed for by somebody else is no service: the next rung comes at once, not five working days later.
        await s.until(at("03-12 12:00"))
        assert s.stage() == "visit_due"
        assert leaving.departure().served_on is None
        assert leaving.employment().state == "active"
        assert leaving.papers() == []
        await s.until(at("03-13 16:00"))
        assert await leaving.served(date(2026, 3, 13)) == "settled"
        assert s.stage() == "duties"
        assert (leaving.departure().served_on, leaving.departure().ended_on) == (
            date(2026, 3, 13),
            date(2026, 3, 13),
        )
        assert leaving.employment().state == "ended"
        assert leaving.papers() == ["certificate", "demand", "agreement"]
        assert verify_bundle(bare_bundle(s.parts, s.statutory_id)).ok


async def test_the_certificate_is_issued_on_the_last_day_while_the_whole_handover_is_open(
    tmp_path: Path,
) -> None:
    async with story(tmp_path, at(MONDAY)) as s:
        leaving = await resigns(s, date(2026, 4, 10), date(2026, 3, 9))
        await s.until(at("04-10 08:59"))
        assert leaving.papers() == []
        assert leaving.employment().state == "active"
        await s.until(at("04-10 09:00") + MINUTE)
        assert leaving.duties()["certificate"] == "done"
        assert leaving.papers() == ["certificate", "demand", "agreement"]
        assert leaving.employment().state == "ended"
        # What was open is frozen: four items, of which one has a value that is now claimed.
        frozen = leaving.overrides()
        assert sorted((one.what, one.amount_fen) for one in frozen) == [
            ("customers", 0),
            ("documents", 0),
            ("documents", 0),
            ("equipment", 8_000_00),
        ]
        assert {one.rule for one in frozen} == {"劳动合同法50"}
        assert "left_with_open_items" in s.alarms()
        with s.looking_at(s.statutory_id):
            told = [line for line in s.sent_at() if line.startswith("04-10")]
            assert told == [
                "04-10 09:00 certificate email",
                "04-10 09:00 certificate sms",
                "04-10 09:00 demand email",
                "04-10 09:00 demand sms",
            ]
        assert "still_employed" not in leaving.why()
        assert {"documents", "customers", "equipment", "equipment_owed"} <= set(leaving.why())


@workflow.defn(name="Offboarding", sandboxed=False)
class _Broken(SteeredCase):
    """A handover that fails at its first step and never comes back."""

    @workflow.run
    async def run(self, case: OffboardingInput) -> OffboardingResult:
        raise ApplicationError("this release of the handover is broken", non_retryable=True)


async def test_a_broken_handover_holds_back_neither_the_certificate_nor_the_duties(tmp_path: Path) -> None:
    others = [one for one in WORKFLOWS if one is not OffboardingWorkflow]
    async with story(tmp_path, at(MONDAY), workflows=[*others, _Broken]) as s:
        leaving = staff(s)
        s.broken = frozenset({"offboarding"})
        await s.depart("mutual", date(2026, 3, 13), noticed_on=date(2026, 3, 9), successor=SUCCESSOR)
        s.case_id = s.statutory_id
        await s.until(at("03-13 09:00") + MINUTE)
        assert leaving.duties()["certificate"] == "done"
        assert leaving.papers()[0] == "certificate"
        assert leaving.employment().state == "ended"
        await leaving.all_duties()
        assert leaving.outcome(s.statutory_id) == "fulfilled"
        with s.looking_at(s.departure_id):
            assert s.row()["state"] == "starting"


async def test_a_duty_that_nobody_does_is_urgent_on_the_last_working_day_and_late_the_day_after(
    tmp_path: Path,
) -> None:
    async with story(tmp_path, at(MONDAY)) as s:
        leaving = await resigns(s, date(2026, 4, 10), date(2026, 3, 9))
        await s.until(at("04-10 12:00"))
        assert await leaving.duty(DutyKind.WAGES) == "settled"
        for kind in (DutyKind.FILE_TRANSFER, DutyKind.UNEMPLOYMENT_LIST):
            assert await leaving.duty(kind) == "settled"
        # 15 natural days after Friday the 10th is Saturday the 25th; the last working day before is Friday.
        assert leaving.due()["social_insurance"] == date(2026, 4, 25)
        await s.until(at("04-24 08:59"))
        assert "duty_urgent" not in s.alarms()
        await s.until(at("04-24 09:00") + MINUTE)
        assert s.alarms().count("duty_urgent") == 1
        await s.until(at("04-25 23:59"))
        assert "duty_overdue" not in s.alarms()
        await s.until(at("04-26 00:00") + MINUTE)
        assert s.alarms().count("duty_overdue") == 1
        assert "social_insurance" in leaving.why()
        assert await leaving.duty(DutyKind.SOCIAL_INSURANCE) == "settled"
        assert leaving.outcome(s.statutory_id) == "fulfilled"
        assert "social_insurance" not in leaving.why()


def _signed_by_somebody_else(s: Story) -> None:
    from countersign.adapters.database.letters import CourierReport
    from countersign.domain.courier import CourierState

    report = CourierReport("EV100", CourierState.SIGNED_BY_OTHER, at("03-12 10:30"))
    s.parts.letters.take(report, None, {"role": "machine", "id": "courier"})


# -- the handover -----------------------------------------------------------------------------------------


async def test_both_sides_confirm_and_the_receivers_case_closes_by_itself(tmp_path: Path) -> None:
    async with story(tmp_path, at(MONDAY)) as s:
        leaving = await resigns(s, date(2026, 4, 10), date(2026, 3, 9))
        share = s.share_of(SUCCESSOR)
        with s.looking_at(share):
            assert [line.split()[2] for line in s.sent_at()] == ["announcement"]
            assert s.stage() == "waiting"
        assert await leaving.hands_over("DOC-1", "DOC-2", "C-1") == "settled"
        with s.looking_at(share):
            assert s.stage() == "confirming"
            assert [line.split()[2] for line in s.sent_at()] == ["announcement", "first_notice"]
        assert await leaving.takes_over(SUCCESSOR, "DOC-1") == "settled"
        with s.looking_at(share):
            assert s.row()["state"] == "running"
        assert await leaving.takes_over(SUCCESSOR) == "settled"
        assert leaving.outcome(share) == "confirmed"
        sent = len(s.mails)
        await s.until(at("03-20 18:00"))
        assert len([mail for mail in s.mails if mail.to == SUCCESSOR_MAIL]) == len(
            [mail for mail in s.mails[:sent] if mail.to == SUCCESSOR_MAIL]
        )
        assert await leaving.hands_over() == "settled"
        assert await leaving.takes_back("IT-1") == "settled"
        assert set(leaving.states().values()) == {"accepted"}
        assert not {"documents", "customers", "equipment"} & set(leaving.why())


async def test_a_silent_receiver_is_asked_again_then_the_manager_then_hr(tmp_path: Path) -> None:
    async with story(tmp_path, at(MONDAY)) as s:
        add_colleague(s.parts, "E9000")
        leaving = Leaving(s)
        add_colleague(s.parts, SUCCESSOR, manager_number="E9000")
        add_holdings(s.parts)
        await s.depart("resignation", date(2026, 4, 10), noticed_on=date(2026, 3, 9), successor=SUCCESSOR)
        assert await leaving.hands_over("DOC-1", "C-1") == "settled"
        await s.until(at("04-03 12:00"))
        with s.looking_at(s.share_of(SUCCESSOR)):
            asked = [line.split()[2] for line in s.sent_at()]
            assert asked[:2] == ["announcement", "first_notice"]
            assert "second_reminder" in asked
            assert s.stage() == "silent"
            assert s.row()["holder"] == "hr"
        assert "e9000@example.com" in {mail.to for mail in s.mails}
        assert s.alarms().count("receiver_silent") == 1
        # Who confirms after all is no longer HR's; the file she was left with is off her list.
        share = s.share_of(SUCCESSOR)
        assert await leaving.takes_over(SUCCESSOR) == "settled"
        with s.looking_at(share):
            assert (s.stage(), s.row()["holder"]) == ("waiting", "employee")


async def test_the_leaver_is_reminded_thirty_fourteen_seven_and_three_days_before_and_then_pressed(
    tmp_path: Path,
) -> None:
    async with story(tmp_path, at("03-02 10:00")) as s:
        await resigns(s, date(2026, 4, 10), date(2026, 3, 2))
        await s.until(at("04-10 23:00"))
        # 11 March, 27 March, 3 April and 7 April are 30, 14, 7 and 3 days before; all are working days.
        assert [line for line in s.sent_at() if "reminder_" in line] == [
            "03-11 09:00 reminder_30 sms",
            "03-27 09:00 reminder_14 sms",
            "04-03 09:00 reminder_7 sms",
            "04-07 09:00 reminder_3 sms",
        ]
        await s.until(at("04-13 09:00") + MINUTE)
        assert s.stage() == "handover"
        assert [line.split(" ", 2)[2] for line in s.sent_at()[4:]] == [
            "first_notice email",
            "first_notice sms",
        ]


async def test_who_has_handed_over_everything_and_owes_nothing_hears_no_reminder(tmp_path: Path) -> None:
    async with story(tmp_path, at("03-02 10:00")) as s:
        leaving = await resigns(s, date(2026, 4, 10), date(2026, 3, 2))
        assert await leaving.hands_over() == "settled"
        await s.until(at("04-14 12:00"))
        assert [line for line in s.sent_at() if "reminder" in line or "notice" in line] == []
        assert s.row()["stage"] == "gate"


async def test_a_late_start_lists_what_is_overdue_and_hr_decides_each_step(tmp_path: Path) -> None:
    async with story(tmp_path, at("03-02 10:00")) as s:
        await resigns(s, date(2026, 3, 11), date(2026, 2, 9))
        assert s.stage() == "overdue_review"
        held = s.events("rung.held")[0]["body"]["overdue"]
        assert [one["step"] for one in held] == ["reminder_30", "reminder_14"]
        choices = {"reminder_30": "skip", "reminder_14": "run_now"}
        assert await s.act(ActKind.OVERDUE_DECIDED, choices=choices) == "settled"
        await s.until(at("03-02 11:00"))
        assert [line.split()[2] for line in s.sent_at()] == ["reminder_14"]
        assert [e["body"]["step"] for e in s.events("rung.skipped")] == ["reminder_30"]


async def test_an_undecided_late_start_holds_back_neither_the_ladder_nor_the_open_gate(
    tmp_path: Path,
) -> None:
    async with story(tmp_path, at("03-02 10:00")) as s:
        leaving = await resigns(s, date(2026, 3, 11), date(2026, 2, 9))
        await s.until(at("03-11 12:00"))
        assert s.stage() == "overdue_review"
        # The last day is over: what nobody decided is passed over, and who is silent is asked.
        await s.until(at("03-12 12:00"))
        assert s.stage() == "handover"
        assert [e["body"]["step"] for e in s.events("rung.skipped")] == ["reminder_30", "reminder_14"]
        assert "first_notice" in " ".join(s.sent_at())
        assert leaving.outcome(s.departure_id) is None


async def test_of_several_overdue_reminders_the_newest_speaks_for_all(tmp_path: Path) -> None:
    async with story(tmp_path, at("03-02 10:00")) as s:
        await resigns(s, date(2026, 3, 11), date(2026, 2, 9))
        choices = {"reminder_30": "run_now", "reminder_14": "run_now"}
        assert await s.act(ActKind.OVERDUE_DECIDED, choices=choices) == "settled"
        await s.until(at("03-10 12:00"))
        told = [line.split()[2] for line in s.sent_at() if "reminder" in line]
        assert list(dict.fromkeys(told)) == ["reminder_14", "reminder_7", "reminder_3"]
        assert [(e["body"]["step"], e["body"]["because"]) for e in s.events("rung.skipped")] == [
            ("reminder_30", "a later reminder says the same")
        ]


# -- the debt at the exit ---------------------------------------------------------------------------------


async def test_a_debt_at_the_exit_keeps_the_gate_shut_until_its_last_fen_is_booked(tmp_path: Path) -> None:
    async with story(tmp_path, at(MONDAY)) as s:
        leaving = Leaving(s)
        # Five months of her own share of the insurance, advanced by the company while she was on leave.
        await leaving.books(advance, "5265.00")
        await s.depart("resignation", date(2026, 4, 10), noticed_on=date(2026, 3, 9))
        assert leaving.why() == [
            "still_employed",
            "insurance_advance",
            "finance_not_confirmed",
            "social_insurance",
        ]
        await s.until(at("04-08 10:00"))
        # What is owed stands in the notice that she opens, not in the short message that anybody may see.
        assert all("5,265.00" in text for text in leaving.told("reminder_"))
        assert not any("5,265.00" in message.text for message in s.sms)
        await s.until(at("04-10 09:30"))
        # The certificate does not wait for the money.
        assert leaving.duties()["certificate"] == "done"
        assert [(one.what, one.amount_fen) for one in leaving.overrides()] == [
            ("insurance_advance", 5_265_00)
        ]
        consent = await _signed_consent(s)
        done = await leaving.settles(
            final_wage="8000.00",
            personal_insurance="1053.00",
            advances="consent",
            min_wage="2420",
            min_wage_excludes_personal_si=True,
            consent=consent,
        )
        assert done == "settled"
        # 4,527.00 of the last wage go towards the debt; the rest of it stays, and she may keep no less.
        assert leaving.balances()["insurance_advance"] == 738_00
        assert "settlement" not in leaving.why()
        assert await leaving.finance_confirms(insurance_advance="738.00") == "settled"
        await leaving.all_duties()
        assert leaving.outcome(s.statutory_id) == "fulfilled"
        assert leaving.why() == ["insurance_advance"]
        assert s.row()["state"] == "running"
        await leaving.books(repayment, "737.99", AccountKind.INSURANCE_ADVANCE)
        assert leaving.why() == ["insurance_advance"]
        assert s.row()["state"] == "running"
        await leaving.books(repayment, "0.01", AccountKind.INSURANCE_ADVANCE)
        assert leaving.why() == []
        assert leaving.outcome(s.departure_id) == "completed"
        assert s.kinds().count("gate.opened") == 1
        assert leaving.departure().closed_at is not None
        assert verify_bundle(bare_bundle(s.parts, s.departure_id)).ok


async def _signed_consent(s: Story) -> str:
    """Hand in the letter in which she agrees to the deduction; return its document."""
    from countersign.adapters.database.tables import Document
    from countersign.ids import new_id

    def keep() -> str:
        document = Document(
            id=new_id(),
            case_id=s.departure_id,
            sha256=s.parts.documents.keep(b"consent"),
            media_type="application/pdf",
            size=7,
            kind="deduction_consent",
            created_at=s.now,
        )
        s.parts.database.write(lambda session: session.add(document))
        return document.id

    return keep()


# -- changes of mind --------------------------------------------------------------------------------------


async def test_a_withdrawn_resignation_undoes_the_work_and_keeps_the_history(tmp_path: Path) -> None:
    async with story(tmp_path, at(MONDAY)) as s:
        leaving = await resigns(s, date(2026, 4, 10), date(2026, 3, 9))
        assert await leaving.hands_over("DOC-1") == "settled"
        share = s.share_of(SUCCESSOR)
        assert await leaving.withdraws() == "settled"
        for case in (s.departure_id, s.statutory_id, share):
            assert leaving.outcome(case) == "withdrawn", case
        # Both hear of it at once: the last message of either case.
        for case in (s.departure_id, share):
            with s.looking_at(case):
                assert s.sent_at()[-1].startswith("03-09 10:00 departure_withdrawn"), case
        sent = (len(s.sms), len(s.mails))
        await s.until(at("04-30 12:00"))
        assert (len(s.sms), len(s.mails)) == sent
        assert leaving.employment().state == "active"
        assert leaving.papers() == []
        assert {"item.listed", "item.handed_over"} <= set(s.kinds())
        # The same person can leave another time.
        first = s.departure_id
        await s.depart("resignation", date(2026, 6, 30), noticed_on=date(2026, 4, 30), successor=SUCCESSOR)
        assert s.departure_id != first


async def test_a_withdrawal_at_night_in_a_paused_case_is_told_in_the_morning(tmp_path: Path) -> None:
    async with story(tmp_path, at("03-09 23:00")) as s:
        leaving = await resigns(s, date(2026, 4, 10), date(2026, 3, 9))
        assert await s.act(ActKind.PAUSE) == "accepted"
        await leaving.withdraws()
        assert s.sent_at() == []
        await s.until(at("03-10 12:00"))
        assert s.sent_at() == ["03-10 09:00 departure_withdrawn sms"]
        assert leaving.outcome(s.departure_id) == "withdrawn"


async def test_who_never_heard_of_a_dismissal_does_not_hear_that_it_is_off(tmp_path: Path) -> None:
    async with story(tmp_path, at("03-09 23:00")) as s:
        leaving = staff(s)
        await s.depart("dismissal", date(2026, 4, 10), noticed_on=date(2026, 3, 9), successor=SUCCESSOR)
        await leaving.withdraws()
        await s.until(at("03-12 12:00"))
        assert s.mails == [] and s.sms == []  # noqa: PT018  one thing: nothing left
        assert leaving.outcome(s.departure_id) == "withdrawn"


async def test_who_has_the_notice_hears_that_it_is_off(tmp_path: Path) -> None:
    async with story(tmp_path, at("03-09 21:30")) as s:
        leaving = staff(s)
        await s.depart("dismissal", date(2026, 4, 10), noticed_on=date(2026, 3, 9), successor=SUCCESSOR)
        await s.until(at("03-09 21:40"))
        await leaving.withdraws()
        await s.until(at("03-12 12:00"))
        assert s.sent_at()[-1].split()[2] == "departure_withdrawn"


async def test_a_receiver_who_was_never_told_of_a_departure_does_not_hear_of_its_withdrawal(
    tmp_path: Path,
) -> None:
    async with story(tmp_path, at("03-09 22:00")) as s:
        leaving = await resigns(s, date(2026, 4, 10), date(2026, 3, 9))
        share = s.share_of(SUCCESSOR)
        await leaving.withdraws()
        await s.until(at("03-10 12:00"))
        assert s.sent_at() == ["03-10 09:00 departure_withdrawn sms"]
        with s.looking_at(share):
            assert s.view()["notices"] == []
        assert leaving.outcome(share) == "withdrawn"


async def test_a_moved_last_day_moves_the_reminders_the_certificate_and_the_duties(tmp_path: Path) -> None:
    async with story(tmp_path, at(MONDAY)) as s:
        leaving = await resigns(s, date(2026, 4, 10), date(2026, 3, 9))
        await s.until(at("03-20 12:00"))
        assert await leaving.moves_the_last_day(date(2026, 4, 30)) == "settled"
        await s.until(at("04-10 12:00"))
        assert leaving.papers() == []
        # 30 days before the new last day is 31 March: the reminders begin anew with the new day.
        assert [line for line in s.sent_at() if "reminder" in line] == [
            "03-11 09:00 reminder_30 sms",
            "03-31 09:00 reminder_30 sms",
        ]
        await s.until(at("04-30 09:00") + MINUTE)
        assert leaving.duties()["certificate"] == "done"
        assert leaving.due()["social_insurance"] == date(2026, 5, 15)


async def test_a_moved_last_day_of_a_dismissal_asks_the_leaver_anew(tmp_path: Path) -> None:
    async with story(tmp_path, at(MONDAY)) as s:
        leaving = staff(s)
        day = date(2026, 4, 10)
        await s.depart("dismissal", day, noticed_on=date(2026, 3, 9), successor=SUCCESSOR)
        await s.until(at("03-10 12:00"))
        assert await leaving.moves_the_last_day(date(2026, 4, 30)) == "settled"
        await s.until(at("03-10 12:00") + MINUTE)
        assert [line for line in s.sent_at() if "sms" in line] == [
            "03-09 10:00 first_notice sms",
            "03-10 12:00 first_notice sms",
        ]
        assert s.stage() == "handover"


async def test_a_receivers_case_rests_while_all_that_is_left_is_disputed_after_the_last_day(
    tmp_path: Path,
) -> None:
    async with story(tmp_path, at("04-09 10:00")) as s:
        leaving = await resigns(s, date(2026, 4, 10), date(2026, 4, 9))
        share = s.share_of(SUCCESSOR)
        for step in ("reminder_30", "reminder_14", "reminder_7", "reminder_3"):
            assert await s.act(ActKind.OVERDUE_DECIDED, choices={step: "skip"}) == "settled"
        assert await leaving.hands_over("DOC-1", "DOC-2", "C-1") == "settled"
        assert await leaving.disputes(SUCCESSOR, "DOC-1", "DOC-2", "C-1") == "settled"
        await s.until(at("04-11 12:00"))
        with s.looking_at(share):
            assert s.stage() == "waiting"
