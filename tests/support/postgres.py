"""A throwaway PostgreSQL cluster: Debian's binaries, a folder of its own, one copy of the schema per test."""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from countersign.adapters.database.engine import Database
from countersign.ids import new_id
from tests.support.schema import lay_out_anew

MISSING = "no PostgreSQL here: install Debian's package postgresql to run this"
_DEBIAN = Path("/usr/lib/postgresql")
_USER = "postgres"
_PATIENCE_S = 30
_TEMPLATE = "migrated"
# Nothing here outlives the session, so nothing waits for a disk. Two stacks and a pool a thread fit.
_OPTIONS = {
    "listen_addresses": "",
    "max_connections": "200",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "64MB",
}
_MEMORY = Path("/dev/shm")
_ROOM = 512 * 2**20
_PR_SET_PDEATHSIG = 1


def binaries() -> Path | None:
    """Return the folder of `initdb` and `postgres`, the newest release; None without it or a user for it."""
    if os.geteuid() == 0 and not _has_user():
        return None
    debian = sorted(_DEBIAN.glob("*/bin"), key=lambda folder: float(folder.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    places = [*debian, *([Path(on_path).parent] if on_path else [])]
    return next((p for p in places if (p / "initdb").exists() and (p / "postgres").exists()), None)


class Cluster:
    """One running server that is reached over a socket in its own folder, so that no port can be taken."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._admin: Engine = create_engine(
            self.url("postgres").replace("postgresql:", "postgresql+psycopg:", 1),
            isolation_level="AUTOCOMMIT",
        )

    def url(self, name: str) -> str:
        """Return the URL of one of its databases, as an installation would set it."""
        return f"postgresql://{_USER}@/{name}?host={self._folder}"

    def make_template(self) -> None:
        """Migrate the database that every fresh one is a copy of."""
        self._say(f"CREATE DATABASE {_TEMPLATE}")
        database = Database(self.url(_TEMPLATE))
        lay_out_anew(database)
        database.close()

    @contextmanager
    def fresh(self, *, migrated: bool = True) -> Iterator[str]:
        """Yield the URL of a new database, and drop it with whoever is still connected."""
        name = f"test_{new_id().lower()}"
        # A copy of files costs half of what a copy through the log does, for a schema of this size.
        self._say(
            f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE if migrated else 'template0'} STRATEGY FILE_COPY"
        )
        try:
            yield self.url(name)
        finally:
            self._say(f"DROP DATABASE {name} WITH (FORCE)")

    def wait_until_it_answers(self, server: subprocess.Popen[bytes]) -> None:
        """Return when a statement gets through; raises `RuntimeError` with the end of its log otherwise."""
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline and server.poll() is None:
            try:
                self._say("SELECT 1")
            except OperationalError:
                time.sleep(0.02)
            else:
                return
        log = (self._folder / "log").read_text("utf-8", "replace")
        raise RuntimeError(f"PostgreSQL did not start:\n{log[-2000:]}")

    def close(self) -> None:
        """Give the connection back."""
        self._admin.dispose()

    def _say(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.execute(text(statement))


@contextmanager
def cluster(programs: Path) -> Iterator[Cluster]:
    """Yield a running cluster that holds the migrated schema; nothing of it is left at the end."""
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir=place()))
    owner = _owner(folder)
    try:
        _initialise(programs, folder, owner)
        server = _start(programs, folder, owner)
        made = Cluster(folder)
        try:
            made.wait_until_it_answers(server)
            made.make_template()
            yield made
        finally:
            made.close()
            server.send_signal(signal.SIGQUIT)
            server.wait(_PATIENCE_S)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _initialise(programs: Path, folder: Path, owner: dict[str, Any]) -> None:
    # Sorted as a language sorts, like most installations: code that relies on the order of bytes fails here.
    order = ("--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US")
    done = subprocess.run(
        [
            programs / "initdb",
            "-D",
            folder / "data",
            "-U",
            _USER,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
            *order,
        ],
        capture_output=True,
        text=True,
        check=False,
        **owner,
    )
    if done.returncode != 0:
        raise RuntimeError(f"initdb failed:\n{done.stderr[-2000:]}")


def _start(programs: Path, folder: Path, owner: dict[str, Any]) -> subprocess.Popen[bytes]:
    options = [word for name, value in _OPTIONS.items() for word in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [programs / "postgres", "-D", folder / "data", "-k", folder, *options],
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_end_with_parent,
            **owner,
        )


def _end_with_parent() -> None:
    """Ask the kernel to end the server when the tests are killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


def _owner(folder: Path) -> dict[str, Any]:
    """Return as whom the programs run: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return {"cwd": folder}
    shutil.chown(folder, _USER, _USER)
    return {"cwd": folder, "user": _USER, "group": _USER, "extra_groups": []}


def _has_user() -> bool:
    try:
        pwd.getpwnam(_USER)
    except KeyError:
        return False
    return True


def place() -> Path:
    """Return where files go that no test outlives: memory with room, where nothing waits, or a disk."""
    if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM:
        return _MEMORY
    usual = Path(tempfile.gettempdir())
    # The path of a socket may have about a hundred bytes.
    return usual if len(str(usual)) < 60 else Path("/tmp")
