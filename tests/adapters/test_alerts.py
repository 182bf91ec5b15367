"""Alarms told to groups: each target once, in few messages, and nothing secret or personal on the way."""

import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from sqlmodel import col, select

from api.app import create_app
from countersign.adapters import alerts
from countersign.adapters.alerts import AlertTeller, open_targets, read_alert_urls
from countersign.adapters.database.alarms import AlarmBook
from countersign.adapters.database.tables import Alarm, AlarmTold
from countersign.adapters.real_clock import utc_now
from countersign.adapters.robots import RobotKind, parse_robot
from countersign.bootstrap import Parts
from countersign.ids import new_id
from tests.support.company import EMAIL, PHONE, company
from tests.support.robots import SECRETS, Robots, robots

NOW = datetime(2026, 2, 24, 2, 30, 20, tzinfo=UTC)
BASE = "https://hr.example.cn"
CASE = "01CASE00000000000000000000"


@pytest.fixture
async def world() -> AsyncIterator[Robots]:
    async with robots() as made:
        yield made


class Office:
    """A company whose clock the test moves, with a teller for some targets."""

    def __init__(self, parts: Parts) -> None:
        self.parts, self.now = parts, NOW

    def clock(self) -> datetime:
        return self.now

    def teller(self, *urls: str) -> AlertTeller:
        return AlertTeller(AlarmBook(self.parts.database), open_targets(urls), BASE, self.clock)

    def alarm(self, at: datetime = NOW - timedelta(minutes=1), sentence: str = "A letter is late.") -> None:
        with self.parts.database.transaction() as session:
            session.add(Alarm(id=new_id(), case_id=CASE, kind="late", sentence=sentence, at=at))

    def open(self) -> int:
        with self.parts.database.reading() as session:
            return len(session.exec(select(Alarm).where(col(Alarm.told_at).is_(None))).all())


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(company(tmp_path, lambda: NOW))
    yield made
    made.parts.database.close()


async def test_every_kind_of_target_is_told_sentence_case_and_link_once(
    office: Office, world: Robots
) -> None:
    office.alarm()
    teller = office.teller(world.wecom, world.dingtalk, world.feishu, world.hook)
    await teller.tell()
    await teller.tell()
    told = (
        "Countersign: 1 alarm at 2026-02-24 10:29\n"
        f"A letter is late.\nCase {CASE}\n{BASE}/api/v1/cases/{CASE}"
    )
    assert world.took == {"wecom": [told], "dingtalk": [told], "feishu": [told], "hook": [told]}
    assert office.open() == 0


@pytest.mark.parametrize("name", ["wecom", "dingtalk", "feishu"])
@pytest.mark.parametrize("fault", ["secret", "key", "token"])
async def test_a_refusal_with_status_200_is_no_success(
    office: Office, world: Robots, name: str, fault: str
) -> None:
    url = getattr(world, name)
    wrong = (
        url.replace("SEC5", "SEC6").replace("ret", "red")
        if fault == "secret"
        else url.replace("5ec4", "6ec4")
    )
    if wrong == url:
        pytest.skip("WeCom has no secret")
    office.alarm()
    await office.teller(wrong).tell()
    assert (world.asked[name], world.took[name], office.open()) == (1, [], 1)


async def test_a_failing_target_is_told_again_with_growing_waits_and_the_others_not(
    office: Office, world: Robots
) -> None:
    world.codes["dingtalk"].extend([400102] * 3)
    teller = office.teller(world.wecom, world.dingtalk)
    office.alarm()
    tried = []
    for _ in range(120):
        before = world.asked["dingtalk"]
        await teller.tell()
        if world.asked["dingtalk"] > before:
            tried.append((office.now - NOW).total_seconds())
        office.now += timedelta(seconds=5)
    assert tried == [0, 15, 45, 105]
    assert [len(world.took[name]) for name in ("wecom", "dingtalk")] == [1, 1]
    assert office.open() == 0
    with office.parts.database.reading() as session:
        assert session.exec(select(Alarm)).one().tell_tries == 3


