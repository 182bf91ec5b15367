"""The page about sending: stops, what they hold, limits, ways out, alarms; and the line on every page."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from countersign.adapters.database.cases import ALARMS, raise_alarm
from countersign.adapters.database.stops import StopScope
from countersign.adapters.database.tables import Outbox, SendingStop
from countersign.adapters.database.tokens import Tokens
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.domain.alarm_words import ALARM_NAMES
from countersign.domain.channels import why_not_abroad
from countersign.domain.console_words import told_in
from countersign.domain.courier import WEAK, courier_words
from countersign.domain.receipts import meaning_of
from tests.support.company import BEIJING, company
from tests.support.console import Browser, browser, open_account
from tests.support.outgoing import NOW, SHANGHAI_BRANCH, Outgoing, outgoing

STOPS = "/console/sending/stops"
COMPANY = {"what": "company", "reason": "wrong text"}


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Outgoing]:
    with outgoing(tmp_path) as made:
        made.other_branch()
        yield made


def stops(out: Outgoing) -> list[SendingStop]:
    return sorted(out.rows(SendingStop), key=lambda stop: stop.id)


def stopped(parts: Parts, scope: StopScope, subject: str | None, by: str = "account:x") -> str:
    return parts.stops.set(scope, subject, "wrong text", by).id


async def release(hr: Browser, stop_id: str) -> int:
    return (await hr.post(f"{STOPS}/{stop_id}/release")).status_code


# -- stops ------------------------------------------------------------------------------------------------


async def test_hr_stops_all_sending_sees_what_is_held_and_lets_it_go(out: Outgoing) -> None:
    async with browser(out.parts, name="李娜") as hr:
        await hr.get("/console/sending")
        assert "Nothing is stopped" in hr.text
        await hr.post(STOPS, COMPANY)
        assert "Sending is stopped. Nothing is lost" in hr.text
        (stop,) = stops(out)
        assert (stop.set_by, stop.reason) == (f"account:{hr.account_id}", "wrong text")
        out.held(out.lay_out())
        await hr.get("/console/sending")
        assert "Held now 1" in hr.text
        assert "E1042 张标记伟 the employee SMS sending is stopped" in hr.text
        await release(hr, stop.id)
        assert "Sending goes on: 1 held messages" in hr.text
    assert [row.kind for row in out.rows(Outbox)].count("tell_released") == 1


async def test_a_stop_in_force_stands_on_every_page_with_since_when_and_by_whom(out: Outgoing) -> None:
    line = "Sending is stopped for the whole company since 2026-02-24 10:00 by 李<娜"
    async with browser(out.parts, name="李<娜") as hr:
        await hr.post(STOPS, COMPANY)
        for path in (
            "/console",
            "/console/me",
            "/console/alarms",
            "/console/sending",
            "/console/people/none",
        ):
            await hr.get(path)
            assert line in hr.text, path
        await release(hr, stops(out)[0].id)
        await hr.get("/console")
        assert "Sending is stopped" not in hr.text


async def test_the_line_is_for_those_who_may_see_stops_and_of_what_touches_their_branch(
    out: Outgoing,
) -> None:
    stopped(out.parts, StopScope.BRANCH, SHANGHAI_BRANCH)
    async with browser(out.parts, Role.AUDITOR, branch=BEIJING) as beijing:
        assert "Sending is stopped" not in beijing.text
    async with browser(out.parts, Role.AUDITOR, "other", branch=SHANGHAI_BRANCH) as shanghai:
        assert "Sending is stopped for 上海" in shanghai.text
    stopped(out.parts, StopScope.PROVIDER, "smtp")
    async with browser(out.parts, Role.AUDITOR, "third", branch=BEIJING) as beijing:
        assert "Sending is stopped for provider smtp" in beijing.text
    async with browser(out.parts, Role.FINANCE) as finance:
        assert "Sending is stopped" not in finance.text


def test_the_line_costs_one_read_while_nothing_is_stopped(out: Outgoing) -> None:
    release_me = stopped(out.parts, StopScope.COMPANY, None)
    out.parts.stops.release(release_me, "account:x", None)
    with statements(out.parts) as seen:
        assert out.parts.sending_desk.in_force(None) == []
    assert [one.split()[0] for one in seen if not one.startswith("BEGIN")] == ["SELECT"]


@contextmanager
def statements(parts: Parts) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        seen.append(statement)

    event.listen(parts.database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(parts.database.engine, "before_cursor_execute", note)


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"what": "company", "reason": "   "}, "Write why"),
        ({"what": "company", "reason": "x" * 2001}, "Write why"),
        ({"what": "planet", "reason": "typed words"}, "Choose what is to be stopped"),
        ({"what": "provider:pigeon", "reason": "typed words"}, "Choose what is to be stopped"),
        ({}, "Choose what is to be stopped"),
    ],
)
async def test_a_stop_without_reason_or_subject_is_asked_for_again_with_what_was_typed(
    out: Outgoing, form: dict[str, str], told: str
) -> None:
    async with browser(out.parts) as hr:
        assert (await hr.post(STOPS, form)).status_code == 422
        assert told in hr.text
        assert form.get("reason", "").strip() in hr.page
    assert stops(out) == []


async def test_hr_of_a_branch_stops_and_releases_their_own_branch_alone(out: Outgoing) -> None:
    all_of_it = stopped(out.parts, StopScope.COMPANY, None)
    foreign = stopped(out.parts, StopScope.BRANCH, SHANGHAI_BRANCH)
    async with browser(out.parts, branch=BEIJING) as hr:
        await hr.get("/console/sending")
        assert f'value="branch:{BEIJING}"' in hr.page
        assert 'value="company"' not in hr.page
        assert "上海" not in hr.text
        for what in ("company", f"branch:{SHANGHAI_BRANCH}", "provider:smtp"):
            assert (await hr.post(STOPS, {"what": what, "reason": "r"})).status_code == 422
        assert (await release(hr, all_of_it), await release(hr, foreign)) == (404, 404)
        await hr.post(STOPS, {"what": f"branch:{BEIJING}", "reason": "r"})
        assert await release(hr, stops(out)[-1].id) == 200
    assert [stop.released_at is not None for stop in stops(out)] == [False, False, True]


async def test_what_somebody_else_did_meanwhile_is_told_with_name_and_time(out: Outgoing) -> None:
    other = open_account(out.parts, Role.HR, "other", name="王芳")
    async with browser(out.parts) as hr:
        stop_id = stopped(out.parts, StopScope.COMPANY, None, f"account:{other}")
        await hr.post(STOPS, COMPANY)
        assert "This is stopped already, by 王芳 on 2026-02-24 10:00" in hr.text
        out.later(minutes=5)
        out.parts.stops.release(stop_id, f"account:{other}", None)
        await release(hr, stop_id)
        assert "released already by 王芳 on 2026-02-24 10:05" in hr.text


async def test_a_stop_by_a_program_bears_the_name_of_its_token(out: Outgoing) -> None:
    tokens = Tokens(out.parts.database, out.parts.clock)
    caller = tokens.recognise(tokens.create(Role.HR, None))
    assert caller is not None
    stopped(out.parts, StopScope.COMPANY, None, f"hr token:{caller.token_id}")
    async with browser(out.parts) as hr:
        assert f"API · {caller.token_id[-6:]}" in hr.text


async def test_who_only_reads_finds_no_button(out: Outgoing) -> None:
    stopped(out.parts, StopScope.COMPANY, None)
    async with browser(out.parts, Role.AUDITOR) as auditor:
        await auditor.get("/console/sending")
        assert "wrong text" in auditor.text
        assert 'action="/console/sending/' not in auditor.page


async def test_what_is_held_can_be_looked_at_by_its_reason_and_only_of_ones_own_branch(out: Outgoing) -> None:
    stop_id = stopped(out.parts, StopScope.COMPANY, None)
    out.held(out.lay_out())
    out.held(out.lay_out(out.other_person(branch=SHANGHAI_BRANCH)))
    async with browser(out.parts) as hr:
        await hr.get("/console/sending?why=sending_stopped")
        assert "Held now 2" in hr.text
        await hr.get("/console/sending?why=nonsense&page=99999999")
        assert "Held now 2" in hr.text
        assert "E1042" in hr.text
    async with browser(out.parts, Role.LEGAL, branch=SHANGHAI_BRANCH) as legal:
        await legal.get("/console/sending")
        assert "Held now 1" in legal.text
        assert "E1042" not in legal.text
    out.parts.stops.release(stop_id, "account:x", None)


async def test_the_limits_and_what_left_today_are_told(tmp_path: Path) -> None:
    with outgoing(tmp_path, person_daily_cap=3, company_daily_cap=12_345) as out:
        out.send()
        async with browser(out.parts) as hr:
            await hr.get("/console/sending")
            assert "To one person 3 messages In all 12,345 messages Left today 1" in hr.text


# -- ways out ---------------------------------------------------------------------------------------------


async def test_hr_answers_for_a_way_that_leaves_the_country_once_and_the_first_answer_stays(
    tmp_path: Path,
) -> None:
    parts = company(tmp_path, lambda: NOW, cross_border_channels=("email",))
    way = "/console/sending/channels/email/acknowledge"
    async with browser(parts, name="李娜") as hr:
        await hr.get("/console/sending")
        assert "not answered for" in hr.text
        assert (await hr.post(way, {"why_email": " "})).status_code == 422
        assert "Write why" in hr.text
        await hr.post(way, {"why_email": "contract of 2026"})
        assert "Kept: you answer for email" in hr.text
        assert "answered for 李娜, 2026-02-24" in hr.text
    async with browser(parts, login="second") as second:
        await second.post(way, {"why_email": "another"})
        assert "李娜 answers for this already since 2026-02-24 10:00" in second.text
        assert "contract of 2026" in second.text
        answer = await second.post("/console/sending/channels/twilio/acknowledge", {"why_twilio": "r"})
        assert (answer.status_code, "does not leave the country" in second.text) == (409, True)
        missing = await second.post("/console/sending/channels/pigeon/acknowledge", {"why_pigeon": "r"})
        assert missing.status_code == 404


async def test_hr_of_a_branch_answers_for_no_way_out(tmp_path: Path) -> None:
    parts = company(tmp_path, lambda: NOW, cross_border_channels=("email",))
    async with browser(parts, branch=BEIJING) as hr:
        await hr.get("/console/sending")
        assert "can answer for email" in hr.text
        answer = await hr.post("/console/sending/channels/email/acknowledge", {"why_email": "r"})
        assert answer.status_code == 403
    assert all(known is None for _, known in parts.channels.listing())


# -- alarms -----------------------------------------------------------------------------------------------


def alarm(out: Outgoing, kind: str, case_id: str | None, detail: str = "", ago: int = 0) -> None:
    with out.parts.database.transaction() as session:
        raise_alarm(session, kind, out.now - timedelta(minutes=ago), case_id, detail)


async def test_alarms_are_told_in_words_by_kind_with_their_case(out: Outgoing) -> None:
    alarm(out, "undelivered", out.case_id, ago=5)
    alarm(out, "provider_down", None, "(smtp)")
    async with browser(out.parts, language="zh-CN") as hr:
        await hr.get("/console/alarms")
        assert hr.text.index("服务商无法连接") < hr.text.index("消息未送达")
        assert f'href="/console/cases/{out.case_id}">E1042 张标记伟' in hr.page
        assert "（smtp）" in hr.text
        await hr.get("/console/alarms?kind=undelivered")
        assert "消息无法送达该地址" in hr.text
        assert "（smtp）" not in hr.text
        await hr.get("/console/alarms?kind=<b>")
        assert "（smtp）" in hr.text
        answer = await hr.get("/console/alarms.csv?kind=undelivered")
        (_, line) = answer.content.decode("utf-8-sig").splitlines()
        assert "消息未送达" in line
        assert out.case_id in line
        assert (await hr.get("/console/alarms.pdf")).status_code == 404


async def test_alarms_come_a_page_at_a_time_the_newest_first(out: Outgoing) -> None:
    for number in range(52):
        alarm(out, "provider_down", None, f"(way {number})", ago=number)
    async with browser(out.parts) as hr:
        await hr.get("/console/alarms")
        assert "(way 0)" in hr.text
        assert "(way 50)" not in hr.text
        assert "Page 1 of 2" in hr.text
        await hr.get("/console/alarms?page=2")
        assert "(way 50)" in hr.text
        assert "(way 49)" not in hr.text
        answer = await hr.get("/console/alarms.csv")
        assert len(answer.content.decode("utf-8-sig").splitlines()) == 53
        await hr.get("/console/sending")
        assert "All alarms (52)" in hr.text


async def test_a_branch_sees_the_alarms_of_its_own_cases_alone(out: Outgoing) -> None:
    alarm(out, "undelivered", out.case_id)
    alarm(out, "not_me", out.other_person(branch=SHANGHAI_BRANCH))
    alarm(out, "provider_down", None, "(smtp)")
    async with browser(out.parts, branch=BEIJING) as hr:
        await hr.get("/console/alarms")
        assert "Not delivered" in hr.text
        assert "Not the person" not in hr.text
        assert "Provider away" not in hr.text


def _said() -> list[str]:
    """Return every sentence that an alarm can have, with an example of what stands beside it."""
    beside = {
        "weak_letter": [f"({courier_words(state)})" for state in WEAK],
        "provider_down": ["(smtp)"],
        "provider_settings": ["(twilio)"],
        "content_refused": ["(aliyun)"],
        "sending_stopped": ["(company)", "(branch)", "(provider smtp)"],
        "sending_released": ["(company)", "(branch)", "(provider smtp)"],
        "ended_outside": ["(terminated by an operator)", "(unknown to the Temporal server)"],
        "undelivered": ["", meaning_of("smtp_no_reply").en],
        "start_failed": ["leave: its case exists already: 01A (leave 01B)"],
        "paper_unprintable": ["(the name)", "(the title, the text)"],
        "circular_complete": ["(circular 01C)"],
    }
    return [f"{words} {one}".strip() for kind, words in ALARMS.items() for one in beside.get(kind, [""])]


def test_every_alarm_has_a_name_and_says_everything_in_chinese_too() -> None:
    assert set(ALARM_NAMES) == set(ALARMS)
    for english in _said():
        chinese = told_in("zh-CN", english)
        words = [word for word in ("the", "and", "in", "of", "is") if f" {word} " in f" {chinese} "]
        assert chinese != english, english
        assert not words, chinese


def test_the_refusals_of_stops_and_ways_out_are_told_in_chinese(out: Outgoing) -> None:
    for scope, subject in ((StopScope.BRANCH, "x"), (StopScope.PROVIDER, "x"), (StopScope.COMPANY, "x")):
        with pytest.raises(LookupError) as refused:
            out.parts.stops.set(scope, subject, "r", "account:x")
        english = str(refused.value.args[0])
        assert told_in("zh-CN", english) != english
    (way,) = [way for way, _ in out.parts.channels.listing() if way.name == "email"]
    abroad = why_not_abroad([type(way)(way.name, way.channel, way.setup, True)], ())
    assert abroad is not None
    assert told_in("zh-CN", abroad) != abroad
