"""What this machine lacks for Countersign, each with its remedy; looks only, and starts nothing."""

import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from countersign.adapters.server_cache import NoTemporalServer
from countersign.adapters.temporal_server import look_for_dev_server, port_is_free
from countersign.adapters.temporal_test_server import look_for_test_server

_NETWORK_FILESYSTEMS = ("nfs", "cifs", "smb", "sshfs", "fuse.")
# Rootless containers lay their local root over this one.
_LOCAL_AFTER_ALL = ("fuse.fuse-overlayfs",)
_OLDEST_PYTHON, _FIRST_PYTHON_TOO_NEW = (3, 11), (3, 14)
_OLDEST_SQLITE = (3, 35, 0)
_NEEDED_BYTES = 1_000_000_000
_EARLIEST_BELIEVABLE = datetime(2026, 1, 1, tzinfo=UTC)
_NOTICE_OUT_BY_MONTH = 12


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: what was seen and, where something is to be done, what."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


def examine(
    *,
    data_dir: Path,
    ports: Mapping[str, int],
    calendar_published: Callable[[int], bool],
    zone: str = "Asia/Shanghai",
    environ: Mapping[str, str] | None = None,
    now: datetime | None = None,
    mounts: str | None = None,
) -> list[Check]:
    """Look at everything `up` needs, in the order in which a reader would repair it.

    `ports` map what listens to its port; `calendar_published` tells whether a year's working days are known
    here; `zone` is the branches' IANA zone. `environ`, `now` (aware) and `mounts` (the text of /proc/mounts)
    default to this process's. A check that only informs is always ok; it may still carry a remedy.
    """
    environ = os.environ if environ is None else environ
    now = now or datetime.now(UTC)
    mounts = _mounts() if mounts is None else mounts
    return [
        _python(sys.version_info[:3]),
        _sqlite(sqlite3.sqlite_version),
        _writable(data_dir),
        _local(data_dir, mounts),
        _space(data_dir),
        *(_port(purpose, port) for purpose, port in ports.items()),
        _dev_server(environ),
        _test_server(environ),
        _clock(data_dir, now),
        *_zone_and_calendar(zone, now, calendar_published),
    ]


def network_filesystem(path: Path, mounts: str | None = None) -> str | None:
    """Return the type of the network file system that holds `path` (it need not exist), or None.

    SQLite's locks cannot be relied on there. `mounts` is the text of /proc/mounts; where there is none
    (macOS), the answer is None.
    """
    real = path.absolute().resolve()
    holder, kind = Path("/"), ""
    for line in (_mounts() if mounts is None else mounts).splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = Path(_unescaped(fields[1]))
        # A later mount on the same point hides the earlier one.
        if real.is_relative_to(point) and len(point.parts) >= len(holder.parts):
            holder, kind = point, fields[2]
    if kind.startswith(_NETWORK_FILESYSTEMS) and kind not in _LOCAL_AFTER_ALL:
        return kind
    return None


def _python(version: Sequence[int]) -> Check:
    ok = _OLDEST_PYTHON <= tuple(version[:2]) < _FIRST_PYTHON_TOO_NEW
    return _check("Python", ok, ".".join(map(str, version)), "use Python 3.11, 3.12 or 3.13")


def _sqlite(version: str) -> Check:
    ok = tuple(int(part) for part in version.split(".")) >= _OLDEST_SQLITE
    return _check("SQLite", ok, version, "use a Python that is linked with SQLite 3.35 or later")


def _writable(data_dir: Path) -> Check:
    place = _nearest_existing(data_dir)
    ok = place.is_dir() and os.access(place, os.W_OK | os.X_OK)
    shown = f"{data_dir} can be written" if ok else f"{place} is not a folder that can be written"
    return _check(
        "data directory", ok, shown, "make it writable, or set COUNTERSIGN_DATA_DIR to another folder"
    )


def _local(data_dir: Path, mounts: str) -> Check:
    kind = network_filesystem(data_dir, mounts)
    return _check(
        "file system",
        kind is None,
        f"{data_dir} is on a network file system ({kind})" if kind else f"{data_dir} is on a local disk",
        "set COUNTERSIGN_DATA_DIR to a folder on a local disk: SQLite's locks do not hold over a network",
    )


def _space(data_dir: Path) -> Check:
    free = shutil.disk_usage(_nearest_existing(data_dir)).free
    return _check(
        "free disk", free >= _NEEDED_BYTES, f"{free / 1e9:.1f} GB free", "make room: at least 1 GB is needed"
    )


