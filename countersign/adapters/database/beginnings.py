"""The beginning of a case: the first event of its chain, and the order to start its process."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.tables import Case, Outbox
from countersign.domain.evidence import EventKind
from countersign.ids import new_id


def begin_case(
    session: Session,
    evidence: EvidenceLog,
    case: Case,
    started: datetime,
    actor: Mapping[str, Any],
    body: Mapping[str, Any],
    due_at: datetime,
) -> None:
    """Begin the chain of a case at the case's time, and let its process start at `due_at`, in real time."""
    evidence.append(session, case, "case.started", started, EventKind.CASE_STARTED, actor, body)
    session.add(
        Outbox(
            id=new_id(), kind="start_case", subject=f"start/{case.id}", body={"case": case.id}, due_at=due_at
        )
    )
