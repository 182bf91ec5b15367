"""Where the Temporal dev server comes from, and running one on a file in the data directory.

`python -m countersign.adapters.temporal_server` gets the dev server and says which one it took;
with `--test-server` it gets the time-skipping one that the tests need.
"""

import argparse
import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from countersign.adapters.server_cache import (
    Download,
    NoTemporalServer,
    Say,
    ServerKind,
    cache_dir,
    download_by_sdk,
    executable_named_by,
    kill_session,
    lines_of,
    only_one_process,
    run_with_progress,
    say_on_stderr,
    scratch_in,
)
from countersign.adapters.temporal_test_server import find_test_server, start_test_server

GO_PACKAGE = "github.com/temporalio/cli/cmd/temporal@v1.5.1"
"""The newest release line that `go install` can build; it holds server 1.29.1."""

_REMEDY = (
    "put Temporal's CLI on PATH, or name it in TEMPORAL_CLI, or name a running cluster in TEMPORAL_ADDRESS"
    " (host:port)"
)
_LOG_LIMIT_BYTES = 8_000_000
_STOP_SECONDS = 10.0


@dataclass(frozen=True)
class DevServer:
    """A Temporal server to work with: a program to start, or the `host:port` of a running cluster."""

    binary: Path | None
    address: str | None
    source: str

    def __str__(self) -> str:
        """Say which server it is and where it was found."""
        return f"{self.binary or self.address} ({self.source})"


@dataclass(frozen=True)
class _Holder:
    server: int
    owner: int


