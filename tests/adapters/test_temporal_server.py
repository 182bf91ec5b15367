"""How a Temporal server is found, got and run, and that it forgets nothing."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker

from countersign.adapters.server_cache import (
    NoTemporalServer,
    Say,
    ServerKind,
    cache_dir,
    run_with_progress,
)
from countersign.adapters.temporal_namespace import NamespaceNotReady, prepare_namespace
from countersign.adapters.temporal_server import (
    DevServer,
    RunningServer,
    find_dev_server,
    look_for_dev_server,
    port_is_free,
    start_dev_server,
)
from countersign.search_attributes import DUE_AT, TYPES
from tests.support.waiting import DUE, WaitForWord

# --- finding one ---


def test_a_named_cluster_comes_before_a_named_program(tmp_path: Path) -> None:
    environ = _everything_at_once(tmp_path)
    assert look_for_dev_server(environ) == DevServer(None, "cluster.example:7233", "TEMPORAL_ADDRESS")


def test_a_named_program_comes_before_the_path(tmp_path: Path) -> None:
    environ = _everything_at_once(tmp_path, without=["TEMPORAL_ADDRESS"])
    assert look_for_dev_server(environ) == DevServer(tmp_path / "named", None, "TEMPORAL_CLI")


def test_the_path_comes_before_the_cache(tmp_path: Path) -> None:
    environ = _everything_at_once(tmp_path, without=["TEMPORAL_ADDRESS", "TEMPORAL_CLI"])
    assert look_for_dev_server(environ) == DevServer(tmp_path / "bin" / "temporal", None, "PATH")


def test_the_cache_comes_before_any_download(tmp_path: Path) -> None:
    environ = _everything_at_once(tmp_path, without=["TEMPORAL_ADDRESS", "TEMPORAL_CLI"])
    (tmp_path / "bin" / "temporal").unlink()
    cached = tmp_path / "cache" / "bin" / "temporal"
    assert find_dev_server(environ, download=_must_not_be_asked) == DevServer(cached, None, "cache")


def test_the_download_comes_before_a_build_and_is_found_in_the_cache_afterwards(tmp_path: Path) -> None:
    def download(kind: ServerKind, into: Path, say: Say) -> bool:
        assert kind is ServerKind.DEV
        _program(into)
        return True

    environ = _bare(tmp_path)
    _fake_go(tmp_path)
    first = find_dev_server(environ, download=download)
    second = find_dev_server(environ, download=_must_not_be_asked)
    assert (first.source, second.source) == ("SDK download", "cache")
    assert first.binary == second.binary == tmp_path / "cache" / "bin" / "temporal"


def test_without_a_download_the_server_is_built_into_the_cache_and_says_so(tmp_path: Path) -> None:
    environ = _bare(tmp_path)
    _fake_go(tmp_path)
    said: list[str] = []
    found = find_dev_server(environ, download=_no_download, say=said.append)
    assert found == DevServer(tmp_path / "cache" / "bin" / "temporal", None, "go install")
    assert os.access(tmp_path / "cache" / "bin" / "temporal", os.X_OK)
    assert said == ["building the Temporal server, first time only (about 3 minutes) …"]
    left_behind = [path.name for path in (tmp_path / "cache" / "bin").iterdir()]
    assert left_behind == ["temporal"]


def test_two_processes_that_need_a_server_build_it_once(tmp_path: Path) -> None:
    environ = _bare(tmp_path)
    _fake_go(tmp_path, seconds=1)
    found: list[DevServer] = []

    def find() -> None:
        found.append(find_dev_server(environ, download=_no_download, say=lambda line: None))

    threads = [threading.Thread(target=find) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(server.source for server in found) == ["cache", "go install"]
    assert (tmp_path / "builds").read_text().split() == ["install"]


def test_without_any_way_the_one_sentence_holds_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(NoTemporalServer) as caught:
        find_dev_server(_bare(tmp_path), download=_no_download)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    for remedy in ("install Go", "PATH", "TEMPORAL_CLI", "TEMPORAL_ADDRESS"):
        assert remedy in sentence


def test_a_build_that_fails_says_why(tmp_path: Path) -> None:
    _program(tmp_path / "bin" / "go", "echo 'go: no space left on device' >&2; exit 1")
    with pytest.raises(NoTemporalServer, match=r'ended with "go: no space left on device"'):
        find_dev_server(_bare(tmp_path), download=_no_download, say=lambda line: None)
    assert look_for_dev_server(_bare(tmp_path)) is None


def test_a_named_program_that_is_not_there_is_told_and_not_passed_over(tmp_path: Path) -> None:
    environ = _everything_at_once(tmp_path, without=["TEMPORAL_ADDRESS"])
    environ["TEMPORAL_CLI"] = str(tmp_path / "gone")
    with pytest.raises(NoTemporalServer, match=r"TEMPORAL_CLI names .*gone"):
        look_for_dev_server(environ)


@pytest.mark.parametrize("address", ["cluster.example", "http://cluster.example:7233", "cluster.example:web"])
def test_an_address_that_is_not_host_and_port_is_told(address: str) -> None:
    with pytest.raises(NoTemporalServer, match="TEMPORAL_ADDRESS"):
        look_for_dev_server({"TEMPORAL_ADDRESS": address})


def test_a_cache_folder_that_cannot_be_written_is_told_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file stands where the folder should be")
    with pytest.raises(NoTemporalServer, match="set COUNTERSIGN_CACHE_DIR"):
        find_dev_server(_bare(tmp_path), download=_no_download)


def test_the_cache_is_where_the_user_keeps_caches() -> None:
    assert cache_dir({"XDG_CACHE_HOME": "/c"}) == Path("/c/countersign")
    assert cache_dir({"XDG_CACHE_HOME": "/c", "COUNTERSIGN_CACHE_DIR": "/own"}) == Path("/own")
    assert cache_dir({}) == Path.home() / ".cache" / "countersign"


def test_a_command_that_stalls_is_killed_with_its_children(tmp_path: Path) -> None:
    # A child that lives on would keep the fifo open, and reading it would never end.
    fifo = tmp_path / "alive"
    os.mkfifo(fifo)
    script = _program(tmp_path / "stalls", f"sleep 60 > {fifo} & echo begun; wait")
    with closing(os.fdopen(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK), "rb")) as reading:
        begun = time.monotonic()
        ended = run_with_progress(
            [str(script)],
            "stalling",
            say=lambda line: None,
            environ=os.environ,
            stalled=lambda: time.monotonic() - begun > 0.5,
        )
        os.set_blocking(reading.fileno(), True)
        assert reading.read() == b""
    assert time.monotonic() - begun < 30
    assert ended.code == -signal.SIGKILL
    assert ended.reason() == "begun"


def test_the_command_line_prints_the_server_it_took(tmp_path: Path) -> None:
    environ = _everything_at_once(tmp_path, without=["TEMPORAL_ADDRESS"])
    finished = _command_line(environ)
    assert (finished.returncode, finished.stdout) == (
        0,
        f"Temporal server: {tmp_path / 'named'} (TEMPORAL_CLI)\n",
    )


def test_the_command_line_ends_with_2_and_one_sentence_when_there_is_no_server(tmp_path: Path) -> None:
    finished = _command_line({**_bare(tmp_path), "TEMPORAL_CLI": "/nowhere/temporal"})
    assert (finished.returncode, finished.stdout) == (2, "")
    assert finished.stderr.count("\n") == 1
    assert "TEMPORAL_CLI" in finished.stderr


# --- running one ---


@pytest.fixture(scope="module")
def binary() -> DevServer:
    found = find_dev_server()
    if found.binary is None:
        pytest.skip("TEMPORAL_ADDRESS names a cluster, which these tests may not kill")
    return found


@pytest.fixture
def ports() -> tuple[int, int]:
    with closing(socket.socket()) as one, closing(socket.socket()) as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


@pytest.fixture
def server(binary: DevServer, ports: tuple[int, int], tmp_path: Path) -> Iterator[RunningServer]:
    running = _start(binary, ports, tmp_path)
    yield running
    running.stop()
    assert not running.running


async def test_a_prepared_namespace_keeps_histories_for_90_days_and_knows_our_attributes(
    server: RunningServer,
) -> None:
    client = await Client.connect(server.address)
    assert await _retention(client) == timedelta(days=1)
    for _ in range(2):
        await prepare_namespace(client, search_attributes={**TYPES, "CsExtra": "Int"})
    assert await _retention(client) == timedelta(days=90)
    listed = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace="default")
    )
    assert {*TYPES, "CsExtra"} <= set(listed.custom_attributes)

    await prepare_namespace(client, retention_days=365, search_attributes={})
    await prepare_namespace(client, retention_days=90, search_attributes={})
    assert await _retention(client) == timedelta(days=365), "a longer retention is somebody's decision"

    with pytest.raises(NamespaceNotReady, match=r"CsExtra .* is not of type Keyword"):
        await prepare_namespace(client, search_attributes={"CsExtra": "Keyword"})
    with pytest.raises(ValueError, match="CsWrong has type 'Money'"):
        await prepare_namespace(client, search_attributes={"CsWrong": "Money"})


async def test_a_killed_server_started_again_on_its_file_has_lost_nothing(
    binary: DevServer, ports: tuple[int, int], tmp_path: Path
) -> None:
    first = _start(binary, ports, tmp_path)
    try:
        client = await Client.connect(first.address, data_converter=pydantic_data_converter)
        await prepare_namespace(client, search_attributes=TYPES)
        async with Worker(client, task_queue="words", workflows=[WaitForWord]):
            handle = await client.start_workflow(WaitForWord.run, id="wait", task_queue="words")
            await _until_stage_is(client, "wait", "waiting")
        os.kill(first.pid, signal.SIGKILL)
        while first.running:
            time.sleep(0.02)  # noqa: ASYNC251 - nothing else runs in this test
    finally:
        first.stop()

    second = _start(binary, ports, tmp_path)
    try:
        client = await Client.connect(second.address, data_converter=pydantic_data_converter)
        assert await _retention(client) == timedelta(days=90)
        async with Worker(client, task_queue="words", workflows=[WaitForWord]):
            handle = client.get_workflow_handle_for(WaitForWord.run, "wait")
            described = await handle.describe()
            assert described.typed_search_attributes.get(DUE_AT) == DUE
            await handle.signal(WaitForWord.say, "done")
            assert await handle.result() == "done"
    finally:
        second.stop()


def test_a_taken_port_is_named_before_anything_starts(
    binary: DevServer, ports: tuple[int, int], tmp_path: Path
) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", ports[1]))
        taken.listen()
        assert not port_is_free(ports[1])
        with pytest.raises(NoTemporalServer, match=f"Port {ports[1]} is taken"):
            _start(binary, ports, tmp_path)
    assert not (tmp_path / "temporal.db").exists()


def test_a_second_server_on_one_data_directory_is_refused(
    server: RunningServer, binary: DevServer, tmp_path: Path
) -> None:
    with pytest.raises(NoTemporalServer, match="already runs on"):
        _start(binary, (1, 2), tmp_path)
    assert server.running


def test_a_server_left_behind_by_a_killed_process_is_ended_and_its_file_kept(
    binary: DevServer, ports: tuple[int, int], tmp_path: Path
) -> None:
    starter = (
        "import os, sys; from pathlib import Path\n"
        "from countersign.adapters.temporal_server import DevServer, start_dev_server\n"
        "server = start_dev_server(DevServer(Path(sys.argv[1]), None, 'test'), data_dir=Path(sys.argv[2]),"
        " port=int(sys.argv[3]), ui_port=int(sys.argv[4]), search_attributes={})\n"
        "print(server.pid, flush=True); os._exit(9)"
    )
    arguments = [str(binary.binary), str(tmp_path), *map(str, ports)]
    died = subprocess.run([sys.executable, "-c", starter, *arguments], stdout=subprocess.PIPE, check=False)
    orphan = int(died.stdout)
    file = (tmp_path / "temporal.db").stat().st_ino
    assert not port_is_free(ports[0])

    # On the same port: that it starts at all shows that the other one has gone.
    running = _start(binary, ports, tmp_path)
    running.stop()
    assert running.pid != orphan
    assert (tmp_path / "temporal.db").stat().st_ino == file


def test_the_server_gets_our_pragmas_and_attributes_and_no_settings_meant_for_clients(
    ports: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_TLS", "true")
    with _closing(_start(_fake_server(tmp_path), ports, tmp_path)):
        flags = (tmp_path / "flags").read_text()
        settings = (tmp_path / "settings").read_text()
    assert "--sqlite-pragma journal_mode=wal --sqlite-pragma synchronous=normal" in flags
    assert f"--db-filename {tmp_path}/temporal.db" in flags
    assert "--ip 127.0.0.1" in flags
    for name, kind in TYPES.items():
        assert f"--search-attribute {name}={kind}" in flags
    assert "TEMPORAL_TLS" not in settings


def test_ctrl_c_in_the_terminal_does_not_reach_the_server(ports: tuple[int, int], tmp_path: Path) -> None:
    with _closing(_start(_fake_server(tmp_path), ports, tmp_path)) as running:
        assert os.getpgid(running.pid) != os.getpgid(0)


def test_a_server_that_does_not_end_when_asked_is_killed(
    ports: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("countersign.adapters.temporal_server._STOP_SECONDS", 0.3)
    running = _start(_fake_server(tmp_path, at_start="trap '' TERM"), ports, tmp_path)
    running.stop()
    assert not running.running
    running.stop()


def test_the_log_of_a_server_that_stops_at_its_start_is_in_the_sentence(
    ports: tuple[int, int], tmp_path: Path
) -> None:
    broken = _program(tmp_path / "broken", "echo 'the file is not a database' >&2; exit 1")
    with pytest.raises(NoTemporalServer) as caught:
        _start(DevServer(broken, None, "test"), ports, tmp_path)
    assert 'with "the file is not a database"' in str(caught.value)
    assert str(tmp_path / "temporal.log") in str(caught.value)


def test_a_server_that_never_answers_is_stopped(ports: tuple[int, int], tmp_path: Path) -> None:
    silent = _program(
        tmp_path / "silent",
        f'if [ "$1" = server ]; then echo $$ > {tmp_path}/pid; exec sleep 60; fi; exit 1',
    )
    with pytest.raises(NoTemporalServer, match="did not answer within 1 seconds"):
        start_dev_server(
            DevServer(silent, None, "test"),
            data_dir=tmp_path,
            port=ports[0],
            ui_port=ports[1],
            search_attributes={},
            patience_seconds=1,
        )
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_cluster_is_not_ours_to_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cluster.example:7233 is not started by us"):
        _start(DevServer(None, "cluster.example:7233", "TEMPORAL_ADDRESS"), (1, 2), tmp_path)


def _start(server: DevServer, ports: tuple[int, int], data_dir: Path) -> RunningServer:
    return start_dev_server(
        server, data_dir=data_dir, port=ports[0], ui_port=ports[1], search_attributes=TYPES
    )


@contextmanager
def _closing(running: RunningServer) -> Iterator[RunningServer]:
    try:
        yield running
    finally:
        running.stop()


def _fake_server(tmp_path: Path, at_start: str = ":") -> DevServer:
    """Return a program that notes how it was called, then runs until it is stopped; it is healthy at once."""
    body = (
        f'if [ "$1" = operator ]; then [ -e {tmp_path}/ready ]; exit; fi\n{at_start}\n'
        f'echo "$@" > {tmp_path}/flags; env > {tmp_path}/settings; touch {tmp_path}/ready; exec sleep 60'
    )
    return DevServer(_program(tmp_path / "fake", body), None, "test")


async def _retention(client: Client) -> timedelta:
    described = await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace=client.namespace)
    )
    return described.config.workflow_execution_retention_ttl.ToTimedelta()


async def _until_stage_is(client: Client, workflow_id: str, stage: str) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        listed = [found.id async for found in client.list_workflows(f"CsStage = '{stage}'")]
        if workflow_id in listed:
            return
    raise AssertionError(f"{workflow_id} was never listed at stage {stage}")


def _bare(tmp_path: Path) -> dict[str, str]:
    """Return an environment with an empty cache and a PATH on which only this test's programs are."""
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir(exist_ok=True)
    return {"PATH": str(bin_dir), "COUNTERSIGN_CACHE_DIR": str(tmp_path / "cache")}


