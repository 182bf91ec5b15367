"""What people note on a case: on its chain, sealed, while it runs and after it has closed."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from countersign.adapters.database.cases import case_now
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.manual_evidence import CaseErased
from countersign.adapters.database.tables import Case
from countersign.domain.evidence import EventKind, Sealed


class Comments:
    """Takes in comments. A comment is no act and moves nothing."""

    def __init__(self, database: Database, evidence: EvidenceLog, clock: Callable[[], datetime]) -> None:
        self._database, self._evidence, self._clock = database, evidence, clock

    def add(self, comment_id: str, case_id: str, text: str, actor: Mapping[str, Any]) -> bool:
        """Put a comment on the case's chain; False when this one stands there already.

        Raises `CaseErased` for a case whose personal values were erased: what is written now would stay.
        """

        def keep(session: Session) -> bool:
            if self._evidence.count(session, case_id, EventKind.DISCLOSURE_ERASED):
                raise CaseErased("case: its personal values were erased; nothing can be noted on it any more")
            case = session.get_one(Case, case_id)
            at = case_now(case, self._clock())
            body = {"text": Sealed(text)}
            kind = EventKind.COMMENT_ADDED
            return self._evidence.append(session, case, f"comment/{comment_id}", at, kind, actor, body)

        return self._database.write(keep)