class RunningServer:
    """A dev server that runs as a process of its own, in its own session."""

    def __init__(
        self, process: subprocess.Popen[bytes], *, address: str, ui_url: str, namespace: str, log: Path
    ) -> None:
        self._process = process
        self.address, self.ui_url, self.namespace, self.log = address, ui_url, namespace, log

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process still lives."""
        return self._process.poll() is None

    def stop(self) -> None:
        """Ask the server to end, and kill it after ten seconds; repeatable."""
        if self.running:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                kill_session(self._process)


def look_for_dev_server(environ: Mapping[str, str] | None = None) -> DevServer | None:
    """Return the server that is already here: TEMPORAL_ADDRESS, TEMPORAL_CLI, PATH, cache, in this order.

    Downloads, builds and starts nothing.

    Raises:
        NoTemporalServer: one of the two variables holds something that cannot be used.
    """
    environ = os.environ if environ is None else environ
    if address := environ.get("TEMPORAL_ADDRESS"):
        return DevServer(None, _host_and_port(address), "TEMPORAL_ADDRESS")
    if named := executable_named_by("TEMPORAL_CLI", environ):
        return DevServer(named, None, "TEMPORAL_CLI")
    if on_path := shutil.which("temporal", path=environ.get("PATH", "")):
        return DevServer(Path(on_path).absolute(), None, "PATH")
    cached = _cached_binary(environ)
    return DevServer(cached, None, "cache") if os.access(cached, os.X_OK) else None


def find_dev_server(
    environ: Mapping[str, str] | None = None,
    *,
    download: Download = download_by_sdk,
    say: Say = say_on_stderr,
) -> DevServer:
    """Return the server that is here, else get one into the cache: the SDK's download, then a build with Go.

    The build takes minutes; two processes that need it share one.

    Raises:
        NoTemporalServer: none is here and none could be had.
    """
    environ = os.environ if environ is None else environ
    if here := look_for_dev_server(environ):
        return here
    binary = _cached_binary(environ)
    with only_one_process(cache_dir(environ), "Temporal server", say):
        if here := look_for_dev_server(environ):
            return here
        binary.parent.mkdir(exist_ok=True)
        if download(ServerKind.DEV, binary, say):
            return DevServer(binary, None, "SDK download")
        _build(binary, environ, say)
        return DevServer(binary, None, "go install")


def start_dev_server(
    server: DevServer,
    *,
    data_dir: Path,
    port: int,
    ui_port: int,
    namespace: str = "default",
    search_attributes: Mapping[str, str],
    patience_seconds: float = 60.0,
) -> RunningServer:
    """Start the dev server on 127.0.0.1 with its file in `data_dir`, and return once it answers as healthy.

    `search_attributes` map names to Temporal's type names. The log is `temporal.log` in `data_dir`. A server
    that outlived the process which started it on the same directory (killed without a chance to stop it) is
    ended first; its file is kept.

    Raises:
        NoTemporalServer: a port is taken, another process runs a server on this directory, or the server
            stopped or did not answer; the message holds the end of its log.
        ValueError: `server` is a cluster, which is not ours to start.
    """
    if server.binary is None:
        raise ValueError(f"The Temporal cluster at {server.address} is not started by us.")
    data_dir.mkdir(parents=True, exist_ok=True)
    address = f"127.0.0.1:{port}"
    with (data_dir / "temporal.lock").open("a+") as lock:
        _take_over(lock, data_dir)
        for needed in (port, ui_port):
            _refuse_taken(needed)
        log = data_dir / "temporal.log"
        _start_log_anew(log)
        process = _launch(server.binary, data_dir, port, ui_port, namespace, search_attributes, log, lock)
        # The server inherits the lock's descriptor, so that the lock lasts exactly as long as it lives.
        lock.write(f"{process.pid} {os.getpid()}")
    running = RunningServer(
        process, address=address, ui_url=f"http://127.0.0.1:{ui_port}", namespace=namespace, log=log
    )
    try:
        _wait_until_healthy(running, server.binary, patience_seconds)
    except BaseException:
        running.stop()
        raise
    return running


def port_is_free(port: int) -> bool:
    """Tell whether a server could listen on this port of 127.0.0.1 now."""
    with contextlib.closing(socket.socket()) as probe:
        # As servers do it: a connection that is only waiting out its end does not make the port taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Get a server, print which one and return 0; return 2 after one sentence when there is none."""
    parser = argparse.ArgumentParser(prog="python -m countersign.adapters.temporal_server")
    parser.add_argument("--test-server", action="store_true", help="the time-skipping server for tests")
    try:
        if parser.parse_args(arguments).test_server:
            test_server = find_test_server(settable_clock=True)
            start_test_server(server=test_server).stop()
            sys.stdout.write(f"Temporal test server: {test_server}\n")
        else:
            sys.stdout.write(f"Temporal server: {find_dev_server()}\n")
    except NoTemporalServer as error:
        say_on_stderr(str(error))
        return 2
    return 0


def _cached_binary(environ: Mapping[str, str]) -> Path:
    return cache_dir(environ) / "bin" / "temporal"


def _host_and_port(address: str) -> str:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "/" in host:
        raise NoTemporalServer(
            f"TEMPORAL_ADDRESS is {address!r}, which is not host:port: write it like 127.0.0.1:7233"
            " or unset it."
        )
    return address


def _build(binary: Path, environ: Mapping[str, str], say: Say) -> None:
    go = shutil.which("go", path=environ.get("PATH", ""))
    if go is None:
        raise NoTemporalServer(
            "No Temporal server is here, its download did not work and there is no Go to build it with:"
            f" install Go, or {_REMEDY}."
        )
    with scratch_in(binary.parent) as scratch:
        finished = run_with_progress(
            [go, "install", GO_PACKAGE],
            "building the Temporal server, first time only (about 3 minutes)",
            say=say,
            environ={**environ, "GOBIN": str(scratch)},
            cwd=scratch,
        )
        built = scratch / "temporal"
        if finished.code != 0 or not built.is_file():
            raise NoTemporalServer(
                "No Temporal server is here, its download did not work and its build with Go ended with"
                f' "{finished.reason()}": {_REMEDY}.'
            )
        os.replace(built, binary)