def _port(purpose: str, port: int) -> Check:
    free = port_is_free(port)
    return _check(
        f"port {port}",
        free,
        f"free for {purpose}" if free else f"taken, and needed for {purpose}",
        "stop what listens there (perhaps Countersign itself runs already), or choose another port",
    )


def _dev_server(environ: Mapping[str, str]) -> Check:
    name = "Temporal server"
    try:
        found = look_for_dev_server(environ)
    except NoTemporalServer as error:
        return Check(name, False, str(error), "correct the variable or unset it")
    if found:
        return Check(name, True, str(found))
    if shutil.which("go", path=environ.get("PATH", "")):
        return Check(
            name,
            True,
            "not here yet",
            "nothing: the first start downloads it, or builds it in about 3 minutes",
        )
    return Check(
        name,
        False,
        "not here, and no Go to build it with should its download not work",
        "put Temporal's CLI on PATH, or install Go, or name a running cluster in TEMPORAL_ADDRESS",
    )


def _test_server(environ: Mapping[str, str]) -> Check:
    name = "time-skipping server"
    try:
        found = look_for_test_server(environ, settable_clock=True)
    except NoTemporalServer as error:
        return Check(name, True, str(error))
    if found:
        return Check(name, True, str(found))
    missing = [
        tool for tool in ("java", "javac", "mvn") if not shutil.which(tool, path=environ.get("PATH", ""))
    ]
    if missing:
        return Check(
            name,
            True,
            f"not here ({', '.join(missing)} missing); only tests need it",
            "install a JDK and Maven before running the tests",
        )
    return Check(name, True, "not here yet; the first run of the tests fetches it")


def _clock(data_dir: Path, now: datetime) -> Check:
    """Compare the clock with this release and with the newest file in the data directory."""
    newest = max((file.stat().st_mtime for file in _files(data_dir)), default=0.0)
    written = datetime.fromtimestamp(newest, UTC)
    # A file written while we look may seem a moment newer than `now`.
    if now >= _EARLIEST_BELIEVABLE and written <= now + timedelta(minutes=5):
        return Check("clock", True, now.isoformat(timespec="seconds"))
    against = (
        f"but the data directory was written at {written.isoformat(timespec='seconds')}"
        if now >= _EARLIEST_BELIEVABLE
        else "which is before this release was made"
    )
    return Check(
        "clock",
        False,
        f"it shows {now.isoformat(timespec='seconds')}, {against}",
        "set the machine's clock, best by NTP: due dates are counted from it",
    )


def _zone_and_calendar(zone: str, now: datetime, calendar_published: Callable[[int], bool]) -> list[Check]:
    try:
        local = now.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError):
        return [
            Check("time zone", False, f"{zone} is not known here", "install the system's tzdata package"),
        ]
    shown = Check("time zone", True, f"{zone} is {local.isoformat(timespec='minutes')} now")
    return [shown, _calendar(local, calendar_published)]


def _calendar(today: datetime, published: Callable[[int], bool]) -> Check:
    """Ask for this year and the next; the State Council's notice for the next year comes in November."""
    name = "working-day calendar"
    missing = [year for year in (today.year, today.year + 1) if not published(year)]
    if not missing:
        return Check(name, True, f"{today.year} and {today.year + 1} are here")
    years = " and ".join(map(str, missing))
    return Check(
        name,
        missing == [today.year + 1] and today.month < _NOTICE_OUT_BY_MONTH,
        f"{years} not here: due dates that fall into it are provisional",
        "once the State Council's notice is out: countersign import calendar FILE",
    )


def _check(name: str, ok: bool, detail: str, remedy: str) -> Check:
    return Check(name, ok, detail, "" if ok else remedy)


def _nearest_existing(path: Path) -> Path:
    absolute = path.absolute()
    return next(place for place in (absolute, *absolute.parents) if place.exists())


def _files(folder: Path) -> list[Path]:
    return [file for file in folder.iterdir() if file.is_file()] if folder.is_dir() else []


def _mounts() -> str:
    try:
        return Path("/proc/mounts").read_text()
    except OSError:
        return ""


def _unescaped(field: str) -> str:
    """Undo the octal escapes with which /proc/mounts writes blanks in a path."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        field = field.replace(code, character)
    return field
