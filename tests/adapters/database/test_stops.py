"""The switch that stops all sending: whom it holds, who may release it, and who hears of the release."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from countersign.adapters.database.stops import StopScope
from countersign.adapters.database.tables import Case, Delivery, Outbox
from countersign.domain.policy import Channel
from countersign.ports import SendTicket
from tests.support.company import BEIJING
from tests.support.outgoing import NOW, SHANGHAI_BRANCH, Outgoing, outgoing

COMPANY, BRANCH, PROVIDER = StopScope.COMPANY, StopScope.BRANCH, StopScope.PROVIDER


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Outgoing]:
    with outgoing(tmp_path) as made:
        yield made


def leaves(out: Outgoing, delivery: str) -> bool:
    return isinstance(out.begin(delivery), SendTicket)


def told(out: Outgoing) -> list[str]:
    """Return the cases that are to be told of a release."""
    return [row.body["case"] for row in out.rows(Outbox) if row.kind == "tell_released"]


def test_a_stop_of_the_company_holds_everything_until_its_release(out: Outgoing) -> None:
    stop = out.parts.stops.set(COMPANY, None, "wrong text", "hr token:1")
    for channel in (Channel.SMS, Channel.EMAIL):
        assert out.held(out.lay_out(channel=channel)).code == "sending_stopped"
    (shown,) = out.parts.stops.all(None)
    assert (shown.reason, shown.set_by, shown.set_at, shown.held) == ("wrong text", "hr token:1", NOW, 2)
    released = out.parts.stops.release(stop.id, "hr token:2", None)
    assert released is not None
    assert (released.released_by, released.released_at, released.held) == ("hr token:2", NOW, 0)
    assert leaves(out, out.lay_out())


def test_a_stop_of_a_branch_holds_that_branch_alone(out: Outgoing) -> None:
    elsewhere = out.other_person(branch=out.other_branch())
    out.parts.stops.set(BRANCH, SHANGHAI_BRANCH, "moving house", "hr")
    assert leaves(out, out.lay_out())
    assert out.held(out.lay_out(elsewhere)).code == "sending_stopped"


def test_a_stop_of_a_provider_holds_what_it_would_carry(out: Outgoing) -> None:
    stop = out.parts.stops.set(PROVIDER, "twilio", "outage", "hr")
    assert out.held(out.lay_out()).code == "sending_stopped"
    assert leaves(out, out.lay_out(channel=Channel.EMAIL))
    out.parts.stops.set(PROVIDER, "smtp", "outage", "hr")
    assert out.held(out.lay_out(channel=Channel.EMAIL)).code == "sending_stopped"
    held = {shown.subject: shown.held for shown in out.parts.stops.all(None)}
    assert held == {"twilio": 1, "smtp": 1}
    out.parts.stops.release(stop.id, "hr", None)
    assert leaves(out, out.lay_out())
    assert out.held(out.lay_out(channel=Channel.EMAIL)).code == "sending_stopped"


def test_two_stops_at_once_hold_until_both_are_released(out: Outgoing) -> None:
    company = out.parts.stops.set(COMPANY, None, "drill", "hr")
    branch = out.parts.stops.set(BRANCH, BEIJING, "drill", "hr")
    delivery = out.lay_out()
    out.held(delivery)
    out.parts.stops.release(company.id, "hr", None)
    assert out.held(delivery).code == "sending_stopped"
    out.parts.stops.release(branch.id, "hr", BEIJING)
    assert leaves(out, delivery)


def test_the_same_stop_again_is_the_one_that_holds_already(out: Outgoing) -> None:
    first = out.parts.stops.set(BRANCH, BEIJING, "drill", "hr")
    assert out.parts.stops.set(BRANCH, BEIJING, "another reason", "legal") == first
    assert out.alarms() == ["sending_stopped"]
    out.parts.stops.release(first.id, "hr", None)
    assert out.parts.stops.set(BRANCH, BEIJING, "again", "hr").id != first.id


def test_a_release_again_changes_and_tells_nothing(out: Outgoing) -> None:
    stop = out.parts.stops.set(COMPANY, None, "drill", "hr")
    out.held(out.lay_out())
    first = out.parts.stops.release(stop.id, "hr", None)
    out.later(hours=1)
    assert out.parts.stops.release(stop.id, "legal", None) == first
    assert out.alarms() == ["sending_stopped", "sending_released"]
    assert told(out) == [out.case_id]


def test_two_people_who_release_at_once_tell_every_case_once(out: Outgoing) -> None:
    stop = out.parts.stops.set(COMPANY, None, "drill", "hr")
    out.held(out.lay_out())
    with ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(lambda name: out.parts.stops.release(stop.id, name, None), "abcd"))
    assert len(set(ends)) == 1
    assert told(out) == [out.case_id]


def test_only_cases_that_hold_a_message_hear_of_the_release_and_each_once(out: Outgoing) -> None:
    held, free, paused, over = out.case_id, out.second_case(), out.other_person(), out.other_person("E3")
    stop = out.parts.stops.set(COMPANY, None, "drill", "hr")
    for case in (held, held, over):
        out.held(out.lay_out(case))
    out.lay_out(free)
    out.change(Case, paused, state="paused")
    out.held(out.lay_out(paused))
    out.change(Case, over, state="closed")
    (shown,) = out.parts.stops.all(None)
    assert shown.held == 2
    out.parts.stops.release(stop.id, "hr", None)
    assert told(out) == [held]


def test_what_left_after_a_release_is_not_counted_as_held_by_the_next_stop(out: Outgoing) -> None:
    stop = out.parts.stops.set(COMPANY, None, "drill", "hr")
    delivery = out.lay_out()
    out.held(delivery)
    out.parts.stops.release(stop.id, "hr", None)
    out.send(delivery)
    assert out.row(Delivery, delivery).held_why is None
    assert out.parts.stops.set(COMPANY, None, "drill", "hr").held == 0


def test_a_branch_releases_its_own_stops_and_no_other(out: Outgoing) -> None:
    out.other_branch()
    company = out.parts.stops.set(COMPANY, None, "drill", "hr")
    provider = out.parts.stops.set(PROVIDER, "twilio", "drill", "hr")
    own = out.parts.stops.set(BRANCH, BEIJING, "drill", "hr")
    foreign = out.parts.stops.set(BRANCH, SHANGHAI_BRANCH, "drill", "hr")
    for stop in (company, provider, foreign):
        assert out.parts.stops.release(stop.id, "hr", BEIJING) is None
    assert out.parts.stops.release(own.id, "hr", BEIJING) is not None
    assert out.parts.stops.release("01UNKNOWN00000000000000000", "hr", None) is None
    seen = {stop.id: stop.released_at for stop in out.parts.stops.all(BEIJING)}
    assert seen == {company.id: None, provider.id: None, own.id: NOW}
    assert len(out.parts.stops.all(None)) == 4


def test_stops_that_hold_come_first_and_then_the_newest(out: Outgoing) -> None:
    old = out.parts.stops.set(COMPANY, None, "one", "hr")
    out.parts.stops.release(old.id, "hr", None)
    newer = out.parts.stops.set(COMPANY, None, "two", "hr")
    out.parts.stops.release(newer.id, "hr", None)
    holding = out.parts.stops.set(PROVIDER, "aliyun", "three", "hr")
    assert [stop.id for stop in out.parts.stops.all(None)] == [holding.id, newer.id, old.id]


@pytest.mark.parametrize(
    ("scope", "subject", "sentence"),
    [
        (BRANCH, None, "subject: there is no branch with this id"),
        (BRANCH, "01UNKNOWN00000000000000000", "subject: there is no branch with this id"),
        (PROVIDER, "pigeon", "subject: no provider has this name; known: twilio, aliyun, smtp"),
        (PROVIDER, None, "subject: no provider has this name; known: twilio, aliyun, smtp"),
        (COMPANY, BEIJING, "subject: a stop of the whole company names nothing; leave it out"),
    ],
)
def test_a_stop_of_nothing_is_refused_in_words(
    out: Outgoing, scope: StopScope, subject: str | None, sentence: str
) -> None:
    with pytest.raises(LookupError) as caught:
        out.parts.stops.set(scope, subject, "drill", "hr")
    assert caught.value.args == (sentence,)
    assert out.parts.stops.all(None) == []