async def test_a_robot_that_says_too_many_is_left_alone_for_ten_minutes(
    office: Office, world: Robots
) -> None:
    world.codes["wecom"].append(45009)
    teller = office.teller(world.wecom)
    office.alarm()
    await teller.tell()
    for minutes, asked in ((9.9, 1), (10.1, 2)):
        office.now = NOW + timedelta(minutes=minutes)
        await teller.tell()
        assert world.asked["wecom"] == asked


async def test_new_alarms_wait_with_the_old_ones_while_their_target_fails(
    office: Office, world: Robots
) -> None:
    world.codes["wecom"].append(93000)
    teller = office.teller(world.wecom)
    office.alarm()
    await teller.tell()
    office.alarm()
    await teller.tell()
    assert world.asked["wecom"] == 1
    office.now += timedelta(seconds=16)
    await teller.tell()
    assert world.took["wecom"][0].count("A letter is late.") == 2


async def test_alarms_of_one_minute_share_a_message_once_the_minute_is_over(
    office: Office, world: Robots
) -> None:
    teller = office.teller(world.wecom)
    office.alarm(NOW - timedelta(seconds=5), "First.")
    office.alarm(NOW, "Second.")
    await teller.tell()
    assert world.took["wecom"] == []
    office.now = NOW.replace(minute=31, second=1)
    await teller.tell()
    (told,) = world.took["wecom"]
    assert "2 alarms" in told
    assert told.index("First.") < told.index("Second.")


async def test_what_is_older_than_a_day_when_the_first_target_is_set_up_is_not_told(
    office: Office, world: Robots, caplog: pytest.LogCaptureFixture
) -> None:
    office.alarm(NOW - timedelta(days=1, seconds=1), "Old.")
    office.alarm(NOW - timedelta(hours=23), "New.")
    await office.teller().tell()
    assert office.open() == 2
    await office.teller(world.wecom).tell()
    assert ["Old." in text for text in world.took["wecom"]] == [False]
    assert (office.open(), caplog.text) == (0, "")


async def test_what_no_target_took_for_a_day_is_given_up_aloud(
    office: Office, world: Robots, caplog: pytest.LogCaptureFixture
) -> None:
    world.codes["wecom"].append(93000)
    teller = office.teller(world.wecom)
    office.alarm()
    await teller.tell()
    office.now += timedelta(days=1)
    await teller.tell()
    assert (world.asked["wecom"], office.open()) == (1, 0)
    assert "1 alarm(s) could not be told to every target within a day" in caplog.text


async def test_a_robot_gets_at_most_twenty_messages_a_minute_and_the_rest_in_one(
    office: Office, world: Robots
) -> None:
    for minute in range(1, 61):
        office.alarm(NOW - timedelta(minutes=minute), f"Number {minute}.")
    teller = office.teller(world.wecom, world.dingtalk)
    await teller.tell()
    for took in (world.took["wecom"], world.took["dingtalk"]):
        assert len(took) == 20
        assert "Number 60." in took[0]
        assert took[-1].startswith("Countersign: 41 alarms more\nFrom 2026-02-24 09:49 to 2026-02-24 10:29")
    assert office.open() == 0
    office.alarm(NOW - timedelta(minutes=1), "One more.")
    await teller.tell()
    assert world.asked["wecom"] == 20
    world.took["wecom"].clear()
    office.now += timedelta(minutes=1, seconds=1)
    await teller.tell()
    assert "One more." in world.took["wecom"][0]


async def test_a_message_of_very_many_alarms_stays_short_enough_for_wecom(
    office: Office, world: Robots
) -> None:
    for _ in range(80):
        office.alarm(sentence="一封信已经超过了期限，请尽快处理。" * 30)
    await office.teller(world.wecom).tell()
    (told,) = world.took["wecom"]
    assert "80 alarms" in told
    assert f"alarms more:\n{BASE}/api/v1/alarms" in told


async def test_two_web_processes_tell_an_alarm_once(office: Office, world: Robots) -> None:
    world.delay = 0.2
    office.alarm()
    await asyncio.gather(*(office.teller(world.wecom).tell() for _ in range(3)))
    assert world.asked["wecom"] == 1