def _launch(
    binary: Path,
    data_dir: Path,
    port: int,
    ui_port: int,
    namespace: str,
    search_attributes: Mapping[str, str],
    log: Path,
    lock: IO[str],
) -> subprocess.Popen[bytes]:
    command = [str(binary), "server", "start-dev", "--ip", "127.0.0.1", "--log-level", "warn"]
    command += ["--port", str(port), "--ui-port", str(ui_port), "--namespace", namespace]
    command += ["--db-filename", str(data_dir / "temporal.db")]
    # Without these two the file takes half as many processes a second.
    command += ["--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=normal"]
    for name, kind in search_attributes.items():
        command += ["--search-attribute", f"{name}={kind}"]
    with log.open("ab") as output:
        try:
            return subprocess.Popen(  # noqa: S603 - the binary is the operator's or our own
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=_without_client_settings(os.environ),
                start_new_session=True,  # else Ctrl-C would stop the server before the worker
                pass_fds=(lock.fileno(),),
            )
        except OSError as error:
            raise NoTemporalServer(
                f"The Temporal server {binary} cannot be run ({error.strerror}): {_REMEDY}."
            ) from error


def _without_client_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Drop TLS, profile and address settings that are meant for clients of other clusters."""
    kept = {name: value for name, value in environ.items() if not name.startswith("TEMPORAL_")}
    return {**kept, "TEMPORAL_CONFIG_FILE": os.devnull}


def _wait_until_healthy(running: RunningServer, binary: Path, patience_seconds: float) -> None:
    question = [str(binary), "operator", "cluster", "health", "--address", running.address]
    deadline = time.monotonic() + patience_seconds
    while time.monotonic() < deadline:
        if not running.running:
            raise NoTemporalServer(
                f"The Temporal server stopped at its start with {_log_end(running.log)}: see {running.log}."
            )
        try:
            answer = subprocess.run(  # noqa: S603 - the same binary
                question,
                capture_output=True,
                env=_without_client_settings(os.environ),
                timeout=5,
                check=False,
            )
        except subprocess.TimeoutExpired:
            continue
        if answer.returncode == 0:
            return
        time.sleep(0.1)
    raise NoTemporalServer(
        f"The Temporal server did not answer within {patience_seconds:.0f} seconds, its log ends with"
        f" {_log_end(running.log)}: see {running.log}."
    )


def _log_end(log: Path) -> str:
    lines = lines_of(log.read_text(errors="replace"))
    return f'"{" / ".join(lines[-3:])}"' if lines else "an empty log"


def _start_log_anew(log: Path) -> None:
    if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".log.1"))


def _refuse_taken(port: int) -> None:
    if not port_is_free(port):
        raise NoTemporalServer(
            f"Port {port} is taken by another program: stop it, or choose another port for Temporal."
        )


def _take_over(lock: IO[str], data_dir: Path) -> None:
    """Take the lock; end a server that holds it although the process that started it is gone."""
    if _locked(lock):
        return
    holder = _holder(lock)
    if holder is None or _alive(holder.owner):
        raise NoTemporalServer(
            f"A Temporal server already runs on {data_dir}: stop what started it, or use another data"
            " directory."
        )
    for order in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(holder.server, order)
        deadline = time.monotonic() + _STOP_SECONDS
        while time.monotonic() < deadline:
            if _locked(lock):
                return
            time.sleep(0.05)
    raise NoTemporalServer(
        f"Process {holder.server}, a Temporal server on {data_dir}, does not end: end it by hand."
    )


def _holder(lock: IO[str]) -> _Holder | None:
    """Read who holds the lock; None while somebody who just took it has not written it yet."""
    seen = set()
    for pause in (0.2, 0.0):
        lock.seek(0)
        seen.add(lock.read())
        time.sleep(pause)
    # A changing text is being rewritten: its process ids may be of processes long gone.
    match [text.split() for text in seen]:
        case [[server, owner]]:
            return _Holder(int(server), int(owner))
        case _:
            return None


def _locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    lock.truncate(0)
    return True


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    sys.exit(main())
