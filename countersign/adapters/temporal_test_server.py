"""Where Temporal's time-skipping server comes from, and starting one at a chosen instant.

It is for tests only. The published server always starts its clock now; the one assembled here from the Java
artifact takes the instant as its second argument (`java/At.java`) and starts in half a second, because Java
keeps its classes in an archive that a rehearsal fills.
"""

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path

from countersign.adapters.server_cache import (
    Download,
    NoTemporalServer,
    Say,
    ServerKind,
    cache_dir,
    download_by_sdk,
    executable_named_by,
    kill_session,
    only_one_process,
    run_with_progress,
    say_on_stderr,
    scratch_in,
)

VERSION = "1.35.0"

_POM = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>countersign</groupId>
  <artifactId>time-skipping-server</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>io.temporal</groupId>
      <artifactId>temporal-test-server</artifactId>
      <version>{VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-nop</artifactId>
      <version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
"""

_JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto"
_SCRIPT = """\
#!/bin/sh
# PORT [EPOCH_MILLIS]; CLASS_ARCHIVE_AT_EXIT names the archive to be filled, otherwise the filled one is used.
here=$(cd "$(dirname "$0")" && pwd)
archive="-XX:SharedArchiveFile=$here/at.jsa"
[ -f "$here/at.jsa" ] || archive=""
[ -z "$CLASS_ARCHIVE_AT_EXIT" ] || archive="-XX:ArchiveClassesAtExit=$CLASS_ARCHIVE_AT_EXIT"
exec "${{JAVA_HOME:+$JAVA_HOME/bin/}}java" {options} $archive -cp "{classpath}:$here/at.jar" At "$@"
"""

_ANSWER_SECONDS = 30.0
_NOT_REHEARSED = "serve.not-rehearsed"


@dataclass(frozen=True)
class TimeSkippingServer:
    """A program that takes a port and, where `settable_clock`, the instant at which its clock starts."""

    command: Path
    settable_clock: bool
    source: str

    def __str__(self) -> str:
        """Say which server it is and where it was found."""
        return f"{self.command} ({self.source})"

    def arguments(self, at: datetime | None) -> list[str]:
        """Return what follows the port on the command line for a clock that starts at `at` (None: now).

        Raises:
            ValueError: `at` has no zone, or this server's clock cannot be set.
        """
        if at is None:
            return []
        if at.tzinfo is None:
            raise ValueError(f"The instant {at.isoformat()} has no zone: give an aware datetime.")
        if not self.settable_clock:
            raise ValueError(f"The test server {self} always starts now: ask for one with a settable clock.")
        return [str(round(at.timestamp() * 1000))]


class RunningTestServer:
    """A time-skipping server that answers at `target` (host:port)."""

    def __init__(self, process: subprocess.Popen[bytes], target: str) -> None:
        self._process = process
        self.target = target

    def stop(self) -> None:
        """Ask the server to end, and kill it after ten seconds; repeatable."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            kill_session(self._process)


def look_for_test_server(
    environ: Mapping[str, str] | None = None, *, settable_clock: bool = False
) -> TimeSkippingServer | None:
    """Return the server that is already here: TEMPORAL_TEST_SERVER, then the cache; gets nothing.

    A server named by TEMPORAL_TEST_SERVER is taken to be the published one, so it is passed over where the
    clock must be settable.

    Raises:
        NoTemporalServer: TEMPORAL_TEST_SERVER names something that cannot be run.
    """
    environ = os.environ if environ is None else environ
    named = executable_named_by("TEMPORAL_TEST_SERVER", environ)
    if named and not settable_clock:
        return TimeSkippingServer(named, settable_clock=False, source="TEMPORAL_TEST_SERVER")
    script = _launcher_dir(environ) / "serve"
    if script.exists() and _program("java", environ):
        return TimeSkippingServer(script, settable_clock=True, source="cache")
    downloaded = _downloaded(environ)
    if not settable_clock and os.access(downloaded, os.X_OK):
        return TimeSkippingServer(downloaded, settable_clock=False, source="cache")
    return None


def find_test_server(
    environ: Mapping[str, str] | None = None,
    *,
    settable_clock: bool = False,
    download: Download = download_by_sdk,
    say: Say = say_on_stderr,
) -> TimeSkippingServer:
    """Return the server that is here, else get one: the SDK's download, then the Java artifact.

    The download is passed over where the clock must be settable.

    Raises:
        NoTemporalServer: none is here and none could be had.
    """
    environ = os.environ if environ is None else environ
    if here := look_for_test_server(environ, settable_clock=settable_clock):
        return here
    with only_one_process(cache_dir(environ), "Temporal test server", say):
        if here := look_for_test_server(environ, settable_clock=settable_clock):
            return here
        binary = _downloaded(environ)
        binary.parent.mkdir(exist_ok=True)
        if not settable_clock and download(ServerKind.TIME_SKIPPING, binary, say):
            return TimeSkippingServer(binary, settable_clock=False, source="SDK download")
        return TimeSkippingServer(_assemble(environ, say), settable_clock=True, source="Maven artifact")


def start_test_server(
    at: datetime | None = None,
    *,
    server: TimeSkippingServer | None = None,
    environ: Mapping[str, str] | None = None,
) -> RunningTestServer:
    """Start a time-skipping server whose clock begins at `at` (aware; None: now) on a free port.

    Returns once it answers: the server listens only when all its services are ready.

    Raises:
        NoTemporalServer: there is no server, or it stopped or did not answer.
        ValueError: see `TimeSkippingServer.arguments`.
    """
    environ = os.environ if environ is None else environ
    server = server or find_test_server(environ, settable_clock=at is not None)
    arguments = server.arguments(at)
    port = _free_port()
    process = subprocess.Popen(  # noqa: S603 - our own script, or the program the developer named
        [str(server.command), str(port), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env=dict(environ),
        start_new_session=True,
    )
    running = RunningTestServer(process, f"127.0.0.1:{port}")
    try:
        _wait_until_it_listens(process, port, server)
    except BaseException:
        running.stop()
        raise
    return running


def _assemble(environ: Mapping[str, str], say: Say) -> Path:
    for program, package in (("java", "a JDK"), ("javac", "a JDK"), ("mvn", "Maven")):
        if _program(program, environ) is None:
            raise NoTemporalServer(
                f"No time-skipping Temporal server is here and {program} is missing to assemble it: install"
                f" {package} of version 11 or later (only tests need it)."
                if package == "a JDK"
                else "No time-skipping Temporal server is here and mvn is missing to fetch its parts: install"
                " Maven (only tests need it)."
            )
    folder = cache_dir(environ) / f"test-server-{VERSION}"
    folder.mkdir(exist_ok=True)
    if not (folder / "lib").exists():
        _fetch_parts(folder / "lib", environ, say)
    launcher = _launcher_dir(environ)
    if not launcher.exists():
        _make_launcher(launcher, folder / "lib", environ, say)
    _rehearse(launcher, environ, say)
    return launcher / "serve"


def _fetch_parts(lib: Path, environ: Mapping[str, str], say: Say) -> None:
    with scratch_in(lib.parent) as scratch:
        (scratch / "pom.xml").write_text(_POM)
        finished = run_with_progress(
            [
                str(_program("mvn", environ)),
                *("--batch-mode", "--quiet", "-Dstyle.color=never", "dependency:copy-dependencies"),
                *("-DincludeScope=runtime", f"-DoutputDirectory={scratch / 'lib'}"),
            ],
            "fetching the time-skipping Temporal server for the tests, first time only",
            say=say,
            environ=environ,
            cwd=scratch,
        )
        if finished.code != 0 or not list((scratch / "lib").glob("temporal-test-server-*.jar")):
            raise NoTemporalServer(
                "The time-skipping Temporal server could not be fetched, Maven ended with"
                f' "{finished.reason("[ERROR]")}": check the network and the settings of Maven (only tests'
                " need it)."
            )
        (scratch / "lib").rename(lib)


def _make_launcher(launcher: Path, lib: Path, environ: Mapping[str, str], say: Say) -> None:
    # The archive of classes holds only for exactly this class path, so the order of the jars is fixed here.
    jars = sorted(lib.glob("*.jar"))
    with scratch_in(launcher.parent) as scratch:
        (scratch / "At.java").write_bytes(_source())
        made = scratch / "launcher"
        made.mkdir()
        compiled = run_with_progress(
            [
                str(_program("javac", environ)),
                *("--release", "11", "-cp", os.pathsep.join(map(str, jars)), "-d", str(scratch)),
                str(scratch / "At.java"),
            ],
            "compiling the launcher of the time-skipping Temporal server",
            say=say,
            environ=environ,
            cwd=scratch,
        )
        if compiled.code != 0:
            raise NoTemporalServer(
                "The launcher of the time-skipping Temporal server did not compile, javac ended with"
                f' "{compiled.reason("error:")}": install a JDK of version 11 or later (only tests need it).'
            )
        with zipfile.ZipFile(made / "at.jar", "w") as jar:
            jar.write(scratch / "At.class", "At.class")
        script = made / _NOT_REHEARSED
        classpath = ":".join(f"$here/../lib/{jar.name}" for jar in jars)
        script.write_text(_SCRIPT.format(options=_JAVA_OPTIONS, classpath=classpath))
        script.chmod(0o755)
        made.rename(launcher)


def _rehearse(launcher: Path, environ: Mapping[str, str], say: Say) -> None:
    """Fill the archive of classes; without it the server works the same and starts more slowly."""
    filled = launcher / "filling.jsa"
    script = launcher / _NOT_REHEARSED
    server = TimeSkippingServer(script, settable_clock=True, source="Maven artifact")
    running = start_test_server(server=server, environ={**environ, "CLASS_ARCHIVE_AT_EXIT": str(filled)})
    try:
        rehearsed = run_with_progress(
            [sys.executable, "-m", "countersign.adapters.temporal_rehearsal", running.target],
            "rehearsing with the time-skipping Temporal server, so that it starts faster",
            say=say,
            environ=environ,
        )
    finally:
        running.stop()
    if rehearsed.code == 0 and filled.exists():
        filled.rename(launcher / "at.jsa")
    else:
        filled.unlink(missing_ok=True)
        say(f'the rehearsal ended with "{rehearsed.reason()}"; the test server will start more slowly')
    script.rename(launcher / "serve")


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, server: TimeSkippingServer) -> None:
    deadline = time.monotonic() + _ANSWER_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise NoTemporalServer(
                f"The test server {server} stopped at its start with exit code {process.returncode}: run it"
                f" by hand with the argument {port} to see why."
            )
        with closing(socket.socket()) as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise NoTemporalServer(f"The test server {server} did not answer within {_ANSWER_SECONDS:.0f} seconds.")


def _launcher_dir(environ: Mapping[str, str]) -> Path:
    """Name the launcher after what makes it, so that a change of either makes a new one."""
    made_from = hashlib.sha256(_source() + _SCRIPT.encode() + _JAVA_OPTIONS.encode() + _POM.encode())
    return cache_dir(environ) / f"test-server-{VERSION}" / f"at-{made_from.hexdigest()[:12]}"


def _source() -> bytes:
    return (files("countersign.adapters") / "java" / "At.java").read_bytes()


def _downloaded(environ: Mapping[str, str]) -> Path:
    return cache_dir(environ) / "bin" / "temporal-test-server"


def _program(name: str, environ: Mapping[str, str]) -> Path | None:
    """Find a program of the JDK in JAVA_HOME first, as the launcher does, else on PATH."""
    home = environ.get("JAVA_HOME")
    if home and os.access(Path(home) / "bin" / name, os.X_OK):
        return Path(home) / "bin" / name
    found = shutil.which(name, path=environ.get("PATH", ""))
    return Path(found) if found else None


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
