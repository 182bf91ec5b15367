"""The folder in which Temporal's servers are kept, and how one gets into it: once, visibly, or not at all."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

Say = Callable[[str], None]
"""Takes one line of progress, without its line end."""

_PROGRESS_SECONDS = 5.0
_DOWNLOAD_STALLED_SECONDS = 20.0
_POLL_SECONDS = 0.1
_REASON_LENGTH = 300


class NoTemporalServer(RuntimeError):
    """No Temporal server could be had or started; the message is one sentence that holds the remedy."""


class ServerKind(StrEnum):
    """The two servers that the SDK knows how to download."""

    DEV = "dev"
    TIME_SKIPPING = "time-skipping"


class Download(Protocol):
    """Puts the server of a kind at a path and tells whether it did."""

    def __call__(self, kind: ServerKind, into: Path, say: Say) -> bool:
        """Return False when the server could not be downloaded; never raise for that."""


@dataclass(frozen=True)
class Finished:
    """How a long command ended: its exit code and the lines it wrote that are not blank."""

    code: int
    lines: tuple[str, ...]

    def reason(self, mark: str = "") -> str:
        """Return the first line that holds `mark`, else the last line, cut to fit into a sentence."""
        marked = [line for line in self.lines if mark and mark in line]
        line = (marked[:1] or list(self.lines[-1:]) or ["no message"])[0]
        return line if len(line) <= _REASON_LENGTH else line[: _REASON_LENGTH - 1] + "…"


def say_on_stderr(line: str) -> None:
    """Write one line of progress where it does not mix with a command's result."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def cache_dir(environ: Mapping[str, str]) -> Path:
    """Return COUNTERSIGN_CACHE_DIR, else `countersign` in the user's cache folder; it need not exist yet."""
    chosen = environ.get("COUNTERSIGN_CACHE_DIR")
    if chosen:
        return Path(chosen).expanduser().absolute()
    base = environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "countersign"


@contextmanager
def scratch_in(cache: Path) -> Iterator[Path]:
    """Give a temporary folder on the cache's file system, so that a finished server moves in atomically."""
    with tempfile.TemporaryDirectory(prefix=".building-", dir=cache) as scratch:
        yield Path(scratch)


@contextmanager
def only_one_process(cache: Path, server: str, say: Say) -> Iterator[None]:
    """Hold the lock under which `server` is put into the cache; wait, with progress, while another holds it.

    Raises:
        NoTemporalServer: the cache folder cannot be written.
    """
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock = (cache / f".{server.lower().replace(' ', '-')}.lock").open("a")
    except OSError as error:
        raise NoTemporalServer(
            f"The cache folder {cache} cannot be written ({error.strerror}): make it writable, or set"
            " COUNTERSIGN_CACHE_DIR to a folder that is."
        ) from error
    with lock:
        progress = _Progress(f"another process is getting the {server}, waiting for it", say, at_once=False)
        while not _try_lock(lock.fileno()):
            progress.tick()
            time.sleep(_POLL_SECONDS)
        yield


def run_with_progress(
    command: Sequence[str],
    doing: str,
    *,
    say: Say,
    environ: Mapping[str, str],
    cwd: Path | None = None,
    stalled: Callable[[], bool] = lambda: False,
) -> Finished:
    """Run `command` to its end while saying `doing` and the time elapsed every few seconds.

    `stalled` is asked several times a second; once it answers True the command and its children are killed.
    They are killed as well when this call is interrupted.
    """
    progress = _Progress(doing, say, at_once=True)
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        process = subprocess.Popen(  # noqa: S603 - the callers' own commands
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environ),
            cwd=cwd,
            start_new_session=True,
        )
        try:
            while process.poll() is None and not stalled():
                progress.tick()
                time.sleep(_POLL_SECONDS)
        finally:
            kill_session(process)
        output.seek(0)
        return Finished(process.returncode, lines_of(output.read()))


def kill_session(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of a process that leads its own session, and collect it."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        # macOS answers "not permitted" for a session whose only member is a zombie.
        pass
    process.wait()


def lines_of(text: str) -> tuple[str, ...]:
    """Return the lines that are not blank, without the blanks around them."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def download_by_sdk(kind: ServerKind, into: Path, say: Say) -> bool:
    """Let the Temporal SDK download its server and move it to `into`; give up when nothing arrives for 20 s.

    The SDK works in a process of its own: a failed start can crash the interpreter while it shuts down.
    """
    with scratch_in(into.parent) as scratch:
        finished = run_with_progress(
            [sys.executable, "-m", "countersign.adapters.sdk_download", kind, str(scratch)],
            f"downloading Temporal's {kind} server, first time only",
            say=say,
            environ=os.environ,
            stalled=_NothingArrives(scratch),
        )
        executables = [file for file in scratch.iterdir() if file.is_file() and os.access(file, os.X_OK)]
        if finished.code != 0 or len(executables) != 1:
            say(f"the download of Temporal's {kind} server did not work: {finished.reason()}")
            return False
        os.replace(executables[0], into)
        return True


def executable_named_by(variable: str, environ: Mapping[str, str]) -> Path | None:
    """Return the program that an environment variable names, or None when it is unset or empty.

    Raises:
        NoTemporalServer: it names something that cannot be run.
    """
    value = environ.get(variable)
    if not value:
        return None
    found = shutil.which(Path(value).expanduser(), path=environ.get("PATH"))
    if found is None:
        raise NoTemporalServer(
            f"{variable} names {value}, which is not a program that can be run: correct the path or unset"
            f" {variable}."
        )
    return Path(found).absolute()


class _Progress:
    """Says a line with the time elapsed, at most once in five seconds."""

    def __init__(self, doing: str, say: Say, *, at_once: bool) -> None:
        self._doing, self._say = doing, say
        self._started = time.monotonic()
        self._said = self._started
        if at_once:
            say(f"{doing} …")

    def tick(self) -> None:
        now = time.monotonic()
        if now - self._said < _PROGRESS_SECONDS:
            return
        self._said = now
        minutes, seconds = divmod(int(now - self._started), 60)
        self._say(f"{self._doing}, {minutes}:{seconds:02d} elapsed …")


class _NothingArrives:
    """Answers True once the files in a folder have not grown for twenty seconds."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._size = 0
        self._grew = time.monotonic()

    def __call__(self) -> bool:
        size = sum(_size(file) for file in self._folder.rglob("*"))
        if size != self._size:
            self._size, self._grew = size, time.monotonic()
        return time.monotonic() - self._grew > _DOWNLOAD_STALLED_SECONDS


def _size(file: Path) -> int:
    try:
        return file.lstat().st_size
    except FileNotFoundError:
        # The download renames its partial file while it is being counted.
        return 0


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
