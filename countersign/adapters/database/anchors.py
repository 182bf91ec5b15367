"""The book of anchors: which heads have been stated when, and what a bundle shows of it."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func
from sqlmodel import Session, col, select

from countersign.adapters.database.engine import Database
from countersign.adapters.database.tables import Anchor as AnchorRow
from countersign.adapters.database.tables import AnchoredHead, EventRow
from countersign.domain.anchors import Anchor, Head, read_line
from countersign.domain.evidence import GENESIS


class AnchorBook:
    """Makes anchors and keeps them, one after the other."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock

    def draft(self) -> Anchor | None:
        """Return the next anchor over all chains that have grown since the last; None when none has."""
        with self._database.reading() as session:
            heads = _grown(session)
            last = _last(session)
        if not heads:
            return None
        at = self._clock().isoformat(timespec="milliseconds")
        return Anchor(last.seq + 1 if last else 1, at, last.hash if last else GENESIS, tuple(heads))

    def keep(self, anchor: Anchor) -> bool:
        """Keep an anchor unless another process has made the next one meanwhile; say whether it is kept."""

        def store(session: Session) -> bool:
            last = _last(session)
            if anchor.prev != (last.hash if last else GENESIS):
                return False
            at = datetime.fromisoformat(anchor.at)
            session.add(AnchorRow(seq=anchor.seq, at=at, hash=anchor.hash, line=anchor.line.decode()))
            session.flush()
            for head in anchor.heads:
                session.add(AnchoredHead(case_id=head.case, length=head.length, anchor_seq=anchor.seq))
            return True

        return self._database.write(store)

    def lines_after(self, seq: int, limit: int = 1000) -> list[tuple[int, str, str]]:
        """Return sequence number, hash and line of the anchors after one, in order."""
        with self._database.reading() as session:
            rows = session.exec(
                select(AnchorRow).where(AnchorRow.seq > seq).order_by(col(AnchorRow.seq)).limit(limit)
            )
            return [(row.seq, row.hash, row.line) for row in rows]

    def hash_of(self, seq: int) -> str | None:
        """Return the hash of an anchor; None when there is none of this number."""
        with self._database.reading() as session:
            row = session.get(AnchorRow, seq)
            return None if row is None else row.hash


def anchors_of(session: Session, case_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return what a bundle carries: a proof for every anchor that covers one of these cases."""
    rows = session.exec(
        select(AnchoredHead.case_id, AnchorRow.line)
        .join(AnchorRow, col(AnchorRow.seq) == col(AnchoredHead.anchor_seq))
        .where(col(AnchoredHead.case_id).in_(case_ids))
    )
    return [read_line(line.encode()).proof(case_id) for case_id, line in rows]


def _last(session: Session) -> AnchorRow | None:
    return session.exec(select(AnchorRow).order_by(col(AnchorRow.seq).desc()).limit(1)).first()


def _grown(session: Session) -> Iterable[Head]:
    """Return the heads of all chains that are longer than when they were last anchored."""
    anchored = (
        select(AnchoredHead.case_id, func.max(AnchoredHead.length).label("length"))
        .group_by(col(AnchoredHead.case_id))
        .subquery()
    )
    reached = (
        select(EventRow.case_id, func.max(EventRow.seq).label("length"))
        .group_by(col(EventRow.case_id))
        .subquery()
    )
    rows = session.exec(
        select(EventRow.case_id, EventRow.seq, EventRow.hash)
        .join(reached, and_(reached.c.case_id == EventRow.case_id, reached.c.length == EventRow.seq))
        .outerjoin(anchored, anchored.c.case_id == EventRow.case_id)
        .where(func.coalesce(anchored.c.length, 0) < EventRow.seq)
    )
    return sorted(Head(case, length, head) for case, length, head in rows)
