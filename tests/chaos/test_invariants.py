"""Each invariant against a sound ledger and a doctored one: a checker that cannot fail proves nothing."""

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.chaos import invariants as must
from tests.chaos.books import Event, Row
from tests.chaos.ledger import Acceptance, Report

CODE, SECOND_CODE = "AAAA-BBBB-CCCC", "DDDD-EEEE-FFFF"
PLANNED = "2026-02-24T18:00:00.000+08:00"


def delivery(**changes: Any) -> Row:
    return {
        "id": "D1", "notice_id": "N1", "case_id": "C1", "channel": "sms", "attempt": 1, "state": "delivered",
        "address": "+12000055555", "text": f"please answer {CODE}", "provider_id": "SM1",
        "possible_duplicate": 0, "sending_at": "2026-02-24 10:00:00.000000",
    } | changes  # fmt: skip


SECOND = delivery(id="D2", attempt=2, text=f"again {SECOND_CODE}", provider_id="SM2", possible_duplicate=1)
TEXT = Acceptance("SM1", "sms", "+12000055555", "t", CODE, "delivered", None)
AGAIN = replace(TEXT, id="SM2", code=SECOND_CODE)
MAIL_ROW = delivery(channel="email", address="p@example.com", state="sent", provider_id="<D1.1@x>")
MAIL = Acceptance("M1", "email", "p@example.com", "t", CODE, message_id="<D1.1@x>", notice_id="N1")
CASE: Row = {"id": "C1", "state": "closed", "stage": "closed", "outcome": "exhausted", "workflow_id": "W1",
             "leave_id": "L1"}  # fmt: skip
NOTICE: Row = {"id": "N1", "case_id": "C1", "step": "1.first_notice"}


def event(kind: str, **body: Any) -> Event:
    return Event("C1", 1, kind, PLANNED, body)


def only(broken: list[str], words: str) -> None:
    assert len(broken) == 1, broken
    assert words in broken[0]


# -- messages ---------------------------------------------------------------------------------------------


def test_an_acceptance_without_a_delivery_is_found() -> None:
    rows = [delivery()]
    assert must.every_acceptance_is_explained(must.match([TEXT], rows), rows) == []
    stray = must.match([TEXT, AGAIN], rows)
    only(must.every_acceptance_is_explained(stray, rows), "no delivery knows its code")
    nameless = must.match([replace(TEXT, code=None)], rows)
    only(must.every_acceptance_is_explained(nameless, rows), "no delivery knows its code")


def test_an_acceptance_of_a_row_that_never_began_is_found() -> None:
    rows = [delivery(sending_at=None)]
    only(must.every_acceptance_is_explained(must.match([TEXT], rows), rows), "never began sending")


def test_an_acceptance_for_another_address_is_found() -> None:
    rows = [delivery(address="+12000155555")]
    only(must.every_acceptance_is_explained(must.match([TEXT], rows), rows), "not its own")


def test_one_attempt_accepted_twice_is_found() -> None:
    rows = [delivery()]
    assert must.no_attempt_left_twice(must.match([TEXT], rows)) == []
    twice = must.match([TEXT, replace(TEXT, id="SM9")], rows)
    only(must.no_attempt_left_twice(twice), "accepted 2 times")


def test_a_duplicate_must_stand_in_the_row_and_in_the_evidence() -> None:
    rows, told = [delivery(), SECOND], [event("delivery.sending", delivery="D2", possible_duplicate=True)]
    both = must.match([TEXT, AGAIN], rows)
    assert must.duplicates(both, rows) == [SECOND]
    assert must.duplicates_are_listed(both, rows, told) == []
    only(must.duplicates_are_listed(both, rows, []), "the evidence does not list")
    unlisted = [delivery(), SECOND | {"possible_duplicate": 0}]
    only(must.duplicates_are_listed(both, unlisted, told), "the row does not list")


def test_an_attempt_after_one_that_was_undelivered_is_no_duplicate() -> None:
    rows = [delivery(), SECOND]
    assert must.duplicates(must.match([replace(TEXT, status="undelivered"), AGAIN], rows), rows) == []


