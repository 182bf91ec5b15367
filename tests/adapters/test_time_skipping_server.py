"""The server on which tests let months pass in seconds."""

import os
import stat
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from temporalio.worker import Worker

from countersign.adapters.server_cache import NoTemporalServer, Say, ServerKind
from countersign.adapters.temporal_test_server import (
    TimeSkippingServer,
    find_test_server,
    start_test_server,
)
from countersign.search_attributes import DUE_AT, STAGE
from tests.support.time_skipping import time_skipping_env
from tests.support.waiting import THREE_DAYS, ThreeDayWait

SHANGHAI = ZoneInfo("Asia/Shanghai")
LAST_MORNING_BEFORE_THE_HOLIDAY = datetime(2026, 2, 13, 9, 59, tzinfo=SHANGHAI)


async def test_a_three_day_wait_from_a_chosen_morning_is_over_in_seconds() -> None:
    started = time.monotonic()
    async with time_skipping_env(LAST_MORNING_BEFORE_THE_HOLIDAY) as environment:
        shown = await environment.get_current_time()
        assert timedelta(0) <= shown - LAST_MORNING_BEFORE_THE_HOLIDAY < timedelta(seconds=30)
        async with Worker(environment.client, task_queue="waits", workflows=[ThreeDayWait]):
            handle = await environment.client.start_workflow(ThreeDayWait.run, id="wait", task_queue="waits")
            ended = await handle.result()
            attributes = (await handle.describe()).typed_search_attributes
    assert timedelta(0) <= ended - LAST_MORNING_BEFORE_THE_HOLIDAY - THREE_DAYS < timedelta(minutes=1)
    assert attributes.get(STAGE) == "waiting"
    assert attributes.get(DUE_AT) is not None
    assert time.monotonic() - started < 30


async def test_sleeping_moves_the_clock_to_just_before_a_deadline_and_no_further() -> None:
    async with time_skipping_env(LAST_MORNING_BEFORE_THE_HOLIDAY) as environment:
        before = await environment.get_current_time()
        async with Worker(environment.client, task_queue="waits", workflows=[ThreeDayWait]):
            handle = await environment.client.start_workflow(ThreeDayWait.run, id="wait", task_queue="waits")
            await environment.sleep(THREE_DAYS - timedelta(hours=1))
            still_waiting = (await handle.describe()).close_time is None
            now = await environment.get_current_time()
            await handle.result()
    assert still_waiting
    assert timedelta(0) <= now - before - (THREE_DAYS - timedelta(hours=1)) < timedelta(minutes=1)


async def test_servers_that_share_a_process_have_clocks_of_their_own() -> None:
    later = LAST_MORNING_BEFORE_THE_HOLIDAY + timedelta(days=30)
    async with time_skipping_env(later) as one:
        await one.sleep(THREE_DAYS)
        async with time_skipping_env(LAST_MORNING_BEFORE_THE_HOLIDAY) as other:
            shown = await other.get_current_time()
            moved = await one.get_current_time()
    assert timedelta(0) <= shown - LAST_MORNING_BEFORE_THE_HOLIDAY < timedelta(minutes=1)
    assert THREE_DAYS <= moved - later < THREE_DAYS + timedelta(minutes=1)


def test_without_an_instant_the_clock_is_not_set() -> None:
    server = TimeSkippingServer(Path("serve"), settable_clock=True, source="cache")
    assert server.arguments(None) == []
    assert server.arguments(datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC)) == ["2000"]


def test_an_instant_without_a_zone_is_refused() -> None:
    server = TimeSkippingServer(Path("serve"), settable_clock=True, source="cache")
    with pytest.raises(ValueError, match="no zone"):
        server.arguments(datetime(2026, 2, 13, 9, 59))  # noqa: DTZ001 - the mistake under test


def test_a_server_whose_clock_cannot_be_set_is_never_given_an_instant() -> None:
    server = TimeSkippingServer(Path("published"), settable_clock=False, source="TEMPORAL_TEST_SERVER")
    with pytest.raises(ValueError, match="always starts now"):
        server.arguments(LAST_MORNING_BEFORE_THE_HOLIDAY)


def test_a_named_test_server_comes_before_everything_else(tmp_path: Path) -> None:
    named = _program(tmp_path / "own-server")
    found = find_test_server(_environ(tmp_path, TEMPORAL_TEST_SERVER=str(named)), download=_no_download)
    assert found == TimeSkippingServer(named, settable_clock=False, source="TEMPORAL_TEST_SERVER")


def test_the_sdk_download_is_kept_in_the_cache_and_taken_from_there_the_next_time(tmp_path: Path) -> None:
    def download(kind: ServerKind, into: Path, say: Say) -> bool:
        assert kind is ServerKind.TIME_SKIPPING
        _program(into)
        return True

    environ = _environ(tmp_path)
    first = find_test_server(environ, download=download)
    second = find_test_server(environ, download=_no_download)
    assert (first.source, second.source) == ("SDK download", "cache")
    assert first.command == second.command == tmp_path / "cache" / "bin" / "temporal-test-server"


def test_without_java_a_test_on_a_given_date_says_what_to_install(tmp_path: Path) -> None:
    named = _program(tmp_path / "own-server")
    environ = _environ(tmp_path, TEMPORAL_TEST_SERVER=str(named))
    with pytest.raises(NoTemporalServer, match=r"java is missing .* install a JDK"):
        find_test_server(environ, settable_clock=True, download=_no_download)


def test_what_maven_says_reaches_the_reader_when_the_parts_cannot_be_fetched(tmp_path: Path) -> None:
    for name in ("java", "javac"):
        _program(tmp_path / "bin" / name)
    _program(tmp_path / "bin" / "mvn", "echo '[ERROR] no route to the mirror'; echo '[ERROR] Help 1'; exit 1")
    said: list[str] = []
    with pytest.raises(NoTemporalServer, match=r"ended with \"\[ERROR\] no route to the mirror\""):
        find_test_server(_environ(tmp_path), settable_clock=True, download=_no_download, say=said.append)
    assert said == ["fetching the time-skipping Temporal server for the tests, first time only …"]


def test_a_test_server_that_stops_at_once_is_told_with_its_exit_code(tmp_path: Path) -> None:
    broken = TimeSkippingServer(_program(tmp_path / "broken", "exit 7"), settable_clock=False, source="cache")
    with pytest.raises(NoTemporalServer, match="exit code 7"):
        start_test_server(server=broken)


def _environ(tmp_path: Path, **more: str) -> dict[str, str]:
    """Return an environment in which only the fakes of this test can be found."""
    (tmp_path / "bin").mkdir(exist_ok=True)
    return {"PATH": str(tmp_path / "bin"), "COUNTERSIGN_CACHE_DIR": str(tmp_path / "cache"), **more}


def _program(path: Path, body: str = "exit 0") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    assert os.access(path, os.X_OK)
    return path


def _no_download(kind: ServerKind, into: Path, say: Say) -> bool:
    return False
