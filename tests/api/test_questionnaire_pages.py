"""The questionnaire behind a leaver's link: found, answered, changed, declined, without a script."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from api.app import create_app
from countersign.adapters.database.tables import Case, Departure, EventRow, QuestionnaireReply
from countersign.bootstrap import Parts
from tests.support.asking import ask
from tests.support.company import company
from tests.support.console import plain
from tests.support.handing import NOW, handing_over, link_to


class Clock:
    def __init__(self) -> None:
        self.now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Leaver:
    """A leaver with a link, and a receiver with another one."""

    parts: Parts
    client: TestClient
    case: str
    clock: Clock

    def url(self, rest: str = "/questionnaire", side: str = "leaver") -> str:
        return f"/n/{self.parts.link_keys.code(f'link-{side}')}{rest}"

    def page(self, rest: str = "/questionnaire", side: str = "leaver") -> str:
        answer = self.client.get(self.url(rest, side))
        assert answer.status_code == 200, answer.text
        return str(answer.text)

    def form(self, **values: str) -> dict[str, str]:
        found = re.search(r'name="nonce" value="(\w+)"', self.page())
        assert found is not None
        return {"nonce": found[1], **values}

    def say(self, **values: str) -> Any:
        return self.client.post(self.url(), data=self.form(**values))

    def reply(self) -> QuestionnaireReply | None:
        with self.parts.database.reading() as session:
            return session.exec(select(QuestionnaireReply)).first()

    def events(self) -> int:
        with self.parts.database.reading() as session:
            kind = "questionnaire.answered"
            return len(session.exec(select(EventRow).where(EventRow.kind == kind)).all())


@pytest.fixture
def leaver(tmp_path: Path) -> Iterator[Leaver]:
    clock = Clock()
    parts = company(tmp_path, clock)
    case, share, receiver = handing_over(parts)
    with parts.database.reading() as session:
        departure = session.get_one(Departure, case)
        person, statutory = departure.person_id, departure.statutory_case_id
    link_to(parts, "leaver", case, person, "请移交。")
    link_to(parts, "notice", statutory, person, "劳动关系结束。")
    link_to(parts, "receiver", share, receiver, "请接收。")
    ask(parts, case)
    client = TestClient(
        create_app(parts, dispatch=False), base_url="https://hr.example.cn", follow_redirects=False
    )
    yield Leaver(parts, client, case, clock)
    parts.database.close()


def test_the_leavers_pages_lead_to_it_and_nobody_elses_do(leaver: Leaver) -> None:
    for side in ("leaver", "notice"):
        assert leaver.url("", side) + "/questionnaire" in leaver.page("", side)
        assert "是否作答完全自愿" in leaver.page(side=side)
    assert "questionnaire" not in leaver.page("", "receiver")
    assert leaver.client.get(leaver.url(side="receiver")).status_code == 404
    assert leaver.client.post(leaver.url(side="receiver"), data={"reply": "declined"}).status_code == 404
    assert leaver.reply() is None


def test_without_questions_there_is_no_such_page(leaver: Leaver) -> None:
    with leaver.parts.database.transaction() as session:
        session.get_one(Case, leaver.case).frozen = {}
    assert "questionnaire" not in leaver.page("")
    assert leaver.client.get(leaver.url()).status_code == 404


def test_every_question_has_a_labelled_field_and_nothing_is_chosen_before(leaver: Leaver) -> None:
    page = leaver.page()
    assert "<script" not in page
    names = set(re.findall(r'name="(q-\w+)"', page))
    assert names == {f"q-{one}" for one in "reason abilities pay hours growth manager again words".split()}
    ids = re.findall(r'<input class="radio" type="radio" name="q-\w+" id="([\w-]+)"', page)
    assert all(f'for="{one}"' in page for one in ids)
    assert len(ids) == len(set(ids))
    assert not re.findall(r'name="q-reason"[^>]* checked', page)
    assert re.findall(r'id="q-manager-none" value="" checked', page)
    assert "What is your main reason" in leaver.page("/questionnaire?lang=en")


def test_answers_are_kept_shown_again_and_changed(leaver: Leaver) -> None:
    answer = leaver.say(**{"q-reason": "pay", "q-manager": "4", "q-words": "  谢谢 <b>\r\n再见 "})
    assert (answer.status_code, answer.headers["location"]) == (303, leaver.url())
    kept = leaver.reply()
    assert kept is not None
    assert kept.answers == {"reason": "pay", "manager": "4", "words": "谢谢 <b>\n再见"}
    page = leaver.page()
    assert "您的回答已提交给人事" in page
    assert 'id="q-reason-pay" value="pay" checked' in page
    assert "谢谢 &lt;b&gt;" in page
    assert "您的回答已提交给人事" in plain(leaver.page(""))

    leaver.say(**{"q-reason": "team"})
    kept = leaver.reply()
    assert kept is not None
    assert kept.answers == {"reason": "team"}


def test_the_same_form_sent_twice_is_one_answer(leaver: Leaver) -> None:
    form = leaver.form(**{"q-reason": "pay"})
    for _ in range(2):
        assert leaver.client.post(leaver.url(), data=form).status_code == 303
    assert leaver.events() == 1


def test_it_can_be_declined_and_answers_taken_back(leaver: Leaver) -> None:
    leaver.say(reply="declined")
    kept = leaver.reply()
    assert kept is not None
    assert (kept.declined, kept.answers) == (True, {})
    assert "您选择了不作答" in leaver.page()
    leaver.say(**{"q-reason": "pay"})
    assert "撤回我的回答" in leaver.page()
    leaver.say(reply="declined")
    kept = leaver.reply()
    assert kept is not None
    assert (kept.declined, kept.answers) == (True, {})


@pytest.mark.parametrize(
    ("values", "field", "told"),
    [
        ({"q-words": "只写这一句"}, "q-reason", "请选择一项；不想作答的"),
        ({"q-reason": "money"}, "q-reason", "请选择一项"),
        ({"q-reason": "pay", "q-manager": "6"}, "q-manager", "请选择一项"),
        ({"q-reason": "pay", "q-words": "字" * 2001}, "q-words", "2001"),
        ({"q-reason": "pay", "nonce": "x"}, "questionnaire", "页面已失效"),
    ],
)
def test_what_does_not_fit_is_said_at_its_question_and_what_was_typed_stays(
    leaver: Leaver, values: dict[str, str], field: str, told: str
) -> None:
    answer = leaver.say(**values)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert f'id="{field}"' in answer.text
    assert told in answer.text
    assert values.get("q-words", "") in answer.text
    assert leaver.reply() is None


def test_after_its_time_it_is_shown_closed_and_takes_nothing(leaver: Leaver) -> None:
    form = leaver.form(**{"q-reason": "pay"})
    leaver.clock.now = NOW + timedelta(days=44)  # the last day and two weeks are over
    answer = leaver.client.post(leaver.url(), data=form)
    assert answer.status_code == 409
    assert "问卷已截止" in answer.text
    assert 'action="' not in leaver.page()
    assert "questionnaire" not in leaver.page("")
    assert leaver.reply() is None


def test_a_form_of_another_site_is_refused(leaver: Leaver) -> None:
    answer = leaver.client.post(
        leaver.url(), data=leaver.form(reply="declined"), headers={"origin": "https://evil.example"}
    )
    assert answer.status_code == 403
    assert leaver.reply() is None