def test_a_listed_duplicate_of_nothing_is_found() -> None:
    rows = [delivery(), SECOND]
    assert must.listed_are_duplicates(must.match([TEXT, AGAIN], rows), rows) == []
    only(must.listed_are_duplicates(must.match([AGAIN], rows), rows), "nothing was accepted before")


def test_a_channel_that_may_have_no_duplicates_has_none() -> None:
    rows = [delivery(), SECOND]
    assert must.no_duplicates(must.match([TEXT], rows), rows, "sms") == []
    assert must.no_duplicates(must.match([TEXT, AGAIN], rows), rows, "email") == []
    only(must.no_duplicates(must.match([TEXT, AGAIN], rows), rows, "sms"), "a second time")


def test_a_mail_with_a_message_id_of_its_own_making_is_found() -> None:
    rows = [MAIL_ROW]
    assert must.message_ids_are_stable(must.match([MAIL], rows), rows) == []
    other = must.match([replace(MAIL, message_id="<random@x>")], rows)
    only(must.message_ids_are_stable(other, rows), "<random@x>")


def test_a_notice_that_reached_nobody_needs_a_reason() -> None:
    rows, told = [delivery()], [event("notice.nothing_sent", step="first_notice", because="no channel")]
    nothing = must.match([], rows)
    assert must.nothing_is_lost([CASE], [NOTICE], rows, [], must.match([TEXT], rows)) == []
    assert must.nothing_is_lost([CASE], [NOTICE], rows, told, nothing) == []
    only(must.nothing_is_lost([CASE], [NOTICE], rows, [], nothing), "nothing says why")
    held = [event("notice.nothing_sent", delivery="D1", notice="N1", because="paused")]
    only(must.nothing_is_lost([CASE], [NOTICE], rows, held, nothing), "nothing says why")


def test_a_case_that_never_wrote_a_notice_is_found() -> None:
    silent = CASE | {"outcome": None, "state": "running"}
    only(must.nothing_is_lost([silent], [], [], [], must.match([], [])), "no notice was ever written")


@pytest.mark.parametrize(
    ("row", "taken", "words"),
    [
        ({"state": "sending"}, [TEXT], "still sending"),
        ({"state": "sent"}, [], "never accepted it"),
        ({"state": "delivered"}, [], "never accepted it"),
        ({"state": "pending"}, [TEXT], "is pending, and the stand-in accepted it"),
        ({"state": "suppressed"}, [TEXT], "is suppressed, and the stand-in accepted it"),
        ({"state": "failed_permanent"}, [TEXT], "the stand-in says delivered"),
        ({"provider_id": "SM7"}, [TEXT], "names SM7"),
    ],
)
def test_a_row_that_the_ledger_contradicts_is_found(row: Row, taken: list[Acceptance], words: str) -> None:
    assert must.rows_agree_with_the_ledger(must.match([TEXT], [delivery()]), [delivery()]) == []
    rows = [delivery(**row)]
    only(must.rows_agree_with_the_ledger(must.match(taken, rows), rows), words)


def test_an_unknown_end_may_have_left_or_not() -> None:
    rows = [delivery(state="unknown", provider_id=None)]
    assert must.rows_agree_with_the_ledger(must.match([TEXT], rows), rows) == []
    assert must.rows_agree_with_the_ledger(must.match([], rows), rows) == []


def test_a_wrong_final_state_is_found() -> None:
    lost = replace(TEXT, status="undelivered", error_code=30005)
    rows = [delivery(state="failed_permanent")]
    assert must.final_states_are_right(must.match([lost], rows), rows, set()) == []
    only(must.final_states_are_right(must.match([TEXT], rows), rows, set()), "ended as delivered")
    only(must.final_states_are_right(must.match([lost], [delivery()]), [delivery()], set()), "30005")
    unheard = [delivery(state="sent")]
    assert must.final_states_are_right(must.match([TEXT], unheard), unheard, {"SM1"}) == []
    only(must.final_states_are_right(must.match([TEXT], unheard), unheard, set()), "is sent")


