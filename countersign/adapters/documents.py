"""The files of the installation: each lies under the SHA-256 of its bytes, written whole or not at all."""

import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SETTLES_S = 300
"""Longer than anybody takes from keeping a file to committing the row that names it."""


class Documents:
    """A folder of files by their hash; rows say whose they are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, sha256: str) -> Path:
        """Return where a file of this hash lies, or would lie."""
        return self.folder / sha256[:2] / sha256

    def read(self, sha256: str) -> bytes:
        """Return a file; raises `FileNotFoundError`."""
        return self.path(sha256).read_bytes()

    def keep(self, data: bytes) -> str:
        """Keep a file, safe from a power cut; return its hash. The same bytes again only make it young."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.path(sha256)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _alone_in(path.parent):
            if path.exists():
                os.utime(path)
                return sha256
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
            try:
                with os.fdopen(handle, "wb") as out:
                    out.write(data)
                    out.flush()
                    os.fsync(out.fileno())
                os.replace(temporary, path)
                _sync_folder(path.parent)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        return sha256

    def drop(self, sha256: str) -> bool:
        """Remove a file; False for one kept within the last minutes, whose row may be on its way."""
        path = self.path(sha256)
        if not path.exists():
            return True
        with _alone_in(path.parent):
            if path.exists() and time.time() - path.stat().st_mtime < _SETTLES_S:
                return False
            path.unlink(missing_ok=True)
            _sync_folder(path.parent)
        return True


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Let one at a time keep or remove files of a folder, among the threads and processes of a machine."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    """Make a new name in a folder outlast a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