async def test_what_a_dead_process_had_taken_is_told_by_another(office: Office, world: Robots) -> None:
    office.alarm()
    teller = office.teller(world.wecom)
    target = open_targets([world.wecom])[0].key
    assert AlarmBook(office.parts.database).claim(target, office.now).notes
    await teller.tell()
    assert world.asked["wecom"] == 0
    office.now += timedelta(minutes=10, seconds=1)
    await teller.tell()
    assert len(world.took["wecom"]) == 1


@pytest.mark.parametrize(("status", "waits"), [(500, 15), (429, 600)])
async def test_what_apprise_could_not_hand_over_is_told_again(
    office: Office, world: Robots, caplog: pytest.LogCaptureFixture, status: int, waits: int
) -> None:
    world.codes["hook"].append(status)
    teller = office.teller(world.hook)
    office.alarm()
    await teller.tell()
    assert (
        f"target 1 (JSON) did not take it (HTTP {status}); 1 alarm(s) are told again in {waits} s"
        in caplog.text
    )
    office.now += timedelta(seconds=waits + 1)
    await teller.tell()
    assert len(world.took["hook"]) == 1


async def test_a_slow_service_of_apprise_does_not_hold_the_event_loop(office: Office, world: Robots) -> None:
    world.delay = 0.5
    office.alarm()
    telling = asyncio.create_task(office.teller(world.hook).tell())
    longest, last = 0.0, time.monotonic()
    while not telling.done():
        await asyncio.sleep(0.01)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    assert longest < 0.4
    assert len(world.took["hook"]) == 1


async def test_a_robot_that_does_not_answer_counts_as_failed(
    office: Office, world: Robots, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(alerts, "ALERT_TIMEOUT", timedelta(seconds=0.1))
    world.delay = 0.5
    office.alarm()
    await office.teller(world.feishu).tell()
    assert "target 1 (Feishu robot) did not answer within 0.1 seconds" in caplog.text
    assert office.open() == 1


async def test_no_key_secret_or_person_stands_in_logs_messages_or_tables(
    office: Office, world: Robots, caplog: pytest.LogCaptureFixture
) -> None:
    # caplog also hears loggers that do not pass on what they write; the product's handler hangs at the root.
    caplog.set_level(logging.DEBUG)
    log = StringIO()
    handler = logging.StreamHandler(log)
    logging.getLogger().addHandler(handler)
    office.alarm(sentence=f"Calling {PHONE} or {EMAIL} failed at /n/7K2M-XW9T-B4QP.")
    nobody = "http://127.0.0.1:9/robot/send?access_token=5ec4e7d1ngta1k70ken"
    wrong = world.feishu.replace("?secret=", "?secret=x")
    teller = office.teller(world.wecom, world.dingtalk, wrong, nobody, world.hook)
    world.codes["hook"].append(401)
    await teller.tell()
    logging.getLogger().removeHandler(handler)
    assert "target 4 (DingTalk robot) could not be reached" in log.getvalue()
    with office.parts.database.reading() as session:
        kept = "".join(row.model_dump_json() for row in session.exec(select(AlarmTold)))
    written = log.getvalue() + kept + repr(open_targets([world.dingtalk, world.hook]))
    assert [secret for secret in (*SECRETS, "5ec4e7path") if secret in written] == []
    (told,) = world.took["wecom"]
    assert told.splitlines()[1] == "Calling ‹phone› or ‹mail› failed at /n/‹code›."


async def test_the_web_process_tells_by_itself(tmp_path: Path, world: Robots) -> None:
    parts = company(tmp_path, utc_now, alert_urls=(world.wecom,))
    with parts.database.transaction() as session:
        at = utc_now() - timedelta(minutes=1)
        session.add(Alarm(id=new_id(), case_id=None, kind="late", sentence="A letter is late.", at=at))
    app = create_app(parts, dispatch=False)
    async with app.router.lifespan_context(app):
        for _ in range(100):
            if world.took["wecom"]:
                break
            await asyncio.sleep(0.05)
    assert "A letter is late.\nhttp://127.0.0.1:8080/api/v1/alarms" in world.took["wecom"][0]


async def test_a_wrong_address_stops_the_start_and_is_not_repeated(tmp_path: Path) -> None:
    parts = company(tmp_path, utc_now, alert_urls=("json://127.0.0.1/fine", "nonsense://5ec4e7"))
    with pytest.raises(ValueError, match="address 2 cannot be read") as caught:
        create_app(parts, dispatch=False)
    assert "5ec4e7" not in str(caught.value)
    parts.database.close()


async def test_the_command_tells_what_each_target_answered(tmp_path: Path, world: Robots) -> None:
    file = tmp_path / "alerts"
    file.write_text(f"# HR's groups\n{world.dingtalk}\n\n{world.feishu.replace('secret=', 'secret=x')}\n")
    environment = {
        **os.environ,
        "COUNTERSIGN_DATA_DIR": str(tmp_path / "var"),
        "COUNTERSIGN_ALERT_URLS": json.dumps([world.wecom]),
        "COUNTERSIGN_ALERT_URLS_FILE": str(file),
    }
    done = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from countersign.cli import main; main()", "alerts", "test"),
        stdout=asyncio.subprocess.PIPE,
        env=environment,
        cwd=tmp_path,
    )
    out, _ = await done.communicate()
    lines = out.decode().splitlines()
    assert lines[:2] == ["target 1 (WeCom robot) took it", "target 2 (DingTalk robot) took it"]
    assert lines[2].startswith("target 3 (Feishu robot) refused the signature")
    assert done.returncode == 1
    assert world.took["wecom"][0].startswith("Countersign: test\n")