def test_a_forged_report_that_was_taken_is_found_and_a_true_one_that_was_refused() -> None:
    sound = [Report("SM1", "delivered", "true", 204), Report("SM1", "undelivered", "forged", 403)]
    assert must.forged_reports_are_refused(sound) == []
    only(must.forged_reports_are_refused([replace(sound[1], answer=204)]), "was answered 204")
    only(must.forged_reports_are_refused([replace(sound[0], answer=403)]), "was refused with 403")


# -- cases ------------------------------------------------------------------------------------------------


def test_a_case_that_is_open_or_missing_is_found() -> None:
    assert must.every_case_is_closed([CASE], 1) == []
    only(must.every_case_is_closed([CASE], 2), "2 cases were started")
    only(must.every_case_is_closed([CASE | {"state": "running"}], 1), "is running")


def test_a_history_that_ended_otherwise_is_found() -> None:
    assert must.histories_agree([CASE], {"W1": "exhausted"}) == []
    only(must.histories_agree([CASE], {"W1": "back"}), "ended as back")
    only(must.histories_agree([CASE], {"W1": None}), "has no result")


def test_a_broken_chain_and_one_that_was_not_looked_at_are_found() -> None:
    assert must.chains_verify({"C1": None}, [CASE]) == []
    only(must.chains_verify({"C1": "line 3: prev is not the hash before it"}, [CASE]), "line 3")
    only(must.chains_verify({}, [CASE]), "never checked")


STEP = {"step": "first_notice", "at": "2026-02-24T18:00:00+08:00"}
CLIMBED = [
    event("plan.made", steps=[STEP]),
    event("rung.reached", **STEP),
    event("case.closed", outcome="exhausted"),
]


def test_a_step_that_was_missed_doubled_or_late_is_found() -> None:
    assert must.every_step_once_on_its_date(CLIMBED, ["first_notice"]) == []
    missed = [CLIMBED[0], CLIMBED[2]]
    only(must.every_step_once_on_its_date(missed, ["first_notice"]), "reached 0 times")
    only(must.every_step_once_on_its_date([*CLIMBED, CLIMBED[1]], ["first_notice"]), "reached 2 times")
    late = [CLIMBED[0], replace(CLIMBED[1], at="2026-02-24T18:05:00.000+08:00")]
    only(must.every_step_once_on_its_date(late, ["first_notice"]), "reached at 2026-02-24T18:05")
    assert must.every_step_once_on_its_date(late, ["first_notice"], timedelta(minutes=6)) == []
    early = [CLIMBED[0], replace(CLIMBED[1], at="2026-02-24T17:59:59.000+08:00")]
    only(must.every_step_once_on_its_date(early, ["first_notice"], timedelta(minutes=6)), "reached at")


def test_a_step_that_was_planned_anew_is_measured_by_its_new_date() -> None:
    moved = event("plan.changed", changes=[{"step": "first_notice", "new_at": "2026-02-25T18:00:00+08:00"}])
    broken = must.every_step_once_on_its_date([CLIMBED[0], moved, CLIMBED[1]], ["first_notice"])
    only(broken, "planned for 2026-02-25")


DUE = datetime(2026, 2, 24, 10, 0, tzinfo=UTC)


def test_a_timer_that_never_fired_or_fired_early_is_found() -> None:
    later, soon = DUE + timedelta(seconds=1), DUE - timedelta(seconds=1)
    assert must.no_timer_is_lost([must.Timer("W1", DUE, "fired", later, None)], later) == []
    assert must.no_timer_is_lost([must.Timer("W1", DUE, None, None, soon)], later) == []
    assert must.no_timer_is_lost([must.Timer("W1", DUE, None, None, None)], later) == []
    only(must.no_timer_is_lost([must.Timer("W1", DUE, None, None, later)], later), "never fired")
    long_after = DUE + timedelta(minutes=5)
    only(must.no_timer_is_lost([must.Timer("W1", DUE, None, None, None)], long_after), "never fired")
    only(must.no_timer_is_lost([must.Timer("W1", DUE, "fired", soon, None)], later), "fired early")


# -- requests ---------------------------------------------------------------------------------------------

START = must.Asked("k", "start", "L1", (None, 201), "C1")
ERRAND: Row = {"kind": "start_case", "body": {"case": "C1"}, "done_at": "2026-02-24"}


