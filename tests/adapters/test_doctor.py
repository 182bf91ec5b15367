"""What the doctor sees, and that it says what to do."""

import os
import socket
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from countersign.adapters.doctor import Check, examine, network_filesystem

NOVEMBER = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
LOCAL = "/dev/vda / ext4 rw 0 0\n"


def test_a_sound_machine_is_found_sound_quickly(tmp_path: Path) -> None:
    begun = time.monotonic()
    checks = _examined(tmp_path)
    assert [check.name for check in checks if not check.ok] == []
    assert time.monotonic() - begun < 2


def test_the_source_of_the_temporal_server_is_told(tmp_path: Path) -> None:
    check = _examined(tmp_path, environ={"TEMPORAL_ADDRESS": "cluster.example:7233"})["Temporal server"]
    assert (check.ok, check.detail) == (True, "cluster.example:7233 (TEMPORAL_ADDRESS)")


def test_without_a_server_and_without_go_the_remedy_is_told(tmp_path: Path) -> None:
    environ = {"PATH": str(tmp_path), "COUNTERSIGN_CACHE_DIR": str(tmp_path / "cache")}
    checks = _examined(tmp_path, environ=environ)
    assert not checks["Temporal server"].ok
    assert "install Go" in checks["Temporal server"].remedy
    assert not (tmp_path / "cache").exists(), "the doctor only looks"
    assert checks["time-skipping server"].ok, "only tests need it"
    assert "java" in checks["time-skipping server"].detail


def test_a_server_that_the_first_start_will_build_is_no_fault(tmp_path: Path) -> None:
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\nexit 1\n")
    go.chmod(0o755)
    environ = {"PATH": str(tmp_path), "COUNTERSIGN_CACHE_DIR": str(tmp_path / "cache")}
    check = _examined(tmp_path, environ=environ)["Temporal server"]
    assert check.ok
    assert "about 3 minutes" in check.remedy


def test_a_wrong_variable_is_told_with_its_name(tmp_path: Path) -> None:
    check = _examined(tmp_path, environ={"TEMPORAL_CLI": str(tmp_path / "gone")})["Temporal server"]
    assert not check.ok
    assert "TEMPORAL_CLI" in check.detail


def test_a_taken_port_is_named_with_its_purpose(tmp_path: Path) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        check = _examined(tmp_path, ports={"the console": port})[f"port {port}"]
    assert (check.ok, check.detail) == (False, "taken, and needed for the console")


def test_a_data_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    check = _examined(tmp_path / "data")["data directory"]
    assert not check.ok
    assert "COUNTERSIGN_DATA_DIR" in check.remedy


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs"])
def test_a_data_directory_on_a_network_file_system_is_refused(tmp_path: Path, kind: str) -> None:
    mounts = f"{LOCAL}server:/share {tmp_path} {kind} rw 0 0\n"
    check = _examined(tmp_path / "data", mounts=mounts)["file system"]
    assert not check.ok
    assert kind in check.detail


@pytest.mark.parametrize(
    ("mounts", "kind"),
    [
        (f"{LOCAL}server:/share /mnt nfs rw 0 0\n", None),
        ("overlay / fuse.fuse-overlayfs rw 0 0\n", None),
        (f"{LOCAL}server:/share /srv nfs rw 0 0\n/dev/vdb /srv/data ext4 rw 0 0\n", None),
        (f"{LOCAL}/dev/vdb /srv/data ext4 rw 0 0\nserver:/share /srv/data nfs4 rw 0 0\n", "nfs4"),
        (f"{LOCAL}server:/share /srv/dat nfs rw 0 0\n", None),
        ("", None),
    ],
)
def test_only_the_mount_that_holds_the_directory_counts(mounts: str, kind: str | None) -> None:
    assert network_filesystem(Path("/srv/data/countersign"), mounts) == kind


def test_a_mount_point_with_a_blank_is_recognised() -> None:
    mounts = LOCAL + "server:/share /srv/our\\040data nfs rw 0 0\n"
    assert network_filesystem(Path("/srv/our data/countersign"), mounts) == "nfs"


def test_a_clock_behind_the_data_is_told(tmp_path: Path) -> None:
    written = tmp_path / "countersign.db"
    written.write_text("")
    later = datetime(2026, 11, 25, tzinfo=UTC).timestamp()
    os.utime(written, (later, later))
    check = _examined(tmp_path)["clock"]
    assert not check.ok
    assert "2026-11-25T00:00:00+00:00" in check.detail


def test_a_clock_before_the_release_is_told(tmp_path: Path) -> None:
    check = _examined(tmp_path, now=datetime(1970, 1, 2, tzinfo=UTC))["clock"]
    assert not check.ok
    assert "before this release" in check.detail


def test_a_zone_that_the_machine_does_not_know_is_told(tmp_path: Path) -> None:
    check = _examined(tmp_path, zone="Asia/Atlantis")["time zone"]
    assert (check.ok, "tzdata" in check.remedy) == (False, True)


@pytest.mark.parametrize(
    ("now", "known", "ok"),
    [
        (NOVEMBER, {2026, 2027}, True),
        (NOVEMBER, {2026}, True),
        (DECEMBER, {2026}, False),
        (DECEMBER, {2026, 2027}, True),
        (NOVEMBER, {2027}, False),
        # In Shanghai it is the new year already.
        (datetime(2026, 12, 31, 16, 0, tzinfo=UTC), {2027}, True),
    ],
)
def test_next_years_calendar_is_missed_from_december_on(
    tmp_path: Path, now: datetime, known: set[int], ok: bool
) -> None:
    check = _examined(tmp_path, now=now, published=known.__contains__)["working-day calendar"]
    assert check.ok is ok


def test_a_calendar_that_is_not_out_yet_is_told_even_while_it_is_no_fault(tmp_path: Path) -> None:
    check = _examined(tmp_path, published={2026}.__contains__)["working-day calendar"]
    assert "2027" in check.detail
    assert "provisional" in check.detail
    assert "import calendar" in check.remedy


class _Checks(list[Check]):
    """The checks, also by name."""

    def __getitem__(self, name: str) -> Check:  # type: ignore[override]
        return next(check for check in self if check.name == name)


def _examined(
    data_dir: Path,
    *,
    environ: dict[str, str] | None = None,
    ports: dict[str, int] | None = None,
    now: datetime = NOVEMBER,
    mounts: str = LOCAL,
    zone: str = "Asia/Shanghai",
    published: Callable[[int], bool] = {2026, 2027}.__contains__,
) -> _Checks:
    return _Checks(
        examine(
            data_dir=data_dir,
            ports=ports or {},
            calendar_published=published,
            zone=zone,
            environ={"TEMPORAL_ADDRESS": "cluster.example:7233"} if environ is None else environ,
            now=now,
            mounts=mounts,
        )
    )