@pytest.mark.parametrize(
    ("url", "kind", "endpoint", "key", "secret"),
    [
        (
            "wecombot://aB-1",
            RobotKind.WECOM,
            "https://qyapi.weixin.qq.com/cgi-bin/webhook/send",
            "aB-1",
            None,
        ),
        ("dingtalk://SECx@aB1", RobotKind.DINGTALK, "https://oapi.dingtalk.com/robot/send", "aB1", "SECx"),
        ("dingtalk://aB1/", RobotKind.DINGTALK, "https://oapi.dingtalk.com/robot/send", "aB1", None),
        ("feishu://s@aB-1", RobotKind.FEISHU, "https://open.feishu.cn/open-apis/bot/v2/hook/", "aB-1", "s"),
        ("lark://aB-1", RobotKind.FEISHU, "https://open.larksuite.com/open-apis/bot/v2/hook/", "aB-1", None),
        (
            "https://oapi.dingtalk.com/robot/send?access_token=aB1&secret=SECx",
            RobotKind.DINGTALK,
            "https://oapi.dingtalk.com/robot/send",
            "aB1",
            "SECx",
        ),
        (
            "https://im.corp.example/open-apis/bot/v2/hook/aB-1",
            RobotKind.FEISHU,
            "https://im.corp.example/open-apis/bot/v2/hook/",
            "aB-1",
            None,
        ),
    ],
)
def test_a_robot_is_known_by_its_webhook_or_its_short_form(
    url: str, kind: RobotKind, endpoint: str, key: str, secret: str | None
) -> None:
    robot = parse_robot(url)
    assert robot is not None
    assert (robot.kind, robot.endpoint, robot.key, robot.secret) == (kind, endpoint, key, secret)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://oapi.dingtalk.com/robot/send", "DingTalk robot without a key"),
        ("wecombot://", "WeCom robot without a key"),
        ("https://open.feishu.cn/open-apis/bot/v2/hook/", "Feishu robot without a key"),
        ("wecombot://secret@key", "WeCom signs nothing"),
    ],
)
def test_half_an_address_is_refused_by_its_place(url: str, says: str) -> None:
    with pytest.raises(ValueError, match=rf"^alert_urls: address 1 .*{says}"):
        open_targets([url])


def test_a_target_that_is_named_twice_is_one_and_a_new_secret_makes_no_new_one(world: Robots) -> None:
    assert len(open_targets([world.dingtalk, world.dingtalk + "2"])) == 1
    mails = open_targets(["mailto://hr:old@mail.example.com", "mailto://hr:new@mail.example.com"])
    assert len(mails) == 1


def test_a_file_of_addresses_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="alert_urls_file: missing cannot be read"):
        read_alert_urls([], tmp_path / "missing")