def _everything_at_once(tmp_path: Path, without: list[str] | None = None) -> dict[str, str]:
    """Return an environment in which every source has a server, less the named variables."""
    _program(tmp_path / "bin" / "temporal")
    _program(tmp_path / "cache" / "bin" / "temporal")
    named = {
        "TEMPORAL_ADDRESS": "cluster.example:7233",
        "TEMPORAL_CLI": str(_program(tmp_path / "named")),
    }
    return {**_bare(tmp_path), **{name: named[name] for name in named if name not in (without or [])}}


def _fake_go(tmp_path: Path, seconds: int = 0) -> None:
    """Put a `go` on the test's PATH that notes each build and leaves a program where GOBIN says."""
    _program(
        tmp_path / "bin" / "go",
        f'echo "$1" >> {tmp_path}/builds; /bin/sleep {seconds};'
        ' printf "#!/bin/sh\\n" > "$GOBIN/temporal"; /bin/chmod +x "$GOBIN/temporal"',
    )


def _program(path: Path, body: str = "exit 0") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def _command_line(environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "countersign.adapters.temporal_server"],
        capture_output=True,
        text=True,
        env=environ,
        check=False,
    )


def _no_download(kind: ServerKind, into: Path, say: Say) -> bool:
    return False


def _must_not_be_asked(kind: ServerKind, into: Path, say: Say) -> bool:
    raise AssertionError("a server was here already")