def test_a_request_that_was_never_answered_is_found() -> None:
    assert must.every_request_was_answered([START]) == []
    only(must.every_request_was_answered([replace(START, answers=(None,))]), "ended with None")
    only(must.every_request_was_answered([replace(START, answers=(None, 500))]), "ended with 500")


def test_a_lost_or_doubled_start_is_found() -> None:
    assert must.starts_are_single([START], [CASE], [ERRAND]) == []
    only(must.starts_are_single([START], [], []), "0 cases")
    only(must.starts_are_single([START], [CASE, CASE | {"id": "C2"}], [ERRAND]), "2 cases")
    only(must.starts_are_single([replace(START, case_id="C9")], [CASE], [ERRAND]), "was told the case C9")
    only(must.starts_are_single([START], [CASE], [ERRAND, ERRAND]), "ordered 2 times")
    only(must.starts_are_single([START], [CASE], [ERRAND | {"done_at": None}]), "still open")


def test_a_lost_doubled_or_ineffective_act_is_found() -> None:
    asked = must.Asked("k", "resigned", "C1", (None, 303))
    act: Row = {"id": "A1", "case_id": "C1", "kind": "resigned", "role": "employee", "state": "accepted"}
    told = [event("answer.resigned", act="A1")]
    assert must.acts_are_single([asked], [act], told) == []
    only(must.acts_are_single([asked], [], told), "stands 0 times in the books")
    only(must.acts_are_single([asked], [act, act | {"id": "A2"}], told), "stands 2 times in the books")
    only(must.acts_are_single([asked], [act | {"state": "waiting"}], told), "is waiting")
    only(must.acts_are_single([asked], [act], told * 2), "2 times in the evidence")
    only(must.acts_are_single([asked], [act], []), "0 times in the evidence")


# -- probes -----------------------------------------------------------------------------------------------

TABLES: dict[str, list[Row]] = {
    "case_": [{"id": "C1", "stage": "ladder"}],
    "delivery": [{"id": "D1", "state": "delivered", "fetches": 0}],
    "event": [{"id": "C1/1", "kind": "case.started", "line": "x"}],
}


def test_counters_of_fetches_may_change_and_nothing_else() -> None:
    after = deepcopy(TABLES)
    after["delivery"][0]["fetches"] = 7
    after["event"].append({"id": "C1/2", "kind": "link.fetched", "line": "y"})
    assert must.nothing_changed(TABLES, after) == []
    after["event"].append({"id": "C1/3", "kind": "answer.acknowledged", "line": "z"})
    only(must.nothing_changed(TABLES, after), "answer.acknowledged")
    moved = deepcopy(TABLES)
    moved["case_"][0]["stage"] = "closed"
    only(must.nothing_changed(TABLES, moved), "changed in stage")
    only(must.nothing_changed(TABLES, TABLES | {"delivery": []}), "is gone")


def test_answers_that_differ_by_a_byte_are_found() -> None:
    same = {"unknown": [b"404 gone"], "expired": [b"404 gone"], "revoked": [b"404 gone", b"404 gone"]}
    assert must.answers_are_the_same(same) == []
    only(must.answers_are_the_same(same | {"expired": [b"404 Gone"]}), "2 different answers")


def test_a_kind_of_code_that_takes_visibly_longer_is_found() -> None:
    base = [0.010 + number / 10_000 for number in range(40)]
    alike = {"unknown": base, "expired": base, "revoked": [value + 0.001 for value in base]}
    assert must.times_are_alike(alike) == []
    only(must.times_are_alike(alike | {"expired": [value + 0.004 for value in base]}), "told by their time")


def test_guessing_that_is_never_or_too_late_turned_away_is_found() -> None:
    assert must.the_limiter_trips([404] * 30 + [429] * 5, 30) == []
    only(must.the_limiter_trips([404] * 40, 30), "never turned away")
    only(must.the_limiter_trips([404] * 35 + [429], 30), "after 35 tries")
    only(must.the_limiter_trips([404] * 30 + [429, 404], 30), "let in again")
