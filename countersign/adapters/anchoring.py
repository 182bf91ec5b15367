"""The job that anchors: it states which chains have grown, has that stamped, and writes it to a file."""

import fcntl
import logging
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from countersign.adapters.database.anchors import AnchorBook
from countersign.adapters.database.cases import raise_alarm_once
from countersign.adapters.database.engine import Database
from countersign.adapters.timestamps import Authority, NoTimestamp
from countersign.domain.anchors import read_line

_BLOCK = 64 * 1024
_TOLD_EVERY = timedelta(days=1)
log = logging.getLogger("countersign.anchoring")


class FileDiffers(RuntimeError):
    """The anchor file ends otherwise than the database says."""


class Anchoring:
    """Makes anchors and writes them to the file; several processes may do it at once."""

    def __init__(
        self,
        database: Database,
        book: AnchorBook,
        file: Path,
        authority: Authority | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._book, self._file = database, book, file
        self._authority, self._clock = authority, clock

    def run(self) -> bool:
        """Anchor what has grown; say whether there was anything. The file gets what it lacks, each time.

        An authority that does not answer leaves the anchor without a stamp: the stamp of a later one covers
        it too, since each names the one before it.
        """
        anchor = self._book.draft()
        if anchor is not None and self._authority is not None:
            try:
                anchor = anchor.stamped(self._authority.stamp(anchor.statement))
            except NoTimestamp as away:
                log.warning("anchor %s is kept without a timestamp: %s", anchor.seq, away)
        kept = anchor is not None and self._book.keep(anchor)
        try:
            self._write_out()
        except FileDiffers:
            self._tell("anchors_differ")
        except OSError as error:
            log.warning("the anchor file: %s", error.strerror)
            self._tell("anchors_unwritten")
        return kept

    def _write_out(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("ab+") as out:
            fcntl.flock(out, fcntl.LOCK_EX)
            written = self._written(out)
            while missing := self._book.lines_after(written):
                out.write(b"".join(line.encode() + b"\n" for _, _, line in missing))
                out.flush()
                os.fsync(out.fileno())
                written = missing[-1][0]

    def _written(self, file: BinaryIO) -> int:
        """Return the number of the last anchor in the file, 0 for an empty one."""
        last = _last_line(file)
        if last is None:
            return 0
        try:
            anchor = read_line(last)
        except ValueError:
            raise FileDiffers from None
        if self._book.hash_of(anchor.seq) != anchor.hash:
            raise FileDiffers
        return anchor.seq

    def _tell(self, kind: str) -> None:
        now = self._clock()
        self._database.write(lambda session: raise_alarm_once(session, kind, now, None, _TOLD_EVERY))


def _last_line(file: BinaryIO) -> bytes | None:
    """Return the last line without its line feed, also one that was cut off; None for an empty file."""
    end = file.seek(0, os.SEEK_END)
    tail = b""
    while end > 0 and b"\n" not in tail[:-1]:
        start = max(end - _BLOCK, 0)
        file.seek(start)
        tail = file.read(end - start) + tail
        end = start
    if not tail:
        return None
    whole, feed = tail[:-1], tail[-1:]
    return whole.rpartition(b"\n")[2] + (b"" if feed == b"\n" else feed)
